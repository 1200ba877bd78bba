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
    """A sandbox without instances and faults, its switches where they were.

    Not `reset`, after which ids and codes would repeat that a server remembers.
    """
    before = shared_sandbox.switches()
    yield shared_sandbox
    shared_sandbox.clear_faults()
    for name, value in before.items():
        shared_sandbox.set_switch(name, value)
    for instance in shared_sandbox.instances():
        shared_sandbox.delete_instance(instance["id"])
