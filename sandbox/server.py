"""The sandbox as a running server: uvicorn in a thread, on a real loopback socket."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import PREFIX, Application
from .backdoor import Backdoor
from .builder import own_elements
from .catalogue import catalogue
from .collection import Elements, load_folder
from .control import Control
from .tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

USER_SECRET = "sandbox-user-secret"
ORGANIZATION_SECRET = "sandbox-organization-secret"


class Sandbox(Control):
    """A stand-in for the platform that listens while its `with` block runs.

    `elements` is a folder of files as `GET /elements/{key}` answers them, added to the built-in
    ones unless `builtin` is off; `complaints` names the files that are left out. `clock` gives
    seconds since the epoch and `sleep` waits; both are real unless replaced.
    """

    def __init__(
        self,
        *,
        elements: str | Path | None = None,
        builtin: bool = True,
        lenient: bool = False,
        switches: Mapping[str, object] | None = None,
        seed: int = 0,
        db: str | Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        user_secret: str = USER_SECRET,
        organization_secret: str = ORGANIZATION_SECRET,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        loaded, self.complaints = load_folder(Path(elements)) if elements else ([], [])
        self.user_secret = user_secret
        self.organization_secret = organization_secret
        self._address = (host, port)
        tenant = Tenant(
            elements=Elements([*(catalogue() if builtin else []), *loaded], lenient=lenient),
            switches=switches or {},
            seed=seed,
            db=str(db) if db else None,
            clock=clock,
            user_secret=user_secret,
            organization_secret=organization_secret,
        )
        for element in own_elements(tenant):
            tenant.elements.add(element)
        super().__init__(tenant)
        backdoor = Backdoor(tenant, self).application()
        self._server = _Server(Application(tenant, backdoor, sleep))
        self._thread: threading.Thread | None = None
        self.base_url = ""
        """Address of the API, ending in /elements/api-v2; empty before the start."""

    def start(self) -> None:
        """Listen; return when connections are accepted."""
        listener = socket.create_server(self._address, backlog=2048)
        host, port = listener.getsockname()[:2]
        self.base_url = f"http://{host}:{port}{PREFIX}"
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="sandbox", daemon=True
        )
        self._thread.start()
        self._server.ready.wait()

    def stop(self) -> None:
        """Close every connection at once and stop listening."""
        if self._thread is not None:
            self._server.stop()
            self._thread.join()
            self._thread = None
        self._tenant.store.close()

    def __enter__(self) -> Self:
        if self._thread is None:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Protocol(H11Protocol):
    """Lets the application reach the connection of a request, in order to cut it."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # asyncio leaves this to sockets made with an explicit protocol number. Without it an
        # answer's body waits 40 ms for the client to acknowledge its head.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Starts and stops without uvicorn's polling, since a test may start many."""

    def __init__(self, application: Application) -> None:
        config = uvicorn.Config(
            application,
            loop="asyncio",
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            # Longer than a client keeps a connection, so that it never meets a closed one.
            timeout_keep_alive=300,
        )
        super().__init__(config)
        self.ready = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._running_loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Serve until `stop` is called."""
        self._running_loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        while not self._stopping.is_set():
            await self.on_tick(0)  # keeps the Date header right
            self.ready.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything without waiting for requests in work."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """Ask the serving thread to end."""
        assert self._running_loop is not None
        assert self._stopping is not None
        self._running_loop.call_soon_threadsafe(self._stopping.set)
