"""One request and its answer: sent by the retry table, read, and told of without secrets.

Callers never look at status codes: an answer is a model of `provider.api.wire`, anything else is an
error of `provider.api.errors`.
"""

from __future__ import annotations

import math
import re
import socket
import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx

from . import wire
from .connection import connection
from .errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    Call,
    CloudElementsError,
    NotFoundError,
    NotSentError,
    OtherInstanceError,
    Outcome,
    RateLimitError,
    RefusedError,
    StrangerError,
    TooLargeError,
    UnsendableError,
)
from .rate import FinalAnswerError
from .redaction import quiet_http_loggers, scrubbed
from .retry import (
    Kind,
    Policy,
    Time,
    outcome_of_exception,
    refusal,
    request_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..config import Settings

T = TypeVar("T")
_SAID = "cloud_elements_said"
"""Extension of a response: what was read from it."""

PAGE_SIZE = 200
"""docs: 200 is default and maximum for elements (2019-06), taken for instances as well."""

_LARGEST_BODY = 8_000_000
"""docs: a payload over 8 MB is answered with 429 (2019-06), so it is not sent at all."""
_SHORTEST = 0.1
"""Seconds for an answer where no time is left: whoever asks whether to go on is told so first."""

_LONGEST_TEXT = 500


@dataclass(frozen=True, repr=False)
class Request:
    """One request, before it has an address.

    Args:
        method: HTTP method.
        path: Path template, as errors show it.
        parts: What fills the template.
        query: Parameters of the query; those that are None are left out.
        body: JSON body.
        kind: What sending it a second time would do.
        secrets: What must not be seen in an error, beside the account's own secrets.
        within: Seconds for retries, and for one answer, where the settings allow more.
    """

    method: str
    path: str
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str | None] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    kind: Kind = Kind.REPEATABLE
    secrets: Iterable[str] = ()
    within: float = math.inf

    @property
    def call(self) -> Call:
        """The request, as errors name it."""
        return Call(self.method, self.path)


class Exchange:
    """Sends requests of one account, and reads the answers. May be shared by threads.

    Args:
        settings: Where the platform is and who we are.
        transport: Sends the requests; tests hand in their own.
        clock: The clock, so that tests need not wait.
        go_on: Raises when nothing may be sent any more; asked right before a request is.
        remaining: Returns for how many seconds the work of a thread may go on.

    Raises:
        ConfigError: The address of the platform or of the proxy can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Time | None = None,
        go_on: Callable[[], None] = lambda: None,
        remaining: Callable[[], float] = lambda: math.inf,
    ) -> None:
        quiet_http_loggers()
        self._clock = clock or Time()
        self._remaining = remaining
        self._retry_budget = settings.retry_budget
        self._secrets = frozenset({settings.user_secret, settings.organization_secret})
        self._http = connection(settings, transport=transport, clock=self._clock, go_on=go_on)

    def __repr__(self) -> str:
        return f"Exchange({self._http.base_url})"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Refuse to be pickled: Pulumi stores pickled providers in the state."""
        message = "a client holds secrets and is never pickled"
        raise TypeError(message)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def pages(
        self,
        model: type[wire.M],
        path: str,
        query: Mapping[str, str | None],
        *,
        within: float = math.inf,
    ) -> list[wire.M]:
        """Return every item of a collection.

        "Nothing found" is an empty list, although the platform says 404 (docs: vendor's own API
        tests, 2018-09).
        """
        found: list[wire.M] = []
        page = {"pageSize": str(PAGE_SIZE), **query}
        seen: set[str] = set()

        while True:
            request = Request("GET", path, query=page, within=within)
            try:
                response, items = self.send(request, partial(_items, model))
            except NotFoundError:
                return found
            found += items
            token = response.headers.get("elements-next-page-token")
            if not token or token in seen:
                return found
            seen.add(token)
            page = page | {"nextPage": token}

    def ask(
        self,
        model: type[wire.M],
        request: Request,
        objection: Callable[[wire.M], str | None] = lambda _: None,
    ) -> wire.M:
        """Send a request and return its answer as a model.

        Args:
            model: What the answer is.
            request: The request.
            objection: Tells why an answer is about something else; nothing when it is not.
        """
        return self.send(request, partial(wire.read, model), objection)[1]

    def do(self, request: Request) -> None:
        """Send a request whose answer has nothing to say (docs: its body is not documented)."""
        self.send(request, None)

    def send(
        self,
        request: Request,
        read: Callable[[object], T | None] | None,
        objection: Callable[[T], str | None] = lambda _: None,
    ) -> tuple[httpx.Response, T]:
        """Send a request by the retry table; return a 2xx answer and what it says, or raise.

        Args:
            request: The request.
            read: Makes something of the answer's JSON, or None where it is not the expected one;
                None itself where nothing is expected.
            objection: Tells why an answer is about something else; nothing when it is not.
        """

        def judge(response: httpx.Response) -> None:
            if not response.is_success:
                raise self._error(request, response)
            said = _said(request, response, read)
            if said is not None and (what := objection(said)):
                raise OtherInstanceError(
                    request.call,
                    _one_line(*scrubbed([what], {*request.secrets, *self._secrets})),
                    status=response.status_code,
                    request_id=_one_line(request_id(response) or "") or None,
                )
            response.extensions[_SAID] = said

        answer = self._answer(request, self._built(request, judge))
        if isinstance(answer, CloudElementsError):
            raise answer
        if _SAID not in answer.extensions:
            judge(answer)
        return answer, answer.extensions[_SAID]

    def _built(self, request: Request, judge: Callable[[httpx.Response], None]) -> httpx.Request:
        path = request.path.lstrip("/")
        for name, value in request.parts.items():
            if not value.strip("."):  # it would address the collection, or what is above it
                message = f"{value!r} is no {name} that {request.call} could have"
                raise RefusedError(message)
            path = path.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
        within = min(request.within, max(self._remaining(), _SHORTEST))
        budget = min(self._retry_budget, within)
        policy = Policy(request.kind, budget=budget, clock=self._clock, judge=judge)
        timeout = self._http.timeout
        if within < (timeout.read or math.inf):
            timeout = httpx.Timeout(within, pool=None)
        try:
            built = self._http.build_request(
                request.method,
                path,
                json=request.body,
                params={key: v for key, v in request.query.items() if v is not None},
                timeout=timeout,
                extensions={"retry": policy},
            )
        except (ValueError, TypeError):
            built = None
        # Outside the handler: such an error holds the whole body.
        if built is None:
            message = "the inputs hold text or numbers that JSON can't carry"
            raise UnsendableError(message)
        if len(built.content) > _LARGEST_BODY:
            message = "the inputs are larger than the 8 MB that the platform takes"
            raise UnsendableError(message)
        return built

    def _answer(
        self, request: Request, built: httpx.Request
    ) -> httpx.Response | CloudElementsError:
        """Return the answer, or the error that tells why there is none.

        It is not raised here: an error raised in a handler would carry httpx's own along, which
        knows the address and the secrets in it.
        """
        try:
            return self._http.send(built)
        except FinalAnswerError as final:
            return final.response
        except CloudElementsError as error:
            return error.with_traceback(None)
        except httpx.TransportError as error:
            sent = outcome_of_exception(error) is not Outcome.NOT_SENT
            return (AmbiguousError if sent else NotSentError)(request.call, _spoken(error))
        except httpx.HTTPError:
            return AmbiguousError(request.call, "the answer could not be read")

    def _error(self, request: Request, response: httpx.Response) -> APIError:
        """Return the error that an answer tells of."""
        refused = refusal(response)
        assert refused
        said = refused.body.message or refused.body.provider_message
        if said is None:
            said = f"the answer is not the platform's but {_content_type(response)}"
        if response.is_redirect:
            said = "the address redirects elsewhere, so it is not the platform's API"
        texts = said, request_id(response, refused.body) or "", refused.body.provider_message or ""
        said, number, vendors = scrubbed(texts, {*request.secrets, *self._secrets})
        return _error_class(refused.outcome, response.status_code)(
            request.call,
            response.status_code,
            _one_line(said),
            outcome=refused.outcome,
            request_id=_one_line(number) or None,
            provider_message=_one_line(vendors) or None,
        )


def _said(
    request: Request, response: httpx.Response, read: Callable[[object], T | None] | None
) -> T | None:
    """Return what a 2xx answer says; see `Exchange.send`.

    Raises:
        AmbiguousError: It is not the expected one.
    """
    page = response.content.lstrip().startswith(b"<")
    if read is None and not page:
        return None
    what = "the answer is JSON, but not what the platform documents"
    stranger = True
    try:
        document = wire.document(response.content)
        found = read(document) if read else None
    except (ValueError, RecursionError):
        found = None
        kind = _content_type(response)
        stranger = "json" not in kind and response.content.strip()[:1] not in (b"{", b"[")
        what = f"the answer is not JSON but {kind}" if stranger else "the answer is broken JSON"
        if not response.content.strip():
            what, stranger = "the answer is empty", False
    if found is not None:
        return found
    # Outside the handler: the ValueError holds the document.
    raise AmbiguousError(
        request.call,
        what,
        status=response.status_code,
        request_id=_one_line(request_id(response) or "") or None,
        # Only one that answers so again and again: a request that is sent once may have met a proxy
        # that was out of order for a moment.
        stranger=stranger and request.kind is Kind.REPEATABLE,
    )


def _items(model: type[wire.M], document: object) -> list[wire.M] | None:
    items = document if isinstance(document, list) else [None]
    read = [found for item in items if (found := wire.read(model, item)) is not None]
    # To leave one out could mean to make it a second time.
    return read if len(read) == len(items) else None


def _error_class(outcome: Outcome, status: int) -> type[APIError]:
    if outcome in _BY_OUTCOME:
        return _BY_OUTCOME[outcome]
    known = {401: AuthenticationError, 403: AuthenticationError, 404: NotFoundError}
    return known.get(status, APIError)


_BY_OUTCOME: Mapping[Outcome, type[APIError]] = {
    Outcome.TOO_LARGE: TooLargeError,
    Outcome.TOO_MANY: RateLimitError,
    Outcome.STRANGER: StrangerError,
}


def _content_type(response: httpx.Response) -> str:
    return _one_line(response.headers.get("content-type", "").split(";")[0]) or "untyped"


def _one_line(text: str) -> str:
    """Return a stranger's text fit for a terminal: one line, no control codes, not too long."""
    text = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _spoken(error: httpx.TransportError) -> str:
    """Return what a transport error means, without its text, which may hold the address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the platform's certificate is not trusted here"
        if isinstance(cause, socket.gaierror):
            return "the platform's host name is not known here"
        cause = cause.__cause__ or cause.__context__
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return "no connection to the platform"
        case httpx.ProxyError():
            return "the proxy makes no connection to the platform"
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
            return "the connection was lost before the answer"
        case _:
            return "the request failed on its way"
