"""What this machine sent and may not know the end of: a line for each create and authentication.

The engine tells nothing of an earlier run that was killed. Its instance is found by its marker, but
lists may lag behind creates, and a request may be at work when its sender is long dead (docs: a
create takes 9-26 s). So every process writes down what it is about to send and what came of it, and
the next one reads that before it sends a one-time code or creates anything.

A safety net and no more: on another machine, or where it can't be written, which is told before
anything is sent, everything goes on by lists alone. Holds no secret: markers, fingerprints, ids,
times.
"""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..api.address import is_loopback
from ..api.retry import Time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ..config import Settings
    from .markers import Markers

_REMEMBERED = 30 * 24 * 3600.0
"""Seconds. A code lives for minutes, and no list lags for days."""
_AT_WORK = 60.0
"""Seconds for which a request may be at work whose sender was killed (docs: 9-26 s were seen)."""


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
    """

    marker: str
    fate: Fate
    codes: tuple[str, ...]
    instance: str
    time: float
    left: bool = False
    stack: str = ""

    @property
    def moment(self) -> str:
        """When it was written, in words."""
        return f"{datetime.fromtimestamp(self.time, UTC):%Y-%m-%d at %H:%M} UTC"


class Journal:
    """The entries of all resources, one file for each stack and month.

    Args:
        folder: Where the files are; None keeps everything in memory.
        platform: Address of the API: ids are worth nothing elsewhere.
        former: The same address in another spelling, under which older versions wrote.
        everywhere: Codes that were sent to other platforms count as sent, too.
        clock: The clock.
        warn: Shows a warning.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        platform: str = "",
        former: str = "",
        everywhere: bool = False,
        clock: Time | None = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._platforms = [_digest(one) for one in dict.fromkeys([former or platform, platform])]
        self._everywhere = everywhere
        self._clock = clock or Time()
        self._warn = warn
        self._lock = threading.Lock()
        self._stacks: dict[str, _Entries] = {}
        self._others: dict[Path, tuple[int, _Entries]] = {}
        self._paths: dict[str, Path] = {}
        self._tried: set[str] = set()
        self._told: set[str] = set()

    @classmethod
    def at_home(
        cls,
        environment: Mapping[str, str],
        settings: Settings,
        *,
        warn: Callable[[str], None] = lambda _: None,
    ) -> Journal:
        """Return the journal in Pulumi's own folder; in memory only when the settings say so."""
        if not settings.journal:
            return cls()
        home = environment.get("PULUMI_HOME")
        try:
            folder = Path(home) if home else Path.home() / ".pulumi"
        except RuntimeError:
            warn(_unwritten("there is no home folder", "set PULUMI_HOME to one"))
            return cls()
        # A sandbox mints the same codes as the next one; at the vendor, a code is spent once.
        everywhere = not is_loopback(urlsplit(settings.base_url).hostname or "")
        return cls(
            folder / "cloud-elements",
            platform=settings.address,
            former=settings.base_url,
            everywhere=everywhere,
            warn=warn,
        )

    @property
    def folder(self) -> Path | None:
        """Where the files are; None where everything is kept in memory."""
        return self._folder

    def try_out(self, markers: Markers | None) -> None:
        """Warn, once for a stack, where what is sent for it can't be remembered.

        To be asked before a code is sent, so it writes: an empty line.
        """
        with self._lock:
            if markers is None or self._folder is None or markers.stack in self._tried:
                return
            self._tried.add(markers.stack)
            latest = self._of(markers.stack).latest
            if latest is not None and latest.time > self._clock.wall() + _AT_WORK:
                self._tell(
                    f"the last run of this stack wrote down {latest.moment} in {self._folder}, "
                    "which is in the future: this machine's clock was set back, or was ahead; set "
                    "it right, because only the clock tells how long ago something was sent"
                )
            self._append(markers.stack, "")

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
            sent = self._spent(markers.stack, codes)
            if sent is None:
                self._add(markers, Fate.SENT, codes, instance)
        return sent

    def give_up(self, markers: Markers | None, codes: Iterable[str]) -> None:
        """Write down that nothing was found of the request that was sent last."""
        if markers is not None:
            with self._lock:
                sent = self._of(markers.stack).last.get(markers.instance)
                self._add(markers, Fate.LOST, tuple(codes), "", since=sent)

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
        """Return the entry that says that one of the codes was sent, for whichever stack; or None.

        docs: a code is the vendor's, and knows neither stacks nor platforms (RFC 6749, 4.1.2).
        """
        codes = tuple(codes)
        if markers is None or not codes:
            return None
        with self._lock:
            return self._spent(markers.stack, codes)

    def _spent(self, stack: str, codes: tuple[str, ...]) -> Entry | None:
        if found := self._of(stack).spent(codes):
            return found
        found_elsewhere = (entries.spent(codes) for entries in self._elsewhere(stack))
        return next(filter(None, found_elsewhere), None)

    def _add(
        self,
        markers: Markers,
        fate: Fate,
        codes: tuple[str, ...],
        instance: str,
        *,
        left: bool = False,
        since: Entry | None = None,
    ) -> None:
        moment = since.time if since else self._clock.wall()
        entry = Entry(markers.instance, fate, codes, instance, moment, left, markers.stack)
        self._of(markers.stack).add(entry)
        bag = {**vars(entry), "codes": list(codes)}
        del bag["stack"]
        if not left:
            del bag["left"]
        self._append(markers.stack, json.dumps(bag))

    def _append(self, stack: str, line: str) -> None:
        """Add a line. It begins with a line break, so that a line torn by a kill spoils no other.

        To the file of this month, or a later one where the clock was set back: the order of the
        lines is what counts. One of a month that is over is never written again, only removed.
        """
        if self._folder is None:
            return
        if stack not in self._paths:
            month = time.strftime("%Y-%m", time.gmtime(self._clock.wall()))
            own = self._folder / f"{stack}-{self._platforms[-1]}-{month}.jsonl"
            self._paths[stack] = max([own, *self._files(stack, self._platforms[-1:])])
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(self._paths[stack], f"\n{line}".encode())
        except OSError as error:
            self._tell(_unwritten(*_reason(self._folder, error)))

    def _files(self, stack: str | None, platforms: Collection[str] | None) -> list[Path]:
        """Return the files of a stack or of all, of platforms or of all, the oldest first."""
        if self._folder is None:
            return []
        try:
            names = [path.name for path in self._folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError):  # the first write tells
            return []
        except OSError as error:
            self._tell(_unread(self._folder, error))
            return []
        found = [
            (match["month"], self._folder / name)
            for name in names
            if (match := _NAME.fullmatch(name))
            and stack in (None, match["stack"])
            and (platforms is None or match["platform"] in platforms)
        ]
        return [path for _, path in sorted(found)]

    def _own(self, stack: str) -> list[Path]:
        """Return the files of a stack on this platform, the oldest first."""
        return [path for one in self._platforms for path in self._files(stack, [one])]

    def _of(self, stack: str) -> _Entries:
        if stack not in self._stacks:
            self._stacks[stack] = _Entries(self._remembered(stack))
        return self._stacks[stack]

    def _remembered(self, stack: str) -> list[Entry]:
        """Return what the files hold, the oldest first; remove those that nobody needs any more."""
        found: list[Entry] = []
        paths = self._own(stack)
        for path in paths:
            entries = self._read(path)
            found += entries
            newest = max((entry.time for entry in entries), default=self._clock.wall())
            # A clock that runs ahead must not wipe what there is.
            if path != paths[-1] and newest < self._clock.wall() - _REMEMBERED:
                with suppress(OSError):
                    path.unlink()
        return found

    def _elsewhere(self, stack: str) -> Iterator[_Entries]:
        """Yield what is known of other stacks, and of other platforms where that counts.

        Their runs may be under way, so what has grown is read anew.
        """
        own = self._own(stack)
        for path in self._files(None, None if self._everywhere else self._platforms):
            if path in own:
                continue
            size = -1
            with suppress(OSError):
                size = path.stat().st_size
            if self._others.get(path, (-1,))[0] != size:
                self._others[path] = (size, _Entries(self._read(path)))
            if path in self._others:
                yield self._others[path][1]

    def _read(self, path: Path) -> list[Entry]:
        """Return the entries of a file, the oldest first."""
        try:
            if path.exists() and not path.is_file():  # a device or a pipe may never end
                raise OSError(errno.EINVAL, "it is no file")  # noqa: TRY301 - told like any other
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            self._tell(_unread(path, error))
            return []
        name = _NAME.fullmatch(path.name)
        found: list[Entry] = []
        for line in lines:
            # Torn by a kill, spoilt by a full disk, or another version's.
            with suppress(ValueError, TypeError, KeyError, RecursionError):
                found.append(_entry(json.loads(line), name["stack"] if name else ""))
        return found

    def _tell(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._warn(message)


class _Entries:
    """The entries of one stack, by what is asked of them: a month may hold very many."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.last: dict[str, Entry] = {}
        """The latest entry about a request of each resource, by its marker."""
        self.kept: dict[str, str] = {}
        """The instance of each resource that was seen in the state."""
        self.latest: Entry | None = None
        """The latest of all."""
        self._codes: dict[str, tuple[int, Entry]] = {}
        self._count = 0
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self.latest = entry
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
            if (entry.fate in (Fate.SENT, Fate.LOST) and not entry.instance)
            or (entry.fate is Fate.MADE and entry.left and entry.instance != self.kept.get(marker))
        ]

    def spent(self, codes: Iterable[str]) -> Entry | None:
        """Return the latest entry with one of the codes, unless that code's latest is void."""
        found = [self._codes[code] for code in codes if code in self._codes]
        sent = [(count, entry) for count, entry in found if entry.fate is not Fate.VOID]
        return max(sent, key=itemgetter(0))[1] if sent else None


_NAME = re.compile(r"(?P<stack>.+)-(?P<platform>[0-9a-f]{8})-(?P<month>\d{4,}-\d\d)\.jsonl")
_LATEST = 253_402_300_799.0
"""The last second of the year 9999, after which no calendar goes."""


def _digest(platform: str) -> str:
    return sha256(platform.encode()).hexdigest()[:8]


def _entry(bag: Mapping[str, Any], stack: str) -> Entry:
    moment = float(bag["time"])
    return Entry(
        str(bag["marker"]),
        Fate(bag["fate"]),
        tuple(map(str, bag["codes"])),
        str(bag["instance"]),
        moment if 0.0 <= moment <= _LATEST else 0.0,
        bool(bag.get("left")),
        stack,
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


def _unwritten(reason: str, then: str) -> str:
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
