"""Copies of states, and what is done with them where a state was left in pieces."""

import os
from pathlib import Path

import pytest

from provider.cli.console import FailureError
from provider.cli.copies import Copies

FULL = "no space left on device"
TORN = "unexpected end of JSON input"


class Engine:
    """States by the names of their stacks; one that is None can't be read."""

    def __init__(self, **states):
        self.states = states
        self.full = False

    def run(self, *words):
        name = words[words.index("--stack") + 1]
        if words[:2] == ("stack", "import"):
            if self.full:
                raise FailureError(FULL)
            self.states[name] = Path(words[words.index("--file") + 1]).read_text()
        elif self.states[name] is None:
            raise FailureError(TORN)
        return self.states[name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    return tmp_path / "cloud-elements"


def test_a_state_in_pieces_is_put_back_and_no_other(folder):
    engine = Engine(one="before", two="before")
    copies = Copies.take(engine, "shop", ["one", "two"])
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    engine.states = {"one": None, "two": "after"}
    assert copies.put_back() == []
    assert engine.states == {"one": "before", "two": "after"}
    assert [*folder.iterdir()] == []


def test_what_cant_be_put_back_stays_and_the_command_is_told(folder):
    engine = Engine(one="before", two="before")
    copies = Copies.take(engine, "shop", ["one", "two"])
    engine.states["one"], engine.full = None, True
    (command,) = copies.put_back()
    (file,) = folder.iterdir()
    assert command == f"pulumi stack import --stack one --file {file}"
    assert file.read_text() == "before"


def test_where_no_copy_can_be_written_nothing_is_begun(folder, monkeypatch):
    def full(_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FailureError, match="No space left on device; make room there"):
        Copies.take(Engine(one="before"), "shop", ["one"])
    assert [*folder.iterdir()] == []
