"""Names and values on their way between the engine and the rules.

Programs of a native provider write `elementKey`, the rules and the states of the dynamic door say
`element_key`. Values of the engine are Protobuf structs, those of the rules plain, with unknowns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret, wrap_rpc_secret

from ...instance.events import FIELD, Events
from ...instance.inputs import Inputs, marked_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN: Any = pulumi.output.Unknown()  # type: ignore[no-untyped-call]

COMPUTED = ("instance_id", "element_token", "element_name", "valid")
"""Outputs that are no inputs, in the words of the rules."""
_PROVIDER = "__provider"
"""What the dynamic door has in every state."""


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


def outward(bag: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties under the names that programs have for them."""
    found = {_OUTWARD.get(name, name): value for name, value in bag.items()}
    return found | _events(found, _MEMBERS)


def outputs(bag: Mapping[str, Any]) -> Any:
    """Return outputs for the wire.

    Of the configuration what is secret by its name is marked, leaf by leaf: SDKs, who know the
    schema, hide the rest as well, and a mark at each leaf costs the state as much as two values.
    """
    held = bag.get("configuration")
    if is_rpc_secret(held):
        bag = {**bag, **marked_secret({"configuration": unwrap_rpc_secret(held)}, frozenset())}
    return struct(outward(bag))


def inward(bag: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state's properties under the names that the rules have; either door's are read."""
    found = {_INWARD.get(name, name): value for name, value in bag.items()}
    return found | _events(found, {outer: inner for inner, outer in _MEMBERS.items()})


def given(bag: Mapping[str, Any]) -> dict[str, Any]:
    """Return a program's properties under the names that the rules have.

    A name of the rules is none of the program's: it stays wrong, with the right one beside it.
    """
    return inward(
        {f"{name}{_WRONG}" if name in _OUTWARD else name: value for name, value in bag.items()}
    )


def _events(bag: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
    """Return `events` with its members under other names; nothing where there is no such map."""
    events = bag.get(FIELD)
    if not isinstance(events, dict) or is_rpc_secret(events):
        return {}
    return {FIELD: {members.get(name, name): value for name, value in events.items()}}


def is_of_dynamic_door(bag: Mapping[str, Any]) -> bool:
    """Tell whether the dynamic door wrote a state's properties."""
    return not _OUTWARD.keys().isdisjoint(bag)


def properties(struct: Any) -> dict[str, Any]:
    """Return properties from the wire: plain, unknowns kept, without secret marks."""
    bag = rpc.deserialize_properties(struct, keep_unknowns=True, keep_internal=True)
    return {} if pulumi.output.Unknown is type(bag) else _plain(bag)


def _plain(value: Any) -> Any:
    if is_rpc_secret(value):
        return _plain(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != _PROVIDER}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def struct(bag: Mapping[str, Any]) -> Any:
    """Return properties for the wire, null left out, every secret marked at its leaves.

    The engine may drop the mark of a whole map, and keeps that of a leaf.
    """
    found = struct_pb2.Struct()
    found.update(_wire(bag))
    return found


def _wire(value: Any) -> Any:
    if isinstance(value, pulumi.output.Unknown):
        return rpc.UNKNOWN
    if is_rpc_secret(value):
        return _hidden(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _wire(item) for key, item in value.items() if item is not None}
    return [_wire(item) for item in value] if isinstance(value, list | tuple) else value


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    shown = value is None or is_rpc_secret(value) or isinstance(value, pulumi.output.Unknown)
    return _wire(value) if shown else wrap_rpc_secret(value)


def path(name: str, key: str | None = None) -> str:
    """Return a property path of the engine's: `configuration["oauth.scope"]`."""
    outer = _OUTWARD.get(name, name)
    if key is None:
        return outer
    if name == FIELD:
        return f"{outer}.{_MEMBERS.get(key, key)}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{outer}["{escaped}"]'
