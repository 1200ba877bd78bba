"""What the state remembers of an instance, held against the platform and the program's wish.

Knows no HTTP; values are compared as the platform stores them, see `provider.api.wire`.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from pulumi.runtime.rpc import wrap_rpc_secret

from provider.api import wire
from provider.api.redaction import MASK, is_platform_written
from provider.instance.inputs import (
    MARKUP,
    Inputs,
    fields_with,
    fingerprints,
    is_code,
    is_credential,
    is_unknown,
    known_part,
)
from provider.instance.markers import MARKERS, is_adoption_marker, is_marker
from provider.instance.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD = "__record"
"""Output only for ourselves: see `Record`."""


@dataclass(frozen=True)
class Record:
    """What we must remember between runs and nobody needs to see.

    Args:
        managed: Configuration keys that the program gave.
        spent: Fingerprints of the one-time credentials that authenticated it last, by path.
        past: Codes that were sent, each set by path: refused, lost or followed by newer ones.
        answered: What the platform made of our own last write where it differs from what we
            wrote: `name`, `tags`, `configuration.<key>`. Such a difference is no drift.
        origin: How the instance came to the resource.
        refused: The platform refused to create it, and left it behind all the same.
        claim: A mark of the create that claimed it; empty when it was made by one.
        platform: Address of the platform that has it; empty in states of older versions.
        adoption: The marker tag of an instance that was adopted, whatever became of `adopt`.
    """

    managed: frozenset[str] = frozenset()
    spent: Mapping[str, str] = field(default_factory=dict)
    past: tuple[Mapping[str, str], ...] = ()
    answered: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = Origin.CREATED
    refused: bool = False
    claim: str = ""
    platform: str = ""
    adoption: str = ""

    @property
    def adopted(self) -> bool:
        """Whether the instance is the user's: it stays when its resource goes, unless asked."""
        return self.origin is Origin.ADOPTED

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> Record:
        """Return the record inside a resource's outputs; an empty one when there is none."""
        bag = outputs.get(RECORD)
        bag = bag if isinstance(bag, dict) else {}
        return cls(
            managed=frozenset(bag.get("managed") or ()),
            spent=dict(bag.get("spent") or {}),
            past=tuple(map(dict, bag.get("past") or ())),
            answered=dict(bag.get("answered") or {}),
            origin=_origin(bag),
            refused=bool(bag.get("refused")),
            claim=str(bag.get("taken") or ""),
            platform=str(bag.get("platform") or ""),
            adoption=str(bag.get("adoption") or ""),
        )

    def to_bag(self) -> dict[str, Any]:
        """Return it as a property; empty parts are left out."""
        answered = wrap_rpc_secret(dict(self.answered)) if self.answered else None
        parts = {
            "managed": sorted(self.managed),
            "spent": _hidden(self.spent),
            "past": [_hidden(one) for one in self.past],
            "answered": answered,
            "adopted": self.adopted,
            "refused": self.refused,
            "taken": self.claim,
            "platform": self.platform,
            "adoption": self.adoption,
        }
        return {key: value for key, value in parts.items() if value}


def _origin(bag: Mapping[str, Any]) -> Origin:
    """Return what a state tells by two words that are older than this one."""
    if bag.get("adopted"):
        return Origin.ADOPTED
    return Origin.RECOVERED if bag.get("taken") else Origin.CREATED


def _hidden(spent: Mapping[str, str]) -> dict[str, Any]:
    """Mark fingerprints of what a person may have chosen, such as a password: they can be guessed.

    A code is long and random, and its fingerprint tells nothing.
    """
    return {path: mark if is_code(path) else wrap_rpc_secret(mark) for path, mark in spent.items()}


@dataclass(frozen=True)
class View:
    """An instance in the shape of inputs: what the platform holds of what the program manages."""

    name: str
    tags: list[str]
    configuration: dict[str, Any]


def same_text(one: str, other: str) -> bool:
    """Tell whether two names or tags are the same once the platform stored them.

    docs: HTML is removed (vendor's own API tests, 2018-09); entities and outer white space are
    taken as unchanged.
    """
    return plain_text(one) == plain_text(other)


def plain_text(text: str) -> str:
    """Return a name or tag as the platform stores it."""
    return html.unescape(MARKUP.sub("", text)).strip()


def view(instance: wire.Instance, wished: View, record: Record) -> View:
    """Return what the platform holds, in the program's own words wherever it means the same.

    - A masked, missing or untold value counts as the one wished for: nothing can be said of it.
    - What the platform itself made of our last write is no drift.
    - Marker tags, and the tag that the platform adds by itself (the instance's name, docs: vendor's
      own API tests, 2018-09), are not the program's.
    """
    name = instance.name
    if name is None or same_text(name, wished.name) or name == record.answered.get("name"):
        name = wished.name
    tags = own_tags(instance, wished.tags)
    if (
        tags is None
        or {plain_text(tag) for tag in tags} == {plain_text(tag) for tag in wished.tags}
        or sorted(tags) == record.answered.get("tags")
    ):
        tags = wished.tags
    held = instance.held or {}
    return View(
        name=name,
        tags=tags,
        configuration={
            key: _seen(held, key, wished.configuration, record)
            for key in record.managed
            if key in held or key in wished.configuration
        },
    )


def own_tags(instance: wire.Instance, wished: list[str]) -> list[str] | None:
    """Return an instance's tags without ours and the platform's; None when they are not told."""
    if instance.tags is None:
        return None
    default = plain_text(instance.name or "")
    return [
        tag
        for tag in instance.tags
        if not is_marker(tag) and (plain_text(tag) != default or tag in wished)
    ]


def _seen(
    held: Mapping[str, str | None], key: str, wished: Mapping[str, Any], record: Record
) -> Any:
    if key not in held:
        return wished[key]
    value = held[key]
    if key in wished and (
        value == MASK
        or wire.same_value(value, wished[key])
        or (
            (path := f"configuration.{key}") in record.answered
            and wire.same_value(record.answered[path], value)
        )
    ):
        return wished[key]
    return value


def answered(instance: wire.Instance, wrote: View) -> dict[str, Any]:
    """Return where the platform's answer to our own write differs from what we wrote."""
    found: dict[str, Any] = {}
    if instance.name is not None and not same_text(instance.name, wrote.name):
        found["name"] = instance.name
    tags = own_tags(instance, wrote.tags)
    if tags is not None and {plain_text(t) for t in tags} != {plain_text(t) for t in wrote.tags}:
        found["tags"] = sorted(tags)
    for key, value in (instance.held or {}).items():
        wished = wrote.configuration.get(key)
        if wished is not None and value != MASK and not wire.same_value(value, wished):
            found[f"configuration.{key}"] = value
    return found


def instance_of(instance_id: str, bag: Mapping[str, Any]) -> wire.Instance:
    """Return an instance as a resource's outputs tell of it: what an answer may leave out."""
    return wire.Instance(
        id=instance_id,
        name=bag.get("name"),
        tags=bag.get("tags") or [],
        token=bag.get("element_token"),
        element=wire.ElementReference(key=bag.get("element_key")),
        configuration=bag.get("configuration"),
        disabled=bag.get("disabled"),
        valid=bag.get("valid"),
    )


def outputs(inputs: Inputs, instance: wire.Instance, seen: View, record: Record) -> dict[str, Any]:
    """Return a resource's outputs, secrets marked.

    Args:
        inputs: What the program gave, for the fields that the platform does not tell.
        instance: The platform's answer.
        seen: The managed part, see `view`.
        record: What to remember.
    """
    held = {
        key: value for key, value in (instance.held or {}).items() if not is_platform_written(key)
    }
    held |= {key: wire.stored(value) for key, value in seen.configuration.items()}
    if record.adopted:
        mark = next(filter(is_adoption_marker, instance.tags or []), record.adoption)
        record = replace(record, adoption=mark)
    bag: dict[str, Any] = {
        "element_key": inputs.element_key,
        "name": seen.name,
        "tags": seen.tags,
        "configuration": wrap_rpc_secret(held),
        "instance_id": instance.id,
        "element_token": wrap_rpc_secret(instance.token),
        "element_name": instance.element.name or inputs.element_key,
        "valid": instance.valid,
        "disabled": bool(instance.disabled),
        "delete_adopted": inputs.delete_adopted,
        MARKERS: inputs.markers,
        RECORD: record.to_bag(),
    }
    return {key: value for key, value in bag.items() if value is not None}


def view_of(outputs_bag: Mapping[str, Any]) -> View:
    """Return the managed part of outputs that are in the state."""
    record = Record.of(outputs_bag)
    held = cast("dict[str, Any]", outputs_bag.get("configuration") or {})
    return View(
        name=outputs_bag.get("name") or "",
        tags=list(outputs_bag.get("tags") or []),
        configuration={key: held[key] for key in record.managed if key in held},
    )


def wished(inputs: Inputs) -> View:
    """Return the managed part of what the program gave."""
    return View(inputs.name, inputs.tags, inputs.managed)


@dataclass(frozen=True)
class Changes:
    """What differs between the state and the program's wish."""

    replaces: list[str]
    name: bool
    tags: bool
    configuration: dict[str, Any]
    """Keys to set, with the values wished for; unknown values included."""
    removed: frozenset[str]
    """Keys that the program gave before and gives no more."""
    credentials: dict[str, str]
    """One-time credentials that were not sent before, by path."""
    replayed: dict[str, str]
    """Fingerprints of those that were sent before, and not last with success: never sent again."""
    disabled: bool
    markers: bool
    deletion: bool
    """Only what `delete` will do changes: nothing to tell the platform."""

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.replaces
            or self.name
            or self.tags
            or self.configuration
            or self.removed
            or self.credentials
            or self.replayed
            or self.disabled
            or self.markers
            or self.deletion
        )


def changes(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Changes:
    """Compare outputs in the state with a program's inputs, which may hold unknowns.

    An unknown value counts as changed.
    """
    record, before = Record.of(olds), view_of(olds)
    after = known_part(dict(news))
    inputs = Inputs.model_construct(
        **{
            name: after.get(field.alias or name, field.get_default(call_default_factory=True))
            for name, field in Inputs.model_fields.items()
        }
    )
    unknown = {key for key, value in news.items() if is_unknown(value)}
    configuration = news.get("configuration") or {}
    whole_unknown = not isinstance(configuration, dict)
    wanted: dict[str, Any] = {} if whole_unknown else configuration
    changed = {
        key: value
        for key, value in wanted.items()
        if not is_platform_written(key)
        and (
            is_unknown(value)
            or key not in before.configuration
            or not wire.same_value(before.configuration[key], value)
        )
    }
    if whole_unknown:
        changed["configuration"] = configuration
    given = {
        path: mark
        for path, mark in fingerprints(inputs.one_time).items()
        if record.spent.get(path) != mark
    }
    sent = {mark for one in record.past for mark in one.values()}
    return Changes(
        replaces=[
            name
            for name in fields_with(replaces=True)
            if name in unknown or olds.get(name) != after.get(name)
        ],
        name="name" in unknown or before.name != inputs.name,
        tags="tags" in unknown or set(before.tags) != set(inputs.tags or []),
        configuration=changed,
        removed=frozenset() if whole_unknown else record.managed - wanted.keys(),
        credentials={
            path: value
            for path, value in inputs.one_time.items()
            if path in given and given[path] not in sent
        }
        | {name: "" for name in ("code", "provider_data") if name in unknown}
        | {
            f"configuration.{key}": ""
            for key, value in wanted.items()
            if is_credential(key) and is_unknown(value)
        },
        replayed={path: mark for path, mark in given.items() if mark in sent},
        disabled="disabled" in unknown
        or (inputs.disabled is not None and inputs.disabled != bool(olds.get("disabled"))),
        markers=MARKERS in unknown
        or (bool(inputs.markers) and inputs.markers != olds.get(MARKERS)),
        deletion="delete_adopted" in unknown
        or bool(inputs.delete_adopted) != bool(olds.get("delete_adopted")),
    )
