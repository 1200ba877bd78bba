"""One declaration over several stacks: `elements up --shards`, with the real engine.

Whatever fails or is killed, each entry is in the state of its own shard alone, and has one
instance.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from provider.shards import shard_of
from sandbox import Sandbox
from tests.commands import begun

SHARDS = 2
NAMES = ["acme", "birch", "harbour", "iris"]
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
        return begun(self.project, *arguments)

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

    def notes_of(self, name):
        """Return the note of a lost run of the shard that a name falls to."""
        return [path for path in self.notes() if f"-{self.stack(name)}-" in path.name]

    def hold(self, method, path, **more):
        """Let one answer wait at the gate."""
        self.gate.reached.clear()
        self.sandbox.add_fault("slow", method=method, path=path, **more)


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

    text = fleet.file.read_text()
    fleet.file.write_text(text.replace("  cloud-elements:shards: 2\n", ""))
    assert "a former shard, still has 2 instances" in fleet.up(code=1)
    before = fleet.held()
    alone = ("up", "--yes", "--stack", "prod-shard-1")  # which declares nothing then
    assert "has instances of stack 'prod', whose shard" in fleet.elements(*alone, code=1)
    fleet.file.unlink()
    assert "Pulumi.prod.yaml is not there or has no" in fleet.elements(*alone, code=1)
    said = fleet.project.preview("--stack", "prod-shard-1", expect=None).stdout
    assert "by its name a shard of 'prod', declares nothing" in said
    assert "to delete" not in said
    fleet.project.stack_file("prod-shard-1").unlink(missing_ok=True)  # made by pulumi, for its keys
    assert fleet.held() == before
    fleet.file.write_text(text)

    fleet.declare("grove")
    assert " + grove" in fleet.elements("preview", "--stack", "prod")
    assert "1 created" in fleet.up("--shard", str(shard_of("grove", SHARDS)))
    fleet.judge(creates=len(NAMES) + 1)
    assert "5 unchanged" in fleet.elements("refresh", "--stack", "prod", "--yes")
    said = fleet.elements("destroy", "--stack", "prod", "--yes")
    assert "5 instances: 5 deleted" in said
    assert fleet.live() == {}


def silently(fleet, *arguments, code=0):
    """Run `elements rebalance`, and see that the platform is not asked for anything."""
    before = len(fleet.sandbox.journal())
    said = fleet.elements("rebalance", "--stack", "prod", *arguments, code=code)
    assert len(fleet.sandbox.journal()) == before
    return said


def test_a_rebalance_to_more_shards_and_back_to_one(fleet):
    """Without a request, and without anything to do for the next run."""
    fleet.declare(shards=1, acme={"protect": True})
    fleet.up()
    made, tokens = fleet.held(), {id_: one["token"] for id_, one in fleet.live().items()}
    assert set(made["prod"]) == set(NAMES)

    for shards in (2, 3, 1):
        fleet.declare(shards=shards)
        said = fleet.up(code=1)
        assert "must move to another stack first" in said
        assert "run 'elements rebalance --stack prod'" in said
        before = fleet.held()
        said = silently(fleet, "--dry-run")
        assert fleet.held() == before
        assert "--yes" in silently(fleet, code=4)
        assert fleet.held() == before
        silently(fleet, "--yes")
        fleet.judge(creates=len(NAMES))
        assert "Nothing is to move" in silently(fleet)
    assert f"{len(NAMES)} unchanged" in fleet.up()
    assert {id_: one["token"] for id_, one in fleet.live().items()} == tokens


WRAPPER = """#!{python}
import os, subprocess, sys
code = subprocess.call([{pulumi!r}, *sys.argv[1:]]) if {after} else 0
if sys.argv[1:3] == ["state", "move"]:
    os.kill(os.getppid(), {signal})
sys.exit(code if {after} else subprocess.call([{pulumi!r}, *sys.argv[1:]]))
"""


@contextmanager
def wrapped(fleet, text):
    """Have another program run as `pulumi` while the `with` block runs."""
    folder = fleet.project.home / "bin"
    folder.mkdir()
    wrapper = folder / "pulumi"
    wrapper.write_text(text)
    wrapper.chmod(0o755)
    path = fleet.project.env["PATH"]
    fleet.project.env["PATH"] = f"{folder}{os.pathsep}{path}"
    try:
        yield
    finally:
        fleet.project.env["PATH"] = path


def interrupted(fleet, number, code, *, after):
    """Run a rebalance to which a signal comes during its first move, or right after it."""
    pulumi = str(fleet.project.engine.path)
    more = {"signal": int(number), "after": after}
    with wrapped(fleet, WRAPPER.format(python=sys.executable, pulumi=pulumi, **more)):
        return fleet.elements("rebalance", "--stack", "prod", "--yes", code=code)


@pytest.mark.parametrize(
    ("number", "code", "after"), [(signal.SIGKILL, -9, True), (signal.SIGINT, 130, False)]
)
def test_a_rebalance_that_was_interrupted_goes_on(fleet, number, code, after):
    """Also where one move was cut off between its two writes: then two states have the same."""
    fleet.declare(shards=1, acme={"protect": True})
    fleet.up()
    fleet.declare(shards=2)
    state = fleet.project.export_text()
    interrupted(fleet, number, code, after=after)
    held = fleet.held()
    assert held["prod"]
    moved = held["prod-shard-1"] or held["prod-shard-2"]
    assert moved
    fleet.project.run("stack", "import", "--stack", "prod", stdin=state)
    told = json.loads(fleet.start("status", "--stack", "prod", "--json").communicate()[0])
    assert sorted(one["name"] for one in told["instances"]) == sorted(NAMES)  # each once
    assert {one["name"] for one in told["instances"] if one["standing"] != "ok"} == {*moved}
    said = fleet.elements("status", "--stack", "prod", code=3)
    assert said.count("in two states") == len(moved)
    assert "elements rebalance --stack prod" in said
    fleet.up(code=1)
    silently(fleet, "--yes")
    fleet.judge(creates=len(NAMES))
    assert f"{len(NAMES)} unchanged" in fleet.up()


def test_a_rebalance_waits_for_runs_and_for_what_lost_ones_left(fleet):
    fleet.declare(shards=1)
    fleet.hold("POST", "/instances", when="after", after=2)
    running = fleet.start("up", "--skip-preview", "--stack", "prod")
    assert fleet.gate.reached.wait(PATIENCE)
    fleet.declare(shards=2)
    state = fleet.project.run("stack", "export", "--stack", "prod").stdout
    assert not json.loads(state)["deployment"].get("resources")
    lose(fleet, running)
    fleet.declare(shards=1)
    said = fleet.up()
    assert "was killed before it wrote its state" in said
    fleet.judge(creates=len(NAMES))


def test_a_rebalance_refuses_while_a_run_has_a_shard_and_after_a_lost_one(fleet):
    """On this machine, on another one, and where a note tells of a run that was killed."""
    fleet.up()
    fleet.declare("ember")
    fleet.hold("POST", "/instances", when="after")
    running = fleet.start("up", "--skip-preview", "--stack", "prod")
    assert fleet.gate.reached.wait(PATIENCE)
    fleet.declare(shards=3)
    before = fleet.held()
    said = silently(fleet, "--yes", code=1)
    assert "is under way on this machine: wait for its end" in said
    home = fleet.project.env["PULUMI_HOME"]
    fleet.project.env["PULUMI_HOME"] = f"{home}-of-another-machine"
    said = silently(fleet, "--yes", code=1)
    assert "Nothing was moved, because a run has stack 'prod-shard-" in said
    assert "wait for its end; where it was killed, run 'pulumi cancel --stack prod-shard-" in said
    assert fleet.held() == before
    fleet.project.env["PULUMI_HOME"] = home
    lose(fleet, running)
    for arguments in ("--dry-run", "--yes"):
        said = silently(fleet, arguments, code=1)
        assert "was killed before it wrote its state: run 'elements up' first" in said
    assert fleet.held() == before
    fleet.declare(shards=2)
    fleet.up()
    fleet.declare(shards=3)
    silently(fleet, "--yes")
    fleet.judge(creates=len(NAMES) + 1)


FULL = """#!{python}
import os, resource, sys
if sys.argv[1:3] == ["state", "move"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))
os.execv({pulumi!r}, ["pulumi", *sys.argv[1:]])
"""


def test_a_disk_that_is_full_in_a_rebalance_is_told_and_nothing_is_lost(fleet):
    """No file may be longer than so much, so the engine leaves half a state for the whole one."""
    fleet.declare(shards=1)
    fleet.up()
    before = fleet.held()
    (state,) = Path(fleet.project.home, "state", ".pulumi", "stacks").rglob("prod.json")
    most = state.stat().st_size * 2 // 3
    fleet.declare(shards=4)
    text = FULL.format(python=sys.executable, pulumi=str(fleet.project.engine.path), most=most)
    with wrapped(fleet, text):
        said = silently(fleet, "--yes", code=1)
    assert "'pulumi state move' failed: failed to save source snapshot" in said
    assert "file too large" in said
    assert "the rest moves when the command is run again" in said
    assert fleet.held() == before | {f"prod-shard-{number}": {} for number in (1, 2, 3, 4)}
    silently(fleet, "--yes")
    fleet.judge(creates=len(NAMES))
    assert [*Path(fleet.project.env["PULUMI_HOME"]).rglob("*.state.json")] == []


def test_a_state_of_a_shard_that_cant_be_written_is_told_and_found_again(fleet):
    """As on a full disk: a folder stands where the state belongs."""
    fleet.up()
    fleet.declare("ember")
    fleet.hold("POST", "/instances", when="after")
    running = fleet.start("up", "--skip-preview", "--stack", "prod")
    assert fleet.gate.reached.wait(PATIENCE)
    shard = fleet.stack("ember")
    (state,) = Path(fleet.project.home, "state", ".pulumi", "stacks").rglob(f"{shard}.json")
    kept = state.read_bytes()
    state.unlink()
    state.mkdir()
    (state / "in-the-way").touch()
    fleet.gate.open.set()
    said, aside = running.communicate(timeout=PATIENCE)
    assert running.returncode != 0, said + aside
    assert "could not write its state" in aside
    assert "1 of 2 shards failed" in aside
    (state / "in-the-way").unlink()
    state.rmdir()
    state.write_bytes(kept)
    fleet.up()
    fleet.judge(creates=len(NAMES) + 1)


def test_two_machines_run_a_shard_each_at_once(fleet):
    """Two jobs of a pipeline: neither waits for the other, nor takes what the other makes."""
    fleet.hold("POST", "/instances", when="after")
    up = ("up", "--yes", "--stack", "prod", "--at-once", "2", "--shard")
    first = fleet.start(*up, "1")
    assert fleet.gate.reached.wait(PATIENCE)
    home = fleet.project.env["PULUMI_HOME"]
    fleet.project.env["PULUMI_HOME"] = f"{home}-of-another-machine"
    said = fleet.elements(*up, "2")
    assert "is in no state" not in said
    assert first.poll() is None
    fleet.gate.open.set()
    fleet.project.env["PULUMI_HOME"] = home
    said, aside = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, said + aside
    fleet.judge(creates=len(NAMES))
    assert f"{len(NAMES)} unchanged" in fleet.up()


def lose(fleet, running):
    """Kill a command and all that it started; then open the gate."""
    for process in fleet.project.processes():
        with suppress(ProcessLookupError, FileNotFoundError):
            words = Path(f"/proc/{process}/cmdline").read_bytes()
            if b"provider\0" in words or b"pulumi" in words:
                os.kill(process, signal.SIGKILL)
    running.communicate(timeout=PATIENCE)
    fleet.gate.open.set()
    until(lambda: not fleet.project.processes())
    fleet.gate.open.clear()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_a_failure_of_one_shard_holds_up_no_other(fleet):
    """And stands once in the one list at the end, with what to do."""
    fleet.declare("ember", grove={"element": "nothing-such"})
    said = fleet.up(code=1)
    failed = shard_of("grove", SHARDS)
    assert said.count("No element found with key or ID nothing-such") == 1
    assert f"run 'elements up --stack prod --shard {failed}' again" in said
    assert "1 of 2 shards failed" in said
    held = fleet.held()
    assert held[f"prod-shard-{3 - failed}"]
    assert "grove" not in held[f"prod-shard-{failed}"]
    fleet.declare(grove=None)
    fleet.up()
    fleet.judge(creates=len(NAMES) + 1)


def test_a_file_that_an_ended_run_left_while_it_made_a_stack_is_no_file_of_its_own(fleet):
    """Its keys alone stand there for a moment; killed before the stack is made, or after."""
    document = yaml.safe_load(fleet.file.read_text())
    left = fleet.file.with_name("Pulumi.prod-shard-1.yaml")
    left.write_text(yaml.safe_dump({"encryptionsalt": document["encryptionsalt"]}))
    fleet.up()
    left.write_text(yaml.safe_dump({"encryptionsalt": document["encryptionsalt"]}))
    fleet.up()
    left.write_text(yaml.safe_dump({"encryptionsalt": "v1:of-another"}))
    assert "it has Pulumi.prod-shard-1.yaml" in fleet.up(code=1)
    left.unlink()
    fleet.judge(creates=len(NAMES))


@pytest.mark.parametrize("alone", [(), ("--shard", "2")])
def test_a_shard_that_was_killed_is_recovered_and_nothing_of_its_siblings_is_touched(fleet, alone):
    """All but one were answered; and what it alone made and nobody declares is deleted."""
    if alone:
        fleet.up("--shard", "1")
    left = [name for name in NAMES if not alone or shard_of(name, SHARDS) == 2]
    fleet.hold("POST", "/instances", when="after", after=len(left) - 1)
    running = fleet.start("up", "--skip-preview", "--stack", "prod", *alone)
    assert fleet.gate.reached.wait(PATIENCE)
    lose(fleet, running)
    assert len(fleet.live()) == len(NAMES)
    gone = next(name for name in NAMES if fleet.notes_of(name))
    fleet.declare(**{gone: None})
    said = fleet.up()
    assert "was killed before it wrote its state: this one begins with a refresh" in said
    assert "is in no state" not in said
    fleet.judge(creates=len(NAMES))


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_reaches_all_shards(fleet, times):
    """Once: what has begun is brought to its end. Twice: it is found afterwards.

    What had not begun is not begun.
    """
    fleet.hold("POST", "/instances", when="after", after=1)
    running = fleet.start("up", "--skip-preview", "--stack", "prod", "--at-once", "1")
    assert fleet.gate.reached.wait(PATIENCE)
    running.send_signal(signal.SIGINT)
    until(lambda: "^C received" in running.stderr.readline())
    if times == 2:
        running.send_signal(signal.SIGINT)
    else:
        fleet.gate.open.set()
    said = "".join(running.communicate(timeout=PATIENCE))
    fleet.gate.open.set()
    assert running.returncode == 130, said
    ending = {1: "was stopped: what had begun", 2: "was stopped at once"}
    assert f"Shard 1: 'pulumi up' {ending[times]}" in said
    assert "Shard 2: It was not begun" in said
    fleet.up()
    fleet.judge(creates=len(NAMES))


def test_bad_input_is_told_before_anything_is_made(fleet):
    up = ("up", "--yes", "--stack", "prod")
    text = fleet.file.read_text()
    for number in ("0", "four", "[1]", "1001"):
        fleet.file.write_text(text.replace("shards: 2", f"shards: {number}"))
        assert "must be a whole number from 1 to 1,000" in fleet.elements(*up, code=1)
    fleet.file.write_text(text)
    assert "There is no shard 3 of stack 'prod'" in fleet.elements(*up, "--shard", "3", code=1)
    assert "--plan is for one stack alone" in fleet.elements(*up, "--", "--plan", "x", code=2)
    assert "give --yes" in fleet.elements("up", "--stack", "prod", code=4)

    rebalance = ("rebalance", "--yes", "--stack")
    assert "no stack named 'prd' found" in fleet.elements(*rebalance, "prd", code=1)
    fleet.file.write_text("config: [")
    assert "invalid YAML file" in fleet.elements(*rebalance, "prod", code=1)
    fleet.file.write_text(text)

    own = fleet.file.with_name("Pulumi.prod-shard-2.yaml")
    own.write_text("config: {}\n")
    assert "Pulumi.prod-shard-2.yaml is there" in fleet.elements(*up, code=1)
    assert own.read_text() == "config: {}\n"
    own.unlink()

    salt = next(line for line in text.splitlines() if line.startswith("encryptionsalt"))
    fleet.file.write_text(text.replace(salt, ""))  # as where Pulumi Cloud encrypts
    assert "change-secrets-provider" in fleet.elements(*up, code=1)
    fleet.file.write_text(text)

    assert fleet.sandbox.instances() == []
    fleet.project.run("stack", "init", "prod-shard-1", "--no-select")
    fleet.file.with_name("Pulumi.prod-shard-1.yaml").unlink()
    for stack in ("prod", "prod-shard-1"):
        # What pulumi alone would run: the whole a second time, or a shard without its entries.
        said = fleet.project.preview("--stack", stack, expect=None).stdout
        assert "run 'elements up --shards --stack prod'" in said
        assert "Traceback" not in said


def test_a_stack_that_has_the_name_of_a_shard_is_left_alone(fleet):
    """It has instances of its own, with tags of its own, and no file any more."""
    fleet.declare(shards=1)
    fleet.project.init("prod-shard-2")
    own = fleet.project.stack_file("prod-shard-2")
    entry = {"desk": {"element": "sendgrid", "configuration": {"api.token": "a-token"}}}
    document = yaml.safe_load(own.read_text()) | {"config": {"cloud-elements:instances": entry}}
    shared = fleet.file.read_text()
    fleet.file.write_text(shared.replace("  cloud-elements:shards: 1\n", ""))
    own.write_text(yaml.safe_dump(document))
    fleet.project.up()
    own.unlink()
    fleet.declare(shards=2)
    said = fleet.up(code=1)
    assert "Stack 'prod-shard-2' is no shard of 'prod'" in said
    assert len(fleet.live()) == 1


def test_the_other_commands_see_all_shards(fleet):
    """An instance that no state has is told of by all together, and by none of the shards."""
    fleet.up()
    assert fleet.elements("matrix", "--stack", "prod") == '{"shard": [1, 2]}\n'
    assert "4 of 4 ok" in fleet.elements("status", "--stack", "prod")
    assert "no leftovers" in fleet.elements("sweep", "--stack", "prod", "--dry-run")
    assert "2, all there" in fleet.elements("doctor", "--stack", "prod")
    told = fleet.start("export", "--stack", "prod", "--dry-run", "--json").communicate()[0]
    assert json.loads(told)["entries"] == {}

    # As a lost run leaves one on another machine: with the tags of a name that nobody declares.
    fleet.declare("dune")
    fleet.up()
    state = fleet.project.run("stack", "export", "--stack", fleet.stack("dune")).stdout
    document = json.loads(state)
    resources = document["deployment"]["resources"]
    [dune] = [one for one in resources if one["urn"].endswith("::dune")]
    resources.remove(dune)
    fleet.project.run("stack", "import", "--stack", fleet.stack("dune"), stdin=json.dumps(document))
    fleet.declare(dune=None)
    said = fleet.up()
    assert said.count(f"Element instance {dune['id']} carries the stack's tags and is in no") == 1
    assert "is in no state" not in fleet.up("--shard", "1")
    assert dune["id"] in fleet.elements("status", "--stack", "prod", code=3)
    assert "Deleted 1 of 1" in fleet.elements("sweep", "--stack", "prod", "--yes")
    fleet.judge(creates=len(NAMES) + 1)


PROGRAM = """
import pulumi
from pulumi_cloud_elements import ElementInstance, belongs_here

def desk(name, **options):
    inputs = {"subdomain": name, "username": "someone", "password": "hidden-password"}
    options = pulumi.ResourceOptions(**options)
    return ElementInstance(name, "freshservice", configuration=inputs, opts=options)

for name in ("acme", "harbour", "iris"):
    if belongs_here(name):
        desk(f"{name}-desk", parent=pulumi.ComponentResource("my:team:Team", name), protect=True)
birch = desk("birch") if belongs_here("birch") else None
if belongs_here("cobalt"):
    desk("cobalt", depends_on=[birch] if birch else [])
"""


def test_parents_and_dependants_move_as_they_can(fleet):
    """Children go with their parent; what depends on something elsewhere loses that alone."""
    fleet.project.write_program(PROGRAM)
    fleet.entries = {}
    fleet.declare(shards=1)
    fleet.up()
    state = fleet.project.export_text()
    fleet.declare(shards=3)
    silently(fleet, "--yes")
    moved = fleet.held()
    # As when the first move was cut off between its two writes: all is in two states.
    fleet.project.run("stack", "import", "--stack", "prod", stdin=state)
    silently(fleet, "--yes")
    assert fleet.held() == moved
    assert moved["prod"] == {}
    for root in ("acme", "harbour", "iris", "birch", "cobalt"):
        name = root if root in ("birch", "cobalt") else f"{root}-desk"
        assert [one for one in moved if name in moved[one]] == [f"prod-shard-{shard_of(root, 3)}"]
    assert "5 unchanged" in fleet.up()
    counters = fleet.sandbox.counters()
    assert (counters["creates"], counters["deletes"]) == (5, 0)
