"""Which elements there are: built in, read from a folder, or made up for any key at all.

Descriptions are read as tolerantly as a robust client reads them, for published ones differ by age
and exporter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .elements import Element, stable_number
from .values import NOT_JSON, is_number, json_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_BRIEF: dict[str, Any] = {
    "active": True,
    "deleted": False,
    "trialAccount": False,
    "transformationsEnabled": True,
    "bulkDownloadEnabled": False,
    "bulkUploadEnabled": False,
    "cloneable": True,
    "extendable": True,
    "extended": False,
    "beta": False,
    "private": False,
    "protocolType": "http",
    "parameters": [],
    "resources": [],
}
_ENTRY: dict[str, Any] = {
    "description": "",
    "type": "TEXTFIELD_1000",
    "required": False,
    "hideFromConsole": False,
    "active": True,
    "internal": False,
    "companyConfig": False,
    "resellerConfig": False,
    "groupControl": False,
    "displayOrder": 1,
}


def _is_reachable(key: str) -> bool:
    """Return whether `/elements/{key}` means the element of this key, and nothing else."""
    return "/" not in key and key not in ("", ".", "..", "keys", "metadata")


def element_from(
    document: Mapping[str, Any], *, callback_extras: Iterable[str] = (), made_up: bool = False
) -> Element:
    """Return an element with everything left out filled in; raise ValueError for a bad one.

    Entries without a key are left out; a field of an odd type counts as absent.
    """
    key = document.get("key")
    if not isinstance(key, str):
        msg = "no `key`"
        raise ValueError(msg)  # noqa: TRY004 - bad content, not a bad argument
    if not _is_reachable(key):
        msg = f"`/elements/{key}` can't be the address of its `key`"
        raise ValueError(msg)
    entries = document.get("configuration")
    if entries is None:
        entries = []
    if not isinstance(entries, list):
        msg = "`configuration` is not a list"
        raise ValueError(msg)  # noqa: TRY004
    authentication = document.get("authentication")
    if isinstance(authentication, str):
        authentication = {"type": authentication}
    if not isinstance(authentication, dict):
        authentication = {}
    usual = _BRIEF | {
        "name": key,
        "hookName": key,
        "description": "",
        "image": "",
        "hub": "general",
        "typeOauth": str(authentication.get("type", "")).startswith("oauth"),
    }
    full = _filled(document, usual) | {"authentication": authentication}
    full["id"] = _number(document.get("id")) or stable_number(key, 20_000, 70_000)
    full["configuration"] = [
        _entry(key, entry)
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("key"), str)
    ]
    return Element(full, tuple(callback_extras), made_up)


def _filled(given: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given, nulls aside, with the usual for the rest; flags may be text."""
    full = {**usual, **{name: value for name, value in given.items() if value is not None}}
    for name, flag in usual.items():
        if isinstance(flag, bool):
            full[name] = {"true": True, "false": False}.get(str(full[name]).lower(), flag)
    return full


def _number(identity: object) -> int | None:
    text = "" if isinstance(identity, bool) else str(identity)
    return int(text) if is_number(text) else None


def _entry(element_key: str, given: dict[str, Any]) -> dict[str, Any]:
    number = stable_number(f"{element_key}:{given['key']}", 100_000, 900_000)
    full = _filled(given, _ENTRY | {"id": number, "name": given["key"]})
    default = full.get("defaultValue")
    if default is not None and not isinstance(default, str):
        full["defaultValue"] = json.dumps(default)
    return full


def make_up(key: str) -> Element:
    """Return an element for any key at all: nothing is required, everything is accepted."""
    return element_from({"key": key, "description": "Made up for this key."}, made_up=True)


class Elements:
    """All elements of a sandbox, found by key or by numeric id."""

    def __init__(self, elements: Iterable[Element], *, lenient: bool) -> None:
        self._by_key = {element.key: element for element in elements}
        self._lenient = lenient
        self._own: set[str] = set()
        """Keys of those that a client made."""

    def has(self, key: str) -> bool:
        """Return whether there is an element of this key."""
        return key in self._by_key

    def add(self, element: Element) -> None:
        """Add an element that a client made, or a changed one in place of the former."""
        self._by_key[element.key] = element
        self._own.add(element.key)

    def remove(self, key: str) -> None:
        """Remove an element that a client made."""
        self._own.remove(key)
        del self._by_key[key]

    def forget_own(self) -> None:
        """Remove every element that a client made."""
        for key in list(self._own):
            self.remove(key)

    def find(self, key_or_id: str) -> Element | None:
        """Return an element; a lenient sandbox makes one up for an unknown key."""
        if key_or_id in self._by_key:
            return self._by_key[key_or_id]
        if key_or_id.isdecimal():
            return next((e for e in self._by_key.values() if str(e.id) == key_or_id), None)
        if not self._lenient or not _is_reachable(key_or_id):
            return None
        return self._by_key.setdefault(key_or_id, make_up(key_or_id))

    def all(self) -> list[Element]:
        """Return every element in order of its key."""
        return [self._by_key[key] for key in sorted(self._by_key)]


def load_folder(folder: Path) -> tuple[list[Element], list[str]]:
    """Return the elements of a folder's `*.json` files, and a line for each file left out."""
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise ValueError(msg)
    found: dict[str, tuple[str, Element]] = {}
    complaints = []
    for file in sorted(folder.glob("*.json")):
        try:
            element = element_from(_description(file.read_text(encoding="utf-8-sig")))
        except (OSError, ValueError, RecursionError) as problem:
            complaints.append(f"{file.name}: {problem}")
        else:
            if element.key in found:
                earlier, _ = found[element.key]
                complaints.append(f"{earlier}: {file.name} describes `{element.key}` as well")
            found[element.key] = (file.name, element)
    return [element for _, element in found.values()], complaints


def _description(text: str) -> dict[str, Any]:
    """Return the first JSON value of a file, which may be a list of one.

    docs: clover.json is several values in a row, the element first (2020-11).
    """
    value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        msg = "not a JSON object"
        raise ValueError(msg)  # noqa: TRY004
    if json_value(json.dumps(value).encode()) is NOT_JSON:
        msg = "not strict JSON, or nested too deeply"
        raise ValueError(msg)
    return value
