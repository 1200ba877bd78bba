"""A create: resolve, create or recover, settle.

However it ends, there is exactly one instance. The API has no idempotency key and names are not
unique (docs: none in any source, 2015-2023), so every instance carries marker tags, and before
anything is sent twice it is looked up by them.

1. What `adopt` names is taken over.
2. Once per process, one paged list by the stack marker finds what earlier runs left behind. Where
   it shows nothing, `provider.instance.history` may know more: an id, or a request still at work.
3. The instance is created with one POST; never with a code that was sent before.
4. When its answer was lost, garbled, a 429 or a 5xx, the instance is looked up by its own marker
   until the lookup window closes: one match that fits is taken, several are refused by their ids.
5. Nothing found: sent again only when no one-time credential was in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..api.errors import (
    APIError,
    CloudElementsError,
    Outcome,
    RateLimitError,
    RefusedError,
    TooLargeError,
)
from ..api.retry import TABLE, Kind, Then
from . import adoption, consent, diff
from .advice import CORRECT_OR_NEW_CODE, NEW_CODE, UP, UP_AGAIN, use
from .credentials import refuse_shown, spent_by
from .desired import Desired
from .host import HalfMadeError
from .journal import Fate
from .recovery import Search
from .settling import settle
from .state import Origin, Record
from .update import take_over

if TYPE_CHECKING:
    from ..api import wire
    from .context import Context
    from .inputs import Inputs

_SENDS = 4
"""How often a create without a one-time credential is sent at most."""
_PATIENCE_AFTER_REFUSAL = 5.0
"""Seconds to look after a 429: a refusal in all but name, so a shorter look will do."""


@dataclass(frozen=True)
class Found:
    """The instance of a resource, and how it came to be one."""

    instance: wire.Instance
    origin: Origin
    sent: bool
    """Our own POST was sent: its one-time credentials count as spent."""
    refusal: APIError | None = None
    """The platform refused the create, and left the instance behind all the same."""


def create(context: Context, inputs: Inputs) -> tuple[str, dict[str, Any]]:
    """Return id and outputs of a resource's one instance.

    Raises:
        CloudElementsError: There is none, or it can't be told which one it is.
        HalfMadeError: It is there, and something after that failed.
    """
    if context.homes:  # what `adopt` means would be a stranger's, and a code be lost
        home = min(context.homes)
        message = (
            f"other instances in the state belong to {home}, and this is {context.address}: "
            f"{use(home)}"
        )
        raise RefusedError(message)
    desired = Desired.of(inputs)
    with context.leftovers.noting(desired.markers):
        if inputs.adopt:
            return adoption.adopt(context, desired, inputs.adopt)
        found = obtain(context, desired)
        return found.instance.id, _settled(context, desired, found)


def obtain(context: Context, desired: Desired) -> Found:
    """Return the one instance of a resource: left by an earlier run, or created now.

    Raises:
        CloudElementsError: Nothing was created, or it can't be told which one is ours.
    """
    left = _left_over(context, desired)
    if left is not None:
        return Found(left, Origin.RECOVERED, sent=False)
    consent.wait(context, desired.inputs)
    return _Creation(context, desired).run()


def _left_over(context: Context, desired: Desired) -> wire.Instance | None:
    """Return what an earlier run left: by the list, else by what this machine remembers.

    Raises:
        SpentError: It left nothing, and another instance of the stack shows the same code.
    """
    markers = desired.markers
    if markers is None:
        return None
    before = context.claims.before_create(markers)
    if before.spared:
        context.host.warn(
            f"instance {before.spared} was in the state, so another one is made; if it was "
            f"forgotten there and is not being replaced, set 'adopt' to {before.spared} to keep it "
            "instead"
        )
    if before.free or before.last:
        search = Search(context, desired, markers)
        found = search.take(search.single(before.free))
        found = found or (search.remembered(before.last) if before.last else None)
        if found is not None:
            context.history.note(markers, Fate.MADE, instance=found.id)
            return found
    refuse_shown(desired.credentials, before.of_stack)
    return None


def _settled(context: Context, desired: Desired, found: Found) -> dict[str, Any]:
    """Bring what was found or made to what is wanted; return the outputs."""
    instance = found.instance
    if found.origin is Origin.RECOVERED and found.refusal is None:
        context.host.warn(
            f"element instance {instance.id} was there already, made by a request whose "
            "answer was lost or by an interrupted run: taken over"
        )
        return take_over(context, desired, instance, found.origin, sent=found.sent)
    record = Record(
        managed=frozenset(desired.properties.configuration),
        spent=desired.credentials.fingerprints,
        answered=diff.answered(instance, desired.properties),
        refused=found.refusal is not None,
        platform=context.address,
    )
    if found.refusal is not None:
        message = (
            f"{found.refusal}, but left instance {instance.id} behind, which is kept in the "
            f"state: {CORRECT_OR_NEW_CODE}"
        )
        raise HalfMadeError(instance.id, desired.outputs(instance, record), message)
    if desired.markers and instance.tags and desired.markers.instance not in instance.tags:
        context.host.warn(
            f"the platform did not keep the marker tags of instance {instance.id}, so it could not "
            "be found again if an answer were lost"
        )
    # It holds what was written; what the platform made of that is remembered as its answer.
    return settle(context, desired, instance, record, seen=desired.properties)


@dataclass(frozen=True, repr=False)
class _Creation:
    """One create, by the retry table: one POST, or more where nothing can be spent."""

    context: Context
    desired: Desired

    def run(self) -> Found:
        """Return the instance."""
        credentials, markers = self.desired.credentials, self.desired.markers
        kind = Kind.ONE_TIME if credentials.values else Kind.CREATE
        request, lost = self.desired.create_request(), None
        for _ in range(_SENDS):
            if sent := self.context.history.reserve(markers, credentials.codes):
                raise spent_by(sent, markers)
            try:
                created = self.context.client.create_instance(
                    request,
                    one_time=kind is Kind.ONE_TIME,
                    objection=self._objection,
                )
            except CloudElementsError as error:
                then = TABLE[error.outcome][kind]
                if then is Then.SEND_AGAIN:  # which the client did, and it never left
                    self._note(Fate.VOID)
                    raise
                if then is Then.FAIL:
                    return self._refused(error)
                lost = error
            else:
                return self._made(created, again=lost is not None)
            if markers is None:
                break
            found = self._look(lost)
            if found is not None:
                return self._recovered(found)
            if then is Then.LOOK_UP_ONLY:
                break
        assert lost is not None
        if lost.outcome is Outcome.VENDOR_ERROR:
            self._note(Fate.REFUSED)
        elif credentials.codes:
            self.context.history.give_up(markers, credentials.codes)
        raise self._lost(lost)

    def _objection(self, answer: wire.Instance) -> str | None:
        """Return why an answer to our POST is about another instance; else note that it is ours."""
        why = self._mismatch(answer) or self.context.claims.make(answer.id, self.desired.markers)
        return why and f"the answer is about instance {answer.id}, which {why}"

    def _mismatch(self, answer: wire.Instance) -> str | None:
        """Return why an answer to our POST can't be about what it made; None when it can.

        An answer need not tell of tags (docs: 48 of 69 don't, 2020-11), and a platform may cut them
        short; then element and name have to do.
        """
        given, markers = self.desired.inputs, self.desired.markers
        if not answer.is_of(given.element_key):
            return f"is of element '{answer.element.key}'"
        if markers is None or markers.instance in (answer.tags or []):
            return None
        named = answer.name is None or diff.is_cut_from(answer.name, given.name)
        if answer.tags is None:
            return None if named else "has another name"
        sent = self.desired.tags(self.desired.credentials.marker) or []
        cut = named and all(
            any(diff.is_cut_from(tag, wanted) for tag in answer.tags) for wanted in sent
        )
        return None if cut else "does not carry its marker"

    def _note(self, fate: Fate, instance: str = "") -> None:
        codes = self.desired.credentials.codes
        self.context.history.note(self.desired.markers, fate, codes=codes, instance=instance)

    def _recovered(self, instance: wire.Instance, refusal: APIError | None = None) -> Found:
        self._note(Fate.MADE, instance.id)
        return Found(instance, Origin.RECOVERED, sent=True, refusal=refusal)

    def _made(self, created: wire.Instance, *, again: bool) -> Found:
        """Return what our POST made, or an earlier one of ours whose answer was lost.

        Of two the later one is deleted, because nobody can be using it yet.
        """
        # Now, for the process may end while it looks for another one.
        self._note(Fate.MADE, created.id)
        markers = self.desired.markers
        search = Search(self.context, self.desired, markers) if markers and again else None
        first = search.earlier_than(created) if search else None
        if first is None:
            return Found(created, Origin.CREATED, sent=True)
        try:
            self.context.client.delete_instance(created.id)
        except CloudElementsError as error:
            message = (
                f"it was created twice, as {first.id} and as {created.id}, and deleting the second "
                f"failed: {error}: delete {created.id}, then {UP}"
            )
            raise RefusedError(message) from None
        return self._recovered(first)

    def _look(self, lost: CloudElementsError) -> wire.Instance | None:
        """Look for an instance whose answer was lost."""
        assert self.desired.markers is not None
        self.context.host.progress("the answer was lost; looking for the instance")
        patience = self.context.settings.lookup_window
        if isinstance(lost, RateLimitError):
            patience = min(patience, _PATIENCE_AFTER_REFUSAL)
        try:
            return Search(self.context, self.desired, self.desired.markers).until(patience)
        except RefusedError:
            raise
        except CloudElementsError as error:
            # Another machine knows nothing of what was sent.
            spends = bool(self.desired.credentials.values)
            here = " on this machine, or anywhere with a new code" if spends else ""
            message = f"{lost}; and looking for it failed: {error}: {UP_AGAIN}{here}"
            raise RefusedError(message) from None

    def _refused(self, error: CloudElementsError) -> Found:
        """Return the instance that a refused create left behind; raise the refusal if none.

        docs: whether that happens is unknown, so it is looked for.
        """
        assert isinstance(error, APIError)
        if not isinstance(error, TooLargeError):  # that one may be a gateway's, and late
            # Where the platform alone had a say, the code has not reached the element's vendor.
            own = error.outcome is Outcome.REFUSED and error.provider_message is None
            self._note(Fate.VOID if own else Fate.REFUSED)
        if self.desired.markers is None:
            raise error
        search = Search(self.context, self.desired, self.desired.markers)
        try:
            left = search.take(search.now())
        except RefusedError:
            raise
        except CloudElementsError:
            raise error from None
        if left is None:
            raise error
        return self._recovered(left, error)

    def _lost(self, error: CloudElementsError) -> CloudElementsError:
        """Return the error of a create whose instance never showed."""
        then = UP_AGAIN
        if self.desired.credentials.values:
            then = f"its code counts as spent, so {NEW_CODE}, then {then}"
        elif error.outcome is Outcome.VENDOR_ERROR:
            then = f"correct the inputs, then {then}"
        what = str(error).rstrip(".")
        return RefusedError(f"{what}, and no instance with its marker showed: {then}")
