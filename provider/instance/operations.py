"""The life of an element instance: configure, check, diff, create, read, update, delete."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    UpdateResult,
)

from provider import config
from provider.api import wire
from provider.api.errors import (
    APIError,
    AuthenticationError,
    CloudElementsError,
    ConfigError,
    NotFoundError,
    Outcome,
    RateLimitError,
    RefusedError,
    SpentError,
    StrangerError,
    TooLargeError,
    advice,
    told,
)
from provider.doors import dynamic
from provider.instance import adoption, creation
from provider.instance import diff as comparison
from provider.instance import inputs as schema
from provider.instance.context import Context
from provider.instance.credentials import (
    GET_ONE,
    Credentials,
    already_sent,
    refuse_before_create,
    refuse_before_update,
)
from provider.instance.desired import Desired
from provider.instance.diff import Changes, Record, View
from provider.instance.inputs import Inputs
from provider.instance.markers import MARKERS, Markers
from provider.instance.metadata import missing, plain_keys, unknown_keys
from provider.instance.update import update

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from pulumi.dynamic import ConfigureRequest

    from provider.instance.host import Host


_SPARE_WORKERS = 4


class Operations:
    """What the engine asks of the provider, in one server process.

    Args:
        host: The server.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._platform: Context | None = None
        self._problem = "the provider is not configured"

    def configure(self, req: ConfigureRequest) -> None:
        """Read the settings and open the connection; a problem is told by `check`."""
        dynamic.lifeline.watch(dynamic.engine_address(), Context.close_all)
        try:
            settings = config.load(os.environ, req.config.get)
            self.connect(Context.shared(settings, self._host))
            if overridden := config.overridden(os.environ, req.config.get):
                self._host.warn_once(overridden)
        except ConfigError as error:
            self._problem = str(error)
            return
        # A few more than work at once, so that the engine's Cancel is answered meanwhile.
        dynamic.widen(settings.concurrency + _SPARE_WORKERS)

    def connect(self, platform: Context) -> None:
        """Work with this platform from now on."""
        self._platform = platform

    @property
    def _connected(self) -> Context:
        if self._platform is None:
            raise ConfigError(self._problem)
        return self._platform

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Judge a program's inputs, all problems at once; mark secrets.

        A failure never names its property to the engine, which would print the property's value.
        """
        given = dynamic.whole(news, "news")
        news = schema.normalised(given)
        with dynamic.one_line_errors("check", _name(news)):
            failures = schema.problems(news)
            known_plain: frozenset[str] = frozenset()
            if self._platform is None:
                failures.append(self._problem)
            else:
                _declare(self._platform, news)
                found, known_plain = self._against_metadata(self._platform, _olds, news)
                failures += found
                new = _olds.get("element_key") != news.get("element_key")
                if not failures and (not _olds or (new and not news.get("adopt"))):
                    failures += _new_problems(self._platform, news)
                if _olds.get("adopt") and news.get("adopt") not in (None, _olds["adopt"]):
                    self._host.warn(
                        "another 'adopt' has no effect on an instance that exists: to take over "
                        "another one, declare a resource of another name"
                    )
            for path in schema.nulls_in_values(given):
                self._host.warn(f"{path}: is null, so it counts as not given")
            marked = schema.marked_secret(news, known_plain)
        return CheckResult(marked, [CheckFailure("", failure) for failure in failures])

    def _against_metadata(
        self, platform: Context, olds: dict[str, Any], news: dict[str, Any]
    ) -> tuple[list[str], frozenset[str]]:
        """Return what the element's metadata find wrong, and the keys they know to be plain."""
        element_key = news.get("element_key")
        if not isinstance(element_key, str) or not element_key:
            return [], frozenset()
        new = olds.get("element_key") != element_key
        again = schema.codes_again(olds, news) if new else []
        failures = [
            f"{path}: was spent for the old element; a new element needs a new code"
            for path in again
        ]
        try:
            element = platform.metadata.element(element_key)
        except NotFoundError as error:
            if not new or news.get("adopt"):  # retired, perhaps, and its instances still work
                self._host.warn(
                    f"{told(error)}, so the inputs are not checked before they are sent"
                )
                return failures, frozenset()
            similar = platform.metadata.similar(element_key)
            return [*failures, f"element_key: {told(error)}{similar}"], frozenset()
        except AuthenticationError as error:
            return [*failures, f"{told(error)}: {advice(error)}"], frozenset()
        if element is None:
            return failures, frozenset()
        if new and element.key != element_key:  # docs: GET /elements/{keyOrId} takes ids as well
            failures.append(f"element_key: must be the element's key, '{element.key}'")
        failures += missing(element, news, new=new, before=olds)
        configuration = news.get("configuration")
        if isinstance(configuration, dict) and configuration != olds.get("configuration"):
            for warning in unknown_keys(element, configuration):
                self._host.warn(warning)
        return failures, plain_keys(element)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the state's outputs with the program's inputs."""
        with dynamic.one_line_errors("compare", _name(_olds)):
            olds, news = dynamic.whole(_olds, "olds"), dynamic.whole(_news, "news")
            changes = comparison.changes(olds, news)
            moved = False
            if self._platform is not None:
                moved = _moved(self._platform, _id, olds, news, replaces=bool(changes.replaces))
                self._platform.found_in_state(_id, olds)
            if changes.replaces:
                return DiffResult(changes=True, replaces=changes.replaces)
            if self._platform is not None:
                self._platform.ledger.keep(_id, Record.of(olds).claim)
                self._platform.warn_of_another(_id, olds)
                _tell_disabled(
                    self._platform, _id, olds, news, authenticates=bool(changes.credentials)
                )
            if not changes.any and not moved:
                return DiffResult(changes=False)
            if changes.replayed and not changes.credentials:
                self._host.warn(f"{already_sent()}: {GET_ONE}, or take it out")
            if self._platform is not None:
                _warn_of_spent(self._platform, news, changes)
            # None leaves it to the engine to compare inputs, which shows the change in detail and
            # lets replace_on_changes work; where only outputs differ, it would see nothing.
            news = {key: value for key, value in news.items() if key != "__provider"}
            differs = self._host.old_inputs() not in (None, news)
        return DiffResult(changes=None if differs else True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create an instance, or take over the one that is meant or was left behind."""
        with self._telling("create", props), self._host.waiting("creating"):
            platform = self._connected
            platform.refuse_elsewhere()
            inputs = schema.inputs_of(dynamic.whole(props, "properties"))
            with platform.leftovers.noting(Markers.of(inputs.markers)):
                begun = creation.create(platform, inputs)
        return CreateResult(*begun)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the instance as it is now, inputs in the program's own words; gone is no error."""
        with self._telling("read", {"name": id_} | props):
            platform = self._connected
            props = dynamic.whole(props, "properties")
            known = comparison.RECORD in props  # or a look-up by id
            instance = platform.make_sure(id_, props) if known else None
            platform.found_in_state(id_, props)
            try:
                element_key = props.get("element_key")
                instance = instance or platform.client.get_instance(id_, element_key=element_key)
            except NotFoundError:
                if not known:
                    raise  # for the engine would take "gone" for success
                result = ReadResult(None, {})
            else:
                platform.warn_when_invalid(instance, _name(props))
                platform.warn_when_another_stack_s(instance, props, self._host.urn())
                platform.warn_of_double(id_, props)
                inputs = self._host.old_inputs() or {}
                if instance.disabled and inputs.get("disabled") is None:
                    platform.warn_of_disabled(id_, _name(props))
                result = _as_read(instance, props, inputs, platform.address)
        return result

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Change the instance in place, with one request where something changed."""
        with self._telling("update", _news), self._host.waiting("updating"):
            platform = self._connected
            olds, news = dynamic.whole(_olds, "olds"), dynamic.whole(_news, "news")
            platform.make_sure(_id, olds, news)
            platform.found_in_state(_id, olds)
            inputs = schema.inputs_of(news)
            outputs = update(platform, inputs, _id, olds)
        return UpdateResult(outputs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the instance; one that is gone is fine, an adopted one is left in place."""
        with self._telling("delete", _props), self._host.waiting("deleting"):
            platform = self._connected
            props = dynamic.whole(_props, "properties")
            if platform.home(_id, props):
                platform.make_sure(_id, props)
            platform.meet(Markers.of(props.get(MARKERS)))
            kept = platform.ledger.kept(_id)
            if platform.ledger.claim_of(_id):
                platform.stays(_id, props)
            elif Record.of(props).adopted and not props.get("delete_adopted"):
                self._host.warn(
                    f"element instance {_id} was adopted, so it is left in place; to have it "
                    "deleted, set delete_adopted to true and run pulumi up first"
                )
            elif kept is not None and (
                kept != Record.of(props).claim or platform.is_another_ones(_id, props)
            ):
                self._host.warn(f"element instance {_id} stays: another resource has it now")
            else:
                instance = platform.make_sure(_id, props)
                if platform.another_stack_s(_id, props, self._host.urn(), instance):
                    self._host.warn(f"element instance {_id} stays: another stack has it now")
                    return
                platform.ledger.own(_id)
                platform.client.delete_instance(_id)
                platform.after_deleting(_id, props)
            platform.leftovers.wait(Markers.of(props.get(MARKERS)))

    def _telling(self, verb: str, bag: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Turn every error inside into one sentence that says what to do."""
        base_url = self._platform.settings.base_url if self._platform else "the platform"
        return dynamic.one_line_errors(
            verb,
            _name(bag),
            lambda error: _advice(error, verb) or advice(error, base_url=base_url),
        )


def _declare(platform: Context, news: dict[str, Any]) -> None:
    """Note that the program has this resource, where its place is known."""
    if not schema.is_unknown(tags := news.get(MARKERS)):
        platform.meet(Markers.of(tags))
        platform.leftovers.declare(Markers.of(tags))


def _moved(
    platform: Context, id_: str, olds: dict[str, Any], news: dict[str, Any], *, replaces: bool
) -> bool:
    """Tell whether the platform has another address than the state remembers, and say so.

    Raises:
        RefusedError: It is another platform, or may be one and the new instance would come first.
    """
    home = platform.home(id_, olds)
    if home == platform.address or not (home or replaces):
        return False
    platform.make_sure(id_, olds, news)
    if home:
        platform.host.note(
            f"instance {id_} is the one of {home}, as its marker shows: the state remembers "
            f"{platform.address} from now on"
        )
    return bool(home)


def _new_problems(platform: Context, news: dict[str, Any]) -> list[str]:
    """Return what is wrong with a new resource's `adopt` or code; say which instance is adopted."""
    if schema.is_unknown({key: news.get(key) for key in ("element_key", "name", "tags", MARKERS)}):
        return []
    desired = Desired.of(schema.inputs_of(schema.known_part(news)))
    named, markers = desired.inputs.adopt, desired.markers
    try:
        if not named:
            refuse_before_create(desired.credentials, markers, platform.ledger)
            return []
        instance = adoption.adoptee(platform, desired, named)
    except SpentError as error:
        return [f"code: {error}: {advice(error)}"]
    except RefusedError as error:
        return [f"adopt: {error}"]
    except CloudElementsError:
        return []  # the create will tell
    marker = markers.instance if markers else ""
    if platform.ledger.owns(instance.id) or not platform.ledger.meant_by(instance.id, marker):
        return [f"adopt: instance {instance.id} is another resource's already: correct it"]
    changes = adoption.effects(desired, instance)
    tell = platform.host.warn if changes else platform.host.note
    tell(
        f"adopts instance {instance.id}, '{instance.name}', instead of creating one"
        + "".join(f", {change}" for change in changes)
    )
    return []


def _warn_of_spent(platform: Context, news: Mapping[str, Any], changes: Changes) -> None:
    """Say that a new code is none: it was sent for another resource, or was refused."""
    markers = news.get(MARKERS)
    credentials = Credentials(changes.credentials)
    try:
        if not schema.is_unknown(markers):
            refuse_before_update(credentials, Markers.of(markers), platform.ledger.journal)
    except SpentError as error:
        platform.host.warn(f"{error}: {GET_ONE}, or take it out")


def _tell_disabled(
    platform: Context,
    id_: str,
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    *,
    authenticates: bool,
) -> None:
    """Say what becomes of an instance that is disabled where the program does not say."""
    if not olds.get("disabled") or news.get("disabled") is not None:
        return
    if authenticates:
        platform.host.note(f"enables instance {id_} as well, which is disabled on the platform")
    else:
        platform.warn_of_disabled(id_, _name(olds))


def _name(bag: Mapping[str, Any]) -> str:
    name = bag.get("name")
    return name if isinstance(name, str) else ""


def _advice(error: CloudElementsError, verb: str) -> str | None:
    """Return what to do about a refusal, where the verb makes a difference."""
    match error, verb:
        case TooLargeError(), "create" | "update":
            return "give less configuration, with a new code if one was sent"
        case ((StrangerError() | RateLimitError() | TooLargeError()), _):
            return None
        case AuthenticationError(message=said), _ if "Organization" in said:
            return None  # our own secrets (docs: the platform's one text for them, 2018-09)
        case APIError(status=400 | 409), "delete":
            return "delete what uses the instance, such as formula instances, then run it again"
        case NotFoundError(), "update":
            return "run pulumi refresh, for it was deleted outside Pulumi"
        case NotFoundError(), "read":
            return "correct the id"
        case APIError(status=400 | 401 | 403), "read":  # docs: which one, is not settled
            ask = f"{_ADMINISTRATOR}; " if error.status == _FORBIDDEN else ""
            return f"{ask}if it was deleted outside Pulumi, run pulumi state delete with its URN"
        case AuthenticationError(status=403), _:
            return _ADMINISTRATOR
        case (
            APIError(outcome=Outcome.REFUSED | Outcome.VENDOR_ERROR),
            "create" | "update",
        ):
            return "correct the inputs, with a new code if one was sent, then run pulumi up"
        case _:
            return None


_ADMINISTRATOR = "ask an administrator of your organization to allow this user to do it"
_FORBIDDEN = 403


def _as_read(
    instance: wire.Instance, props: dict[str, Any], old_inputs: dict[str, Any], address: str
) -> ReadResult:
    """Return what a refresh stores: outputs, and inputs in the program's own words."""
    known = comparison.RECORD in props
    record = (
        Record.of(props) if known else Record(managed=frozenset(props.get("configuration", {})))
    )
    record = replace(record, platform=address)
    before = comparison.view_of(props) if known else _wished_by(props)
    instance = instance.completed(comparison.instance_of(instance.id, props))
    seen = comparison.view(instance, before, record)
    kept = {key: props[key] for key in (*Inputs.model_fields, MARKERS) if key in props}
    kept |= {"name": seen.name, "tags": seen.tags}
    kept.setdefault("element_key", instance.element.key or "")
    kept["configuration"] = seen.configuration
    outputs = comparison.outputs(schema.inputs_of(kept), instance, seen, record)
    return ReadResult(instance.id, outputs, _drifted(instance, old_inputs, before, seen))


def _wished_by(props: dict[str, Any]) -> View:
    return View(
        name=str(props.get("name", "")),
        tags=list(props.get("tags") or []),
        configuration=dict(props.get("configuration") or {}),
    )


def _drifted(
    instance: wire.Instance, old_inputs: dict[str, Any], before: View, seen: View
) -> dict[str, Any] | None:
    """Return the program's inputs with what drifted put in their place; None when there are none.

    Only what the program manages can drift, and what did not keeps the program's own spelling.
    """
    if not old_inputs:
        return None
    inputs = dict(old_inputs)
    if seen.name != before.name:
        inputs["name"] = seen.name
    if set(seen.tags) != set(before.tags):
        inputs["tags"] = seen.tags
    configuration = dict(inputs.get("configuration") or {})
    drifted = {
        key: value
        for key, value in seen.configuration.items()
        if key in configuration and not wire.same_value(value, before.configuration.get(key))
    }
    # The engine knows which of the former values were secret, but for those inside maps where an
    # older state has them in clear.
    known = frozenset(
        key
        for key, value in configuration.items()
        if key not in drifted or not isinstance(value, dict | list)
    )
    if configuration:
        inputs["configuration"] = configuration | drifted
    if "disabled" in inputs:
        inputs["disabled"] = bool(instance.disabled)
    return schema.marked_secret(inputs, known)
