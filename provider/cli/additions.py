"""Entries that are added to a stack's file, with the secrets that are still to be set."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..stack_keys import DEFAULTS, KEY
from .console import write
from .project import set_command

if TYPE_CHECKING:
    from .project import Stack

Place = tuple[str | int, ...]
"""A field of an entry, and the keys inside of it."""


@dataclass(frozen=True)
class Written:
    """An entry that is to be written."""

    name: str
    entry: dict[str, Any]
    secrets: list[Place]
    """What the person has to set."""


@dataclass
class Additions:
    """Entries, and new defaults that they share."""

    entries: list[Written]
    shared: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By element."""
    secrets: dict[str, list[Place]] = field(default_factory=dict)
    """Secrets that the person has to set once for an element."""

    def notes(self, stack: str) -> dict[str, list[str]]:
        """Return the commands that set what is to be set, by the name that `add` knows."""
        places = {(DEFAULTS, element): found for element, found in self.secrets.items()}
        places |= {(KEY, entry.name): entry.secrets for entry in self.entries}
        return {
            name if root == KEY else f"{root}.{name}": [
                set_command(stack, name, *place, root=root) for place in found
            ]
            for (root, name), found in places.items()
        }

    def to_be_set(self) -> dict[str, Any]:
        """Return what is to be set, as `elements secrets` takes it: by entry, or by element."""
        once = {element: [spoken(at) for at in found] for element, found in self.secrets.items()}
        each = {
            entry.name: [spoken(at) for at in entry.secrets]
            for entry in self.entries
            if entry.secrets
        }
        return ({DEFAULTS: once} if once else {}) | each

    def add(self, stack: Stack, *, dry_run: bool, quiet: bool) -> bool:
        """Add them to the stack's file, or show what would be added; tell whether it changed."""
        from .stack_text import with_entries  # noqa: PLC0415

        if not (self.entries or self.shared):
            return False
        file = stack.file
        file.check()
        if self.shared:
            file.check(DEFAULTS)
        before = file.text
        after = with_entries(
            before,
            {entry.name: entry.entry for entry in self.entries},
            {
                name: [f"to be set: {command}" for command in commands]
                for name, commands in self.notes(stack.name).items()
            },
            key=file.spelled(KEY),
            shared=self.shared,
            shared_key=file.spelled(DEFAULTS),
        )
        if dry_run:
            if not quiet:
                old, new = (text.splitlines() for text in (before, after))
                title = f"{file.path.parent.name}/{file.path.name}"
                diff = difflib.unified_diff(old, new, title, f"{title} (new)", lineterm="")
                write("\n".join(diff))
            return False
        file.write(after)
        return True


def spoken(place: Place) -> str:
    """Return a place in an entry as text; a key of its configuration stands by itself."""
    inside = place[1:] if place[0] == "configuration" else place
    return ".".join(map(str, inside))
