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
from .credentials import refuse_shown
from .diff import is_cut_from, same_text
from .journal import Fate
from .origin import Origin

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


def fits(desired: Desired, instance: wire.Instance) -> bool:
    """Tell whether an instance can be the one that a create of ours made."""
    return instance.is_of(desired.inputs.element_key) and (
        instance.name is None or same_text(instance.name, desired.inputs.name)
    )


def objection(desired: Desired, answer: wire.Instance) -> str | None:
    """Return why an answer to our POST can't be about what it made; None when it can.

    An answer need not tell of tags (docs: 48 of 69 don't, 2020-11), and a platform may cut them
    short; then element and name have to do.
    """
    given, markers = desired.inputs, desired.markers
    if not answer.is_of(given.element_key):
        return f"is of element '{answer.element.key}'"
    named = answer.name is None or is_cut_from(answer.name, given.name)
    if markers is None or (answer.tags is None and named):
        return None
    if answer.tags is None:
        return "has another name"
    if markers.instance in answer.tags:
        return None
    sent = desired.tags(desired.credentials.fingerprints) or []
    cut = named and all(any(is_cut_from(tag, wanted) for tag in answer.tags) for wanted in sent)
    return None if cut else "does not carry its marker"


def single(desired: Desired, candidates: list[wire.Instance]) -> wire.Instance | None:
    """Return the one candidate that fits, None when there is none.

    Raises:
        RefusedError: Several fit, or one carries the marker and is something else.
    """
    fitting = [instance for instance in candidates if fits(desired, instance)]
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


@dataclass(frozen=True, repr=False)
class Search:
    """How the instance of one resource is looked for.

    Args:
        context: What the process works with.
        desired: What the program wants.
        markers: The resource's marker tags.
    """

    context: Context
    desired: Desired
    markers: Markers

    def now(self) -> wire.Instance | None:
        """Return the one free instance that carries the marker and fits."""
        listed = self.context.client.find_instances(tag=self.markers.instance)
        return self._free(carrying(self.markers, listed))

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

    def left_over(self) -> wire.Instance | None:
        """Return what an earlier run left: by the list, else by what this machine remembers.

        Raises:
            SpentError: It left nothing, and another instance of the stack shows the same code.
        """
        of_stack = self.context.claims.of_stack(self.markers)
        last, kept = self.context.history.known(self.markers)
        listed = carrying(self.markers, of_stack)
        self._spare_what_is_replaced(kept, listed)
        found = self.take(self._free(listed)) or (self._remembered(last) if last else None)
        if found is None:
            refuse_shown(self.desired.credentials, of_stack)
        return found

    def _free(self, candidates: list[wire.Instance]) -> wire.Instance | None:
        return single(self.desired, self.context.claims.free(candidates))

    def _spare_what_is_replaced(self, kept: str, listed: list[wire.Instance]) -> None:
        """Claim the instance that the state had, for a replacement that was asked for by hand.

        Of that (`--replace`, `state taint`) the engine tells nothing, neither by diff nor by read.
        """
        claims = self.context.claims
        if not kept or claims.owns(kept):
            return
        claims.own(kept)
        if any(instance.id == kept for instance in listed):
            self.context.host.warn(
                f"instance {kept} was in the state, so another one is made; if it was forgotten "
                f"there and is not being replaced, set 'adopt' to {kept} to keep it instead"
            )

    def _remembered(self, last: Entry) -> wire.Instance | None:
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
            made = [instance for instance in made if self.markers.instance in (instance.tags or [])]
            return self.take(self._free(made))
        if last.fate in (Fate.SENT, Fate.LOST) and not last.instance:
            self.context.host.progress("an earlier run was interrupted; looking for what it made")
            return self.until(claims.history.at_work(last))
        return None
