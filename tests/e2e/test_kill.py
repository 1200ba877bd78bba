"""Killed without a warning, the engine or the provider, at each step of a create: then up again.

There is exactly one instance afterwards, it is the one in the state, and its code was sent once.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.e2e.native import CLASSES, MANIFEST
from tools.pulumi_project import Project

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
NATIVE = {
    PROGRAM: """
import os

ElementInstance(
    "invoices",
    elementKey="onedrivebusiness",
    code=os.environ["CODE"],
    disabled=True,
    configuration={
        "oauth.api.key": "the-api-key",
        "oauth.api.secret": "the-api-secret",
        "oauth.callback.url": "https://app.example.com/callback",
    },
)
""",
    MANY: """
import os

for name, code in json.loads(os.environ["CODES"]).items():
    ElementInstance(
        name,
        elementKey="onedrivebusiness",
        code=code,
        configuration={
            "oauth.api.key": "the-api-key",
            "oauth.api.secret": "the-api-secret",
            "oauth.callback.url": "https://app.example.com/callback",
        },
    )
""",
}
"""The same by the native provider."""
DESKS = """
import json
import os
from provider.resource import ElementInstance

for name in json.loads(os.environ["DESKS"]):
    ElementInstance(
        name,
        "freshservice",
        configuration={"subdomain": "acme", "username": "someone", "password": "hidden-password"},
    )
"""
NATIVE[DESKS] = """
import os

for name in json.loads(os.environ["DESKS"]):
    ElementInstance(
        name,
        elementKey="freshservice",
        configuration={"subdomain": "acme", "username": "someone", "password": "hidden-password"},
    )
"""
PATIENCE = 60.0
MOMENTS = {
    "before it is made": {"method": "POST", "path": "/instances", "when": "before"},
    "before the answer": {"method": "POST", "path": "/instances", "when": "after"},
    "after the answer": {"method": "DELETE", "path": "/instances/{id}/enabled", "when": "before"},
}


@pytest.fixture
def sandbox(gate):
    """Run a sandbox whose slow answers wait at the gate."""
    with Sandbox(sleep=gate.sleep) as sandbox:
        yield sandbox


@pytest.fixture(params=["dynamic", "native"])
def project_by(request, new_project):
    """Return a function that makes projects with a program for either provider."""

    def make(program, environment):
        native = request.param == "native"
        program = CLASSES + NATIVE[program] if native else program
        manifest = MANIFEST if native else None
        return new_project(program=program, environment=environment, manifest=manifest)

    return make


@pytest.fixture
def project(project_by, sandbox):
    """Return a project that declares one instance."""
    code = sandbox.new_code("onedrivebusiness")
    return project_by(PROGRAM, {"CODE": code})


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
        if re.search(
            b"pulumi.dynamic|python.*pulumi-resource-cloud-elements",
            Path(f"/proc/{process}/cmdline").read_bytes(),
        )
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
def many(project_by, sandbox):
    """Return a project of twelve instances whose engine writes its state at the end alone."""
    codes = {f"account-{number}": sandbox.new_code("onedrivebusiness") for number in range(12)}
    environment = {"CODES": json.dumps(codes), "PULUMI_SKIP_CHECKPOINTS": "true"}
    return project_by(MANY, environment)


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


@pytest.fixture
def desks(new_project, sandbox, gate):
    """Return a project of four instances, killed when two were in the state and two on their way.

    Whether the two are made, and when, the gate decides.
    """
    names = [f"desk-{number}" for number in range(4)]
    project = new_project(program=DESKS, environment={"DESKS": json.dumps(names)})
    sandbox.add_fault("slow", method="POST", path="/instances", when="before", after=2, times=2)
    run = project.start("up", "--yes", "--skip-preview", "--parallel", "64")
    until(lambda: len(posts(sandbox)) == 4)
    until(lambda: len(of_desks(project)) == 2)
    kill_the_engine(run, project)
    return project


def of_desks(project):
    """Return the ids of the desks in the state."""
    return {one["id"] for name, one in resources(project).items() if name.startswith("desk-")}


def sweep(project):
    """Remove what is in no state."""
    done = subprocess.run(
        [sys.executable, "-m", "provider", "sweep", "--stack", "test", "--yes"],
        cwd=project.folder,
        env=project.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def live(sandbox):
    """Return the ids of what the platform has."""
    return {str(instance["id"]) for instance in sandbox.instances()}


def test_a_destroy_waits_for_what_a_killed_run_is_making_and_names_it(desks, sandbox, gate):
    run = desks.start("destroy", "--yes", "--skip-preview")
    until(lambda: not live(sandbox))  # it has deleted what the state had
    gate.open.set()
    said, _ = run.communicate()
    assert run.returncode == 0, said
    left = live(sandbox)
    assert len(left) == 2
    (told,) = set(re.findall(r"also made element instance ([\d, ]+) of this stack", said))
    assert set(told.split(", ")) == left
    assert "elements sweep --stack test" in said

    desks.up()

    assert left < of_desks(desks) == live(sandbox)
    assert len(live(sandbox)) == 4
    assert sandbox.counters()["creates"] == 6


def test_an_up_names_what_a_killed_run_made_of_what_was_taken_out(desks, sandbox, gate):
    gate.open.set()
    until(lambda: len(live(sandbox)) == 4)
    kept = of_desks(desks)
    names = [name for name in resources(desks) if name.startswith("desk-")]
    desks.env["DESKS"] = json.dumps(names)
    left = live(sandbox) - kept

    said = desks.up().stdout

    (told,) = set(re.findall(r"also made element instance ([\d, ]+) of this stack", said))
    assert set(told.split(", ")) == left
    desks.refresh("--clear-pending-creates")
    sweep(desks)
    assert live(sandbox) == kept
    assert "also made element instance" not in desks.up().stdout


@pytest.fixture
def under_way(project_by, sandbox, gate):
    """Return a project whose four creates have begun, two of them at the gate, and its run."""
    names = [f"desk-{number}" for number in range(4)]
    environment = {"DESKS": json.dumps(names), "CLOUD_ELEMENTS_CONCURRENCY": "2"}
    project = project_by(DESKS, environment)
    sandbox.add_fault("slow", method="POST", path="/instances", when="before", times=2)
    run = project.start("up", "--yes", "--skip-preview", "--parallel", "64")
    until(lambda: len(posts(sandbox)) == 2)
    until(lambda: len(project.export()["deployment"].get("pending_operations", [])) == 4)
    return project, run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_once_what_was_sent_is_brought_to_its_end(under_way, sandbox, gate, number):
    """And what waited for a connection ends, while that is still under way."""
    project, run = under_way
    run.send_signal(number)
    until(lambda: len(project.export()["deployment"].get("pending_operations", [])) == 2)
    gate.open.set()
    said, _ = run.communicate()
    assert run.returncode != 0, said
    assert said.count("the run was cancelled, so nothing more is sent") >= 2
    assert of_desks(project) == live(sandbox)
    assert len(live(sandbox)) == 2 == len(posts(sandbox))

    project.up()

    assert of_desks(project) == live(sandbox)
    assert len(live(sandbox)) == 4 == sandbox.counters()["creates"]


def test_interrupted_twice_nothing_more_is_begun(under_way, sandbox, gate):
    project, run = under_way
    until(lambda: run.send_signal(signal.SIGINT) or run.poll() is not None)
    run.communicate()
    gate.open.set()
    until(lambda: not providers_of(project))
    assert len(posts(sandbox)) == 2
    project.run("cancel", "--yes", expect=None)

    project.up()

    assert of_desks(project) == live(sandbox)
    assert len(live(sandbox)) == 4 == sandbox.counters()["creates"]


@pytest.fixture
def machines(new_project, engine, reach, sandbox, gate):
    """Return two machines that have run the same stack at once, each with its own memory."""
    environment = {"DESKS": json.dumps(["desk-0"])}
    one = new_project(program=DESKS, environment=environment)
    shared = {"PULUMI_BACKEND_URL": one.env["PULUMI_BACKEND_URL"]}
    with Project(engine, program=DESKS, environment=reach | environment | shared) as two:
        two.select("test")
        sandbox.add_fault("slow", method="POST", path="/instances", when="before", times=2)
        first = one.start("up", "--yes", "--skip-preview")
        assert gate.reached.wait(PATIENCE)
        two.run("cancel", "--yes")  # breaks the lock
        second = two.start("up", "--yes", "--skip-preview")
        until(lambda: len(posts(sandbox)) == 2)
        gate.open.set()
        for run in (first, second):
            run.communicate()
        yield one, two


def test_a_double_of_two_runs_at_once_is_named_to_both_until_it_is_gone(machines, sandbox):
    (kept,) = of_desks(machines[0])
    (double,) = live(sandbox) - {kept}
    for machine in machines:
        for arguments in (["--refresh"], []):
            said = machine.up(*arguments).stdout
            assert f"also made element instance {double} for this resource" in said
            assert "elements sweep --stack test deletes it" in said
    machines[0].refresh("--clear-pending-creates")
    sweep(machines[0])
    assert live(sandbox) == {kept}
    for machine in machines:
        assert "also made element instance" not in machine.up().stdout
