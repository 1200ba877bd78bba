"""The call of the engine's that a thread serves."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Call(Protocol):
    """A call of the engine's."""

    @property
    def urn(self) -> str:
        """The URN of the resource that it is about."""
        ...

    @property
    def old_inputs(self) -> dict[str, Any]:
        """The inputs of that resource that the state has."""
        ...

    @property
    def awaited(self) -> bool:
        """Whether the engine is there and still waits for the answer."""
        ...

    @property
    def deadline(self) -> float:
        """Until when it may take, by `time.monotonic`; infinity where nobody said."""
        ...


def until(request: Any) -> float:
    """Return until when a request that has just come may take: by its `custom_timeouts`."""
    seconds = getattr(request, "timeout", 0.0)
    return time.monotonic() + seconds if seconds else math.inf


CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def serving(call: Call | None) -> Iterator[None]:
    """Serve a call: what is said inside is about its resource."""
    before = CURRENT.set(call)
    try:
        yield
    finally:
        CURRENT.reset(before)
