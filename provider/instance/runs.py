"""Runs whose state is written at their end alone: a note of each, for as long as it is under way.

When such a run is killed the state knows nothing of what it did, so its note stays: whoever runs
the stack next has to begin with a refresh. A note is a file beside the journal, which is locked
while its run is under way; the system frees the lock of a process that died.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # looked at before it is used

_TRIES = 20
_PAUSE = 0.02
VARIABLE = "CLOUD_ELEMENTS_RUN"
"""Set by `elements` for the runs that it starts, which tells of lost ones itself."""
SHARD = "CLOUD_ELEMENTS_SHARD"
"""Set by `elements` for the runs of shards: which one of how many, as `2/4`."""
UNHEARD = "CLOUD_ELEMENTS_DEBUG_UNHEARD"
"""Set by `elements` for the runs that it starts, where nobody asked for debug messages."""


class BusyError(Exception):
    """The run of a note is still under way."""


@dataclass(frozen=True)
class Note:
    """What is known of runs that did not write their state.

    Args:
        since: When the first of them began, in seconds since 1970.
        command: What the last of them was: `up` or `destroy`.
        engine: Process id of the last one's engine; 0 where it is not known.
        made: Ids of what they made, by URN, as far as they lived to tell.
    """

    since: float
    command: str
    engine: int
    made: Mapping[str, str]

    @property
    def moment(self) -> str:
        """When the first of them began, in words."""
        return f"{datetime.fromtimestamp(self.since, UTC):%Y-%m-%d at %H:%M} UTC"


def home(environment: Mapping[str, str]) -> Path | None:
    """Return the folder of the journal and of the notes; None where there is no home."""
    pulumi = environment.get("PULUMI_HOME")
    try:
        folder = Path(pulumi) if pulumi else Path.home() / ".pulumi"
    except RuntimeError:
        return None
    return folder / "cloud-elements"


class Place:
    """Where the note of a stack's runs stands.

    Args:
        folder: The folder of all notes.
        project: Name of the project.
        stack: Name of the stack alone.
    """

    def __init__(self, folder: Path, project: str, stack: str) -> None:
        digest = sha256(f"{project}/{stack}".encode()).hexdigest()[:12]
        self.path = folder / f"{project[:40]}-{stack[:40]}-{digest}.run"

    def left(self) -> Note | None:
        """Return the note of a run that was lost; None where there is none, or it is under way."""
        try:
            with self.path.open("rb") as file:
                if not _lock(file.fileno(), shared=True):
                    return None
                return _read(file.read(), self.path)
        except OSError:
            return None

    @contextmanager
    def held(self) -> Iterator[Held]:
        """Hold the place for a run while the `with` block runs.

        Raises:
            BusyError: Another run has it.
            OSError: It can't be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        while True:
            file = os.open(self.path, flags, 0o600)
            try:
                if not _lock_soon(file):
                    raise BusyError
                if not _is_at(file, self.path):  # its former holder has just removed it
                    continue
                yield Held(self.path, file)
                return
            finally:
                os.close(file)


class Held:
    """A place that a run holds.

    Args:
        path: Of the note.
        file: Its descriptor.
    """

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file
        self.before = _read(os.pread(file, os.fstat(file).st_size, 0), path)
        """The note of runs that were lost."""

    def note(self, **told: Any) -> None:
        """Add to the note, which is on the disk when this returns.

        Raises:
            OSError: It can't be written, or not all of it.
        """
        # It begins with a line break: a line that a full disk cut off spoils no other.
        line = f"\n{json.dumps({'time': time.time(), **told})}".encode()
        if os.write(self._file, line) < len(line):
            raise OSError(28, os.strerror(28))
        os.fsync(self._file)

    def clear(self) -> None:
        """Remove the note: the state knows all that its run did."""
        with suppress(OSError):
            os.ftruncate(self._file, 0)
            self._path.unlink()


def can_lock() -> bool:
    """Tell whether this system frees the lock of a process that died."""
    return fcntl is not None


def _lock(file: int, *, shared: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_soon(file: int) -> bool:
    """Take a lock, which somebody may have for a moment, to read the note."""
    for _ in range(_TRIES):
        if _lock(file, shared=False):
            return True
        time.sleep(_PAUSE)
    return False


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _read(text: bytes, path: Path) -> Note | None:
    """Return what a note says; one that can't be read says that something was lost, too."""
    if not text.strip():
        return None
    since, command, engine = 0.0, "up", 0
    made: dict[str, str] = {}
    for line in text.splitlines():
        with suppress(ValueError, TypeError, AttributeError):
            told = json.loads(line)
            since = since or float(told.get("time") or 0.0)
            command = str(told.get("command") or command)
            engine = int(told.get("engine") or engine)
            made |= {str(urn): str(id_) for urn, id_ in (told.get("made") or {}).items()}
    if not since:
        with suppress(OSError):
            since = path.stat().st_mtime
    return Note(since, command, engine, made)
