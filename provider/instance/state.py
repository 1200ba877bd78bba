"""What the state remembers of an instance: outputs that users see, and a record that they don't.

Outputs are read and written here alone; those of older versions too. Knows no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pulumi.runtime.rpc import wrap_rpc_secret

from ..api import wire
from ..api.redaction import without_platform_written
from .credentials import is_code
from .inputs import Properties
from .markers import MARKERS, Markers, is_adoption_marker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .inputs import Inputs


class Origin(Enum):
    """How an instance came to its resource; the state remembers it."""

    CREATED = "created"
    """A create of the resource made it."""
    RECOVERED = "recovered"
    """So did one whose answer was lost, or an earlier run."""
    ADOPTED = "adopted"
    """It was there before, and the program asked for it by `adopt`."""


RECORD = "__record"
"""Output only for ourselves: see `Record`."""


@dataclass(frozen=True, repr=False)
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
        kept = outputs.get(RECORD)
        kept = kept if isinstance(kept, dict) else {}
        return cls(
            managed=frozenset(kept.get("managed") or ()),
            spent=dict(kept.get("spent") or {}),
            past=tuple(map(dict, kept.get("past") or ())),
            answered=dict(kept.get("answered") or {}),
            origin=_origin(kept),
            refused=bool(kept.get("refused")),
            claim=str(kept.get("taken") or ""),
            platform=str(kept.get("platform") or ""),
            adoption=str(kept.get("adoption") or ""),
        )

    def to_property(self) -> dict[str, Any]:
        """Return it as a property; empty parts are left out."""
        answered = wrap_rpc_secret(dict(self.answered)) if self.answered else None
        parts = {
            "managed": sorted(self.managed),
            "spent": _hidden(self.spent),
            "past": [_hidden(codes) for codes in self.past],
            "answered": answered,
            "adopted": self.adopted,
            "refused": self.refused,
            "taken": self.claim,
            "platform": self.platform,
            "adoption": self.adoption,
        }
        return {key: value for key, value in parts.items() if value}


def _origin(record: Mapping[str, Any]) -> Origin:
    """Return what a state tells by two words that are older than this one."""
    if record.get("adopted"):
        return Origin.ADOPTED
    return Origin.RECOVERED if record.get("taken") else Origin.CREATED


def _hidden(spent: Mapping[str, str]) -> dict[str, Any]:
    """Mark fingerprints of what a person may have chosen, such as a password: they can be guessed.

    A code is long and random, and its fingerprint tells nothing.
    """
    return {path: mark if is_code(path) else wrap_rpc_secret(mark) for path, mark in spent.items()}


@dataclass(frozen=True, repr=False)
class Stored:
    """A resource as the state has it.

    Args:
        instance_id: Id of its instance.
        outputs: Its outputs, without secret marks.
    """

    instance_id: str
    outputs: Mapping[str, Any]

    @property
    def is_known(self) -> bool:
        """Whether these are outputs of ours; a look-up by id has none."""
        return RECORD in self.outputs

    @cached_property
    def record(self) -> Record:
        """What was remembered of it; of a look-up by id, that all that was given is managed."""
        if self.is_known:
            return Record.of(self.outputs)
        return Record(managed=frozenset(self.outputs.get("configuration") or {}))

    @cached_property
    def markers(self) -> Markers | None:
        """Its marker tags; None where it has none."""
        return Markers.of(self.outputs.get(MARKERS))

    @cached_property
    def properties(self) -> Properties:
        """The part that is managed."""
        held = cast("dict[str, Any]", self.outputs.get("configuration") or {})
        return Properties(
            name=self.outputs.get("name") or "",
            tags=list(self.outputs.get("tags") or []),
            configuration={key: held[key] for key in self.record.managed if key in held},
        )

    @property
    def element_key(self) -> str:
        """The key of its element; empty where that is not known."""
        return str(self.outputs.get("element_key") or "")

    @property
    def name(self) -> str:
        """The name of its instance; empty where that is not known."""
        return str(self.outputs.get("name") or "")

    @property
    def instance(self) -> wire.Instance:
        """The instance as the outputs tell of it: what an answer may leave out."""
        outputs = self.outputs
        return wire.Instance(
            id=self.instance_id,
            name=outputs.get("name"),
            tags=outputs.get("tags") or [],
            token=outputs.get("element_token"),
            element=wire.ElementReference(key=outputs.get("element_key")),
            configuration=outputs.get("configuration"),
            disabled=outputs.get("disabled"),
            valid=outputs.get("valid"),
        )

    def unchanged(self, address: str) -> dict[str, Any]:
        """Return its outputs as they are to be stored again with the platform's address."""
        marked = {
            key: wrap_rpc_secret(self.outputs.get(key))
            for key in ("configuration", "element_token")
        }
        record = replace(self.record, platform=address)
        return {**self.outputs, **marked, RECORD: record.to_property()}


def outputs(
    inputs: Inputs, instance: wire.Instance, seen: Properties, record: Record
) -> dict[str, Any]:
    """Return a resource's outputs, secrets marked; the inputs say what the platform does not."""
    told = without_platform_written(instance.configuration or {})
    held = wire.as_stored(told | seen.configuration)
    if record.adopted:
        mark = next(filter(is_adoption_marker, instance.tags or []), record.adoption)
        record = replace(record, adoption=mark)
    found: dict[str, Any] = {
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
        RECORD: record.to_property(),
    }
    return {key: value for key, value in found.items() if value is not None}
