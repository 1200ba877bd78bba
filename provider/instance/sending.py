"""Sending a change of an instance: what carries a credential reaches the vendor once at most."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..api.errors import CloudElementsError, RefusedError
from . import reauthentication
from .attempt import Attempt, UntakenError
from .change import answered
from .credentials import spent_by
from .journal import Fate
from .markers import credential_marker, is_credential_marker
from .recovery import waits
from .settling import settle

if TYPE_CHECKING:
    from ..api import wire
    from .change import Change
    from .context import Context
    from .desired import Desired


@dataclass(frozen=True, repr=False)
class Sender:
    """Sends changes of one instance.

    Args:
        context: What the process works with.
        desired: What the program wants.
    """

    context: Context
    desired: Desired

    @property
    def _attempt(self) -> Attempt:
        return Attempt(self.context, self.desired)

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
            instance = self._attempt.send(change, client.update_instance)
        except UntakenError as untaken:
            instance, change = self._by_put(change, marked=untaken.marked)
        self._attempt.note(change, Fate.MADE)
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
            self._attempt.reserve(change)
        except RefusedError as error:
            raise self._attempt.failure(change, error, sent=change.record.spent) from None
        except CloudElementsError as error:
            raise self._attempt.failure(change, error) from None
        return change

    def _by_put(self, change: Change, *, marked: bool) -> tuple[wire.Instance, Change]:
        """Send the whole instance by PUT, after a PATCH whose credentials reached nobody.

        Args:
            change: The PATCH.
            marked: The PATCH may have left the tag of a code that it did not take.
        """
        former, patch = change.seen or change.before, change.body
        self._attempt.note(change, Fate.VOID)
        client = self.context.client
        try:
            change = self._as_put(change)
            return self._attempt.send(change, client.replace_instance, last=True), change
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
            seen = self._attempt.read(change.before.id)
            body = reauthentication.as_put(
                change.body,
                seen,
                element_key=self.desired.inputs.element_key,
                name=self.desired.inputs.name,
                configuration=self.desired.properties.configuration,
            )
            change = replace(change, seen=seen, body=body)
            self._attempt.reserve(change)
        except CloudElementsError as error:
            raise self._attempt.failure(change, error) from None
        return change

    def _authenticated(self, change: Change) -> tuple[wire.Instance, bool]:
        """Return the instance, and whether an interrupted run authenticated it anew already.

        Raises:
            SpentError: It sent the code, and the instance does not show it.
        """
        markers = self.desired.markers
        if markers is None:
            return self._attempt.read(change.before.id), False
        wanted = set(credential_marker(change.record.spent))
        history = self.context.history
        sent = history.spent(markers, change.codes)
        ours = sent is not None and sent.marker == markers.instance
        patience = history.at_work(sent) if sent and ours else 0.0
        for _ in waits(patience, self.context.clock):
            seen = self._attempt.read(change.before.id)
            if wanted & set(seen.tags or []):
                return seen, True
        if sent is not None:
            raise spent_by(sent, markers)
        return seen, False
