"""Would a list of all instances do for many reads at once? By the client alone, against a sandbox.

Three ways to read 256 instances, 64 at a time: one request each; a list that serves those reads
that waited when it was asked for, so that none is told what was true before it began; and one list
that is kept for all reads that follow.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from provider.api.client import CloudElementsClient
from provider.config import Settings
from sandbox.server import ORGANIZATION_SECRET, USER_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.standin import Platform
    from provider.api import wire

ARRIVAL = 0.02
TAG = "a-stack"


class _Fresh:
    """One list after the other, each for the reads that came before it."""

    def __init__(self, client: CloudElementsClient) -> None:
        self._client = client
        self._change = threading.Condition()
        self._listing = False
        self._lists = 0
        self._found: dict[str, wire.Instance] = {}

    def read(self, instance_id: str) -> wire.Instance:
        with self._change:
            wanted = self._lists + (2 if self._listing else 1)
        while True:
            with self._change:
                self._change.wait_for(lambda: self._lists >= wanted or not self._listing)
                if self._lists >= wanted:
                    return self._found[instance_id]
                self._listing = True
            time.sleep(ARRIVAL)  # for those that come at the same time
            found = {one.id: one for one in self._client.find_instances(tag=TAG)}
            with self._change:
                self._lists, self._listing, self._found = self._lists + 1, False, found
                self._change.notify_all()


class _Kept:
    """One list for all reads."""

    def __init__(self, client: CloudElementsClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._found: dict[str, wire.Instance] = {}

    def read(self, instance_id: str) -> wire.Instance:
        with self._lock:
            if not self._found:
                self._found = {one.id: one for one in self._client.find_instances(tag=TAG)}
            return self._found[instance_id]


def ways(platform: Platform, count: int, latency: float) -> dict[str, tuple[float, int]]:
    """Return seconds and requests of each way."""
    client = CloudElementsClient(
        Settings(
            base_url=platform.base_url,
            user_secret=USER_SECRET,
            organization_secret=ORGANIZATION_SECRET,
        )
    )
    found: dict[str, tuple[float, int]] = {}
    with ThreadPoolExecutor(64) as pool:
        bodies = [platform.body(number) | {"tags": [TAG]} for number in range(count)]
        made = pool.map(lambda body: client.create_instance(body, one_time=True).id, bodies)
        ids = list(made)
        platform.switch("latency", latency)
        reads: dict[str, Callable[[str], wire.Instance]] = {
            "one request each": client.get_instance,
            "lists asked for after the reads began": _Fresh(client).read,
            "one list kept for all": _Kept(client).read,
        }
        for name, read in reads.items():
            before, start = platform.requests(), time.perf_counter()
            assert [one.id for one in pool.map(read, ids)] == ids
            found[name] = time.perf_counter() - start, platform.requests() - before
    client.close()
    return found
