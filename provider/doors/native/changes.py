"""What a diff tells the engine in detail, and what a preview knows of the outputs to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.output import Unknown
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.rpc import wrap_rpc_secret

from ...instance.events import FIELD, NULLS_FIELD, NULLS_KEY, place_of
from ...instance.markers import MARKERS
from ..names import COMPUTED, path
from ..values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...instance.diff import Changes

_SECRET = ("configuration", "element_token")
_SEEN = ("element_key", "name", "tags", "disabled", "delete_adopted", MARKERS)
"""Inputs that are outputs as they are."""


def paths(changes: Changes, news: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield what differs: the property, and the key in it where it is a map."""
    for name, changed in (
        ("name", changes.name),
        ("tags", changes.tags),
        ("disabled", changes.disabled),
        ("delete_adopted", changes.deletion),
    ):
        if changed:
            yield name, None
    configuration = {*changes.configuration, *changes.removed}
    fields = ("configuration", FIELD, NULLS_FIELD)
    if unknown := [name for name in fields if isinstance(news.get(name), Unknown)]:
        yield from ((name, None) for name in unknown)
    else:
        for key in sorted(configuration):
            if key == NULLS_KEY and NULLS_FIELD in news:
                yield NULLS_FIELD, None
            else:
                yield place_of(key, news.get(FIELD))
    for where in sorted({*changes.credentials, *changes.replayed}):
        name, _, key = where.partition(".")
        if name == "code" and "code" not in news:
            name, key = "provider_data", "code"
        yield name, key or None


def detailed(
    changes: Changes,
    olds: Mapping[str, Any],
    old_inputs: Mapping[str, Any],
    news: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the detailed diff; `olds` are the state's outputs, `news` the program's inputs."""
    found: dict[str, Any] = {}
    for name, key in paths(changes, news):
        found[path(name, key)] = _difference(name, key, olds, old_inputs, news)
    for name in changes.replaces:
        found[path(name)] = _difference(name, None, olds, old_inputs, news, replaces=True)
    return found


def _difference(
    name: str,
    key: str | None,
    olds: Mapping[str, Any],
    old_inputs: Mapping[str, Any],
    news: Mapping[str, Any],
    *,
    replaces: bool = False,
) -> Any:
    """Return how one property differs: from the former input, or, by drift, from the output."""
    state, before, after = (
        _at(properties.get(name), key) for properties in (olds, old_inputs, news)
    )
    in_inputs = before != after
    former = before if in_inputs else state
    kind = "ADD" if former is None else "DELETE" if after is None else "UPDATE"
    return pb.PropertyDiff(
        kind=pb.PropertyDiff.Kind.Value(f"{kind}_REPLACE" if replaces else kind),
        inputDiff=in_inputs,
    )


def _at(value: Any, key: str | None) -> Any:
    if key is None:
        return value
    return value.get(key) if isinstance(value, dict) else None


def stable(changes: Changes) -> list[str]:
    """Return the outputs that an update leaves as they are, so that others may rely on them."""
    return [*_unchanged(changes)] if not changes.replaces else []


def _unchanged(changes: Changes) -> Iterator[str]:
    yield from ("instance_id", "element_key", "element_name")
    if not changes.name:
        yield "name"
    if not changes.tags:
        yield "tags"
    if changes.credentials or changes.replayed:
        return
    yield "element_token"
    if not (changes.configuration or changes.removed):
        yield from ("configuration", "valid")
    if not changes.disabled:
        yield "disabled"


def to_be_created(news: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of an instance that is to be made, as far as they are known."""
    known = {name: news[name] for name in _SEEN if name in news and name != "disabled"}
    unknown = ("configuration", "disabled", *COMPUTED)
    return known | dict.fromkeys(unknown, UNKNOWN)


def to_be_updated(
    olds: Mapping[str, Any], news: Mapping[str, Any], changes: Changes
) -> dict[str, Any]:
    """Return the outputs of an instance that is to be changed, as far as they are known."""
    kept = {*_unchanged(changes)}
    outputs = {
        name: value if name in kept or name.startswith("__") else UNKNOWN
        for name, value in olds.items()
    }
    seen = {name: news[name] for name in _SEEN if name in news and name not in kept}
    return {name: _marked(name, value) for name, value in (outputs | seen).items()}


def _marked(name: str, value: Any) -> Any:
    known = value is not UNKNOWN
    return wrap_rpc_secret(value) if known and name in _SECRET else value
