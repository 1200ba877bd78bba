"""Bringing one element instance about: from what a program wishes to what the platform has.

`begin` is a create, `go_on` an update. Once the instance exists, a failure never loses it:
`HalfMadeError` keeps it in the state together with what was sent.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from provider.api import wire
from provider.api.errors import (
    CloudElementsError,
    NotFoundError,
    RefusedError,
    advice,
)
from provider.api.redaction import MASK
from provider.api.retry import TABLE, Kind, Then
from provider.instance import diff as comparison
from provider.instance import inputs as schema
from provider.instance import reauthentication
from provider.instance.creation import Search, Wish, asked, obtain, refuse_sent, refuse_spent, waits
from provider.instance.diff import Changes, Record
from provider.instance.history import Fate
from provider.instance.host import HalfMadeError
from provider.instance.markers import (
    MARKERS,
    Markers,
    credential_marker,
    is_credential_marker,
    is_stack_marker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from provider.instance.context import Context
    from provider.instance.inputs import Inputs

_CONFIGURATION = "configuration."
_GET_ONE = "get a new code"
_ANOTHER_ONE = "get another one, and replace the instance by pulumi up --replace with its URN"
_REPLAYED = "its code was sent before, and no code is sent twice"


@dataclass(frozen=True)
class _Change:
    """A request that changes an instance, and what follows from it.

    Args:
        before: The instance as it is known so far.
        body: The request's, a PATCH.
        record: What to remember when it worked.
        kept: What to remember when it never left.
        sends: Fingerprints of what it carries and can be spent once, by path.
        seen: The instance as the platform told it right before; None where nothing can be spent.
    """

    before: wire.Instance
    body: dict[str, Any]
    record: Record
    kept: Record
    sends: Mapping[str, str]
    seen: wire.Instance | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """Fingerprints of those that certainly can't be used twice."""
        return tuple(schema.codes_in(self.sends).values())


class _UntakenError(Exception):
    """A PATCH had no effect on how the instance is authenticated, and spent nothing.

    Args:
        marked: It may have left the tag of the code all the same.
    """

    def __init__(self, *, marked: bool) -> None:
        super().__init__()
        self.marked = marked


class Provisioning:
    """One create or update: what is wished for, and the platform to bring it about.

    Args:
        platform: The platform.
        inputs: Checked inputs, all known.
    """

    def __init__(self, platform: Context, inputs: Inputs) -> None:
        self.platform = platform
        self.client = platform.client
        self.inputs = inputs
        self.wished = comparison.wished(inputs)
        self.markers = Markers.of(inputs.markers)
        self.fresh = schema.fingerprints(inputs.one_time)

    def begin(self) -> tuple[str, dict[str, Any]]:
        """Return id and outputs of the instance, created or taken over."""
        if self.inputs.adopt:
            return self._adopt(self.inputs.adopt)
        wish = Wish(
            element_key=self.inputs.element_key,
            name=self.inputs.name,
            body=self._create_body(),
            markers=self.markers,
            one_time=bool(self.inputs.one_time),
            codes=tuple(schema.codes_in(self.fresh).values()),
        )
        search = Search(
            client=self.client,
            ledger=self.platform.ledger,
            window=self.platform.settings.lookup_window,
            clock=self.platform.clock,
            progress=self.platform.host.progress,
            warn=self.platform.host.warn,
        )
        found = obtain(wish, search)
        instance = found.instance
        if found.refusal is not None:
            record = self._record(instance, spent=self.fresh, refused=True)
            outputs = self._outputs(instance, record)
            message = (
                f"{found.refusal}, but left instance {instance.id} behind, which is kept "
                "in the state: correct the inputs, with a new code if one was sent, then run "
                "pulumi up"
            )
            raise HalfMadeError(instance.id, outputs, message)
        if found.created:
            if self.markers and instance.tags and self.markers.instance not in instance.tags:
                self.platform.host.warn(
                    f"the platform did not keep the marker tags of instance {instance.id}, so it "
                    "could not be found again if an answer were lost"
                )
            record = self._record(instance, spent=self.fresh)
            return instance.id, self._settle(instance, record)
        self.platform.host.warn(
            f"element instance {instance.id} was there already, made by a request whose answer was "
            "lost or by an interrupted run: taken over"
        )
        return instance.id, self._take_over(instance, adopted=False, sent=found.sent)

    def adoptee(self, adopt: str) -> wire.Instance:
        """Return the existing instance that the program asks for.

        Raises:
            RefusedError: There is none, or it can't be told which one.
        """
        # By the tag or name that was asked for, it may not be found a second time: a run that was
        # interrupted may have changed both.
        marker = self._adoption_marker
        listed = self.client.find_instances(tag=marker[0]) if marker and not adopt.isdigit() else []
        earlier = [one.id for one in listed if one.tags is None or marker[0] in one.tags]
        which = earlier[0] if len(earlier) == 1 else adopt
        return asked(which, self.client, self.inputs.element_key)

    def refuse_spent(self) -> None:
        """Refuse a code before a create: one that is spent, with nothing that waits to be taken.

        Raises:
            SpentError: A new code is needed.
        """
        refuse_spent(self.markers, schema.codes_in(self.fresh).values(), self.platform.ledger)

    def adopting(self, instance: wire.Instance) -> list[str]:
        """Return what taking over an existing instance does to it, in words."""
        done = []
        if instance.name is not None and not comparison.same_text(instance.name, self.inputs.name):
            done.append("renames it")
        tags = comparison.own_tags(instance, self.inputs.tags) or []
        if lost := [tag for tag in tags if tag not in self.inputs.tags]:
            done.append(f"takes its tags {', '.join(lost)} away")
        return done

    def _adopt(self, adopt: str) -> tuple[str, dict[str, Any]]:
        """Return id and outputs of the existing instance that the program asks for."""
        instance = self.adoptee(adopt)
        if not self.platform.ledger.claim(instance, asked=True):
            message = f"instance {instance.id} already belongs to a resource: correct 'adopt'"
            raise RefusedError(message)
        for tag in filter(is_stack_marker, instance.tags or []):
            if self.markers is None or tag != self.markers.stack:
                self.platform.host.warn(
                    f"instance {instance.id} was made by another stack (tag '{tag}'): where that "
                    "one still has it in its state, take it out there, by pulumi state delete"
                )
        # One that a create of ours made is no stranger: it goes when its resource goes.
        ours = self.markers is not None and self.markers.instance in (instance.tags or [])
        return instance.id, self._take_over(instance, adopted=not ours, sent=False)

    @property
    def _adoption_marker(self) -> list[str]:
        """Return the tag by which an adoption that was interrupted is found again.

        Adopted instances have no stack marker: whatever cleans up after a stack leaves them alone.
        """
        if self.markers is None or not self.inputs.adopt:
            return []
        return [self.markers.adoption(self.inputs.adopt)]

    def _create_body(self) -> dict[str, Any]:
        inputs = self.inputs
        return wire.instance_request(
            element_key=inputs.element_key,
            name=inputs.name,
            tags=self._tags(self.fresh),
            configuration=inputs.configuration,
            provider_data=self._provider_data(self.fresh),
            external_authentication=inputs.external_authentication,
            oauth_proxy=inputs.oauth_proxy,
        )

    def _tags(
        self, spent: Mapping[str, str], *, adopted: bool = False, adoption: str = ""
    ) -> list[str] | None:
        """Return the tags to send: the program's and our markers.

        Without either they are left out, so that the platform adds its own.

        Args:
            spent: Fingerprints of the credentials that authenticate it, by path.
            adopted: Whether the instance is an adopted one.
            adoption: The tag that it has got as one, for when the program tells of none.
        """
        ours: list[str] = []
        if self.markers:
            ours = self.markers.tags
            if adopted:
                ours = self._adoption_marker or list(filter(None, [adoption]))
            ours = [*ours, *credential_marker(spent)]
        return [*self.inputs.tags, *ours] or None

    def _provider_data(self, paths: Collection[str]) -> dict[str, Any]:
        """Return what hands in the credentials at `paths`; other codes are spent by now."""
        inputs = self.inputs
        code = {"code": inputs.code} if inputs.code and "code" in paths else {}
        others = {
            key: value
            for key, value in inputs.provider_data.items()
            if not schema.is_code(path := schema.credential_path(key)) or path in paths
        }
        return code | others

    def _authentication(self, paths: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return provider data and configuration that hand in the credentials at `paths`."""
        keys = {path.removeprefix(_CONFIGURATION) for path in paths}
        configuration = {
            key: value for key, value in self.inputs.configuration.items() if key in keys
        }
        return self._provider_data(paths) if len(paths) > len(configuration) else {}, configuration

    def _take_over(self, instance: wire.Instance, *, adopted: bool, sent: bool) -> dict[str, Any]:
        """Bring an instance that was there already to what is wished for; return the outputs.

        Credentials are sent only when they surely were not sent before: one that made the instance,
        or whose fate is unknown, never is.
        """
        carried = instance.tags or []
        known = credential_marker(self.fresh)
        if adopted:
            send = bool(self.fresh) and known[0] not in carried
        else:
            other = any(is_credential_marker(tag) for tag in carried)
            send = bool(self.fresh) and not sent and other and known[0] not in carried
        # A create of ours would have ended enabled; one that was refused may be left disabled.
        disabled = bool(instance.disabled) and not adopted
        record = Record(
            managed=frozenset(self.wished.configuration),
            spent=self.fresh,
            adopted=adopted,
            refused=disabled,
            taken=self.platform.ledger.taken(instance.id),
            platform=self.platform.address,
        )
        kept = replace(record, spent={}) if send else record
        provider_data, credentials = self._authentication(self.fresh if send else ())
        seen = comparison.view(instance, self.wished, Record(managed=record.managed))
        held = instance.held or {}
        differing = {
            key: value
            for key, value in self.wished.configuration.items()
            # A masked value may be any, so the one wished for is sent along, except to an instance
            # that this run created with it.
            if not wire.same_value(seen.configuration.get(key), value)
            or key not in held
            or (not sent and held[key] == MASK)
        }
        tags = self._tags(self.fresh, adopted=adopted)
        name = self.inputs.name if seen.name != self.inputs.name else None
        body = wire.instance_request(
            name=name,
            tags=tags if tags is not None and (name or set(tags) != set(carried)) else None,
            configuration=differing | credentials or None,
            provider_data=provider_data or None,
        )
        sends = self.fresh if send else {}
        return self._change(_Change(instance, body, record, kept, sends))

    def go_on(self, instance_id: str, olds: dict[str, Any]) -> dict[str, Any]:
        """Change the instance from what the state holds to what is wished for; return outputs."""
        changes = comparison.changes(olds, _with_alias(self.inputs))
        record, replayed = self._looked_after(instance_id, Record.of(olds), changes.replayed)
        outputs = self._go_on(instance_id, olds, record, changes)
        if replayed and not changes.credentials:
            # The rest is brought about all the same; only this must not pass for done.
            message = f"{_REPLAYED}: {_GET_ONE}, or take it out, then run pulumi up"
            raise HalfMadeError(instance_id, outputs, message)
        return outputs

    def _looked_after(
        self, instance_id: str, record: Record, replayed: Mapping[str, str]
    ) -> tuple[Record, bool]:
        """Return what is remembered, and whether credentials are given that failed or are old.

        A request that counted as lost may have taken effect after all: the instance shows it.
        """
        if not replayed:
            return record, False
        carried = set(self._read(instance_id).tags or [])
        effective = [
            sent
            for sent in record.past
            if set(replayed.values()) <= set(sent.values())
            and carried.intersection(credential_marker(sent))
        ]
        if not effective:
            return record, True
        past = tuple(sent for sent in record.past if sent not in effective)
        return replace(record, spent=effective[0], past=past), False

    def _go_on(
        self, instance_id: str, olds: dict[str, Any], old: Record, changes: Changes
    ) -> dict[str, Any]:
        """Bring about the changes; return the outputs.

        Args:
            instance_id: The instance.
            olds: The state's outputs.
            old: What is remembered of it.
            changes: What differs.
        """
        credentials = schema.fingerprints(changes.credentials)
        spent = {**old.spent, **credentials}
        body = self._update_body(changes, spent, old)
        here = self.platform.address
        record = replace(
            old, managed=frozenset(self.wished.configuration), spent=spent, platform=here
        )
        before = comparison.instance_of(instance_id, olds)
        if not body:
            # Nothing to send: either only our own bookkeeping changes, or an earlier attempt ended
            # half-way, and the engine asks for another one.
            instance = self._read(instance_id).completed(before)
            # What differs now is drift: no answer to anything that was written.
            outputs = self._settle(instance, record)
            moved = old.platform not in ("", here)  # which is what it was called for
            if (instance.valid is False or record.refused) and not (changes.any or moved):
                message = "it is still not valid: correct its inputs, or give a new code"
                raise HalfMadeError(instance_id, outputs, message)
            return outputs
        former = {path: old.spent[path] for path in credentials if path in old.spent}
        record = replace(record, past=_with_codes(old.past, former))
        kept = replace(record, spent=old.spent, past=old.past)
        return self._change(_Change(before, body, record, kept, credentials))

    def _update_body(
        self, changes: Changes, spent: Mapping[str, str], old: Record
    ) -> dict[str, Any]:
        configuration = dict(changes.configuration)
        provider_data, credentials = self._authentication(changes.credentials)
        configuration |= credentials
        configuration |= self._defaults(changes.removed)
        tags = None
        # A platform may keep the former name as a tag, or rewrite a tag that equals it.
        if changes.name or changes.tags or changes.markers or changes.credentials:
            tags = self._tags(spent, adopted=old.adopted, adoption=old.adoption) or []
        return wire.instance_request(
            name=self.inputs.name if changes.name else None,
            tags=tags,
            configuration=configuration or None,
            provider_data=provider_data or None,
        )

    def _defaults(self, removed: frozenset[str]) -> dict[str, str]:
        """Return the values that keys go back to when the program gives them no more."""
        if not removed:
            return {}
        try:
            element = self.platform.metadata.element(self.inputs.element_key)
        except CloudElementsError:
            element = None
        defaults = {key: element.default_of(key) if element else None for key in sorted(removed)}
        left = [key for key, default in defaults.items() if default is None]
        if left:
            self.platform.host.warn(
                f"{', '.join(left)}: no longer in the configuration, and no default is known, so "
                "the platform keeps the value; set it to what it should be"
            )
        return {key: default for key, default in defaults.items() if default is not None}

    def _change(self, change: _Change) -> dict[str, Any]:
        """Send what is to be sent; return the outputs."""
        instance, record = change.before, change.record
        again = record.refused and bool({"configuration", "providerData"} & change.body.keys())
        enable = again or bool(change.sends)
        if change.body:
            instance, body = self._sent(change)
            answered = _answered(instance, self.wished, body, record.answered)
            record = replace(record, answered=answered, refused=record.refused and not again)
        enable = enable or (record.refused and self.platform.ledger.adopted(change.before.id))
        return self._settle(instance, record, enable=enable)

    def _sent(self, change: _Change) -> tuple[wire.Instance, dict[str, Any]]:
        """Send a PATCH, or a PUT where that takes no code; return the instance, and what was sent.

        One-time credentials reach the vendor once at most.
        """
        change = self._ready(change)
        try:
            instance = self._tried(change, self.client.update_instance)
        except _UntakenError as untaken:
            instance, change = self._by_put(change, marked=untaken.marked)
        self._note(change, Fate.MADE)
        written = (change.before.configuration or {}) | (change.body.get("configuration") or {})
        before = change.before.model_copy(update={"configuration": written})
        return instance.completed(before), change.body

    def _ready(self, change: _Change) -> _Change:
        """Return what is really to be sent, for which the instance is looked at, and enabled."""
        try:
            if change.sends:
                seen, done = self._authenticated(change)
                if done:
                    body = _without_credentials(change.body, change.sends)
                    change = replace(change, body=body, sends={}, kept=change.record)
                elif seen.disabled and self.inputs.disabled is not True:
                    # docs: enabled again, then authenticated anew (automatic disabling, 2020-11).
                    self.client.set_enabled(seen.id, enabled=True)
                    before = change.before.model_copy(update={"disabled": False})
                    change = replace(change, before=before)
                change = replace(change, seen=seen)
            self._reserve(change)
        except RefusedError as error:
            raise self._failure(change, error, sent=change.record.spent) from None
        except CloudElementsError as error:
            raise self._failure(change, error) from None
        return change

    def _reserve(self, change: _Change) -> None:
        """Write down the codes that are about to be sent.

        Raises:
            SpentError: One was sent before.
        """
        if change.codes:  # anything else may be sent again, so nobody has to know of it
            journal = self.platform.ledger.journal
            sent = journal.reserve(self.markers, change.codes, instance=change.before.id)
            refuse_sent(sent, self.markers)

    def _tried(
        self, change: _Change, send: Callable[..., wire.Instance], *, last: bool = False
    ) -> wire.Instance:
        """Send a change once; return the instance, also when its answer was lost.

        Raises:
            _UntakenError: Its credentials did not reach the vendor, so another way is left; not
                when this is the `last` one.
        """
        key, once = self.inputs.element_key, bool(change.sends)
        try:
            instance = send(change.before.id, change.body, element_key=key, one_time=once)
        except CloudElementsError as error:
            if once and not last and reauthentication.refused_as_such(error):
                raise _UntakenError(marked=False) from None
            instance = self._found(change, error)
        if "providerData" in change.body and self._ignored(change, instance):
            if not last:
                raise _UntakenError(marked=True)
            self._note(change, Fate.REFUSED)
            outputs = self._outputs(instance.completed(change.before), change.record)
            message = (
                f"the platform took the new code of instance {instance.id} neither by PATCH nor by "
                f"PUT, as the token and the times that it shows are those of before: {_ANOTHER_ONE}"
            )
            raise HalfMadeError(instance.id, outputs, message)
        return instance

    def _ignored(self, change: _Change, answered: wire.Instance) -> bool:
        """Tell whether an instance certainly was not authenticated anew; warn of a doubt."""
        seen, took = change.seen or change.before, reauthentication.took_effect
        verdict = took(seen, answered, change.body)
        if not verdict:
            with suppress(CloudElementsError):
                answered = self._read(seen.id)
                verdict = took(seen, answered, change.body)
        if verdict is None and reauthentication.shows_the_same_token(seen, answered):
            self.platform.host.warn(
                f"instance {seen.id} has the same token as before its new code; if calls through "
                f"it are refused, the platform did not take the code: {_ANOTHER_ONE}"
            )
        return verdict is False

    def _by_put(self, change: _Change, *, marked: bool) -> tuple[wire.Instance, _Change]:
        """Send the whole instance by PUT, after a PATCH whose credentials reached nobody.

        Args:
            change: The PATCH.
            marked: The PATCH may have left the tag of a code that it did not take.
        """
        former, patch = change.seen or change.before, change.body
        self._note(change, Fate.VOID)
        try:
            try:
                seen = self._read(former.id)
                body = reauthentication.whole(
                    patch,
                    seen,
                    element_key=self.inputs.element_key,
                    name=self.inputs.name,
                    configuration=self.wished.configuration,
                )
                change = replace(change, seen=seen, body=body)
                self._reserve(change)
            except CloudElementsError as error:
                raise self._failure(change, error) from None
            return self._tried(change, self.client.replace_instance, last=True), change
        except CloudElementsError:
            if marked:
                # The tag of a code that was not taken, which no later run is to believe.
                kept = filter(is_credential_marker, former.tags or [])
                own = [t for t in patch.get("tags", []) if not is_credential_marker(t)]
                with suppress(CloudElementsError):
                    self.client.update_instance(former.id, {"tags": [*own, *kept]})
            raise

    def _authenticated(self, change: _Change) -> tuple[wire.Instance, bool]:
        """Return the instance, and whether an interrupted run authenticated it anew already.

        Raises:
            SpentError: It sent the code, and the instance does not show it.
        """
        if self.markers is None:
            return self._read(change.before.id), False
        clock = self.platform.clock
        wanted = set(credential_marker(change.record.spent))
        journal = self.platform.ledger.journal
        sent = journal.spent(self.markers, change.codes)
        ours = sent is not None and sent.marker == self.markers.instance
        patience = journal.at_work(sent) if sent and ours else 0.0
        for _ in waits(patience, clock):
            seen = self._read(change.before.id)
            if wanted & set(seen.tags or []):
                return seen, True
        refuse_sent(sent, self.markers)
        return seen, False

    def _found(self, change: _Change, error: CloudElementsError) -> wire.Instance:
        """Return the instance when a change that failed took effect after all; else raise."""
        then = TABLE[error.outcome][Kind.ONE_TIME]
        if then is not Then.LOOK_UP_ONLY:
            self._note(change, Fate.VOID if then is Then.SEND_AGAIN else Fate.REFUSED)
        if change.sends and then is Then.LOOK_UP_ONLY:
            seen = change.seen or change.before
            wanted = set(credential_marker(change.record.spent)) - set(seen.tags or [])
            for _ in waits(self.platform.settings.lookup_window, self.platform.clock):
                try:
                    instance = self._read(seen.id)
                except CloudElementsError:
                    break
                took = reauthentication.took_effect(seen, instance, change.body)
                # A tag that was there before, left by a PATCH, tells nothing.
                if wanted & set(instance.tags or []) or (took and not wanted):
                    return instance
        sent = change.record.spent if change.sends and then is not Then.SEND_AGAIN else None
        raise self._failure(change, error, sent=sent) from None

    def _note(self, change: _Change, fate: Fate) -> None:
        if change.codes:
            journal = self.platform.ledger.journal
            journal.note(self.markers, fate, codes=change.codes, instance=change.before.id)

    def _failure(
        self,
        change: _Change,
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
        new = self.platform.ledger.adopted(before.id)
        if isinstance(error, NotFoundError) or not (sent or new):
            return error
        # Kept in the state with what was sent, so that no later run sends it again, and without
        # what did not arrive, so that the next run does send that.
        managed = kept.managed - set(change.body.get("configuration") or {})
        new_codes = dict((sent or {}).items() - kept.spent.items())
        past = _with_codes(kept.past, new_codes)
        outputs = self._outputs(before, replace(kept, managed=managed, past=past))
        outputs.pop(MARKERS, None)
        then = (
            advice(error, base_url=self.platform.settings.base_url)
            or "correct the inputs, then run pulumi up"
        )
        if past != kept.past:
            then = f"{_GET_ONE}, then run pulumi up"
            if not isinstance(error, RefusedError):
                then = f"its code counts as spent, so {then}"
        if reauthentication.is_no_such_method(error):
            then = _ANOTHER_ONE
        return HalfMadeError(before.id, outputs, f"{error}: {then}")

    def _settle(
        self,
        instance: wire.Instance,
        record: Record,
        *,
        enable: bool = False,
    ) -> dict[str, Any]:
        """Enable or disable where that is wished for; return the outputs.

        Args:
            instance: The instance as it is.
            record: What to remember.
            enable: Enable it also when the program does not say.
        """
        wanted = False if enable and self.inputs.disabled is None else self.inputs.disabled
        if wanted is not None and wanted != bool(instance.disabled):
            try:
                self.client.set_enabled(instance.id, enabled=not wanted)
            except CloudElementsError as error:
                outputs = self._outputs(instance, record)
                verb = "disabling" if wanted else "enabling"
                message = f"{verb} instance {instance.id} failed: {error}: run pulumi up again"
                raise HalfMadeError(instance.id, outputs, message) from None
            instance = instance.model_copy(update={"disabled": wanted})
        self.platform.warn_when_invalid(instance, self.inputs.name)
        if instance.disabled and self.inputs.disabled is None:
            self.platform.warn_of_disabled(instance.id, self.inputs.name)
        return self._outputs(instance, record)

    def _read(self, instance_id: str) -> wire.Instance:
        return self.client.get_instance(instance_id, element_key=self.inputs.element_key)

    def _record(
        self, instance: wire.Instance, *, spent: dict[str, str], refused: bool = False
    ) -> Record:
        """Return what to remember of a create."""
        return Record(
            managed=frozenset(self.wished.configuration),
            spent=spent,
            answered=comparison.answered(instance, self.wished),
            refused=refused,
            platform=self.platform.address,
        )

    def _outputs(self, instance: wire.Instance, record: Record) -> dict[str, Any]:
        seen = comparison.view(instance, self.wished, record)
        return comparison.outputs(self.inputs, instance, seen, record)


def _answered(
    instance: wire.Instance,
    wished: comparison.View,
    body: Mapping[str, Any],
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the platform made of a PATCH; where nothing was written, it is drift."""
    wrote = {f"{_CONFIGURATION}{key}" for key in body.get("configuration") or {}} | set(body)
    now = comparison.answered(instance, wished)
    kept = {path: value for path, value in before.items() if path not in wrote}
    return kept | {path: value for path, value in now.items() if path in wrote}


def _with_codes(
    past: tuple[Mapping[str, str], ...], sent: Mapping[str, str]
) -> tuple[Mapping[str, str], ...]:
    """Return the codes sent so far with those in `sent`."""
    codes = schema.codes_in(sent)
    return (*past, codes) if codes else past


def _without_credentials(body: dict[str, Any], sends: Mapping[str, str]) -> dict[str, Any]:
    """Return a PATCH without what it carries that can be spent once."""
    configuration = {
        key: value
        for key, value in (body.get("configuration") or {}).items()
        if f"{_CONFIGURATION}{key}" not in sends
    }
    rest = {k: v for k, v in body.items() if k not in ("providerData", "configuration")}
    return rest | ({"configuration": configuration} if configuration else {})


def _with_alias(inputs: Inputs) -> dict[str, Any]:
    """Return inputs as a bag again, as the engine would give it."""
    return inputs.model_dump(by_alias=True, exclude_none=True)
