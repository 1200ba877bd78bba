"""The limiter: pace, the common pause, 429s about size, whole answers."""

import socket
import threading

import httpx
import pytest

from provider.api import rate
from provider.api.errors import (
    AbandonedError,
    AmbiguousError,
    APIError,
    Outcome,
    RateLimitError,
    StrangerError,
    TooLargeError,
)
from provider.api.rate import Limiter
from provider.api.request import Request
from provider.api.retry import Kind, Policy, Time


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.seconds = 0.0
        self.clock = Time(now=lambda: self.seconds, sleep=self._sleep, wall=lambda: self.seconds)

    def _sleep(self, seconds):
        self.seconds += seconds


def asked(**extensions):
    """A request whose answer may be anything that succeeds."""
    url = "https://platform.example/"
    return httpx.Request("GET", url, extensions={"request": Request("GET", "/"), **extensions})


def limiter(time, handler, *, per_second=0.0, timeout=60.0):
    return Limiter(httpx.MockTransport(handler), per_second, timeout, time.clock)


def test_requests_go_out_at_an_even_pace():
    time, sent = FakeTime(), []

    def note(_):
        sent.append(time.seconds)
        return httpx.Response(200)

    even = limiter(time, note, per_second=4.0)
    for _ in range(5):
        even.handle_request(asked())
    assert sent == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_without_a_bound_nothing_waits():
    time = FakeTime()
    free = limiter(time, lambda _: httpx.Response(200))
    for _ in range(100):
        free.handle_request(asked())
    assert time.seconds == 0


@pytest.mark.parametrize(
    ("code", "after", "pause"), [(429, "7", 7), (503, "7", 7), (429, "3600", 60), (500, "7", 0)]
)
def test_after_a_refusal_everybody_holds_back(code, after, pause):
    time = FakeTime()
    answers = [httpx.Response(code, headers={"retry-after": after}), httpx.Response(200)]
    shared = limiter(time, lambda _: answers.pop(0))
    with pytest.raises(APIError):
        shared.handle_request(asked())
    other = threading.Thread(target=shared.handle_request, args=(asked(),))
    other.start()
    other.join()
    assert time.seconds == pause


@pytest.mark.parametrize(
    "text",
    [
        "The payload is larger than the limit of 8 MB",
        "Request exceeds 8MB",
        "Request Entity Too Large",
        "maximum size limit reached",
        "Maximum request size is 8388608 bytes",
    ],
)
def test_a_429_about_size_is_an_error_of_its_own(text):
    time = FakeTime()
    large = limiter(time, lambda _: httpx.Response(429, json={"message": text}))
    with pytest.raises(TooLargeError, match=text):
        large.handle_request(asked())


@pytest.mark.parametrize(
    "text",
    ["Too many requests", "API rate limit exceeded for 10.8.0.1", "3 calls, max 2 per s", ""],
)
def test_a_429_about_pace_is_not(text):
    time = FakeTime()
    busy = limiter(time, lambda _: httpx.Response(429, text=text))
    with pytest.raises(RateLimitError):
        busy.handle_request(asked())


def test_only_a_429_speaks_of_size():
    time = FakeTime()
    refused = limiter(time, lambda _: httpx.Response(413, text="payload too large"))
    with pytest.raises(StrangerError):
        refused.handle_request(asked())


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"message": "failed", "providerMessage": "401 wrong password"}, Outcome.VENDOR_ERROR),
        ({"message": "failed", "providerMessage": None}, Outcome.SERVER_ERROR),
        ({"message": "failed"}, Outcome.SERVER_ERROR),
    ],
)
def test_a_server_error_tells_whether_the_vendor_had_a_say(body, outcome):
    time = FakeTime()
    broken = limiter(time, lambda _: httpx.Response(500, json=body))
    with pytest.raises(APIError) as caught:
        broken.handle_request(asked())
    assert caught.value.outcome is outcome


@pytest.mark.parametrize("code", [429, 500, 503])
@pytest.mark.parametrize(("after", "again"), [("9", True), ("11", False)])
def test_a_wait_beyond_the_budget_is_not_waited_for(code, after, again):
    time = FakeTime()
    policy = Policy(Kind.REPEATABLE, budget=10.0, clock=time.clock)
    busy = limiter(time, lambda _: httpx.Response(code, headers={"retry-after": after}))
    with pytest.raises(APIError) as caught:
        busy.handle_request(asked())
    assert policy.is_retryable_exception(caught.value) is again


class Pieces(httpx.SyncByteStream):
    """A body in pieces, with time passing before each."""

    def __init__(self, time, pieces, seconds):
        self.time, self.pieces, self.seconds = time, pieces, seconds
        self.closed = False

    def __iter__(self):
        for piece in self.pieces:
            self.time.seconds += self.seconds
            yield piece

    def close(self):
        """Note that the connection is free."""
        self.closed = True


def test_an_answer_in_pieces_is_read_whole_and_its_connection_freed():
    time = FakeTime()
    body = Pieces(time, [b'{"id"', b": 7}"], 1)
    whole = limiter(time, lambda _: httpx.Response(200, stream=body)).handle_request(asked())
    assert whole.json() == {"id": 7}
    assert body.closed


@pytest.mark.parametrize("pieces", [[b"x"] * 100, [b"x" * 30_000_000] * 4])
def test_an_answer_that_does_not_end_is_cut_off(pieces):
    """Each piece comes well within the time for one read; time and size are bounded in all."""
    time = FakeTime()
    body = Pieces(time, pieces, 1)
    endless = limiter(time, lambda _: httpx.Response(200, stream=body), timeout=60.0)
    with pytest.raises(AmbiguousError, match="no answer in time"):
        endless.handle_request(asked())
    assert body.closed


def test_a_request_with_less_time_gets_its_answer_in_that_or_not_at_all():
    time = FakeTime()
    body = Pieces(time, [b"x"] * 100, 1)
    endless = limiter(time, lambda _: httpx.Response(200, stream=body), timeout=60.0)
    timeout = httpx.Timeout(10).as_dict()
    with pytest.raises(AmbiguousError, match="no answer in time"):
        endless.handle_request(asked(timeout=timeout))
    assert time.clock.now() == pytest.approx(11)


def test_closing_closes_the_transport():
    inner = httpx.MockTransport(lambda _: httpx.Response(200))
    closed = []
    inner.close = lambda: closed.append(True)
    Limiter(inner, 0, 1, FakeTime().clock).close()
    assert closed


def test_nothing_is_sent_that_nobody_waits_for():
    """It is asked when the connection is made, which may take its time."""

    def abandoned():
        raise AbandonedError

    with socket.create_server(("127.0.0.1", 0)) as listener, httpx.HTTPTransport() as inner:
        request = asked()
        request.url = httpx.URL("http://{}:{}/".format(*listener.getsockname()))
        limiter = Limiter(inner, 0, 60, FakeTime().clock, go_on=abandoned)
        with pytest.raises(AbandonedError):
            limiter.handle_request(request)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1) == b""


def test_who_waits_for_a_connection_is_asked_again(monkeypatch):
    answers = [None, AbandonedError()]

    def go_on():
        if error := answers.pop(0):
            raise error

    def handler(_):
        if answers:  # the first, which has the only connection
            with pytest.raises(AbandonedError):
                busy.handle_request(asked())
        return httpx.Response(200)

    monkeypatch.setattr(rate, "_LOOKS", 0.0)
    time = FakeTime()
    busy = Limiter(httpx.MockTransport(handler), 0, 60, time.clock, go_on=go_on, at_once=1)
    assert busy.handle_request(asked()).status_code == 200
    assert busy.handle_request(asked()).status_code == 200  # the connection is free again
    assert answers == []
