"""What is sent again, what is looked up, what fails: one table, and the waits between attempts.

A create that carries a one-time code is the reason for the table: its code can be spent once, and
the API has no idempotency key (docs: none in any source, 2015-2023).
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import httpx
from httpx_retries import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Kind(Enum):
    """What sending a request a second time would do."""

    REPEATABLE = "GET, DELETE, and PUT or PATCH without a code"
    CREATE = "POST /instances without a code"
    ONE_TIME = "POST or PATCH with a code"


class Outcome(Enum):
    """What came of sending a request."""

    NOT_SENT = "no connection"
    NO_ANSWER = "sent, no answer (timeout, connection lost)"
    GARBLED = "2xx, but not the expected JSON"
    TOO_MANY = "429"
    TOO_LARGE = "429 that speaks of size"
    SERVER_ERROR = "500, 502, 503, 504"
    REFUSED = "any other 3xx, 4xx or 5xx"


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
        Outcome.GARBLED: (Then.FAIL, Then.LOOK_UP, Then.LOOK_UP_ONLY),
        Outcome.TOO_MANY: (Then.SEND_AGAIN, Then.LOOK_UP, Then.LOOK_UP_ONLY),
        Outcome.TOO_LARGE: (Then.FAIL, Then.FAIL, Then.FAIL),
        Outcome.SERVER_ERROR: (Then.SEND_AGAIN, Then.LOOK_UP, Then.LOOK_UP_ONLY),
        Outcome.REFUSED: (Then.FAIL, Then.FAIL, Then.FAIL),
    }.items()
}

SERVER_ERRORS = frozenset({500, 502, 503, 504})
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 60.0
_ATTEMPTS = 8


def outcome_of_status(status: int) -> Outcome | None:
    """Return what an HTTP status means, or None for a success."""
    if status < 300:  # noqa: PLR2004 - HTTP success
        return None
    if status == 429:  # noqa: PLR2004 - too many requests
        return Outcome.TOO_MANY
    return Outcome.SERVER_ERROR if status in SERVER_ERRORS else Outcome.REFUSED


def outcome_of_exception(error: Exception) -> Outcome | None:
    """Return what a transport's exception means for the request, or None when it is another's."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Outcome.NOT_SENT
    return Outcome.NO_ANSWER if isinstance(error, httpx.TransportError) else None


@dataclass(frozen=True)
class Time:
    """The clock, so that tests need not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Policy(Retry):
    """The table's `send again` column for one kind of request, with a total time budget.

    Waits double from half a second with jitter; `Retry-After` (seconds or a date) is honoured, and
    when it asks for more than the budget has left, the answer is given up at once.
    """

    def __init__(self, kind: Kind, *, budget: float, clock: Time) -> None:
        super().__init__(
            total=_ATTEMPTS, backoff_factor=_FIRST_WAIT, max_backoff_wait=_LONGEST_WAIT
        )
        self.kind = kind
        self.clock = clock
        self.deadline = clock.now() + budget

    def is_retryable_method(self, method: str) -> bool:  # noqa: ARG002, D102 - the kind decides
        return True

    def is_retryable_status_code(self, status_code: int) -> bool:  # noqa: D102
        outcome = outcome_of_status(status_code)
        return outcome is not None and TABLE[outcome][self.kind] is Then.SEND_AGAIN

    def is_retryable_exception(self, exception: Exception) -> bool:  # noqa: D102
        outcome = outcome_of_exception(exception)
        return outcome is not None and TABLE[outcome][self.kind] is Then.SEND_AGAIN

    def is_exhausted(self) -> bool:  # noqa: D102
        return self.attempts_made >= self.total or self.clock.now() >= self.deadline

    def increment(self) -> Policy:  # noqa: D102
        policy = copy.copy(self)
        policy.attempts_made += 1
        return policy

    def sleep(self, response: httpx.Response | Exception) -> None:  # noqa: D102
        headers = response.headers if isinstance(response, httpx.Response) else httpx.Headers()
        wait = self._calculate_sleep(headers)
        self.clock.sleep(min(wait, max(0.0, self.deadline - self.clock.now())))


def table_as_markdown() -> str:
    """Return the table as the documentation shows it."""
    lines = [
        "| what came of it | " + " | ".join(kind.value for kind in Kind) + " |",
        "|---|" + "---|" * len(Kind),
    ]
    lines += [
        f"| {outcome.value} | " + " | ".join(TABLE[outcome][kind].value for kind in Kind) + " |"
        for outcome in Outcome
    ]
    return "\n".join(lines)


def requests_extension(policy: Policy) -> dict[str, Any]:
    """Return the request extension by which the transport finds its policy."""
    return {"retry": policy}
