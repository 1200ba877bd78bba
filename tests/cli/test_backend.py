"""What other stacks hold: named by `elements status`, and never touched by `elements sweep`."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from provider.cli.backend import Backend
from provider.instance.markers import markers

MAIL = "mail:\n  element: sendgrid\n  configuration: {api.token: mail-token-7731}\n"
MOVED = "it has the tags of the stack that it was moved from, or of this one's former name"
DESK = "desk:\n  element: sendgrid\n  configuration: {api.token: desk-token-7731}\n"


def urn(stack, project, name):
    """Return the URN of an entry's resource."""
    kind = "pulumi-python:dynamic/cloud-elements:ElementInstance"
    return f"urn:pulumi:{stack}::{project}::{kind}::{name}"


def rows(said):
    """Return standing and text of each instance, by name."""
    told = json.loads(said.stdout)["instances"]
    return {row["name"]: (row["standing"], row["what"]) for row in told}


@pytest.fixture
def source(deployed, up_with):
    """Return the workplace with two instances in its stack `test`."""
    up_with(MAIL + DESK)
    return deployed


class Neighbour:
    """Another project, called `crm`, with a stack `dev` in the same backend."""

    stack = "organization/crm/dev"

    def __init__(self, place):
        self._place = place
        self.folder = place.project.home / "crm"
        shutil.copytree(place.project.folder, self.folder, symlinks=True)
        project = self.folder / "Pulumi.yaml"
        project.write_text(project.read_text().replace("name: cloud-elements\n", "name: crm\n", 1))
        shutil.rmtree(self.folder / "stacks")
        self.run("stack", "init", "dev")

    def run(self, *arguments, **options):
        """Run the engine in the folder of the project."""
        return self._place.project.run("--cwd", str(self.folder), *arguments, **options)

    def elements(self, *arguments):
        """Run a command of ours there."""
        return self._place.process("-C", str(self.folder), *arguments)

    def declare(self, text):
        """Write the entries of its stack."""
        file = self.folder / "stacks" / "Pulumi.dev.yaml"
        salt = [line for line in file.read_text().splitlines() if line.startswith("encryption")]
        entries = "".join(f"    {line}\n" for line in text.splitlines())
        file.write_text(f"config:\n  cloud-elements:instances:\n{entries}{salt[0]}\n")


def move(place, to, name="mail"):
    """Move a resource of the stack `test` to another stack."""
    source = urn("test", "cloud-elements", name)
    place.project.run("state", "move", "--source", "test", "--dest", to, "--yes", source)


@pytest.mark.older
def test_what_moved_to_another_project_is_its_own(source):
    """No state but that one's has it: nobody calls it, or what stayed, a leftover."""
    other = Neighbour(source)
    move(source, Neighbour.stack)
    source.declare(DESK)

    standing, what = rows(source.elements("status", "--json"))["mail"]
    assert standing == "elsewhere"
    assert f"stack '{other.stack}' has it in its state: run pulumi up --stack {other.stack}" in what
    assert "in the folder of project 'crm'" in what
    for command in (["--stack", "test"], ["--stack", "test", "--dry-run"]):
        said = source.elements("sweep", *command, "--yes")
        assert (said.code, "There are no leftovers" in said.stderr) == (0, True), said.stderr
    for said in (source.elements("sweep", "--json"), other.elements("sweep", "--json")):
        assert [row["in_no_state"] for row in json.loads(said.stdout)] == [0]
    there = rows(other.elements("status", "--stack", "dev", "--json"))
    assert there.keys() == {"mail"}
    assert there["mail"][1] == f"{MOVED}: declare it, then run pulumi up"

    other.declare(MAIL)
    waiting = rows(other.elements("status", "--stack", "dev", "--json"))
    assert waiting == {"mail": ("changed", f"{MOVED}: run pulumi up")}
    other.run("up", "--yes", "--skip-preview", "--stack", "dev")

    assert other.elements("status", "--stack", "dev").code == 0
    assert source.elements("status", "--stack", "test").code == 0
    assert source.sandbox.counters()["deletes"] == 0
    assert len(source.sandbox.instances()) == 2


def test_the_other_project_s_marker_is_swept_in_its_own_folder(source):
    """What its next run awaits is told by its file alone, which is there."""
    other = Neighbour(source)
    other.declare(MAIL)
    other.run("up", "--yes", "--skip-preview", "--stack", "dev")
    listed = json.loads(source.elements("sweep", "--json").stdout)
    marker = next(row["marker"] for row in listed if row["stack"] == other.stack)

    said = source.elements("sweep", "--marker", marker, "--yes")

    assert said.code == 1
    assert "belongs to project 'crm'" in said.stderr
    assert source.sandbox.counters()["deletes"] == 0


def test_an_entry_that_stayed_behind_is_told_where_its_instance_is(source):
    """The source's next run would take it back, or make another one."""
    source.project.run("stack", "init", "dst", "--no-select")
    move(source, "dst")

    standing, what = rows(source.elements("status", "--json"))["mail"]

    assert standing == "not created"
    assert what.startswith(
        "stack 'dst' has it in its state: remove the entry here, then run pulumi up --stack dst "
        "before the next one here"
    )


@pytest.mark.older
def test_what_two_states_hold_is_told_by_both(source):
    """Whichever deletes it takes it from the other."""
    source.project.run("stack", "init", "dst", "--no-select")
    source.setenv("CLOUD_ELEMENTS_JOURNAL", "false")  # as on another machine
    move(source, "dst")
    source.project.up()
    assert len(source.sandbox.instances()) == 2, "the source took it back"

    for stack, other in (("test", "dst"), ("dst", "test")):
        standing, what = rows(source.elements("status", "--stack", stack, "--json"))["mail"]

        assert standing == "in two states"
        assert what.startswith(f"stack '{other}' has it in its state as well")
        forget = f"pulumi state delete {urn(stack, 'cloud-elements', 'mail')} --stack {stack}"
        assert f"'{forget}'" in what
        assert "There are no leftovers" in source.elements("sweep", "--stack", stack, "-y").stderr


def test_what_a_stack_of_another_backend_has_by_now_is_told_by_its_tags(source):
    """A refresh says the same."""
    tags = markers(organization="o", project="theirs", stack="prod", place="mail").tags
    (mail,) = (one["id"] for one in source.sandbox.instances() if one["name"] == "mail")
    source.sandbox.update_instance(mail, tags=tags)

    told = rows(source.elements("status", "--json"))

    assert told["desk"] == ("ok", "")
    forget = f"'pulumi state delete {urn('test', 'cloud-elements', 'mail')} --stack test'"
    another = f"has the tag '{tags[0]}' of another stack, which has it now"
    assert told["mail"] == ("in two states", f"{another}: let this state forget it, by {forget}")


def test_what_another_stack_has_is_not_exported(source):
    """Both would have it then; a tag alone does not tell whose it is by now."""
    other = Neighbour(source)
    other.declare(DESK)
    (mail,) = (one["id"] for one in source.sandbox.instances() if one["name"] == "mail")

    said = other.elements("export", "--stack", "dev", "--element", "sendgrid")
    held = "stack 'organization/cloud-elements/test' has it in its state"
    assert f"{mail} mail: {held}" in said.stderr
    assert "--id" not in said.stderr
    asked = other.elements("export", "--stack", "dev", "--id", str(mail))

    assert "1 entry added to stack 'dev'" in asked.stderr
    assert (
        "Once it is taken over here, let stack 'organization/cloud-elements/test' forget "
        f"{mail}, by 'pulumi state delete {urn('test', 'cloud-elements', 'mail')} --stack"
    ) in asked.stderr


@pytest.mark.older
def test_a_stack_that_was_renamed_is_told_to_run_first(source):
    """Its instances have the old name's tags until then."""
    source.project.run("stack", "rename", "new")

    told = rows(source.elements("status", "--stack", "new", "--json"))
    assert set(told.values()) == {("changed", f"{MOVED}: run pulumi up")}
    source.project.run("up", "--yes", "--skip-preview", "--stack", "new")

    assert source.elements("status", "--stack", "new").code == 0


def test_an_instance_to_adopt_is_told_to_be_another_stack_s(source):
    """Both would have it; nobody's is taken without a word."""
    (mail,) = (one["id"] for one in source.sandbox.instances() if one["name"] == "mail")
    other = Neighbour(source)
    other.declare(f"ours:\n  element: sendgrid\n  adopt: '{mail}'\n")

    said = rows(other.elements("status", "--stack", "dev", "--json"))["ours"][1]

    assert said == (
        f"the next pulumi up takes over {mail}, which stack 'organization/cloud-elements/test' has "
        "in its state: remove it there first"
    )


def wrapped(place, *, fails_at):
    """Have `pulumi` refuse the commands that hold these words."""
    folder = place.project.home / "bin"
    folder.mkdir()
    script, engine = folder / "pulumi", str(place.project.engine.path)
    script.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        f"if {fails_at!r} in ' '.join(sys.argv):\n"
        "    sys.exit('error: you are not allowed to read it')\n"
        f"os.execv({engine!r}, [{engine!r}, *sys.argv[1:]])\n"
    )
    script.chmod(0o755)
    place.setenv("PATH", f"{folder}:{place.project.env['PATH']}")


@pytest.mark.parametrize(
    ("fails_at", "named"),
    [
        ("stack export --stack organization/crm/dev", "'organization/crm/dev'"),
        ("stack ls --all", "'(any)'"),
    ],
)
def test_a_state_that_can_not_be_read_may_hold_anything(source, fails_at, named):
    """It is named with the reason; nothing is deleted, nor offered to be."""
    Neighbour(source)
    move(source, Neighbour.stack)
    source.declare(DESK)
    wrapped(source, fails_at=fails_at)

    told = source.elements("status", "--json")
    assert told.stdout, told.stderr
    standing, what = rows(told)["mail"]
    assert standing == "left over"
    assert f"whose it is can't be determined: the state of stack {named} can't be read" in what
    assert "you are not allowed to read it" in what
    assert "sweep" not in what
    overview = source.elements("sweep")
    assert "elements sweep --" not in overview.all
    assert "you are not allowed to read it" in overview.stderr
    for command in (["--yes"], ["--dry-run"]):
        said = source.elements("sweep", "--stack", "test", *command)
        assert said.code == 1
        assert "you are not allowed to read it" in said.stderr
    assert source.sandbox.counters()["deletes"] == 0


def test_a_state_that_becomes_unreadable_ends_a_sweep(source, monkeypatch):
    """The states are read once more before anything is deleted."""
    source.declare(DESK)
    state = source.project.export()
    kept = [r for r in state["deployment"]["resources"] if not r["urn"].endswith("::mail")]
    state["deployment"]["resources"] = kept
    source.project.run("stack", "import", stdin=json.dumps(state))
    first = Backend.read

    def read(project):
        monkeypatch.setattr(Backend, "read", lambda _: Backend(project, {}, {"late": "it is gone"}))
        return first(project)

    monkeypatch.setattr(Backend, "read", read)

    said = source.elements("sweep", "--stack", "test", "--yes")

    assert said.code == 1
    assert "Nothing was deleted, because the state of stack 'late' can't be read" in said.stderr
    assert source.sandbox.counters()["deletes"] == 0
