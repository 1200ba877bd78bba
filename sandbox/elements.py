"""Elements: what can be instantiated, which configuration each asks for, what it masks.

An element is what `GET /elements/{key}` answers. This module reads such files, makes elements up
for lenient sandboxes, and holds the rules that follow from an element's description alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SECRET_NAME = re.compile(r"(password|passphrase|secret|token|apikey|[._-]key)$", re.IGNORECASE)
_APPLICATION_KEYS = ("oauth.api.key", "oauth.api.secret")


def stable_number(text: str, low: int, size: int) -> int:
    """Return a number between low and low + size that depends on the text alone."""
    digest = hashlib.sha256(text.encode()).digest()
    return low + int.from_bytes(digest[:6], "big") % size


def named_like_a_secret(key: str) -> bool:
    """Return whether a configuration key's name suggests a secret."""
    return bool(_SECRET_NAME.search(key))


def is_user_token(key: str) -> bool:
    """Return whether the platform itself writes this key as an OAuth token."""
    return key.startswith("oauth.user.") and "token" in key


@dataclass(frozen=True)
class Element:
    """One element and the rules that follow from its description."""

    document: dict[str, Any]
    callback_extras: tuple[str, ...] = ()
    """Further callback parameters that have to come back in `providerData`, such as realmId."""
    made_up: bool = False

    @property
    def key(self) -> str:
        """The element key."""
        return str(self.document["key"])

    @property
    def id(self) -> int:
        """The numeric id."""
        return int(self.document["id"])

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """Configuration entries that are in use."""
        return [e for e in self.document["configuration"] if e.get("active", True)]

    def entry(self, key: str) -> dict[str, Any] | None:
        """Return one configuration entry."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> dict[str, dict[str, Any]]:
        return {entry["key"]: entry for entry in self.entries}

    def defaults(self) -> dict[str, str | None]:
        """Return every configuration key with its default; null where there is none."""
        return dict(self._defaults)

    @cached_property
    def _defaults(self) -> dict[str, str | None]:
        return {e["key"]: e.get("defaultValue") for e in self.entries}

    def authentication(self, configuration: Mapping[str, Any]) -> str:
        """Return oauth2, oauth1 or another type; `authentication.type` outranks the element.

        The two may disagree: QuickBooks' documentation has an element of type oauth1 with
        instances of type oauth2.
        """
        chosen = configuration.get("authentication.type")
        if not chosen:
            entry = self.entry("authentication.type")
            chosen = entry.get("defaultValue") if entry else None
        if not chosen:
            chosen = (self.document.get("authentication") or {}).get("type")
        if not chosen:
            chosen = "oauth2" if self.document.get("typeOauth") else "custom"
        return {"oauth": "oauth2"}.get(str(chosen).lower(), str(chosen).lower())

    def missing(self, configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the entries a user has to supply and did not.

        docs: required, visible, not internal, without a default, and of the chosen group; the 44
        required entries that are hidden and have no default are filled in at run time.
        """
        groups = {
            str(configuration.get(e["key"]) or e.get("defaultValue"))
            for e in self.entries
            if e.get("groupControl")
        }
        return [
            e
            for e in self.entries
            if e.get("required")
            and not e.get("hideFromConsole")
            and not e.get("internal")
            and e.get("defaultValue") is None
            and (not e.get("groupName") or e["groupName"] in groups)
            and configuration.get(e["key"]) in (None, "")
        ]

    def masks(self, key: str) -> bool:
        """Return whether the platform hides this value in answers: by type, not by name."""
        if key in _APPLICATION_KEYS:
            return True
        if self.made_up:
            return named_like_a_secret(key) and not is_user_token(key)
        entry = self.entry(key)
        return entry is not None and entry.get("type") == "PASSWORD"

    def is_credential(self, key: str) -> bool:
        """Return whether the vendor would have to check this value."""
        return self.masks(key) or (named_like_a_secret(key) and not is_user_token(key))

    @cached_property
    def brief(self) -> dict[str, Any]:
        """The element as it stands inside an instance: without configuration."""
        return {k: v for k, v in self.document.items() if k != "configuration"}


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


def element_from(
    document: Mapping[str, Any], *, callback_extras: Iterable[str] = (), made_up: bool = False
) -> Element:
    """Return an element with everything left out filled in; raise ValueError for a bad one."""
    key = document.get("key")
    if not isinstance(key, str) or not key:
        msg = "no `key`"
        raise ValueError(msg)
    entries = document.get("configuration", [])
    if not isinstance(entries, list):
        msg = "`configuration` is not a list"
        raise ValueError(msg)  # noqa: TRY004 - bad content, not a bad argument
    authentication = document.get("authentication") or {}
    if not isinstance(authentication, dict):
        msg = "`authentication` is not an object"
        raise ValueError(msg)  # noqa: TRY004
    identity = document.get("id")
    numeric = isinstance(identity, int) or (isinstance(identity, str) and identity.isdecimal())
    full = _BRIEF | {
        "name": key,
        "hookName": key,
        "description": "",
        "image": "",
        "hub": "general",
        "authentication": authentication,
        "typeOauth": str(authentication.get("type", "")).startswith("oauth"),
    }
    full |= {k: v for k, v in document.items() if v is not None and k != "configuration"}
    full["id"] = int(str(identity)) if numeric else stable_number(key, 20_000, 70_000)
    full["configuration"] = [_entry(key, entry) for entry in entries]
    return Element(full, tuple(callback_extras), made_up)


def _entry(element_key: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        msg = "a configuration entry has no `key`"
        raise ValueError(msg)  # noqa: TRY004
    number = stable_number(f"{element_key}:{entry['key']}", 100_000, 900_000)
    full = _ENTRY | {"id": number, "name": entry["key"]} | entry
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

    def find(self, key_or_id: str) -> Element | None:
        """Return an element; a lenient sandbox makes one up for an unknown key."""
        if key_or_id in self._by_key:
            return self._by_key[key_or_id]
        if key_or_id.isdecimal():
            return next((e for e in self._by_key.values() if str(e.id) == key_or_id), None)
        if not self._lenient or not key_or_id:
            return None
        return self._by_key.setdefault(key_or_id, make_up(key_or_id))

    def all(self) -> list[Element]:
        """Return every element in order of its key."""
        return [self._by_key[key] for key in sorted(self._by_key)]


def load_folder(folder: Path) -> tuple[list[Element], list[str]]:
    """Return the elements of a folder's `*.json` files, and a line for each file that is bad."""
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise ValueError(msg)
    elements, complaints = [], []
    for file in sorted(folder.glob("*.json")):
        try:
            document = json.loads(file.read_text(encoding="utf-8-sig"))
            if not isinstance(document, dict):
                msg = "not a JSON object"
                raise ValueError(msg)  # noqa: TRY004, TRY301
            elements.append(element_from(document))
        except (OSError, ValueError) as problem:
            complaints.append(f"{file.name}: {problem}")
    return elements, complaints
