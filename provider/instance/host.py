"""What the rules need of the server that calls them; each door gives its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..api.errors import CloudElementsError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class HalfMadeError(CloudElementsError):
    """The instance exists, but something after that failed: it must not be lost.

    The engine keeps `outputs` under `instance_id`, marks the resource as not finished, and calls
    update next time, whether or not anything changed.
    """

    def __init__(self, instance_id: str, outputs: dict[str, Any], reason: str) -> None:
        super().__init__(reason)
        self.instance_id = instance_id
        self.outputs = outputs


class AwaitingError(CloudElementsError):
    """Something else has to happen first: nothing was done, and everything else goes on."""


class Host(Protocol):
    """The server, and the call of the engine's that this thread serves.

    Outside of a call messages go nowhere.
    """

    def warn(self, message: str) -> None:
        """Show a warning on the resource at hand."""

    def warn_once(self, message: str) -> None:
        """Show a warning on the stack, however often this process comes upon it."""

    def note(self, message: str) -> None:
        """Show on the resource at hand what a preview alone does not tell."""

    def progress(self, message: str) -> None:
        """Show passing progress on the resource at hand; it leaves no trace in the output."""

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Show for how long the platform has kept the resource at hand waiting."""
        ...

    def urn(self) -> str:
        """Return the URN of the resource at hand, or nothing."""
        ...

    def old_inputs(self) -> dict[str, Any] | None:
        """Return the inputs that the state has of the resource at hand; None outside of a call."""
        ...

    def can_await(self) -> bool:
        """Tell whether the engine lets a resource wait for something, and everything else go on."""
        ...

    def awaited(self) -> bool:
        """Tell whether somebody waits for the call, if there is one."""
        ...

    def go_on(self) -> None:
        """Do nothing as long as somebody waits for the call.

        Raises:
            AbandonedError: The engine was killed or gave the call up, or the call's time is over.
        """

    def remaining(self) -> float:
        """Return for how many seconds the call may go on; infinity where nobody said."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep as long as somebody waits for the call.

        Raises:
            AbandonedError: Nobody does.
        """
