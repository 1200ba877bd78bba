"""What this machine sent and may not know the end of: a line for each create and authentication.

The engine tells nothing of an earlier run that was killed. Its instance is found by its marker, but
lists may lag behind creates, and a request may be at work when its sender is long dead (docs: a
create takes 9-26 s). So every process writes down what it is about to send and what came of it, and
the next one reads that before it sends a one-time code or creates anything.

A safety net and no more: on another machine, or without a home folder that can be written to,
everything goes on by lists alone. Holds no secret: markers, fingerprints, ids, times.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provider.api.retry import Time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provider.config import Settings
    from provider.instance.markers import Markers

_REMEMBERED = 30 * 24 * 3600.0
"""Seconds. A code lives for minutes, and no list lags for days."""
_AT_WORK = 60.0
"""Seconds for which a request may be at work whose sender was killed (docs: 9-26 s were seen)."""


class Fate(StrEnum):
    """What came of a request, as far as its sender knows."""

    SENT = "sent"
    """It left, and nothing more is known."""
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
    """

    marker: str
    fate: Fate
    codes: tuple[str, ...]
    instance: str
    time: float
    left: bool = False


class Journal:
    """The entries of all resources, one file for each stack and month.

    Args:
        folder: Where the files are; None keeps everything in memory.
        platform: Address of the API: ids are worth nothing elsewhere.
        clock: The clock.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        platform: str = "",
        clock: Time | None = None,
    ) -> None:
        self._folder = folder
        self._platform = sha256(platform.encode()).hexdigest()[:8]
        self._clock = clock or Time()
        self._lock = threading.Lock()
        self._stacks: dict[str, _Entries] = {}

    @classmethod
    def at_home(cls, environment: Mapping[str, str], settings: Settings) -> Journal:
        """Return the journal in Pulumi's own folder; in memory only when the settings say so."""
        if not settings.journal:
            return cls()
        home = environment.get("PULUMI_HOME")
        try:
            folder = Path(home) if home else Path.home() / ".pulumi"
        except RuntimeError:  # no home folder
            return cls()
        return cls(folder / "cloud-elements", platform=settings.base_url)

    def note(
        self,
        markers: Markers | None,
        fate: Fate,
        *,
        codes: Iterable[str] = (),
        instance: str = "",
        left: bool = False,
    ) -> None:
        """Write down what is about to be sent, or what came of it."""
        if markers is not None:
            with self._lock:
                self._add(markers, fate, tuple(codes), instance, left=left)

    def reserve(
        self, markers: Markers | None, codes: Iterable[str] = (), *, instance: str = ""
    ) -> Entry | None:
        """Write down what is about to be sent; return the entry that says one of its codes was.

        Both at once, for two resources may be given the same code.
        """
        codes = tuple(codes)
        if markers is None:
            return None
        with self._lock:
            sent = self._of(markers.stack).spent(codes)
            if sent is None:
                self._add(markers, Fate.SENT, codes, instance)
        return sent

    def keep(self, markers: Markers | None, instance: str) -> None:
        """Write down that the state has this instance; once for each."""
        if markers is not None and self.kept(markers) != instance:
            self.note(markers, Fate.KEPT, instance=instance)

    def kept(self, markers: Markers) -> str:
        """Return the id of the instance that the state had when it was seen last, or nothing."""
        with self._lock:
            return self._of(markers.stack).kept.get(markers.instance, "")

    def last(self, markers: Markers) -> Entry | None:
        """Return the latest entry of a resource about a request."""
        with self._lock:
            return self._of(markers.stack).last.get(markers.instance)

    def loose(self, stack: str, *, again: bool) -> list[Entry]:
        """Return the entries about instances that a run made, or may have made, and left.

        Args:
            stack: The stack's marker.
            again: Read anew what other processes wrote since.
        """
        with self._lock:
            entries = self._of(stack)
            if again and self._folder is not None:
                entries = _Entries(self._remembered(stack))
            return entries.loose()

    def at_work(self, entry: Entry) -> float:
        """Return for how many seconds from now an entry's request may be at work.

        Never for more than a minute, although the clock may have been set back since.
        """
        return min(_AT_WORK, max(0.0, entry.time + _AT_WORK - self._clock.wall()))

    def spent(self, markers: Markers | None, codes: Iterable[str]) -> Entry | None:
        """Return the entry that says that one of the codes was sent; None when none was."""
        if markers is None:
            return None
        with self._lock:
            return self._of(markers.stack).spent(codes)

    def _add(
        self,
        markers: Markers,
        fate: Fate,
        codes: tuple[str, ...],
        instance: str,
        *,
        left: bool = False,
    ) -> None:
        entry = Entry(markers.instance, fate, codes, instance, self._clock.wall(), left)
        self._of(markers.stack).add(entry)
        path = self._path(markers.stack)
        if path is not None:
            _append(path, entry)

    def _path(self, stack: str) -> Path | None:
        """Return the file of this month: one that is full is never written again, only removed."""
        if self._folder is None:
            return None
        month = time.strftime("%Y-%m", time.gmtime(self._clock.wall()))
        return self._folder / f"{self._name(stack)}{month}.jsonl"

    def _name(self, stack: str) -> str:
        return f"{stack}-{self._platform}-"

    def _of(self, stack: str) -> _Entries:
        if stack not in self._stacks:
            self._stacks[stack] = _Entries(self._remembered(stack))
        return self._stacks[stack]

    def _remembered(self, stack: str) -> list[Entry]:
        """Return what the files hold, the oldest first; remove those that nobody needs any more."""
        found: list[Entry] = []
        if self._folder is None:
            return found
        since = self._clock.wall() - _REMEMBERED
        for path in sorted(self._folder.glob(f"{self._name(stack)}*.jsonl")):
            entries = _read(path)
            found += [entry for entry in entries if entry.time >= since]
            if entries and entries[-1].time < since:
                with suppress(OSError):
                    path.unlink()
        return found


class _Entries:
    """The entries of one stack, by what is asked of them: a month may hold very many."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.last: dict[str, Entry] = {}
        """The latest entry about a request of each resource, by its marker."""
        self.kept: dict[str, str] = {}
        """The instance of each resource that was seen in the state."""
        self._codes: dict[str, tuple[int, Entry]] = {}
        self._count = 0
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        if entry.fate is Fate.KEPT:
            self.kept[entry.marker] = entry.instance
            return
        self._count += 1
        self.last[entry.marker] = entry
        self._codes |= dict.fromkeys(entry.codes, (self._count, entry))

    def loose(self) -> list[Entry]:
        return [
            entry
            for marker, entry in self.last.items()
            if (entry.fate is Fate.SENT and not entry.instance)
            or (entry.fate is Fate.MADE and entry.left and entry.instance != self.kept.get(marker))
        ]

    def spent(self, codes: Iterable[str]) -> Entry | None:
        """Return the latest entry with one of the codes, unless that code's latest is void."""
        found = [self._codes[code] for code in codes if code in self._codes]
        sent = [(count, entry) for count, entry in found if entry.fate is not Fate.VOID]
        return max(sent, key=itemgetter(0))[1] if sent else None


def _read(path: Path) -> list[Entry]:
    """Return the entries of a file, the oldest first."""
    found: list[Entry] = []
    try:
        lines = path.read_text().splitlines()
    except (OSError, ValueError):
        return found
    for line in lines:
        with suppress(ValueError, TypeError, KeyError):  # torn by a kill, or another version's
            found.append(_entry(json.loads(line)))
    return found


def _entry(bag: Mapping[str, Any]) -> Entry:
    return Entry(
        str(bag["marker"]),
        Fate(bag["fate"]),
        tuple(map(str, bag["codes"])),
        str(bag["instance"]),
        float(bag["time"]),
        bool(bag.get("left")),
    )


def _append(path: Path, entry: Entry) -> None:
    """Add a line. It begins with a line break, so that a line torn by a kill spoils no other."""
    bag = {**vars(entry), "codes": list(entry.codes)}
    if not entry.left:
        del bag["left"]
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, f"\n{json.dumps(bag)}".encode())
        finally:
            os.close(file)
