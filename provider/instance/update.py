"""An update, and a taking over: from what is there to what the program wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..api import wire
from ..api.errors import CloudElementsError
from ..api.redaction import MASK
from . import diff
from .advice import NEW_CODE, UP
from .change import Change, with_codes
from .credentials import already_sent, fingerprints
from .desired import Desired
from .host import HalfMadeError
from .markers import credential_marker, is_credential_marker
from .sending import Sender
from .settling import settle
from .state import Origin, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .context import Context
    from .diff import Changes
    from .inputs import Inputs, Properties
    from .state import Stored


def update(
    context: Context, inputs: Inputs, stored: Stored, *, renamed: bool = False
) -> dict[str, Any]:
    """Change an instance from what the state holds to what the program wants; return the outputs.

    Where the state has an old name of the provider (`renamed`), that alone may be the update.

    Raises:
        HalfMadeError: Not everything that is wanted came about.
    """
    changes = diff.changes(stored, inputs.model_dump(by_alias=True, exclude_none=True))
    if renamed and not (changes.any or stored.record.refused):
        context.warn_when_invalid(stored.instance, inputs.name)
        return stored.unchanged(context.address)
    return _Update(context, Desired.of(inputs), stored.instance, changes).run(stored.record)


@dataclass(frozen=True, repr=False)
class _Update:
    """An update of one instance, from what the state tells of it."""

    context: Context
    desired: Desired
    before: wire.Instance
    changes: Changes

    def run(self, old: Record) -> dict[str, Any]:
        """Bring about what is wanted; return the outputs."""
        record, replayed = self._caught_up(old)
        outputs = self._brought_about(record)
        if replayed and not self.changes.credentials:
            # The rest is brought about all the same; only this must not pass for done.
            message = f"{already_sent()}: {NEW_CODE}, or take it out, then {UP}"
            raise HalfMadeError(self.before.id, outputs, message)
        return outputs

    def _caught_up(self, record: Record) -> tuple[Record, bool]:
        """Return what is remembered, and whether credentials are given that failed or are old.

        A request that counted as lost may have taken effect after all: the instance shows it.
        """
        replayed = self.changes.replayed
        if not replayed:
            return record, False
        carried = set(self._read().tags or [])
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

    def _brought_about(self, old: Record) -> dict[str, Any]:
        credentials = fingerprints(self.changes.credentials)
        spent = {**old.spent, **credentials}
        body = self._patch(spent, old)
        here = self.context.address
        record = replace(old, managed=self.desired.managed, spent=spent, platform=here)
        if not body:
            return self._nothing_sent(record, moved=old.platform not in ("", here))
        former = {path: old.spent[path] for path in credentials if path in old.spent}
        record = replace(record, past=with_codes(old.past, former))
        kept = replace(record, spent=old.spent, past=old.past)
        change = Change(self.before, body, record, kept, credentials)
        return Sender(self.context, self.desired).send(change)

    def _nothing_sent(self, record: Record, *, moved: bool) -> dict[str, Any]:
        """Return the outputs where there is nothing to send.

        Either only our own bookkeeping changes, such as the address of a platform that moved, or
        an earlier attempt ended half-way, and the engine asks for another one.
        """
        instance = self._read().completed(self.before)
        # What differs now is drift: no answer to anything that was written.
        outputs = settle(self.context, self.desired, instance, record)
        if (instance.valid is False or record.refused) and not (self.changes.any or moved):
            message = "it is still not valid: correct its inputs, or give a new code"
            raise HalfMadeError(self.before.id, outputs, message)
        return outputs

    def _patch(self, spent: Mapping[str, str], old: Record) -> dict[str, Any]:
        """Return the PATCH that brings about the changes; empty where nothing is to be sent."""
        changes, desired = self.changes, self.desired
        provider_data, credentials = desired.authentication(changes.credentials)
        configuration = changes.configuration | credentials | self._defaults()
        tags = None
        # A platform may keep the former name as a tag, or rewrite a tag that equals it.
        if changes.name or changes.tags or changes.markers or changes.credentials:
            tags = (
                desired.tags(credential_marker(spent), adopted=old.adopted, adoption=old.adoption)
                or []
            )
        return wire.instance_request(
            name=desired.inputs.name if changes.name else None,
            tags=tags,
            configuration=configuration or None,
            provider_data=provider_data or None,
        )

    def _defaults(self) -> dict[str, str]:
        """Return the values that keys go back to when the program gives them no more."""
        removed = self.changes.removed
        if not removed:
            return {}
        try:
            element = self.context.metadata.element(self.desired.inputs.element_key)
        except CloudElementsError:
            element = None
        defaults = {key: element.default_of(key) if element else None for key in sorted(removed)}
        held = self.before.configuration or {}
        unset = {key for key, value in held.items() if wire.is_unset(value)}
        left = [k for k, default in defaults.items() if default is None and k not in unset]
        if left:
            self.context.host.warn(
                f"{', '.join(left)}: no longer in the configuration, and no default is known, so "
                "the platform keeps the value; set it to what it should be"
            )
        return {key: default for key, default in defaults.items() if default is not None}

    def _read(self) -> wire.Instance:
        key = self.desired.inputs.element_key
        return self.context.client.get_instance(self.before.id, element_key=key)


def take_over(
    context: Context, desired: Desired, instance: wire.Instance, origin: Origin, *, sent: bool
) -> dict[str, Any]:
    """Bring an instance that was there already to what the program wants; return the outputs.

    It was adopted, or recovered, and has what was in our own POST where that made it (`sent`).
    """
    sends = (
        desired.credentials.fingerprints
        if _may_authenticate(desired, instance, origin, sent)
        else {}
    )
    adopted = origin is Origin.ADOPTED
    record = Record(
        managed=desired.managed,
        spent=desired.credentials.fingerprints,
        origin=origin,
        # A create of ours would have ended enabled; one that was refused may be left disabled.
        refused=bool(instance.disabled) and not adopted,
        claim=context.claims.claim_of(instance.id),
        platform=context.address,
    )
    kept = replace(record, spent={}) if sends else record
    provider_data, credentials = desired.authentication(sends)
    tags = desired.tags(desired.credentials.marker, adopted=adopted)
    seen = diff.observed(instance, desired.properties, Record(managed=record.managed))
    name = desired.inputs.name if seen.name != desired.inputs.name else None
    body = wire.instance_request(
        name=name,
        tags=tags if tags is not None and (name or set(tags) != set(instance.tags or [])) else None,
        configuration=_differing(desired, instance, seen, sent=sent) | credentials or None,
        provider_data=provider_data or None,
    )
    return Sender(context, desired).send(Change(instance, body, record, kept, sends))


def _may_authenticate(
    desired: Desired,
    instance: wire.Instance,
    origin: Origin,
    sent: bool,  # noqa: FBT001
) -> bool:
    """Tell whether the credentials surely were not sent before.

    One that made the instance, or whose fate is unknown, never is sent.
    """
    if not desired.credentials.values or desired.credentials.shown_by(instance):
        return False
    if origin is Origin.ADOPTED:
        return True
    return not sent and any(map(is_credential_marker, instance.tags or []))


def _differing(
    desired: Desired, instance: wire.Instance, seen: Properties, *, sent: bool
) -> dict[str, Any]:
    """Return the configuration of which the instance has something else, or may have.

    A masked value may be any, so the one wanted is sent along, except to an instance that this run
    created with it.
    """
    held = instance.held or {}
    return {
        key: value
        for key, value in desired.properties.configuration.items()
        if not diff.same_setting(key, seen.configuration.get(key), value)
        or key not in held
        or (not sent and held[key] == MASK)
    }
