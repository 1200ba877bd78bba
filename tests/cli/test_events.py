"""What the engine tells of a run, as `pulumi up --json` writes it (CLI 3.274.1)."""

import json

import pytest

from provider.cli.events import Run
from provider.cli.progress import Watched, Whole, duration, line_of, summary

TYPE = "pulumi-python:dynamic/cloud-elements:ElementInstance"


class Seconds:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Seconds()


@pytest.fixture
def said():
    return []


@pytest.fixture
def run(clock, said):
    return Run(said.append, clock)


def tell(run, kind, operation, name, type_=TYPE, **more):
    """Let the engine tell of a step."""
    urn = f"urn:pulumi:test::project::{type_}::{name}"
    known = {"op": operation, "urn": urn, "type": type_, **more}
    run.hear(json.dumps({"sequence": 1, "timestamp": 1795829718, kind: {"metadata": known}}))


def remark(run, severity, message, name="", **more):
    urn = f"urn:pulumi:test::project::{TYPE}::{name}" if name else ""
    told = {"severity": severity, "message": message, "urn": urn, **more}
    run.hear(json.dumps({"diagnosticEvent": told}))


def test_of_what_is_under_way_and_done_the_seconds_are_counted(run, clock):
    for name in ("one", "two"):
        tell(run, "resourcePreEvent", "create", name)
        clock.now += 1.0
    tell(run, "resOutputsEvent", "create", "one", new={"id": "7"})
    clock.now += 3.0

    assert (run.done, len(run.instances)) == (1, 2)
    assert [(one.name, one.began) for one in run.under_way] == [("two", 101.0)]
    assert [(one.name, one.id, one.seconds) for one in run.slowest] == [("one", "7", 2.0)]
    assert Whole([Watched("up", run)]).standing(clock()) == "two 4.0 s, 5.0 s left"
    assert Whole([Watched("up", run, expected=4)]).standing(clock()) == "two 4.0 s, 15 s left"


def test_a_replacement_is_one_instance_in_the_summary(run, clock):
    for kind in ("resourcePreEvent", "resOutputsEvent"):
        tell(run, kind, "create-replacement", "desk", new={"id": "2"})
    for operation in ("replace", "delete-replaced"):
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            tell(run, kind, operation, "desk", old={"id": "1"})

    assert [(one.operation, one.id) for one in run.instances] == [
        ("create-replacement", "2"),
        ("delete-replaced", "1"),
    ]
    assert summary(run, 2.0, planned=True) == "1 instance: 1 to replace (2.0 s)."


def test_after_its_refresh_an_instance_is_under_way_again(run):
    tell(run, "resourcePreEvent", "refresh", "desk")
    tell(run, "resOutputsEvent", "same", "desk")
    tell(run, "resourcePreEvent", "update", "desk", diffs=["name"])
    assert (run.done, [one.operation for one in run.under_way]) == (0, ["update"])
    tell(run, "resOutputsEvent", "update", "desk")

    assert [(one.words, one.changed) for one in run.instances] == [("updated", ["name"])]


def test_what_failed_is_told_as_failed(run):
    tell(run, "resourcePreEvent", "create", "desk")
    tell(run, "resOpFailedEvent", "create", "desk")
    (step,) = run.ended
    assert line_of(step) == "failed: desk (0.0 s)"
    assert summary(run, 75.0, planned=False) == "1 instance: 1 failed (1 min 15 s)."


def test_remarks_stand_once_and_name_their_resource_once(run, said):
    for _ in range(2):
        remark(run, "warning", "no key 'password'\n", name="desk")
        remark(run, "error", "could not create element instance 'desk': no\n", name="desk")
        remark(run, "error", f"{TYPE} resource 'desk' has a problem: name: is empty\n", name="desk")
        remark(run, "error", "update failed\n")
        remark(run, "debug", "registering\n", name="desk")
    run.fail("error: the stack is locked\nhello\n")

    assert run.remarks == {
        "warning": ["desk: no key 'password'"],
        "error": [
            "could not create element instance 'desk': no",
            "desk: name: is empty",
            "the stack is locked",
        ],
    }
    assert said == ["hello"]


def test_what_the_program_prints_is_shown_and_control_codes_are_not(run, said):
    remark(run, "info", "hello\n\nworld \x1b[31m\n")
    run.hear("no JSON at all\n")
    run.hear('{"stdoutEvent": {"message": "^C received; cancelling.\\n"}}')
    run.hear("[1]")
    run.hear("")
    assert said[:2] == ["hello", ""]
    assert said[2:] == ["world  [31m", "no JSON at all", "^C received; cancelling.", "[1]"]


def test_passing_progress_is_kept_until_its_resource_ends(run, said):
    tell(run, "resourcePreEvent", "create", "desk")
    remark(run, "info", "waiting for the platform, 5 s", name="desk", ephemeral=True)
    assert list(run.doing.values()) == ["waiting for the platform, 5 s"]
    tell(run, "resOutputsEvent", "create", "desk")
    assert (run.doing, said) == ({}, [])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s")],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words
