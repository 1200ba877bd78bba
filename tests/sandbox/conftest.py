"""A running sandbox with a clock and a sleep of its own, and a client that is let in."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sandbox import Sandbox
from tests.sandbox.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Never used; without it every client would make one, which takes longer than a whole test.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_APPLICATION = {
    "oauth.api.key": "application",
    "oauth.api.secret": "application-secret",
    "oauth.callback.url": "https://app.example/callback",
}
CONFIGURATION: dict[str, dict[str, Any]] = {
    "freshservice": {"subdomain": "acme", "username": "someone", "password": "hidden"},
    "onedrivebusiness": _APPLICATION,
    "hubspot": _APPLICATION,
    "weebly": _APPLICATION,
    "quickbooks": _APPLICATION,
    "twitter": _APPLICATION,
    "closeio": {"username": "api-key"},
    "sendgrid": {"api.token": "mail-token"},
    "bigcommerce": {"store.url": "https://shop.example", "username": "u", "password": "p"},
}
_WITHOUT_OAUTH = ("freshservice", "closeio", "sendgrid", "bigcommerce")


@pytest.fixture
def moment() -> list[float]:
    """The sandbox's clock: seconds since 1970 in a list of one, for tests to move."""
    return [1_500_000_000.0]


@pytest.fixture
def naps() -> list[float]:
    """Every wait of the sandbox in seconds; none of them takes time."""
    return []


@pytest.fixture
def sandbox(moment: list[float], naps: list[float]) -> Iterator[Sandbox]:
    """A sandbox with the built-in elements."""

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        await asyncio.sleep(0)

    with Sandbox(clock=lambda: moment[0], sleep=sleep) as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Callable[..., httpx.Client]]:
    """Connect to a sandbox: with both secrets, or with the Authorization header given."""
    clients: list[httpx.Client] = []

    def made(sandbox: Sandbox, authorization: str | None = None) -> httpx.Client:
        both = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
        headers = {"Authorization": authorization or both}
        client = httpx.Client(
            base_url=sandbox.base_url, headers=headers, timeout=20, verify=_NO_TLS, trust_env=False
        )
        clients.append(client)
        return clients[-1]

    yield made
    for client in clients:
        client.close()


@pytest.fixture
def api(sandbox: Sandbox, connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of the API with both secrets."""
    return connect(sandbox)


@pytest.fixture
def backdoor(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A client of the control routes under `/sandbox`."""
    origin = sandbox.base_url.removesuffix("/elements/api-v2")
    with httpx.Client(
        base_url=f"{origin}/sandbox", timeout=20, verify=_NO_TLS, follow_redirects=True
    ) as client:
        yield client


@pytest.fixture
def body(sandbox: Sandbox) -> Callable[..., dict[str, Any]]:
    """Make a create body that is complete and valid, with a fresh code where one is needed."""

    def made(key: str = "freshservice", **fields: Any) -> dict[str, Any]:
        configuration = CONFIGURATION[key] | fields.pop("configuration", {})
        whole = {"element": {"key": key}, "name": "one", "configuration": configuration}
        if key not in _WITHOUT_OAUTH:
            whole["providerData"] = sandbox.new_provider_data(key)
        return whole | fields

    return made


@pytest.fixture
def create(api: httpx.Client, body: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Make an instance through the API and return the answer."""

    def made(key: str = "freshservice", **fields: Any) -> dict[str, Any]:
        response = api.post("/instances", json=body(key, **fields))
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return made


@pytest.fixture
def lenient(connect: Callable[..., httpx.Client]) -> Iterator[httpx.Client]:
    """A client of a lenient sandbox, which accepts every element key."""
    with Sandbox(lenient=True) as running:
        yield connect(running)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Something on this machine that takes callbacks."""
    with Receiver() as running:
        yield running
