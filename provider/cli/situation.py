"""What is known of a stack before a run of it, and how it is run because of that.

Where a run was lost on another machine there is no note of it here: the platform's list tells what
it made, deleted and renamed. Where it can't be asked, the run itself will say so.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..api.errors import CloudElementsError
from ..instance.runs import Note, Place, can_lock, home
from .backend import stack_marker
from .console import FailureError, say, shown
from .contents import doubt_of, is_other
from .project import platform, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..api import wire
    from .fleet import Fleet, Member
    from .play import Job, Report, Way
    from .project import Stack
    from .state import State

KEPT = "Pulumi writes its state at each step, because {}."


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
    def of(
        cls,
        stack: Stack,
        job: Job,
        state: State,
        way: Way,
        strays: Callable[[], tuple[frozenset[str], bool]],
        *,
        shard: int | None = None,
    ) -> Situation:
        """Look at the stack's program and at what earlier runs left.

        Args:
            stack: The stack.
            job: What is asked for.
            state: The stack's state.
            way: How it is run, as far as that does not depend on all this.
            strays: Returns what the platform has and no state, and whether a refresh is due.
            shard: Number of the shard that the stack is, if any.
        """
        folder = home(os.environ)
        place = Place(folder, stack.project_name, stack.last) if folder else None
        lost = place.left() if place else None
        kept = "" if job.checkpoints else _why_checkpoints(stack, state, job, place)
        at_end = not (kept or job.checkpoints)
        stray = frozenset[str]()
        if at_end and lost is None and job.command != "refresh":
            stray, is_due = strays()
            way = replace(way, refresh=is_due)
        refresh = lost is not None or way.refresh
        way = replace(way, at_end=at_end, refresh=refresh, expected=len(state.kept))
        return cls(stack, state, way, kept, place, lost, stray, shard)

    def remarks(self, job: Job) -> Iterator[str]:
        """Yield what is to be told before the run."""
        if self.kept and job.changes:
            yield KEPT.format(shown(self.kept))
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
        say(KEPT.format(shown(kept)))
        return replace(self, way=replace(way, at_end=False), kept=kept)


def _why_checkpoints(stack: Stack, state: State, job: Job, place: Place | None) -> str:
    """Return why the engine has to write its state at each step; nothing where it has not."""
    if state.others:
        return f"the stack holds other resources than instances: {', '.join(state.others)}"
    if job.command == "up" and (doubt := doubt_of(stack.project)):
        return f"the program may declare other resources than instances: {doubt}"
    if place is None:
        return "there is no home folder for a note of the run: set PULUMI_HOME to one"
    return "" if can_lock() else "this system does not tell when a run was killed"


def tell_of(strays: Iterable[str], stack: str | None) -> None:
    """Tell of these ids, where there are any."""
    if named := ", ".join(strays):
        say(
            f"Element instance {named} carries the stack's tags and is in no state: "
            f"'elements sweep --stack {stack}' shows what deletes it."
        )


@dataclass(frozen=True)
class _Listing:
    """What carries a stack's marker, and where."""

    marker: str
    home: str
    instances: Mapping[str, wire.Instance]

    @classmethod
    def of(cls, stack: Stack, state: State) -> _Listing | None:
        """Ask the platform; None where it can't be asked."""
        try:
            with platform(settings_of(stack)) as client:
                marker = stack_marker(stack, state)
                found = client.find_instances(tag=marker)
                return cls(marker, client.address, {one.id: one for one in found})
        except (CloudElementsError, FailureError):
            return None

    def strays(self, state: State) -> set[str]:
        """Return the ids of what is not in a state."""
        known = state.ids
        return {id_ for id_, one in self.instances.items() if one.tags and id_ not in known}

    def differs(self, state: State) -> bool:
        """Tell whether what a state has is gone from the platform, or renamed there."""
        made = [
            one
            for one in state.kept
            if one.markers[:1] == [self.marker]
            and one.platform in ("", self.home)
            and not one.borrowed
            and not (one.outputs.get("__record") or {}).get("adopted")
        ]
        listed = self.instances
        return any(
            one.id not in listed or listed[one.id].name not in (None, one.outputs.get("name"))
            for one in made
        )


def compared(stack: Stack, state: State) -> tuple[frozenset[str], bool]:
    """Return the ids of what is not in a stack's state, and whether a refresh is due."""
    listing = _Listing.of(stack, state)
    if listing is None:
        return frozenset(), False
    strays = frozenset(listing.strays(state))
    return strays, bool(strays) or listing.differs(state)


class Strays:
    """What carries the tags of a stack with shards and is in no state.

    Args:
        fleet: The shards.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.ids: set[str] = set()
        """Their ids, where the platform was asked."""

    @cached_property
    def _listing(self) -> _Listing | None:
        whole = self._fleet.whole
        found = _Listing.of(self._fleet.base, whole)
        self.ids = found.strays(whole) if found else set()
        return found

    def of(self, member: Member) -> tuple[frozenset[str], bool]:
        """Return what a shard made that is in no state, and whether its run begins with a refresh.

        What has a sibling's marker is the sibling's business; so may be what nobody declares.
        """
        fleet, listing = self._fleet, self._listing
        if listing is None:
            return frozenset(), False
        tags = {id_: listing.instances[id_].tags or [] for id_ in self.ids}
        shards = {id_: {fleet.tags.get(tag) for tag in tags[id_]} - {None} for id_ in tags}
        mine = frozenset(id_ for id_ in shards if member.shard.number in shards[id_])
        is_due = (
            bool(mine) or not all(shards.values()) or listing.differs(fleet.states[member.name])
        )
        return mine, is_due
