"""`elements up`, `preview`, `refresh` and `destroy` over the shards of a stack, side by side."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from .. import config
from ..instance.runs import SHARD, Place, home
from . import lost
from .console import Exit, FailureError, counted, say
from .events import Run
from .parts import Part, finish_all, side_by_side, whole
from .play import Job, Report, Way, play
from .progress import Watched
from .project import concurrency
from .pulumi import Stops
from .report import is_wanted, show_plan
from .situation import Situation, Strays, tell_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .fleet import Fleet
    from .play import Stager

_OF_ONE = ("--config-file", "--plan", "--save-plan")
"""Options of pulumi that mean something for one stack alone."""


@dataclass
class Shares:
    """What each shard may have of what all of them share.

    Args:
        fleet: All of them.
        here: How many run side by side on this machine.
        beside: How many run at a time, with those on other machines.
    """

    fleet: Fleet
    here: int
    beside: int

    @cached_property
    def operations(self) -> int | None:
        """How many operations at once each may have, of what is allowed on this machine."""
        number = concurrency(self.fleet.base)
        return max(1, number // self.here) if number else None

    def environment(self, number: int) -> dict[str, str]:
        """Return the variables of a shard's run: which it is, and its part of what all share."""
        told = {SHARD: f"{number}/{self.fleet.shards}"}
        if self.operations:
            told[config.environment_name("concurrency")] = str(self.operations)
        name = "requests_per_second"
        variable = config.environment_name(name)
        text = os.environ.get(variable) or self.fleet.base.text(config.stack_key(name)) or ""
        try:
            rate = float(text)
        except ValueError:
            return told  # the provider says what is wrong with it
        return told | {variable: f"{rate / self.beside:g}"}


@dataclass
class Shards:
    """A job over shards.

    Args:
        fleet: All of them.
        job: What is asked for.
        parts: Those that it is asked of.
        shares: What each may have.
    """

    fleet: Fleet
    job: Job
    parts: list[Part]
    shares: Shares
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
        here = min(1 if job.shard else at_once or default_at_once(), max(1, len(members)))
        its = replace(job, whole=fleet.base.name)
        jobs = [replace(its, stack=one.name, shard=one.shard.number) for one in members]
        parts = [Part(*one) for one in zip(members, jobs, strict=True)]
        beside = at_once or fleet.shards if job.shard else here
        return cls(fleet, job, parts, Shares(fleet, here, beside))

    def run(self, *, asks: bool) -> int:
        """Do the job; return the exit code."""
        self._look()
        if self.job.plans or not self.job.skip_preview:
            began = time.monotonic()
            self._each(self._plan, planned=True)
            planned = whole(began, [one.planned for one in self.parts])
            if self.job.plans or not self._going_on:
                return finish_all(self.job, self.parts, planned, self.stops, planned=True)
            show_plan(self.job, planned)
            if left := [str(one.member.shard.number) for one in self.parts if one.code]:
                say(f"Left as it is, because its preview failed: shard {', '.join(left)}.")
            if asks and planned.run.changed and not is_wanted(self.job, planned, self._where):
                say("Nothing was done.")
                return Exit.DECLINED
        began = time.monotonic()
        self._each(self._run, planned=False)
        done = whole(began, [one.report for one in self.parts])
        if not any(one.code for one in self.parts):
            self._settle(done)
        return finish_all(self.job, self.parts, done, self.stops, planned=False)

    @property
    def _going_on(self) -> list[Part]:
        return [one for one in self.parts if not one.code]

    @cached_property
    def _strays(self) -> Strays:
        return Strays(self.fleet)

    def _look(self) -> None:
        """Find out how each is to be run."""
        said: set[str] = set()
        for one in self.parts:
            number = one.member.shard.number
            one.situation = Situation.of(
                one.member,
                one.job,
                self.fleet.states[one.member.name],
                Way(self.shares.operations, more=self.shares.environment(number)),
                partial(self._strays.of, one.member),
                shard=number,
            )
            for remark in one.situation.remarks(one.job):
                named = f"Shard {number}: {remark}" if one.situation.lost else remark
                if named not in said:
                    say(named)
                said.add(named)

    def _each(self, task: Callable[[Part, Stager], None], *, planned: bool) -> None:
        """Have something done for each shard that is well so far, some side by side."""
        parts = self._going_on
        ways = [one.situation.way if one.situation else Way() for one in parts]
        watched = [Watched(self.job.command, Run(), way.expected, planned) for way in ways]
        side_by_side(parts, task, watched, at_once=self.shares.here, stops=self.stops)

    def _plan(self, one: Part, stage: Stager) -> None:
        assert one.situation
        one.planned = play(one.member, one.job, one.situation.way, planned=True, stage=stage)
        if not (one.planned.code or self.job.plans):
            one.situation = one.situation.after(one.planned)

    def _run(self, one: Part, stage: Stager) -> None:
        assert one.situation
        remarks = one.planned.run.remarks if one.planned else None
        # What a lost run made and nobody declares was asked about with all the rest.
        one.report = lost.run(one.situation, one.job, remarks, asks=False, stage=stage)

    @property
    def _where(self) -> str:
        after_lost = any(one.situation and one.situation.lost for one in self.parts)
        more = ", and deletes what lost runs made and nobody declares" if after_lost else ""
        return f" in {counted(len(self.parts), 'shard')}{more}"

    def _settle(self, done: Report) -> None:
        """Tell of what is in no state, and forget what runs before there were shards left."""
        if len(self.parts) < self.fleet.shards or self.job.partial:
            return
        if not any(one.situation and one.situation.lost for one in self.parts):  # else some is gone
            made = {one.id for one in done.run.instances}
            tell_of(sorted(self._strays.ids - made), self.fleet.base.name)
        folder = home(os.environ)
        if folder and self.job.changes:
            place = Place(folder, self.fleet.base.project_name, self.fleet.base.last)
            if place.left():
                with place.held() as held:
                    held.clear()


def default_at_once() -> int:
    """Return how many shards run side by side unless somebody says: one for each processor."""
    count = getattr(os, "process_cpu_count", None) or (lambda: len(os.sched_getaffinity(0)))
    try:
        return max(1, count() or 1)
    except AttributeError:  # not every system tells
        return max(1, os.cpu_count() or 1)
