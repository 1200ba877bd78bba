"""What one server process works with, and what it knows of the instances in the state."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ..api.client import CloudElementsClient
from ..api.retry import Time
from . import runs
from .advice import ENABLE, RIGHT_CREDENTIALS
from .claims import Claims
from .history import History
from .leftovers import Leftovers
from .metadata import Metadata

if TYPE_CHECKING:
    from ..api import wire
    from ..config import Settings
    from .host import Host


@dataclass
class Context:
    """What one server process works with."""

    host: Host
    client: CloudElementsClient
    settings: Settings
    metadata: Metadata
    claims: Claims
    history: History
    clock: Time
    leftovers: Leftovers
    new: set[str] = field(default_factory=set)
    """Ids of instances that this machine made and sees in the state for the first time."""
    homes: set[str] = field(default_factory=set)
    """Addresses of other platforms, to which the state's instances belong that were refused."""
    address: str = field(init=False)
    """Where it is, in the one spelling in which addresses are compared and remembered."""
    entries: frozenset[str] = frozenset()
    """Names of the instances that the stack's configuration declares."""
    sharded: bool = False
    """That configuration is another stack's, of which this one is a shard."""
    _disabled: set[str] = field(default_factory=set)
    """Ids of disabled instances that were told of."""

    of_process: ClassVar[dict[Settings, Context]] = {}
    """Those that this process works with, see `shared`."""
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __post_init__(self) -> None:
        self.address = self.settings.address

    @classmethod
    def of(
        cls,
        settings: Settings,
        host: Host,
        *,
        client: CloudElementsClient | None = None,
        clock: Time | None = None,
        claims: Claims | None = None,
        history: History | None = None,
    ) -> Context:
        """Return the platform that the settings name; tests hand in their own client and clock."""
        clock = clock or Time(sleep=host.sleep)
        client = client or CloudElementsClient(
            settings, clock=clock, go_on=host.go_on, remaining=host.remaining
        )
        metadata = Metadata(client, host.warn, enabled=settings.metadata)
        claims = claims.seen_by(client) if claims else Claims(client, history or History())
        leftovers = Leftovers(client, claims, clock, host)
        history = claims.history
        return cls(host, client, settings, metadata, claims, history, clock, leftovers)

    @classmethod
    def shared(cls, settings: Settings, host: Host) -> Context:
        """Return the one that this process has for the settings.

        The engine's server makes a provider of each serialized form that it meets: states keep
        those of other Python versions. What one of them takes over, another must not delete, so
        whatever belongs to an address is known to all; other secrets have a client of their own.
        """
        with cls._lock:
            known = cls.of_process.get(settings)
            if known is None:
                here = (one for one in cls.of_process.values() if one.address == settings.address)
                claims = next((one.claims for one in here), None)
                warn = host.warn_once
                history = None if claims else History.at_home(os.environ, settings, warn=warn)
                known = cls.of(settings, host, claims=claims, history=history)
                known.leftovers.lost = _lost
                cls.of_process[settings] = known
            return known

    @classmethod
    def close_all(cls, heard: bool) -> None:  # noqa: FBT001 - a callback
        """Say what is left of this process's work; where no engine would hear, write it down."""
        with cls._lock:
            platforms = [*cls.of_process.values()]
        for platform in platforms:
            if heard:
                platform.leftovers.tell()
            else:
                platform.leftovers.abandon()

    def warn_when_invalid(self, instance: wire.Instance, name: str) -> None:
        """Say what to do about an instance that the platform calls invalid.

        docs: `valid` is in every answer, its meaning is not told (2020-11).
        """
        if instance.valid is False:
            self.host.warn(
                f"the platform says that element instance '{name}' ({instance.id}) is not valid: "
                f"{RIGHT_CREDENTIALS}"
            )

    def warn_of_disabled(self, instance_id: str, name: str) -> None:
        """Say, once, what to do about an instance that is disabled without the program's doing.

        docs: after five failed refreshes of its token the platform disables an instance (page on
        automatic disabling, 2020-11).
        """
        if instance_id not in self._disabled:
            self._disabled.add(instance_id)
            self.host.warn(
                f"element instance '{name}' ({instance_id}) is disabled on the platform, which "
                f"refuses calls through it: {ENABLE}"
            )


def _lost(project: str, stack: str) -> str | None:
    """Return when a run of a stack began that was lost; None where `elements` tells of it."""
    folder = runs.home(os.environ)
    if folder is None or os.environ.get(runs.VARIABLE):
        return None
    note = runs.Place(folder, project, stack).left()
    return note.moment if note else None
