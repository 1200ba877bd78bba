"""What entries share that are written: the defaults of their element, there already or new."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..stack_keys import DEFAULTS
from .additions import Additions, Place, Written
from .application import CALLBACK_URL, CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_POOLED = ("tags", "configuration", "events", "filter_response_nulls")
"""Keys of an entry whose values go to the defaults where all entries have them."""


def pooled(entries: list[Written], others: Collection[str]) -> Additions:
    """Return entries without what all those of one element have alike, which become defaults.

    Args:
        entries: The entries.
        others: Elements that have defaults or entries already, whose defaults would be new.
    """
    alike: defaultdict[str, list[Written]] = defaultdict(list)
    for written in entries:
        alike[written.entry["element"]].append(written)
    pool = Additions([])
    for element, group in alike.items():
        shared = _common([written.entry for written in group]) if len(group) > 1 else {}
        if element in others or not shared:
            continue
        pool.shared[element] = shared
        # Who comes back to the same address is the same application, most likely.
        same = CALLBACK_URL in shared.get("configuration", {})
        places: list[Place] = [("configuration", key) for key in CREDENTIALS]
        once = [at for at in places if same and all(at in written.secrets for written in group)]
        if once:
            pool.secrets[element] = once
    pool.entries = [
        replace(
            written,
            entry=without(written.entry, pool.shared.get(written.entry["element"], {})),
            secrets=[
                at
                for at in written.secrets
                if at not in pool.secrets.get(written.entry["element"], ())
            ],
        )
        for written in entries
    ]
    return pool


def _common(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what all entries have alike."""
    first, *others = entries
    found = {
        key: _alike(first[key], [entry.get(key) for entry in others])
        for key in _POOLED
        if key in first
    }
    return {key: value for key, value in found.items() if value not in (None, {}, [])}


def _alike(value: Any, others: Iterable[Any]) -> Any:
    """Return the part of a value that others have as well; None for none."""
    others = list(others)
    if isinstance(value, dict):
        maps = [other if isinstance(other, dict) else {} for other in others]
        return {
            k: v for k, v in value.items() if all(k in other and other[k] == v for other in maps)
        }
    if isinstance(value, list):
        return [item for item in value if all(item in (other or ()) for other in others)]
    return value if all(other == value for other in others) else None


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
    written: Written, shared: Mapping[str, Any], held: Mapping[str, str | None]
) -> Written | str:
    """Return an entry as it stands beside defaults that are there already, and means the same.

    Args:
        written: The entry.
        shared: The defaults of its element, secrets in clear.
        held: The instance's whole configuration.

    Returns:
        The entry, or why there is none.
    """
    from ..api import wire  # noqa: PLC0415
    from ..defaults import merged  # noqa: PLC0415
    from ..instance.events import compiled, place_of  # noqa: PLC0415

    path = f"{DEFAULTS}.{written.entry['element']}"
    tags = [tag for tag in shared.get("tags") or [] if tag not in written.entry.get("tags", [])]
    if tags:
        return f"{path} gives it the tag '{tags[0]}', which it does not have"
    entry = dict(written.entry)
    given = compiled(merged(shared, entry))["configuration"]
    for key, value in given.items():
        untold = {("configuration", key), place_of(key, entry)} & {*written.secrets}
        if untold or wire.same_value(value, held.get(key)):
            continue
        if wire.is_unset(held.get(key)):
            return f"{path} gives it '{key}', which it does not have"
        entry["configuration"] = _map(entry.get("configuration")) | {key: held[key]}
    if shared.get("disabled"):
        entry["disabled"] = bool(entry.get("disabled"))
    secrets = [at for at in written.secrets if at[1] not in _map(shared.get(str(at[0])))]
    return replace(written, entry=without(entry, shared), secrets=secrets)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
