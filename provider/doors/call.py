"""The call of the engine's that a thread serves."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import names, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc


@dataclass(frozen=True, repr=False)
class Call:
    """A call of the engine's, as the server got it."""

    request: Any
    context: grpc.ServicerContext
    deadline: float = math.inf
    """Until when it may take, by `time.monotonic`."""

    @classmethod
    def of(cls, request: Any, context: grpc.ServicerContext) -> Call:
        """Return a call that has just come; it may take what its `custom_timeouts` say."""
        seconds = getattr(request, "timeout", 0.0)
        return cls(request, context, time.monotonic() + seconds if seconds else math.inf)

    @property
    def urn(self) -> str:
        """The URN of the resource that it is about; empty where it is about none."""
        return str(getattr(self.request, "urn", ""))

    @cached_property
    def old_inputs(self) -> dict[str, Any]:
        """The inputs of that resource that the state has; a read has no others."""
        field = "inputs" if hasattr(self.request, "inputs") else "old_inputs"
        struct = getattr(self.request, field, None)
        return {} if struct is None else names.inward(values.properties(struct))

    @property
    def awaited(self) -> bool:
        """Whether the engine is there and still waits for the answer."""
        return bool(self.context.is_active())


CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def serving(call: Call | None) -> Iterator[None]:
    """Serve a call: what is said inside is about its resource."""
    before = CURRENT.set(call)
    try:
        yield
    finally:
        CURRENT.reset(before)
