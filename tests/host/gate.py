"""The one place where a sandbox waits, so that tests decide for how long."""

import asyncio
import threading

from tests.host.server import SECONDS


class Gate:
    """The sandbox's sleep: holds creates until so many wait that it opens, or until `open`."""

    def __init__(self, opens_at):
        self.opens_at = opens_at
        self.waiting = 0
        self.most = 0
        self.reached = threading.Event()
        self._opened = asyncio.Event()
        self._loop = None

    async def sleep(self, seconds):
        """Wait at the gate."""
        self._loop = asyncio.get_running_loop()
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        if self.waiting >= self.opens_at:
            self.reached.set()
        await asyncio.wait_for(self._opened.wait(), SECONDS)
        self.waiting -= 1

    def open(self):
        """Let everybody through, now and later."""
        self._loop.call_soon_threadsafe(self._opened.set)

    def shut(self):
        """Hold whoever comes from now on."""
        self._loop.call_soon_threadsafe(self._opened.clear)
