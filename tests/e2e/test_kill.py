"""Killed without a warning, the engine or the provider, at each step of a create: then up again.

There is exactly one instance afterwards, it is the one in the state, and its code was sent once.
"""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from sandbox import Sandbox

PROGRAM = """
import os
from provider.resource import ElementInstance

ElementInstance(
    "invoices",
    "onedrivebusiness",
    code=os.environ["CODE"],
    disabled=True,
    configuration={
        "oauth.api.key": "the-api-key",
        "oauth.api.secret": "the-api-secret",
        "oauth.callback.url": "https://app.example.com/callback",
    },
)
"""
PATIENCE = 60.0
MOMENTS = {
    "before it is made": {"method": "POST", "path": "/instances", "when": "before"},
    "before the answer": {"method": "POST", "path": "/instances", "when": "after"},
    "after the answer": {"method": "DELETE", "path": "/instances/{id}/enabled", "when": "before"},
}


class Gate:
    """Holds a slow answer of the sandbox back until the test lets it go."""

    def __init__(self):
        self.reached = threading.Event()
        self.open = threading.Event()

    async def sleep(self, _seconds):
        """Wait in the sandbox's own loop, which serves others meanwhile."""
        self.reached.set()
        await asyncio.to_thread(self.open.wait)


@pytest.fixture
def gate():
    """The one place where the sandbox waits."""
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def sandbox(gate):
    """Run a sandbox whose slow answers wait at the gate."""
    with Sandbox(sleep=gate.sleep) as sandbox:
        yield sandbox


@pytest.fixture
def project(new_project, sandbox):
    """Return a project that declares one instance."""
    code = sandbox.new_code("onedrivebusiness")
    return new_project(program=PROGRAM, environment={"CODE": code})


def until(condition):
    """Wait for something that the sandbox's journal shows."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def provider_of(project):
    """Return the process id of the provider's server."""
    (found,) = [
        process
        for process in project.processes()
        if b"pulumi.dynamic" in Path(f"/proc/{process}/cmdline").read_bytes()
    ]
    return found


def lists(sandbox):
    """Return how often instances were looked for by a tag."""
    return len(
        [e for e in sandbox.journal() if e["method"] == "GET" and "tags[]" in str(e["query"])]
    )


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("victim", ["engine", "provider"])
def test_killed_and_run_again_there_is_one_instance(project, sandbox, gate, moment, victim):
    sandbox.add_fault("slow", **MOMENTS[moment])
    run = project.start("up", "--yes", "--skip-preview")
    assert gate.reached.wait(PATIENCE)
    if victim == "engine":
        run.kill()
        run.wait()
        for pipe in (run.stdin, run.stdout, run.stderr):
            pipe.close()
        project.run("cancel", "--yes")  # the engine left its lock behind
    else:
        os.kill(provider_of(project), signal.SIGKILL)
        run.communicate()
        assert run.returncode != 0
    assert "invoices" not in [
        resource["urn"].rpartition("::")[2]
        for resource in project.export()["deployment"].get("resources", [])
    ]
    if moment == "before it is made":  # it is made while the next run looks for it
        looked = lists(sandbox)
        run = project.start("up", "--yes", "--skip-preview")
        until(lambda: lists(sandbox) >= looked + 2)
        gate.open.set()
        said, _ = run.communicate()
        assert run.returncode == 0, said
    else:
        gate.open.set()
        project.up()
    (instance,) = sandbox.instances()
    (resource,) = [
        one
        for one in project.export()["deployment"]["resources"]
        if one["urn"].endswith("invoices")
    ]
    assert resource["id"] == str(instance["id"])
    assert not resource.get("initErrors")
    assert instance["disabled"]
    posts = [one for one in sandbox.journal() if one["carries_code"]]
    assert len(posts) == 1
    counters = sandbox.counters()
    assert counters["creates"] == 1
    assert counters["codes_replayed"] == 0
