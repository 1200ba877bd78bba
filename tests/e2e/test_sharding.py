"""`examples/sharding` by the real engine: every instance in one stack and no other."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "sharding"


@pytest.fixture
def example(project):
    """Return the example as it stands in a clone, its first stack ready."""
    folder = project.folder / "examples" / "sharding"
    shutil.copytree(EXAMPLE, folder)
    project.folder = folder  # where its commands run from now on
    project.init("shard-0")
    project.config_set("password", "the-password", secret=True)
    return project


@pytest.fixture
def deploy(example):
    """Return a function that runs `deploy.py` and gives its exit code and what it said."""
    here = Path(sys.executable).parent  # as in an environment that is activated
    env = example.env | {"PATH": f"{here}{os.pathsep}{example.env['PATH']}"}

    def run(*arguments):
        command = [sys.executable, "deploy.py", *arguments]
        ended = subprocess.run(
            command, cwd=example.folder, env=env, capture_output=True, text=True, check=False
        )
        return ended.returncode, ended.stdout + ended.stderr

    return run


def shares(example):
    """Return the names of the instances in each stack."""
    found = {}
    for number in range(3):
        example.stack = f"shard-{number}"
        state = example.run("stack", "export", "--stack", example.stack).stdout
        resources = yaml.safe_load(state)["deployment"].get("resources", [])
        found[example.stack] = {
            one["urn"].rpartition("::")[2] for one in resources if "ElementInstance" in one["type"]
        }
    return found


def test_one_declaration_in_three_stacks(example, deploy, sandbox):
    declaration = example.folder / "instances.yaml"
    declared = yaml.safe_load(declaration.read_text())
    code, said = deploy("up")
    assert code == 0, said
    kept = shares(example)
    assert Counter(name for names in kept.values() for name in names) == Counter(list(declared))
    assert all(kept.values()), "a stack without instances shows nothing"
    live = {one["name"]: one for one in sandbox.instances()}
    assert set(live) == set(declared)
    assert live["acme"]["configuration"]["password"] == "the-password"

    # One more: the others stay where they are, and only its own stack makes anything.
    declaration.write_text(declaration.read_text() + "off: { subdomain: 007 }\n")
    code, said = deploy("up", "--expect-no-changes")
    assert code == 1, "one of the three has something to do"
    assert said.count("error: no changes were expected") == 1
    after = shares(example)
    [grown] = [stack for stack in kept if kept[stack] != after[stack]]
    assert after[grown] == kept[grown] | {"off"}
    assert sandbox.counters()["creates"] == len(declared) + 1
    [off] = [one for one in sandbox.instances() if one["name"] == "off"]
    assert off["configuration"]["subdomain"] == "007"

    code, said = deploy("destroy")
    assert code == 0, said
    assert sandbox.instances() == []
    assert "the-password" not in said
