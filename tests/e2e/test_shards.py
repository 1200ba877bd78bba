"""One declaration over several stacks: `elements up --shards`, with the real engine.

Whatever fails or is killed, each entry is in the state of its own shard alone, and has one
instance.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from provider.shards import shard_of
from sandbox import Sandbox
from tests.gate import Gate

SHARDS = 2
NAMES = ["acme", "birch", "cobalt", "dune"]
PATIENCE = 120.0


class Fleet:
    """This project with a stack `prod` that is declared over shards, and `elements` in it."""

    def __init__(self, project, sandbox, gate):
        self.project = project
        self.sandbox = sandbox
        self.gate = gate
        project.env["PATH"] = f"{project.engine.path.parent}{os.pathsep}{project.env['PATH']}"
        project.config_set(
            "cloud-elements:defaults.freshservice.configuration.password",
            "hidden-password",
            secret=True,
            path=True,
        )
        self.shards = SHARDS
        self.entries = {}
        self.declare(*NAMES)

    @property
    def file(self):
        return self.project.stack_file("prod")

    def declare(self, *names, shards=None, **more):
        """Declare entries, by their names or whole; None takes one out."""
        self.entries |= {name: {} for name in names} | more
        self.entries = {name: one for name, one in self.entries.items() if one is not None}
        self.shards = shards or self.shards
        document = yaml.safe_load(self.file.read_text())
        document["config"] |= {
            "cloud-elements:shards": self.shards,
            "cloud-elements:instances": {
                name: {
                    "element": "freshservice",
                    "configuration": {"subdomain": name, "username": "someone"},
                }
                | one
                for name, one in self.entries.items()
            },
        }
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def start(self, *arguments):
        """Start a command in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "provider", *arguments],
            cwd=self.project.folder,
            env=self.project.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def elements(self, *arguments, code=0):
        """Run a command; return what it says."""
        running = self.start(*arguments)
        said, aside = running.communicate(timeout=PATIENCE)
        self.project.hear(said + aside)
        assert running.returncode == code, said + aside
        return said + aside

    def up(self, *arguments, code=0):
        return self.elements("up", "--skip-preview", "--stack", "prod", *arguments, code=code)

    def stacks(self):
        listed = json.loads(self.project.run("stack", "ls", "--json").stdout)
        return [one["name"] for one in listed]

    def held(self):
        """Return the ids in each state by their names."""
        found = {}
        for name in self.stacks():
            state = json.loads(self.project.run("stack", "export", "--stack", name).stdout)
            resources = state["deployment"].get("resources", [])
            ours = [one for one in resources if one["type"].endswith("ElementInstance")]
            found[name] = {one["urn"].rpartition("::")[2]: one["id"] for one in ours}
        return found

    def live(self):
        return {str(one["id"]): one for one in self.sandbox.instances()}

    def stack(self, name):
        return "prod" if self.shards == 1 else f"prod-shard-{shard_of(name, self.shards)}"

    def judge(self, *, creates):
        """See that each entry is where it falls to, with one instance, and nothing else is."""
        held = self.held()
        for name in self.entries:
            assert [stack for stack in held if name in held[stack]] == [self.stack(name)]
        ids = [id_ for state in held.values() for id_ in state.values()]
        assert sorted(ids) == sorted(self.live())
        assert len(ids) == len(self.entries)
        counters = self.sandbox.counters()
        assert (counters["doubles"], counters["creates"]) == (0, creates)
        assert self.notes() == []
        assert [path.name for path in self.file.parent.glob("Pulumi.prod*")] == [self.file.name]
        assert "hidden-password" not in self.project.everything_said()

    def notes(self):
        return [*Path(self.project.env["PULUMI_HOME"]).glob("cloud-elements/*.run")]

    def hold(self, method, path, **more):
        """Let one answer wait at the gate."""
        self.gate.reached.clear()
        self.sandbox.add_fault("slow", method=method, path=path, **more)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def sandbox(gate):
    with Sandbox(sleep=gate.sleep) as sandbox:
        yield sandbox


@pytest.fixture
def fleet(new_project, sandbox, gate):
    """Return the stack with its shards declared, none of them there yet."""
    return Fleet(new_project(stack="prod"), sandbox, gate)


def test_the_life_of_a_fleet(fleet):
    """Made, left alone, grown by one, changed, refreshed and destroyed."""
    said = fleet.elements("up", "--shards", "--yes", "--stack", "prod")
    assert f"{len(NAMES)} instances: {len(NAMES)} created" in said
    assert fleet.stacks() == ["prod", *(f"prod-shard-{number}" for number in (1, 2))]
    fleet.judge(creates=len(NAMES))
    assert {one["configuration"]["password"] for one in fleet.live().values()} == {
        "hidden-password"
    }
    before = fleet.sandbox.counters()
    told = json.loads(fleet.start("up", "--yes", "--json").communicate(timeout=PATIENCE)[0])
    assert (told["result"], told["changes"]["same"] > 0) == ("succeeded", True)
    assert [one["shard"] for one in told["shards"]] == [1, 2]
    assert {one["name"]: one["shard"] for one in told["instances"]} == {
        name: shard_of(name, SHARDS) for name in NAMES
    }
    assert fleet.sandbox.counters()["creates"] == before["creates"]

    fleet.declare("harbour")
    assert " + harbour" in fleet.elements("preview", "--stack", "prod")
    assert "1 created" in fleet.up("--shard", str(shard_of("harbour", SHARDS)))
    fleet.judge(creates=len(NAMES) + 1)
    assert "5 unchanged" in fleet.elements("refresh", "--stack", "prod", "--yes")
    said = fleet.elements("destroy", "--stack", "prod", "--yes")
    assert "5 instances: 5 deleted" in said
    assert fleet.live() == {}
