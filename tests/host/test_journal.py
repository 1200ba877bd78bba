"""The journal through the real server: what a user is told of it, and when."""

import json
import time

import pytest

from tests.host.server import desk, drive


def remembering(home):
    return {"CLOUD_ELEMENTS_JOURNAL": "true", "PULUMI_HOME": str(home)}


@pytest.mark.parametrize("first", ["check", "read", "delete"])
def test_what_can_not_be_remembered_is_warned_of_once_before_a_code_is_sent(
    start, sandbox, tmp_path, first
):
    home = tmp_path / "home"
    home.write_text("a file in its place")
    state = start(sandbox).create(desk())
    server = start(sandbox, environment=remembering(home))
    before = len(sandbox.journal())
    match first:
        case "check":
            server.checked(drive(sandbox))
        case "read":
            server.read(state)
        case "delete":
            server.delete(state)
    (warning,) = server.engine.warnings
    assert warning.startswith("what is sent can't be remembered on this machine, because ")
    assert f"{home}/cloud-elements can't be written: " in warning
    assert not any(entry["carries_code"] for entry in sandbox.journal()[before:])

    server.create(drive(sandbox))  # all the same: it works without

    assert server.engine.warnings == [warning]
    assert home.read_text() == "a file in its place"


def test_a_journal_that_can_be_written_is_no_matter(start, sandbox, tmp_path):
    server = start(sandbox, environment=remembering(tmp_path / "new"))
    server.create(drive(sandbox))
    assert server.engine.warnings == []
    (path,) = (tmp_path / "new" / "cloud-elements").iterdir()
    entries = [json.loads(line) for line in path.read_text().splitlines() if line]
    assert [entry["fate"] for entry in entries] == ["sent", "made"]


def test_a_clock_that_was_set_back_is_warned_of(start, sandbox, tmp_path):
    environment = remembering(tmp_path)
    inputs = drive(sandbox)
    start(sandbox, environment=environment).create(inputs)
    (path,) = (tmp_path / "cloud-elements").iterdir()
    lines = [line for line in path.read_text().splitlines() if line]
    ahead = [json.loads(line) | {"time": time.time() + 86_400} for line in lines]
    path.write_text("".join(f"\n{json.dumps(entry)}" for entry in ahead))
    server = start(sandbox, environment=environment)
    server.check(desk(__markers=inputs["__markers"]))
    (warning,) = server.engine.warnings
    assert "which is in the future: this machine's clock was set back" in warning


def test_a_code_that_was_spent_elsewhere_is_told_at_the_preview_of_an_update(
    start, sandbox, tmp_path
):
    environment = remembering(tmp_path)
    inputs = drive(sandbox)
    state = start(sandbox, environment=environment).create(inputs)
    spent = drive(sandbox, name="other")
    start(sandbox, environment=environment).create(spent)
    server = start(sandbox, environment=environment)

    assert server.plan(state, inputs | {"code": spent["code"]}) != "none"

    (warning,) = server.engine.warnings
    assert warning.startswith("its code was already sent for another resource on ")
    assert warning.endswith(": get a new code, or take it out")
    assert server.plan(state, inputs | {"code": sandbox.new_code("onedrivebusiness")}) != "none"
    assert server.engine.warnings == [warning]


def test_a_code_that_was_spent_elsewhere_is_refused_at_the_preview_of_a_replacement(
    start, sandbox, tmp_path
):
    environment = remembering(tmp_path)
    spent = drive(sandbox, name="other")
    start(sandbox, environment=environment).create(spent)
    server = start(sandbox, environment=environment)
    inputs = desk()
    state = server.create(inputs)
    wanted = drive(sandbox, __markers=inputs["__markers"])
    assert server.check(wanted, state.inputs)[1] == []

    _, [failure] = server.check(wanted | {"code": spent["code"]}, state.inputs)

    assert failure.startswith("code: its code was already sent for another resource on ")
