"""What a refresh stores of an instance: what the platform has, in the program's own words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import diff, state
from . import events as common
from . import inputs as schema
from .inputs import Inputs
from .markers import MARKERS

if TYPE_CHECKING:
    from ..api import wire
    from .inputs import Properties
    from .state import Stored


@dataclass(frozen=True, repr=False)
class Refreshed:
    """An instance as it is now."""

    outputs: dict[str, Any]
    inputs: dict[str, Any] | None
    """In the program's own words; None where the state has none."""
    remarks: tuple[str, ...] = ()
    """What whoever imports it has to be told."""


def refreshed(
    instance: wire.Instance, stored: Stored, old_inputs: dict[str, Any], address: str
) -> Refreshed:
    """Return what a refresh stores: outputs, and inputs in the program's own words.

    Of a look-up by id, `stored` is what was given.
    """
    outputs, before = stored.outputs, stored.properties
    record = replace(stored.record, platform=address)
    instance = instance.completed(stored.instance)
    seen = diff.observed(instance, before, record)
    kept = {key: outputs[key] for key in (*Inputs.model_fields, MARKERS) if key in outputs}
    kept |= {"name": seen.name, "tags": seen.tags}
    kept.setdefault("element_key", instance.element.key or "")
    kept["configuration"] = seen.configuration
    now = state.outputs(schema.inputs_of(kept), instance, seen, record)
    return Refreshed(now, drifted(instance, old_inputs, before, seen))


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
    compiled = common.compiled(inputs).get("configuration") or {}
    changed = {
        key: value
        for key, value in seen.configuration.items()
        if key in compiled and not diff.same_setting(key, value, before.configuration.get(key))
    }
    in_other_words = {key: compiled[key] for key in compiled.keys() - configuration.keys()}
    if changed.keys() & in_other_words.keys():
        now = {key: changed.get(key, value) for key, value in in_other_words.items()}
        words, rest = common.typed(now, adopted=True)
        configuration |= rest
        former = (common.FIELD, common.NULLS_FIELD)
        inputs = {key: value for key, value in inputs.items() if key not in former} | words
    # The engine knows which of the former values were secret, but for those inside maps where an
    # older state has them in clear.
    in_clear = {key for key, value in configuration.items() if isinstance(value, dict | list)}
    known = frozenset(configuration.keys() - (changed.keys() & in_clear))
    if configuration:
        inputs["configuration"] = {k: changed.get(k, v) for k, v in configuration.items()}
    if "disabled" in inputs:
        inputs["disabled"] = bool(instance.disabled)
    return schema.marked_secret(inputs, known)
