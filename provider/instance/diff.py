"""Observed against desired: what a refresh, a take-over, a preview and `elements status` show.

Knows no HTTP; values are compared as the platform stores them, see `provider.api.wire`.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..api import wire
from ..api.redaction import MASK, without_platform_written
from .credentials import fingerprints, is_credential, one_time
from .events import VENDOR_TYPE, WEBHOOKS, compiled
from .gaps import is_unknown, known_part
from .inputs import (
    MARKUP,
    Properties,
    fields_with,
)
from .markers import MARKERS, users_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .state import Record, Stored


def same_text(text: str, other: str) -> bool:
    """Tell whether two names or tags are the same once the platform stored them.

    docs: HTML is removed (vendor's own API tests, 2018-09); entities and outer white space are
    taken as unchanged.
    """
    return plain_text(text) == plain_text(other)


def plain_text(text: str) -> str:
    """Return a name or tag as the platform stores it."""
    return html.unescape(MARKUP.sub("", text)).strip()


def same_setting(key: str, value: Any, other: Any) -> bool:
    """Tell whether two values of a configuration key mean the same; webhooks have two names."""
    if isinstance(value, str) and value == other:
        return True
    if key == VENDOR_TYPE and value in WEBHOOKS and other in WEBHOOKS:
        return True
    return wire.same_value(value, other)


def is_cut_from(text: str, sent: str) -> bool:
    """Tell whether the platform may have made one text of the other, cutting it short perhaps."""
    kept = plain_text(text).casefold()
    return bool(kept) and plain_text(sent).casefold().startswith(kept)


def observed(instance: wire.Instance, desired: Properties, record: Record) -> Properties:
    """Return what the platform holds, in the program's own words wherever it means the same.

    - A masked, missing or untold value counts as the one desired: nothing can be said of it.
    - What the platform itself made of our last write is no drift.
    - Marker tags, and the tag that the platform adds by itself (the instance's name, docs: vendor's
      own API tests, 2018-09), are not the program's.
    """
    name = instance.name
    if name is None or same_text(name, desired.name) or name == record.answered.get("name"):
        name = desired.name
    tags = own_tags(instance, desired.tags)
    if (
        tags is None
        or {plain_text(tag) for tag in tags} == {plain_text(tag) for tag in desired.tags}
        or sorted(tags) == record.answered.get("tags")
    ):
        tags = desired.tags
    held = instance.held or {}
    return Properties(
        name=name,
        tags=tags,
        configuration={
            key: _seen(held, key, desired.configuration, record)
            for key in record.managed
            if key in held or key in desired.configuration
        },
    )


def own_tags(instance: wire.Instance, desired: list[str]) -> list[str] | None:
    """Return an instance's tags without ours and the platform's; None when they are not told."""
    if instance.tags is None:
        return None
    default = plain_text(instance.name or "")
    kept = users_tags(instance.tags)
    return [tag for tag in kept if plain_text(tag) != default or tag in desired]


def _seen(
    held: Mapping[str, str | None], key: str, desired: Mapping[str, Any], record: Record
) -> Any:
    if key not in held:
        return desired[key]
    value = held[key]
    if key in desired and (
        value == MASK
        or same_setting(key, value, desired[key])
        or (
            (path := f"configuration.{key}") in record.answered
            and wire.same_value(record.answered[path], value)
        )
    ):
        return desired[key]
    return value


def answered(instance: wire.Instance, wrote: Properties) -> dict[str, Any]:
    """Return where the platform's answer to our own write differs from what we wrote."""
    found: dict[str, Any] = {}
    if instance.name is not None and not same_text(instance.name, wrote.name):
        found["name"] = instance.name
    tags = own_tags(instance, wrote.tags)
    if tags is not None and {plain_text(t) for t in tags} != {plain_text(t) for t in wrote.tags}:
        found["tags"] = sorted(tags)
    for key, value in (instance.held or {}).items():
        wanted = wrote.configuration.get(key)
        if wanted is not None and value != MASK and not same_setting(key, value, wanted):
            found[f"configuration.{key}"] = value
    return found


@dataclass(frozen=True, repr=False)
class Changes:
    """What differs between the state and the program's wish."""

    replaces: list[str]
    name: bool
    tags: bool
    configuration: dict[str, Any]
    """Keys to set, with the values wished for; unknown values included."""
    removed: frozenset[str]
    """Keys that the program gave before and gives no more."""
    credentials: dict[str, str]
    """One-time credentials that were not sent before, by path."""
    replayed: dict[str, str]
    """Fingerprints of those that were sent before, and not last with success: never sent again."""
    disabled: bool
    markers: bool
    deletion: bool
    """Only what `delete` will do changes: nothing to tell the platform."""

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.replaces
            or self.name
            or self.tags
            or self.configuration
            or self.removed
            or self.credentials
            or self.replayed
            or self.disabled
            or self.markers
            or self.deletion
        )


def changes(stored: Stored, news: Mapping[str, Any]) -> Changes:
    """Compare what the state has with a program's inputs, which may hold unknowns.

    An unknown value counts as changed.
    """
    news = compiled(news)
    olds, record, before = stored.outputs, stored.record, stored.properties
    known = not is_unknown(news)
    unknown = set() if known else {key for key, value in news.items() if is_unknown(value)}
    after = news if known else known_part(dict(news))

    def differs(name: str, old: Any, read: Callable[[Any], Any] = lambda value: value) -> bool:
        return name in unknown or read(after.get(name)) != read(old)

    credentials, replayed = _credentials(after, record, news, unknown)
    configuration = news.get("configuration") or {}
    partly_known = isinstance(configuration, dict)
    return Changes(
        replaces=[name for name in fields_with(replaces=True) if differs(name, olds.get(name))],
        name=differs("name", before.name),
        tags=differs("tags", before.tags, lambda tags: {*(tags or ())}),
        configuration=_configuration(before, configuration, unknown)
        if partly_known
        else {"configuration": configuration},
        removed=record.managed - configuration.keys() if partly_known else frozenset(),
        credentials=credentials,
        replayed=replayed,
        disabled=news.get("disabled") is not None
        and differs("disabled", olds.get("disabled"), bool),
        markers=bool(news.get(MARKERS)) and differs(MARKERS, olds.get(MARKERS)),
        deletion=differs("delete_adopted", olds.get("delete_adopted"), bool),
    )


def _configuration(
    before: Properties, wanted: Mapping[str, Any], unknown: set[str]
) -> dict[str, Any]:
    """Return the keys to set, with the values wanted; unknown values included."""
    may_be_unknown = "configuration" in unknown
    return {
        key: value
        for key, value in without_platform_written(wanted).items()
        if (may_be_unknown and is_unknown(value))
        or key not in before.configuration
        or not same_setting(key, before.configuration[key], value)
    }


def _credentials(
    known: Mapping[str, Any], record: Record, news: Mapping[str, Any], unknown: set[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return one-time credentials that were not sent before, and fingerprints of those that were.

    Those that were sent last, with success, are in neither.
    """
    given_once = one_time(known)
    given = {
        path: mark
        for path, mark in fingerprints(given_once).items()
        if record.spent.get(path) != mark
    }
    sent = {mark for former in record.past for mark in former.values()}
    new = {path: given_once[path] for path, mark in given.items() if mark not in sent}
    new |= {name: "" for name in ("code", "provider_data") if name in unknown}
    configuration = news.get("configuration")
    if "configuration" in unknown and isinstance(configuration, dict):
        new |= {
            f"configuration.{key}": ""
            for key, value in configuration.items()
            if is_credential(key) and is_unknown(value)
        }
    return new, {path: mark for path, mark in given.items() if mark in sent}
