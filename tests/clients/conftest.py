"""A sandbox for each flow."""

import ssl

import httpx
import pytest

from sandbox import Sandbox
from tests.clients.replay import Replay
from tests.sandbox.receiver import Receiver

# Never used; without it every client would make one, which takes longer than a whole flow.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def replay():
    """Return what replays flows against a sandbox of its own."""
    with (
        Sandbox() as sandbox,
        Receiver() as receiver,
        httpx.Client(base_url=sandbox.base_url, verify=NO_TLS, trust_env=False) as client,
    ):
        yield Replay(sandbox, client, receiver)
