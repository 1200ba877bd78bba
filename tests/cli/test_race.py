"""Waiting for the browser and the terminal at once, with a clock of our own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provider.consent.grant import Denial, Grant, MisfitError, Question
from provider.consent.race import Clock, first_answer
from provider.consent.terminal import Prompt

STATE = "the-state-that-was-sent"
QUESTION = Question(STATE)


class Answered:
    """A listener that already has its answer."""

    def __init__(self, answer, *misfits):
        self.answer = answer
        self._misfits = list(misfits)

    def misfits(self):
        """Return the next few."""
        found, self._misfits = self._misfits[:4], self._misfits[4:]
        return found


class Hours(Clock):
    """A clock on which waiting takes no time: sources are ready when they are said to be."""

    def __init__(self, *ready):
        self.time = 0.0
        self.waits = []
        self._ready = list(ready)

    def now(self):
        """Return the seconds so far."""
        return self.time

    def wait(self, sources, seconds):
        """Let the time pass, or the next source be ready."""
        self.waits.append(seconds)
        if not self._ready:
            self.time += seconds
            return []
        self.time += 10
        ready = self._ready.pop(0)
        return [source for source in sources if source is ready]


@pytest.fixture
def pipe():
    """Return a prompt and the end to write to."""
    read, write = os.pipe()
    with os.fdopen(read) as stream, os.fdopen(write, "wb", buffering=0) as other:
        yield Prompt(stream), other


def wait(listener=None, prompt=None, clock=None, seconds=300.0):
    """Wait; return the answer and all complaints."""
    complaints = []
    answer = first_answer(
        QUESTION,
        listener=listener,
        prompt=prompt,
        seconds=seconds,
        complain=complaints.append,
        clock=clock or Clock(),
    )
    return answer, complaints


def test_the_time_is_over_after_so_many_seconds():
    """None comes back, and no wait goes past the end."""
    clock = Hours()

    assert wait(Answered(None), clock=clock) == (None, [])
    assert clock.time == 300
    assert clock.waits == [300]


def test_what_is_not_taken_does_not_prolong_the_wait(pipe):
    """Each further wait is for the rest of the time only."""
    prompt, other = pipe
    other.write(b"two words\n")
    clock = Hours(prompt)

    with pytest.raises(MisfitError, match="it carries no code"):
        wait(prompt=prompt, clock=clock or Clock(), seconds=25)

    assert clock.waits == [25, 15]


def test_the_browser_may_be_first(pipe):
    """With both open, the browser's answer ends the wait."""
    prompt, _ = pipe
    listener = Answered(None)
    clock = Hours()

    def answered(sources, _seconds):
        assert list(sources) == [listener, prompt]
        listener.answer = Denial("access_denied")
        return [listener]

    clock.wait = answered

    assert wait(listener, prompt, clock) == (Denial("access_denied"), [])


def test_the_terminal_may_be_first(pipe):
    """With both open, a pasted code ends the wait."""
    prompt, other = pipe
    other.write(b"https://x.example/?code=abc&state=" + STATE.encode() + b"\n")

    assert wait(Answered(None), prompt, Hours(prompt)) == (Grant("abc", {}), [])


def test_what_is_piped_in_and_refused_is_told_at_the_end(pipe):
    """Nobody sits there to paste again: the reason is the end of it."""
    prompt, other = pipe
    other.write(b"https://x.example/?code=abc&state=foreign\n")
    other.close()

    with pytest.raises(MisfitError, match="belongs to another request"):
        wait(prompt=prompt)


def test_misfits_in_the_browser_are_told(pipe):
    """One line for each, the first few alone, and the waiting goes on."""
    listener = Answered(None, *(f"reason {number}" for number in range(9)))

    answer, complaints = wait(listener, clock=Hours(listener, listener, listener))

    assert answer is None
    assert len(complaints) == 5
    assert (
        complaints[0]
        == "An answer in the browser was not accepted, because reason 0. Still waiting."
    )


def test_a_bad_paste_is_complained_of_and_the_next_is_taken(pipe, monkeypatch):
    """The complaint says why, and repeats nothing."""
    prompt, other = pipe
    monkeypatch.setattr(Prompt, "terminal", True)
    other.write(b"https://x.example/?code=abc&state=foreign\nabc\n")

    answer, complaints = wait(prompt=prompt, clock=Hours(prompt))

    assert answer == Grant("abc", {})
    assert len(complaints) == 1
    assert "foreign" not in complaints[0]
    assert "abc" not in complaints[0]


def test_the_end_of_a_pipe_leaves_the_browser(pipe):
    """Standard input that ends without a code is no reason to stop listening."""
    prompt, other = pipe
    other.close()
    clock = Hours(prompt)

    assert wait(Answered(None), prompt, clock) == (None, [])
    assert clock.waits == [300, 290]


def test_the_end_of_a_pipe_alone_ends_the_wait(pipe):
    """Nobody is left who could answer, so nobody is waited for."""
    prompt, other = pipe
    other.close()
    clock = Hours(prompt)

    with pytest.raises(EOFError):
        wait(prompt=prompt, clock=clock)
    assert clock.time == 10


def test_a_last_line_without_an_end_counts(pipe):
    """`printf code | elements authorize` works."""
    prompt, other = pipe
    other.write(b"abc")
    other.close()

    assert wait(prompt=prompt) == (Grant("abc", {}), [])


def test_a_line_may_come_in_pieces(pipe):
    """A long address arrives in several reads."""
    prompt, other = pipe
    code = "c" * 9000
    other.write(f"{code}\n".encode())

    assert wait(prompt=prompt) == (Grant(code, {}), [])


def test_where_nothing_can_be_read_there_is_no_prompt():
    """A closed or missing standard input is no error."""
    with Path(os.devnull).open() as stream:
        pass

    assert Prompt.of(stream) is None
    assert Prompt.of(None) is None
