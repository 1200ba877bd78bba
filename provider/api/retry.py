"""What is sent again, what is looked up, what fails: one table, and the waits between attempts.

A create that carries a one-time code is the reason for the table: its code can be spent once, and
the API has no idempotency key (docs: none in any source, 2015-2023).
"""

from __future__ import annotations

import copy
import re
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

import httpx
from httpx_retries import Retry

from . import wire
from .errors import AmbiguousError, APIError, Outcome, outcome_of_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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

_SIZE = re.compile(
    r"too large|payload|megabyte|\d\s*[KMG]i?B\b"
    r"|(maximum|request|body|file|message) size|size limit",
    re.IGNORECASE,
)
"""docs: a payload over 8 MB is answered with 429 (2019-06); its text is not told."""


@dataclass(frozen=True, repr=False)
class Refusal:
    """What an answer means that is no success, its body included."""

    outcome: Outcome
    body: wire.ErrorBody


def refusal(response: httpx.Response) -> Refusal | None:
    """Return what a whole answer means; None for a success. An answer is judged once."""
    if not response.is_success and _REFUSAL not in response.extensions:
        response.extensions[_REFUSAL] = _refusal(response)
    found: Refusal | None = response.extensions.get(_REFUSAL)
    return found


_REFUSAL = "cloud_elements_refusal"


def _refusal(response: httpx.Response) -> Refusal:
    body = wire.error_body(response.content)
    outcome = outcome_of_status(response.status_code, vendors=bool(body and body.provider_message))
    # Not `response.text`: a stranger's charset may name a codec that gives no text.
    if outcome is Outcome.TOO_MANY and _SIZE.search(response.content.decode(errors="replace")):
        outcome = Outcome.TOO_LARGE
    refused = outcome is Outcome.REFUSED and not response.is_server_error
    stranger = refused and not _is_platforms(response, body)
    return Refusal(Outcome.STRANGER if stranger else outcome, body or wire.ErrorBody())


def _is_platforms(response: httpx.Response, body: wire.ErrorBody | None) -> bool:
    """Tell whether a refusal is in the platform's own form.

    docs: every error has a message and a request id (2019-06). A 404 must have both, for much
    depends on it and every gateway has a 404 of its own.
    """
    if body is None or response.is_redirect or not (body.message or body.provider_message):
        return False
    return response.status_code != httpx.codes.NOT_FOUND or bool(request_id(response, body))


def request_id(response: httpx.Response, body: wire.ErrorBody | None = None) -> str | None:
    """Return the platform's id of a request, from the body or a header."""
    header = response.headers.get("elements-request-id") or response.headers.get("x-request-id")
    return (body and body.request_id) or header


def outcome_of_exception(error: Exception) -> Outcome | None:
    """Return what an exception tells of an answer; None when it is about something else."""
    if isinstance(error, APIError | AmbiguousError):
        return error.outcome
    # A ProxyError is a tunnel that was not opened; plain requests never go through a proxy.
    before = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
    if isinstance(error, before):
        return Outcome.NOT_SENT
    if isinstance(error, httpx.DecodingError):
        return Outcome.GARBLED
    return Outcome.NO_ANSWER if isinstance(error, httpx.TransportError) else None


@dataclass(frozen=True)
class Time:
    """The clock, so that tests need not wait."""

    now: Callable[[], float] = time.monotonic
    """Seconds since any moment; never goes back."""
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time
    """Seconds since 1970."""


def retry_after(response: httpx.Response, clock: Time) -> float | None:
    """Return how many seconds `Retry-After` asks to wait, by number or by date; None when not.

    A date is held against the answer's own: this machine's clock may be wrong.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _seconds(text)
    if moment is None:
        return None
    now = _seconds(response.headers.get("date", ""))
    return max(0.0, moment - (clock.wall() if now is None else now))


def _seconds(text: str) -> float | None:
    """Return an HTTP date as seconds since 1970; None when it is none."""
    try:
        date = parsedate_to_datetime(text.strip())
        # A date without a zone is GMT: HTTP knows no other.
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


class Policy(Retry):
    """The table's `send again` column for one kind of request, with a total time budget.

    Waits double from half a second with jitter, unless `Retry-After` says how long. An answer that
    asks for more than the budget has left is not waited for: see `provider.api.rate`.

    Args:
        kind: What sending the request a second time would do.
        budget: Seconds from now after which nothing is sent again.
        clock: The clock, so that tests need not wait.
        judge: Raises an error of ours for an answer that is not the one expected.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        budget: float,
        clock: Time,
        judge: Callable[[httpx.Response], None] | None = None,
    ) -> None:
        super().__init__(
            total=_REPEATS,
            backoff_factor=_FIRST_WAIT / 2,
            max_backoff_wait=_LONGEST_WAIT,
            validate_response=judge,
        )
        self.kind = kind
        self.clock = clock
        self.deadline = clock.now() + budget

    def is_retryable_method(self, method: str) -> bool:  # noqa: ARG002, D102 - the kind decides
        return True

    def is_retryable_status_code(self, status_code: int) -> bool:  # noqa: D102
        success = status_code < httpx.codes.MULTIPLE_CHOICES
        return not success and self._is_sent_again(outcome_of_status(status_code))

    def is_retryable_exception(self, exception: Exception) -> bool:  # noqa: D102
        outcome = outcome_of_exception(exception)
        hopeless = outcome in (Outcome.NOT_SENT, Outcome.MIXED_UP) or getattr(
            exception, "stranger", False
        )
        if hopeless and self.attempts_made >= _FEW_REPEATS:
            return False
        return self._is_sent_again(outcome)

    def _is_sent_again(self, outcome: Outcome | None) -> bool:
        return outcome is not None and TABLE[outcome][self.kind] is Then.SEND_AGAIN

    def is_exhausted(self) -> bool:  # noqa: D102
        return self.attempts_made >= self.total or self.clock.now() >= self.deadline

    def increment(self) -> Policy:  # noqa: D102
        policy = copy.copy(self)
        policy.attempts_made += 1
        return policy

    def sleep(self, response: httpx.Response | Exception) -> None:  # noqa: D102
        named = retry_after(response, self.clock) if isinstance(response, httpx.Response) else None
        wait = self.backoff_strategy() if named is None else named
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
