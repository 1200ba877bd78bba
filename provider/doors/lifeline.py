"""Whether anybody still waits for what this process does.

Pulumi's dynamic provider server does not notice that its engine was killed: requests that were
waiting would still be sent, and it would live on with all its secrets. So nothing is begun for a
call that nobody waits for any more, and without an engine the process ends as soon as what was
under way has ended.

A call whose engine is gone, or gave it up, is known by the server at once. That the engine itself
is gone shows at its address, where nobody listens any more; its process can't be watched, for a
shell stands in between.
"""

from __future__ import annotations

import atexit
import math
import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ..api.errors import AbandonedError
from .call import CURRENT

if TYPE_CHECKING:
    from collections.abc import Callable

_Address = tuple[str, int]

_LOOKS = 0.5
"""Seconds between two looks for the engine, and for whoever waits for a call."""
_LONGEST_END = 60.0
"""Seconds that what is under way gets without an engine: as long as the next run reckons with it
(`provider.instance.journal`)."""


class Lifeline:
    """What ties this process, and each call that it serves, to the engine.

    `busy` tells whether any thread serves a call.
    """

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._gone = threading.Event()
        self._cancelled = False
        self._watching = False

    def awaited(self) -> bool:
        """Tell whether somebody waits for the call that this thread serves, if it serves one."""
        call = CURRENT.get()
        return not self._gone.is_set() and (call is None or call.awaited)

    def go_on(self) -> None:
        """Do nothing as long as somebody waits for the call that this thread serves.

        Raises:
            AbandonedError: The engine was killed or gave the call up, or the call's time is over.
        """
        why = None
        if not self.awaited():
            why = "nobody waits for it any more"
        elif (call := CURRENT.get()) is not None:
            if self._cancelled:
                why = "the run was cancelled"
            elif time.monotonic() >= call.deadline:
                why = "the time that the resource's custom timeouts give it is over"
        if why:
            message = f"{why}, so nothing more is sent"
            raise AbandonedError(message)

    def cancel(self) -> None:
        """Begin nothing more for any call: the engine was asked to end what it is at.

        Calls are still answered, and what was sent is not cut off: its answer would be lost.
        """
        self._cancelled = True

    def remaining(self) -> float:
        """Return for how many seconds the call that this thread serves may go on."""
        call = CURRENT.get()
        return math.inf if call is None else max(0.0, call.deadline - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Sleep as long as somebody waits.

        Raises:
            AbandonedError: Nobody does.
        """
        until = time.monotonic() + seconds
        while True:
            self.go_on()
            left = until - time.monotonic()
            if left <= 0:
                return
            self._gone.wait(min(left, _LOOKS, self.remaining()))

    def watch(self, address: _Address, at_the_end: Callable[[bool], None]) -> None:
        """From now on, end this process when nobody listens at its engine's address.

        When the process ends, `at_the_end` is called with whether the engine is there.
        """
        if self._watching:
            return
        self._watching = True
        atexit.register(_end, address, at_the_end)
        arguments = address, at_the_end
        threading.Thread(target=self._watch, args=arguments, name="lifeline", daemon=True).start()

    def _watch(self, address: _Address, at_the_end: Callable[[bool], None]) -> None:
        while _listens(address) or _listens(address):
            time.sleep(_LOOKS)
        self._gone.set()
        deadline = time.monotonic() + _LONGEST_END
        while self._busy() and time.monotonic() < deadline:
            time.sleep(_LOOKS / 10)
        _end(address, at_the_end)
        # An orderly exit would wait for the server's threads for as long as they like.
        os._exit(0)


def _end(address: _Address, at_the_end: Callable[[bool], None]) -> None:
    with suppress(Exception):  # nobody could do anything about it
        at_the_end(_listens(address))


def _listens(address: _Address) -> bool:
    """Tell whether anybody listens at an address of this machine; only a refusal says no.

    It costs 50 µs of either side. gRPC servers know it from load balancers, and log nothing.
    """
    try:
        socket.create_connection(address, timeout=_LOOKS).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True
