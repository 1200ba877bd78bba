"""Whose an instance is: this resource's, or one of another resource, stack or platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.errors import (
    APIError,
    CloudElementsError,
    NotFoundError,
    RefusedError,
    text_of,
)
from .advice import of_another_stack
from .identity import Doubt, doubt
from .journal import Fate
from .markers import (
    Markers,
    credential_marker,
    is_adoption_marker,
    is_credential_marker,
    is_marker,
    is_stack_marker,
    names_stack,
    place_of,
)
from .state import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..api import wire
    from .context import Context
    from .state import Stored


def home_of(context: Context, stored: Stored) -> str:
    """Return the address of the platform that has the state's instance; empty if unknown.

    A state that is older than that memory may have come from here, as the journal of this
    address tells.
    """
    remembered = stored.record.platform
    markers = stored.markers
    last = context.history.last(markers) if markers and not remembered else None
    made_here = last and last.fate is Fate.MADE and last.instance == stored.instance_id
    return context.address if made_here else remembered


def make_sure(context: Context, stored: Stored, *inputs: Mapping[str, Any]) -> wire.Instance | None:
    """Make sure that the instance of this id is the one that the state means.

    Nothing is asked where the state remembers this address. Returns the instance where it was.

    Raises:
        RefusedError: It may be another one.
    """
    home = home_of(context, stored)
    if home == context.address or stored.instance_id in context.claims.proved:
        return None
    if context.claims.is_new(stored.instance_id):  # so the state's is another one of that number
        this_runs = Doubt(f"instance {stored.instance_id} is of this run")
        raise RefusedError(this_runs.refusal(home, context.address))
    before = context.host.old_inputs() or {}
    instance = None
    try:
        instance = context.client.get_instance(stored.instance_id)
        found = doubt(stored, instance, before, *inputs)
    except NotFoundError:
        found = doubt(stored, None)
    except CloudElementsError as error:
        found = Doubt(f"instance {stored.instance_id} can't be looked at: {text_of(error)}")
    if found is not None:
        context.homes |= {home} - {""}
        raise RefusedError(found.refusal(home, context.address))
    context.claims.proved.add(stored.instance_id)
    return instance


def meet(context: Context, markers: Markers | None) -> None:
    """Note that the call at hand is about a resource of this stack, before it does anything."""
    context.history.try_out(markers)
    context.leftovers.meet(markers)


def found_in_state(context: Context, stored: Stored) -> None:
    """Note that the state has this instance: no create may take it.

    Raises:
        RefusedError: A create of this run took it already.
    """
    instance_id = stored.instance_id
    if context.claims.claim_of(instance_id) not in ("", stored.record.claim):
        message = (
            f"instance {instance_id} was taken over by another resource of this run, which now "
            "has the name that this one had: take that one out of the program and the state "
            "(pulumi state delete), run pulumi up, then declare it again"
        )
        raise RefusedError(message)
    context.claims.own(instance_id)
    history, markers = context.history, stored.markers
    if markers is not None:
        meet(context, markers)
        last, kept = history.known(markers)
        if last is not None and last.instance == instance_id != kept:
            context.new.add(instance_id)
    history.keep(markers, instance_id)


def leaves_alone(context: Context, stored: Stored) -> bool:
    """Tell, also the user, whether a delete leaves the instance in place."""
    instance_id = stored.instance_id
    kept, record = context.claims.kept.get(instance_id), stored.record
    if context.claims.claim_of(instance_id):
        _keep(context, stored)
    elif record.adopted and not stored.outputs.get("delete_adopted"):
        context.host.warn(
            f"element instance {instance_id} was adopted, so it is left in place; to have it "
            "deleted, set delete_adopted to true and run pulumi up first"
        )
    elif kept is not None and (kept != record.claim or _is_another_ones(context, stored)):
        context.host.warn(f"element instance {instance_id} stays: another resource has it now")
    else:
        return False
    return True


def _keep(context: Context, stored: Stored) -> None:
    """Leave alone what a create of this run took over, and tell what became of a replacement.

    The engine tells of a replacement asked for by hand (`--replace`, `state taint`) only now.
    """
    instance_id = stored.instance_id
    if context.claims.origin_of(instance_id) is Origin.ADOPTED:
        context.host.warn(f"element instance {instance_id} stays: another resource adopted it")
        return
    context.history.keep(stored.markers, instance_id)
    context.host.warn(
        f"element instance {instance_id} stays, because it was taken for what an interrupted "
        "run had left: to have it replaced, ask for it once more on this machine, or run "
        "pulumi destroy --target with its URN, then pulumi up"
    )


def _is_another_ones(context: Context, stored: Stored) -> bool:
    """Tell whether an instance shows that it belongs to another resource than this state's.

    That is so when a resource adopted what another one gave up, and the run was interrupted
    before the other was taken out of the state.
    """
    markers, record = stored.markers, stored.record
    if markers is None or record.adopted:  # adopted ones are left alone unless asked for
        return False
    try:
        carried = context.client.get_instance(stored.instance_id).tags
    except NotFoundError:
        return False
    if carried is None:
        return False
    credentials = set(filter(is_credential_marker, carried))
    others = {tag for tag in carried if is_marker(tag)} - credentials - set(markers.tags)
    is_anothers = markers.instance not in carried and bool(others)
    ours = {tag for sent in (record.spent, *record.past) for tag in credential_marker(sent)}
    return is_anothers or bool(credentials - ours)


def another_stack_has(
    context: Context, stored: Stored, instance: wire.Instance | None = None
) -> bool:
    """Tell whether an instance shows that another stack has it by now.

    Two states may have it: after `adopt` in another stack, or after `pulumi state move` when
    the stack that it came from took it back. `instance` is what was read just now, if it was.

    Raises:
        RefusedError: It shows only whence it was moved, and whether that stack took it back
            can't be told.
    """
    markers, urn = stored.markers, context.host.urn()
    if markers is None or stored.record.adopted or not urn:
        return False
    listed = None if instance else context.claims.listed(markers, stored.instance_id)
    try:
        seen = instance or listed or context.client.get_instance(stored.instance_id)
    except APIError as error:
        if error.may_mean_gone:
            return False  # it is gone, or the delete will tell
        raise
    carried = seen.tags or []
    if {*markers.tags}.isdisjoint(carried) or names_stack(markers.stack, **place_of(urn)):
        return others_tag(carried, markers, urn) is not None
    message = (
        f"instance {stored.instance_id} has the tags of the stack that it was moved from "
        f"('{markers.stack}', unless this one was renamed), which may have taken it back: run "
        "pulumi up with it still declared here, which gives it this stack's tags, or let this "
        "state forget it, by pulumi state delete"
    )
    raise RefusedError(message)


def after_deleting(context: Context, stored: Stored) -> None:
    """Write down that a resource's instance is no more; warn of another one that is left."""
    markers = stored.markers
    last = context.history.last(markers) if markers else None
    if last is not None and last.instance == stored.instance_id:
        context.history.note(markers, Fate.VOID, instance=stored.instance_id)
    else:
        warn_of_another(context, stored, Fate.VOID)


def warn_of_another(context: Context, stored: Stored, fate: Fate = Fate.MADE) -> None:
    """Warn of an instance that was made for the resource and is in no state.

    There is one when a replacement was interrupted and then given up, or when another run made
    one at the same time. The platform is asked only where the journal knows of such a request,
    and once after each create. When there is no other one, `fate` is what is written down.
    """
    history, markers = context.history, stored.markers
    if markers is None:
        return
    if stored.instance_id in context.new:
        context.new.discard(stored.instance_id)
        context.leftovers.tell_of_doubles(markers, stored.instance_id)
        return
    last = history.last(markers)
    if (
        last is None
        or last.fate in (Fate.VOID, Fate.REFUSED)
        or last.instance == stored.instance_id
        or context.claims.owns(last.instance)
    ):
        return
    try:
        left = context.claims.left(markers, last.instance)
    except CloudElementsError:
        left = [last.instance or "unknown"]
    left = [instance_id for instance_id in left if instance_id != stored.instance_id]
    if left:
        context.leftovers.tell_of(left, markers)
    elif last.instance or not history.at_work(last):
        history.note(markers, fate, instance=stored.instance_id)


def warn_of_double(context: Context, stored: Stored) -> None:
    """Warn of another instance of a resource that is refreshed, whoever made it."""
    markers = stored.markers
    if markers is not None and not stored.record.adopted:
        context.new.discard(stored.instance_id)
        context.leftovers.tell_of_doubles(markers, stored.instance_id)


def warn_of_another_stack(context: Context, instance: wire.Instance, stored: Stored) -> None:
    """Warn of an instance that shows that another stack has it by now."""
    markers, urn = stored.markers, context.host.urn()
    if markers is None or stored.record.adopted or not urn:
        return
    if tag := others_tag(instance.tags or [], markers, urn):
        context.host.warn(f"element instance {instance.id} {of_another_stack(tag)}")


def made_by_others(instance: wire.Instance, markers: Markers | None) -> Iterator[str]:
    """Yield what to do about each other stack that shows to have made an instance."""
    for tag in filter(is_stack_marker, instance.tags or []):
        if markers is None or tag != markers.stack:
            yield (
                f"instance {instance.id} was made by another stack (tag '{tag}'): where that one "
                "still has it in its state, take it out there, by pulumi state delete"
            )


def others_tag(carried: Iterable[str], markers: Markers, urn: str) -> str | None:
    """Return the tag by which an instance shows that another stack has it; None where it does not.

    Tags of the resource's own stack tell nothing: a run that renamed or moved it may have been
    interrupted before the state had them.

    Args:
        carried: The instance's tags.
        markers: The state's.
        urn: The resource's.
    """
    place = place_of(urn)
    if {*markers.tags} & {*carried}:
        return None
    return next(
        (
            tag
            for tag in carried
            if is_adoption_marker(tag) or (is_stack_marker(tag) and not names_stack(tag, **place))
        ),
        None,
    )
