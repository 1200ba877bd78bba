"""The tenant: everything one sandbox knows, and the one lock that guards it."""

from __future__ import annotations

import base64
import hashlib
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .faults import Faults
from .journal import Journal
from .store import Store
from .switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .callbacks import Callback
    from .collection import Elements

FIRST_INSTANCE_ID = 427_001


class Tenant:
    """State of one sandbox. Hold `lock` around every use from more than one thread.

    Ids, tokens and codes are derived from the seed and from what already happened, never drawn
    from a shared random source: equal histories give equal values.
    """

    def __init__(
        self,
        *,
        elements: Elements,
        switches: Mapping[str, object],
        seed: int,
        db: str | None,
        clock: Callable[[], float],
        user_secret: str,
        organization_secret: str,
    ) -> None:
        self.elements = elements
        self.clock = clock
        self.user_secret = user_secret
        self.organization_secret = organization_secret
        self.lock = threading.RLock()
        self.switches = Switches(switches)
        self.store = Store(db, FIRST_INSTANCE_ID)
        self.journal = Journal()
        self._seed = seed
        self._first_switches = dict(switches)
        self._requests = 0
        self._second: tuple[int, int] = (0, 0)
        self.faults = Faults(seed)
        self.due: list[Callback] = []
        """Calls to make, which the application takes from here once the work is kept."""

    def reset(self) -> None:
        """Return to the state of a sandbox that was just started on an empty database."""
        self.store.clear()
        self.elements.forget_own()
        self.journal.clear()
        self._requests = 0
        self._second = (0, 0)
        self.switches = Switches(self._first_switches)
        self.faults = Faults(self._seed)
        self.due.clear()

    def take_due(self) -> list[Callback]:
        """Return the calls that are to be made now, each once."""
        with self.lock:
            due, self.due = self.due, []
        return due

    def derive(self, *parts: object) -> bytes:
        """Return 32 bytes that depend on the seed, the run and the parts alone."""
        text = ":".join(str(part) for part in (self._seed, self.store.run, *parts))
        return hashlib.sha256(text.encode()).digest()

    def next_request_id(self) -> str:
        """Return the id of the next request: 24 hexadecimal digits."""
        self._requests += 1
        return self.derive("request", self._requests).hex()[:24]

    def token_for(self, instance_id: int, authentications: int) -> str:
        """Return an instance token: 44 characters of Base64."""
        return base64.b64encode(self.derive("token", instance_id, authentications)).decode()

    def now_text(self) -> str:
        """Return the time as the platform writes it: UTC, whole seconds."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def over_rate_limit(self) -> bool:
        """Count a request, and return whether it is one too many in this second."""
        limit = self.switches.number("rate_limit")
        second = int(self.clock())
        seen = self._second[1] + 1 if self._second[0] == second else 1
        self._second = (second, seen)
        return bool(limit) and seen > limit
