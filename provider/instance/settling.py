"""The last step of every way to an instance: enabled as the program wants it, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.errors import CloudElementsError
from . import diff, state
from .advice import UP_AGAIN
from .host import HalfMadeError

if TYPE_CHECKING:
    from ..api import wire
    from .context import Context
    from .desired import Desired
    from .inputs import Properties
    from .state import Record


def settle(
    context: Context,
    desired: Desired,
    instance: wire.Instance,
    record: Record,
    *,
    seen: Properties | None = None,
    enable: bool = False,
) -> dict[str, Any]:
    """Enable or disable an instance where that is wanted; return the outputs.

    `seen` is what it holds of what the program manages, by default what is observed. `enable`
    enables it also when the program does not say.
    """
    given = desired.inputs
    seen = seen or diff.observed(instance, desired.properties, record)
    wanted = False if enable and given.disabled is None else given.disabled
    if wanted is not None and wanted != bool(instance.disabled):
        try:
            context.client.set_enabled(instance.id, enabled=not wanted)
        except CloudElementsError as error:
            outputs = state.outputs(given, instance, seen, record)
            verb = "disabling" if wanted else "enabling"
            message = f"{verb} instance {instance.id} failed: {error}: {UP_AGAIN}"
            raise HalfMadeError(instance.id, outputs, message) from None
        instance = instance.model_copy(update={"disabled": wanted})
    if instance.valid is False:
        context.warn_when_invalid(instance, given.name)
    if instance.disabled and given.disabled is None:
        context.warn_of_disabled(instance.id, given.name)
    return state.outputs(given, instance, seen, record)
