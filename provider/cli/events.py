"""What the engine tells of a run, line by line: `pulumi up --json` writes it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..instance.markers import name_of
from .console import shown
from .contents import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_DEBUG = '"severity":"debug"'
_STACK = "pulumi:pulumi:Stack"
_NEEDLESS = frozenset({"update failed", "preview failed", "refresh failed", "destroy failed"}) | {
    "Resource monitor has terminated, shutting down"
}
"""Errors of the engine that say no more than that there was one."""
_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "same": "unchanged",
    "read": "read",
    "refresh": "read",
    "replace": "replaced",
    "create-replacement": "created as a replacement",
    "delete-replaced": "deleted after its replacement",
    "import": "imported",
}
_PROBLEM = re.compile(r"^\S+ resource '(?P<name>[^']*)' has a problem: ")
"""How the engine begins what a check refuses."""
_PLANNED = {
    "create": "to create",
    "update": "to update",
    "delete": "to delete",
    "replace": "to replace",
    "create-replacement": "to replace",
    "import": "to import",
}
_QUIET = frozenset({"same", "read", "refresh"})
"""Operations that change nothing."""


@dataclass
class Step:
    """What is done with one resource."""

    name: str
    """Logical name."""
    urn: str
    operation: str
    """The engine's word, such as `create-replacement`."""
    began: float
    id: str = ""
    seconds: float | None = None
    """How long it took; None while it is under way."""
    failed: bool = False
    changed: list[str] = field(default_factory=list)
    """Inputs that differ."""

    @property
    def quiet(self) -> bool:
        """Whether it changes nothing."""
        return self.operation in _QUIET

    @property
    def is_instance(self) -> bool:
        """Whether it is about an element instance."""
        return "::".join(self.urn.split("::", 3)[:3]).endswith(TYPES)

    @property
    def words(self) -> str:
        """What was done."""
        return "failed" if self.failed else _DONE.get(self.operation, self.operation)

    @property
    def planned(self) -> str:
        """What would be done, as a preview tells."""
        return _PLANNED.get(self.operation, self.words)


class Run:
    """A run as far as the engine has told of it.

    Args:
        say: Shows a line that the program or the engine wrote.
        now: Seconds of a clock that is never set; the engine's own stamps are whole seconds.
    """

    def __init__(
        self, say: Callable[[str], None] = lambda _: None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._now = now
        self.steps: dict[tuple[str, str], Step] = {}
        self.ended: list[Step] = []
        """Those that ended, in their order."""
        self.remarks: dict[str, list[str]] = {"warning": [], "error": []}
        """Warnings and errors, each once."""
        self.doing: dict[str, str] = {}
        """What a resource waits for, by its URN."""
        self.types: set[str] = set()
        """Types of all resources that it is about."""
        self.changes: dict[str, int] = {}
        """Numbers of resources by what was done, as the engine counts."""
        self.outputs: dict[str, Any] = {}
        """The stack's outputs; secrets are shown as `[secret]`."""
        self.result = ""
        """The engine's own word at the end: `succeeded` or `failed`."""

    @classmethod
    def joined(cls, runs: Iterable[Run]) -> Run:
        """Return what several runs told, as one: each remark once."""
        whole = cls()
        for each in runs:
            whole.steps |= each.steps
            whole.ended += each.ended
            whole.types |= each.types
            whole.outputs |= each.outputs
            for kind, texts in each.remarks.items():
                known = whole.remarks[kind]
                known += [text for text in texts if text not in known]
            for what, number in each.changes.items():
                whole.changes[what] = whole.changes.get(what, 0) + number
        return whole

    def hear(self, line: str) -> None:
        """Take a line of what the engine writes."""
        if _DEBUG in line or not line.strip():
            return
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            self._say(shown(line.rstrip()))
            return
        for kind, event in document.items():
            if isinstance(event, dict) and (hears := self._hears.get(kind)):
                hears(self, event)

    def fail(self, text: str) -> None:
        """Take what `pulumi` says on standard error."""
        for line in text.splitlines():
            if line.startswith(("error: ", "warning: ")):
                kind, _, message = line.partition(": ")
                self._remark(kind, "", message)
            elif line.strip():
                self._say(shown(line.rstrip()))

    @property
    def instances(self) -> list[Step]:
        """What is done with element instances, the engine's own duplicates left out."""
        known = [*self.steps.values()]  # it may grow meanwhile, where another thread hears
        return [each for each in known if each.is_instance and each.operation != "replace"]

    @property
    def done(self) -> int:
        """How many of these ended."""
        return sum(each.seconds is not None for each in self.instances)

    @property
    def under_way(self) -> list[Step]:
        """Those that did not end yet, the longest first."""
        waiting = [each for each in self.instances if each.seconds is None]
        return sorted(waiting, key=lambda each: each.began)

    @property
    def slowest(self) -> list[Step]:
        """Those that ended, the slowest first."""
        return sorted(
            (each for each in self.instances if each.seconds is not None),
            key=lambda each: -(each.seconds or 0.0),
        )

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, changed."""
        return any(not each.quiet for each in self.steps.values())

    def _begin(self, event: Mapping[str, Any]) -> None:
        step = self._step(event)
        # After its refresh; that a replacement is one is told when it is made.
        if step.seconds is not None and (event.get("metadata") or {}).get("op") != "replace":
            step.began, step.seconds = self._now(), None

    def _step(self, event: Mapping[str, Any]) -> Step:
        known = event.get("metadata") or {}
        urn, operation = str(known.get("urn") or ""), str(known.get("op") or "")
        self.types.add(str(known.get("type") or ""))
        kind = "delete" if operation.startswith("delete") else ""
        step = self.steps.get((urn, kind))
        if step is None:
            step = Step(name_of(urn), urn, operation, self._now())
            self.steps[urn, kind] = step
        elif operation == "replace":  # its halves tell of themselves
            return step
        step.operation = operation
        bag = known.get("new") or known.get("old") or {}
        step.id = str(bag.get("id") or step.id)
        step.changed = sorted(known.get("diffs") or known.get("detailedDiff") or step.changed)
        return step

    def _end(self, event: Mapping[str, Any], *, failed: bool = False) -> None:
        step = self._step(event)
        known = event.get("metadata") or {}
        if known.get("type") == _STACK:
            self.outputs = (known.get("new") or {}).get("outputs") or self.outputs
        if step.seconds is None:
            step.seconds = self._now() - step.began
            self.ended.append(step)
        step.failed = step.failed or failed
        self.doing.pop(step.urn, None)

    def _break(self, event: Mapping[str, Any]) -> None:
        self._end(event, failed=True)

    def _hear_out(self, event: Mapping[str, Any]) -> None:
        severity = str(event.get("severity") or "")
        message, urn = str(event.get("message") or "").strip(), str(event.get("urn") or "")
        if not message or severity == "debug":
            return
        if severity in self.remarks:
            self._remark(severity, name_of(urn), message)
        elif event.get("ephemeral"):
            self.doing[urn] = shown(message)
        else:
            for line in message.splitlines():
                self._say(shown(line))

    def _remark(self, severity: str, name: str, message: str) -> None:
        text = _PROBLEM.sub(r"\g<name>: ", shown(message).strip())
        if severity == "error" and text in _NEEDLESS:
            return
        # Where a remark names its resource already, once is enough.
        if name and not text.startswith(f"{name}: ") and f"'{name}'" not in text:
            text = f"{name}: {text}"
        if text not in self.remarks[severity]:
            self.remarks[severity].append(text)

    def _write(self, event: Mapping[str, Any]) -> None:
        for line in str(event.get("message") or "").splitlines():
            if line.strip():
                self._say(shown(line))

    def _sum_up(self, event: Mapping[str, Any]) -> None:
        self.changes = {str(key): int(number) for key, number in _items(event, "resourceChanges")}
        self.result = str(event.get("result") or "")

    _hears = {  # noqa: RUF012 - by the engine's word, once for all
        "resourcePreEvent": _begin,
        "resOutputsEvent": _end,
        "resOpFailedEvent": _break,
        "diagnosticEvent": _hear_out,
        "stdoutEvent": _write,
        "summaryEvent": _sum_up,
    }


def _items(event: Mapping[str, Any], key: str) -> Iterable[tuple[Any, Any]]:
    found = event.get(key)
    return found.items() if isinstance(found, dict) else ()
