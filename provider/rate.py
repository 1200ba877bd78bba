"""The client-side limiter: an even pace, one common pause after a 429, no retry of a size 429."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from provider.retry import Time

_SIZE = re.compile(r"\b(size|too large|payload|[KMG]B|megabytes?)\b", re.IGNORECASE)


class TooLargeError(Exception):
    """A 429 that speaks of size, not of pace: sending it again can't help (docs: 8 MB, 2019-06).

    Raised through the retrying transport, which would otherwise wait and send again.
    """

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response = response


class Limiter(httpx.BaseTransport):
    """A transport that lets requests through at a bounded rate.

    When the platform answers 429 with `Retry-After` seconds, every thread holds back until then,
    instead of each one earning its own 429.

    Args:
        inner: The transport that sends.
        per_second: Requests a second; 0 means no bound.
        clock: The clock, so that tests need not wait.
    """

    def __init__(self, inner: httpx.BaseTransport, per_second: float, clock: Time) -> None:
        self._inner = inner
        self._interval = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.now()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a turn, send, and hold everybody back after a 429."""
        with self._lock:
            now = self._clock.now()
            turn = max(self._next, now)
            self._next = turn + self._interval
        if turn > now:
            self._clock.sleep(turn - now)
        response = self._inner.handle_request(request)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            response.read()
            if _SIZE.search(response.text):
                raise TooLargeError(response)
            wait = response.headers.get("retry-after", "")
            if wait.isascii() and wait.isdigit():
                with self._lock:
                    self._next = max(self._next, self._clock.now() + min(int(wait), 60))
        return response

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()
