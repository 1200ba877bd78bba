"""The loopback listener: takes the browser's way back from the consent page.

Bound to 127.0.0.1 alone; it answers GET of one path, whose Host header names this machine (so that
no web site can reach it by pointing a name of its own here), and takes one answer: the one with our
state. It logs nothing and repeats nothing of what it was sent.
"""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import urlsplit

from . import page
from .grant import Answer, Denial, MisfitError, NoCodeError, Question, of_query

_LARGEST_REQUEST = 64 * 1024  # bytes of request line and headers together
_LONGEST_TARGET = 32 * 1024  # characters
_LONGEST_SILENCE = 5.0  # seconds without a byte
_MOST_CONNECTIONS = 32
_MOST_MISFITS = 8
_NAMES = ("127.0.0.1", "localhost")


class ListenError(Exception):
    """The port can't be had; the text says why."""


@dataclass(frozen=True)
class Place:
    """Where the browser comes back to on this machine."""

    host: str
    port: int
    path: str


def place_of(callback_url: str) -> Place | None:
    """Return where to listen for a callback URL, or None when it is not this machine's to serve.

    Only http on 127.0.0.1 or localhost can be: we have no certificate, and bind nothing else.
    """
    try:
        parts = urlsplit(callback_url)
        port = parts.port or 80
    except ValueError:
        return None
    if parts.scheme != "http" or parts.hostname not in _NAMES or parts.username is not None:
        return None
    return Place(parts.hostname, port, parts.path or "/")


@dataclass(frozen=True)
class Reply:
    """What the browser is shown."""

    status: int
    page: bytes


class Listener:
    """Listens while its `with` block runs; readable, in the sense of `select`, once something came.

    Args:
        path: The one path that is served.
        port: Port to listen on; 0 takes a free one.
        public_port: Port in the callback URL when it is another one, as behind a forwarded port.

    Raises:
        ListenError: The port is taken or not allowed.
    """

    def __init__(self, path: str, port: int = 0, public_port: int | None = None) -> None:
        self._path = path
        self._question: Question | None = None
        self._lock = threading.Lock()
        self._answer: Answer | None = None
        self._misfits: deque[str] = deque(maxlen=_MOST_MISFITS)
        self._wake, self._woken = socket.socketpair()
        self._wake.settimeout(0)
        self._woken.settimeout(0)
        try:
            self._server = _Server(("127.0.0.1", port), self)
        except (OSError, OverflowError) as error:
            self._wake.close()
            self._woken.close()
            reason = getattr(error, "strerror", None) or "it is no port"
            message = f"port {port} of 127.0.0.1 can't be listened on: {reason}"
            raise ListenError(message) from None
        self.port: int = self._server.server_address[1]
        ports = {self.port, public_port or self.port}
        # Browsers leave out port 80.
        self._hosts = {f"{name}:{p}" for name in _NAMES for p in ports}
        self._hosts |= set(_NAMES) if 80 in ports else set()  # noqa: PLR2004 - the port of http
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="callback", daemon=True
        )

    def ask(self, question: Question) -> None:
        """Take the answer to this question from now on."""
        self._question = question

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.finish()
        self._wake.close()
        self._woken.close()

    def fileno(self) -> int:
        """Return what becomes readable once there is an answer, or a misfit to tell."""
        return self._woken.fileno()

    @property
    def answer(self) -> Answer | None:
        """The answer, once there is one."""
        with self._lock:
            return self._answer

    def misfits(self) -> list[str]:
        """Return why callbacks since the last call were not taken, the latest few."""
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass
        with self._lock:
            found = list(self._misfits)
            self._misfits.clear()
            return found

    def reply(self, method: str, target: str, host: str) -> Reply:
        """Return what to answer to a request, and keep the answer it brings.

        Args:
            method: HTTP method.
            target: The request's target: path and query.
            host: Its Host header.
        """
        if host.lower() not in self._hosts:
            return Reply(421, page.WRONG_HOST)
        path, _, query = target.partition("?")
        if path != self._path:
            return Reply(404, page.NOT_FOUND)
        if method != "GET":
            return Reply(405, page.WRONG_METHOD)
        if len(target) > _LONGEST_TARGET:
            return Reply(414, page.TOO_LONG)
        return self._take(query)

    def _take(self, query: str) -> Reply:
        with self._lock:
            if self._question is None:
                return Reply(400, page.MISFIT)
            try:
                answer = of_query(query, self._question)
            except MisfitError as misfit:
                self._misfits.append(str(misfit))
                self._call()
                return Reply(400, page.NO_CODE if isinstance(misfit, NoCodeError) else page.MISFIT)
            if self._answer is not None:
                return Reply(409, page.AGAIN)
            self._answer = answer
            self._call()
        return Reply(200, page.DENIED if isinstance(answer, Denial) else page.GRANTED)

    def _call(self) -> None:
        with suppress(BlockingIOError):  # so many calls are waiting already
            self._wake.send(b".")


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread for each connection, so that a browser's idle ones don't hold up the others."""

    daemon_threads = True
    block_on_close = False
    # Elsewhere than on POSIX it would let another program listen on the same port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, address: tuple[str, int], listener: Listener) -> None:
        self.listener = listener
        self._lock = threading.Lock()
        self._open: deque[socket.socket] = deque()
        self._idle = threading.Condition(self._lock)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.append(request)
            oldest = self._open[0] if len(self._open) > _MOST_CONNECTIONS else None
        if oldest is not None:
            _cut(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._lock:
            with suppress(ValueError):
                self._open.remove(request)
            self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a traceback could show the code."""

    def finish(self) -> None:
        """Let the pages that are being sent arrive, then cut what is left."""
        with self._idle:
            for connection in list(self._open):
                _cut(connection, socket.SHUT_RD)  # who has asked nothing yet, asks no more
            self._idle.wait_for(lambda: not self._open, timeout=_LONGEST_SILENCE)
            for connection in list(self._open):
                _cut(connection)


def _cut(connection: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with suppress(OSError):
        connection.shutdown(how)


class _Limited:
    """A stream that ends after so many bytes."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readline(self, size: int = -1) -> bytes:
        size = self._left if size < 0 else min(size, self._left)
        line: bytes = self._stream.readline(size)
        self._left -= len(line)
        return line

    def close(self) -> None:
        self._stream.close()


class _Handler(BaseHTTPRequestHandler):
    """One request for each connection; every method, every mistake gets a page of ours."""

    server: _Server
    timeout = _LONGEST_SILENCE
    default_request_version = "HTTP/1.0"  # so that every answer has headers
    server_version = "elements"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile: Any = _Limited(self.rfile, _LARGEST_REQUEST)

    def parse_request(self) -> bool:
        """Answer at once, whatever the method: `http.server` looks for a method of its name."""
        if super().parse_request():
            listener = self.server.listener
            host = self.headers.get("Host") or ""
            self._send(listener.reply(self.command, self.path, host))
        return False

    def send_error(self, code: int, *_: Any) -> None:
        """Answer a request that can't be read, without repeating it as `http.server` does."""
        self._send(Reply(int(code), page.BAD_REQUEST))

    def _send(self, reply: Reply) -> None:
        self.close_connection = True
        self.send_response(reply.status)
        for name, value in page.HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.page)))
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(reply.page)

    def log_message(self, *_: Any) -> None:
        """Log nothing: the request line holds the code."""
