"""In which stacks an instance is kept, and what to do where that is more than one."""

from __future__ import annotations

import shlex
from functools import cached_property
from typing import TYPE_CHECKING

from ..instance.advice import forget, of_another_stack
from ..instance.markers import Markers, place_of
from ..instance.ownership import others_tag
from ..instance.state import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api import wire
    from .backend import Backend
    from .project import Stack
    from .state import Kept

MOVED = "it has the tags of the stack that it was moved from, or of this one's former name"


class Places:
    """In which stacks an instance is kept; their states are read when that is asked first."""

    def __init__(self, stack: Stack, read: Callable[[], Backend]) -> None:
        self.stack = stack
        self._read = read

    @cached_property
    def _backend(self) -> Backend:
        return self._read()

    @property
    def gap(self) -> str | None:
        """Which states can't be read, None when all can."""
        return self._backend.gap

    def other(self, id_: str, platform: str = "") -> Stack | None:
        """Return another stack that keeps an instance, of that platform where one is named."""
        but = self._backend.family(self.stack)
        return self._backend.holder(id_, but=but, platform=platform)

    def moved(self, kept: Kept) -> bool:
        """Tell whether a resource came here from another stack, whose tags it has until an up."""
        return bool(kept.markers) and not self.stack.is_marked(kept.markers[0])

    def _sharer(self, kept: Kept, instance: wire.Instance | None) -> Stack | None:
        """Return another stack that keeps what this one keeps.

        That is looked for only where something hints at it: tags of another stack's, or an instance
        that was taken over and not made.
        """
        record = Record.of(kept.outputs)
        carried = None if instance is None else instance.tags
        strange = carried is not None and not record.adopted and kept.markers
        if (
            self.moved(kept)
            or record.adopted
            or record.claim
            or (strange and not {*kept.markers} <= {*(carried or [])})
        ):
            return self.other(kept.id, kept.platform)
        return None

    def shared(self, kept: Kept, instance: wire.Instance | None) -> str:
        """Return what to do where another stack has an instance as well, or by now; or nothing."""
        inner = place_of(kept.urn)["stack"] if kept.urn else self.stack.last
        name = self.stack.name.removesuffix(self.stack.last) + inner
        command = f"'{forget(kept.urn, name)}'"
        if other := self._sharer(kept, instance):
            return (
                f"stack '{other.name}' has it in its state as well, and what either deletes is "
                f"gone for both: keep it in one alone, by {command} or the same there"
            )
        markers, record = Markers.of(kept.markers), Record.of(kept.outputs)
        carried = instance.tags if instance else None
        if not (markers and carried and kept.urn) or record.adopted:
            return ""
        tag = others_tag(carried, markers, kept.urn)
        return of_another_stack(tag, command) if tag else ""


def up_of(stack: Stack) -> str:
    """Return the command that runs another stack, in whose project's folder it must run."""
    command = shlex.join(["pulumi", "up", "--stack", stack.name])
    return (
        f"{command} in the folder of project '{stack.project_name}'" if stack.foreign else command
    )
