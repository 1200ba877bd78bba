"""Find-or-create: how a create ends with exactly one instance, whatever is lost on the way.

The API has no idempotency key and names are not unique (docs: none in any source, 2015-2023), so
every instance carries marker tags, and before anything is sent twice it is looked up by them.

1. Once per process, one paged list by the stack marker finds what earlier runs left behind.
2. The instance is created with one POST.
3. When its answer was lost, garbled, a 429 or a 5xx, the instance is looked up by its own marker
   until the lookup window closes: one match that fits is taken, several are refused by their ids.
4. Nothing found: sent again only when no one-time credential was in it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provider.errors import (
    AmbiguousError,
    APIError,
    CloudElementsError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    RefusedError,
)
from provider.retry import SERVER_ERRORS
from provider.schema import same_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from provider import wire
    from provider.client import CloudElementsClient
    from provider.markers import Markers
    from provider.retry import Time

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0
_SENDS = 4
"""How often a create without a one-time credential is sent at most."""


@dataclass(frozen=True)
class Wish:
    """What is to exist.

    Args:
        body: The create request, from `wire.instance_request`.
        markers: The resource's marker tags; None for one that has none.
        one_time: The body carries a credential that can be spent once.
    """

    element_key: str
    name: str
    body: dict[str, Any]
    markers: Markers | None
    one_time: bool

    def fits(self, instance: wire.Instance) -> bool:
        """Tell whether an instance can be the one that a create of ours made."""
        key = instance.element.key
        return (key is None or key == self.element_key) and (
            instance.name is None or same_text(instance.name, self.name)
        )


@dataclass(frozen=True)
class Found:
    """The instance of a resource, and how it came to be one."""

    instance: wire.Instance
    created: bool
    """Our own POST made it, as its answer says."""
    sent: bool
    """Our own POST was sent: its one-time credentials count as spent."""
    refusal: APIError | None = None
    """The platform refused the create, and left the instance behind all the same."""


@dataclass
class Ledger:
    """Which instances already belong to a resource, as far as this process knows.

    Shared by all threads of the process. It also holds the one list of leftovers.
    """

    client: CloudElementsClient
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _owned: set[str] = field(default_factory=set)
    _adopted: set[str] = field(default_factory=set)
    _leftovers: dict[str, list[wire.Instance]] = field(default_factory=dict)

    def own(self, instance_id: str) -> None:
        """Note that a resource has this instance: no create may take it."""
        with self._lock:
            self._owned.add(instance_id)

    def claim(self, instance: wire.Instance) -> bool:
        """Take an instance for a resource; False when another one has it."""
        with self._lock:
            if instance.id in self._owned:
                return False
            self._owned.add(instance.id)
            self._adopted.add(instance.id)
            return True

    def adopted(self, instance_id: str) -> bool:
        """Tell whether a create of this process took the instance over."""
        with self._lock:
            return instance_id in self._adopted

    def free(self, instances: Collection[wire.Instance]) -> list[wire.Instance]:
        """Return those that belong to no resource yet."""
        with self._lock:
            return [instance for instance in instances if instance.id not in self._owned]

    def leftovers(self, markers: Markers) -> list[wire.Instance]:
        """Return what the stack's marker finds for this resource, by one list for all of them."""
        with self._lock:
            if markers.stack not in self._leftovers:
                self._leftovers[markers.stack] = self.client.find_instances(tag=markers.stack)
            listed = self._leftovers[markers.stack]
        if any(instance.tags is None for instance in listed):  # a light list: ask for this one
            listed = self.client.find_instances(tag=markers.instance)
        return self.free(_carrying(markers, listed))


def _carrying(markers: Markers, instances: Collection[wire.Instance]) -> list[wire.Instance]:
    """Return the instances with the resource's marker; one without tags was found by it."""
    return [one for one in instances if one.tags is None or markers.instance in one.tags]


def obtain(
    wish: Wish,
    *,
    client: CloudElementsClient,
    ledger: Ledger,
    window: float,
    clock: Time,
    progress: Callable[[str], None],
) -> Found:
    """Return the one instance of a resource: left by an earlier run, or created now.

    Args:
        wish: What is to exist.
        client: The platform.
        ledger: What the process knows.
        window: Seconds to look for an instance whose answer was lost.
        clock: The clock.
        progress: Shows passing progress.

    Raises:
        CloudElementsError: Nothing was created, or it can't be told which one is ours.
    """
    left = _only(wish, ledger.leftovers(wish.markers)) if wish.markers else None
    if left is not None and ledger.claim(left):
        return Found(client.get_instance(left.id), created=False, sent=False)
    lost: CloudElementsError | None = None
    for _ in range(_SENDS):
        try:
            created = client.create_instance(wish.body, one_time=wish.one_time)
        except NotSentError:
            raise
        except (AmbiguousError, RateLimitError) as error:
            lost = error
        except APIError as error:
            if error.status not in SERVER_ERRORS:
                return _left_behind(wish, error, client, ledger)
            lost = error
        else:
            return _created(wish, created, client, ledger, again=lost is not None)
        progress("the answer was lost; looking for the instance")
        # A 429 is a refusal in all but name, so one look will do.
        patience = 0.0 if isinstance(lost, RateLimitError) else window
        try:
            found = _look(wish, client, ledger, patience, clock)
        except RefusedError:
            raise
        except CloudElementsError as error:
            message = f"{lost}; and looking for it failed: {error}"
            raise RefusedError(message) from None
        if found is not None:
            return Found(found, created=False, sent=True)
        if wish.one_time or wish.markers is None:
            break
    assert lost is not None
    raise _lost(wish, lost, window)


def _created(
    wish: Wish,
    created: wire.Instance,
    client: CloudElementsClient,
    ledger: Ledger,
    *,
    again: bool,
) -> Found:
    """Return what our POST made, unless an earlier POST of ours turns out to have worked as well.

    Then the later one, which nobody can be using yet, is deleted.
    """
    ledger.own(created.id)
    if again and wish.markers:
        first = _only(wish, ledger.free(_find(wish.markers, client)))
        if first is not None and ledger.claim(first):
            client.delete_instance(created.id)
            return Found(client.get_instance(first.id), created=False, sent=True)
    return Found(created, created=True, sent=True)


def _left_behind(wish: Wish, error: APIError, client: CloudElementsClient, ledger: Ledger) -> Found:
    """Return the instance that a refused create left behind; raise the refusal when there is none.

    docs: whether that happens is unknown, so it is looked for.
    """
    if wish.markers is None:
        raise error
    try:
        left = _only(wish, ledger.free(_find(wish.markers, client)))
    except RefusedError:
        raise
    except CloudElementsError:
        raise error from None
    if left is None or not ledger.claim(left):
        raise error
    return Found(client.get_instance(left.id), created=False, sent=True, refusal=error)


def _look(
    wish: Wish, client: CloudElementsClient, ledger: Ledger, patience: float, clock: Time
) -> wire.Instance | None:
    """Look for the instance until it shows or patience ends: lists may lag behind creates."""
    if wish.markers is None:
        return None
    deadline = clock.now() + patience
    wait = _FIRST_WAIT
    while True:
        found = _only(wish, ledger.free(_find(wish.markers, client)))
        if found is not None and ledger.claim(found):
            return client.get_instance(found.id)
        if clock.now() + wait > deadline:
            return None
        clock.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


def _find(markers: Markers, client: CloudElementsClient) -> list[wire.Instance]:
    return _carrying(markers, client.find_instances(tag=markers.instance))


def _only(wish: Wish, candidates: list[wire.Instance]) -> wire.Instance | None:
    """Return the one candidate that fits, None when there is none.

    Raises:
        RefusedError: Several fit, or one carries the marker and is something else.
    """
    fitting = [instance for instance in candidates if wish.fits(instance)]
    if len(fitting) == 1:
        return fitting[0]
    ids = ", ".join(instance.id for instance in fitting or candidates)
    if fitting:
        message = (
            f"{len(fitting)} instances carry its marker and fit: {ids}; "
            f"set 'adopt' to the id to keep, and delete the others"
        )
        raise RefusedError(message)
    if candidates:
        message = (
            f"an earlier run left instance {ids} with its marker, but another element or name; "
            "set 'adopt' to the id to keep it, or delete it"
        )
        raise RefusedError(message)
    return None


def _lost(wish: Wish, error: CloudElementsError, window: float) -> CloudElementsError:
    """Return the error of a create whose instance never showed."""
    if isinstance(error, RateLimitError):
        searched = "and nothing was created"
    else:
        searched = f"and no instance with its marker appeared within {window:g} s"
    credential = "; its code counts as spent, so get a new one" if wish.one_time else ""
    return RefusedError(f"{str(error).rstrip('.')}, {searched}{credential}; then run pulumi up")


def asked(adopt: str, client: CloudElementsClient, element_key: str) -> wire.Instance:
    """Return the instance that `adopt` names: an id, `tag:<tag>` or `name:<name>`.

    Raises:
        RefusedError: There is none, there are several, or it is another element's.
    """
    if adopt.isdigit():
        try:
            instance = client.get_instance(adopt)
        except NotFoundError:
            message = f"there is no instance {adopt} to adopt"
            raise RefusedError(message) from None
    else:
        by, _, text = adopt.partition(":")
        if by == "tag":
            found = [one for one in client.find_instances(tag=text) if text in (one.tags or [text])]
        else:
            found = [one for one in client.find_instances(search=text) if one.name == text]
        found = [one for one in found if one.element.key in (None, element_key)]
        if len(found) != 1:
            ids = f": {', '.join(one.id for one in found)}; give the id" if found else ""
            message = f"{len(found) or 'no'} instances of '{element_key}' have the {by} '{text}'"
            raise RefusedError(message + ids)
        instance = client.get_instance(found[0].id)
    if instance.element.key not in (None, element_key):
        key = instance.element.key
        message = f"instance {instance.id} is of element '{key}', not '{element_key}'"
        raise RefusedError(message)
    return instance
