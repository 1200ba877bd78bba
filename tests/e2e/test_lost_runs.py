"""Runs that write their state at the end alone, killed before that: then `elements up` again.

Whatever died and whatever the run was at, there is one instance for each resource afterwards, no
code was sent twice, nothing is orphaned, and the state holds nothing that is gone.
"""

import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.commands import begun

PROGRAM = """
import json
import os
from provider.resource import ElementInstance

for name, given in json.loads(os.environ["DECLARED"]).items():
    ElementInstance(name, given.pop("element"), **given)
"""
OAUTH = {
    "oauth.api.key": "the-api-key",
    "oauth.api.secret": "the-api-secret",
    "oauth.callback.url": "https://app.example.com/callback",
}
BASIC = {"subdomain": "acme", "username": "someone", "password": "hidden-password"}
PATIENCE = 120.0


class Accounts:
    """A project with accounts of two elements, and `elements` in it."""

    def __init__(self, project, sandbox, gate):
        self.project = project
        self.sandbox = sandbox
        self.gate = gate
        self.declared = {}
        project.env["PATH"] = f"{project.engine.path.parent}{os.pathsep}{project.env['PATH']}"

    def declare(self, **more):
        """Declare these; None takes one out."""
        self.declared |= more
        kept = {name: given for name, given in self.declared.items() if given}
        self.project.env["DECLARED"] = json.dumps(kept)

    def account(self, **more):
        code = self.sandbox.new_code("onedrivebusiness")
        return {"element": "onedrivebusiness", "code": code, "configuration": OAUTH} | more

    def start(self, *arguments):
        """Start a command in a session of its own."""
        return begun(self.project, *arguments)

    def elements(self, *arguments, code=0):
        """Run a command; return what it says."""
        running = self.start(*arguments)
        said, aside = running.communicate(timeout=PATIENCE)
        assert running.returncode == code, said + aside
        return said + aside

    def up(self, *arguments, code=0):
        return self.elements("up", "--skip-preview", *arguments, code=code)

    def hold(self, method, path, **more):
        """Let one answer wait at the gate."""
        self.gate.reached.clear()
        self.sandbox.add_fault("slow", method=method, path=path, **more)

    def lose(self, victim, *arguments):
        """Run a command, and kill it when an answer waits at the gate; then open the gate."""
        running = self.start(*arguments)
        assert self.gate.reached.wait(PATIENCE)
        wanted = VICTIMS[victim]
        for process in self.project.processes():
            with suppress(ProcessLookupError, FileNotFoundError):
                words = Path(f"/proc/{process}/cmdline").read_bytes()
                if any(word in words for word in wanted):
                    os.kill(process, signal.SIGKILL)
        running.communicate(timeout=PATIENCE)
        self.gate.open.set()
        until(lambda: not self.project.processes())
        self.gate.open.clear()
        return running.returncode

    def live(self):
        return {str(one["id"]): one for one in self.sandbox.instances()}

    def held(self):
        """Return the ids in the state by their names."""
        found = self.project.export()["deployment"].get("resources", [])
        return {
            one["urn"].rpartition("::")[2]: one["id"]
            for one in found
            if one["type"].endswith("ElementInstance")
        }

    def notes(self):
        return [*Path(self.project.env["PULUMI_HOME"]).glob("cloud-elements/*.run")]

    def judge(self):
        """See that each declared resource has one instance, and that nothing else is there."""
        assert sorted(self.held().values()) == sorted(self.live())
        declared = {name for name, given in self.declared.items() if given}
        assert set(self.held()) == declared
        counters = self.sandbox.counters()
        assert (counters["doubles"], counters["codes_resent"]) == (0, 0)
        assert self.notes() == []
        self.project.preview("--expect-no-changes")


MACHINE = (b"provider\0", b"pulumi")
VICTIMS = {"engine": (b"/pulumi\0",), "provider": (b"pulumi.dynamic",), "machine": MACHINE}


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


@pytest.fixture
def sandbox(gate):
    with Sandbox(sleep=gate.sleep) as sandbox:
        yield sandbox


@pytest.fixture
def accounts(new_project, sandbox, gate):
    """Return a project that declares four accounts with codes; none is made yet."""
    accounts = Accounts(new_project(program=PROGRAM), sandbox, gate)
    accounts.declare(**{f"account-{number}": accounts.account() for number in range(4)})
    return accounts


@pytest.fixture
def made(accounts):
    """Return the same, made."""
    assert "4 instances: 4 created" in accounts.up()
    return accounts


@pytest.fixture
def desks(new_project, sandbox, gate):
    """Return a project of three desks that need no code, made."""
    desks = Accounts(new_project(program=PROGRAM), sandbox, gate)
    desk = {"element": "freshservice", "configuration": BASIC}
    desks.declare(**{f"desk-{number}": desk for number in range(3)})
    desks.up()
    return desks


@pytest.mark.parametrize("victim", ["engine", "provider", "machine"])
def test_after_a_lost_create_all_are_taken_over(accounts, victim):
    """Three made and answered, one made and not answered."""
    accounts.hold("POST", "/instances", when="after", after=3)
    accounts.lose(victim, "up", "--skip-preview")
    assert len(accounts.live()) == 4
    if victim != "provider":  # without it the engine ends by itself, and writes its state
        assert accounts.held() == {}
        assert len(accounts.notes()) == 1
        plain = accounts.project.preview()
        told = plain.stdout + plain.stderr
        # Once, which Pulumi shows as it comes and in its list at the end.
        assert told.count("run elements up --stack test, which begins with a refresh") == 2
    said = accounts.up()
    assert ("was killed before it wrote its state" in said) == (victim != "provider")
    assert "begins with a refresh" in said  # the platform's list tells it as well
    accounts.judge()
    assert accounts.sandbox.counters()["creates"] == 4


def test_what_a_lost_run_made_and_nobody_declares_any_more_is_deleted(accounts):
    accounts.hold("POST", "/instances", when="after", after=3)
    accounts.lose("machine", "up", "--skip-preview")
    accounts.declare(**{"account-2": None, "account-3": None})
    assert "Deleted what the lost run had made and nothing declares" in accounts.up()
    accounts.judge()


def test_a_destroy_after_a_lost_create_leaves_nothing(accounts):
    accounts.hold("POST", "/instances", when="after", after=3)
    accounts.lose("machine", "up", "--skip-preview")
    accounts.elements("destroy", "--skip-preview")
    assert (accounts.live(), accounts.held(), accounts.notes()) == ({}, {}, [])


def test_after_a_lost_change_that_was_taken_back_nothing_of_it_is_left(made):
    """Names and codes go by themselves: one account is renamed, two get another code."""
    before = dict(made.declared)
    codes = {f"account-{number}": made.account() for number in (1, 2)}
    made.declare(**codes, **{"account-0": before["account-0"] | {"name": "renamed"}})
    made.hold("PATCH", "/instances/{id}", when="after", after=2)
    made.lose("machine", "up", "--skip-preview")
    made.declare(**{"account-0": before["account-0"]})
    made.up()
    made.judge()
    assert sorted(one["name"] for one in made.live().values()) == sorted(made.declared)
    assert made.sandbox.counters()["creates"] == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_lost_replacement_that_was_taken_back_there_is_one(desks, when):
    """Made anew with another element; the former one is there yet, or gone."""
    before = desks.declared["desk-0"]
    desks.declare(**{"desk-0": {"element": "closeio", "configuration": {"username": "a-key"}}})
    if when == "before":
        desks.hold("POST", "/instances", when="after")
    else:
        desks.hold("DELETE", "/instances/{id}", when="after")
    desks.lose("machine", "up", "--skip-preview")
    desks.declare(**{"desk-0": before})
    desks.up()
    desks.judge()
    assert {one["element_key"] for one in desks.live().values()} == {"freshservice"}


def test_after_a_lost_destroy_what_is_gone_is_made_anew(desks):
    desks.hold("DELETE", "/instances/{id}", when="after", after=1)
    desks.lose("machine", "destroy", "--skip-preview")
    assert len(desks.live()) < 3 == len(desks.held())
    desks.up()
    desks.judge()


def test_on_another_machine_the_platforms_list_tells(desks):
    """Of what was deleted, and of what was made and nobody declares any more."""
    desks.declare(**{"desk-9": desks.declared["desk-0"], "desk-0": None})
    desks.hold("DELETE", "/instances/{id}", when="after")
    desks.lose("machine", "up", "--skip-preview")
    (made,) = set(desks.live()) - set(desks.held().values())
    desks.project.env["PULUMI_HOME"] += "-of-another-machine"
    desks.project.select("test")
    desks.project.run("cancel", "--yes")
    desks.declare(**{"desk-0": desks.declared["desk-9"], "desk-9": None})
    said = desks.up()
    assert "differs from the state" in said
    assert f"instance {made} carries the stack's tags and is in no state" in said
    assert set(desks.live()) - {made} == set(desks.held().values())
    assert len(desks.held()) == 3


def test_a_state_that_cant_be_written_is_told_and_found_again(accounts):
    """As on a full disk: a folder stands where the state belongs."""
    accounts.hold("POST", "/instances", when="after", after=3)
    running = accounts.start("up", "--skip-preview")
    assert accounts.gate.reached.wait(PATIENCE)
    (state,) = Path(accounts.project.home, "state", ".pulumi", "stacks").rglob("test.json")
    kept = state.read_bytes()
    state.unlink()
    state.mkdir()
    (state / "in-the-way").touch()
    accounts.gate.open.set()
    said, aside = running.communicate(timeout=PATIENCE)
    assert running.returncode != 0, said + aside
    assert "could not write its state" in aside
    for id_ in accounts.live():
        assert f"({id_})" in aside
    (state / "in-the-way").unlink()
    state.rmdir()
    state.write_bytes(kept)
    accounts.up()
    accounts.judge()
    assert accounts.sandbox.counters()["creates"] == 4


def test_other_resources_keep_their_checkpoints(accounts):
    """And a program that may declare some, which its text tells."""
    program = "import pulumi\nfrom provider.resource import ElementInstance\npulumi.dynamic\n"
    accounts.project.write_program(PROGRAM + program)
    accounts.hold("POST", "/instances", when="after", after=3)
    running = accounts.start("up", "--skip-preview")
    assert accounts.gate.reached.wait(PATIENCE)
    until(lambda: len(accounts.held()) == 3)
    accounts.gate.open.set()
    said, aside = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, said + aside
    assert "Pulumi writes its state at each step, because the program may declare other" in aside
