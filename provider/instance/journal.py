"""The journal: the files in which this machine writes down what it sends and what came of it.

One for each stack, platform and month, a line for each entry. What can't be read or written is told
once, and everything goes on without it. Holds no secret: markers, fingerprints, ids, times.
"""

from __future__ import annotations

import errno
import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from ..api.retry import Time
    from .markers import Markers

_REMEMBERED = 30 * 24 * 3600.0
"""Seconds. A code lives for minutes, and no list lags for days."""


class Fate(StrEnum):
    """What came of a request, as far as its sender knows."""

    SENT = "sent"
    """It left, and nothing more is known."""
    LOST = "lost"
    """The same, and its sender looked for what came of it in vain: its codes count as spent."""
    MADE = "made"
    """It took effect, on the instance that the entry names."""
    REFUSED = "refused"
    """It had no effect, but its codes count as spent."""
    VOID = "void"
    """It had no effect, and spent nothing; or its instance was deleted."""
    KEPT = "kept"
    """Its instance was seen in the state: whatever an interrupted run left is another one."""


@dataclass(frozen=True)
class Entry:
    """One line.

    Args:
        marker: The resource's instance marker.
        codes: Fingerprints of the one-time codes in the request.
        instance: Id, where one is known; of a request that was sent, the one that it changes.
        time: Seconds since 1970.
        left: The engine was gone, or another run came in between, before it can be known that the
            state has the instance that was made.
        stack: The stack's marker; told by the file's name.
        shard: Number of the shard whose run wrote it; empty where the stack has none.
    """

    marker: str
    fate: Fate
    codes: tuple[str, ...]
    instance: str
    time: float
    left: bool = False
    stack: str = ""
    shard: str = ""

    @property
    def moment(self) -> str:
        """When it was written, in words."""
        return f"{datetime.fromtimestamp(self.time, UTC):%Y-%m-%d at %H:%M} UTC"


class Journal:
    """The files of one platform, in one folder.

    Args:
        folder: Where the files are; None keeps nothing.
        platforms: Addresses of the API under which entries count, the one written to last.
        clock: The clock.
        warn: Shows a warning.
        shard: What its entries tell of their writer.
    """

    def __init__(
        self,
        folder: Path | None,
        platforms: Collection[str],
        clock: Time,
        warn: Callable[[str], None],
        *,
        shard: str = "",
    ) -> None:
        self._shard = shard
        self.folder = folder
        self._platforms = [*map(_digest, platforms)]
        self._clock = clock
        self._warn = warn
        self._paths: dict[str, Path] = {}
        self._warned: set[str] = set()

    def write(
        self,
        markers: Markers,
        fate: Fate,
        codes: tuple[str, ...],
        instance: str,
        moment: float,
        *,
        left: bool,
    ) -> Entry:
        """Add an entry to its stack's file; return it."""
        entry = Entry(
            markers.instance, fate, codes, instance, moment, left, markers.stack, self._shard
        )
        values = {**vars(entry), "codes": list(entry.codes)}
        del values["stack"]
        for key in ("left", "shard"):
            if not values[key]:
                del values[key]
        self.append(markers.stack, json.dumps(values))
        return entry

    def append(self, stack: str, line: str) -> None:
        """Add a line. It begins with a line break, so that a line torn by a kill spoils no other.

        To the file of this month, or a later one where the clock was set back: the order of the
        lines is what counts. One of a month that is over is never written again, only removed.
        """
        if self.folder is None:
            return
        if stack not in self._paths:
            month = time.strftime("%Y-%m", time.gmtime(self._clock.wall()))
            own = self.folder / f"{stack}-{self._platforms[-1]}-{month}.jsonl"
            self._paths[stack] = max([own, *self._files(stack, self._platforms[-1:])])
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self._paths[stack], f"\n{line}".encode())
        except OSError as error:
            self.tell(unwritten(*_reason(self.folder, error)))

    def _files(self, stack: str | None, platforms: Collection[str] | None) -> list[Path]:
        """Return the files of a stack or of all, of platforms or of all, the oldest first."""
        if self.folder is None:
            return []
        try:
            names = [path.name for path in self.folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError):  # the first write tells
            return []
        except OSError as error:
            self.tell(_unread(self.folder, error))
            return []
        found = [
            (match["month"], self.folder / name)
            for name in names
            if (match := _NAME.fullmatch(name))
            and stack in (None, match["stack"])
            and (platforms is None or match["platform"] in platforms)
        ]
        return [path for _, path in sorted(found)]

    def _own(self, stack: str) -> list[Path]:
        """Return the files of a stack on this platform, the oldest first."""
        return [path for platform in self._platforms for path in self._files(stack, [platform])]

    def entries(self, stack: str) -> list[Entry]:
        """Return what the files hold, the oldest first; remove those that nobody needs any more."""
        found: list[Entry] = []
        paths = self._own(stack)
        for path in paths:
            entries = self.read(path)
            found += entries
            newest = max((entry.time for entry in entries), default=self._clock.wall())
            # A clock that runs ahead must not wipe what there is.
            if path != paths[-1] and newest < self._clock.wall() - _REMEMBERED:
                with suppress(OSError):
                    path.unlink()
        return found

    def others(self, stack: str, *, everywhere: bool) -> list[tuple[Path, int]]:
        """Return the files of other stacks with their sizes, -1 where that can't be told.

        Args:
            stack: The stack's marker.
            everywhere: Those of other platforms, too.
        """
        own = self._own(stack)
        files = self._files(None, None if everywhere else self._platforms)
        return [(path, _size(path)) for path in files if path not in own]

    def read(self, path: Path) -> list[Entry]:
        """Return the entries of a file, the oldest first."""
        try:
            if path.exists() and not path.is_file():  # a device or a pipe may never end
                raise OSError(errno.EINVAL, "it is no file")  # noqa: TRY301 - told like any other
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            self.tell(_unread(path, error))
            return []
        name = _NAME.fullmatch(path.name)
        found: list[Entry] = []
        for line in lines:
            # Torn by a kill, spoilt by a full disk, or another version's.
            with suppress(ValueError, TypeError, KeyError, RecursionError):
                found.append(_entry(json.loads(line), name["stack"] if name else ""))
        return found

    def tell(self, message: str) -> None:
        """Warn of what is wrong with the journal, once."""
        if message not in self._warned:
            self._warned.add(message)
            self._warn(message)


_NAME = re.compile(r"(?P<stack>.+)-(?P<platform>[0-9a-f]{8})-(?P<month>\d{4,}-\d\d)\.jsonl")
_LATEST = 253_402_300_799.0
"""The last second of the year 9999, after which no calendar goes."""


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return -1


def _digest(platform: str) -> str:
    return sha256(platform.encode()).hexdigest()[:8]


def _entry(values: Mapping[str, Any], stack: str) -> Entry:
    moment = float(values["time"])
    return Entry(
        str(values["marker"]),
        Fate(values["fate"]),
        tuple(map(str, values["codes"])),
        str(values["instance"]),
        moment if 0.0 <= moment <= _LATEST else 0.0,
        bool(values.get("left")),
        stack,
        str(values.get("shard") or ""),
    )


def _write(path: Path, line: bytes) -> None:
    """Append to a file.

    Raises:
        OSError: It can't be written, or not all of it.
    """
    at_once = getattr(os, "O_NONBLOCK", 0)  # whatever may stand in its place
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | at_once, 0o600)
    try:
        if os.write(file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(file)


def _reason(folder: Path, error: OSError) -> tuple[str, str]:
    """Return why the journal can't be written, and what to do."""
    reason = f"{folder} can't be written: {error.strerror}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return reason, "make room there"
        case errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
            return reason, "move away what stands in its place"
        case _:
            return reason, "make it writable"


def unwritten(reason: str, then: str) -> str:
    """Return what it means that the journal can't be written, and what to do."""
    return (
        f"what is sent can't be remembered on this machine, because {reason}; so when a run is "
        "killed or an answer is lost, the next one may send the same code again, or make the "
        f"instance a second time: {then}, or set cloud-elements:journal to false to do without"
    )


def _unread(path: Path, error: OSError) -> str:
    return (
        f"what earlier runs on this machine sent is not known, because {path} can't be read: "
        f"{error.strerror}; so a code that they sent may be sent again: make it readable"
    )
