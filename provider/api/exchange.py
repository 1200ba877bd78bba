"""One request and its answer: sent by the retry table, read, and described without secrets.

Callers never look at status codes: an answer is a model of `provider.api.wire`, anything else is an
error of `provider.api.errors`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from .connection import connection
from .errors import CloudElementsError, NotFoundError, RefusedError, UnsendableError
from .rate import SAID
from .redaction import quiet_http_loggers
from .retry import Policy, Time

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Settings
    from . import wire
    from .request import Request

PAGE_SIZE = 200
"""docs: 200 is default and maximum for elements (2019-06), taken for instances as well."""

_LARGEST_BODY = 8_000_000
"""docs: a payload over 8 MB is answered with 429 (2019-06), so it is not sent at all."""
_SHORTEST = 0.1
"""Seconds for an answer where no time is left: `go_on` has already said so by then."""


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
        self.address = settings.address
        """Where the platform is, in the one spelling in which addresses are compared."""
        self.go_on = go_on
        """Raises when the work of this thread is not to go on."""
        self._clock = clock or Time()
        self._remaining = remaining
        self._retry_budget = settings.retry_budget
        self._http = connection(settings, transport=transport, clock=self._clock, go_on=go_on)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address})"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Refuse to be pickled: Pulumi stores pickled providers in the state."""
        message = "a client holds secrets and is never pickled"
        raise TypeError(message)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def pages(self, request: Request[wire.M]) -> list[wire.M]:
        """Return every item of a collection.

        "Nothing found" is an empty list, although the platform says 404 (docs: vendor's own API
        tests, 2018-09).
        """
        found: list[wire.M] = []
        page = {"pageSize": str(PAGE_SIZE), **request.query}
        seen: set[str] = set()

        while True:
            try:
                response = self.send(replace(request, query=page, many=True))
            except NotFoundError:
                return found
            found += response.extensions[SAID]
            token = response.headers.get("elements-next-page-token")
            if not token or token in seen:
                return found
            seen.add(token)
            page = page | {"nextPage": token}

    def ask(self, request: Request[wire.M]) -> wire.M:
        """Send a request and return its answer as its model."""
        said: wire.M = self.send(request).extensions[SAID]
        return said

    def send(self, request: Request[Any]) -> httpx.Response:
        """Send a request by the retry table; return a 2xx answer, or raise."""
        try:
            return self._http.send(self._built(request))
        except CloudElementsError as error:
            failed = error.with_traceback(None)  # in which are the request's secrets
        raise failed

    def _built(self, request: Request[Any]) -> httpx.Request:
        path = request.path.lstrip("/")
        for name, value in request.parts.items():
            if not value.strip("."):  # it would address the collection, or what is above it
                message = f"{value!r} can't be the {name} in {request.call}"
                raise RefusedError(message)
            path = path.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
        within = min(request.within, max(self._remaining(), _SHORTEST))
        budget = min(self._retry_budget, within)
        policy = Policy(request.kind, budget=budget, clock=self._clock)
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
                extensions={"retry": policy, "request": request},
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
