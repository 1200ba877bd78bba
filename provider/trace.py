"""Where a program declares a resource: what the SDK tells the engine of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SDK_FRAMES = 5
"""From the constructor here to where the SDK takes the trace; with another number the trace is as
much longer or shorter, and nothing else changes."""


@contextmanager
def traced_to_the_program() -> Iterator[None]:
    """Keep the frames of whatever runs the program out of the trace that the SDK takes.

    The engine stores that trace with each resource. Whole, it is a quarter of the resource's state,
    which a file backend writes twice for every step, and it tells paths of this machine.

    For the constructor of a resource, which calls the SDK's by one more function.
    """
    frame, depth = sys._getframe(2), _SDK_FRAMES + 1  # noqa: SLF001 - the SDK does the same
    while frame.f_back and frame.f_globals.get("__name__") != "__main__":
        frame, depth = frame.f_back, depth + 1
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = depth if before is None else min(depth, before)
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
