"""What a value may lack: null, which counts as not given, and what the engine doesn't know yet."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any

from pulumi.output import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_unknown(value: object) -> bool:
    """Tell whether the engine does not know the value yet, wholly or in part."""
    return _holds(value, Unknown)


def known_part(value: Any) -> Any:
    """Return the value without what is not known yet, at any depth."""
    return _without(value, Unknown)


def without_null(value: Any) -> Any:
    """Return a value without null in its maps and lists: null counts as not given, everywhere.

    In maps Pulumi's SDK takes it away by itself, in lists it does not.
    """
    return _without(value, NoneType)


def nulls(value: Any, path: str) -> Iterator[str]:
    """Yield the paths at which null stands in a value that stands at a path itself."""
    if value is None:
        yield path
    elif _holds(value, NoneType):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from nulls(item, f"{path}.{key}")


def _holds(value: object, kind: type) -> bool:
    values = [value]
    for item in values:  # what is inside of it follows, at any depth
        if isinstance(item, str):
            continue
        if isinstance(item, dict):
            values += item.values()
        elif isinstance(item, list):
            values += item
        elif isinstance(item, kind):
            return True
    return False


def _without(value: Any, kind: type) -> Any:
    if not _holds(value, kind):
        return value
    if isinstance(value, dict):
        return {k: _without(item, kind) for k, item in value.items() if not isinstance(item, kind)}
    if isinstance(value, list):
        return [_without(item, kind) for item in value if not isinstance(item, kind)]
    return value
