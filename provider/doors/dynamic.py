"""The door of Pulumi's dynamic provider server: takes its calls to the rules, and answers.

The dynamic provider interface hands over less than the engine sent, and shows every exception as a
traceback. What is missing is taken from the server's own frames; every look is guarded, and where
nothing is found (unit tests, another SDK) the provider goes on without it.
"""

from __future__ import annotations

import asyncio
import binascii
import functools
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    UpdateResult,
)
from pulumi.runtime import rpc

from ..api.errors import CloudElementsError
from ..instance.context import Context
from ..instance.markers import MARKERS
from ..instance.operations import Operations
from ..instance.state import RECORD
from . import server, values
from .call import CURRENT, Call, serving
from .engine import EngineHost
from .names import inward, is_of_native_door
from .refusal import tell
from .values import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from pulumi.dynamic import ConfigureRequest

_METHODS = frozenset({"Check", "Diff", "Create", "Read", "Update", "Delete"})
_OLD_NAME = b"provider.lifecycle"

Properties = dict[str, Any]


class Door:
    """What the engine asks of the provider, in one server process."""

    def __init__(self) -> None:
        self.operations = Operations(host())

    def configure(self, req: ConfigureRequest) -> None:
        """Read the settings and open the connection; a problem is told by `check`."""
        host().end_with_engine(Context.close_all)
        _hear_cancel()
        with _answering():
            settings = self.operations.configure(req.config.get)
            if settings is not None:
                widen(settings.concurrency + server.SPARE_WORKERS)

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        """Judge a program's inputs.

        A failure never names its property to the engine, which would print the property's value.
        """
        with _answering() as given:
            checked = self.operations.check(given(olds, "olds"), given(news, "news"))
        failures = [CheckFailure("", failure) for failure in checked.failures]
        return CheckResult(checked.inputs, failures)

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        """Compare the state's outputs with the program's inputs."""
        with _answering() as given:
            found = self.operations.diff(id_, given(olds, "olds"), given(news, "news"))
            # Refresh and delete go by the state's name, so the old one must not stay there.
            if (renamed := _to_be_rewritten(olds)) and not found.changed:
                host().note(
                    "the state gets the provider's new name; nothing changes on the platform"
                )
        if found.replaces:
            return DiffResult(changes=True, replaces=found.replaces)
        if renamed and not found.changed:
            return DiffResult(changes=True)
        # None leaves it to the engine to compare inputs, which shows the change in detail and
        # lets replace_on_changes work; where only outputs differ, it would see nothing.
        return DiffResult(changes=None if found.changed and found.in_inputs else found.changed)

    def create(self, props: Properties) -> CreateResult:
        """Create an instance, or take over the one that is meant or was left behind."""
        with _answering() as given:
            created = self.operations.create(given(props, "properties"))
        return CreateResult(created.instance_id, created.outputs)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Return the instance as it is now; gone is no error."""
        with _answering() as given:
            seen = self.operations.read(id_, given(props, "properties"))
        return ReadResult(None, {}) if seen is None else ReadResult(id_, seen.outputs, seen.inputs)

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        """Change the instance in place."""
        renamed = _to_be_rewritten(olds)
        with _answering() as given:
            before = _as_kept(given(olds, "olds")) if renamed else given(olds, "olds")
            outputs = self.operations.update(id_, before, given(news, "news"), renamed=renamed)
        return UpdateResult(outputs)

    def delete(self, id_: str, props: Properties) -> None:
        """Delete the instance."""
        with _answering() as given:
            self.operations.delete(id_, given(props, "properties"))


def _to_be_rewritten(olds: Properties) -> bool:
    """Tell whether a state is the native provider's, or refers to this one as before 0.2.

    Not whether the text is another than today's: another Python may write the same name otherwise.
    """
    try:
        by_old_name = _OLD_NAME in binascii.a2b_base64(str(olds.get(PROVIDER, "")))
    except binascii.Error:
        by_old_name = False
    return by_old_name or is_of_native_door(olds)


@functools.cache
def host() -> EngineHost:
    """Return the host of this process: the server makes a provider of each form that it meets."""
    return EngineHost(server.engine_address(), busy)


class _EmptyAnswers:
    """In the place of the server's module of empty answers, one of which is Cancel's."""

    @staticmethod
    def Empty() -> Any:  # noqa: N802 - the message's name
        """Answer; where it is a Cancel that is answered, begin nothing more."""
        if sys._getframe(1).f_code.co_name == "Cancel":  # noqa: SLF001 - the server does nothing else
            host().cancel()
        return empty_pb2.Empty()


def _hear_cancel() -> None:
    """Take note of the engine's Cancel, which the server answers without asking a provider."""
    main = sys.modules["__main__"]
    if getattr(main, "empty_pb2", None) is empty_pb2:
        main.empty_pb2 = _EmptyAnswers  # type: ignore[attr-defined]


def frames(frame: FrameType | None = None) -> Iterator[FrameType]:
    """Yield a frame and those that called it, the nearest first; our own by default."""
    found: FrameType | None = frame or sys._getframe(1)  # noqa: SLF001 - the one way to the server's own call
    while found is not None:
        yield found
        found = found.f_back


def current_call(frame: FrameType | None = None) -> Call | None:
    """Return the engine's call that a thread serves, by its frame, or None outside of a server."""
    for caller in frames(frame):
        if caller.f_code.co_name in _METHODS:
            request, context = caller.f_locals.get("request"), caller.f_locals.get("context")
            if request is not None and isinstance(context, grpc.ServicerContext):
                return Call.of(request, context)
    return None


def busy() -> bool:
    """Tell whether any thread of the server is at a call, of whatever provider."""
    return any(map(current_call, sys._current_frames().values()))  # noqa: SLF001 - the only way


@contextmanager
def _answering() -> Iterator[Callable[[Properties, str], Properties]]:
    """Serve the call at hand; give what completes its properties, and answer errors by one line."""
    call = current_call()
    failed: CloudElementsError | None = None
    with serving(call):
        try:
            yield functools.partial(_complete, call)
        except CloudElementsError as error:
            failed = error
    if failed is not None:
        if call is not None:
            _refuse(call, failed)
        raise failed


def _complete(call: Call | None, given: Properties, field: str) -> Properties:
    """Return properties with the hidden keys of ours that the server took out of them.

    Older SDKs (3.217 among them) drop every key that begins with `__` from what they hand over.
    What a state has may be in the words of the native provider's programs.
    """
    given = {key: value for key, value in given.items() if key != PROVIDER}
    if call is not None and not (MARKERS in given or RECORD in given):
        given |= values.hidden(getattr(call.request, field))
    return inward(given) if field == "olds" or RECORD in given else given


def _as_kept(olds: Properties) -> Properties:
    """Return outputs that are to be stored again with their nulls, which the server leaves out."""
    call = CURRENT.get()
    return inward(values.properties(call.request.olds)) if call else olds


def _refuse(call: Call, error: CloudElementsError) -> None:
    """Answer with an error.

    By the standard rich status of gRPC: the engine shows its message instead of the traceback that
    the SDK puts into the plain one.
    """
    tell(
        call.context,
        error,
        str(error),
        lambda outputs: _struct(outputs | {PROVIDER: _provider_in(call.request)}),
    )
    if not hasattr(sys.modules["__main__"], "_abort_with_traceback"):
        # Before SDK 3.260 the server logs the traceback of what is raised; an abort it doesn't.
        call.context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _provider_in(request: Any) -> str | None:
    """Return the serialized provider in a request: what the engine must find in the state."""
    for field in ("news", "properties", "inputs"):
        struct = getattr(request, field, None)
        if struct is not None and PROVIDER in struct:
            return str(struct[PROVIDER])
    return None


def _struct(outputs: Properties) -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(rpc.serialize_properties(outputs, {}))
    finally:
        loop.close()


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
        server.widen(pool, workers)
    except (AttributeError, TypeError):
        host().warn(
            "this Pulumi SDK's server can't be widened, so it works on four instances at once"
        )
        return False
    return True
