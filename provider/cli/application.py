"""The application that is registered with an element's vendor, in an instance's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api import wire

CALLBACK_URL = "oauth.callback.url"
CREDENTIALS = API_KEY, API_SECRET = ("oauth.api.key", "oauth.api.secret")
"""Configuration keys of what the vendor gave to the application, not to one account."""


def authentication(element: wire.Element, configuration: Mapping[str, Any]) -> str:
    """Return how an instance authenticates, such as `oauth2`; nothing where that is not known."""
    from ..api.wire import AUTHENTICATION_TYPE  # noqa: PLC0415

    return str(configuration.get(AUTHENTICATION_TYPE) or element.kind).lower()
