"""The one place where a sandbox waits, held by a test."""

import asyncio
import threading


class Gate:
    """Holds a slow answer of the sandbox back until the test lets it go."""

    def __init__(self):
        self.reached = threading.Event()
        self.open = threading.Event()

    async def sleep(self, _seconds):
        """Wait in the sandbox's own loop, which serves others meanwhile."""
        self.reached.set()
        await asyncio.to_thread(self.open.wait)
