"""The way to the platform: its address, the proxy on the way, and who we are."""

from __future__ import annotations

import os
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from httpx_retries import RetryTransport

from .address import is_loopback
from .errors import ConfigError
from .rate import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Settings
    from .retry import Time


def connection(
    settings: Settings,
    *,
    transport: httpx.BaseTransport | None = None,
    clock: Time,
    go_on: Callable[[], None],
) -> httpx.Client:
    """Return what sends requests, at the pace that the settings allow.

    Args:
        settings: Where the platform is and who we are.
        transport: Sends the requests; one of the settings by default.
        clock: The clock.
        go_on: Raises when nothing may be sent any more; asked right before a request is.

    Raises:
        ConfigError: The address of the platform or of the proxy can't be used.
    """
    limited = Limiter(
        transport or _transport(settings),
        settings.requests_per_second,
        settings.timeout,
        clock,
        go_on=go_on,
        at_once=settings.concurrency,
        secrets=frozenset({settings.user_secret, settings.organization_secret}),
    )
    return httpx.Client(
        base_url=_address(settings),
        headers=_headers(settings),
        # Every request proves by itself who we are; a session would outlive a changed secret.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(settings.timeout, connect=min(15.0, settings.timeout), pool=None),
        transport=RetryTransport(transport=limited),
        follow_redirects=False,
    )


def _headers(settings: Settings) -> dict[str, str]:
    # The element token is never sent along: with it, DELETE /instances/{id} is routed to the vendor
    # (docs: vendor's own API tests, 2018-09).
    secrets = f"User {settings.user_secret}, Organization {settings.organization_secret}"
    return {
        "authorization": secrets,
        "accept": "application/json",
        "user-agent": "pulumi-cloud-elements",
    }


def _address(settings: Settings) -> httpx.URL:
    with suppress(httpx.InvalidURL, ValueError):
        address = httpx.URL(settings.base_url.rstrip("/") + "/")
        if address.host:
            return address
    message = "CLOUD_ELEMENTS_BASE_URL (or cloud-elements:baseUrl) is not an address"
    raise ConfigError(message)


def _transport(settings: Settings) -> httpx.HTTPTransport:
    """Return a transport with one connection for each operation, through the machine's proxy."""
    address = urlsplit(settings.base_url)
    host = address.hostname or ""
    proxy = None
    # Requests to ourselves may be plain, and must not pass through anybody's hands.
    if not is_loopback(host) and not proxy_bypass(host):
        proxy = getproxies().get(address.scheme) or getproxies().get("all")
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    limits = httpx.Limits(
        max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency
    )
    try:
        return httpx.HTTPTransport(limits=limits, proxy=proxy)
    except OSError as error:
        message = _unusable_tls(error)
    except (ValueError, ImportError, httpx.InvalidURL):
        message = (
            "the proxy that HTTPS_PROXY or ALL_PROXY names can't be used: give an http:// address"
        )
    # Outside the handler: the address of a proxy may hold a password.
    raise ConfigError(message)


def _unusable_tls(error: OSError) -> str:
    """Return which part of the machine's TLS settings can't be used."""
    keys = os.environ.get("SSLKEYLOGFILE")
    if keys and error.filename == keys:
        return "the file that SSLKEYLOGFILE names can't be written: unset it, or name another one"
    names = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
    if not names:
        return "the certificates that came with Python's package certifi can't be read"
    return f"the certificates that {' or '.join(names)} names can't be read"
