"""A line of text from the person at the terminal, or from a pipe, without showing it.

Read byte by byte instead of line by line, so that `select` can wait for it beside the browser, and
because a terminal's own lines end at 4096 characters, which the address of a callback may exceed.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import IO, TYPE_CHECKING, Any, Self

try:
    import termios
except ImportError:  # not POSIX: no prompt beside the browser there
    termios = None  # type: ignore[assignment,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_LINE = 64 * 1024  # bytes
_CONTROL_SEQUENCE = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b.")
_ERASE, _ERASE_ALL, _END = b"\x7f\x08", b"\x15", b"\x04"


class Prompt:
    """Reads lines from a file descriptor; a terminal is put back as it was at the end.

    Args:
        stream: Usually standard input.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._fd = stream.fileno()
        self._pending = b""
        self._before: list[Any] | None = None

    @classmethod
    def of(cls, stream: IO[str] | None) -> Self | None:
        """Return a prompt, None where nothing can be read beside waiting for something else."""
        if stream is None or termios is None:
            return None
        try:
            return cls(stream)
        except (OSError, ValueError):  # closed, or not a file
            return None

    @property
    def terminal(self) -> bool:
        """Whether a person can be asked."""
        return os.isatty(self._fd)

    def fileno(self) -> int:
        """Return what `select` waits for."""
        return self._fd

    def __enter__(self) -> Self:
        if self.terminal and termios is not None:
            self._before = termios.tcgetattr(self._fd)
            quiet = termios.tcgetattr(self._fd)
            quiet[3] &= ~(termios.ECHO | termios.ICANON)  # Ctrl+C still interrupts
            termios.tcsetattr(self._fd, termios.TCSADRAIN, quiet)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None and termios is not None:
            # What was pasted behind the line, and not read, must not run as commands of the shell.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)

    def lines(self) -> Iterator[str]:
        """Yield the lines that have arrived; call it when the descriptor is readable.

        Raises:
            EOFError: No more will come.
        """
        chunk = os.read(self._fd, 4096)
        ended = not chunk or (self.terminal and _END in chunk)
        self._pending += chunk.replace(b"\r", b"\n")
        *lines, rest = self._pending.split(b"\n")
        if ended and rest.strip(_END):
            lines, rest = [*lines, rest], b""
        self._pending = rest[-_LONGEST_LINE:]
        for line in lines:
            text = self._edited(line) if self.terminal else line
            if text.strip():
                yield text.decode(errors="replace")
        if ended:
            raise EOFError

    @staticmethod
    def _edited(line: bytes) -> bytes:
        """Return a line as typed, after its corrections, without what keys and pasting send."""
        text = bytearray()
        for byte in _CONTROL_SEQUENCE.sub(b"", line):
            if byte in _ERASE:
                text[-1:] = b""
            elif byte in _ERASE_ALL:
                text.clear()
            elif byte not in _END:
                text.append(byte)
        return bytes(text)
