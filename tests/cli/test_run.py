"""`elements up`, `preview`, `refresh` and `destroy`, with the real engine and a sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pexpect
import pytest

from sandbox import Sandbox
from tools.pulumi_project import Project

pytestmark = pytest.mark.older

PROGRAM = """
import json
import os
import pulumi
from provider.resource import ElementInstance

print("hello")
for name, more in json.loads(os.environ["DESKS"]).items():
    inputs = {"subdomain": "acme", "username": "someone", "password": "hidden-password"}
    ElementInstance(name, more.pop("element", "freshservice"), configuration=inputs | more)
pulumi.export("desks", 2)
pulumi.export("hidden", pulumi.Output.secret("hidden-output"))
"""
DEADLINE = 120.0


class Desks:
    """A project that declares desks, and `elements` in it."""

    def __init__(self, project, sandbox):
        self.project = project
        self.sandbox = sandbox
        self.declare("one", "two")
        project.env["PATH"] = f"{project.engine.path.parent}{os.pathsep}{project.env['PATH']}"

    def declare(self, *names, **more):
        """Declare desks: by name alone, or with more configuration (`element` is its element)."""
        self.project.env["DESKS"] = json.dumps({name: {} for name in names} | more)

    def start(self, *arguments, **options):
        command = [sys.executable, "-m", "provider", *arguments]
        where = {"cwd": self.project.folder, "env": self.project.env, "text": True}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, **(where | pipes | options))

    def elements(self, *arguments, code=0):
        """Run a command; return what it says on both streams."""
        running = self.start(*arguments)
        said = running.communicate(timeout=DEADLINE)
        assert running.returncode == code, said
        return said

    def live(self):
        """Return the names of what the platform has."""
        return sorted(one["name"] for one in self.sandbox.instances())

    def held(self):
        """Return the ids in the state by their names."""
        found = self.project.export()["deployment"].get("resources", [])
        return {
            one["urn"].rpartition("::")[2]: one["id"]
            for one in found
            if one["type"].endswith("ElementInstance")
        }


@pytest.fixture
def desks(engine, sandbox):
    """A project of its own with a stack called `test`."""
    environment = {
        "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
        "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
    }
    with Project(engine, program=PROGRAM, environment=environment) as project:
        project.init()
        yield Desks(project, sandbox)


def test_up_refresh_and_destroy_do_what_pulumi_does(desks):
    said, aside = desks.elements("up", "--yes")
    assert desks.live() == ["one", "two"] == sorted(desks.held())
    assert said.splitlines()[:2] == ["desks: 2", "hidden: [secret]"]
    assert "2 instances: 2 created" in said
    assert "2 instances: 2 to create" in aside
    assert {"hello", " + one", " + two"} <= {*aside.splitlines()}
    assert any(line.startswith("created: one (") for line in aside.splitlines())
    assert "hidden-output" not in said + aside

    desks.declare("one", "three")
    said, aside = desks.elements("preview")
    assert {" + three", " - two"} <= {*said.splitlines()}
    assert "created:" not in aside
    assert desks.live() == ["one", "two"]

    assert "2 instances: 2 unchanged" in desks.elements("refresh", "--skip-preview")[0]
    desks.elements("destroy", "--yes", "--", "--target", "**two")
    assert desks.live() == ["one"]
    assert "1 instance: 1 deleted" in desks.elements("destroy", "--skip-preview")[0]
    assert desks.live() == []


def test_as_json_there_is_one_document_and_each_remark_once(desks):
    desks.declare("one", two={"element": "closeio"})
    said, aside = desks.elements("up", "--yes", "--json")
    told = json.loads(said)
    assert (told["result"], told["exit_code"], told["planned"]) == ("succeeded", 0, False)
    assert told["changes"] == {"create": 3}
    ids = {one["name"]: one["id"] for one in told["instances"]}
    assert ids == desks.held()
    assert told["outputs"] == {"desks": 2, "hidden": "[secret]"}
    assert len(told["warnings"]) == len({*told["warnings"]}) > 0
    for warning in told["warnings"]:
        assert aside.count(warning) == 1


def test_a_refusal_stops_before_anything_is_done_and_ends_as_pulumi_does(desks):
    desks.declare("one", two={"element": "nothing-such"})
    said, aside = desks.elements("up", "--yes", code=1)
    assert said == ""
    assert aside.count("No element found with key or ID nothing-such") == 1
    assert "run 'elements up --stack test' again" in aside
    assert desks.live() == []
    desks.elements("preview", "--", "--no-such-option", code=1)


@pytest.mark.parametrize("option", ["--stack=other", "-s", "-sother", "--cwd", "-C/tmp"])
def test_after_the_dashes_no_other_stack_can_be_named(desks, option):
    assert "before the --" in desks.elements("up", "-f", "--", option, code=2)[1]


def test_without_a_terminal_nothing_is_done_that_nobody_agreed_to(desks):
    assert "--yes" in desks.elements("up", code=4)[1]
    assert desks.live() == []


def test_at_a_terminal_it_asks_and_shows_how_far_it_is(desks):
    child = pexpect.spawn(
        sys.executable,
        ["-m", "provider", "up"],
        cwd=str(desks.project.folder),
        env=desks.project.env,
        dimensions=(40, 200),
        timeout=DEADLINE,
        encoding="utf-8",
    )
    child.expect(r"Run up, which changes 2 instances of stack 'test'\? \[y/N\]")
    child.sendline("y")
    child.expect("of 2")
    child.expect("2 instances: 2 created")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert desks.live() == ["one", "two"]


def test_it_runs_as_many_at_once_as_the_setting_says(desks, tmp_path):
    """And without looking for another version, with the collector of garbage at rest."""
    wrapper = tmp_path / "pulumi"
    seen = tmp_path / "seen"
    wrapper.write_text(
        f'#!/bin/sh\necho "$* GOGC=$GOGC UPDATE=$PULUMI_SKIP_UPDATE_CHECK" >> {seen}\n'
        f'exec {desks.project.engine.path} "$@"\n'
    )
    wrapper.chmod(0o755)
    desks.project.env["PATH"] = f"{tmp_path}{os.pathsep}{desks.project.env['PATH']}"
    desks.project.config_set("cloud-elements:concurrency", "7")
    del desks.project.env["GOGC"], desks.project.env["GOMEMLIMIT"]
    desks.elements("up", "--skip-preview")
    (line,) = [one for one in seen.read_text().splitlines() if one.startswith("up ")]
    assert "--parallel 7 " in line
    assert "GOGC=800 UPDATE=true" in line


@pytest.fixture
def slow(engine, gate):
    """A project of two desks whose first create waits at the gate."""
    with Sandbox(sleep=gate.sleep) as sandbox, Project(engine, program=PROGRAM) as project:
        project.env |= {
            "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
        project.init()
        sandbox.add_fault("slow", method="POST", path="/instances", when="before")
        yield Desks(project, sandbox)
        gate.open.set()


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_is_handed_on_as_often_as_it_is_given(slow, gate, times):
    running = slow.start("up", "--skip-preview", start_new_session=True)
    assert gate.reached.wait(DEADLINE)
    told = ""
    for word in ("cancelling", "terminating")[:times]:
        running.send_signal(signal.SIGINT)
        while word not in told:
            told += running.stderr.readline()
    gate.open.set()
    _, aside = running.communicate(timeout=DEADLINE)
    assert running.returncode == 130, told + aside
    if times == 1:
        assert "was brought to its end" in aside
        assert sorted(slow.held()) == slow.live()
    else:
        assert "was stopped at once" in aside


@pytest.mark.parametrize("machine", ["this", "another"])
def test_a_run_that_goes_on_elsewhere_is_told_of(slow, gate, machine):
    with slow.start("up", "--skip-preview") as running:
        assert gate.reached.wait(DEADLINE)
        home = slow.project.env["PULUMI_HOME"]
        if machine == "another":
            slow.project.env["PULUMI_HOME"] = f"{home}-of-another-machine"
        other = slow.start("up", "--skip-preview", "--stack", "test")
        _, aside = other.communicate(timeout=DEADLINE)
        gate.open.set()
        running.communicate(timeout=DEADLINE)
    assert "wait for its end" in aside
    assert (other.returncode, running.returncode) == (1, 0)
