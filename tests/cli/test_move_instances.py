"""The steps of docs/move-instances.md, as they stand there, with the real engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "move-instances.md").read_text()
CALLBACK = "http://127.0.0.1:8080/callback"
DESK = "desk:\n  element: sendgrid\n  configuration: {api.token: desk-token-7731}\n"


def commands(heading):
    """Return the commands that a section shows."""
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^ *\$ (.*)$", section, re.MULTILINE)
    assert found
    return found


def invoices(**more):
    """Return the entry of `invoices`, with more keys."""
    lines = ["invoices:", "  element: onedrivebusiness", *(f"  {k}: {v}" for k, v in more.items())]
    return "\n".join([*lines, "  configuration:", f"    oauth.callback.url: {CALLBACK}"]) + "\n"


class Stacks:
    """Stacks `dev` and `staging`; `dev` has `invoices` and `desk`."""

    def __init__(self, place):
        self.place, self.project = place, place.project

    def prepare(self):
        """Make them, as the document does, from an empty project."""
        place = self.place
        for name in ("staging", "dev"):
            self.project.init(name)
        self.declare("dev", invoices(code=place.sandbox.new_code("onedrivebusiness")) + DESK)
        for command in commands("The steps")[:2]:
            self.run(command.replace("staging", "dev"))
        self.project.up()

    def declare(self, stack, entries, folder=None):
        """Write the entries of a stack's file."""
        file = (folder or self.project.folder) / "stacks" / f"Pulumi.{stack}.yaml"
        salt = re.search("^encryptionsalt.*\n", file.read_text(), re.MULTILINE)[0]
        text = "".join(f"    {line}\n" for line in entries.splitlines())
        file.write_text(f"config:\n  cloud-elements:instances:\n{text}" if text else "")
        with file.open("a") as end:
            end.write(salt)

    def run(self, command, folder=None):
        """Run a command as it stands in the document, and agree to what it asks."""
        if command.startswith(("pulumi up", "pulumi state")):
            command += " --yes"
        path = (
            f"{Path(self.project.engine.path).parent}:{ROOT}/.venv/bin:{self.project.env['PATH']}"
        )
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder or self.project.folder,
            env=self.project.env | {"PATH": path},
            input="application-7731",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def tokens(self):
        """Return the ids and tokens of what the platform has."""
        return {one["id"]: one["token"] for one in self.place.sandbox.instances()}

    def check(self, folder, stack):
        """See that nothing was made or deleted, and that the one stack has it and the other not."""
        assert self.tokens() == self.before
        counters = self.place.sandbox.counters()
        assert (counters["deletes"], counters["creates"]) == (0, 2)
        for where, name in ((self.project.folder, "dev"), (folder, stack)):
            self.run(f"elements status --stack {name}", where)
            self.run(f"pulumi up --expect-no-changes --stack {name}", where)
        self.run(f"pulumi destroy --yes --stack {stack}", folder)
        assert {one["name"] for one in self.place.sandbox.instances()} == {"desk"}


@pytest.fixture
def stacks(deployed, once):
    stacks = Stacks(deployed)
    once("stacks", stacks.prepare)
    stacks.before = stacks.tokens()
    return stacks


@pytest.mark.older
def test_the_steps_move_an_instance_to_another_stack(stacks):
    declare, secret, move, *rest = commands("The steps")
    stacks.declare("staging", invoices())
    stacks.run(declare)
    stacks.run(secret)
    stacks.run(move)
    stacks.declare("dev", DESK)
    for command in rest:
        stacks.run(command)
    stacks.check(stacks.project.folder, "staging")


@pytest.mark.older
def test_the_steps_move_an_instance_to_another_project(stacks):
    other = stacks.project.home / "crm"
    shutil.copytree(stacks.project.folder, other, symlinks=True)
    project = other / "Pulumi.yaml"
    project.write_text(project.read_text().replace("name: cloud-elements\n", "name: crm\n", 1))
    shutil.rmtree(other / "stacks")
    stacks.run("pulumi stack init dev", other)
    steps = [command.replace("--stack staging", "--stack dev") for command in commands("The steps")]

    stacks.declare("dev", invoices(), other)
    for command in steps[:2]:
        stacks.run(command, other)
    for command in commands("To another project"):
        stacks.run(command)
    stacks.declare("dev", DESK)
    stacks.run(steps[3], other)
    stacks.run(steps[5])
    stacks.check(other, "dev")


def test_what_can_not_be_moved_is_adopted(stacks):
    (id_,) = (one["id"] for one in stacks.place.sandbox.instances() if one["name"] == "invoices")
    first, second, _, up, *_ = commands("The steps")
    stacks.declare("staging", invoices(adopt=f"'{id_}'", delete_adopted="true"))
    for command in (first, second, up):
        stacks.run(command)
    stacks.declare("dev", DESK)
    for command in commands("To another backend, or with another passphrase"):
        stacks.run(command)
    stacks.check(stacks.project.folder, "staging")
