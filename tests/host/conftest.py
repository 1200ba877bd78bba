"""Servers and a sandbox for the tests of the provider in its real host."""

import pytest

from sandbox import Sandbox
from tests.host.server import Server


@pytest.fixture(scope="module")
def start():
    """Return a function that starts servers; they end with the module's tests."""
    running = []

    def started(*args, **options):
        running.append(Server(*args, **options))
        return running[-1]

    yield started
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def shared_sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    """A sandbox as new."""
    shared_sandbox.reset()
    return shared_sandbox
