"""What a refresh stores of an instance: what the platform has, in the program's own words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..api import wire
from . import diff
from . import inputs as schema
from . import state as stored
from .inputs import Inputs
from .markers import MARKERS
from .state import Properties, Record


@dataclass(frozen=True, repr=False)
class Refreshed:
    """An instance as it is now."""

    outputs: dict[str, Any]
    inputs: dict[str, Any] | None
    """In the program's own words; None where the state has none."""


def refreshed(
    instance: wire.Instance, outputs: dict[str, Any], old_inputs: dict[str, Any], address: str
) -> Refreshed:
    """Return what a refresh stores: outputs, and inputs in the program's own words.

    Args:
        instance: The platform's answer.
        outputs: The state's; of a look-up by id they are inputs.
        old_inputs: The state's.
        address: The platform's.
    """
    known = stored.RECORD in outputs
    record = (
        Record.of(outputs) if known else Record(managed=frozenset(outputs.get("configuration", {})))
    )
    record = replace(record, platform=address)
    before = stored.properties_of(outputs) if known else _given(outputs)
    instance = instance.completed(stored.instance_of(instance.id, outputs))
    seen = diff.observed(instance, before, record)
    kept = {key: outputs[key] for key in (*Inputs.model_fields, MARKERS) if key in outputs}
    kept |= {"name": seen.name, "tags": seen.tags}
    kept.setdefault("element_key", instance.element.key or "")
    kept["configuration"] = seen.configuration
    now = stored.outputs(schema.inputs_of(kept), instance, seen, record)
    return Refreshed(now, drifted(instance, old_inputs, before, seen))


def _given(outputs: dict[str, Any]) -> Properties:
    return Properties(
        name=str(outputs.get("name", "")),
        tags=list(outputs.get("tags") or []),
        configuration=dict(outputs.get("configuration") or {}),
    )


def drifted(
    instance: wire.Instance, old_inputs: dict[str, Any], before: Properties, seen: Properties
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
    changed = {
        key: value
        for key, value in seen.configuration.items()
        if key in configuration and not wire.same_value(value, before.configuration.get(key))
    }
    # The engine knows which of the former values were secret, but for those inside maps where an
    # older state has them in clear.
    known = frozenset(
        key
        for key, value in configuration.items()
        if key not in changed or not isinstance(value, dict | list)
    )
    if configuration:
        inputs["configuration"] = configuration | changed
    if "disabled" in inputs:
        inputs["disabled"] = bool(instance.disabled)
    return schema.marked_secret(inputs, known)
