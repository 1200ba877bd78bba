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

import threading
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..api.address import is_loopback
from ..api.retry import Time
from . import runs
from .journal import Entry, Fate, Journal, unwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ..config import Settings
    from .markers import Markers

_AT_WORK = 60.0
"""Seconds for which a request may be at work whose sender was killed (docs: 9-26 s were seen)."""


class History:
    """The entries of all resources, one file for each stack and month.

    Args:
        folder: Where the files are; None keeps everything in memory.
        platform: Address of the API: ids are worth nothing elsewhere.
        former: The same address in another spelling, under which older versions wrote.
        everywhere: Codes that were sent to other platforms count as sent, too.
        clock: The clock.
        warn: Shows a warning.
        shard: Number of the shard that writes, whose siblings may be at work under the same tags.
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
        shard: str = "",
    ) -> None:
        self._shard = shard
        self._everywhere = everywhere
        self._clock = clock or Time()
        platforms = dict.fromkeys([former or platform, platform])
        self._journal = Journal(folder, platforms, self._clock, warn, shard=shard)
        self._lock = threading.Lock()
        self._stacks: dict[str, _Entries] = {}
        self._others: dict[Path, tuple[int, _Entries]] = {}
        self._tried: set[str] = set()

    @classmethod
    def at_home(
        cls,
        environment: Mapping[str, str],
        settings: Settings,
        *,
        warn: Callable[[str], None] = lambda _: None,
    ) -> History:
        """Return the journal in Pulumi's own folder; in memory only when the settings say so."""
        folder = runs.home(environment) if settings.journal else None
        if folder is None:
            if settings.journal:
                warn(unwritten("there is no home folder", "set PULUMI_HOME to one"))
            return cls()
        # A sandbox mints the same codes as the next one; at the vendor, a code is spent once.
        everywhere = not is_loopback(urlsplit(settings.base_url).hostname or "")
        return cls(
            folder,
            platform=settings.address,
            former=settings.base_url,
            everywhere=everywhere,
            warn=warn,
            shard=environment.get(runs.SHARD, "").partition("/")[0],
        )

    @property
    def folder(self) -> Path | None:
        """Where the files are; None where everything is kept in memory."""
        return self._journal.folder

    def try_out(self, markers: Markers | None) -> None:
        """Warn, once for a stack, where what is sent for it can't be remembered.

        To be asked before a code is sent, so it writes: an empty line.
        """
        with self._lock:
            if markers is None or self.folder is None or markers.stack in self._tried:
                return
            self._tried.add(markers.stack)
            latest = self._of(markers.stack).latest
            if latest is not None and latest.time > self._clock.wall() + _AT_WORK:
                self._journal.tell(
                    f"the last run of this stack wrote down {latest.moment} in {self.folder}, "
                    "which is in the future: this machine's clock was set back, or was ahead; set "
                    "it right, because only the clock tells how long ago something was sent"
                )
            self._journal.append(markers.stack, "")

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
        return self.known(markers)[1]

    def last(self, markers: Markers) -> Entry | None:
        """Return the latest entry of a resource about a request."""
        return self.known(markers)[0]

    def known(self, markers: Markers) -> tuple[Entry | None, str]:
        """Return of a resource what `last` and `kept` return."""
        with self._lock:
            entries = self._of(markers.stack)
            return entries.last.get(markers.instance), entries.kept.get(markers.instance, "")

    def loose(self, stack: str, *, again: bool) -> list[Entry]:
        """Return the entries about instances that a run made, or may have made, and left.

        Args:
            stack: The stack's marker.
            again: Read anew what other processes wrote since.
        """
        with self._lock:
            anew = again and self.folder is not None
            entries = _Entries(self._journal.entries(stack)) if anew else self._of(stack)
            found = entries.loose()
        return [one for one in found if not self._shard or one.shard in ("", self._shard)]

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
        everywhere = chain([self._of(stack)], self._elsewhere(stack))
        return next(filter(None, (entries.spent(codes) for entries in everywhere)), None)

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
        entries, moment = self._of(markers.stack), since.time if since else self._clock.wall()
        entries.add(self._journal.write(markers, fate, codes, instance, moment, left=left))

    def _of(self, stack: str) -> _Entries:
        read = self._stacks.get(stack) or _Entries(self._journal.entries(stack))
        return self._stacks.setdefault(stack, read)

    def _elsewhere(self, stack: str) -> Iterator[_Entries]:
        """Yield what is known of other stacks, and of other platforms where that counts.

        Their runs may be under way, so what has grown is read anew.
        """
        for path, size in self._journal.others(stack, everywhere=self._everywhere):
            if self._others.get(path, (-1,))[0] != size:
                self._others[path] = (size, _Entries(self._journal.read(path)))
            if path in self._others:
                yield self._others[path][1]


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
