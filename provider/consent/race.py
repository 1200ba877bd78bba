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
"""So many of the listener's misfits are told: a hostile page can send any number."""
_AGAIN = "That was not taken, because {}. Paste the whole address, or the bare code:"


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


def first_answer(
    question: Question,
    *,
    listener: Listener | None,
    prompt: Prompt | None,
    seconds: float,
    complain: Callable[[str], None],
    clock: Clock | None = None,
) -> Answer | None:
    """Return the first answer to `question`, None when the time is over.

    Args:
        question: What was asked.
        listener: Where the browser comes back to.
        prompt: Where a person can paste.
        seconds: How long to wait altogether.
        complain: Says what came and was not taken, in a sentence without anything of it.
        clock: The clock.

    Raises:
        EOFError: Nobody can give an answer any more.
        MisfitError: Likewise, and what was piped in is none.
    """
    clock = clock or Clock()
    deadline = clock.now() + seconds
    sources = [source for source in (listener, prompt) if source is not None]
    pastes = None if prompt is None else _Pastes(prompt, question, complain)
    complaints = 0
    while (left := deadline - clock.now()) > 0:
        if not sources:
            raise (pastes and pastes.refused) or EOFError
        ready = clock.wait(sources, left)
        if listener is not None:
            for why in listener.misfits()[: _MOST_COMPLAINTS - complaints]:
                complaints += 1
                complain(f"An answer in the browser was not taken, because {why}. Still waiting.")
            if listener.answer is not None:
                return listener.answer
        if pastes is None or pastes.prompt not in ready:
            continue
        try:
            if (answer := pastes.answer()) is not None:
                return answer
        except EOFError:
            sources.remove(pastes.prompt)
    if pastes and pastes.refused:
        raise pastes.refused
    return None


@dataclass
class _Pastes:
    """What a person pastes, or pipes in, line by line."""

    prompt: Prompt
    question: Question
    complain: Callable[[str], None]
    refused: MisfitError | None = None
    """Why the last line that was piped in is no answer."""

    def answer(self) -> Answer | None:
        """Return the answer in the lines that are there, None where there is none.

        Raises:
            EOFError: No line can come any more.
        """
        for line in self.prompt.lines():
            try:
                return of_paste(line, self.question)
            except MisfitError as misfit:
                if self.prompt.terminal:
                    self.complain(_AGAIN.format(misfit))
                else:
                    self.refused = misfit
        return None
