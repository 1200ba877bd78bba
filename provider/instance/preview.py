"""What check and diff tell before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.errors import (
    AuthenticationError,
    CloudElementsError,
    NotFoundError,
    RefusedError,
    SpentError,
    text_of,
)
from . import adoption, consent, ownership
from . import events as common
from . import inputs as schema
from .advice import NEW_CODE, advice
from .credentials import (
    Credentials,
    already_sent,
    codes_again,
    refuse_before_create,
    refuse_before_update,
)
from .desired import Desired
from .gaps import is_unknown, known_part
from .journal import Fate
from .markers import MARKERS, Markers
from .metadata import missing, plain_keys, unknown_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api import wire
    from .context import Context
    from .diff import Changes
    from .state import Stored


def judge(
    context: Context, olds: dict[str, Any], news: dict[str, Any], problems: list[str]
) -> tuple[list[str], frozenset[str]]:
    """Return what the platform finds wrong with a program's inputs, and the keys that are plain.

    `olds` are the inputs that the state has, and `problems` what is wrong with the new ones by
    themselves.
    """
    markers = Markers.of(news.get(MARKERS))
    ownership.meet(context, markers)
    context.leftovers.declare(markers)
    element_key, found, known_plain = news.get("element_key"), list[str](), frozenset[str]()
    new = olds.get("element_key") != element_key
    if isinstance(element_key, str) and element_key:
        found, known_plain = _against_metadata(context, olds, news, new=new)
    if not (problems or found) and (not olds or (new and not news.get("adopt"))):
        found = _new_problems(context, news)
    if olds.get("adopt") and news.get("adopt") not in (None, olds["adopt"]):
        context.host.warn(
            "another 'adopt' has no effect on an instance that exists: to take over another one, "
            "declare a resource of another name"
        )
    return found, known_plain


def in_the_elements_words(context: Context, news: dict[str, Any]) -> dict[str, Any]:
    """Return a program's inputs with `events.by` as the element spells it.

    docs: ten exports have `webhooks`, one `webhook`, and requests are documented with either
    (2020-11, 2021-04); whether an element takes the other's is not known.
    """
    events, element_key = news.get(common.FIELD), news.get("element_key")
    if not (isinstance(events, dict) and events.get("by") in common.WEBHOOKS):
        return news
    if not (isinstance(element_key, str) and element_key):
        return news
    try:
        element = context.metadata.element(element_key)
    except CloudElementsError:
        return news  # which has been told
    own = element.default_of(common.VENDOR_TYPE) if element else None
    return news | {common.FIELD: events | {"by": own}} if own in common.WEBHOOKS else news


def _against_metadata(
    context: Context, olds: dict[str, Any], news: dict[str, Any], *, new: bool
) -> tuple[list[str], frozenset[str]]:
    """Return what the element's metadata find wrong, and the keys they know to be plain."""
    element_key = news["element_key"]
    again = codes_again(olds, news) if new else []
    failures = [
        f"{path}: was spent for the old element; a new element needs a new code" for path in again
    ]
    element, problems = _looked_up(context, news, new=new)
    failures += problems
    if element is None:
        return failures, frozenset()
    if new and element.key != element_key:  # docs: GET /elements/{keyOrId} takes ids as well
        failures.append(f"element_key: must be the element's key, '{element.key}'")
    configuration, held = (common.compiled(inputs).get("configuration") for inputs in (news, olds))
    if not new and configuration == held:
        return failures, plain_keys(element)
    waits = not (olds or _made(context, news)) and consent.waits(context, element, news)
    failures += missing(
        element, news, new=new, consent="" if waits else consent.way(context), before=olds
    )
    if waits:
        context.host.note(consent.awaiting(context, news))
    if isinstance(configuration, dict):
        for warning in unknown_keys(element, configuration):
            context.host.warn(warning)
    return failures, plain_keys(element)


def _looked_up(
    context: Context, news: Mapping[str, Any], *, new: bool
) -> tuple[wire.Element | None, list[str]]:
    """Return an element's metadata, where they can be had, and what is wrong with its key.

    Where an instance of it lives, it may have been retired: its instances still work.
    """
    element_key = news["element_key"]
    try:
        return context.metadata.element(element_key), []
    except NotFoundError as error:
        if not new or news.get("adopt"):
            context.host.warn(
                f"{text_of(error)}, so the inputs are not checked before they are sent"
            )
            return None, []
        similar = context.metadata.similar(element_key)
        return None, [f"element_key: {text_of(error)}{similar}"]
    except AuthenticationError as error:
        return None, [f"{text_of(error)}: {advice(error)}"]


def _made(context: Context, news: Mapping[str, Any]) -> bool:
    """Tell whether it has an instance: what is replaced by hand shows no old inputs."""
    markers = Markers.of(news.get(MARKERS))
    last = context.history.last(markers) if markers else None
    return last is not None and last.fate is Fate.MADE


def _new_problems(context: Context, news: dict[str, Any]) -> list[str]:
    """Return what is wrong with a new resource's `adopt` or code; say which instance is adopted."""
    if is_unknown({key: news.get(key) for key in ("element_key", "name", "tags", MARKERS)}):
        return []
    desired = Desired.of(schema.inputs_of(known_part(news)))
    named, markers = desired.inputs.adopt, desired.markers
    try:
        if not named:
            refuse_before_create(desired.credentials, markers, context.claims)
            return []
        instance = adoption.adoptee(context, desired, named)
    except SpentError as error:
        return [f"code: {error}: {advice(error)}"]
    except RefusedError as error:
        return [f"adopt: {error}"]
    except CloudElementsError:
        return []  # the create will tell
    marker = markers.instance if markers else ""
    if context.claims.owns(instance.id) or not context.claims.meant_by(instance.id, marker):
        return [f"adopt: instance {instance.id} is another resource's already: correct it"]
    changes = adoption.effects(desired, instance)
    tell = context.host.warn if changes else context.host.note
    tell(
        f"adopts instance {instance.id}, '{instance.name}', instead of creating one"
        + "".join(f", {change}" for change in changes)
    )
    return []


def moved(context: Context, stored: Stored, news: dict[str, Any], *, replaces: bool) -> bool:
    """Tell whether the platform has another address than the state remembers, and say so.

    Raises:
        RefusedError: It is another platform, or may be one and the new instance would come first.
    """
    home = ownership.home_of(context, stored)
    if home == context.address or not (home or replaces):
        return False
    ownership.make_sure(context, stored, news)
    if home:
        context.host.note(
            f"instance {stored.instance_id} is the one of {home}, as its marker shows: the state "
            f"remembers {context.address} from now on"
        )
    return bool(home)


def warn_of_spent(context: Context, news: Mapping[str, Any], changes: Changes) -> None:
    """Say that a new code is none: it was sent for this or another resource, or was refused."""
    if not changes.credentials:
        if changes.replayed:
            context.host.warn(f"{already_sent()}: {NEW_CODE}, or take it out")
        return
    try:
        credentials = Credentials(changes.credentials)
        refuse_before_update(credentials, Markers.of(news.get(MARKERS)), context.history)
    except SpentError as error:
        context.host.warn(f"{error}: {NEW_CODE}, or take it out")


def tell_disabled(
    context: Context, stored: Stored, news: Mapping[str, Any], *, authenticates: bool
) -> None:
    """Say what becomes of an instance that is disabled where the program does not say."""
    id_ = stored.instance_id
    if not stored.outputs.get("disabled") or news.get("disabled") is not None:
        return
    if authenticates:
        context.host.note(f"enables instance {id_} as well, which is disabled on the platform")
    else:
        context.warn_of_disabled(id_, stored.name)
