"""What a stack's state holds of element instances, as `pulumi stack export` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..instance.markers import name_of
from .contents import TYPES, others_in_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key that tells the engine's own values, such as secrets, from maps in a stack's state."""


@dataclass(frozen=True)
class Kept:
    """A resource of ours in a stack's state."""

    name: str
    """Logical name."""
    id: str
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)
    """In clear only when the state was read with its secrets."""
    waiting_to_go: bool
    """Replaced already, and to be deleted by the next run."""
    alone: bool
    """No component of a program holds it."""
    retained: bool = False
    """Pulumi forgets it instead of deleting it."""
    borrowed: bool = False
    """Read by its id alone: somebody else keeps it."""
    urn: str = ""

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> Kept:
        """Return a resource as a deployment writes it."""
        urn = str(resource["urn"])
        return cls(
            name=name_of(urn),
            id=str(resource["id"]),
            inputs=_properties(resource, "inputs"),
            outputs=_properties(resource, "outputs"),
            waiting_to_go=bool(resource.get("delete")),
            alone="$" not in urn.split("::")[2],
            retained=bool(resource.get("retainOnDelete")),
            borrowed=bool(resource.get("external")),
            urn=urn,
        )

    @property
    def element_key(self) -> str:
        """Element key, as the last run knew it."""
        return str(self.outputs.get("element_key") or "")

    @property
    def platform(self) -> str:
        """Address of the platform that has it; empty where the state is older than that memory."""
        record = self.outputs.get("__record")
        return str(record.get("platform") or "") if isinstance(record, dict) else ""

    @property
    def markers(self) -> list[str]:
        """Marker tags: of the stack, then of the instance; none for a resource without them."""
        for properties in (self.outputs, self.inputs):
            tags = properties.get("__markers")
            if isinstance(tags, list) and len(tags) == 2:  # noqa: PLR2004 - stack and instance
                return [str(tag) for tag in tags]
        return []


@dataclass(frozen=True)
class Root:
    """A resource of a state that has no parent, with all that are below it."""

    urns: tuple[str, ...]
    """Its own, then theirs, as they stand in the state."""
    ids: frozenset[str]
    """Ids of it and of these."""

    @property
    def urn(self) -> str:
        """Its URN."""
        return self.urns[0]

    @property
    def name(self) -> str:
        """Logical name."""
        return name_of(self.urn)


@dataclass(frozen=True)
class State:
    """A stack's state."""

    kept: list[Kept]
    busy: bool
    """An update runs now, or was interrupted: something may exist that is not kept yet."""
    unsettled: frozenset[str] = frozenset()
    """Names of the resources that it was at, and that are kept: a replacement may be on its way."""
    others: tuple[str, ...] = ()
    """Types of what it holds besides element instances, and what stands for nothing outside."""
    written: str = ""
    """When it was written, as the engine says."""
    roots: tuple[Root, ...] = ()
    """What of it can be moved: all but the stack and its providers."""
    twice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of shards: the stacks that have an instance by its id, where a move was interrupted."""

    @property
    def ids(self) -> set[str]:
        """Ids of all instances in it."""
        return {each.id for each in self.kept}

    @classmethod
    def of(cls, deployment: Mapping[str, Any]) -> State:
        """Return a state from what `pulumi stack export` calls the deployment."""
        resources = deployment.get("resources") or []
        known = {str(each["urn"]) for each in resources if each.get("id")}
        # The engine remembers an interrupted create even when a later run has ended it.
        at = [str(each["resource"]["urn"]) for each in deployment.get("pending_operations") or []]
        return cls(
            [Kept.of(each) for each in resources if _is_ours(each)],
            busy=any(urn not in known for urn in at),
            unsettled=frozenset(name_of(urn) for urn in at),
            others=tuple(others_in_state(resources)),
            written=str((deployment.get("manifest") or {}).get("time") or ""),
            roots=_roots(resources),
        )


def _is_ours(resource: Mapping[str, Any]) -> bool:
    """Tell whether a resource of a state is an element instance."""
    return str(resource.get("type", "")).endswith(TYPES) and bool(resource.get("id"))


def _roots(resources: Iterable[Mapping[str, Any]]) -> tuple[Root, ...]:
    """Return the resources of a state that have no parent but the stack."""
    urns: dict[str, list[str]] = {}
    ids: dict[str, set[str]] = {}
    above: dict[str, str] = {}
    for each in resources:  # parents come first
        urn, type_ = str(each["urn"]), str(each.get("type") or "")
        if type_.startswith(("pulumi:pulumi:Stack", "pulumi:providers:")):
            continue
        root = above[urn] = above.get(str(each.get("parent") or ""), urn)
        urns.setdefault(root, []).append(urn)
        ids.setdefault(root, set()).update({str(each["id"])} if each.get("id") else ())
    return tuple(Root((*urns[root],), frozenset(ids[root])) for root in urns)


def _properties(resource: Mapping[str, Any], which: str) -> Mapping[str, Any]:
    """Return a resource's inputs or outputs in clear, by the names that the rules have."""
    properties: Mapping[str, Any] = in_clear(resource.get(which) or {})
    if not str(resource["type"]).endswith(TYPES[1]):
        return properties
    from ..doors.names import inward  # noqa: PLC0415 - loads Pulumi's SDK

    return inward(properties)


def in_clear(value: Any) -> Any:
    """Return a value of a state that was read with its secrets, without the engine's marks.

    A secret may stand inside another one's text (CLI 3.274.1 writes it so). One that was read
    encrypted is None.
    """
    if isinstance(value, dict):
        if _SIGNATURE in value:
            text = value.get("plaintext")
            return in_clear(json.loads(text)) if isinstance(text, str) else None
        return {key: in_clear(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_clear(item) for item in value]
    return value
