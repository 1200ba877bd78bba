"""The `pulumi` command, run for its answer or for the person to speak with.

Secrets are handed over on standard input and never as arguments, which other users could list.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, TypeVar

from .console import ENDINGS, Exit, FailureError, handling, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

_AT_ONCE = 4  # processes of pulumi, each of which is busy for a moment
_TURN = 0.05  # seconds between two looks at what a command wrote
_T = TypeVar("_T")
_R = TypeVar("_R")
_LOOPBACK = "127.0.0.1"
_GRPC_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
"""Variables by which gRPC's C core finds a proxy, in small letters alone. Pulumi's Python programs
speak with the engine through it, at 127.0.0.1 (grpcio 1.85.1, 2026-11)."""
_NO_SUCH_STACK = "no stack named"


def proxies_of_grpc(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that lead Pulumi's own connections to a proxy."""
    return [name for name in _GRPC_PROXIES if environment.get(name)]


def spares_loopback(environment: Mapping[str, str]) -> bool:
    """Tell whether gRPC goes to 127.0.0.1 directly all the same."""
    spared = environment.get("no_grpc_proxy") or environment.get("no_proxy") or ""
    return any(each and _LOOPBACK.endswith(each) for each in map(str.strip, spared.split(",")))


def _environment() -> dict[str, str]:
    """Return the environment for `pulumi`, whose own connections no proxy can make."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    if proxies_of_grpc(environment) and not spares_loopback(environment):
        name = "no_grpc_proxy" if environment.get("no_grpc_proxy") else "no_proxy"
        spared = environment.get(name) or environment.get("NO_PROXY")
        environment[name] = ",".join(filter(None, (spared, _LOOPBACK, "localhost")))
    return environment


@dataclass(frozen=True)
class Ended:
    """How a command ended that was followed."""

    code: int
    """Its exit code; below 0 the signal that killed it."""
    signals: tuple[int, ...]
    """Signals that came meanwhile, and were handed on."""
    said: str = field(repr=False)
    """What it wrote to standard error."""


class Stops:
    """Signals that ask to end, handed on to the commands that are waited for.

    At a terminal Ctrl+C reaches them as well as us; elsewhere they get each signal through us.
    Twice would mean at once, with operations left pending.
    """

    def __init__(self) -> None:
        self.together = os.name != "posix" or _in_foreground()
        self.numbers: list[int] = []
        """Those that came."""
        self._children: set[subprocess.Popen[bytes]] = set()

    @contextmanager
    def heard(self) -> Iterator[Stops]:
        """Hear signals while the `with` block runs, in the main thread."""
        with handling(self._pass_on, signal.SIGINT, *ENDINGS):
            yield self

    def _pass_on(self, number: int, _frame: object) -> None:
        self.numbers.append(number)
        for child in [*self._children]:
            if not (self.together and number == signal.SIGINT):
                child.send_signal(signal.SIGINT)

    def began(self, child: subprocess.Popen[bytes]) -> None:
        """Hand on to a command what comes from now on, and what came before it was there."""
        self._children.add(child)
        if self.numbers and not self.together:
            child.send_signal(signal.SIGINT)

    def ended(self, child: subprocess.Popen[bytes]) -> None:
        """Hand on nothing more to a command."""
        self._children.discard(child)


class Pulumi:
    """The `pulumi` command, run in one folder.

    Raises:
        FailureError: It is not on PATH.
    """

    def __init__(self, folder: Path) -> None:
        found = shutil.which("pulumi")
        if found is None:
            message = "The pulumi command is not on PATH: install it from pulumi.com/docs/install."
            raise FailureError(message)
        self._command = found
        self._folder = folder
        self._running: set[subprocess.Popen[str]] = set()

    def run(self, *arguments: str, stdin: str | None = None, apart: bool = False) -> str:
        """Return what a command says on standard output.

        Args:
            arguments: Command line after `pulumi`.
            stdin: What it reads.
            apart: A terminal's Ctrl+C is not to reach it.

        Raises:
            FailureError: It ended with an error, which is told in its own words.
        """
        with subprocess.Popen(  # noqa: S603 - the person's own pulumi
            [self._command, *arguments, "--non-interactive", "--color", "never"],
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            process_group=0 if apart and os.name == "posix" else None,
        ) as process:
            self._running.add(process)
            try:
                stdout, stderr = process.communicate(stdin or "")
            except BaseException:
                process.kill()
                raise
            finally:
                self._running.discard(process)
        if process.returncode:
            words = itertools.takewhile(lambda word: not word.startswith(("-", "urn:")), arguments)
            reason = _reason(stderr, stdin)
            message = f"'pulumi {' '.join(words)}' failed: {reason}{_hint(reason)}."
            raise FailureError(message)
        return stdout

    def each(self, task: Callable[[_T], _R], things: Iterable[_T]) -> list[_R]:
        """Return what a task that runs commands says of each thing, four at once."""
        with self.begun(task, things) as ended:
            return ended()

    @contextmanager
    def begun(
        self, task: Callable[[_T], _R], things: Iterable[_T]
    ) -> Iterator[Callable[[], list[_R]]]:
        """Begin what `each` does, and go on beside it; yield what waits for it.

        Threads can't be ended, so the commands that they wait for are, when a signal ends us.
        """
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            found = pool.map(task, things)
            yield lambda: list(found)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(self._running):
                process.kill()
            raise
        finally:
            pool.shutdown()

    def attended(self, *arguments: str, quiet: bool) -> int:
        """Run a command that speaks with the person itself; return its exit code.

        It is waited for whatever happens, because its work must not be cut off: a signal asks it
        to end, as Ctrl+C does.

        Args:
            arguments: Command line after `pulumi`.
            quiet: Keep standard output free: what it says goes to standard error.
        """
        with (
            Stops().heard() as stops,
            self._started(*arguments, stops=stops, stdout=2 if quiet else None) as child,
        ):
            code = child.wait()
        return Exit.of_signal(stops.numbers[0]) if code and stops.numbers else code

    def followed(
        self,
        *arguments: str,
        into: Path,
        hear: Callable[[str], None],
        more: Mapping[str, str],
        started: Callable[[int], None] = lambda _: None,
        stops: Stops,
    ) -> Ended:
        """Run a command to its end, and hear each line of its standard output as it is written.

        It writes into a file and not to us: should we be killed, it goes on all the same.

        Args:
            arguments: Command line after `pulumi`.
            into: The file.
            hear: Called with each line, and at least a few times a second with an empty one.
            more: Variables for its environment.
            started: Called with its process id.
            stops: Signals that are handed on to it.
        """
        with into.open("wb") as out, into.open("rb") as lines, TemporaryFile() as errors:
            options = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": errors}
            rest = b""
            with self._started(*arguments, stops=stops, more=more, **options) as child:
                started(child.pid)
                over = False
                while not over:
                    with suppress(subprocess.TimeoutExpired):
                        child.wait(_TURN)
                    over = child.returncode is not None
                    *whole, rest = (rest + lines.read()).split(b"\n")
                    for line in whole or [b""]:
                        hear(line.decode(errors="replace"))
            hear(rest.decode(errors="replace"))
            errors.seek(0)
            said = errors.read().decode(errors="replace")
        return Ended(child.returncode, tuple(stops.numbers), said)

    @contextmanager
    def _started(
        self, *arguments: str, stops: Stops, more: Mapping[str, str] | None = None, **options: Any
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command that is waited for."""
        child = subprocess.Popen(  # noqa: S603 - the person's own pulumi
            [self._command, *arguments],
            cwd=self._folder,
            env={**_environment(), **(more or {})},
            process_group=None if stops.together else 0,
            **options,
        )
        stops.began(child)
        try:
            yield child
        finally:
            child.wait()
            stops.ended(child)


def _in_foreground() -> bool:
    """Tell whether a terminal's Ctrl+C reaches this process and what it starts."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _reason(stderr: str, secret: str | None) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    reason = shown((told or lines or ["it did not say why"])[0]).rstrip(". ")
    return reason.replace(secret, "[secret]") if secret else reason


def _hint(reason: str) -> str:
    if _NO_SUCH_STACK in reason:
        return "; 'pulumi stack ls' lists the stacks, --stack takes one of them"
    if "no stack selected" in reason:
        return "; name one by --stack"
    return ""
