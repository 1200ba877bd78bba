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
from .advice import CORRECT_OR_NEW_CODE, NEW_CODE, UP, UP_AGAIN
from .claims import carrying
from .credentials import refuse_sent
from .desired import Desired
from .host import HalfMadeError
from .journal import Fate
from .origin import Origin
from .recovery import Search, objection, single, waits
from .settling import settle
from .state import Record
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
    desired = Desired.of(inputs)
    with context.leftovers.noting(desired.markers):
        if inputs.adopt:
            return adoption.adopt(context, desired, inputs.adopt)
        return _created(context, desired)


def _created(context: Context, desired: Desired) -> tuple[str, dict[str, Any]]:
    found = obtain(context, desired)
    if found.refusal is not None:
        raise _left_behind(context, desired, found)
    if found.origin is Origin.RECOVERED:
        context.host.warn(
            f"element instance {found.instance.id} was there already, made by a request whose "
            "answer was lost or by an interrupted run: taken over"
        )
        outputs = take_over(context, desired, found.instance, found.origin, sent=found.sent)
    else:
        _check_tags(context, desired, found.instance)
        outputs = settle(context, desired, found.instance, _record(context, desired, found))
    return found.instance.id, outputs


def obtain(context: Context, desired: Desired) -> Found:
    """Return the one instance of a resource: left by an earlier run, or created now.

    Raises:
        CloudElementsError: Nothing was created, or it can't be told which one is ours.
    """
    markers, history = desired.markers, context.history
    if markers is not None:
        left = Search(context, desired, markers).left_over()
        if left is not None:
            history.note(markers, Fate.MADE, instance=left.id)
            return Found(left, Origin.RECOVERED, sent=False)
    consent.wait(context, desired.inputs)
    found = _Creation(context, desired).run()
    if found.origin is Origin.RECOVERED:
        codes = desired.credentials.codes
        history.note(markers, Fate.MADE, codes=codes, instance=found.instance.id)
    return found


@dataclass(frozen=True, repr=False)
class _Creation:
    """One create, by the retry table: one POST, or more where nothing can be spent.

    Args:
        context: What the process works with.
        desired: What the program wants.
    """

    context: Context
    desired: Desired

    def run(self) -> Found:
        """Return the instance."""
        kind = Kind.ONE_TIME if self.desired.credentials else Kind.CREATE
        request, lost = self.desired.create_request(), None
        for _ in range(_SENDS):
            self._reserve()
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
            if self.desired.markers is None:
                break
            found = self._look(lost)
            if found is not None:
                return Found(found, Origin.RECOVERED, sent=True)
            if then is Then.LOOK_UP_ONLY:
                break
        assert lost is not None
        codes = self.desired.credentials.codes
        if lost.outcome is Outcome.VENDOR_ERROR:
            self._note(Fate.REFUSED)
        elif codes:
            self.context.history.give_up(self.desired.markers, codes)
        raise self._lost(lost)

    def _reserve(self) -> None:
        """Write down the codes that are about to be sent.

        Raises:
            SpentError: One was sent before.
        """
        markers, codes = self.desired.markers, self.desired.credentials.codes
        refuse_sent(self.context.history.reserve(markers, codes), markers)

    def _objection(self, answer: wire.Instance) -> str | None:
        """Return why an answer to our POST is about another instance; else note that it is ours."""
        why = objection(self.desired, answer)
        why = why or self.context.claims.make(answer.id, self.desired.markers)
        return why and f"the answer is about instance {answer.id}, which {why}"

    def _note(self, fate: Fate, instance: str = "") -> None:
        codes = self.desired.credentials.codes
        self.context.history.note(self.desired.markers, fate, codes=codes, instance=instance)

    def _made(self, created: wire.Instance, *, again: bool) -> Found:
        """Return what our POST made, or an earlier one of ours whose answer was lost."""
        # Now, for the process may end while it looks for another one.
        self._note(Fate.MADE, created.id)
        first = self._first(created) if again else None
        if first is None:
            return Found(created, Origin.CREATED, sent=True)
        return Found(first, Origin.RECOVERED, sent=True)

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
            spends = bool(self.desired.credentials)
            here = " on this machine, or anywhere with a new code" if spends else ""
            message = f"{lost}; and looking for it failed: {error}: {UP_AGAIN}{here}"
            raise RefusedError(message) from None

    def _first(self, created: wire.Instance) -> wire.Instance | None:
        """Return what an earlier POST of ours made after all; the later one is then deleted.

        The later one, because nobody can be using it yet. Whether there is an earlier one can be
        told as soon as lists show the later.
        """
        context, markers = self.context, self.desired.markers
        if markers is None:
            return None
        first: wire.Instance | None = None
        for _ in waits(context.settings.lookup_window, context.clock):
            try:
                listed = context.client.find_instances(tag=markers.instance)
            except CloudElementsError:
                self.context.host.warn(
                    f"whether instance {created.id} is the only one of this resource can't be "
                    "told: a request for it was lost before, and the list failed; elements status "
                    "shows another"
                )
                return None
            first = single(self.desired, context.claims.free(carrying(markers, listed)))
            if first is not None or any(instance.id == created.id for instance in listed):
                break
        first = Search(context, self.desired, markers).take(first)
        if first is not None:
            self._delete_second(created, first)
        return first

    def _delete_second(self, created: wire.Instance, first: wire.Instance) -> None:
        try:
            self.context.client.delete_instance(created.id)
        except CloudElementsError as error:
            message = (
                f"it was created twice, as {first.id} and as {created.id}, and deleting the second "
                f"failed: {error}: delete {created.id}, then {UP}"
            )
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
        return Found(left, Origin.RECOVERED, sent=True, refusal=error)

    def _lost(self, error: CloudElementsError) -> CloudElementsError:
        """Return the error of a create whose instance never showed."""
        then = UP_AGAIN
        if self.desired.credentials:
            then = f"its code counts as spent, so {NEW_CODE}, then {then}"
        elif error.outcome is Outcome.VENDOR_ERROR:
            then = f"correct the inputs, then {then}"
        what = str(error).rstrip(".")
        return RefusedError(f"{what}, and no instance with its marker showed: {then}")


def _record(context: Context, desired: Desired, found: Found, *, refused: bool = False) -> Record:
    """Return what to remember of a create."""
    return Record(
        managed=desired.managed,
        spent=desired.credentials.fingerprints,
        answered=diff.answered(found.instance, desired.properties),
        refused=refused,
        platform=context.address,
    )


def _left_behind(context: Context, desired: Desired, found: Found) -> HalfMadeError:
    """Return the refusal of a create that made an instance all the same: it is kept."""
    outputs = desired.outputs(found.instance, _record(context, desired, found, refused=True))
    message = (
        f"{found.refusal}, but left instance {found.instance.id} behind, which is kept in the "
        f"state: {CORRECT_OR_NEW_CODE}"
    )
    return HalfMadeError(found.instance.id, outputs, message)


def _check_tags(context: Context, desired: Desired, instance: wire.Instance) -> None:
    """Warn where the platform did not keep the marker tags."""
    if desired.markers and instance.tags and desired.markers.instance not in instance.tags:
        context.host.warn(
            f"the platform did not keep the marker tags of instance {instance.id}, so it could not "
            "be found again if an answer were lost"
        )
