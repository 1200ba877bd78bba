"""An instance of which only the id is known: what `pulumi import` and a look-up make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.errors import CloudElementsError, RefusedError
from . import diff, ownership, state
from . import inputs as schema
from .holdings import chosen
from .markers import MARKERS, Markers
from .metadata import plain_keys
from .refresh import Refreshed
from .state import Record, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..api import wire
    from .context import Context


def imported(context: Context, instance: wire.Instance, markers: list[str]) -> Refreshed:
    """Return outputs and inputs of an instance as if a program had made it just so.

    The inputs hold what is somebody's choice, without secrets, which nobody can read: the remarks
    name them. The marker tags are remembered and not written: the next update does that.

    Raises:
        RefusedError: The platform does not tell its element.
    """
    key = instance.element.key
    if not key:
        message = f"the platform does not tell the element of instance {instance.id}"
        raise RefusedError(message)
    try:
        element = context.metadata.element(key)
    except CloudElementsError:
        element = None
    plain, secrets = chosen(instance, element)
    inputs: dict[str, Any] = {
        "element_key": key,
        "name": instance.name or instance.id,
        "tags": diff.own_tags(instance, []) or [],
        "configuration": plain,
    }
    if instance.disabled:
        inputs["disabled"] = True
    inputs = schema.normalised(inputs)
    model = schema.inputs_of(inputs | ({MARKERS: markers} if markers else {}))
    record = Record(managed=frozenset(model.properties.configuration), platform=context.address)
    seen = diff.observed(instance, model.properties, record)
    outputs = state.outputs(model, instance, seen, record)
    ownership.found_in_state(context, Stored(instance.id, outputs))
    remarks = tuple(_remarks(instance, Markers.of(markers), secrets))
    return Refreshed(outputs, schema.marked_secret(inputs, plain_keys(element)), remarks)


def _remarks(instance: wire.Instance, markers: Markers | None, secrets: list[str]) -> Iterator[str]:
    """Yield what the program still has to give, and who else may have the instance."""
    if secrets:
        yield (
            f"the platform does not tell {', '.join(secrets)}: put what instance {instance.id} "
            "has into its configuration, or leave it out, and it stays as it is"
        )
    yield from ownership.made_by_others(instance, markers)
    tags = instance.tags or []
    if markers is not None and markers.stack in tags and markers.instance not in tags:
        yield (
            f"instance {instance.id} was made as another resource of this stack: where the "
            "state still has that one, take one of the two out, by pulumi state delete, or "
            "either deletes it for both"
        )
