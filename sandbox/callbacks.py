"""Calls that the sandbox makes itself: to the callback addresses that its users name.

Only to this machine. An address in a stack may be a real one, which nothing made up may reach.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


_PATIENCE = 10
"""Seconds."""
# Never used, for https is not called; making one takes longer than a call.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Callback:
    """A call that is due."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    settle: Callable[[str], None]
    """Is told what is wrong, or nothing when the receiver has taken it."""


async def make(callback: Callback) -> None:
    """Make a call, once, and settle it."""
    problem = _objection(callback.url)
    if not problem:
        try:
            async with httpx.AsyncClient(
                verify=_NO_TLS, trust_env=False, timeout=_PATIENCE
            ) as client:
                answer = await client.post(
                    callback.url, content=callback.body, headers=dict(callback.headers)
                )
            problem = "" if answer.is_success else f"status {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as failure:
            problem = type(failure).__name__
    callback.settle(problem)


async def make_all(due: Iterable[Callback]) -> None:
    """Make the calls that some work has left to make, one after the other."""
    for callback in due:
        await make(callback)


def _objection(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # the port may be no number, which raises
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local or parts.scheme != "http":
        return "the sandbox calls only http addresses on this machine"
    return ""
