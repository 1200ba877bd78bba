"""Marker tags: how an instance is found again when the answer to its create was lost.

Every instance carries tags of ours, beside the user's:

- the stack marker `pulumi-<project>-<stack>-<8 characters>`, the same for all of a stack, so that
  one list finds everything that earlier runs left;
- the instance marker `pulumi-<16 characters>`, derived from organization, project, stack and the
  resource's place and logical name.

A third, `pulumi-code-<16 characters>`, marks with which one-time credentials the instance was
authenticated last. It tells whether a request whose answer was lost took effect, and keeps a code
from being sent again by a later run.

Only letters, digits and dashes, at most 60 characters: the platform's limits on tags are not
published. Knows no HTTP and no Pulumi.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARKER = re.compile(r"pulumi-(?:[a-z0-9-]{1,40}-[a-z2-7]{8}|(?:code-)?[a-z2-7]{16})")
_PROJECT_LENGTH, _STACK_LENGTH = 24, 14


@dataclass(frozen=True)
class Markers:
    """The two marker tags of one resource."""

    stack: str
    instance: str

    @property
    def tags(self) -> list[str]:
        """Both, in the order in which they are sent."""
        return [self.stack, self.instance]


def markers(*, organization: str, project: str, stack: str, place: str) -> Markers:
    """Return the markers of a resource.

    Args:
        organization: Pulumi organization; the file backend calls it `organization`.
        project: Pulumi project name.
        stack: Stack name, such as `dev`.
        place: The resource's logical name, with its parent's URN before it where it has one.
    """
    readable = f"{_slug(project, _PROJECT_LENGTH)}-{_slug(stack, _STACK_LENGTH)}"
    return Markers(
        stack=f"pulumi-{readable}-{_digest(8, organization, project, stack)}",
        instance=f"pulumi-{_digest(16, organization, project, stack, place)}",
    )


def credential_marker(fingerprints: Mapping[str, str]) -> list[str]:
    """Return the tag for one-time credentials, by their fingerprints; none where there are none."""
    if not fingerprints:
        return []
    parts = [f"{path}={mark}" for path, mark in sorted(fingerprints.items())]
    return [f"pulumi-code-{_digest(16, *parts)}"]


def is_marker(tag: str) -> bool:
    """Tell whether a tag is one of ours, of whichever stack."""
    return _MARKER.fullmatch(tag) is not None


def _slug(text: str, length: int) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:length].strip("-") or "x"


def _digest(length: int, *parts: str) -> str:
    """Return `length` characters a-z2-7; parts can't run into each other."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return base64.b32encode(hashlib.sha256(joined.encode()).digest()).decode().lower()[:length]


def is_credential_marker(tag: str) -> bool:
    """Tell whether a tag marks with which credentials an instance was authenticated."""
    return is_marker(tag) and tag.startswith("pulumi-code-")
