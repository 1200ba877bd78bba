"""How commands speak: results on standard output, everything else on standard error.

Nothing here shows a secret; callers hand over texts that are fit to be read.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from ..api.errors import CloudElementsError
from ..instance.advice import without_pulumi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import NoReturn, TextIO

    from rich.console import RenderableType
    from rich.table import Table


_LEGIBLE = 30  # columns in which a sentence can be read
_PIPED_WIDTH = 200  # columns of a table that no terminal limits
ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end a command; a terminal's Ctrl+C is Python's own business."""


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    FAILED = 1
    """It could not be done; the sentence on standard error says why and what to do."""
    USAGE = 2
    """The command line is wrong."""
    ATTENTION = 3
    """It was done, and found something that needs attention."""
    DECLINED = 4
    """A person said no: on the consent page, or to our question."""
    TIMEOUT = 5
    """Nobody answered in time."""
    HUNG_UP = 129
    INTERRUPTED = 130
    CUT_OFF = 141
    """Nobody reads what we say any more."""
    TERMINATED = 143

    @classmethod
    def of_signal(cls, number: int) -> Exit:
        """Return the exit code of a command that a signal ended."""
        return cls(128 + number)


class FailureError(Exception):
    """A command's end before its goal; the text is one sentence: what, why, what to do."""

    def __init__(self, text: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(text)
        self.code = code


class StoppedError(BaseException):
    """A signal ends the command, which has yet to put back what it changed."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = Exit.of_signal(number)


class Commands(TyperGroup):
    """The command group: every error becomes one sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            with handling(_stop, *ENDINGS):
                return super().invoke(ctx)
        except FailureError as failure:
            say(str(failure))
            code = failure.code
        except (KeyboardInterrupt, typer.Abort):
            say("Stopped.")
            code = Exit.INTERRUPTED
        except StoppedError as stopped:
            say("Stopped.")
            code = stopped.code
        except BrokenPipeError:
            _close(sys.stdout)
            code = Exit.CUT_OFF
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("click", "typer"):
                raise  # wrong usage, or an exit
            say(_unexpected(error))
            code = Exit.FAILED
        raise typer.Exit(code)


def _stop(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough, and putting back takes a moment
    raise StoppedError(number)


@contextmanager
def handling(handler: Callable[[int, object], None], *numbers: int) -> Iterator[None]:
    """Handle signals while the `with` block runs, except those that whoever started us ignores."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {n: signal.getsignal(n) for n in numbers}
        before = {n: was for n, was in before.items() if was not in (signal.SIG_IGN, None)}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _close(stream: TextIO) -> None:
    """Drop what a stream still holds, because its reader is gone."""
    with suppress(OSError, ValueError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unexpected(error: Exception) -> str:
    """Return a sentence about an unforeseen error, whose own text could hold a secret."""
    if isinstance(error, OSError):
        return f"The command ended early: {shown(error.strerror or type(error).__name__)}."
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    kind = type(error).__name__
    return f"The command ended early because of a bug of its own, {kind} at {where}."


def say(text: str) -> None:
    """Tell the person something, on standard error."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except BrokenPipeError:
        _close(sys.stderr)  # what is done matters more than who listens


def emit(document: object) -> None:
    """Write one JSON document, on one line unless it is a terminal."""
    indent = 2 if sys.stdout.isatty() else None
    write(json.dumps(document, indent=indent, ensure_ascii=False))


def write(text: str) -> None:
    """Write text as it is to standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def width() -> int | None:
    """Return the columns of the terminal that results go to, None where there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def show(*parts: RenderableType, aside: bool = False) -> None:
    """Write tables to standard output: for a terminal's width and colours, or plain.

    Args:
        parts: Tables, or what else rich can show.
        aside: To standard error instead, which is no result.
    """
    from rich.console import Console  # noqa: PLC0415 - only what shows a table pays for it

    stream = sys.stderr if aside else sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else _PIPED_WIDTH, highlight=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    stream.write(captured.get())
    stream.flush()


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Return `1 instance` or `2 instances`."""
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


def grid(headings: Sequence[str], rows: Iterable[Sequence[str]], styles: Sequence[str]) -> Table:
    """Return a table of strangers' texts; `styles` holds one style for each row."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[0].no_wrap = True  # what is copied out of a table stays in one piece
    for row, style in zip(rows, styles, strict=True):
        # Text, not str: a name such as `[red]` is no markup.
        table.add_row(*(Text(shown(cell), overflow="fold") for cell in row), style=style)
    return table


def show_rows(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Sequence[str] = (),
    *,
    aside: bool = False,
    narrow: Callable[[Sequence[str]], tuple[str, str]] | None = None,
) -> None:
    """Write a table; where a terminal is too narrow for it, two lines for each row.

    Args:
        headings: Headings of the columns.
        rows: Strangers' texts; the last of each row may be a sentence.
        styles: One style for each row.
        aside: To standard error instead.
        narrow: Returns the two lines of a row: by default the last column stands below the others.
    """
    from rich.cells import cell_len  # noqa: PLC0415
    from rich.padding import Padding  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    styles = styles or [""] * len(rows)
    columns = width()
    longest = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    needed = sum(longest[:-1]) + 2 * len(longest) + min(longest[-1], _LEGIBLE)
    if columns is None or columns >= needed:
        show(grid(headings, rows, styles), aside=aside)
        return
    for row, style in zip(rows, styles, strict=True):
        first, below = narrow(row) if narrow else ("  ".join(filter(None, row[:-1])), row[-1])
        show(Text(shown(first), style=style, overflow="fold"), aside=aside)
        if below:
            show(Padding(Text(shown(below), overflow="fold"), (0, 0, 0, 2)), aside=aside)


def shown(text: str) -> str:
    """Return a stranger's text fit for a terminal: one line, without control codes."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+", " ", text)


@contextmanager
def could_not(what: str, *, base_url: str = "the platform") -> Iterator[None]:
    """Turn an error of the platform into the sentence `Could not <what>: <why>: <what to do>.`."""
    try:
        yield
    except CloudElementsError as error:
        said = str(error).rstrip(". ")
        then = without_pulumi(error, base_url=base_url)
        text = f"Could not {what}: {said}" + (f"; {then}" if then else "")
        failure = FailureError(f"{shown(text)}.")
    else:
        return
    # Outside the handler: what caused the error stays out of any report of it.
    raise failure


def agreed(question: str, *, yes: bool) -> bool:
    """Return whether the person agrees; without a terminal only `--yes` counts.

    Raises:
        FailureError: There is nobody to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        message = f"{question} There is no terminal to ask on: give --yes to agree."
        raise FailureError(message, Exit.DECLINED)
    # Not typer's question, which stands on standard output among the results.
    sys.stderr.write(f"{question} [y/N]: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
