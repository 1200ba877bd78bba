"""What can go wrong, and how it reads.

    CloudElementsError
    ├─ ConfigError              a connection setting is missing or malformed
    ├─ RefusedError             the provider itself will not go on (ambiguous, unsafe or impossible)
    │  ├─ AbandonedError        nobody waits for it any more, so nothing is begun
    │  ├─ SpentError            a one-time code was sent before
    │  └─ UnsendableError       a request that no platform would take, so it never left
    └─ RequestError             what came of a request
       ├─ APIError              the platform answered with an error
       │  ├─ AuthenticationError   401/403: wrong or missing user or organization secret
       │  ├─ NotFoundError         404 in the platform's own words
       │  ├─ RateLimitError        429
       │  ├─ TooLargeError         429 about the size of the request
       │  └─ StrangerError         somebody else answered: the address is not the platform's API
       └─ AmbiguousError        sent, but no usable answer came: it may have taken effect
          ├─ OtherInstanceError    the answer is about another instance than the request
          └─ NotSentError          …except here: it certainly did not reach the platform

The client states facts. Only the lifecycle adds the verb and the name, by `sentence`, so that
every error is one sentence and nothing is said twice.
"""

from __future__ import annotations

import difflib
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Outcome(Enum):
    """What came of sending a request."""

    NOT_SENT = "no connection"
    NO_ANSWER = "sent, no answer (timeout, connection lost)"
    GARBLED = "2xx, but not the expected JSON"
    MIXED_UP = "2xx, but about another instance"
    TOO_MANY = "429"
    TOO_LARGE = "429 that speaks of size"
    SERVER_ERROR = "5xx, 408"
    VENDOR_ERROR = "5xx, 408 with what the element's vendor said"
    STRANGER = "3xx, 4xx that are not in the platform's form"
    REFUSED = "any other status"


SERVER_ERRORS = frozenset({408, *range(500, 600)}) - {501, 505}
"""The request may have taken effect all the same; 408 and 52x are gateways' words for a time-out.
501 and 505 say that nothing was done."""

_UNKNOWN_ID = frozenset({400, 401, 403, 404})


class CloudElementsError(Exception):
    """An error whose text is meant for the user: one sentence, no secret, no URL query."""

    outcome = Outcome.REFUSED
    """What came of the request that it is about: this alone decides what happens next."""
    stranger = False
    """Somebody else seems to answer: usually the address is wrong."""


class ConfigError(CloudElementsError):
    """A connection setting is missing or malformed."""


class RefusedError(CloudElementsError):
    """The provider will not go on, because going on could lose, duplicate or spend something."""


class AbandonedError(RefusedError):
    """Nobody waits for it any more: the request at hand was not sent, and no other one will be."""

    outcome = Outcome.NOT_SENT


class SpentError(RefusedError):
    """A one-time code was sent before, and is not sent again."""


class UnsendableError(RefusedError):
    """A request that no platform would take, so it never left: nothing was spent."""

    outcome = Outcome.NOT_SENT


class RequestError(CloudElementsError):
    """What came of a request that is no success.

    Args:
        call: The request, by a path template and never a URL: `POST /instances`.
        said: What the platform said, or what was seen instead of an answer.
        status: The answer's; None where there was none.
        request_id: The platform's id of the request.
    """

    retry_after: float | None = None
    """Seconds after which the platform wants to be asked again."""

    def __init__(self, call: str, said: str, *, status: int | None, request_id: str | None) -> None:
        self.call = call
        self.said = said
        self.status = status
        self.request_id = request_id
        super().__init__(f"{said} ({self.codes})")

    @property
    def codes(self) -> str:
        """Call, and status and request id where there were any: what support asks for."""
        request = f", request {self.request_id}" if self.request_id else ""
        return f"{self.call} → {self.status or 'no answer'}{request}"


class APIError(RequestError):
    """The platform answered with an error status.

    docs: errors are `{"requestId", "message", "providerMessage"?}` (2019-06), but gateways also
    answer with HTML pages, so all three may be missing.
    """

    status: int

    def __init__(
        self,
        call: str,
        status: int,
        message: str,
        *,
        request_id: str | None = None,
        provider_message: str | None = None,
    ) -> None:
        if status in SERVER_ERRORS:
            self.outcome = Outcome.VENDOR_ERROR if provider_message else Outcome.SERVER_ERROR
        self.message = message
        self.provider_message = provider_message
        more = provider_message and provider_message != message
        said = f"{message} ({provider_message})" if more else message
        super().__init__(call, said, status=status, request_id=request_id)

    @property
    def may_mean_gone(self) -> bool:
        """Whether the platform may say so of an id that is gone (docs: not settled by any)."""
        return self.status in _UNKNOWN_ID and not self.stranger


class AuthenticationError(APIError):
    """401 or 403: the platform does not accept the user and organization secrets."""

    @property
    def names_our_secrets(self) -> bool:
        """Whether it is about them and nothing else (docs: the one text for them, 2018-09)."""
        return "Organization" in self.message


class NotFoundError(APIError):
    """404, said by the platform itself: nothing there under that id or key."""


class RateLimitError(APIError):
    """429: too many requests."""

    outcome = Outcome.TOO_MANY


class TooLargeError(APIError):
    """429 about the size of the request (docs: 8 MB, 2019-06): it had no effect, nor will it."""

    outcome = Outcome.TOO_LARGE


class StrangerError(APIError):
    """A 3xx or 4xx that is not in the platform's form: the address leads somewhere else.

    Above all a 404 of this kind does not mean that an instance is gone.
    """

    outcome = Outcome.STRANGER
    stranger = True


class AmbiguousError(RequestError):
    """The request left, and no usable answer came back: it may or may not have taken effect."""

    outcome = Outcome.NO_ANSWER

    def __init__(
        self,
        call: str,
        what: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        stranger: bool = False,
    ) -> None:
        if status is not None and type(self) is AmbiguousError:
            self.outcome = Outcome.GARBLED
        self.stranger = stranger
        super().__init__(call, what, status=status, request_id=request_id)


class OtherInstanceError(AmbiguousError):
    """A 2xx answer about another instance than the request: nothing in it may be used."""

    outcome = Outcome.MIXED_UP


class NotSentError(AmbiguousError):
    """The connection was never made, so the request certainly had no effect."""

    outcome = Outcome.NOT_SENT


def text_of(error: CloudElementsError | str) -> str:
    """Return what an error says, without a full stop in the middle of our own sentence."""
    if isinstance(error, RequestError):
        return f"{error.said.rstrip('. ')} ({error.codes})"
    return str(error).rstrip(". ")


def sentence(
    verb: str,
    name: str,
    error: CloudElementsError | str,
    *,
    then: str | None = None,
) -> str:
    """Return the one sentence that a user reads.

    `could not <verb> element instance '<name>': <what was said> (<call> → <status>, …): <then>`
    """
    text = f"could not {verb} element instance '{name}': {text_of(error)}"
    return f"{text}: {then}" if then else text


_TELLING = 4  # letters at which a word's beginning says which one is meant


def did_you_mean(word: str, known: list[str]) -> str:
    """Return `; did you mean 'x'?` when a known word is close, else nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    if not close and len(word) >= _TELLING:
        close = [name for name in known if name.startswith(word)]
    return f"; did you mean '{close[0]}'?" if close else ""


def mistake(problem: Mapping[str, Any], known: list[str]) -> str:
    """Return what is wrong with a field, never with its value.

    Args:
        problem: One of pydantic's `ValidationError.errors()`.
        known: Names of the fields there are.
    """
    match problem["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return f"is not known here{did_you_mean(str(problem['loc'][-1]), known)}"
        case "string_type":
            return "must be text; put it in quotes"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "must be a map"
        case "int_type" | "int_parsing" | "int_from_float" | "finite_number":
            return "must be a whole number"
        case "list_type":
            return "must be a list"
        case "bool_type":
            return "must be true or false"
        case _:
            return str(problem["msg"])
