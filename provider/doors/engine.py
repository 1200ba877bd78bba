"""The engine as every door sees it: who waits for a call, and where its messages are shown."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from .call import CURRENT
from .lifeline import Lifeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOG_SECONDS = 5.0
_PROGRESS_SECONDS = 5.0
_AWAITS = "3.274.0"
"""The first engine that was seen to let a resource wait."""


class EngineHost:
    """The host of the rules in a server that an engine started, see `provider.instance.host`.

    The engine listens at an address, where there is one; `busy` tells whether the server is at a
    call, of whatever provider.
    """

    def __init__(self, address: tuple[str, int] | None, busy: Callable[[], bool]) -> None:
        self._address: tuple[str, int] | None = None
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._lifeline = Lifeline(busy)
        self.awaited = self._lifeline.awaited
        self.go_on = self._lifeline.go_on
        self.sleep = self._lifeline.sleep
        self.remaining = self._lifeline.remaining
        self.cancel = self._lifeline.cancel
        self._said_once: set[str] = set()
        self._can_await: bool | None = None
        self._asking = threading.Lock()
        if address is not None:
            self.attach(address)

    def attach(self, address: tuple[str, int]) -> None:
        """Show messages at the engine that listens at an address."""
        # It is on this machine; a proxy that the environment names would be asked for it.
        direct = (("grpc.enable_http_proxy", 0),)
        channel = grpc.insecure_channel("{}:{}".format(*address), options=direct)
        self._address, self._engine = address, engine_pb2_grpc.EngineStub(channel)

    def warn(self, message: str) -> None:
        """Show a warning on the resource's line, or on the stack's when no resource is at hand."""
        self._log(engine_pb2.WARNING, message)

    def warn_once(self, message: str) -> None:
        """Show a warning on the stack, however often this process comes upon it."""
        if message not in self._said_once:
            self._said_once.add(message)
            self._log(engine_pb2.WARNING, message, urn="")

    def note(self, message: str) -> None:
        """Show on the resource what a preview alone does not tell."""
        self._log(engine_pb2.INFO, message)

    def progress(self, message: str, *, urn: str | None = None) -> None:
        """Show passing progress on the resource's line; it leaves no trace in the output."""
        self._log(engine_pb2.INFO, message, ephemeral=True, urn=urn)

    def _log(
        self, severity: Any, message: str, *, ephemeral: bool = False, urn: str | None = None
    ) -> None:
        if self._engine is None or (urn is None and CURRENT.get() is None):
            return
        request = engine_pb2.LogRequest(
            severity=severity,
            message=message,
            urn=self.urn() if urn is None else urn,
            ephemeral=ephemeral,
        )
        try:
            self._engine.Log(request, timeout=_LOG_SECONDS)
        except grpc.RpcError:
            return  # a message that can't be shown must not break a deployment

    def can_await(self) -> bool:
        """Tell whether the engine lets a resource wait; one that can't say its version does not."""
        with self._asking:
            if self._can_await is None:
                self._can_await = self._is_at_least(_AWAITS)
        return self._can_await

    def _is_at_least(self, version: str) -> bool:
        if self._engine is None:
            return False
        try:
            request = engine_pb2.RequirePulumiVersionRequest(pulumi_version_range=f">={version}")
            self._engine.RequirePulumiVersion(request, timeout=_LOG_SECONDS)
        except (AttributeError, grpc.RpcError):  # an older SDK, an older engine
            return False
        return True

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show on the resource's line how long the platform has kept us waiting."""
        urn = self.urn()
        if not urn or self._engine is None:
            yield
            return
        done = threading.Event()

        def watch() -> None:
            seconds = _PROGRESS_SECONDS
            while not done.wait(_PROGRESS_SECONDS):
                self.progress(f"{what}, waiting for the platform, {seconds:.0f} s", urn=urn)
                seconds += _PROGRESS_SECONDS

        threading.Thread(target=watch, name="progress", daemon=True).start()
        try:
            yield
        finally:
            done.set()

    def urn(self) -> str:
        """Return the URN of the resource at hand, or nothing."""
        call = CURRENT.get()
        return call.urn if call else ""

    def old_inputs(self) -> dict[str, Any] | None:
        """Return the inputs that the state has of the resource at hand; None outside of a call."""
        call = CURRENT.get()
        return call.old_inputs if call else None

    def end_with_engine(self, at_the_end: Callable[[bool], None]) -> None:
        """From now on, end this process when its engine is gone; see `Lifeline.watch`."""
        if self._address is not None:
            self._lifeline.watch(self._address, at_the_end)
