"""Killed without a warning, the engine or the provider, at each step of a create: then up again.

There is exactly one instance afterwards, it is the one in the state, and its code was sent once.
"""

import asyncio
import json
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
MANY = """
import json
import os
from provider.resource import ElementInstance

for name, code in json.loads(os.environ["CODES"]).items():
    ElementInstance(
        name,
        "onedrivebusiness",
        code=code,
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


def providers_of(project):
    """Return the process ids of the provider's servers."""
    return [
        process
        for process in project.processes()
        if b"pulumi.dynamic" in Path(f"/proc/{process}/cmdline").read_bytes()
    ]


def posts(sandbox):
    """Return the creates that arrived."""
    return [one for one in sandbox.journal() if (one["method"], one["path"]) == _CREATE]


_CREATE = ("POST", "/instances")


def lists(sandbox):
    """Return how often instances were looked for by a tag."""
    return len(
        [e for e in sandbox.journal() if e["method"] == "GET" and "tags[]" in str(e["query"])]
    )


def resources(project):
    """Return the state's resources by their names."""
    found = project.export()["deployment"].get("resources", [])
    return {resource["urn"].rpartition("::")[2]: resource for resource in found}


def kill_the_engine(run, project):
    """Kill the engine, and remove the lock it leaves behind."""
    run.kill()
    run.communicate()
    project.run("cancel", "--yes")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("victim", ["engine", "provider"])
def test_killed_and_run_again_there_is_one_instance(project, sandbox, gate, moment, victim):
    sandbox.add_fault("slow", **MOMENTS[moment])
    run = project.start("up", "--yes", "--skip-preview")
    assert gate.reached.wait(PATIENCE)
    if victim == "engine":
        kill_the_engine(run, project)
    else:
        (provider,) = providers_of(project)
        os.kill(provider, signal.SIGKILL)
        run.communicate()
        assert run.returncode != 0
    assert "invoices" not in resources(project)
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
    resource = resources(project)["invoices"]
    assert resource["id"] == str(instance["id"])
    assert not resource.get("initErrors")
    assert instance["disabled"]
    posts = [one for one in sandbox.journal() if one["carries_code"]]
    assert len(posts) == 1
    counters = sandbox.counters()
    assert counters["creates"] == 1
    assert counters["codes_replayed"] == 0


@pytest.fixture
def many(new_project, sandbox):
    """Return a project of twelve instances whose engine writes its state at the end alone."""
    codes = {f"account-{number}": sandbox.new_code("onedrivebusiness") for number in range(12)}
    environment = {"CODES": json.dumps(codes), "PULUMI_SKIP_CHECKPOINTS": "true"}
    return new_project(program=MANY, environment=environment)


def test_a_killed_run_without_checkpoints_is_found_again(many, sandbox, gate):
    """Six instances made and answered, six made and not answered, and nothing in the state."""
    sandbox.add_fault("slow", method="POST", path="/instances", when="after", after=6, times=6)
    run = many.start("up", "--yes", "--skip-preview", "--parallel", "64")
    until(lambda: len(sandbox.instances()) == 12)
    kill_the_engine(run, many)
    assert not [name for name in resources(many) if name.startswith("account-")]
    gate.open.set()

    many.up()

    made = {str(instance["id"]) for instance in sandbox.instances()}
    ids = {one["id"] for name, one in resources(many).items() if name.startswith("account-")}
    assert ids == made
    assert sandbox.counters()["creates"] == len(made) == len([*filter(_code, sandbox.journal())])
    many.preview("--expect-no-changes")


def test_without_its_engine_a_provider_begins_nothing_more_and_ends(many, sandbox, gate):
    """Two creates at once: the others have no connection yet, or not even a thread."""
    sandbox.add_fault("slow", method="POST", path="/instances", when="before", times=2)
    many.env["CLOUD_ELEMENTS_CONCURRENCY"] = "2"
    run = many.start("up", "--yes", "--skip-preview", "--parallel", "64")
    until(lambda: len(posts(sandbox)) == 2)
    (provider,) = providers_of(many)
    kill_the_engine(run, many)
    gate.open.set()
    until(lambda: provider not in many.processes())
    assert len(posts(sandbox)) == 2 == len(sandbox.instances())

    many.up()

    assert len(posts(sandbox)) == 12 == len(sandbox.instances())
    assert sandbox.counters()["codes_replayed"] == 0


def test_a_killed_destroy_without_checkpoints_goes_on(many, sandbox, gate):
    """The state knows of no delete; a refresh tells, and a destroy takes what is gone for done."""
    many.up()
    sandbox.add_fault("slow", method="DELETE", path="/instances/{id}", when="before", after=6)
    run = many.start("destroy", "--yes", "--skip-preview", "--parallel", "1")
    assert gate.reached.wait(PATIENCE)
    kill_the_engine(run, many)
    gate.open.set()
    known = [name for name in resources(many) if name.startswith("account-")]
    assert len(known) == 12

    many.refresh()
    known = [one["id"] for name, one in resources(many).items() if name.startswith("account-")]
    assert set(known) == {str(instance["id"]) for instance in sandbox.instances()}
    many.destroy()
    assert not sandbox.instances()


def _code(entry):
    return entry["carries_code"]
