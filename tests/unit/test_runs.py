"""The note of a run that writes its state at the end alone."""

import json
import os
import subprocess
import sys

import pytest

from provider.instance.runs import BusyError, Place, home

HOLD = """
import sys
from pathlib import Path
from provider.instance.runs import Place
with Place(Path(sys.argv[1]), "project", "dev").held() as held:
    held.note(command="up")
    held.note(engine=4711)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "home", "project", "dev")


@pytest.fixture
def another(place):
    """Another process that holds the place."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, place.path.parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_run_that_ends_well_leaves_no_note(place):
    with place.held() as held:
        held.note(command="up")
        held.clear()
    assert place.left() is None
    assert list(place.path.parent.iterdir()) == []


def test_while_it_is_under_way_its_run_is_not_lost_and_no_other_begins(place, another):
    assert place.left() is None
    with pytest.raises(BusyError), place.held():
        pass


def test_a_run_that_was_killed_leaves_its_note_until_it_is_cleared(place, another):
    another.kill()
    another.wait()
    left = place.left()
    assert (left.command, left.engine, left.made) == ("up", 4711, {})
    with place.held() as held:
        assert held.before == left
        held.note(command="destroy", made={"urn:1": "7"})
    assert place.left().since == left.since
    assert (place.left().command, place.left().made) == ("destroy", {"urn:1": "7"})
    with place.held() as held:
        held.clear()
    assert place.left() is None


@pytest.mark.parametrize("text", ["{", "\n[]", '\n{"time": "x"}\n', '\n{"made": 3}'])
def test_a_note_that_cant_be_read_says_that_something_was_lost(place, text):
    """As a full disk leaves it."""
    place.path.parent.mkdir()
    place.path.write_text(text)
    os.utime(place.path, (1_800_000_000, 1_800_000_000))
    assert place.left().since == 1_800_000_000
    assert place.left().moment == "2027-01-15 at 08:00 UTC"


def test_each_stack_has_a_place_of_its_own(tmp_path):
    names = [("a", "b-c"), ("a-b", "c"), ("a", "b"), ("x" * 80, "y" * 90)]
    paths = {Place(tmp_path, *name).path for name in names}
    assert len(paths) == len(names)
    assert max(len(path.name) for path in paths) < 120


def test_a_line_that_was_cut_off_spoils_no_other(place):
    place.path.parent.mkdir()
    place.path.write_text(json.dumps({"time": 5.0, "command": "up"}) + '\n{"time": 6.')
    with place.held() as held:
        held.note(engine=7)
    assert (place.left().since, place.left().engine) == (5.0, 7)


def test_a_folder_that_cant_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), Place(tmp_path / "file", "p", "s").held():
        pass


def test_the_home_is_pulumis_own(tmp_path, monkeypatch):
    assert home({"PULUMI_HOME": str(tmp_path)}) == tmp_path / "cloud-elements"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home({}) == tmp_path / ".pulumi" / "cloud-elements"
