"""The parts of a job over shards: each run beside the others, and what is told of them all."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .console import Exit, FailureError, counted, emit, say, shown
from .events import Run
from .play import Report, Stage, Way
from .progress import Watched, showing
from .report import document, finish, why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .fleet import Member
    from .play import Job, Stager
    from .progress import Display
    from .pulumi import Stops
    from .situation import Situation

_TURN = 0.1  # seconds between two looks at how far they are


@dataclass
class Part:
    """One shard, and what became of it."""

    member: Member
    job: Job
    situation: Situation | None = None
    planned: Report | None = None
    report: Report | None = None
    failure: FailureError | None = None
    """Why it was not run."""

    @property
    def last(self) -> Report | None:
        """What came of its run, or of its preview where it had no more."""
        return self.report or self.planned

    @property
    def code(self) -> int:
        """Its exit code."""
        if self.failure:
            return self.failure.code
        return self.last.code if self.last else 0

    @property
    def reason(self) -> str:
        """Why it did not succeed."""
        if self.failure:
            return str(self.failure)
        return why(self.job, self.last) if self.last else ""

    @property
    def told(self) -> dict[str, Any]:
        """What is told of it as JSON."""
        last, way = self.last, self.last.way if self.last else Way()
        return {
            "shard": self.member.shard.number,
            "stack": self.member.name,
            "exit_code": self.code,
            "checkpoints": not way.at_end,
            "refreshed": way.refresh,
            "seconds": round(last.seconds, 3) if last else None,
            "failure": str(self.failure) if self.failure else None,
        }


def side_by_side(
    parts: Sequence[Part],
    task: Callable[[Part, Stager], None],
    watched: Sequence[Watched],
    *,
    at_once: int,
    stops: Stops,
) -> None:
    """Do something for each part, some `at_once`, and show how far all are.

    A failure of the task is the part's.
    """

    def go(part: Part, stage: Stager) -> None:
        if stops.numbers:
            part.failure = FailureError("It was not begun.", Exit.of_signal(stops.numbers[0]))
            return
        try:
            task(part, stage)
        except FailureError as failure:
            part.failure = failure

    with (
        stops.heard(),
        showing(watched, time.monotonic) as display,
        ThreadPoolExecutor(at_once) as pool,
    ):
        stages = [_stager(one, display, stops) for one in watched]
        waiting = {pool.submit(go, *one) for one in zip(parts, stages, strict=True)}
        while waiting:
            done, waiting = wait(waiting, timeout=_TURN)
            display.turn()
            for future in done:
                future.result()


def _stager(entry: Watched, display: Display, stops: Stops) -> Stager:
    @contextmanager
    def stage(watched: Watched) -> Iterator[Stage]:
        # The engine may be run a second time: then the bar begins anew for this shard.
        entry.run, entry.told, entry.title = watched.run, 0, watched.title
        yield Stage(display, stops, many=True)

    return stage


def whole(began: float, reports: list[Report | None]) -> Report:
    """Return what came of all as one report; they began at a moment of the monotonic clock."""
    known = [one for one in reports if one]
    way = Way(
        at_end=bool(known) and all(one.way.at_end for one in known),
        refresh=any(one.way.refresh for one in known),
    )
    run = Run.joined(one.run for one in known)
    return Report(run, seconds=time.monotonic() - began, way=way)


def finish_all(
    job: Job, parts: Sequence[Part], together: Report, stops: Stops, *, planned: bool
) -> int:
    """Tell what came of each part and of all together; return the exit code.

    It is that of what ended the job, or else of the first part that failed.
    """
    failed = [one for one in parts if one.code]
    code, result = (failed[0].code, "failed") if failed else (0, "succeeded")
    if failed and stops.numbers:
        code, result = Exit.of_signal(stops.numbers[0]), "interrupted"
    if job.as_json:
        more = {"result": result, "exit_code": code, "shards": [one.told for one in parts]}
        emit(_document(job, parts, together, planned=planned) | more)
    finish(job, together, planned=planned, shown_already=job.as_json)
    for one in failed:
        say(f"Shard {one.member.shard.number}: {shown(one.reason)}")
    if failed and len(parts) > 1:
        say(f"{len(failed)} of {counted(len(parts), 'shard')} failed.")
    return code


def _document(
    job: Job, parts: Sequence[Part], together: Report, *, planned: bool
) -> dict[str, Any]:
    """Return what is told as JSON of all, with the shard of each instance."""
    told = document(job, together, planned=planned)
    numbers = {one.member.last: one.member.shard.number for one in parts}
    for instance, step in zip(told["instances"], together.run.instances, strict=True):
        instance["shard"] = numbers.get(step.urn.removeprefix("urn:pulumi:").split("::")[0])
    return told
