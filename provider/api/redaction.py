"""What is secret, and how secrets are kept out of text.

Default-deny: a configuration key is secret unless it is known to be plain, here or by the
element's own metadata. This module knows no HTTP and no Pulumi.
"""

from __future__ import annotations

import html
import json
import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

V = TypeVar("V")

MASK = "********"
"""What the platform answers in place of a secret (docs: vendor's own API tests, 2018-09)."""

HIDDEN = "[secret]"
"""What stands in our own texts in place of a secret, as in Pulumi's."""

PLAIN_KEYS = frozenset(
    [
        "allow.select.fields",
        "authentication.time",
        "authentication.type",
        "base.url",
        "bulk.add_metadata",
        "bulk.query.date_mask",
        "bulk.query.download_format",
        "bulk.query.field_name",
        "bulk.query.operator",
        "bulk.relations",
        "default.select.fields.map",
        "document.tagging",
        "event.helper.key",
        "event.metadata",
        "event.notification.enabled",
        "event.notification.instance.finder",
        "event.notification.subscription.id",
        "event.notification.type",
        "event.objects",
        "event.poller.configuration",
        "event.poller.refresh_interval",
        "event.vendor.type",
        "expires_in",
        "filter.response.nulls",
        "oauth.authorization.url",
        "oauth.basic.header",
        "oauth.callback.url",
        "oauth.request.authorization.type",
        "oauth.request.url",
        "oauth.scope",
        "oauth.token.refresh_url",
        "oauth.token.revoke_url",
        "oauth.token.url",
        "oauth.user.refresh_interval",
        "oauth.user.refresh_time",
        "pagination.max",
        "pagination.page.startindex",
        "pagination.type",
        "scope",
        "site.address",
        "subdomain",
    ]
)
"""Configuration keys that hold no secret (docs: common instance configuration, 2020-11).

`event.notification.callback.url` and `event.poller.urls` are not among them: such addresses often
carry a token.
"""

PLATFORM_WRITTEN = re.compile(r"oauth\.user\.(?!refresh_interval$).*|expires_in")
"""Keys that the platform rewrites by itself whenever it refreshes a token: never compared.

docs: the interval between refreshes is a setting (common instance configuration, 2020-11).
"""

_SECRET_WORD = re.compile(
    r"pass|pwd|secret|token|credential|private|signature|cert|jks|keystore|cookie|session|header"
    r"|api.?key|key$|pin$|auth$|(callback|hook).*url|poller\.urls|variables"
)
_SHORTEST_SECRET = 4
"""A shorter value is no secret worth hiding, and hiding it would make texts unreadable."""
_NO_SECRETS = frozenset({"true", "false", "null", "none"})


@lru_cache(4096)
def is_platform_written(key: str) -> bool:
    """Tell whether the platform rewrites the configuration key by itself."""
    return PLATFORM_WRITTEN.fullmatch(key) is not None


def without_platform_written(configuration: Mapping[str, V]) -> dict[str, V]:
    """Return a configuration without the keys that the platform rewrites by itself."""
    return {key: value for key, value in configuration.items() if not is_platform_written(key)}


@lru_cache(4096)
def looks_secret(key: str) -> bool:
    """Tell whether a key names a secret, whatever metadata says of its type.

    docs: `oauth.user.token` has the type of a plain text field (2020-11), so types alone do not
    find secrets.
    """
    return _SECRET_WORD.search(key.lower()) is not None and key not in PLAIN_KEYS


def is_secret_key(key: str, known_plain: frozenset[str] = frozenset()) -> bool:
    """Tell whether the value of a configuration key is secret: yes, unless it is known plain."""
    return key not in PLAIN_KEYS and (key not in known_plain or looks_secret(key))


def strings_in(value: Any) -> Iterator[str]:
    """Yield every text and number inside maps and lists, as JSON writes it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(int(value)) if value == value // 1 else str(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_in(item)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return a text as `scrubbed` does."""
    return scrubbed([text], secrets)[0]


def scrubbed(texts: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """Return texts with every one of `secrets` replaced, the longest first.

    Also as it stands in an address, in JSON or in HTML, and each line of one that has several.
    """
    forms = {form for secret in secrets for form in _forms(secret)}
    known = sorted(
        (f for f in forms if len(f) >= _SHORTEST_SECRET and f.lower() not in _NO_SECRETS),
        key=len,
        reverse=True,
    )
    pattern = "|".join(map(re.escape, known))
    return [re.sub(pattern, HIDDEN, text) if known else text for text in texts]


def _forms(secret: str) -> set[str]:
    written = json.dumps(secret)[1:-1]
    addressed = secret.encode(errors="replace")
    lines = {line.strip() for line in secret.splitlines()}
    return lines | {
        secret,
        written,
        quote(addressed, ""),
        quote_plus(addressed),
        html.escape(secret),
    }


def secrets_of(configuration: Mapping[str, Any]) -> set[str]:
    """Return every text under a secret key of a configuration, at any depth."""
    return {
        text
        for key, value in configuration.items()
        for text in (strings_in(value) if is_secret_key(key) else _named_secret(value))
    }


def secrets_in_request(body: Mapping[str, Any]) -> set[str]:
    """Return what an error about a create or an update must not show."""
    credentials = set(strings_in(body.get("providerData")))
    return credentials | secrets_of(body.get("configuration") or {})


def _named_secret(value: Any) -> Iterator[str]:
    """Yield what names itself a secret inside a value that is not one as a whole."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strings_in(item) if looks_secret(key) else _named_secret(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_secret(item)


def quiet_http_loggers() -> None:
    """Keep HTTP libraries from logging: they write whole addresses, queries included, at INFO."""
    for name in ("httpx", "httpcore", "httpx_retries", "hpack"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
