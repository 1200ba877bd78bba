"""Values on their way between the engine and the rules: structs there, plain ones here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret, wrap_rpc_secret

from ...instance.inputs import marked_secret
from .. import names

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN: Any = pulumi.output.Unknown()  # type: ignore[no-untyped-call]
_PROVIDER = "__provider"
"""What the dynamic door has in every state."""


def outputs(bag: Mapping[str, Any]) -> Any:
    """Return outputs for the wire.

    Of the configuration what is secret by its name is marked, leaf by leaf: SDKs, who know the
    schema, hide the rest as well, and a mark at each leaf costs the state as much as two values.
    """
    held = bag.get("configuration")
    if is_rpc_secret(held):
        bag = {**bag, **marked_secret({"configuration": unwrap_rpc_secret(held)}, frozenset())}
    return struct(names.outward(bag))


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
