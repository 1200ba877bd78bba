"""The loopback listener on a real socket: who is let in, what is said, and what never is."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from contextlib import ExitStack, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provider.consent import page
from provider.consent.grant import Denial, Grant, Question
from provider.consent.listener import Listener, ListenError, _Handler, place_of

STATE = "the-state-that-was-sent"
CODE = "one-time-code-4711"
GOOD = f"/callback?code={CODE}&state={STATE}"


@pytest.fixture
def listener():
    """Listen for the answer to one question."""
    with Listener("/callback") as running:
        running.ask(Question(STATE))
        yield running


def ask(listener, target, *, method="GET", host=None):
    """Send one request; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    connection.putrequest(method, target, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{listener.port}")
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, dict(response.getheaders()), body


def raw(listener, data):
    """Send bytes, as many as are taken; return all that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as connection:
        received = b""
        with suppress(OSError):  # cut off, which may be before all is sent
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
        return received


def test_it_listens_on_this_machine_alone(listener):
    """The socket is bound to 127.0.0.1 and to no other address."""
    assert listener._server.socket.getsockname()[0] == "127.0.0.1"


def test_our_answer_is_kept_and_wakes_the_waiting(listener):
    """A callback with our state is the answer, and the listener becomes readable."""
    assert select.select([listener], [], [], 0)[0] == []

    status, _, body = ask(listener, GOOD)

    assert (status, body) == (200, page.GRANTED)
    assert listener.answer == Grant(CODE, {})
    assert select.select([listener], [], [], 0)[0] == [listener]


def test_a_page_shows_nothing_of_the_request_and_is_not_stored(listener):
    """No code, no state; no copy in caches, histories, frames or referrers."""
    _, headers, body = ask(listener, GOOD)

    assert CODE.encode() not in body
    assert STATE.encode() not in body
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Location" not in headers


@pytest.mark.parametrize(
    "target",
    [
        "/callback",
        f"/callback?code={CODE}",
        f"/callback?code={CODE}&state=another",
        "/callback?error=access_denied&state=another",
    ],
)
def test_a_callback_of_another_request_is_refused_and_waited_on(listener, target):
    """400, nothing is kept, and our own answer is still taken after it."""
    status, _, body = ask(listener, target)

    assert (status, body) == (400, page.MISFIT)
    assert listener.answer is None
    assert select.select([listener], [], [], 10)[0] == [listener]
    (why,) = listener.misfits()
    assert "belongs to another request" in why
    assert listener.misfits() == []
    assert select.select([listener], [], [], 0)[0] == []
    assert ask(listener, GOOD)[0] == 200


def test_our_state_without_a_code_gets_a_page_of_its_own(listener):
    """It is no older tab: the vendor itself sent no code."""
    status, _, body = ask(listener, f"/callback?state={STATE}")

    assert (status, body) == (400, page.NO_CODE)
    assert listener.misfits() == ["it carries no code"]
    assert ask(listener, GOOD)[0] == 200


def test_any_number_of_misfits_is_taken(listener):
    """A hostile page sends more than anybody reads: the last few are kept, and the answer is."""
    for _ in range(2000):
        assert listener.reply("GET", "/callback?x", f"127.0.0.1:{listener.port}").status == 400

    assert len(listener.misfits()) == 8
    assert ask(listener, GOOD)[0] == 200
    assert select.select([listener], [], [], 0)[0] == [listener]


def test_a_denial_is_an_answer(listener):
    """The browser is told, and the waiting ends."""
    status, _, body = ask(listener, f"/callback?error=access_denied&state={STATE}")

    assert (status, body) == (200, page.DENIED)
    assert listener.answer == Denial("access_denied")


def test_the_first_answer_counts(listener):
    """A second tab is told that it is late, and changes nothing."""
    ask(listener, GOOD)
    status, _, body = ask(listener, f"/callback?code=second&state={STATE}")

    assert (status, body) == (409, page.AGAIN)
    assert listener.answer == Grant(CODE, {})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "localhost.:{port}",
    ],
)
def test_a_name_that_is_not_this_machines_is_refused(listener, host):
    """A site that rebinds its own name to 127.0.0.1 learns and does nothing."""
    status, _, body = ask(listener, GOOD, host=host.format(port=listener.port))

    assert (status, body) == (421, page.WRONG_HOST)
    assert listener.answer is None


def test_both_names_of_this_machine_are_served(listener):
    """The callback URL may say 127.0.0.1 or localhost."""
    assert ask(listener, "/callback?x", host=f"LocalHost:{listener.port}")[0] == 400
    assert ask(listener, "/callback?x")[0] == 400


def test_the_port_of_the_callback_url_is_served_behind_a_forwarded_one():
    """The browser names the port that it knows."""
    with Listener("/callback", public_port=8080) as listener:
        listener.ask(Question(STATE))

        assert ask(listener, GOOD, host="localhost:8080")[0] == 200


def test_one_path_alone_is_served(listener):
    """Everything else is not there, also when it carries our state."""
    for target in (
        f"/?code={CODE}&state={STATE}",
        f"/callback/?code={CODE}&state={STATE}",
        f"/Callback?code={CODE}&state={STATE}",
        f"/x/../callback?code={CODE}&state={STATE}",
        f"http://127.0.0.1:{listener.port}{GOOD}",
        "/favicon.ico",
        "*",
    ):
        assert ask(listener, target)[0] == 404, target
    assert listener.answer is None


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "X"])
def test_one_method_alone_is_served(listener, method):
    """A link checker's HEAD does not spend the code."""
    status, _, body = ask(listener, GOOD, method=method)

    assert status == 405
    assert (body == b"") == (method == "HEAD")
    assert listener.answer is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /callback\r\n\r\n",
        b"GET /callback HTTP/9.9\r\n\r\n",
        b"GET /callback HTTP/1.1\r\nbroken header\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /callback HTTP/1.1\r\n" + b"x: y\r\n" * 500 + b"\r\n",
        b"GET /callback HTTP/1.1\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS, as for an https callback
    ],
)
def test_garbage_gets_our_page_or_nothing(listener, data, capfd):
    """No traceback, no repetition of what was sent, and the listener goes on."""
    answer = raw(listener, data)

    assert b"aaaa" not in answer
    assert not answer or answer.startswith((b"HTTP/1.0 4", b"HTTP/1.0 505"))
    assert listener.answer is None
    assert ask(listener, GOOD)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_request_over_the_limit_is_cut_off(listener):
    """A callback of 40 kB with our state is refused for its length."""
    status, _, body = ask(listener, f"{GOOD}&x={'y' * 40_000}")

    assert (status, body) == (414, page.TOO_LONG)
    assert listener.answer is None


def test_a_request_of_many_headers_is_cut_off(listener):
    """Each line and their number are in order, and all together are too much."""
    headers = "".join(f"x-{i}: {'y' * 1000}\r\n" for i in range(90))
    host = f"Host: 127.0.0.1:{listener.port}\r\n"

    answer = raw(listener, f"GET {GOOD} HTTP/1.1\r\n{headers}{host}\r\n".encode())

    assert b" 200 " not in answer
    assert listener.answer is None


def test_a_silent_connection_is_closed(listener, monkeypatch):
    """Whoever says nothing, or not all, does not hold a connection for ever."""
    assert _Handler.timeout == 5
    monkeypatch.setattr(_Handler, "timeout", 0.1)

    for said in (b"", b"GET /callback"):
        with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as connection:
            connection.sendall(said)

            assert connection.recv(1000) == b""


def test_the_oldest_connection_makes_room(listener, monkeypatch):
    """No more are open than a browser needs; the others go on."""
    monkeypatch.setattr(_Handler, "timeout", 60)
    with ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", listener.port), timeout=10))
            for _ in range(33)
        ]

        assert idle[0].recv(1000) == b""
        assert select.select(idle[1:], [], [], 0)[0] == []


def test_nothing_is_logged(listener, capfd, caplog):
    """The request line holds the code, so it stands nowhere."""
    ask(listener, GOOD)
    ask(listener, "/other")

    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""


def test_idle_connections_do_not_hold_up_the_answer(listener):
    """A browser opens connections ahead; a hostile page opens many more."""
    idle = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(80)]

    assert ask(listener, GOOD)[0] == 200

    for connection in idle:
        connection.close()


def test_the_last_page_arrives_before_the_listener_ends():
    """Whoever closes the listener at once does not cut off the result page."""
    for _ in range(20):
        with Listener("/callback") as listener:
            listener.ask(Question(STATE))
            got = []
            browser = threading.Thread(target=lambda: got.append(ask(listener, GOOD)))  # noqa: B023
            browser.start()
            assert select.select([listener], [], [], 10)[0]
        browser.join()
        assert got[0][2] == page.GRANTED


def test_before_the_question_nothing_is_taken():
    """A callback that comes before anything was asked can't be ours."""
    with Listener("/callback") as listener:
        assert ask(listener, GOOD)[0] == 400
        assert listener.answer is None


def test_a_taken_port_is_told():
    """The port is named, and nothing is left open."""
    with Listener("/callback") as first, pytest.raises(ListenError, match=str(first.port)):
        Listener("/callback", first.port)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:8080/callback", ("127.0.0.1", 8080, "/callback")),
        ("http://localhost:8080", ("localhost", 8080, "/")),
        ("http://localhost/cb", ("localhost", 80, "/cb")),
        ("https://localhost:8080/cb", None),
        ("http://[::1]:8080/cb", None),
        ("http://127.0.0.2:8080/cb", None),
        ("http://0.0.0.0:8080/cb", None),
        ("http://localhost.evil.example:8080/cb", None),
        ("http://user@127.0.0.1:8080/cb", None),
        ("https://app.example.com/oauth", None),
        ("http://127.0.0.1:99999/cb", None),
        ("myapp://callback", None),
        ("", None),
    ],
)
def test_only_http_on_this_machine_is_listened_to(url, place):
    """Every other callback URL is somebody else's to serve."""
    found = place_of(url)

    assert (found and (found.host, found.port, found.path)) == place


@pytest.fixture(scope="module")
def hardened():
    """Listen for all examples of the fuzzing."""
    with Listener("/callback") as running:
        running.ask(Question(STATE))
        yield running


_PIECES = st.sampled_from(
    [
        b"GET ",
        b"POST ",
        b"/callback",
        b"?code=x",
        b"&state=",
        b"&",
        b"%00",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b"Host: 127.0.0.1\r\n",
        b"Host: evil\r\n",
        b"Content-Length: 5\r\n",
        b"Expect: 100-continue\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"\n",
        b"\x00",
        b"\xff",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=40)), max_size=12).map(b"".join))
def test_no_bytes_make_it_answer_for_another(hardened, data):
    """Whatever arrives: nothing is granted, nothing but our own pages comes back."""
    answer = raw(hardened, data)

    assert hardened.answer is None
    head, _, body = answer.partition(b"\r\n\r\n")
    assert not head or head.split(b" ")[1][:1] in (b"1", b"4", b"5"), head
    known = [page.BAD_REQUEST, page.MISFIT, page.NOT_FOUND, page.WRONG_HOST, page.WRONG_METHOD]
    assert body in (b"", *known) or body.partition(b"\r\n\r\n")[2] in known


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30), st.text(max_size=60), st.text(max_size=30))
def test_no_request_without_our_state_is_granted(method, target, host):
    """The judgement itself, without a socket: never an error, never a grant."""
    listener = Listener("/callback")
    listener.ask(Question(STATE))
    try:
        for tried in (target, f"/callback?{target}"):
            for name in (host, f"127.0.0.1:{listener.port}"):
                reply = listener.reply(method, tried, name)
                assert 400 <= reply.status < 500
        reply = listener.reply("GET", f"/callback?{target}", f"127.0.0.1:{listener.port}")
        assert (reply.status, reply.page) == (400, page.MISFIT)
        assert listener.answer is None
    finally:
        listener._server.server_close()
        listener._wake.close()
        listener._woken.close()
