"""What the servers of both doors need: the address of their engine, and threads enough."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

SPARE_WORKERS = 4
"""A few more than work at once, so that the engine's Cancel is answered meanwhile."""


def engine_address() -> tuple[str, int] | None:
    """Return where the engine listens that started this server: it is the last argument."""
    return address_of(sys.argv[-1])


def address_of(text: str) -> tuple[str, int] | None:
    """Return where an engine listens, or None where that is no address of this machine."""
    name, _, port = text.rpartition(":")
    return (name, int(port)) if name == "127.0.0.1" and port.isdigit() else None


def widen(pool: ThreadPoolExecutor, workers: int) -> None:
    """Let a pool that serves calls have that many threads, if those are more than now.

    Raises:
        AttributeError: The standard library's pool is built otherwise.
    """
    # ruff: disable[SLF001] - the standard library has no public way
    if workers > pool._max_workers:
        pool._max_workers = workers
        # Calls that queued up meanwhile were submitted under the old limit.
        for _ in range(min(workers, pool._work_queue.qsize())):
            pool._adjust_thread_count()
    # ruff: enable[SLF001]
