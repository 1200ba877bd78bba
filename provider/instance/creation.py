"""Find-or-create: how a create ends with exactly one instance, whatever is lost on the way.

The API has no idempotency key and names are not unique (docs: none in any source, 2015-2023), so
every instance carries marker tags, and before anything is sent twice it is looked up by them.

1. Once per process, one paged list by the stack marker finds what earlier runs left behind. Where
   it shows nothing, `provider.instance.history` may know more: an id, or a request still at work.
2. The instance is created with one POST; never with a code that was sent before.
3. When its answer was lost, garbled, a 429 or a 5xx, the instance is looked up by its own marker
   until the lookup window closes: one match that fits is taken, several are refused by their ids.
4. Nothing found: sent again only when no one-time credential was in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from provider.api.errors import (
    APIError,
    CloudElementsError,
    NotFoundError,
    Outcome,
    RateLimitError,
    RefusedError,
    SpentError,
    StrangerError,
    TooLargeError,
)
from provider.api.retry import TABLE, Kind, Then
from provider.instance.claims import Ledger, carrying
from provider.instance.diff import plain_text, same_text
from provider.instance.history import Entry, Fate, Journal
from provider.instance.markers import is_credential_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provider.api import wire
    from provider.api.client import CloudElementsClient
    from provider.api.retry import Time
    from provider.instance.markers import Markers

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0
_SENDS = 4
"""How often a create without a one-time credential is sent at most."""
_PATIENCE_AFTER_REFUSAL = 5.0
"""Seconds to look after a 429: a refusal in all but name, so a shorter look will do."""
_UNKNOWN_ID = frozenset({400, 401, 403, 404})
"""What the platform may say of an id that is gone (docs: not settled by any)."""


@dataclass(frozen=True)
class Wish:
    """What is to exist.

    Args:
        body: The create request, from `wire.instance_request`.
        markers: The resource's marker tags; None for one that has none.
        one_time: The body carries a credential that can be spent once.
        codes: Fingerprints of those credentials that certainly can't be used twice.
    """

    element_key: str
    name: str
    body: dict[str, Any]
    markers: Markers | None
    one_time: bool
    codes: tuple[str, ...] = ()

    def fits(self, instance: wire.Instance) -> bool:
        """Tell whether an instance can be the one that a create of ours made."""
        return instance.is_of(self.element_key) and (
            instance.name is None or same_text(instance.name, self.name)
        )

    def objection(self, answer: wire.Instance) -> str | None:
        """Return why an answer to our POST can't be about what it made; None when it can.

        An answer need not tell of tags (docs: 48 of 69 don't, 2020-11), and a platform may cut them
        short; then element and name have to do.
        """
        if not answer.is_of(self.element_key):
            return f"is of element '{answer.element.key}'"
        named = answer.name is None or _from(answer.name, self.name)
        if self.markers is None or (answer.tags is None and named):
            return None
        if answer.tags is None:
            return "has another name"
        sent = self.body.get("tags") or []
        cut = named and all(any(_from(tag, one) for tag in answer.tags) for one in sent)
        if self.markers.instance in answer.tags or cut:
            return None
        return "does not carry its marker"


def _from(told: str, sent: str) -> bool:
    """Tell whether the platform may have made one text of the other, cutting it short perhaps."""
    kept = plain_text(told).casefold()
    return bool(kept) and plain_text(sent).casefold().startswith(kept)


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


@dataclass(frozen=True)
class Search:
    """How an instance of ours is looked for.

    Args:
        client: The platform.
        ledger: What the process knows.
        window: Seconds to look for an instance whose answer was lost.
        clock: The clock.
        progress: Shows passing progress.
        warn: Shows a warning.
    """

    client: CloudElementsClient
    ledger: Ledger
    window: float
    clock: Time
    progress: Callable[[str], None]
    warn: Callable[[str], None]

    def now(self, wish: Wish) -> wire.Instance | None:
        """Return the one free instance that carries the wish's marker and fits."""
        assert wish.markers is not None
        listed = self.client.find_instances(tag=wish.markers.instance)
        return _only(wish, self.ledger.free(carrying(wish.markers, listed)))

    def until(self, wish: Wish, patience: float) -> wire.Instance | None:
        """Take the instance as soon as it shows, until patience ends: lists may lag."""
        for _ in waits(patience, self.clock):
            taken = self.take(wish, self.now(wish))
            if taken is not None:
                return taken
        return None

    def take(self, wish: Wish, listed: wire.Instance | None) -> wire.Instance | None:
        """Claim an instance from a list and read it whole; None when it is another's or gone.

        Raises:
            RefusedError: It is there and can't be read, or does not carry the marker after all.
        """
        if listed is None or not self.ledger.claim(listed):
            return None
        try:
            whole = self.client.get_instance(listed.id, element_key=wish.element_key)
        except NotFoundError:
            return None
        except CloudElementsError as error:
            message = f"instance {listed.id} has its marker, but can't be read: {error}"
            raise RefusedError(message) from None
        marker = wish.markers and wish.markers.instance
        if whole.tags is not None and marker not in whole.tags:
            message = (
                f"instance {listed.id} was listed by its marker, but does not carry it: run pulumi "
                "up again"
            )
            raise RefusedError(message)
        return whole


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


def obtain(wish: Wish, search: Search) -> Found:
    """Return the one instance of a resource: left by an earlier run, or created now.

    Raises:
        CloudElementsError: Nothing was created, or it can't be told which one is ours.
    """
    if wish.markers is not None:
        left = _left_over(wish, wish.markers, search)
        if left is not None:
            search.ledger.journal.note(wish.markers, Fate.MADE, instance=left.id)
            return Found(left, created=False, sent=False)
        if wish.codes:
            mark = filter(is_credential_marker, wish.body.get("tags") or [])
            refuse_shown([*mark], search.ledger.of_stack(wish.markers))
    found = _create(wish, search)
    if not found.created:
        journal = search.ledger.journal
        journal.note(wish.markers, Fate.MADE, codes=wish.codes, instance=found.instance.id)
    return found


def _left_over(wish: Wish, markers: Markers, search: Search) -> wire.Instance | None:
    """Return what an earlier run left: by the list, else by what this machine remembers."""
    listed = carrying(markers, search.ledger.of_stack(markers))
    kept = search.ledger.journal.kept(markers)
    if kept and not search.ledger.owns(kept):
        # A replacement that was asked for by hand (`--replace`, `state taint`): of that the engine
        # tells nothing, neither by diff nor by read.
        search.ledger.own(kept)
        if any(instance.id == kept for instance in listed):
            search.warn(
                f"instance {kept} was in the state, so another one is made; if it was forgotten "
                f"there and is not being replaced, set 'adopt' to {kept} to keep it instead"
            )
    left = search.take(wish, _only(wish, search.ledger.free(listed)))
    if left is not None:
        return left
    last = search.ledger.journal.last(markers)
    if last is not None and last.instance and not search.ledger.owns(last.instance):
        try:
            made = [search.client.get_instance(last.instance)]
        except APIError as error:
            # The list was answered, so this is about the id alone.
            if error.status not in _UNKNOWN_ID or isinstance(error, StrangerError):
                raise
            made = []
        made = [one for one in made if markers.instance in (one.tags or [])]
        left = search.take(wish, _only(wish, search.ledger.free(made)))
    elif last is not None and last.fate is Fate.SENT and not last.instance:
        search.progress("an earlier run was interrupted; looking for what it made")
        left = search.until(wish, search.ledger.journal.at_work(last))
    return left


def refuse_shown(mark: Iterable[str], instances: Iterable[wire.Instance]) -> None:
    """Refuse a code that an instance of the stack shows as its own.

    Args:
        mark: The code's tag, if there is one.
        instances: Those of the stack.

    Raises:
        SpentError: It was sent, by a run that this machine need not know of.
    """
    for instance in instances:
        if {*mark} & {*(instance.tags or [])}:
            message = f"its code was sent already, for instance {instance.id}, and never is again"
            raise SpentError(message)


def refuse_spent(markers: Markers | None, codes: Iterable[str], ledger: Ledger) -> None:
    """Refuse a code before a create: one that is spent, with nothing that waits to be taken over.

    Previews and `elements status` say by this what the create will; the platform is asked only
    where the journal knows of a request.

    Raises:
        SpentError: A new code is needed.
    """
    journal = ledger.journal
    sent = journal.spent(markers, codes)
    if sent is None or markers is None:
        return
    last, kept = journal.last(markers), journal.kept(markers)
    if last is not None and sent.marker == markers.instance:
        if kept and last.instance == kept and last.fate is Fate.MADE:
            message = (
                f"its code was sent already, for instance {kept} (if the state has forgotten that "
                f"one, set 'adopt' to {kept} to keep it)"
            )
            raise SpentError(message)
        if _may_be_there(last, markers, ledger):
            return
    refuse_sent(sent, markers)


def _may_be_there(last: Entry, markers: Markers, ledger: Ledger) -> bool:
    """Tell whether a create finds what an interrupted run made, or has to look for it."""
    if last.fate not in (Fate.SENT, Fate.MADE):
        return False
    if last.fate is Fate.SENT and not last.instance and ledger.journal.at_work(last):
        return True
    kept = ledger.journal.kept(markers)
    return any(one.id != kept for one in ledger.made(markers, last.instance))


def refuse_anew(markers: Markers | None, codes: Iterable[str], journal: Journal) -> None:
    """Refuse a code before an instance is authenticated with it: another resource's, or refused.

    One that this resource sent may have taken effect: the instance shows that.

    Raises:
        SpentError: A new code is needed.
    """
    sent = journal.spent(markers, codes)
    ours = sent is not None and markers is not None and sent.marker == markers.instance
    if not (sent and ours and sent.fate in (Fate.SENT, Fate.MADE)):
        refuse_sent(sent, markers)


def refuse_sent(sent: Entry | None, markers: Markers | None) -> None:
    """Refuse to send a code that was sent before.

    Args:
        sent: What the journal knows of that; None when it was not.
        markers: Those of the resource that has the code now.

    Raises:
        SpentError: It was sent.
    """
    if sent is None:
        return
    whose = " for another resource"
    if markers and sent.stack != markers.stack:
        whose = f" for another stack (tag '{sent.stack}')"
    elif markers and sent.marker == markers.instance:
        whose = ""
    message = f"its code was sent already{whose}, on {sent.moment}, and never is again"
    raise SpentError(message)


def _create(wish: Wish, search: Search) -> Found:
    """Create the instance by the retry table: one POST, or more where nothing can be spent."""
    journal = search.ledger.journal
    kind = Kind.ONE_TIME if wish.one_time else Kind.CREATE
    lost: CloudElementsError | None = None
    for _ in range(_SENDS):
        refuse_sent(journal.reserve(wish.markers, wish.codes), wish.markers)
        try:
            created = search.client.create_instance(
                wish.body, one_time=wish.one_time, objection=partial(_objection, wish, search)
            )
        except CloudElementsError as error:
            then = TABLE[error.outcome][kind]
            if then is Then.SEND_AGAIN:  # which the client did, and it never left
                journal.note(wish.markers, Fate.VOID, codes=wish.codes)
                raise
            if then is Then.FAIL:
                return _refused(wish, error, search)
            lost = error
        else:
            # Now, for the process may end while it looks for another one.
            journal.note(wish.markers, Fate.MADE, codes=wish.codes, instance=created.id)
            first = _first(wish, created, search) if lost is not None else None
            return Found(first or created, created=first is None, sent=True)
        if wish.markers is None:
            break
        search.progress("the answer was lost; looking for the instance")
        found = _look(wish, lost, search)
        if found is not None:
            return Found(found, created=False, sent=True)
        if then is Then.LOOK_UP_ONLY:
            break
    assert lost is not None
    if lost.outcome is Outcome.VENDOR_ERROR:
        journal.note(wish.markers, Fate.REFUSED, codes=wish.codes)
    raise _lost(wish, lost)


def _objection(wish: Wish, search: Search, answer: wire.Instance) -> str | None:
    """Return why an answer to our POST is about another instance; else note that it is ours."""
    why = wish.objection(answer)
    if why is None and wish.markers and search.ledger.was_there(wish.markers, answer.id):
        why = "was there before"
    if why is None and not search.ledger.make(answer.id):
        why = "belongs to another resource"
    return why and f"the answer is about instance {answer.id}, which {why}"


def _look(wish: Wish, lost: CloudElementsError, search: Search) -> wire.Instance | None:
    """Look for an instance whose answer was lost."""
    patience = search.window
    if isinstance(lost, RateLimitError):
        patience = min(patience, _PATIENCE_AFTER_REFUSAL)
    try:
        return search.until(wish, patience)
    except RefusedError:
        raise
    except CloudElementsError as error:
        # Another machine knows nothing of what was sent.
        here = " on this machine, or anywhere with a new code" if wish.one_time else ""
        message = f"{lost}; and looking for it failed: {error}: run pulumi up again{here}"
        raise RefusedError(message) from None


def _first(wish: Wish, created: wire.Instance, search: Search) -> wire.Instance | None:
    """Return what an earlier POST of ours made after all; ours, the later one, is then deleted.

    The later one, because nobody can be using it yet. Whether there is an earlier one can be told
    as soon as lists show the later.
    """
    if wish.markers is None:
        return None
    first: wire.Instance | None = None
    for _ in waits(search.window, search.clock):
        try:
            listed = search.client.find_instances(tag=wish.markers.instance)
        except CloudElementsError:
            search.warn(
                f"whether instance {created.id} is the only one of this resource can't be told: a "
                "request for it was lost before, and the list failed; elements status shows another"
            )
            return None
        first = _only(wish, search.ledger.free(carrying(wish.markers, listed)))
        if first is not None or any(one.id == created.id for one in listed):
            break
    first = search.take(wish, first)
    if first is None:
        return None
    try:
        search.client.delete_instance(created.id)
    except CloudElementsError as error:
        message = (
            f"it was created twice, as {first.id} and as {created.id}, and deleting the second "
            f"failed: {error}: delete {created.id}, then run pulumi up"
        )
        raise RefusedError(message) from None
    return first


def _refused(wish: Wish, error: CloudElementsError, search: Search) -> Found:
    """Return the instance that a refused create left behind; raise the refusal when there is none.

    docs: whether that happens is unknown, so it is looked for.
    """
    assert isinstance(error, APIError)
    if not isinstance(error, TooLargeError):  # that one may be a gateway's, and late
        # Where the platform alone had a say, the code has not reached the element's vendor.
        own = error.outcome is Outcome.REFUSED and error.provider_message is None
        fate = Fate.VOID if own else Fate.REFUSED
        search.ledger.journal.note(wish.markers, fate, codes=wish.codes)
    if wish.markers is None:
        raise error
    try:
        left = search.take(wish, search.now(wish))
    except RefusedError:
        raise
    except CloudElementsError:
        raise error from None
    if left is None:
        raise error
    return Found(left, created=False, sent=True, refusal=error)


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
            f"set 'adopt' to the id to keep, delete the others, then run pulumi up"
        )
        raise RefusedError(message)
    if candidates:
        message = (
            f"an earlier run left instance {ids} with its marker, but another element or name; "
            "set 'adopt' to the id to keep it, or delete it, then run pulumi up"
        )
        raise RefusedError(message)
    return None


def _lost(wish: Wish, error: CloudElementsError) -> CloudElementsError:
    """Return the error of a create whose instance never showed."""
    if wish.one_time:
        then = "its code counts as spent, so get a new code, then run pulumi up again"
    elif error.outcome is Outcome.VENDOR_ERROR:
        then = "correct the inputs, then run pulumi up again"
    else:
        then = "run pulumi up again"
    return RefusedError(f"{str(error).rstrip('.')}, and no instance with its marker showed: {then}")


_OR_CREATE = "correct 'adopt', or leave it out to create an instance"


def asked(adopt: str, client: CloudElementsClient, element_key: str) -> wire.Instance:
    """Return the instance that `adopt` names: an id, `tag:<tag>` or `name:<name>`.

    Raises:
        RefusedError: There is none, there are several, or it is another element's.
    """
    if adopt.isdigit():
        try:
            instance = client.get_instance(adopt)
        except NotFoundError:
            message = f"there is no instance {adopt} to adopt: {_OR_CREATE}"
            raise RefusedError(message) from None
    else:
        by, _, text = adopt.partition(":")
        if by == "tag":
            found = [one for one in client.find_instances(tag=text) if text in (one.tags or [text])]
        else:
            found = [one for one in client.find_instances(search=text) if one.name == text]
        found = [one for one in found if one.is_of(element_key)]
        if len(found) != 1:
            ids = ", ".join(one.id for one in found)
            then = f"{ids}; set 'adopt' to the id of the right one" if found else _OR_CREATE
            count = len(found) or "no"
            message = f"{count} instances of '{element_key}' have the {by} '{text}': {then}"
            raise RefusedError(message)
        instance = client.get_instance(found[0].id)
    if not instance.is_of(element_key):
        key = instance.element.key
        message = f"instance {instance.id} is of element '{key}', not '{element_key}': {_OR_CREATE}"
        raise RefusedError(message)
    return instance
