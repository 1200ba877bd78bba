"""The server of a native provider: its port first, what does the work meanwhile.

Pulumi's engine waits for the port and then asks what needs no work: who is there, and whether it
is configured. All of Pulumi's SDK and the HTTP client are loaded in the meantime.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
import threading
import types
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2

from ..server import SPARE_WORKERS, address_of, engine_address, widen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .service import Service

    stubs: Any

SCHEMA = Path(__file__).with_name("schema.json")
_WORKERS = 64 + SPARE_WORKERS
"""Until the settings say otherwise."""
_LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes; the limit of Pulumi's own servers."""
_TURN = 0.5
"""Seconds: a main thread that waits for longer may sleep through a signal that another took."""
_LONGEST_END = 60.0
"""Seconds that requests under way get after a signal, as in `provider.doors.lifeline`."""


def _protocol() -> tuple[Any, Any, Any]:
    """Return the protocol's modules, without loading the rest of Pulumi's SDK."""
    own = [name for name in ("pulumi", "pulumi.runtime") if name not in sys.modules]
    spec = importlib.util.find_spec("pulumi")
    places = (spec and spec.submodule_search_locations) or ()
    for name in own:
        package = sys.modules[name] = types.ModuleType(name)
        inner = name.split(".")[1:]
        package.__path__ = [str(Path(place, *inner)) for place in places]
    names = ("plugin_pb2", "provider_pb2", "provider_pb2_grpc")
    found = [importlib.import_module(f"pulumi.runtime.proto.{name}") for name in names]
    if own:
        for name in (*own, "pulumi.runtime.proto"):
            del sys.modules[name]
    plugin, provider, stubs = found
    return plugin, provider, stubs


plugin_pb2, pb, stubs = _protocol()


class Front(stubs.ResourceProviderServicer):  # type: ignore[misc]  # it has no types
    """Answers at once what needs no work, and hands on the rest when it can be done."""

    def __init__(self, workers: ThreadPoolExecutor, address: tuple[str, int] | None) -> None:
        self._workers = workers
        self._address = address
        self._service: Future[Service] = Future()
        self._configured: Future[None] | None = None
        self._under_way = 0
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether any call is under way."""
        return self._under_way > 0

    def load(self) -> None:
        """Load what does the work."""
        try:
            import asyncio  # noqa: PLC0415

            from ..loading import lean  # noqa: PLC0415

            # Older SDKs (3.217 among them) ask for one while they are loaded.
            asyncio.set_event_loop(asyncio.new_event_loop())
            with lean():
                from .service import NativeHost, Service  # noqa: PLC0415

            self._service.set_result(Service(NativeHost(self._address, lambda: self.busy)))
        except BaseException as error:  # noqa: BLE001 - handed on to everyone who waits
            self._service.set_exception(error)

    def Handshake(self, request: Any, _context: Any) -> Any:
        """Say what is understood: plain values; what is secret is marked in what is given back."""
        if self._address is None:
            self._attach(request.engine_address)
        return pb.ProviderHandshakeResponse()

    def Attach(self, request: Any, _context: Any) -> Any:
        """Show messages at another engine: somebody started this server by hand."""
        self._attach(request.address)
        return empty_pb2.Empty()

    def _attach(self, address: str) -> None:
        self._address = address_of(address)
        if self._address is not None:
            self._service.result().attach(self._address)

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=json.loads(SCHEMA.read_bytes())["version"])

    def GetSchema(self, _request: Any, _context: Any) -> Any:
        """Tell the schema."""
        return pb.GetSchemaResponse(schema=SCHEMA.read_text(encoding="utf-8"))

    def GetMapping(self, _request: Any, _context: Any) -> Any:
        """Tell of no other format from which programs could be converted."""
        return pb.GetMappingResponse()

    def GetMappings(self, _request: Any, _context: Any) -> Any:
        """Tell of no other provider either."""
        return pb.GetMappingsResponse()

    def DiffConfig(self, request: Any, _context: Any) -> Any:
        """Tell whether settings change: never a reason to replace what was made with them."""
        same = request.old_inputs == request.news
        kinds = pb.DiffResponse
        return pb.DiffResponse(changes=kinds.DIFF_NONE if same else kinds.DIFF_SOME)

    def Configure(self, request: Any, _context: Any) -> Any:
        """Take the settings; whoever needs them waits until they are read."""
        configured: Future[None] = Future()
        self._configured = configured

        def configure() -> None:
            try:
                concurrency = self._service.result().configure(request)
                widen(self._workers, concurrency + SPARE_WORKERS)
                configured.set_result(None)
            except BaseException as error:  # noqa: BLE001 - handed on to everyone who waits
                configured.set_exception(error)

        threading.Thread(target=configure, name="configure").start()
        return pb.ConfigureResponse(supportsPreview=True)

    def Cancel(self, _request: Any, _context: Any) -> Any:
        """End what waits; what was sent is not cut off."""
        self.cancel()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Begin nothing more for any call."""
        self._service.result().cancel()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """See `Service.CheckConfig`."""
        return self._service.result().CheckConfig(request, context)

    @contextmanager
    def at_work(self) -> Iterator[Service]:
        """Count a call, and give what serves it."""
        with self._lock:
            self._under_way += 1
        try:
            if self._configured is not None:
                self._configured.result()
            yield self._service.result()
        finally:
            with self._lock:
                self._under_way -= 1


def _handed_on(name: str) -> Callable[[Front, Any, Any], Any]:
    def call(self: Front, request: Any, context: Any) -> Any:
        with self.at_work() as service:
            return getattr(service, name)(request, context)

    return call


for _name in ("Check", "Diff", "Create", "Read", "Update", "Delete", "Invoke", "List"):
    setattr(Front, _name, _handed_on(_name))


def main() -> None:
    """Serve until a signal says to end; the engine's address is the last argument."""
    ended = threading.Event()
    signals = []

    def end(number: int, _frame: Any) -> None:
        signals.append(number)
        if len(signals) > 1:
            os._exit(128 + number)
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    workers = ThreadPoolExecutor(max_workers=_WORKERS)
    front = Front(workers, engine_address())
    limits = [(f"grpc.max_{way}_message_length", _LARGEST_MESSAGE) for way in ("send", "receive")]
    server = grpc.server(workers, options=limits)
    stubs.add_ResourceProviderServicer_to_server(front, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=front.load, name="load").start()
    while not ended.wait(_TURN):
        pass
    front.cancel()
    for _ in range(int(_LONGEST_END / _TURN)):
        if not front.busy:
            break
        threading.Event().wait(_TURN / 5)
    server.stop(grace=None)
    sys.exit(0)
