"""Sending a change of an instance: what carries a credential reaches the vendor once at most.

A change is known by what the instance shows after it. Once the instance exists, a failure never
loses it: `HalfMadeError` keeps it in the state together with what was sent.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..api.errors import CloudElementsError, NotFoundError, OtherInstanceError, RefusedError
from ..api.retry import TABLE, Kind, Then
from . import reauthentication
from .advice import CORRECT, NEW_CODE, REPLACE, UP, advice
from .change import answered, with_codes
from .credentials import spent_by
from .host import HalfMadeError
from .journal import Fate
from .markers import MARKERS, credential_marker, is_credential_marker
from .recovery import waits
from .settling import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..api import wire
    from .change import Change
    from .context import Context
    from .desired import Desired


class _UntakenError(Exception):
    """A PATCH had no effect on how the instance is authenticated, and spent nothing.

    Args:
        marked: It may have left the tag of the code all the same.
    """

    def __init__(self, *, marked: bool) -> None:
        super().__init__()
        self.marked = marked


@dataclass(frozen=True, repr=False)
class _Attempt:
    """Sends a change once."""

    context: Context
    desired: Desired

    def _reserve(self, change: Change) -> None:
        """Write down the codes that are about to be sent.

        Raises:
            SpentError: One was sent before.
        """
        if change.codes:  # anything else may be sent again, so nobody has to know of it
            history, markers = self.context.history, self.desired.markers
            if sent := history.reserve(markers, change.codes, instance=change.before.id):
                raise spent_by(sent, markers)

    def _once(
        self, change: Change, request: Callable[..., wire.Instance], *, last: bool = False
    ) -> wire.Instance:
        """Send a change once; return the instance, also when its answer was lost.

        Raises:
            _UntakenError: Its credentials did not reach the vendor, so another way is left; not
                when this is the `last` one.
        """
        key, once = self.desired.inputs.element_key, bool(change.sends)
        try:
            instance = request(change.before.id, change.body, element_key=key, one_time=once)
        except CloudElementsError as error:
            if once and not last and reauthentication.refused_as_such(error):
                raise _UntakenError(marked=False) from None
            instance = self._found(change, error)
        if "providerData" not in change.body:
            return instance
        call = f"{'PUT' if last else 'PATCH'} /instances/{{id}}"
        verified = self._verified(change, instance, call)
        if verified is not None:
            return verified
        if not last:
            raise _UntakenError(marked=True)
        self._note(change, Fate.REFUSED)
        outputs = self.desired.outputs(instance.completed(change.before), change.record)
        message = (
            f"the platform took the new code of instance {instance.id} neither by PATCH nor by "
            f"PUT, as the token and the times that it shows are those of before: {REPLACE}"
        )
        raise HalfMadeError(instance.id, outputs, message)

    def _verified(self, change: Change, answered: wire.Instance, call: str) -> wire.Instance | None:
        """Return the instance after it was authenticated anew; None when it certainly was not.

        An answer is believed at once where it shows the tag of the code and another token. Where
        neither it nor the instance shows the tag, although this platform keeps such tags, somebody
        else answered, and the request counts as lost.
        """
        seen, took = change.seen or change.before, reauthentication.took_effect
        sent = _of_codes(change.body.get("tags"))
        fresh = sent - _of_codes(seen.tags)  # else an earlier PATCH left it, which tells nothing
        verdict_of_answer = took(seen, answered, change.body)
        if verdict_of_answer and fresh & _of_codes(answered.tags):
            return answered
        try:
            now = self._read(seen.id)
        except CloudElementsError:
            return answered
        verdict = took(seen, now, change.body)
        if verdict:
            return now
        arrived = not fresh or bool(fresh & _of_codes(now.tags))
        if verdict is False and (arrived or verdict_of_answer is False):
            return None
        if not arrived and _of_codes(seen.tags):
            lost = OtherInstanceError(call, f"instance {seen.id} does not show what was answered")
            return self._verified(change, self._found(change, lost), call)
        if reauthentication.shows_the_same_token(seen, now):
            self.context.host.warn(
                f"instance {seen.id} has the same token as before its new code; if calls through "
                f"it are refused, the platform did not take the code: {REPLACE}"
            )
        return answered

    def _found(self, change: Change, error: CloudElementsError) -> wire.Instance:
        """Return the instance when a change that failed took effect after all; else raise."""
        then = TABLE[error.outcome][Kind.ONE_TIME]
        if then is not Then.LOOK_UP_ONLY:
            self._note(change, Fate.VOID if then is Then.SEND_AGAIN else Fate.REFUSED)
        if change.sends and then is Then.LOOK_UP_ONLY:
            seen = change.seen or change.before
            wanted = set(credential_marker(change.record.spent)) - _of_codes(seen.tags)
            for _ in waits(self.context.settings.lookup_window, self.context.clock):
                try:
                    instance = self._read(seen.id)
                except CloudElementsError:
                    break
                took = reauthentication.took_effect(seen, instance, change.body)
                # A tag that was there before, left by a PATCH, tells nothing.
                if wanted & _of_codes(instance.tags) or (took and not wanted):
                    return instance
        sent = change.record.spent if change.sends and then is not Then.SEND_AGAIN else None
        raise self._failure(change, error, sent=sent) from None

    def _note(self, change: Change, fate: Fate) -> None:
        """Write down what came of the codes that a change carries."""
        if change.codes:
            history, markers = self.context.history, self.desired.markers
            history.note(markers, fate, codes=change.codes, instance=change.before.id)

    def _failure(
        self,
        change: Change,
        error: CloudElementsError,
        *,
        sent: Mapping[str, str] | None = None,
    ) -> CloudElementsError:
        """Return the error of a change that had no effect, which keeps the instance in the state.

        Args:
            change: The change.
            error: How it failed.
            sent: Fingerprints of the credentials that it would have left, when it carried some.
        """
        before, kept = change.before, change.kept
        new = self.context.claims.claim_of(before.id)
        if isinstance(error, NotFoundError) or not (sent or new):
            return error
        # Kept in the state with what was sent, so that no later run sends it again, and without
        # what did not arrive, so that the next run does send that.
        managed = kept.managed - set(change.body.get("configuration") or {})
        new_codes = dict((sent or {}).items() - kept.spent.items())
        past = with_codes(kept.past, new_codes)
        outputs = self.desired.outputs(before, replace(kept, managed=managed, past=past))
        outputs.pop(MARKERS, None)
        then = advice(error, base_url=self.context.settings.base_url) or CORRECT
        if past != kept.past:
            then = f"{NEW_CODE}, then {UP}"
            if not isinstance(error, RefusedError):
                then = f"its code counts as spent, so {then}"
        if reauthentication.is_no_such_method(error):
            then = REPLACE
        return HalfMadeError(before.id, outputs, f"{error}: {then}")

    def _read(self, instance_id: str) -> wire.Instance:
        """Return the instance as it is now."""
        key = self.desired.inputs.element_key
        return self.context.client.get_instance(instance_id, element_key=key)


def _of_codes(tags: Iterable[str] | None) -> set[str]:
    """Return which of an instance's tags are those of codes."""
    return set(filter(is_credential_marker, tags or []))


@dataclass(frozen=True, repr=False)
class Sender(_Attempt):
    """Sends changes of one instance."""

    def send(self, change: Change) -> dict[str, Any]:
        """Send what is to be sent; return the outputs."""
        instance, record = change.before, change.record
        again = record.refused and bool({"configuration", "providerData"} & change.body.keys())
        enable = again or bool(change.sends)
        if change.body:
            instance, body = self._sent(change)
            made = answered(instance, self.desired, body, record.answered)
            record = replace(record, answered=made, refused=record.refused and not again)
        claimed = self.context.claims.claim_of(change.before.id)
        enable = enable or bool(record.refused and claimed)
        return settle(self.context, self.desired, instance, record, enable=enable)

    def _sent(self, change: Change) -> tuple[wire.Instance, dict[str, Any]]:
        """Send a PATCH, or a PUT where that takes no code; return instance and body."""
        change = self._ready(change)
        client = self.context.client
        try:
            instance = self._once(change, client.update_instance)
        except _UntakenError as untaken:
            instance, change = self._by_put(change, marked=untaken.marked)
        self._note(change, Fate.MADE)
        written = (change.before.configuration or {}) | (change.body.get("configuration") or {})
        before = change.before.model_copy(update={"configuration": written})
        return instance.completed(before), change.body

    def _ready(self, change: Change) -> Change:
        """Return what is really to be sent, for which the instance is looked at, and enabled."""
        try:
            if change.sends:
                seen, done = self._authenticated(change)
                if done:
                    change = change.without_credentials()
                elif seen.disabled and self.desired.inputs.disabled is not True:
                    # docs: enabled again, then authenticated anew (automatic disabling, 2020-11).
                    self.context.client.set_enabled(seen.id, enabled=True)
                    before = change.before.model_copy(update={"disabled": False})
                    change = replace(change, before=before)
                change = replace(change, seen=seen)
            self._reserve(change)
        except RefusedError as error:
            raise self._failure(change, error, sent=change.record.spent) from None
        except CloudElementsError as error:
            raise self._failure(change, error) from None
        return change

    def _by_put(self, change: Change, *, marked: bool) -> tuple[wire.Instance, Change]:
        """Send the whole instance by PUT, after a PATCH whose credentials reached nobody.

        Args:
            change: The PATCH.
            marked: The PATCH may have left the tag of a code that it did not take.
        """
        former, patch = change.seen or change.before, change.body
        self._note(change, Fate.VOID)
        client = self.context.client
        try:
            change = self._as_put(change)
            return self._once(change, client.replace_instance, last=True), change
        except CloudElementsError:
            if marked:
                # The tag of a code that was not taken, which no later run is to believe.
                kept = filter(is_credential_marker, former.tags or [])
                own = [t for t in patch.get("tags", []) if not is_credential_marker(t)]
                with suppress(CloudElementsError):
                    client.update_instance(former.id, {"tags": [*own, *kept]})
            raise

    def _as_put(self, change: Change) -> Change:
        """Return a PATCH as the PUT that does the same, its codes written down."""
        try:
            seen = self._read(change.before.id)
            body = reauthentication.as_put(
                change.body,
                seen,
                element_key=self.desired.inputs.element_key,
                name=self.desired.inputs.name,
                configuration=self.desired.properties.configuration,
            )
            change = replace(change, seen=seen, body=body)
            self._reserve(change)
        except CloudElementsError as error:
            raise self._failure(change, error) from None
        return change

    def _authenticated(self, change: Change) -> tuple[wire.Instance, bool]:
        """Return the instance, and whether an interrupted run authenticated it anew already.

        Raises:
            SpentError: It sent the code, and the instance does not show it.
        """
        markers = self.desired.markers
        if markers is None:
            return self._read(change.before.id), False
        wanted = set(credential_marker(change.record.spent))
        history = self.context.history
        sent = history.spent(markers, change.codes)
        ours = sent is not None and sent.marker == markers.instance
        patience = history.at_work(sent) if sent and ours else 0.0
        for _ in waits(patience, self.context.clock):
            seen = self._read(change.before.id)
            if wanted & set(seen.tags or []):
                return seen, True
        if sent is not None:
            raise spent_by(sent, markers)
        return seen, False
