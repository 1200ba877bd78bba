"""One request, and what came back of it: what it says, or the error that tells what it is.

An answer is judged once, below whatever sends again, so that the error's outcome alone decides by
the retry table.
"""

from __future__ import annotations

import json
import math
import re
import socket
import ssl
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Generic

import httpx
from pydantic import ValidationError

from .errors import (
    SERVER_ERRORS,
    AmbiguousError,
    APIError,
    AuthenticationError,
    NotFoundError,
    NotSentError,
    OtherInstanceError,
    RateLimitError,
    StrangerError,
    TooLargeError,
)
from .redaction import scrubbed, secrets_in_request
from .retry import Kind
from .wire import ErrorBody, M, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .retry import Time

_LONGEST_TEXT = 500
_SIZE = re.compile(
    r"too large|payload|megabyte|\d\s*[KMG]i?B\b"
    r"|(maximum|request|body|file|message) size|size limit",
    re.IGNORECASE,
)
"""docs: a payload over 8 MB is answered with 429 (2019-06); its text is not documented."""


@dataclass(frozen=True, repr=False)
class Request(Generic[M]):
    """One request, before it has an address, and how its answer is read.

    Args:
        method: HTTP method.
        path: Path template, as errors show it.
        model: What the answer is; None where it has nothing to say.
        parts: What fills the template.
        query: Parameters of the query; those that are None are left out.
        body: JSON body.
        kind: What sending it a second time would do.
        secrets: What must not be seen in an error, beside the account's own secrets and those that
            name themselves in the body.
        within: Seconds for retries, and for one answer, where the settings allow more.
        many: The answer is a list of the model's.
        objection: Tells why an answer is about something else; nothing when it is not.
    """

    method: str
    path: str
    model: type[M] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str | None] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    kind: Kind = Kind.REPEATABLE
    secrets: frozenset[str] = frozenset()
    within: float = math.inf
    many: bool = False
    objection: Callable[[M], str | None] = lambda _: None

    @property
    def call(self) -> str:
        """The request, as errors name it."""
        return f"{self.method} {self.path}"

    def judge(
        self, response: httpx.Response, secrets: frozenset[str], clock: Time
    ) -> M | list[M] | None:
        """Return what a whole answer says.

        Args:
            response: The answer.
            secrets: The account's.
            clock: The clock.

        Raises:
            RequestError: It is no success, not the expected one, or about something else.
        """
        if not response.is_success:
            raise self._error(response, secrets, clock)
        said = self._said(response)
        if said is not None and not isinstance(said, list) and (what := self.objection(said)):
            [what] = self._shown([what], secrets)
            raise OtherInstanceError(self.call, what, **_which(response))
        return said

    def lost(self, error: httpx.HTTPError) -> AmbiguousError:
        """Return the error of a request that got no answer.

        Without the text of httpx's own, which knows the address and the secrets in it.
        """
        # A ProxyError is a tunnel that was not opened; plain requests never go through a proxy.
        before = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
        return (NotSentError if isinstance(error, before) else AmbiguousError)(
            self.call, _spoken(error)
        )

    def _error(self, response: httpx.Response, secrets: frozenset[str], clock: Time) -> APIError:
        body = _error_body(response.content)
        said = body.message or body.provider_message
        if response.is_redirect:
            said = "the address redirects elsewhere, so it is not the platform's API"
        said = said or f"the answer is not the platform's but {_content_type(response)}"
        number = _request_id(response, body)
        said, number, vendors = self._shown([said, number, body.provider_message or ""], secrets)
        error = _kind_of_error(response, body)(
            self.call,
            response.status_code,
            said,
            request_id=number or None,
            provider_message=vendors or None,
        )
        error.retry_after = _retry_after(response, clock)
        return error

    def _shown(self, texts: list[str], secrets: frozenset[str]) -> list[str]:
        own = secrets_in_request(self.body) if self.body else set()
        return [_one_line(text) for text in scrubbed(texts, secrets | self.secrets | own)]

    def _said(self, response: httpx.Response) -> M | list[M] | None:
        """Return what a 2xx answer says.

        Raises:
            AmbiguousError: It is not the expected one.
        """
        content = response.content.lstrip()
        if self.model is None and not content.startswith(b"<"):
            return None
        what = "the answer is JSON, but not what the platform documents"
        stranger = True
        try:
            found = self._read(_document(content))
        except (ValueError, RecursionError):
            found = None
            kind = _content_type(response)
            stranger = "json" not in kind and content[:1] not in (b"{", b"[")
            what = f"the answer is not JSON but {kind}" if stranger else "the answer is broken JSON"
            if not content:
                what, stranger = "the answer is empty", False
        if found is not None:
            return found
        # Outside the handler: the ValueError holds the document. A stranger is only one that
        # answers so again and again: a request that is sent once may have met a proxy that was out
        # of order for a moment.
        raise AmbiguousError(
            self.call, what, stranger=stranger and self.kind is Kind.REPEATABLE, **_which(response)
        )

    def _read(self, document: object) -> M | list[M] | None:
        """Return what an answer's JSON says; None where it is not the expected one."""
        if self.model is None:
            return None
        if not self.many:
            return read(self.model, document)
        items = document if isinstance(document, list) else [None]
        found = [said for item in items if (said := read(self.model, item)) is not None]
        # To leave one out could mean to make it a second time.
        return found if len(found) == len(items) else None


def read(model: type[M], document: object) -> M | None:
    """Return `document` as a `model`, or None when it lacks what the model demands.

    None instead of an error, because a validation error would carry the document.
    """
    try:
        return model.model_validate(document)
    except (ValidationError, RecursionError):
        return None


def _which(response: httpx.Response) -> dict[str, Any]:
    """Return status and request id of an answer, for an error about it."""
    number = _one_line(_request_id(response, None))
    return {"status": response.status_code, "request_id": number or None}


def _kind_of_error(response: httpx.Response, body: ErrorBody) -> type[APIError]:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        # Not `response.text`: a stranger's charset may name a codec that gives no text.
        about_size = _SIZE.search(response.content.decode(errors="replace"))
        return TooLargeError if about_size else RateLimitError
    if status in SERVER_ERRORS:
        return APIError
    if not response.is_server_error and not _is_platforms(response, body):
        return StrangerError
    known = {401: AuthenticationError, 403: AuthenticationError, 404: NotFoundError}
    return known.get(status, APIError)


def _is_platforms(response: httpx.Response, body: ErrorBody) -> bool:
    """Tell whether a refusal is in the platform's own form.

    docs: every error has a message and a request id (2019-06). A 404 must have both, for much
    depends on it and every gateway has a 404 of its own.
    """
    if response.is_redirect or not (body.message or body.provider_message):
        return False
    return response.status_code != httpx.codes.NOT_FOUND or bool(_request_id(response, body))


def _request_id(response: httpx.Response, body: ErrorBody | None) -> str:
    """Return the platform's id of a request, from the body or a header; empty without one."""
    header = response.headers.get("elements-request-id") or response.headers.get("x-request-id")
    return (body and body.request_id) or header or ""


def _retry_after(response: httpx.Response, clock: Time) -> float | None:
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


def _content_type(response: httpx.Response) -> str:
    return _one_line(response.headers.get("content-type", "").split(";")[0]) or "untyped"


def _one_line(text: str) -> str:
    """Return a stranger's text fit for a terminal: one line, no control codes, not too long."""
    text = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _spoken(error: httpx.HTTPError) -> str:
    """Return what an error of the way means, without its text, which may hold the address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the platform's certificate is not trusted here"
        if isinstance(cause, socket.gaierror):
            return "the platform's host name can't be resolved"
        cause = cause.__cause__ or cause.__context__
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return "no connection to the platform"
        case httpx.ProxyError():
            return "the proxy could not connect to the platform"
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
            return "the connection was lost before an answer came"
        case httpx.DecodingError():
            return "the answer could not be read"
        case _:
            return "the request failed on its way"


_CUT_OFF = re.compile(rb'"providerMessage"\s*:\s*"((?:[^"\\]|\\.)*[^\s"\\])')
"""What the vendor said, in JSON that breaks off."""


def _error_body(content: bytes) -> ErrorBody:
    """Return what an error's body says; nothing where it is not the platform's.

    docs: `message`, `requestId` and, where the vendor's answer is the cause, `providerMessage`,
    side by side (2019-06). A `providerMessage` counts wherever it stands and whatever it is, for
    what the vendor refused is not sent again.
    """
    try:
        answer = _document(content)
    except (ValueError, RecursionError):
        found = _CUT_OFF.search(content)
        vendors = found and found[1].decode(errors="replace")
        return ErrorBody(providerMessage=vendors or None)
    body = read(ErrorBody, answer) or ErrorBody()
    for inner in _maps(answer):
        if vendors := _text(inner.get("providerMessage")):
            outer = body.model_dump(by_alias=True, exclude_none=True)
            return read(ErrorBody, inner | outer | {"providerMessage": vendors}) or body
    return body.model_copy(update={"provider_message": None})


_INK = re.compile(r"[^\s\x00-\x1f\x7f-\x9f]")


def _text(value: object) -> str:
    """Return what a value says; nothing for an empty one."""
    try:
        text = (stored(value) or "") if value else ""
    except RecursionError:
        return "…"
    return text if _INK.search(text) else ""


def _maps(document: object) -> Iterator[dict[str, Any]]:
    """Yield each map inside a document, the outer ones first."""
    waiting = deque([document])
    while waiting:
        match waiting.popleft():
            case dict() as found:
                yield found
                waiting.extend(found.values())
            case list() as found:
                waiting.extend(found)


def _document(content: bytes) -> object:
    """Return an answer's JSON; half a surrogate pair, which no text can carry on, becomes `?`.

    Raises:
        ValueError: It is none.
        RecursionError: It is too deep.
    """
    found: object = json.loads(content)
    if b"\\ud" not in content.lower():
        return found
    written = json.dumps(found, ensure_ascii=False)
    return json.loads(written.encode(errors="replace"))
