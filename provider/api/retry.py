"""What is sent again, what is looked up, what fails: one table, and the waits between attempts.

A create that carries a one-time code is the reason for the table: its code can be spent once, and
the API has no idempotency key (docs: none in any source, 2015-2023).
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from httpx_retries import Retry

from .errors import Outcome, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx


class Kind(Enum):
    """What sending a request a second time would do."""

    REPEATABLE = "GET, DELETE, and PUT or PATCH without a code"
    CREATE = "POST /instances without a code"
    ONE_TIME = "POST, PATCH or PUT with a code"


class Then(Enum):
    """What happens next."""

    SEND_AGAIN = "send again"
    LOOK_UP = "look up, send again if nothing is there"
    LOOK_UP_ONLY = "look up, never send again"
    FAIL = "fail"


TABLE: Mapping[Outcome, Mapping[Kind, Then]] = {
    outcome: dict(zip((Kind.REPEATABLE, Kind.CREATE, Kind.ONE_TIME), row, strict=True))
    for outcome, row in {
        Outcome.NOT_SENT: (Then.SEND_AGAIN, Then.SEND_AGAIN, Then.SEND_AGAIN),
        Outcome.NO_ANSWER: (Then.SEND_AGAIN, Then.LOOK_UP, Then.LOOK_UP_ONLY),
        Outcome.GARBLED: (Then.SEND_AGAIN, Then.LOOK_UP, Then.LOOK_UP_ONLY),
        # Where the platform drops our tags, each repeat would make one more that nobody finds.
        Outcome.MIXED_UP: (Then.SEND_AGAIN, Then.LOOK_UP_ONLY, Then.LOOK_UP_ONLY),
        Outcome.TOO_MANY: (Then.SEND_AGAIN, Then.LOOK_UP, Then.LOOK_UP_ONLY),
        Outcome.TOO_LARGE: (Then.FAIL, Then.FAIL, Then.FAIL),
        Outcome.SERVER_ERROR: (Then.SEND_AGAIN, Then.LOOK_UP, Then.LOOK_UP_ONLY),
        # The vendor is not asked again with what it refused: after a few it locks the account.
        Outcome.VENDOR_ERROR: (Then.FAIL, Then.LOOK_UP_ONLY, Then.LOOK_UP_ONLY),
        # A proxy or gateway that is out of order for a moment; a wrong address answers so for ever.
        Outcome.STRANGER: (Then.SEND_AGAIN, Then.FAIL, Then.FAIL),
        Outcome.REFUSED: (Then.FAIL, Then.FAIL, Then.FAIL),
    }.items()
}

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_REPEATS = 8
_FEW_REPEATS = 3
"""Where the usual reason is a mistake in the address, and its author is waiting."""


@dataclass(frozen=True)
class Time:
    """The clock, so that tests need not wait."""

    now: Callable[[], float] = time.monotonic
    """Seconds since any moment; never goes back."""
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time
    """Seconds since 1970."""


class Policy(Retry):
    """The table's `send again` column for one kind of request, with a total time budget.

    Waits double from half a second with jitter, unless `Retry-After` says how long. An answer that
    asks for more than the budget has left is not waited for. What did not succeed comes here as an
    error of ours, see `provider.api.request`.

    Args:
        kind: What sending the request a second time would do.
        budget: Seconds from now after which nothing is sent again.
        clock: The clock, so that tests need not wait.
    """

    def __init__(self, kind: Kind, *, budget: float, clock: Time) -> None:
        super().__init__(
            total=_REPEATS, backoff_factor=_FIRST_WAIT / 2, max_backoff_wait=_LONGEST_WAIT
        )
        self.kind = kind
        self.clock = clock
        self.deadline = clock.now() + budget

    def is_retryable_method(self, method: str) -> bool:  # noqa: ARG002, D102 - the kind decides
        return True

    def is_retryable_exception(self, exception: Exception) -> bool:  # noqa: D102
        if not isinstance(exception, RequestError):
            return False
        outcome = exception.outcome
        hopeless = exception.stranger or outcome in (Outcome.NOT_SENT, Outcome.MIXED_UP)
        if hopeless and self.attempts_made >= _FEW_REPEATS:
            return False
        if self.clock.now() + (exception.retry_after or 0.0) > self.deadline:
            return False
        return TABLE[outcome][self.kind] is Then.SEND_AGAIN

    def is_exhausted(self) -> bool:  # noqa: D102
        return self.attempts_made >= self.total or self.clock.now() >= self.deadline

    def increment(self) -> Policy:  # noqa: D102
        policy = copy.copy(self)
        policy.attempts_made += 1
        return policy

    def sleep(self, response: httpx.Response | Exception) -> None:  # noqa: D102
        named = getattr(response, "retry_after", None)
        wait = self.backoff_strategy() if named is None else named
        self.clock.sleep(min(wait, max(0.0, self.deadline - self.clock.now())))
