"""`elements up`, `preview`, `refresh` and `destroy` over the shards of a stack, side by side."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from .. import config
from ..instance.runs import SHARD, Place, home
from .backend import stack_marker
from .console import Exit, FailureError, agreed, counted, emit, say, shown
from .events import Run
from .lost import STRAY, Situation, differs
from .play import Job, Report, Stage, Way, play
from .progress import Watched, showing
from .project import concurrency, settings_of
from .pulumi import Stops
from .report import document, finish, show_plan, why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..api import wire
    from .fleet import Fleet, Member
    from .play import Stager
    from .progress import Display

_TURN = 0.1  # seconds between two looks at how far they are
_OF_ONE = ("--config-file", "--plan", "--save-plan")
"""Options of pulumi that mean something for one stack alone."""


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
    def code(self) -> int:
        """Its exit code."""
        if self.failure:
            return self.failure.code
        last = self.report or self.planned
        return last.code if last else 0

    @property
    def told(self) -> dict[str, Any]:
        """What is told of it as JSON."""
        last = self.report or self.planned
        way = last.way if last else Way()
        return {
            "shard": self.member.shard.number,
            "stack": self.member.name,
            "exit_code": self.code,
            "checkpoints": not way.at_end,
            "refreshed": way.refresh,
            "seconds": round(last.seconds, 3) if last else None,
            "failure": str(self.failure) if self.failure else None,
        }


@dataclass
class Shards:
    """A job over shards.

    Args:
        fleet: All of them.
        job: What is asked for.
        parts: Those that it is asked of.
        at_once: How many run side by side here.
        beside: How many run at a time, with those on other machines.
    """

    fleet: Fleet
    job: Job
    parts: list[Part]
    at_once: int
    beside: int
    stops: Stops = field(default_factory=Stops)

    @classmethod
    def of(cls, fleet: Fleet, job: Job, at_once: int | None) -> Shards:
        """Return a job over shards, made sure to be one that can be done.

        Raises:
            FailureError: It can't.
        """
        if unfit := [one for one in job.arguments if one.partition("=")[0] in _OF_ONE]:
            message = (
                f"{unfit[0].partition('=')[0]} is for one stack alone, and stack '{job.stack}' has "
                "shards: leave it out."
            )
            raise FailureError(message, Exit.USAGE)
        members = [fleet.member(job.shard)] if job.shard else fleet.members
        fleet.refuse_moves()
        if job.command in ("up", "preview"):
            fleet.make(members)
        members = [one for one in members if one.name in fleet.there]
        here = 1 if job.shard else at_once or default_at_once()
        its = replace(job, whole=fleet.base.name)
        jobs = [replace(its, stack=one.name, shard=one.shard.number) for one in members]
        parts = [Part(*one) for one in zip(members, jobs, strict=True)]
        beside = at_once or fleet.shards if job.shard else min(here, max(1, len(members)))
        return cls(fleet, job, parts, here, beside)

    def run(self, *, asks: bool) -> int:
        """Do the job; return the exit code."""
        self._look()
        if self.job.plans or not self.job.skip_preview:
            began = time.monotonic()
            self._each(self._plan, planned=True)
            whole = self._whole(began, [one.planned for one in self.parts])
            if self.job.plans or not any(self._going_on()):
                return self._finish(whole, planned=True)
            show_plan(self.job, whole)
            if left := [str(one.member.shard.number) for one in self.parts if one.code]:
                say(f"Left as it is, because its preview failed: shard {', '.join(left)}.")
            if asks and whole.run.changed and not agreed(self._question(whole), yes=False):
                say("Nothing was done.")
                return Exit.DECLINED
        began = time.monotonic()
        self._each(self._run, planned=False)
        whole = self._whole(began, [one.report for one in self.parts])
        if not any(one.code for one in self.parts):
            self._settle(whole)
        return self._finish(whole, planned=False)

    def _going_on(self) -> Iterator[Part]:
        yield from (one for one in self.parts if not one.code)

    def _look(self) -> None:
        """Find out how each is to be run."""
        said: set[str] = set()
        for one in self.parts:
            state = self.fleet.states[one.member.name]
            number = one.member.shard.number
            one.situation = Situation.seen(
                one.member,
                one.job,
                state,
                Way(self._operations, more=self._environment(number)),
                partial(self._compared, one.member),
                shard=number,
            )
            for remark in one.situation.remarks(one.job):
                named = f"Shard {number}: {remark}" if one.situation.lost else remark
                if named not in said:
                    say(named)
                said.add(named)

    @cached_property
    def _operations(self) -> int | None:
        """How many operations at once each may have, of what is allowed on this machine."""
        number = concurrency(self.fleet.base)
        here = min(self.at_once, max(1, len(self.parts)))
        return max(1, number // here) if number else None

    def _environment(self, number: int) -> dict[str, str]:
        """Return the variables of a shard's run: which it is, and its part of what all share."""
        told = {SHARD: f"{number}/{self.fleet.shards}"}
        if self._operations:
            told[config.environment_name("concurrency")] = str(self._operations)
        name = "requests_per_second"
        variable = config.environment_name(name)
        text = os.environ.get(variable) or self.fleet.base.text(config.stack_key(name)) or ""
        try:
            rate = float(text)
        except ValueError:
            return told  # the provider says what is wrong with it
        return told | {variable: f"{rate / self.beside:g}"}

    @cached_property
    def _listed(self) -> dict[str, wire.Instance] | None:
        return self.fleet.listed()

    def _compared(self, member: Member) -> tuple[frozenset[str], bool]:
        """Return what a shard made that is in no state, and whether its run begins with a refresh.

        What has a sibling's marker is the sibling's business; so may be what nobody declares.
        """
        if self._listed is None:
            return frozenset(), False
        mine, unknown = set[str](), False
        for id_ in self._strays:
            shards = {self.fleet.tags.get(tag) for tag in self._listed[id_].tags or []} - {None}
            if member.shard.number in shards:
                mine.add(id_)
            unknown = unknown or not shards
        state = self.fleet.states[member.name]
        marker = stack_marker(self.fleet.base, self.fleet.whole)
        address = settings_of(self.fleet.base).address
        is_due = bool(mine) or unknown or differs(state, self._listed, marker, address)
        return frozenset(mine), is_due

    @property
    def _strays(self) -> list[str]:
        """Ids of what carries the stack's tags and was in no state."""
        listed, known = self._listed or {}, self.fleet.whole.ids
        return [id_ for id_, one in listed.items() if one.tags and id_ not in known]

    def _each(self, task: Callable[[Part, Stager], None], *, planned: bool) -> None:
        """Have something done for each shard that is well so far, some side by side."""
        watched: list[Watched] = []
        parts = [*self._going_on()]
        with (
            self.stops.heard(),
            showing(watched, time.monotonic) as display,
            ThreadPoolExecutor(self.at_once) as pool,
        ):
            entries = {}
            for one in parts:
                expected = one.situation.way.expected if one.situation else 0
                entries[one.job] = Watched(self.job.command, Run(), expected, planned)
                watched.append(entries[one.job])

            def go(one: Part) -> None:
                if self.stops.numbers:
                    one.failure = FailureError("It was not begun.", _interrupted(self.stops))
                    return
                try:
                    task(one, self._stager(entries[one.job], display))
                except FailureError as failure:
                    one.failure = failure

            waiting = {pool.submit(go, one) for one in parts}
            while waiting:
                done, waiting = wait(waiting, timeout=_TURN)
                display.turn()
                for future in done:
                    future.result()

    def _stager(self, entry: Watched, display: Display) -> Stager:
        @contextmanager
        def stage(watched: Watched) -> Iterator[Stage]:
            # The engine may be run a second time: then the bar begins anew for this shard.
            entry.run, entry.told, entry.title = watched.run, 0, watched.title
            yield Stage(display, self.stops, many=True)

        return stage

    def _plan(self, one: Part, stage: Stager) -> None:
        assert one.situation
        one.planned = play(one.member, one.job, one.situation.way, planned=True, stage=stage)
        if not (one.planned.code or self.job.plans):
            one.situation = one.situation.after(one.planned)

    def _run(self, one: Part, stage: Stager) -> None:
        assert one.situation
        remarks = one.planned.run.remarks if one.planned else None
        # What a lost run made and nobody declares was asked about with all the rest.
        one.report = one.situation.run(one.job, remarks, asks=False, stage=stage)

    def _question(self, whole: Report) -> str:
        number = sum(not one.quiet for one in whole.run.steps.values() if one.is_instance)
        lost = any(one.situation and one.situation.lost for one in self.parts)
        more = ", and deletes what lost runs made and nobody declares" if lost else ""
        where = f"stack '{self.fleet.base.name}' in {counted(len(self.parts), 'shard')}"
        what = f"{counted(number, 'instance')} of {where}"
        return f"Run {self.job.command}, which changes {what}{more}?"

    def _whole(self, began: float, reports: list[Report | None]) -> Report:
        """Return what came of all as one report."""
        known = [one for one in reports if one]
        way = Way(
            at_end=bool(known) and all(one.way.at_end for one in known),
            refresh=any(one.way.refresh for one in known),
        )
        run = Run.joined(one.run for one in known)
        return Report(run, seconds=time.monotonic() - began, way=way)

    def _settle(self, whole: Report) -> None:
        """Tell of what is in no state, and forget what runs before there were shards left."""
        made = {one.id for one in whole.run.instances}
        everything = len(self.parts) == self.fleet.shards and not self.job.partial
        if "_listed" in self.__dict__ and everything and (left := {*self._strays} - made):
            say(STRAY.format(", ".join(sorted(left)), self.fleet.base.name))
        folder = home(os.environ)
        if folder and everything and self.job.command in ("up", "destroy"):
            place = Place(folder, self.fleet.base.project_name, self.fleet.base.last)
            if place.left():
                with place.held() as held:
                    held.clear()

    @property
    def code(self) -> int:
        """One exit code: of what ended it, or else of the first that failed."""
        if self.stops.numbers and any(one.code for one in self.parts):
            return _interrupted(self.stops)
        return next((one.code for one in self.parts if one.code), 0)

    def _finish(self, whole: Report, *, planned: bool) -> int:
        """Tell what came of it; return the exit code."""
        code = self.code
        if self.job.as_json:
            told = document(self.job, whole, planned=planned)
            numbers = {one.member.last: one.member.shard.number for one in self.parts}
            for instance, step in zip(told["instances"], whole.run.instances, strict=True):
                instance["shard"] = numbers.get(step.urn.removeprefix("urn:pulumi:").split("::")[0])
            result = "interrupted" if code and self.stops.numbers else "failed"
            told |= {"result": result if code else "succeeded", "exit_code": code}
            emit(told | {"shards": [one.told for one in self.parts]})
        finish(self.job, whole, planned=planned, shown_already=self.job.as_json)
        for one in self.parts:
            last = one.report or one.planned
            if one.code:
                reason = str(one.failure) if one.failure else why(one.job, last) if last else ""
                say(f"Shard {one.member.shard.number}: {shown(reason)}")
        failed = sum(bool(one.code) for one in self.parts)
        if failed and len(self.parts) > 1:
            say(f"{failed} of {counted(len(self.parts), 'shard')} failed.")
        return code


def default_at_once() -> int:
    """Return how many shards run side by side unless somebody says: one for each processor."""
    count = getattr(os, "process_cpu_count", None) or (lambda: len(os.sched_getaffinity(0)))
    try:
        return max(1, count() or 1)
    except AttributeError:  # not every system tells
        return max(1, os.cpu_count() or 1)


def _interrupted(stops: Stops) -> Exit:
    return Exit.of_signal(stops.numbers[0])
