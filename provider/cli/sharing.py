"""What entries share that are written: the defaults of their element, there already or new."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..stack_keys import DEFAULTS
from .additions import Additions, Place, Written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_APPLICATION = ("oauth.api.key", "oauth.api.secret")
_CALLBACK = "oauth.callback.url"
_POOLED = ("tags", "configuration", "events", "filter_response_nulls")
"""Keys of an entry whose values go to the defaults where all entries have them."""


def pooled(entries: list[Written], others: Collection[str]) -> Additions:
    """Return entries without what all those of one element have alike, which become defaults.

    Args:
        entries: The entries.
        others: Elements that have defaults or entries already, for whom defaults would be news.
    """
    alike: defaultdict[str, list[Written]] = defaultdict(list)
    for one in entries:
        alike[one.entry["element"]].append(one)
    pool = Additions([])
    for element, ones in alike.items():
        shared = _common([one.entry for one in ones]) if len(ones) > 1 else {}
        if element in others or not shared:
            continue
        pool.shared[element] = shared
        # Who comes back to the same address is the same application, most likely.
        same = _CALLBACK in shared.get("configuration", {})
        places: list[Place] = [("configuration", key) for key in _APPLICATION]
        once = [at for at in places if same and all(at in one.secrets for one in ones)]
        if once:
            pool.secrets[element] = once
    pool.entries = [
        replace(
            one,
            entry=without(one.entry, pool.shared.get(one.entry["element"], {})),
            secrets=[
                at for at in one.secrets if at not in pool.secrets.get(one.entry["element"], ())
            ],
        )
        for one in entries
    ]
    return pool


def _common(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what all entries have alike."""
    first, *others = entries
    found = {
        key: _alike(first[key], [one.get(key) for one in others]) for key in _POOLED if key in first
    }
    return {key: value for key, value in found.items() if value not in (None, {}, [])}


def _alike(value: Any, others: Iterable[Any]) -> Any:
    """Return the part of a value that others have as well; None for none."""
    others = list(others)
    if isinstance(value, dict):
        maps = [one if isinstance(one, dict) else {} for one in others]
        return {k: v for k, v in value.items() if all(k in one and one[k] == v for one in maps)}
    if isinstance(value, list):
        return [item for item in value if all(item in (one or ()) for one in others)]
    return value if all(one == value for one in others) else None


def without(entry: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry without what its defaults give it."""
    rest: dict[str, Any] = {}
    for key, value in entry.items():
        theirs = shared.get(key) if key in _POOLED else None
        if isinstance(value, dict) and isinstance(theirs, dict):
            left: Any = {k: v for k, v in value.items() if k not in theirs or theirs[k] != v}
        elif isinstance(value, list) and isinstance(theirs, list):
            left = [item for item in value if item not in theirs]
        else:
            left = None if theirs is not None and theirs == value else value
        if left not in (None, {}, []):
            rest[key] = left
    return rest


def beside(
    one: Written, shared: Mapping[str, Any], held: Mapping[str, str | None]
) -> Written | str:
    """Return an entry as it stands beside defaults that are there already, and means the same.

    Args:
        one: The entry.
        shared: The defaults of its element, secrets in clear.
        held: The instance's whole configuration.

    Returns:
        The entry, or why there is none.
    """
    from ..api import wire  # noqa: PLC0415
    from ..defaults import merged  # noqa: PLC0415
    from ..instance.events import compiled, place_of  # noqa: PLC0415

    path = f"{DEFAULTS}.{one.entry['element']}"
    tags = [tag for tag in shared.get("tags") or [] if tag not in one.entry.get("tags", [])]
    if tags:
        return f"{path} gives it the tag '{tags[0]}', which it has not"
    entry = dict(one.entry)
    whole = compiled(merged(shared, entry))["configuration"]
    for key, value in whole.items():
        untold = {("configuration", key), place_of(key, entry)} & {*one.secrets}
        if untold or wire.same_value(value, held.get(key)):
            continue
        if wire.is_unset(held.get(key)):
            return f"{path} gives it '{key}', which it has not"
        entry["configuration"] = _map(entry.get("configuration")) | {key: held[key]}
    if shared.get("disabled"):
        entry["disabled"] = bool(entry.get("disabled"))
    secrets = [at for at in one.secrets if at[1] not in _map(shared.get(str(at[0])))]
    return replace(one, entry=without(entry, shared), secrets=secrets)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
