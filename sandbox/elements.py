"""An element: which configuration it asks for, how it authenticates, what it masks.

An element is what `GET /elements/{key}` answers. This module holds the rules that follow from such
a description alone; `collection` knows where descriptions come from.
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

_SECRET_NAME = re.compile(r"(password|passphrase|secret|token|apikey|[._-]key)$", re.IGNORECASE)
_APPLICATION_KEYS = ("oauth.api.key", "oauth.api.secret")
AUTHENTICATION_TYPE = "authentication.type"
"""Configuration key that chooses how an instance authenticates."""


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


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_of(groups: set[str], name: object) -> bool:
    """Return whether an entry is in use: of no group, or of a chosen one; only text is a name."""
    return not isinstance(name, str) or not name or name in groups


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
        return [e for e in self.document["configuration"] if e["active"]]

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

    def authentication(self, configuration: Mapping[str, Any], given: Iterable[str] = ()) -> str:
        """Return oauth2, oauth1 or another type: what is chosen outranks what the element says.

        docs: QuickBooks calls itself oauth1 and has instances of both kinds; `authentication.type`
        chooses OAuth 2, and without it `requestToken` and `oauth_verifier` (names in `given`) are
        OAuth 1 (its page, 2020-11).
        """
        chosen = configuration.get(AUTHENTICATION_TYPE)
        if (
            not chosen
            and self.offers_oauth1
            and not {"requestToken", "oauth_verifier"}.isdisjoint(given)
        ):
            chosen = "oauth1"
        chosen = str(chosen or self._own_authentication).lower()
        return "oauth2" if chosen == "oauth" else chosen

    @cached_property
    def _own_authentication(self) -> str:
        entry = self.entry(AUTHENTICATION_TYPE) or {}
        if default := entry.get("defaultValue") or self.document["authentication"].get("type"):
            return str(default)
        return "oauth2" if self.document["typeOauth"] else "custom"

    @cached_property
    def offers_oauth1(self) -> bool:
        """Whether instances may authenticate with OAuth 1."""
        options = (self.entry(AUTHENTICATION_TYPE) or {}).get("options")
        values = [
            option.get("value") if isinstance(option, dict) else option
            for option in (options if isinstance(options, list) else [])
        ]
        return "oauth1" in [*values, self.document["authentication"].get("type")]

    def missing(self, configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the entries a user has to supply and did not.

        docs: required, visible, not internal, without a default, and of a chosen group; the 44
        required entries that are hidden and have no default are filled in at run time (exports,
        2021-04). Several entries may choose a group each.
        """
        groups = {
            _text(configuration.get(e["key"]) or e.get("defaultValue"))
            for e in self.entries
            if e["groupControl"]
        }
        return [
            e
            for e in self.entries
            if e["required"]
            and not e["hideFromConsole"]
            and not e["internal"]
            and e.get("defaultValue") is None
            and _is_of(groups, e.get("groupName"))
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
