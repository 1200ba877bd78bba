"""Servers and a sandbox for the tests of the provider in its real host."""

import pytest

from sandbox import Sandbox
from tests.host.gate import Gate
from tests.host.native import NativeServer
from tests.host.server import Server

DOORS = {"dynamic": Server, "native": NativeServer}
_running = []
"""The servers of the module's tests."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """End the servers that a test itself started: a hundred of them would fill the memory."""
    before = len(_running)
    try:
        return (yield)
    finally:
        for server in _running[before:]:
            server.stop()


@pytest.fixture(scope="module", params=DOORS)
def door(request):
    """The door that a test knocks at: all that is promised holds at either."""
    return request.param


@pytest.fixture(scope="module")
def start(door):
    """Return a function that starts servers; they end with the module's tests at the latest."""

    def started(*args, **options):
        _running.append(DOORS[door](*args, **options))
        return _running[-1]

    yield started
    while _running:
        _running.pop().stop()


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


@pytest.fixture
def gated():
    """Return a function that makes a sandbox in which creates wait, and the gate they wait at."""
    running = []

    def made(opens_at):
        gate = Gate(opens_at)
        sandbox = Sandbox(switches={"create_seconds": 1}, sleep=gate.sleep)
        sandbox.start()
        running.append(sandbox)
        return sandbox, gate

    yield made
    for sandbox in running:
        sandbox.stop()
