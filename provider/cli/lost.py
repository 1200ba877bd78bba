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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api.errors import CloudElementsError
from ..instance.history import History
from ..instance.journal import Fate
from ..instance.markers import Markers
from ..instance.runs import BusyError, Note, Place, can_lock, home
from .backend import Backend, stack_marker
from .console import FailureError, agreed, could_not, counted, say, shown
from .contents import doubt_of_program, doubt_of_yaml, is_other
from .play import Report, Way, alone, play
from .project import platform, settings_of
from .sweep import Wanted, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..api import wire
    from ..api.client import CloudElementsClient
    from ..instance.runs import Held
    from .play import Job, Stager
    from .project import Project, Stack
    from .state import State

_LEAVES_SOMETHING = frozenset({"up", "destroy"})
"""Commands that change what is on the platform."""
STRAY = (
    "Element instance {} carries the stack's tags and is in no state: 'elements sweep --stack {}' "
    "shows what deletes it."
)
_MICROSECONDS = re.compile(r"(\.\d{6})\d+")
_LEFT = re.compile(r"earlier run left instance (?P<ids>\S+(?:, \S+)*) with its marker, but")
_SLACK = 1.0
"""Seconds by which a note may be younger than what its run sent first."""
_KEPT = "Pulumi writes its state at each step, because {}."


@dataclass(frozen=True)
class Situation:
    """What is known before a run.

    Args:
        stack: The stack.
        state: Its state.
        way: How it is run.
        kept: Why the engine keeps its checkpoints; nothing where it does not, or was told to.
        place: Where the note of its runs is; None where there can be none.
        lost: The note of runs that were lost.
        stray: Ids of instances with the stack's tags that are in no state.
        shard: Number of the shard that the stack is, if any.
    """

    stack: Stack
    state: State
    way: Way
    kept: str
    place: Place | None
    lost: Note | None
    stray: frozenset[str] = frozenset()
    shard: int | None = None

    @classmethod
    def of(cls, stack: Stack, job: Job, state: State, at_once: int | None) -> Situation:
        """Look at the stack's program and at what earlier runs left.

        Args:
            stack: The stack.
            job: What is asked for.
            state: The stack's state.
            at_once: How many operations the provider works on.
        """
        return cls.seen(stack, job, state, Way(at_once), lambda: _compared(stack, state))

    @classmethod
    def seen(
        cls,
        stack: Stack,
        job: Job,
        state: State,
        way: Way,
        compared: Callable[[], tuple[frozenset[str], bool]],
        *,
        shard: int | None = None,
    ) -> Situation:
        """Return what is known before a run.

        Args:
            stack: The stack.
            job: What is asked for.
            state: The stack's state.
            way: How it is run, as far as that does not depend on all this.
            compared: Returns what the platform has and no state, and whether a refresh is due.
            shard: Number of the shard that the stack is, if any.
        """
        folder = home(os.environ)
        place = Place(folder, stack.project_name, stack.last) if folder else None
        lost = place.left() if place else None
        kept = "" if job.checkpoints else _why_checkpoints(stack, state, job, place)
        at_end = not (kept or job.checkpoints)
        stray = frozenset[str]()
        if at_end and lost is None and job.command != "refresh":
            stray, is_due = compared()
            way = replace(way, refresh=is_due)
        refresh = lost is not None or way.refresh
        way = replace(way, at_end=at_end, refresh=refresh, expected=len(state.kept))
        return cls(stack, state, way, kept, place, lost, stray, shard)

    def remarks(self, job: Job) -> Iterator[str]:
        """Yield what is to be told before the run."""
        if self.kept and job.command in _LEAVES_SOMETHING:
            yield _KEPT.format(shown(self.kept))
        if self.lost:
            yield (
                f"A run that began on {self.lost.moment} was killed before it wrote its state: "
                "this one begins with a refresh."
            )
        elif self.way.refresh:
            yield (
                "The platform's list of the stack's instances differs from the state, as after a "
                "run that was lost on another machine: this one begins with a refresh."
            )

    def after(self, planned: Report) -> Situation:
        """Return this with what a preview told: of what the program declares, for example."""
        way = replace(self.way, expected=len({one.urn for one in planned.run.instances}))
        others = sorted(filter(is_other, planned.run.types))
        if not others or not way.at_end:
            return replace(self, way=way)
        kept = f"the program declares other resources: {', '.join(others)}"
        say(_KEPT.format(shown(kept)))
        return replace(self, way=replace(way, at_end=False), kept=kept)

    def run(
        self, job: Job, remarks: dict[str, list[str]] | None, *, asks: bool, stage: Stager = alone
    ) -> Report:
        """Run pulumi, with a note of it where its state is written at the end alone."""

        def go(way: Way, started: Callable[[int], None] = lambda _: None) -> Report:
            more: Any = {"remarks": remarks, "started": started, "stage": stage}
            return play(self.stack, job, way, planned=False, **more)

        if self.place is None or job.command not in _LEAVES_SOMETHING:
            return go(self.way)
        if not (self.way.at_end or self.lost):
            return go(self.way)
        report = self._held(self.place, job, go, asks=asks)
        left = self.stray - {one.id for one in report.run.instances}
        if left and report.code == 0:
            say(STRAY.format(", ".join(sorted(left)), job.stack))
        return report

    def _held(self, place: Place, job: Job, go: Callable[..., Report], *, asks: bool) -> Report:
        """Run pulumi with a note, where one can be kept."""
        with ExitStack() as stack:
            try:
                held = stack.enter_context(place.held())
                if self.way.at_end:
                    held.note(command=job.command)
            except BusyError:
                message = (
                    f"Nothing was done, because another run of stack '{job.stack}' is under way "
                    "on this machine: wait for its end."
                )
                raise FailureError(message) from None
            except OSError as error:
                where = f"{place.path.parent} can't be written: {error.strerror}"
                say(_KEPT.format(where))
                return go(replace(self.way, at_end=False))
            return self._noted(held, job, go, asks=asks)

    def _noted(self, held: Held, job: Job, go: Callable[..., Report], *, asks: bool) -> Report:
        """Run pulumi while the note is held; remove it when the state knows all."""
        began = datetime.now(UTC)
        lost = held.before or self.lost
        way = replace(self.way, refresh=self.way.refresh or lost is not None)

        def started(engine: int) -> None:
            with suppress(OSError):  # it only spares a command, where the engine's lock stays
                held.note(engine=engine)

        again = partial(go, way, started) if way.at_end else partial(go, way)
        report = again()
        if lost and report.ended and _is_dead(lost.engine, report.ended.said):
            self.stack.pulumi.run("cancel", "--yes", "--stack", self.stack.name)
            say("The lock of the run that was killed was removed.")
            report = again()
        # The lost run may have replaced what is declared as before again.
        refusals = report.run.remarks["error"] if lost and report.code else ()
        ids = in_the_way(refusals)
        if lost and ids and self._tidy(lost, job, asks=asks, among=ids):
            report = again()
        if report.code == 0:
            if lost is None or (not job.partial and self._tidy(lost, job, asks=asks)):
                held.clear()
        elif way.at_end and _did_something(report):
            report.unwritten = not self._wrote(began)
            if report.unwritten:
                with suppress(OSError):
                    held.note(made=_made(report))
            elif lost is None:
                held.clear()
        elif lost is None:
            held.clear()
        return report

    def _wrote(self, began: datetime) -> bool:
        """Tell whether the state was written since a moment."""
        try:
            written = self.stack.state(secrets=False).written
            return datetime.fromisoformat(_MICROSECONDS.sub(r"\1", written)) >= began
        except (FailureError, ValueError):
            return False

    def _tidy(
        self, lost: Note, job: Job, *, asks: bool, among: frozenset[str] | None = None
    ) -> bool:
        """Delete what lost runs made and nothing declares any more; True when nothing is left.

        Only what this machine knows to be theirs: other states may have the same tags.

        Args:
            lost: Their note.
            job: What is asked for now.
            asks: Somebody is asked before.
            among: Only these ids, by which a run was held up.
        """
        settings = settings_of(self.stack)
        with (
            platform(settings) as client,
            could_not("look for what the lost run made", base_url=settings.base_url),
        ):
            backend = Backend.read(self.stack.project)
            here = backend.stack(self.stack)
            state = backend.states[here] if here else self.stack.state(secrets=False)
            wanted = Wanted(stack_marker(self.stack, state), job.stack, None, backend.ids)
            history = History.at_home(os.environ, settings)
            found, ours = left(lost, wanted, client, history, among=among, shard=self.shard)
            # What else has a shard's tags may be what a sibling is at.
            if self.shard is None and len(ours) < len(found):
                others = ", ".join(one.id for one in found if one not in ours)
                say(STRAY.format(others, job.stack))
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


def _why_checkpoints(stack: Stack, state: State, job: Job, place: Place | None) -> str:
    """Return why the engine has to write its state at each step; nothing where it has not."""
    if state.others:
        return f"the stack holds other resources than instances: {', '.join(state.others)}"
    if job.command == "up" and (doubt := _doubt(stack.project)):
        return f"the program may declare other resources than instances: {doubt}"
    if place is None:
        return "there is no home folder for a note of the run: set PULUMI_HOME to one"
    return "" if can_lock() else "this system does not tell when a run was killed"


def _doubt(project: Project) -> str:
    if project.runtime == "yaml":
        return doubt_of_yaml(project.program)
    return doubt_of_program(project.main)


def in_the_way(refusals: Iterable[str]) -> frozenset[str]:
    """Return the ids of what refusals say that an earlier run left, with another element."""
    found = (_LEFT.search(text) for text in refusals)
    return frozenset(id_ for one in found if one for id_ in one["ids"].split(", "))


def _compared(stack: Stack, state: State) -> tuple[frozenset[str], bool]:
    """Return what carries the stack's tags and is not in its state, and whether a refresh is due.

    On another machine there is no note of a lost run: the platform's list tells what it made,
    deleted and renamed. Where it can't be asked, the run itself will say so.
    """
    try:
        with platform(settings_of(stack)) as client:
            marker = stack_marker(stack, state)
            listed = {one.id: one for one in client.find_instances(tag=marker)}
            home = client.address
    except (CloudElementsError, FailureError):
        return frozenset(), False
    stray = frozenset(id_ for id_, one in listed.items() if one.tags and id_ not in state.ids)
    return stray, bool(stray) or differs(state, listed, marker, home)


def differs(state: State, listed: Mapping[str, wire.Instance], marker: str, home: str) -> bool:
    """Tell whether what a state has is gone from the platform, or renamed there.

    Args:
        state: The state.
        listed: What carries the stack's marker, by id.
        marker: That marker.
        home: The platform's address.
    """
    made = [
        one
        for one in state.kept
        if one.markers[:1] == [marker]
        and one.platform in ("", home)
        and not one.borrowed
        and not (one.outputs.get("__record") or {}).get("adopted")
    ]
    return any(
        one.id not in listed or listed[one.id].name not in (None, one.outputs.get("name"))
        for one in made
    )


def _did_something(report: Report) -> bool:
    return any(not one.quiet for one in report.run.instances)


def _made(report: Report) -> dict[str, str]:
    """Return the ids of what a run made, by URN."""
    made = (one for one in report.run.instances if one.operation.startswith("create"))
    return {one.urn: one.id for one in made if one.id and not one.failed}


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
