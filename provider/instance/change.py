"""A change of an instance: one request, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import diff
from .credentials import codes_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api import wire
    from .desired import Desired
    from .state import Record

_CONFIGURATION = "configuration."


@dataclass(frozen=True, repr=False)
class Change:
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
        return tuple(codes_in(self.sends).values())

    def without_credentials(self) -> Change:
        """Return the change without what it carries that can be spent once: it was spent."""
        configuration = {
            key: value
            for key, value in (self.body.get("configuration") or {}).items()
            if f"{_CONFIGURATION}{key}" not in self.sends
        }
        rest = {k: v for k, v in self.body.items() if k not in ("providerData", "configuration")}
        body = rest | ({"configuration": configuration} if configuration else {})
        return replace(self, body=body, sends={}, kept=self.record)


def answered(
    instance: wire.Instance,
    desired: Desired,
    body: Mapping[str, Any],
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the platform made of a PATCH; where nothing was written, it is drift."""
    wrote = {f"{_CONFIGURATION}{key}" for key in body.get("configuration") or {}} | set(body)
    now = diff.answered(instance, desired.properties)
    kept = {path: value for path, value in before.items() if path not in wrote}
    return kept | {path: value for path, value in now.items() if path in wrote}


def with_codes(
    past: tuple[Mapping[str, str], ...], sent: Mapping[str, str]
) -> tuple[Mapping[str, str], ...]:
    """Return the codes sent so far with those in `sent`."""
    codes = codes_in(sent)
    return (*past, codes) if codes else past
