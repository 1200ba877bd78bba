"""`cloud-elements:defaults`: what the entries of one element share, and how an entry gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .instance import events as common
from .stack_keys import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

OWN = ("element", "name", "code", "provider_data", "adopt")
"""Keys of an entry that no other one may share."""
MERGED = {
    "tags": "those of the defaults, then the entry's",
    "configuration": "key by key, the entry's first",
    "events": "member by member, the entry's first",
}
"""How a key that both give is merged; of any other the entry's value is taken."""
_ALIKE = 0.85
"""How alike two elements are, from 0 to 1, when one is the other mistyped."""


def merged(shared: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with what it shares with others; its own values go first.

    Args:
        shared: The defaults of its element.
        entry: The entry. What is no map or list where one must be stays as it is.
    """
    shared = _without_what_is_said(shared, entry)
    both = {**shared, **entry}
    for field in shared.keys() & entry.keys() & MERGED.keys():
        ours, own = shared[field], entry[field]
        if isinstance(ours, dict) and isinstance(own, dict):
            both[field] = {**ours, **own}
        elif isinstance(ours, list) and isinstance(own, list):
            both[field] = [*ours, *(item for item in own if item not in ours)]
    return both


def _without_what_is_said(shared: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return defaults without the configuration that an entry gives in other words.

    `events` of the one may stand against `event.*` keys of the other, and only one may be left.
    """
    shared = _in_the_words_of(entry, shared)
    keys = _map(entry.get("configuration")).keys()
    if keys & _in_words(shared).keys():
        shared = common.compiled(shared)
    said = _in_words(entry).keys() & _map(shared.get("configuration")).keys()
    if not said:
        return dict(shared)
    rest = {key: value for key, value in shared["configuration"].items() if key not in said}
    return {**shared, "configuration": rest}


def _in_the_words_of(entry: Mapping[str, Any], shared: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return defaults that say by `events` what they say by keys, where the entry has some.

    So that whether events are on, which `events` imply, comes from the one that says it.
    """
    ours = _map(shared.get("configuration"))
    if not _map(entry.get(common.FIELD)) or common.FIELD in shared or common.ENABLED not in ours:
        return shared
    words, rest = common.typed(ours, adopted=True)
    return {**shared, "configuration": rest, **words}


def _in_words(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the configuration that `events` and `filter_response_nulls` say."""
    words = {key: entry[key] for key in (common.FIELD, common.NULLS_FIELD) if key in entry}
    return _map(common.compiled(words).get("configuration"))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def unused(shared: Iterable[str], used: Collection[str]) -> tuple[list[str], list[str]]:
    """Return which defaults no entry takes: those that are mistyped, and the others.

    Args:
        shared: The elements that have defaults.
        used: The elements of the entries.

    Returns:
        Each as `path: what`.
    """
    import difflib  # noqa: PLC0415 - where there is something to tell

    mistyped: list[str] = []
    others: list[str] = []
    shared = list(shared)
    for element in shared:
        if element in used:
            continue
        bare = [key for key in used if key not in shared]
        near = difflib.get_close_matches(element, bare, n=1, cutoff=_ALIKE)
        path = f"{DEFAULTS}.{element if element.isprintable() else ascii(element)}"
        if near:
            mistyped.append(f"{path}: no entry uses this element; did you mean '{near[0]}'?")
        else:
            others.append(f"{path}: no entry uses this element, so it has no effect")
    return mistyped, others
