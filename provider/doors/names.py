"""The two names of each property: programs of the native provider write `elementKey`.

The rules say `element_key`, and so do programs and states of the dynamic provider. States of either
are read by both doors: a stack may move from one to the other, and be half-way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pulumi.runtime.rpc import is_rpc_secret

from ..instance.events import FIELD, Events
from ..instance.inputs import Inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPUTED = ("instance_id", "element_token", "element_name", "valid")
"""Outputs that are no inputs, in the words of the rules."""


def camel(name: str) -> str:
    """Return a name as programs write it: `element_key` → `elementKey`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


_OUTWARD = {name: camel(name) for name in (*Inputs.model_fields, *COMPUTED) if camel(name) != name}
_INWARD = {outer: inner for inner, outer in _OUTWARD.items()}
_MEMBERS = {name: camel(name) for name in Events.model_fields}
"""Of `events`, the one input with a shape of its own."""
_WRONG = "_"
"""Behind a name of the rules that a program gave: see `given`."""
_WORD = re.compile(rf"(?<![\w.])({'|'.join(_OUTWARD)})({_WRONG}?)(?!\w)")
_MEMBER = re.compile(rf"(?<={FIELD}\.)(?:{'|'.join(_MEMBERS)})(?!\w)")


def spoken(text: str) -> str:
    """Return a message of the rules in the names that the program has for its properties."""
    text = _WORD.sub(lambda found: found[1] if found[2] else _OUTWARD[found[1]], text)
    return _MEMBER.sub(lambda found: _MEMBERS[found[0]], text)


def outward(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties under the names that programs have for them."""
    found = {_OUTWARD.get(name, name): value for name, value in properties.items()}
    return found | _events(found, _MEMBERS)


def inward(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state's properties under the names that the rules have; either door's are read."""
    if FIELD not in properties and not is_of_native_door(properties):
        return {**properties}
    found = {_INWARD.get(name, name): value for name, value in properties.items()}
    return found | _events(found, {outer: inner for inner, outer in _MEMBERS.items()})


def given(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a program's properties under the names that the rules have.

    A name of the rules is none of the program's: it stays wrong, with the right one beside it.
    """
    return inward(
        {
            f"{name}{_WRONG}" if name in _OUTWARD else name: value
            for name, value in properties.items()
        }
    )


def _events(properties: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
    """Return `events` with its members under other names; nothing where there is no such map."""
    events = properties.get(FIELD)
    if not isinstance(events, dict) or is_rpc_secret(events):
        return {}
    return {FIELD: {members.get(name, name): value for name, value in events.items()}}


def is_of_dynamic_door(properties: Mapping[str, Any]) -> bool:
    """Tell whether the dynamic door wrote a state's properties."""
    return not _OUTWARD.keys().isdisjoint(properties)


def is_of_native_door(properties: Mapping[str, Any]) -> bool:
    """Tell whether the native door wrote a state's properties."""
    return not _INWARD.keys().isdisjoint(properties)


def path(name: str, key: str | None = None) -> str:
    """Return a property path of the engine's: `configuration["oauth.scope"]`."""
    outer = _OUTWARD.get(name, name)
    if key is None:
        return outer
    if name == FIELD:
        return f"{outer}.{_MEMBERS.get(key, key)}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{outer}["{escaped}"]'
