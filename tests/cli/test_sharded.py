"""What the runs of shards are given, and what is told of all of them."""

import json
from types import SimpleNamespace

import pytest

from provider.cli.console import FailureError
from provider.cli.events import Run
from provider.cli.fleet import Fleet, Move, joined, shards_in
from provider.cli.matrix import child_pipeline
from provider.cli.play import Job
from provider.cli.project import Stack
from provider.cli.rebalance import _commands
from provider.cli.sharded import Shares
from provider.cli.state import Kept, Root, State

JOB = Job("up", "prod", ())


def shares(texts, *, at_once, beside, monkeypatch):
    monkeypatch.delenv("CLOUD_ELEMENTS_REQUESTS_PER_SECOND", raising=False)
    monkeypatch.delenv("CLOUD_ELEMENTS_CONCURRENCY", raising=False)
    fleet = SimpleNamespace(base=SimpleNamespace(text=texts.get), shards=4)
    return Shares(fleet, at_once, beside)


@pytest.mark.parametrize(
    ("at_once", "beside", "rate", "operations"), [(2, 2, "10", "32"), (1, 4, "5", "64")]
)
def test_what_is_for_the_account_or_the_machine_is_divided(
    at_once, beside, rate, operations, monkeypatch
):
    texts = {"cloud-elements:requestsPerSecond": "20"}
    its = shares(texts, at_once=at_once, beside=beside, monkeypatch=monkeypatch)
    assert its.environment(3) == {
        "CLOUD_ELEMENTS_SHARD": "3/4",
        "CLOUD_ELEMENTS_REQUESTS_PER_SECOND": rate,
        "CLOUD_ELEMENTS_CONCURRENCY": operations,
    }


def test_what_the_environment_says_goes_before_the_stack(monkeypatch):
    its = shares({}, at_once=2, beside=2, monkeypatch=monkeypatch)
    assert "CLOUD_ELEMENTS_REQUESTS_PER_SECOND" not in its.environment(1)
    monkeypatch.setenv("CLOUD_ELEMENTS_REQUESTS_PER_SECOND", "3")
    monkeypatch.setenv("CLOUD_ELEMENTS_CONCURRENCY", "5")
    its.__dict__.pop("operations")
    told = its.environment(1)
    assert told["CLOUD_ELEMENTS_REQUESTS_PER_SECOND"] == "1.5"
    assert told["CLOUD_ELEMENTS_CONCURRENCY"] == "2"


def test_several_runs_are_told_of_as_one():
    runs = [Run(), Run()]
    for number, run in enumerate(runs):
        run.changes = {"create": 2, "same": number}
        run.outputs = {f"out-{number}": number}
        run.remarks["warning"] = ["the same", f"of {number}"]
    whole = Run.joined(runs)
    assert whole.changes == {"create": 4, "same": 1}
    assert whole.outputs == {"out-0": 0, "out-1": 1}
    assert whole.remarks["warning"] == ["the same", "of 0", "of 1"]


def test_of_several_states_the_busy_one_counts():
    quiet, busy = State([], busy=False, others=("a",)), State([], busy=True, others=("a", "b"))
    assert joined([quiet, busy]).busy
    assert joined([quiet, busy]).others == ("a", "b")


def kept(name, id_, stack):
    return Kept.of({"urn": f"urn:pulumi:{stack}::p::t::{name}", "id": id_, "type": "t"})


def test_what_a_move_left_in_two_states_counts_once():
    """Two names for one instance are two, though: somebody has to say which is to go."""
    one = State([kept("a", "1", "prod"), kept("b", "2", "prod")], busy=False)
    two = State([kept("a", "1", "prod-shard-2"), kept("c", "2", "prod-shard-2")], busy=False)
    whole = joined([one, two])
    assert [each.name for each in whole.kept] == ["a", "b", "c"]
    assert whole.twice == {"1": ("prod", "prod-shard-2")}


def test_a_name_may_have_colons():
    """It is all of a URN behind the type; the program asks for the shard by the same name."""
    urn = "urn:pulumi:prod::p::t::o::p"
    assert State.of({"resources": [{"urn": urn, "id": "1", "type": "t"}]}).roots[0].name == "o::p"
    assert kept("o::p", "1", "prod").name == "o::p"


class Backend:
    """What answers for pulumi: a list of stacks, and locks on some of them."""

    def __init__(self, listed, locked=()):
        self.listed = listed
        self.locked = locked

    def run(self, *words):
        if words[:2] == ("stack", "ls"):
            return json.dumps(self.listed)
        assert words[:2] == ("stack", "rename")
        assert words[2] == words[4].rpartition("/")[2]  # to its own name, which changes nothing
        locked = "the stack is currently locked by 1 lock(s)"
        raise FailureError(locked if words[4] in self.locked else "a stack of that name exists")

    def each(self, task, things):
        return [task(one) for one in things]


def locked(backend, names):
    project = SimpleNamespace(name="shop", pulumi=backend)
    base = SimpleNamespace(project=project, pulumi=backend, given_organization="", last="prod")
    base.name = "prod"
    fleet = Fleet.__new__(Fleet)
    fleet.base = base
    fleet.__dict__["there"] = {name: Stack(project, name) for name in names}
    return fleet.locked


def test_in_files_the_engine_tells_what_is_locked():
    backend = Backend([{"name": "prod"}, {"name": "prod-shard-1"}], locked=["prod-shard-1"])
    assert locked(backend, ["prod", "prod-shard-1"]) == ["prod-shard-1"]


def test_pulumi_cloud_lists_what_runs_and_is_asked_for_nothing_else():
    url = "https://app.pulumi.com/acme/shop/x"
    listed = [
        {"name": "acme/shop/prod", "url": url, "updateInProgress": False},
        {"name": "acme/shop/prod-shard-1", "url": url, "updateInProgress": True},
        {"name": "acme/other/prod", "url": url, "updateInProgress": True},
    ]
    assert locked(Backend(listed, ["prod"]), ["prod", "prod-shard-1"]) == ["prod-shard-1"]


@pytest.mark.parametrize("given", ["0", "x", {"secure": "v1:x"}, ["1"], None])
def test_only_a_number_counts_as_shards(given):
    written = {} if given is None else {"cloud-elements:shards": given}
    if given is None:
        assert shards_in(written) is None
    else:
        with pytest.raises(FailureError, match="whole number from 1 to 1,000"):
            shards_in(written)


def test_the_child_pipeline_has_a_job_for_each_shard():
    made = child_pipeline("ci/shard.yml", [1, 2])
    assert made["include"] == [{"local": "ci/shard.yml"}]
    assert made["shard 2"] == {"extends": ".shard", "variables": {"SHARD": "2"}}


def move(name, source, dest, *, twice=False, ids=("7",), children=()):
    urns = [f"urn:pulumi:{source}::p::t::{one}" for one in (name, *children)]
    return Move(Root((*urns,), frozenset(ids)), source, dest, twice)


def test_what_was_moved_by_halves_is_taken_back_and_moved_anew():
    """Of what is in two wrong states one goes, and the other when it is looked for again.

    In the state that it came to nothing else depends on it; in the other one something may.
    """
    moves = [
        move("a", "one", "two", ids=["1"]),
        move("b", "one", "two", ids=["2"]),
        move("c", "one", "two", twice=True, ids=["3"], children=["c-1"]),
        move("d", "one", "three", ids=["4"]),
        move("d", "two", "three", ids=["4"]),
    ]
    commands = [" ".join(words) for words in _commands(moves)]
    urn = "urn:pulumi:one::p::t::"
    assert commands == [
        f"state move {urn}d --source one --dest three",
        f"state move {urn}a {urn}b --source one --dest two",
        "state delete urn:pulumi:two::p::t::c-1 urn:pulumi:two::p::t::c --stack two --force",
    ]


def test_a_command_line_is_never_too_long():
    moves = [move(f"n{number}", "one", "two", ids=[str(number)]) for number in range(1001)]
    assert [len(words) for words in _commands(moves)] == [506, 506, 7]
