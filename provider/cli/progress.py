"""How far a run is: a bar at a terminal, plain lines elsewhere; both on standard error."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .console import counted, say, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .events import Run, Step

_NAMED = 2
"""Operations under way that the bar names: the longest."""
_NAME_WIDTH = 24


def duration(seconds: float) -> str:
    """Return seconds in words: `0.4 s`, `12 s`, `3 min 5 s`."""
    if seconds < 9.95:  # noqa: PLR2004 - ten are written without a fraction
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@dataclass
class Watched:
    """One run that is shown.

    Args:
        title: What it is called.
        run: The run.
        expected: How many instances it is about, as far as that is known beforehand.
        planned: It is a preview.
        told: How many of the operations that ended were told of.
    """

    title: str
    run: Run
    expected: int = 0
    planned: bool = False
    told: int = 0

    @property
    def total(self) -> int:
        """How many instances it is about."""
        return max(self.expected, len(self.run.instances))


class Whole:
    """All runs that are shown, as one: the shards of a stack.

    Args:
        watched: Each of them.
    """

    def __init__(self, watched: Sequence[Watched]) -> None:
        self._watched = [*watched]
        self.title = next((one.title for one in self._watched), "")
        self.total = sum(one.total for one in self._watched)
        self.done = sum(one.run.done for one in self._watched)

    def standing(self, now: float) -> str:
        """Return what is under way and how long the rest takes."""
        waiting = [step for one in self._watched for step in one.run.under_way]
        parts = [
            f"{shown(one.name)[:_NAME_WIDTH]} {duration(now - one.began)}"
            for one in sorted(waiting, key=lambda step: step.began)[:_NAMED]
        ]
        if (left := self._seconds_left(now)) is not None:
            parts.append(f"{duration(left)} left")
        return ", ".join(parts)

    def _seconds_left(self, now: float) -> float | None:
        """Return how long the rest of the instances will take, None where nothing tells yet."""
        left = self.total - self.done
        begins = min((s.began for one in self._watched for s in one.run.instances), default=now)
        taken = now - begins
        return taken / self.done * left if self.done and left > 0 and taken > 0 else None


def line_of(step: Step) -> str:
    """Return the line that tells of what ended."""
    after = f" ({duration(step.seconds)})" if step.seconds is not None else ""
    return f"{step.words}: {shown(step.name)}{after}"


class Display(Protocol):
    """Shows runs."""

    def turn(self) -> None:
        """Show how far they are."""

    def say(self, text: str) -> None:
        """Show a line."""


class Lines:
    """Plain lines: one for each operation that ended and changed something, or failed.

    A preview has none: its plan stands at its end.
    """

    def __init__(self, watched: Sequence[Watched]) -> None:
        self._watched = watched

    def turn(self) -> None:
        """Show what is new."""
        for one in self._watched:
            for step in one.run.ended[one.told :]:
                if step.is_instance and (step.failed or not (step.quiet or one.planned)):
                    say(line_of(step))
            one.told = len(one.run.ended)

    def say(self, text: str) -> None:
        """Show a line."""
        say(text)


class Bar:
    """One bar over all runs, below what is said meanwhile."""

    def __init__(self, watched: Sequence[Watched], now: Callable[[], float]) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

        self._watched = watched
        self._now = now
        self._console = Console(file=sys.stderr, highlight=False, markup=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f} of {task.total:.0f}", markup=False),
            TextColumn("{task.fields[standing]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._task: Any = self._bars.add_task("", total=1, standing="")

    def turn(self) -> None:
        """Show how far the runs are."""
        whole = Whole(self._watched)
        self._bars.update(
            self._task,
            description=shown(whole.title),
            total=max(1, whole.total),
            completed=whole.done,
            standing=whole.standing(self._now()),
        )
        for one in self._watched:
            for step in one.run.ended[one.told :]:
                if step.failed:
                    self.say(line_of(step))
            one.told = len(one.run.ended)

    def say(self, text: str) -> None:
        """Show a line above the bars."""
        self._console.print(text)


@contextmanager
def showing(watched: Sequence[Watched], now: Callable[[], float]) -> Iterator[Bar | Lines]:
    """Show runs while the `with` block runs: at a terminal by bars."""
    if not sys.stderr.isatty():
        yield Lines(watched)
        return
    bar = Bar(watched, now)
    with bar._bars:  # noqa: SLF001 - its own
        yield bar


def summary(run: Run, seconds: float, *, planned: bool) -> str:
    """Return what came of a run, in one sentence.

    Args:
        run: The run.
        seconds: How long it took.
        planned: It was a preview, and nothing happened.
    """
    steps = [one for one in run.instances if one.operation != "delete-replaced"]
    counts: dict[str, int] = {}
    for step in steps:
        if step.seconds is not None:
            words = step.planned if planned else step.words
            counts[words] = counts.get(words, 0) + 1
    quiet = counts.pop("unchanged", 0)
    parts = [f"{number} {words}" for words, number in counts.items()]
    parts += [f"{quiet} unchanged"] if quiet else []
    told = f": {', '.join(parts)}" if parts else ""
    return f"{counted(len(steps), 'instance')}{told} ({duration(seconds)})."
