"""Values on their way between the engine and the rules: structs there, plain ones here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret, wrap_rpc_secret

from ..api.errors import CloudElementsError
from ..instance.inputs import NO_VALUE, marked_secret
from . import names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNKNOWN: Any = pulumi.output.Unknown()  # type: ignore[no-untyped-call]
_SIGNATURE, _SECRET = rpc._special_sig_key, rpc._special_secret_sig  # noqa: SLF001 - the protocol's own
_ODD: Any = object()
"""Where a file or a resource stands in the place of a value; no check lets it through."""
PROVIDER = "__provider"
"""What the dynamic door has in every state: the provider itself, in text."""


def outputs(properties: Mapping[str, Any]) -> Any:
    """Return outputs for the wire.

    Of the configuration what is secret by its name is marked, leaf by leaf: SDKs, who know the
    schema, hide the rest as well, and a mark at each leaf costs the state as much as two values.
    """
    held = properties.get("configuration")
    if is_rpc_secret(held):
        properties = {
            **properties,
            **marked_secret({"configuration": unwrap_rpc_secret(held)}, frozenset()),
        }
    return struct(names.outward(properties))


def properties(struct: Any) -> dict[str, Any]:
    """Return properties from the wire: plain, null and unknowns kept, without secret marks.

    The SDK's own reader leaves out what is null, which a state may remember.

    Raises:
        CloudElementsError: There is a file among them.
    """
    return {key: _plain(value) for key, value in struct.fields.items() if key != PROVIDER}


def hidden(struct: Any) -> dict[str, Any]:
    """Return those of properties from the wire that Pulumi hides, as the rules' own are."""
    found = {key: value for key, value in struct.fields.items() if key.startswith("__")}
    return {key: _plain(value) for key, value in found.items() if key != PROVIDER}


def given(struct: Any) -> dict[str, Any]:
    """Return a program's properties, to be checked: what is no value, such as a file, as such."""
    return {
        key: _plain(value, lambda: _ODD) for key, value in struct.fields.items() if key != PROVIDER
    }


def _refused() -> Any:
    message = f"an argument {NO_VALUE}"
    raise CloudElementsError(message)


def _plain(value: Any, odd: Callable[[], Any] = _refused) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [_plain(item, odd) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE not in fields:
            return {key: _plain(item, odd) for key, item in fields.items()}
        if fields[_SIGNATURE].string_value != _SECRET:
            return odd()
        return _plain(fields["value"], odd)
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    return None if kind in (None, "null_value") else getattr(value, kind)


def struct(properties: Mapping[str, Any]) -> Any:
    """Return properties for the wire, every secret marked at its leaves.

    The engine may drop the mark of a whole map, and keeps that of a leaf.
    """
    found = struct_pb2.Struct()
    found.update(_wire(properties))
    return found


def _wire(value: Any) -> Any:
    if isinstance(value, pulumi.output.Unknown):
        return rpc.UNKNOWN
    if value is _ODD:
        return None
    if is_rpc_secret(value):
        return _hidden(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _wire(item) for key, item in value.items()}
    return [_wire(item) for item in value] if isinstance(value, list | tuple) else value


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    shown = (
        value in (None, _ODD) or is_rpc_secret(value) or isinstance(value, pulumi.output.Unknown)
    )
    return _wire(value) if shown else wrap_rpc_secret(value)
