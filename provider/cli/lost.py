"""Runs that write their state at the end alone, and what is to be done after one that was lost.

The engine writes its whole state at the beginning and at the end of each step, so that whoever
comes after a killed run knows what it did. Element instances tell that themselves, by their tags:
where a stack holds nothing else, one write at the end will do, as long as the next run after a lost
one begins with a refresh (what was deleted and changed), takes over what was made, and deletes what
was made and is declared no longer.
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..instance.history import History
from ..instance.journal import Fate
from ..instance.markers import Markers
from ..instance.runs import BusyError
from .backend import Backend, stack_marker
from .console import FailureError, agreed, could_not, counted, say, shown
from .play import Report, Way, alone, play
from .project import platform, settings_of
from .situation import KEPT, tell_of
from .sweep import Wanted, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..api import wire
    from ..api.client import CloudElementsClient
    from ..instance.runs import Held, Note, Place
    from .play import Job, Stager
    from .situation import Situation

_MICROSECONDS = re.compile(r"(\.\d{6})\d+")
_LEFT = re.compile(r"earlier run left instance (?P<ids>\S+(?:, \S+)*) with its marker, but")
_SLACK = 1.0
"""Seconds by which a note may be younger than what its run sent first."""


def run(
    situation: Situation,
    job: Job,
    remarks: dict[str, list[str]] | None,
    *,
    asks: bool,
    stage: Stager = alone,
) -> Report:
    """Run pulumi, with a note of it where its state is written at the end alone.

    Args:
        situation: What is known of the stack.
        job: What is asked for.
        remarks: What its preview remarked already.
        asks: Somebody is asked before what lost runs made is deleted.
        stage: Where it is shown.
    """

    def go(way: Way, started: Callable[[int], None] = lambda _: None) -> Report:
        more: Any = {"remarks": remarks, "started": started, "stage": stage}
        return play(situation.stack, job, way, planned=False, **more)

    place, is_due = situation.place, situation.way.at_end or situation.lost
    if place is None or not (job.changes and is_due):
        return go(situation.way)
    report = _held(place, situation, job, go, asks=asks)
    if report.code == 0:
        tell_of(sorted(situation.stray - {one.id for one in report.run.instances}), job.stack)
    return report


def _held(
    place: Place, situation: Situation, job: Job, go: Callable[..., Report], *, asks: bool
) -> Report:
    """Run pulumi with a note, where one can be kept."""
    with ExitStack() as stack:
        try:
            held = stack.enter_context(place.held())
            if situation.way.at_end:
                held.note(command=job.command)
        except BusyError:
            message = (
                f"Nothing was done, because another run of stack '{job.stack}' is under way "
                "on this machine: wait for its end."
            )
            raise FailureError(message) from None
        except OSError as error:
            say(KEPT.format(f"{place.path.parent} can't be written: {error.strerror}"))
            return go(replace(situation.way, at_end=False))
        return _Noted(situation, job, go, held, asks).run()


@dataclass(frozen=True)
class _Noted:
    """A run while its note is held."""

    situation: Situation
    job: Job
    go: Callable[..., Report]
    held: Held
    asks: bool

    @property
    def _lost(self) -> Note | None:
        return self.held.before or self.situation.lost

    def run(self) -> Report:
        """Run pulumi; remove the note when the state knows all."""
        began = datetime.now(UTC)
        report = self._unlocked(self._once())
        # The lost run may have replaced what is declared as before again.
        ids = in_the_way(report.run.remarks["error"] if self._lost and report.code else ())
        if ids and self._is_tidied(ids):
            report = self._once()
        if self._is_known(report, began):
            self.held.clear()
        return report

    def _once(self) -> Report:
        way = self.situation.way
        way = replace(way, refresh=way.refresh or self._lost is not None)

        def started(engine: int) -> None:
            with suppress(OSError):  # it only spares a command, where the engine's lock stays
                self.held.note(engine=engine)

        return self.go(way, started) if way.at_end else self.go(way)

    def _unlocked(self, report: Report) -> Report:
        """Return this report, or that of another run where a dead engine's lock was in the way."""
        lost, pulumi = self._lost, self.situation.stack.pulumi
        if not (lost and report.ended and _is_dead(lost.engine, report.ended.said)):
            return report
        pulumi.run("cancel", "--yes", "--stack", self.situation.stack.name)
        say("The lock of the run that was killed was removed.")
        return self._once()

    def _is_tidied(self, among: frozenset[str] | None = None) -> bool:
        lost = self._lost
        return lost is None or _tidy(self.situation, lost, self.job, asks=self.asks, among=among)

    def _is_known(self, report: Report, began: datetime) -> bool:
        """Tell whether the state knows what this run and lost ones did; else the note tells it."""
        if report.code == 0:
            return self._lost is None or (not self.job.partial and self._is_tidied())
        if self.situation.way.at_end and not all(one.quiet for one in report.run.instances):
            report.unwritten = not self._wrote(began)
            if report.unwritten:
                with suppress(OSError):
                    self.held.note(made=_made(report))
                return False
        return self._lost is None

    def _wrote(self, began: datetime) -> bool:
        """Tell whether the state was written since a moment."""
        try:
            written = self.situation.stack.state(secrets=False).written
            return datetime.fromisoformat(_MICROSECONDS.sub(r"\1", written)) >= began
        except (FailureError, ValueError):
            return False


def _made(report: Report) -> dict[str, str]:
    """Return the ids of what a run made, by URN."""
    made = (one for one in report.run.instances if one.operation.startswith("create"))
    return {one.urn: one.id for one in made if one.id and not one.failed}


def _tidy(
    situation: Situation, lost: Note, job: Job, *, asks: bool, among: frozenset[str] | None = None
) -> bool:
    """Delete what lost runs made and nothing declares any more; True when nothing is left.

    Only what this machine knows to be theirs: other states may have the same tags. Where a run was
    held up by some, only what is among these.
    """
    stack, shard = situation.stack, situation.shard
    settings = settings_of(stack)
    with (
        platform(settings) as client,
        could_not("look for what the lost run made", base_url=settings.base_url),
    ):
        backend = Backend.read(stack.project)
        here = backend.stack(stack)
        state = backend.states[here] if here else stack.state(secrets=False)
        wanted = Wanted(stack_marker(stack, state), job.stack, None, backend.ids)
        history = History.at_home(os.environ, settings)
        found, ours = left(lost, wanted, client, history, among=among, shard=shard)
        if shard is None:  # what else has a shard's tags may be what a sibling is at
            tell_of((one.id for one in found if one not in ours), job.stack)
        if not ours:
            return among is None
        if backend.gap or state.busy:
            say(f"What the lost run made stays, because {backend.gap or 'a run is pending'}.")
            return False
        question = f"Delete {counted(len(ours), 'instance')} that the lost run made and nobody"
        if asks and not agreed(f"{question} declares?", yes=False):
            return False
        removed, failed = remove(wanted, ours, client)
    for id_, reason in failed.items():
        say(f"Element instance {id_} could not be deleted: {shown(reason)}.")
    if removed:
        say(f"Deleted what the lost run had made and nothing declares: {', '.join(removed)}.")
    return not failed


def in_the_way(refusals: Iterable[str]) -> frozenset[str]:
    """Return the ids of what refusals say that an earlier run left, with another element."""
    found = (_LEFT.search(text) for text in refusals)
    return frozenset(id_ for one in found if one for id_ in one["ids"].split(", "))


def _is_dead(engine: int, said: str) -> bool:
    """Tell whether what pulumi says names the lock of an engine that ran here and is dead."""
    if not engine or f"@{socket.gethostname()} (pid {engine})" not in said:
        return False
    try:
        os.kill(engine, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:  # its number may be another's by now
        return b"pulumi" not in Path(f"/proc/{engine}/cmdline").read_bytes()
    except OSError:
        return False


def left(
    lost: Note,
    wanted: Wanted,
    client: CloudElementsClient,
    history: History,
    *,
    among: frozenset[str] | None = None,
    shard: int | None = None,
) -> tuple[list[wire.Instance], list[wire.Instance]]:
    """Return what is in no state, and what of it lost runs of this machine made.

    Args:
        lost: The note of these runs.
        wanted: The stack's marker, and what the states hold.
        client: The platform.
        history: What this machine sent.
        among: Only these ids.
        shard: Number of the shard whose runs they were, for its siblings have the same tags.
    """
    found = [one for one in wanted.find(client) if among is None or one.id in among]
    writer = "" if shard is None else str(shard)
    ours = [one for one in found if _is_of(lost, one, wanted.marker, history, writer)]
    return found, ours


def _is_of(lost: Note, instance: wire.Instance, marker: str, history: History, shard: str) -> bool:
    """Tell whether a lost run made an instance, by its note or by the journal."""
    if instance.id in lost.made.values():
        return True
    for tag in instance.tags or []:
        entry = history.last(Markers(marker, tag))
        if (
            entry is not None
            and entry.shard == shard
            and entry.time >= lost.since - _SLACK
            and entry.fate in (Fate.SENT, Fate.LOST, Fate.MADE)
            and entry.instance in ("", instance.id)
        ):
            return True
    return False
