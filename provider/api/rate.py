"""The last step before the wire: an even pace, one common pause after a refusal, whole answers."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from .errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .request import Request
    from .retry import Time

SAID = "cloud_elements_said"
"""Extension of a response: what it says."""
_BUSY = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})
_LONGEST_PAUSE = 60.0
_LARGEST_ANSWER = 100_000_000
_LOOKS = 0.5
"""Seconds between two checks whether to go on, while waiting for a connection."""


class Limiter(httpx.BaseTransport):
    """A transport that lets requests through at a bounded rate, and reads their answers whole.

    When the platform answers 429 or 503 with `Retry-After`, every thread holds back until then,
    for a minute at most, instead of each one earning its own refusal.

    Answers are read and judged here, inside the retrying transport, so that a connection lost in
    the middle of one is treated as any other, and so is an answer that is not the one expected.

    Args:
        inner: The transport that sends.
        per_second: Requests a second; 0 means no bound.
        timeout: Seconds that reading one answer may take altogether, unless its request has fewer.
        clock: The clock, so that tests need not wait.
        go_on: Raises when nothing may be sent any more; asked right before a request is.
        at_once: How many connections `inner` has.
        secrets: The account's, which must not be seen in an error.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        per_second: float,
        timeout: float,
        clock: Time,
        *,
        go_on: Callable[[], None] = lambda: None,
        at_once: int = 64,
        secrets: frozenset[str] = frozenset(),
    ) -> None:
        self._inner = inner
        self._interval = 1 / per_second if per_second else 0.0
        self._timeout = timeout
        self._clock = clock
        self._go_on = go_on
        self._secrets = secrets
        self._free = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._next = clock.now()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a turn, send, read, judge, and hold everybody back after a refusal.

        Raises:
            RequestError: There is no answer, or another one than is expected.
        """
        with self._lock:
            now = self._clock.now()
            turn = max(self._next, now)
            self._next = turn + self._interval
        if turn > now:
            self._clock.sleep(turn - now)
        bound = (request.extensions.get("timeout") or {}).get("read") or self._timeout
        request.extensions["trace"] = self._before_sending
        asked: Request[Any] = request.extensions["request"]
        lost = None
        with self._connection():
            try:
                response = self._read(
                    self._inner.handle_request(request), min(bound, self._timeout)
                )
            except httpx.HTTPError as error:
                lost = asked.lost(error)
        if lost is not None:
            raise lost  # outside the handler: httpx's error knows the address
        try:
            response.extensions[SAID] = asked.judge(response, self._secrets, self._clock)
        except RequestError as error:
            if error.status in _BUSY and error.retry_after is not None:
                pause = min(error.retry_after, _LONGEST_PAUSE)
                with self._lock:
                    self._next = max(self._next, self._clock.now() + pause)
            raise
        return response

    @contextmanager
    def _connection(self) -> Iterator[None]:
        """Wait until a connection is free: inside `inner`, nobody would check whether to go on."""
        while not self._free.acquire(timeout=_LOOKS):
            self._go_on()
        try:
            yield
        finally:
            self._free.release()

    def _before_sending(self, event: str, _: Any) -> None:
        """Check when the connection is made: httpcore calls this at each step."""
        if event.endswith("send_request_headers.started"):
            self._go_on()

    def _read(self, response: httpx.Response, seconds: float) -> httpx.Response:
        """Return the answer with its body read: httpx bounds only the wait for each piece."""
        if response.is_closed:
            return response
        deadline = self._clock.now() + seconds
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in response.iter_raw():
                pieces.append(piece)
                size += len(piece)
                if self._clock.now() > deadline or size > _LARGEST_ANSWER:
                    message = "the answer does not end"
                    raise httpx.ReadTimeout(message)
        finally:
            response.close()
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            content=b"".join(pieces),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()
