"""Which instances belong to which resource, as far as this process knows."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import TYPE_CHECKING

from ..api.errors import AbandonedError, CloudElementsError, NotFoundError
from .history import History

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..api import wire
    from ..api.client import CloudElementsClient
    from .journal import Entry
    from .markers import Markers
    from .state import Origin

_LOOKS = 0.5
"""Seconds between two questions whether to go on, for who waits for what another asked for."""


@dataclass(frozen=True, repr=False)
class Before:
    """What is there before a resource's create.

    Args:
        of_stack: Whatever has the stack's marker, as it was before the first create.
        free: Those of it that are the resource's, and that no resource has.
        last: The last request for the resource of which this machine knows.
        spared: Id of the instance that the state had, which is being replaced; empty if none is.
    """

    of_stack: list[wire.Instance]
    free: list[wire.Instance]
    last: Entry | None
    spared: str


@dataclass
class Claims:
    """Which instances already belong to a resource, as far as this process knows.

    Shared by all threads of the process. It also holds the one list of what earlier runs left.
    """

    client: CloudElementsClient
    history: History = field(default_factory=History)
    proved: set[str] = field(default_factory=set)
    """Instances that are surely those that the state means."""
    kept: dict[str, str] = field(default_factory=dict)
    """Instances that their resource goes on having, as no replacement is planned, each with the
    mark of its claim in the record: the state may have it twice."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _owned: set[str] = field(default_factory=set)
    _claims: dict[str, tuple[Origin, str]] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)
    _meant: dict[str, str] = field(default_factory=dict)
    _lists: dict[str, Future[list[wire.Instance]]] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def seen_by(self, client: CloudElementsClient) -> Claims:
        """Return the same claims with lists of its own: of another account at the same address."""
        return replace(self, client=client, _lists={})

    def own(self, instance_id: str) -> None:
        """Note that a resource has this instance: no create may take it."""
        self._owned.add(instance_id)

    def make(self, instance_id: str, markers: Markers | None) -> str | None:
        """Note that a create of this process made an instance; return why it can't be so."""
        if markers is not None and self._was_there(markers, instance_id):
            return "was there before"
        with self._lock:
            new = instance_id not in self._owned
            self._owned.add(instance_id)
            self._made.add(instance_id)
        return None if new else "belongs to another resource"

    def is_new(self, instance_id: str) -> bool:
        """Tell whether a create of this process made the instance, or took it over."""
        return instance_id in self._made or instance_id in self._claims

    def claim(self, instance_id: str, origin: Origin) -> bool:
        """Take an instance that is there for a resource; False when another one has it."""
        with self._lock:
            if instance_id in self._owned:
                return False
            self._owned.add(instance_id)
            self._claims[instance_id] = (origin, token_hex(8))
            return True

    def meant_by(self, instance_id: str, marker: str) -> bool:
        """Note that a resource's `adopt` means this instance; False when another one's does."""
        with self._lock:
            return self._meant.setdefault(instance_id, marker) == marker

    def origin_of(self, instance_id: str) -> Origin | None:
        """Return how a create of this process claimed the instance; None where none did."""
        claim = self._claims.get(instance_id)
        return claim and claim[0]

    def claim_of(self, instance_id: str) -> str:
        """Return the mark of that claim, which is no other's; nothing where there was none."""
        return self._claims.get(instance_id, (None, ""))[1]

    def free(self, instances: Collection[wire.Instance]) -> list[wire.Instance]:
        """Return those that belong to no resource yet."""
        with self._lock:
            return [instance for instance in instances if instance.id not in self._owned]

    def owns(self, instance_id: str) -> bool:
        """Tell whether a resource has this instance."""
        return instance_id in self._owned

    def made(self, markers: Markers, instance_id: str) -> list[wire.Instance]:
        """Return the instances with the resource's marker.

        Args:
            markers: The resource's markers.
            instance_id: One that lists may not show yet; may be empty.
        """
        listed = self.client.find_instances(tag=markers.instance)
        if instance_id and all(instance.id != instance_id for instance in listed):
            with suppress(NotFoundError):
                listed.append(self.client.get_instance(instance_id))
        return carrying(markers, listed)

    def left(self, markers: Markers, instance_id: str) -> list[str]:
        """Return the ids of those of `made` that belong to no resource."""
        return [instance.id for instance in self.free(self.made(markers, instance_id))]

    def before_create(self, markers: Markers) -> Before:
        """Return what is there of a resource, by one list for all creates of the process.

        The instance that the state had is claimed, for a replacement that was asked for by hand: of
        that (`--replace`, `state taint`) the engine tells nothing, neither by diff nor by read.

        Raises:
            CloudElementsError: The list failed, for everyone who waited for it.
        """
        of_stack = self._listed(markers.stack, markers.stack)
        if any(instance.tags is None for instance in of_stack):  # a light list: ask for this one
            of_stack = self.client.find_instances(tag=markers.instance)
        last, kept = self.history.known(markers)
        listed, spared = carrying(markers, of_stack), ""
        if kept and not self.owns(kept):
            self.own(kept)
            spared = kept if any(instance.id == kept for instance in listed) else ""
        return Before(of_stack, self.free(listed), last, spared)

    def beside(self, markers: Markers, instance_id: str) -> list[str]:
        """Return the ids of others with the resource's marker, by one list for all resources.

        It is later than what the state tells of. Where it fails, or does not show tags, this is
        not told: a list for each resource would cost more than it is worth.
        """
        purpose = f"beside {markers.stack}"
        with self._lock:
            if purpose in self._failed:
                return []
        try:
            listed = self._listed(purpose, markers.stack)
        except CloudElementsError:
            with self._lock:
                self._failed.add(purpose)
            return []
        others = [instance for instance in listed if instance.id != instance_id and instance.tags]
        return [instance.id for instance in self.free(carrying(markers, others))]

    def listed(self, markers: Markers, instance_id: str) -> wire.Instance | None:
        """Return an instance with its tags, by one list of the stack for all deletes.

        None where the list does not show it, which says nothing.
        """
        try:
            listed = self._listed(f"deletes {markers.stack}", markers.stack)
        except CloudElementsError:
            return None
        return next(
            (instance for instance in listed if instance.id == instance_id and instance.tags), None
        )

    def _was_there(self, markers: Markers, instance_id: str) -> bool:
        """Tell whether the list of the stack has it, which is older than any create."""
        with self._lock:
            listing = self._lists.get(markers.stack)
        if listing is None or not listing.done():
            return False
        return any(instance.id == instance_id for instance in listing.result())

    def _listed(self, purpose: str, tag: str) -> list[wire.Instance]:
        """Return a list that is asked for once for all who have the same purpose.

        Raises:
            AbandonedError: The time of the call at hand is over: whoever asks, and who waits.
        """
        with self._lock:
            known = self._lists.get(purpose)
            listing = known or self._lists.setdefault(purpose, Future())
        if known is None:
            self._ask(listing, purpose, tag)
        while True:
            try:
                return listing.result(_LOOKS)
            except TimeoutError:
                self.client.go_on()
            except CancelledError:  # the time of whoever asked was over; if that is us, go_on tells
                self.client.go_on()
                return self._listed(purpose, tag)

    def _ask(self, listing: Future[list[wire.Instance]], purpose: str, tag: str) -> None:
        try:
            listing.set_result(self.client.find_instances(tag=tag))
        except BaseException as error:  # noqa: BLE001 - handed on to everyone who waits
            with self._lock:
                del self._lists[purpose]
            try:
                self.client.go_on()
            except AbandonedError:
                listing.cancel()
            else:
                listing.set_exception(error)


def carrying(markers: Markers, instances: Collection[wire.Instance]) -> list[wire.Instance]:
    """Return the instances with the resource's marker; one without tags was found by it."""
    return [
        instance
        for instance in instances
        if instance.tags is None or markers.instance in instance.tags
    ]
