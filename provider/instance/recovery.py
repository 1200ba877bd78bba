"""Finding an instance of ours: by the list of the stack, by its marker, by what was remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..api.errors import (
    APIError,
    CloudElementsError,
    NotFoundError,
    RefusedError,
)
from .advice import UP
from .claims import carrying
from .diff import same_text
from .journal import Fate
from .state import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..api import wire
    from ..api.retry import Time
    from .context import Context
    from .desired import Desired
    from .journal import Entry
    from .markers import Markers

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0


def waits(patience: float, clock: Time) -> Iterable[None]:
    """Yield at once, then after longer and longer waits, until patience ends; once at least.

    Patience counts from the end of the first look, which may have had to hold back after a 429.
    """
    yield
    deadline = clock.now() + patience
    wait = _FIRST_WAIT
    while True:
        left = deadline - clock.now()
        if left <= 0:
            return
        clock.sleep(min(wait, left))
        wait = min(wait * 2, _LONGEST_WAIT)
        yield


@dataclass(frozen=True, repr=False)
class Search:
    """How the instance of one resource is looked for."""

    context: Context
    desired: Desired
    markers: Markers

    def single(self, candidates: list[wire.Instance]) -> wire.Instance | None:
        """Return the one candidate that fits, None when there is none.

        Raises:
            RefusedError: Several fit, or one carries the marker and is something else.
        """
        key, name = self.desired.inputs.element_key, self.desired.inputs.name
        fitting = [
            instance
            for instance in candidates
            if instance.is_of(key) and (instance.name is None or same_text(instance.name, name))
        ]
        if len(fitting) == 1:
            return fitting[0]
        ids = ", ".join(instance.id for instance in fitting or candidates)
        if fitting:
            message = (
                f"{len(fitting)} instances carry its marker and fit: {ids}; "
                f"set 'adopt' to the id to keep, delete the others, then {UP}"
            )
            raise RefusedError(message)
        if candidates:
            message = (
                f"an earlier run left instance {ids} with its marker, but another element or name; "
                f"set 'adopt' to the id to keep it, or delete it, then {UP}"
            )
            raise RefusedError(message)
        return None

    def now(self) -> wire.Instance | None:
        """Return the one free instance that carries the marker and fits."""
        return self._of(self.context.client.find_instances(tag=self.markers.instance))

    def _of(self, listed: list[wire.Instance]) -> wire.Instance | None:
        return self.single(self.context.claims.free(carrying(self.markers, listed)))

    def until(self, patience: float) -> wire.Instance | None:
        """Take the instance as soon as it shows, until patience ends: lists may lag."""
        for _ in waits(patience, self.context.clock):
            found = self.take(self.now())
            if found is not None:
                return found
        return None

    def take(self, listed: wire.Instance | None) -> wire.Instance | None:
        """Claim an instance from a list and read it whole; None when it is another's or gone.

        Raises:
            RefusedError: It is there and can't be read, or does not carry the marker after all.
        """
        if listed is None or not self.context.claims.claim(listed.id, Origin.RECOVERED):
            return None
        key = self.desired.inputs.element_key
        try:
            instance = self.context.client.get_instance(listed.id, element_key=key)
        except NotFoundError:
            return None
        except CloudElementsError as error:
            message = f"instance {listed.id} has its marker, but can't be read: {error}"
            raise RefusedError(message) from None
        if instance.tags is not None and self.markers.instance not in instance.tags:
            message = (
                f"instance {listed.id} was listed by its marker, but does not carry it: run pulumi "
                "up again"
            )
            raise RefusedError(message)
        return instance

    def earlier_than(self, created: wire.Instance) -> wire.Instance | None:
        """Return what an earlier POST of ours made after all, if one did.

        That can be told as soon as lists show the later one.
        """
        context = self.context
        first: wire.Instance | None = None
        for _ in waits(context.settings.lookup_window, context.clock):
            try:
                listed = context.client.find_instances(tag=self.markers.instance)
            except CloudElementsError:
                context.host.warn(
                    f"whether instance {created.id} is the only one of this resource can't be "
                    "told: a request for it was lost before, and the list failed; elements status "
                    "shows another"
                )
                return None
            first = self._of(listed)
            if first is not None or any(instance.id == created.id for instance in listed):
                break
        return self.take(first)

    def remembered(self, last: Entry) -> wire.Instance | None:
        """Return what this machine remembers to have made, or may have."""
        claims, client = self.context.claims, self.context.client
        if last.instance and not claims.owns(last.instance):
            try:
                made = [client.get_instance(last.instance)]
            except APIError as error:
                # The list was answered, so this is about the id alone.
                if not error.may_mean_gone:
                    raise
                return None
            return self.take(self._of([instance for instance in made if instance.tags]))
        if last.fate in (Fate.SENT, Fate.LOST) and not last.instance:
            self.context.host.progress("an earlier run was interrupted; looking for what it made")
            return self.until(self.context.history.at_work(last))
        return None
