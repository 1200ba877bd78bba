"""Waiting for the answer: from the browser or from the terminal, whichever is first."""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .grant import Answer, MisfitError, Question, of_paste

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .listener import Listener
    from .terminal import Prompt

_MOST_COMPLAINTS = 5
"""No more misfits of the listener are reported: a hostile page can send any number."""
_AGAIN = "That was not accepted, because {}. Paste the whole address, or the bare code:"


class Clock:
    """Time, and waiting in it; tests hand in their own."""

    def now(self) -> float:
        """Return seconds, from some moment on."""
        return time.monotonic()

    def wait(
        self, sources: Sequence[Listener | Prompt], seconds: float
    ) -> Sequence[Listener | Prompt]:
        """Return the sources that have something to say, none when the time is over."""
        ready, _, _ = select.select(sources, [], [], seconds)
        return ready


_CLOCK = Clock()


def first_answer(
    question: Question,
    *,
    listener: Listener | None,
    prompt: Prompt | None,
    seconds: float,
    complain: Callable[[str], None],
    clock: Clock = _CLOCK,
) -> Answer | None:
    """Return the first answer to `question`, None when the time is over.

    Args:
        question: What was asked.
        listener: Where the browser comes back to.
        prompt: Where a person can paste.
        seconds: How long to wait altogether.
        complain: Says what came and was not accepted, in a sentence that quotes nothing of it.
        clock: The clock.

    Raises:
        EOFError: Nobody can give an answer any more.
        MisfitError: Likewise, and what was piped in is not one.
    """
    deadline = clock.now() + seconds
    pages = [_Pages(listener, complain)] if listener else []
    pastes = [_Pastes(prompt, question, complain)] if prompt else []
    ways: list[_Pages | _Pastes] = [*pages, *pastes]
    while ways and (left := deadline - clock.now()) > 0:
        ready = clock.wait([way.source for way in ways], left)
        for way in tuple(ways):
            try:
                if (answer := way.answer(ready)) is not None:
                    return answer
            except EOFError:
                ways.remove(way)
    if refused := [paste.refused for paste in pastes if paste.refused]:
        raise refused[0]
    if not ways:
        raise EOFError
    return None


@dataclass(eq=False)
class _Pages:
    """What the browser comes back with."""

    source: Listener
    complain: Callable[[str], None]
    complaints: int = 0

    def answer(self, _ready: Sequence[object]) -> Answer | None:
        """Return the answer that came, None where there is none; say what was not accepted."""
        for why in self.source.misfits()[: _MOST_COMPLAINTS - self.complaints]:
            self.complaints += 1
            what = "An answer in the browser was not accepted"
            self.complain(f"{what}, because {why}. Still waiting.")
        return self.source.answer


@dataclass(eq=False)
class _Pastes:
    """What a person pastes, or pipes in, line by line."""

    source: Prompt
    question: Question
    complain: Callable[[str], None]
    refused: MisfitError | None = None
    """Why the last line that was piped in is no answer."""

    def answer(self, ready: Sequence[object]) -> Answer | None:
        """Return the answer in the lines that are there, None where there is none.

        Raises:
            EOFError: No line can come any more.
        """
        for line in self.source.lines() if self.source in ready else ():
            try:
                return of_paste(line, self.question)
            except MisfitError as misfit:
                if self.source.terminal:
                    self.complain(_AGAIN.format(misfit))
                else:
                    self.refused = misfit
        return None
