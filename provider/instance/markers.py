"""Marker tags: how an instance is found again when the answer to its create was lost.

Every instance carries tags of ours, beside the user's:

- the stack marker `pulumi-<project>-<stack>-<12 characters>`, the same for all of a stack and its
  shards, so that one list finds everything that earlier runs left;
- the instance marker `pulumi-<20 characters>`, derived from organization, project, stack and the
  resource's place and logical name.

A third, `pulumi-code-<20 characters>`, marks with which one-time credentials the instance was
authenticated last. It tells whether a request whose answer was lost took effect, and keeps a code
from being sent again by a later run.

An instance that the program adopts gets `pulumi-adopted-<20 characters>` instead of the first two:
nothing that cleans up after a stack may take it for one of the stack's own.

The last four characters are a check of the rest, so that no tag of the user's (`pulumi-services`)
is taken for ours. Only lower-case letters, digits and dashes, at most 59 characters: the platform's
limits on tags are not published. Knows no HTTP and no Pulumi.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARKERS = "__markers"
"""Property of a resource that holds its marker tags. Pulumi hides keys that begin with `__`."""

FILES = "organization"
"""What backends that keep states in files call every organization."""

_PREFIX = "pulumi-"
_CREDENTIAL = re.compile(r"pulumi-code-[a-z2-7]{20}")
_ADOPTION = re.compile(r"pulumi-adopted-[a-z2-7]{20}")
_SHARD = re.compile(r"(?P<base>.+)-shard-[1-9][0-9]*")
_STACK_MARKER_DASHES = 3
_PROJECT_LENGTH, _STACK_LENGTH, _STACK_DIGEST, _CHECK_LENGTH = 24, 14, 8, 4


@dataclass(frozen=True)
class Markers:
    """The two marker tags of one resource."""

    stack: str
    instance: str

    @classmethod
    def of(cls, tags: object) -> Markers | None:
        """Return a resource's markers from its property; None where it has none, or none yet."""
        match tags:
            case [str(stack), str(instance)]:
                return cls(stack, instance)
        return None

    @property
    def tags(self) -> list[str]:
        """Both, in the order in which they are sent."""
        return [self.stack, self.instance]

    def adoption(self, adopt: str) -> str:
        """Return the tag of an instance that the resource took over because `adopt` names it."""
        return _checked(f"adopted-{_digest(16, self.instance, adopt)}")


def markers(*, organization: str, project: str, stack: str, place: str) -> Markers:
    """Return the markers of a resource.

    Args:
        organization: Pulumi organization; the file backend calls it `organization`.
        project: Pulumi project name.
        stack: Stack name, such as `dev`.
        place: The resource's logical name, with its parent's URN before it where it has one.
    """
    return Markers(
        stack=_checked(
            f"{_readable(project, stack)}{_digest(_STACK_DIGEST, organization, project, stack)}"
        ),
        instance=_checked(_digest(16, organization, project, stack, place)),
    )


def credential_marker(fingerprints: Mapping[str, str]) -> list[str]:
    """Return the tag for one-time credentials, by their fingerprints; none where there are none.

    A code alone decides where there is one, whatever is given beside it.
    """
    if not fingerprints:
        return []
    telling = {"code": fingerprints["code"]} if "code" in fingerprints else fingerprints
    parts = [f"{path}={mark}" for path, mark in sorted(telling.items())]
    return [_checked(f"code-{_digest(16, *parts)}")]


def is_marker(tag: str) -> bool:
    """Tell whether a tag is one of ours, of whichever stack."""
    inner = tag.removeprefix(_PREFIX)[:-_CHECK_LENGTH]
    return tag.startswith(_PREFIX) and tag == _checked(inner)


def users_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags that are none of ours."""
    return [tag for tag in tags if not is_marker(tag)]


def is_stack_marker(tag: str) -> bool:
    """Tell whether a tag is the marker of a stack, of whichever one."""
    # pulumi-<project>-<stack>-<check>: no other marker has as many dashes.
    return tag.count("-") >= _STACK_MARKER_DASHES and is_marker(tag)


def place_of(urn: str) -> dict[str, str]:
    """Return the project and the stack that a URN names."""
    stack, project, *_ = urn.removeprefix("urn:pulumi:").split("::")
    return {"project": project, "stack": stack}


def name_of(urn: str) -> str:
    """Return the logical name that a URN ends with, in which `::` may stand as well."""
    return urn.split("::", 3)[-1] if "::" in urn else ""


def base_of(stack: str) -> str | None:
    """Return the stack whose shard a name tells of: `prod` of `prod-shard-2`; None of any other."""
    found = _SHARD.fullmatch(stack)
    return found["base"] if found else None


def names_stack(tag: str, *, project: str, stack: str) -> bool:
    """Tell whether a stack marker is of a stack with that name, in whichever organization.

    A shard has the markers of the stack that is shared among shards, so that instances move from
    one to another without a request. Long names are cut in a marker, so another stack's may pass
    for this one's.
    """
    return any(
        tag.startswith(ours) and len(tag) == len(ours) + _STACK_DIGEST + _CHECK_LENGTH
        for one in (stack, base_of(stack))
        if one and (ours := f"{_PREFIX}{_readable(project, one)}")
    )


def is_adoption_marker(tag: str) -> bool:
    """Tell whether a tag marks that a resource adopted the instance."""
    return is_marker(tag) and _ADOPTION.fullmatch(tag) is not None


def is_credential_marker(tag: str) -> bool:
    """Tell whether a tag marks with which credentials an instance was authenticated."""
    return is_marker(tag) and _CREDENTIAL.fullmatch(tag) is not None


def _checked(inner: str) -> str:
    return f"{_PREFIX}{inner}{_digest(_CHECK_LENGTH, inner)}"


@lru_cache
def _readable(project: str, stack: str) -> str:
    return f"{_slug(project, _PROJECT_LENGTH)}-{_slug(stack, _STACK_LENGTH)}-"


def _slug(text: str, length: int) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:length].strip("-") or "x"


def _digest(length: int, *parts: str) -> str:
    """Return `length` characters a-z2-7; parts can't run into each other."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.sha256(joined.encode(errors="surrogatepass")).digest()
    return base64.b32encode(digest).decode().lower()[:length]
