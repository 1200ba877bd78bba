"""What is written in a stack's configuration, against what Pulumi makes of it.

Pulumi reads an unquoted value by YAML's rules: `0123` is a number in octal, `3.10` is 3.1, and
`2024-01-31` a time. What a program is handed does not tell what was written; the file does, until
`pulumi config set` rewrites it.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from .api import wire
from .api.redaction import looks_secret
from .config import NAMESPACE, Settings, stack_key
from .stack_file import entries
from .stack_keys import DEFAULTS, KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Place = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


def mistakes(config: Mapping[str, str], written: Mapping[str, Any]) -> dict[str, str]:
    """Return what became another value on its way from the file, as path and what is wrong.

    Args:
        config: The stack's configuration as Pulumi hands it over: texts by full key.
        written: The same as the files show it, see `stack_file.written`.
    """
    found: dict[str, str] = {}
    for key, text in sorted(config.items()):
        if key.startswith(f"{NAMESPACE}:"):
            shown = written.get(key)
            in_clear = isinstance(shown, str) or _is_map(shown)
            for place, wrong, read in _misread(key, text, shown):
                said = f"written {wrong}, read as {read}" if in_clear else None
                if said is None or _is_secret(key, place):
                    said = "is read as a value other than the one that is written"
                found.setdefault(key + path(place), f"{said}: put it in quotes")
    return found


def _is_map(shown: Any) -> bool:
    return isinstance(shown, dict) and [*shown] != ["secure"]


def _misread(key: str, text: str, shown: Any) -> Iterator[tuple[Place, str, str]]:
    """Yield what was misread below a key, but for booleans that are meant to be ones."""
    if key not in (KEY, DEFAULTS):
        flags = {stack_key(item.name) for item in fields(Settings) if item.default is True}
        yield from misread(shown, text) if key not in flags else ()
        return
    try:
        got = json.loads(text)
        if not _is_map(shown):  # given as JSON, which Pulumi hands on as it is
            shown = json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        return
    for place, wrong, read in misread(shown, got):
        if not (read in _FLAGS and (len(place) == _FIELD or place[1:] == _A_FLAG)):
            yield place, wrong, read


_FLAGS = ("true", "false")
_FIELD = 2
"""Parts of the place of an entry's own field, where `True` is as good as `true`."""
_A_FLAG = ("events", "enabled")
"""Another such place."""


def _is_secret(key: str, place: Place) -> bool:
    keys = (key.partition(":")[2], *map(str, place[1:]))
    return keys[1:2] in (("code",), ("provider_data",)) or any(map(looks_secret, keys))


def path(place: Place) -> str:
    """Return a place as text, such as `.a.tags[1]`."""
    return "".join(
        f"[{part}]" if isinstance(part, int) else f".{part if part.isprintable() else ascii(part)}"
        for part in place
    )


def misread(shown: Any, got: Any, place: Place = ()) -> Iterator[tuple[Place, str, str]]:
    """Yield where Pulumi made another value of what is written: place, what is written, and that.

    A place whose value comes from elsewhere (`--config`, `--config-file`, an environment) is
    passed over.

    Args:
        shown: What the file shows, every scalar as text.
        got: What the program was handed in its place.
        place: Where that is.
    """
    if isinstance(shown, dict) and isinstance(got, dict):
        yield from _misread_below(shown, got, place)
    elif isinstance(shown, list) and isinstance(got, list):
        for index, (item, value) in enumerate(zip(shown, got, strict=False)):
            yield from misread(item, value, (*place, index))
    elif isinstance(shown, str) and not isinstance(got, dict | list | None):
        read = wire.stored(got) or ""
        if read != shown and _made_of(shown, read):
            yield place, shown, read


def _misread_below(
    shown: Mapping[str, Any], got: Mapping[str, Any], place: Place
) -> Iterator[tuple[Place, str, str]]:
    """Yield what Pulumi made of a map: of its keys, and of what stands below them."""
    for key, item in shown.items():
        read = key if key in got else next((word for word in got if _made_of(key, word)), None)
        if read is None:
            continue
        if read != key:
            yield (*place, key), key, read
        yield from misread(item, got[read], (*place, key))


_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [-+]\d{4} \S+")


def needs_quotes(text: str) -> bool:
    """Tell whether Pulumi may take a text for a number or a date when it stands without quotes."""
    return _number(text) is not None or re.match(r"\d{4}-\d", text) is not None


def _made_of(text: str, read: str) -> bool:
    """Tell whether Pulumi may have read `text` as what is `read`, as it writes that."""
    if read in _FLAGS:
        return text in (read.upper(), read.title())
    if read == "<nil>":  # a key without a value of its own
        return text in ("", "~", "null", "Null", "NULL")
    if _TIME.fullmatch(read):
        return re.match(r"\d{4}-\d", text) is not None and text[:5] == read[:5]
    number = _number(text)
    return number is not None and number == _number(read)


def _number(text: str) -> float | None:
    """Return the number that YAML sees in a text: go-yaml v3 takes 1.1's spellings and 1.2's."""
    plain = text.replace("_", "")
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", plain)
    try:
        return float(int(octal[1] + octal[2], 8) if octal else int(plain, 0))
    except (ValueError, OverflowError):
        pass
    try:
        return float(plain)
    except ValueError:
        return None


def remarks(documents: Mapping[str, Any], written: Mapping[str, Any]) -> list[str]:
    """Return what may be meant otherwise in entries and defaults, each as `path: what`.

    Args:
        documents: The values of `cloud-elements:instances` and `cloud-elements:defaults`, as the
            program is handed them.
        written: The stack's configuration as the files show it, see `stack_file.written`.
    """
    found = []
    for key, document in documents.items():
        shown = written.get(key)
        remarks = _remarks(document, entries(shown), ())
        if isinstance(shown, dict) and not _is_map(shown):  # secret JSON, rewritten by nothing
            remarks = ((place, what) for place, what in remarks if what is not _FROM_ELSEWHERE)
        found += [f"{key}{path(place)}: {what}" for place, what in remarks]
    return found


def _remarks(value: Any, shown: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in parts:
            yield from _remarks(item, inside(shown, key), (*place, key))
    elif value is None:
        if len(place) > 1 and place[1:] not in _COLLECTIONS:
            yield place, "is null, so it counts as not given"
    elif isinstance(value, str):
        if _TIME.fullmatch(value):
            yield place, "is how Pulumi rewrites a date: put the one that is meant in quotes"
    elif type(value) in (int, float) and place[1:] != ("adopt",):
        if shown != wire.stored(value):
            yield place, _FROM_ELSEWHERE
        elif abs(value) >= _LONG:
            yield place, _A_NUMBER


def inside(shown: Any, part: str | int) -> Any:
    """Return what stands in a map or a list at one place; None where there is nothing."""
    if isinstance(shown, dict):
        return shown.get(str(part))
    return (
        shown[part]
        if isinstance(shown, list) and isinstance(part, int) and part < len(shown)
        else None
    )


_FROM_ELSEWHERE = (
    "is a number that the stack's own file does not show, so nobody can tell how it was written: "
    "put it in quotes"
)
_A_NUMBER = (
    "is a number: where 'pulumi config set --path' stored it, a plus before it is gone; put it in "
    "quotes unless it is an amount"
)
_COLLECTIONS = (("tags",), ("configuration",), ("provider_data",))
"""Fields of an entry that are as well empty as not given."""
_LONG = 10**8
"""A number that is more likely a phone's or an account's than an amount."""
