"""The process that runs the provider: Pulumi's dynamic provider server, seen from inside.

The dynamic provider interface hands over less than the engine sent, and shows every exception as a
traceback. What is missing is taken from the server's own frames; every look is guarded, and where
nothing is found (unit tests, another SDK) the provider goes on without it.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, status_pb2

from provider.api.errors import CloudElementsError, sentence
from provider.doors.lifeline import Lifeline
from provider.instance.host import HalfMadeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

_METHODS = frozenset({"Check", "Diff", "Create", "Read", "Update", "Delete"})
_PROVIDER = "__provider"
_LOG_SECONDS = 5.0


@dataclass(frozen=True)
class HostCall:
    """The engine's call that is being served."""

    request: Any
    context: grpc.ServicerContext

    def bag(self, field: str) -> dict[str, Any]:
        """Return a property bag of the request, unknowns kept; empty when it has none."""
        struct = getattr(self.request, field, None)
        if struct is None:
            return {}
        bag = rpc.deserialize_properties(struct, keep_unknowns=True, keep_internal=True)
        return {key: value for key, value in bag.items() if key != _PROVIDER}

    @property
    def old_inputs(self) -> dict[str, Any]:
        """The inputs that the state has; a read has no others."""
        return self.bag("inputs" if hasattr(self.request, "inputs") else "old_inputs")

    @property
    def awaited(self) -> bool:
        """Whether the engine is there and still waits for the answer."""
        return self.context.is_active()

    @property
    def provider(self) -> str | None:
        """The serialized provider in the request: what the engine must find in the state."""
        for field in ("news", "properties", "inputs"):
            struct = getattr(self.request, field, None)
            if struct is not None and _PROVIDER in struct:
                return str(rpc.deserialize_properties(struct, keep_unknowns=True)[_PROVIDER])
        return None


def frames(frame: FrameType | None = None) -> Iterator[FrameType]:
    """Yield a frame and those that called it, the nearest first; our own by default."""
    found: FrameType | None = frame or sys._getframe(1)  # noqa: SLF001 - the one way to the server's own call
    while found is not None:
        yield found
        found = found.f_back


def current_call(frame: FrameType | None = None) -> HostCall | None:
    """Return the engine's call that a thread serves, by its frame, or None outside of a server."""
    for one in frames(frame):
        if one.f_code.co_name in _METHODS:
            request, context = one.f_locals.get("request"), one.f_locals.get("context")
            if request is not None and isinstance(context, grpc.ServicerContext):
                return HostCall(request, context)
    return None


def serving() -> bool:
    """Tell whether any thread of the server is at a call, of whatever provider."""
    return any(map(current_call, sys._current_frames().values()))  # noqa: SLF001 - the only way


def _waited_for() -> bool:
    call = current_call()
    return call is None or call.awaited


lifeline = Lifeline(waited_for=_waited_for, serving=serving)


def whole(bag: dict[str, Any], field: str) -> dict[str, Any]:
    """Return a property bag with the hidden keys of ours that the server took out of it.

    Older SDKs (3.217 among them) drop every key that begins with `__` from what they hand over.

    Args:
        bag: What the server handed over.
        field: Its name in the request.
    """
    call = current_call()
    if call is None or any(key.startswith("__") and key != _PROVIDER for key in bag):
        return bag
    hidden = {key: value for key, value in call.bag(field).items() if key.startswith("__")}
    return bag | hidden


@contextmanager
def one_line_errors(
    verb: str, name: str, advise: Callable[[CloudElementsError], str | None] = lambda _: None
) -> Iterator[None]:
    """Turn every exception inside into the one sentence that the user sees.

    Our own errors are told in full. Of any other only type and place are told, for its text may
    hold anything.

    Args:
        verb: What could not be done.
        name: Name of the element instance.
        advise: What the user can do about an error of ours.
    """
    half_made: HalfMadeError | None = None
    try:
        yield
    except HalfMadeError as error:
        half_made = error
        message = sentence(verb, name, str(error))
    except CloudElementsError as error:
        message = sentence(verb, name, error, then=advise(error))
    except Exception as error:  # noqa: BLE001 - the boundary: nothing may get past with its text
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        message = sentence(
            verb,
            name,
            f"unexpected {type(error).__name__} in {place}",
            then="this is a defect of the provider; please report it with this line",
        )
    else:
        return
    _fail(message, half_made)


def _fail(message: str, half_made: HalfMadeError | None) -> None:
    call = current_call()
    if call is not None:
        # Standard gRPC rich status: the engine shows its message instead of the traceback that the
        # SDK puts into the plain one.
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
        if half_made is not None:
            detail = provider_pb2.ErrorResourceInitFailed(
                id=half_made.instance_id,
                properties=_struct(half_made.outputs | {_PROVIDER: call.provider}),
                reasons=[message],
            )
            status.details.add().Pack(detail)
        call.context.set_trailing_metadata(
            (("grpc-status-details-bin", status.SerializeToString()),)
        )
        if not hasattr(sys.modules["__main__"], "_abort_with_traceback"):
            # Before SDK 3.260 the server logs the traceback of what is raised; an abort it doesn't.
            call.context.abort(grpc.StatusCode.UNKNOWN, message)
    # `from None`, or the server's traceback would hold the first exception with all its text.
    if half_made is not None:
        raise HalfMadeError(half_made.instance_id, half_made.outputs, message) from None
    raise CloudElementsError(message) from None


def _struct(outputs: dict[str, Any]) -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(rpc.serialize_properties(outputs, {}))
    finally:
        loop.close()


def engine_address() -> tuple[str, int] | None:
    """Return where the engine listens that started this server: it is the last argument."""
    name, _, port = sys.argv[-1].rpartition(":")
    return (name, int(port)) if name == "127.0.0.1" and port.isdigit() else None


@functools.cache
def _engine() -> engine_pb2_grpc.EngineStub | None:
    """Return the engine that started this server."""
    address = engine_address()
    if address is None:
        return None
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel("{}:{}".format(*address)))


def warn(message: str) -> None:
    """Show a warning on the resource's line, or on the stack's when no resource is at hand."""
    _log(engine_pb2.WARNING, message)


@functools.cache
def warn_once(message: str) -> None:
    """Show a warning on the stack, however often this process comes upon it."""
    _log(engine_pb2.WARNING, message, urn="")


def note(message: str) -> None:
    """Show on the resource what a preview alone does not tell."""
    _log(engine_pb2.INFO, message)


def tell(message: str, *, urn: str | None = None) -> None:
    """Show passing progress on the resource's line; it leaves no trace in the output."""
    _log(engine_pb2.INFO, message, ephemeral=True, urn=urn)


def urn() -> str:
    """Return the URN of the resource at hand, or nothing."""
    call = current_call()
    return str(getattr(call.request, "urn", "")) if call else ""


def _log(severity: Any, message: str, *, ephemeral: bool = False, urn: str | None = None) -> None:
    if current_call() is None and urn is None:
        return
    engine = _engine()
    if engine is None:
        return
    place = urn if urn is not None else globals()["urn"]()
    request = engine_pb2.LogRequest(
        severity=severity, message=message, urn=place, ephemeral=ephemeral
    )
    try:
        engine.Log(request, timeout=_LOG_SECONDS)
    except grpc.RpcError:
        return  # a message that can't be shown must not break a deployment


_PROGRESS_SECONDS = 5.0


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on the resource's line how long the platform has kept us waiting."""
    place = urn()
    if not place or _engine() is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        seconds = _PROGRESS_SECONDS
        while not done.wait(_PROGRESS_SECONDS):
            tell(f"{what}, waiting for the platform, {seconds:.0f} s", urn=place)
            seconds += _PROGRESS_SECONDS

    threading.Thread(target=watch, name="progress", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def widen(workers: int) -> bool:
    """Let the server that runs us serve `workers` calls at once, instead of its four.

    Its thread pool is reached through the frame of the worker that serves this call. On any
    surprise everything stays as it is, and that is said once.

    Returns:
        Whether the pool now has that many workers.
    """
    if current_call() is None:
        return False
    pool = next(
        (
            reference()
            for frame in frames()
            if frame.f_code.co_name == "_worker"
            and (reference := frame.f_locals.get("executor_reference")) is not None
        ),
        None,
    )
    try:
        if not isinstance(pool, ThreadPoolExecutor):
            raise TypeError  # noqa: TRY301 - the same way out as any other surprise
        # ruff: disable[SLF001] - the standard library has no public way
        if workers > pool._max_workers:
            pool._max_workers = workers
            # Calls that queued up behind this one were submitted under the old limit.
            for _ in range(min(workers, pool._work_queue.qsize())):
                pool._adjust_thread_count()
        # ruff: enable[SLF001]
    except (AttributeError, TypeError):
        warn("this Pulumi SDK's server can't be widened, so it works on four instances at once")
        return False
    return True


class DynamicHost:
    """The host of the rules in Pulumi's dynamic server, see `provider.instance.host`."""

    # ruff: disable[D102]
    def warn(self, message: str) -> None:
        warn(message)

    def warn_once(self, message: str) -> None:
        warn_once(message)

    def note(self, message: str) -> None:
        note(message)

    def progress(self, message: str) -> None:
        tell(message)

    def waiting(self, what: str) -> AbstractContextManager[None]:
        return waiting(what)

    def urn(self) -> str:
        return urn()

    def old_inputs(self) -> dict[str, Any] | None:
        call = current_call()
        return call.old_inputs if call else None

    def awaited(self) -> bool:
        return lifeline.awaited()

    def go_on(self) -> None:
        lifeline.go_on()

    def sleep(self, seconds: float) -> None:
        lifeline.sleep(seconds)

    # ruff: enable[D102]
