"""What interrupted runs left of a stack, and what two runs at the same time made twice.

Such an instance has the stack's tags and is in no state. A create of its resource takes it over;
where nobody asks for that any more, somebody has to be told, and that is done here. The engine asks
a provider nothing at the end of a run, so it is done when the process ends.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..api.errors import CloudElementsError, NotFoundError
from .claims import carrying
from .journal import Fate
from .markers import Markers, names_stack, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..api.client import CloudElementsClient
    from ..api.retry import Time
    from .claims import Claims
    from .host import Host
    from .journal import Entry

_LAST_WORDS = 3.0
"""Seconds for the last list: the engine kills a provider that does not end within five."""


@dataclass
class Leftovers:
    """What is left of the stacks that this process has to do with.

    Args:
        client: The platform.
        claims: What the process knows.
        clock: The clock.
        host: The server.
        lost: Says when a run of a project's stack began that was killed before it wrote its state;
            None where there was none.
    """

    client: CloudElementsClient
    claims: Claims
    clock: Time
    host: Host
    lost: Callable[[str, str], str | None] = lambda _project, _stack: None
    _stacks: dict[str, str] = field(default_factory=dict)
    """Names of the stacks, by their marker."""
    _looked: set[tuple[str, str]] = field(default_factory=set)
    """Projects and stacks whose lost runs were asked for."""
    _declared: set[str] = field(default_factory=set)
    """Resources of the program, by their marker."""
    _created: dict[str, Markers] = field(default_factory=dict)
    _warned: set[str] = field(default_factory=set)
    _ends: dict[str, float] = field(default_factory=dict)
    """Until when there is something to wait for, by the marker of the stack."""
    _waiting: threading.Lock = field(default_factory=threading.Lock)

    def meet(self, markers: Markers | None) -> None:
        """Note that the call at hand is about a resource of this stack."""
        if markers is None or markers.stack in self._stacks or not (urn := self.host.urn()):
            return
        place = place_of(urn)
        self._tell_of_lost(**place)
        if names_stack(markers.stack, **place):  # else it was moved here, and tells of another
            self._stacks[markers.stack] = place["stack"]

    def _tell_of_lost(self, project: str, stack: str) -> None:
        """Say, once, that the state may not know what an earlier run did."""
        if (project, stack) in self._looked:
            return
        self._looked.add((project, stack))
        if moment := self.lost(project, stack):
            self.host.warn_once(
                f"a run of this stack began on {moment}, which was killed before it wrote its "
                "state; so the state may not know what it made, changed or deleted: run elements "
                f"up --stack {stack}, which begins with a refresh"
            )

    def declare(self, markers: Markers | None) -> None:
        """Note that the program has this resource, so that a create looks for what was left."""
        if markers is not None:
            self._declared.add(markers.instance)

    @contextmanager
    def noting(self, markers: Markers | None) -> Iterator[None]:
        """Note a create, and whether the engine heard of what it made."""
        if markers is None:
            yield
            return
        self.meet(markers)
        self._created[markers.instance] = markers
        try:
            yield
        finally:
            if not self.host.awaited():
                self._leave(markers)

    def abandon(self) -> None:
        """Write down what this process made, for without an engine the state may not have it."""
        for markers in [*self._created.values()]:
            self._leave(markers)

    def _leave(self, markers: Markers) -> None:
        history = self.claims.history
        last, kept = history.known(markers)
        if (
            last is not None
            and last.fate is Fate.MADE
            and not last.left
            and last.instance not in ("", kept)
        ):
            history.note(markers, Fate.MADE, instance=last.instance, left=True)

    def wait(self, markers: Markers | None) -> None:
        """Wait for what a killed run is making, until a minute after it asked for that at most.

        What a delete does not wait for would be made when nobody is there any more to be told.
        """
        if markers is None or not (at_most := self._at_work(markers.stack, again=False)):
            return
        # By a clock that is never set, for the other one may have been set back since.
        end = self._ends.setdefault(markers.stack, self.clock.now() + at_most)
        if self.clock.now() >= end:
            return
        self.host.progress("an earlier run was interrupted; waiting for what it is making")
        with self._waiting:  # one looks for all
            while self.clock.now() < end and (seconds := self._at_work(markers.stack, again=True)):
                self.clock.sleep(min(seconds, 1.0))

    def _at_work(self, stack: str, *, again: bool) -> float:
        """Return for how many seconds a request of a killed run may be at work."""
        history = self.claims.history
        sent = [entry for entry in self._loose(stack, again=again) if entry.fate is not Fate.MADE]
        return max(map(history.at_work, sent), default=0.0)

    def _loose(self, stack: str, *, again: bool) -> list[Entry]:
        """Return the entries about what no resource of this run has, or asks for."""
        known = self._declared | self._created.keys()
        return [
            entry
            for entry in self.claims.history.loose(stack, again=again)
            if entry.marker not in known and not self.claims.owns(entry.instance)
        ]

    def tell(self) -> None:
        """Say what was left, at the end of the process; asks the platform where there is any."""
        for stack in self._stacks:
            if self._loose(stack, again=False) and (left := self._left(stack)):
                self.host.warn_once(
                    f"an interrupted run also made element instance {', '.join(left)} of this "
                    "stack, which this run did not find in the state: pulumi up takes over what "
                    "the program declares; pulumi refresh --clear-pending-creates, then "
                    f"{self._sweep(stack)}, deletes the rest"
                )

    def _left(self, stack: str) -> list[str]:
        """Return the ids of what was left and not told of yet."""
        loose = self._loose(stack, again=True)
        try:
            listed = self.client.find_instances(tag=stack, within=_LAST_WORDS)
        except CloudElementsError:
            return [entry.instance for entry in loose if entry.instance]
        left: list[str] = []
        free = self.claims.free(listed)
        for entry in loose:
            ours = Markers(stack, entry.marker)
            marked = [i for i in carrying(ours, free) if i.tags or i.id == entry.instance]
            shown = [instance.id for instance in marked]
            if not shown and entry.instance and self._is_there(entry.instance):
                shown = [entry.instance]
            if not shown and (entry.instance or not self.claims.history.at_work(entry)):
                self.claims.history.note(ours, Fate.VOID, instance=entry.instance)
            left += shown
        return [i for i in dict.fromkeys(left) if i not in self._warned]

    def _is_there(self, instance_id: str) -> bool:
        """Tell whether there is such an instance, which lists may not show yet."""
        try:
            self.client.get_instance(instance_id)
        except NotFoundError:
            return False
        except CloudElementsError:
            return True  # for all that is known
        return True

    def tell_of_doubles(self, markers: Markers, instance_id: str) -> None:
        """Say which other instances carry a resource's marker, by one list for all resources."""
        others = self.claims.beside(markers, instance_id)
        if others:
            self.tell_of(others, markers)
            # From now on every run asks until it is gone.
            self.claims.history.note(markers, Fate.MADE, instance=others[0], left=True)

    def tell_of(self, ids: list[str], markers: Markers) -> None:
        """Say, once, which instances a resource has beside the one in the state."""
        new = [instance_id for instance_id in ids if instance_id not in self._warned]
        self._warned.update(new)
        if new:
            self.host.warn(
                f"an interrupted run, or another one at the same time, also made element instance "
                f"{', '.join(new)} for this resource, which is not the one in the state: unless "
                f"the state of another backend has it, {self._sweep(markers.stack)} deletes it"
            )

    def _sweep(self, stack: str) -> str:
        name = self._stacks.get(stack)
        return f"elements sweep --stack {name}" if name else f"elements sweep --marker {stack}"
