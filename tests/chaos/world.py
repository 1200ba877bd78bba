"""A world without time: a clock that only moves when somebody waits, and a process that can die."""

import asyncio
import itertools
import threading

import httpx

from provider.api.client import CloudElementsClient
from provider.api.retry import Time
from provider.config import Settings
from provider.doors.dynamic import host
from provider.instance.context import Context
from provider.instance.history import History
from provider.lifecycle import ElementInstanceProvider
from tests.chaos.native import NativeProvider

DOORS = {"dynamic": ["dynamic"], "native": ["native"], "in turn": ["native", "dynamic"]}
"""Which provider each process of a machine is; a stack may move from one to the other."""


class Clock:
    """Seconds that pass when somebody sleeps, for the provider and the sandbox alike."""

    def __init__(self):
        self._lock = threading.Lock()
        self.restart()

    def restart(self):
        """Begin anew, so that what happens does not depend on what happened before."""
        self._seconds = 1_800_000_000.0
        self.set_back = 0.0
        """Seconds by which the machine's clock was set back since; the platform's was not."""

    def now(self):
        return self._seconds

    def sleep(self, seconds):
        with self._lock:
            self._seconds += seconds

    async def nap(self, seconds):
        self.sleep(seconds)
        await asyncio.sleep(0)

    @property
    def time(self):
        """The clock as the provider wants it."""
        return Time(now=self.now, sleep=self.sleep, wall=lambda: self._seconds - self.set_back)


class Killed(BaseException):
    """The process died here: nothing after this line of the provider runs."""


class Line(httpx.BaseTransport):
    """The way to the platform, which can be the last thing that a process sees.

    Args:
        inner: Sends.
    """

    def __init__(self, inner):
        self._inner = inner
        self._lock = threading.Lock()
        self._left = None
        self.dead = False
        self.requests = 0

    def kill(self, requests, *, answered):
        """Let the process die at the n-th request from now: as it leaves, or at its answer."""
        self._left, self._answered = requests, answered

    def handle_request(self, request):
        with self._lock:
            self.requests += 1
            last = self._left == 0
            if self._left is not None:
                self._left -= 1
            if self.dead or (last and not self._answered):
                self.dead = True
                raise Killed
        response = self._inner.handle_request(request)
        if not (last or self.dead):
            return response
        response.read()
        response.close()
        self.dead = True
        raise Killed


class Machine:
    """Where provider processes run: one journal, one process at a time.

    Args:
        sandbox: The platform.
        clock: The clock of both.
        inner: The transport, which outlives processes so that connections are made once.
        folder: The machine's memory; None for one that forgets, as a CI runner does.
        door: By which the engine comes in: one of `DOORS`.
    """

    def __init__(self, sandbox, clock, inner, folder, door="dynamic", **settings):
        self._doors = itertools.cycle(DOORS[door])
        self.clock = clock
        self._inner = inner
        self._folder = folder
        self._settings = Settings(
            base_url=sandbox.base_url,
            user_secret=sandbox.user_secret,
            organization_secret=sandbox.organization_secret,
            **settings,
        )
        self.line = Line(inner)

    @property
    def forgets(self):
        """Whether it has no memory."""
        return self._folder is None

    def process(self):
        """Start a provider process, which knows nothing but what the machine remembers."""
        self.line = Line(self._inner)
        client = CloudElementsClient(self._settings, transport=self.line, clock=self.clock.time)
        journal = History(self._folder, platform="sandbox", clock=self.clock.time)
        context = Context.of(
            self._settings, host(), client=client, clock=self.clock.time, history=journal
        )
        self.context = context
        if next(self._doors) == "native":
            return NativeProvider(host(), context)
        provider = ElementInstanceProvider()
        provider.door.operations.connect(context)
        return provider
