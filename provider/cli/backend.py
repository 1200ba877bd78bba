"""The states of all stacks that the backend shows: what one of them holds is nobody's leftover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .console import FailureError, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .project import Project, Stack
    from .state import State


@dataclass(frozen=True)
class Backend:
    """What the backend shows of its stacks, whichever project they belong to."""

    project: Project
    """The project here."""
    states: Mapping[Stack, State]
    unread: Mapping[str, str]
    """Stacks whose state can't be read, which may hold anything, and why not."""

    @classmethod
    def read(cls, project: Project) -> Backend:
        """Read every state, without its secrets: that takes no passphrase.

        Raises:
            FailureError: The backend does not list its stacks.
        """
        stacks = project.stacks()
        found = dict(zip(stacks, project.pulumi.each(_read, stacks), strict=True))
        return cls(
            project,
            {stack: state for stack, state in found.items() if not isinstance(state, str)},
            {stack.name: state for stack, state in found.items() if isinstance(state, str)},
        )

    @classmethod
    def read_or_not(cls, project: Project) -> Backend:
        """Read every state; where the backend does not list its stacks, none could be read."""
        try:
            return cls.read(project)
        except FailureError as failure:
            return cls(project, {}, {"(any)": str(failure)})

    def stack(self, named: Stack) -> Stack | None:
        """Return a stack of the project as one of those whose state was read."""
        return named.among([stack for stack in self.states if not stack.foreign])

    def family(self, named: Stack) -> list[Stack]:
        """Return a stack of the project, or all the stacks of its shards, as far as they exist."""
        from ..instance.markers import base_of  # noqa: PLC0415
        from ..shards import KEY as SHARDS  # noqa: PLC0415

        here = self.stack(named)
        found = [here] if here else []
        if SHARDS in named.file.shown:
            found += [
                one for one in self.states if not one.foreign and base_of(one.last) == named.last
            ]
        return found

    def whole(self, named: Stack) -> State:
        """Return what the states of these hold together."""
        from .fleet import joined  # noqa: PLC0415 - loads HTTP

        return joined(self.states[one] for one in self.family(named))

    def holder(
        self, id_: str | None, *, but: Collection[Stack] = (), platform: str = ""
    ) -> Stack | None:
        """Return the stack that keeps an instance, None when no other than `but` does.

        Args:
            id_: The instance.
            but: Stacks that are not meant.
            platform: Its platform's address: elsewhere the id is another instance's. Without it any
                will do, because one platform may have several addresses.
        """
        return next(
            (
                stack
                for stack, state in self.states.items()
                if stack not in but
                and any(
                    kept.id == id_
                    and not kept.borrowed
                    and (not platform or kept.platform in ("", platform))
                    for kept in state.kept
                )
            ),
            None,
        )

    @property
    def ids(self) -> frozenset[str]:
        """Ids of all instances in any state."""
        return frozenset(id_ for state in self.states.values() for id_ in state.ids)

    def marked(self, marker: str) -> Stack | None:
        """Return the stack whose marker tag it is; of shards, the one that they are of."""
        found = next(
            (
                stack
                for stack, state in self.states.items()
                if stack.is_marked(marker) and stack_marker(stack, state) == marker
            ),
            None,
        )
        return (found and (self.stack(found.entire()) if not found.foreign else None)) or found

    @property
    def gap(self) -> str | None:
        """Say which states can't be read, and why; None when all can."""
        if not self.unread:
            return None
        names = ", ".join(f"'{name}'" for name in self.unread)
        return shown(
            f"the state of stack {names} can't be read: {next(iter(self.unread.values()))}"
        )


def stack_marker(stack: Stack, state: State) -> str:
    """Return the stack's marker tag, as its state knows it or else as it would be made.

    What was moved here by `pulumi state move` has the tags of its former stack, until `pulumi up`.
    """
    return _marker_in(stack, state) or stack.marker_tags()[0]


def state_and_marker(stack: Stack) -> State:
    """Return a stack's state, and see that its marker tag can be told without another command."""
    state = stack.state(secrets=False)
    if _marker_in(stack, state) is None:
        stack.organization  # noqa: B018 - asked for once, and kept
    return state


def _marker_in(stack: Stack, state: State) -> str | None:
    known = [kept.markers[0] for kept in state.kept if kept.markers]
    return next((marker for marker in known if stack.is_marked(marker)), None)


def _read(stack: Stack) -> State | str:
    """Return a stack's state, or why it can't be read."""
    try:
        return stack.state(secrets=False)
    except FailureError as failure:
        return str(failure).rstrip(". ")
