"""The platform's REST API: one named call for each thing that is asked of it, and how it is sent.

Callers never look at status codes: an answer is a model of `provider.api.wire`, anything else is an
error of `provider.api.errors`. Knows no Pulumi and no stack.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from . import wire
from .connection import connection
from .errors import CloudElementsError, NotFoundError, RefusedError, UnsendableError
from .oauth import OAuth
from .rate import SAID
from .redaction import quiet_http_loggers
from .request import Request
from .retry import Kind, Policy, Time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..config import Settings

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


class CloudElementsClient(Exchange):
    """The API of one account; its arguments are those of `Exchange`. May be shared by threads."""

    @cached_property
    def oauth(self) -> OAuth:
        """What is asked for the consent step."""
        return OAuth(self)

    def create_instance(
        self,
        body: Mapping[str, Any],
        *,
        one_time: bool,
        objection: Callable[[wire.Instance], str | None] = lambda _: None,
    ) -> wire.Instance:
        """Create an element instance.

        Args:
            body: From `wire.instance_request`.
            one_time: The body carries a credential that can be spent once.
            objection: Tells why an answer is not about what was created; nothing when it may be.

        Raises:
            OtherInstanceError: It may have been created, but the answer is about another one.
            NotSentError: It certainly was not created.
            AmbiguousError: It may have been created.
            APIError: The platform refused, or failed after it may have created it (429, 5xx).
        """
        kind = Kind.ONE_TIME if one_time else Kind.CREATE
        return self.ask(
            Request("POST", "/instances", wire.Instance, body=body, kind=kind, objection=objection)
        )

    def get_instance(self, instance_id: str, *, element_key: str | None = None) -> wire.Instance:
        """Return the element instance as the platform sees it now.

        Args:
            instance_id: The instance.
            element_key: Its element, where that is known.

        Raises:
            NotFoundError: It was deleted outside Pulumi.
            OtherInstanceError: The answer is about another one, or of another element.
        """
        return self.ask(_about(instance_id, element_key, "GET"))

    def update_instance(
        self,
        instance_id: str,
        body: Mapping[str, Any],
        *,
        element_key: str | None = None,
        one_time: bool = False,
    ) -> wire.Instance:
        """Change the given parts of an element instance, and return all of it.

        Configuration is merged, tags are replaced (docs: PATCH /instances/{id}, 2020-11). With
        `providerData` it is authenticated anew under the same id.

        Raises:
            OtherInstanceError: The answer is about another one; this one may have changed.
        """
        kind = Kind.ONE_TIME if one_time else Kind.REPEATABLE
        return self.ask(_about(instance_id, element_key, "PATCH", body=body, kind=kind))

    def replace_instance(
        self,
        instance_id: str,
        body: Mapping[str, Any],
        *,
        element_key: str | None = None,
        one_time: bool = False,
    ) -> wire.Instance:
        """Authenticate an element instance anew by all of its parts; return it. The id stays.

        docs: PUT /instances/{id}?reAuthenticate=true with provider data (help page on
        re-authentication by API; public clients send it without the query, 2017-2020).

        Raises:
            OtherInstanceError: The answer is about another one; this one may have changed.
        """
        query = {"reAuthenticate": "true"} if "providerData" in body else {}
        kind = Kind.ONE_TIME if one_time else Kind.REPEATABLE
        return self.ask(_about(instance_id, element_key, "PUT", body=body, kind=kind, query=query))

    def delete_instance(self, instance_id: str) -> None:
        """Delete an element instance and its token; one that is gone already is fine."""
        try:
            self.send(Request("DELETE", "/instances/{id}", parts={"id": instance_id}))
        except NotFoundError:
            return

    def set_enabled(self, instance_id: str, *, enabled: bool) -> None:
        """Enable or disable an element instance (docs: PUT and DELETE …/enabled, 2020-11)."""
        method = "PUT" if enabled else "DELETE"
        self.send(Request(method, "/instances/{id}/enabled", parts={"id": instance_id}))

    def find_instances(
        self, *, tag: str | None = None, search: str | None = None, within: float = math.inf
    ) -> list[wire.Instance]:
        """Return all element instances, or those with a tag, or whose name matches.

        Sends one request for each page of 200; `within` is as for `get_element`, for each of them.
        """
        query = {"tags[]": tag, "searchText": search}
        return self.pages(Request("GET", "/instances", wire.Instance, query=query, within=within))

    def get_element(self, element_key: str, *, within: float = math.inf) -> wire.Element:
        """Return an element's metadata.

        Args:
            element_key: The element.
            within: Seconds for retries, and for one answer, where the settings allow more.

        Raises:
            NotFoundError: The platform has no such element.
        """
        path, parts = "/elements/{keyOrId}", {"keyOrId": element_key}
        return self.ask(Request("GET", path, wire.Element, parts, within=within))

    def find_elements(self, *, within: float = math.inf) -> list[wire.Element]:
        """Return the metadata of every element, abridged where the platform offers it.

        `within` is as for `get_element`, for each page of 200.
        """
        query = {"abridged": "true"}
        return self.pages(Request("GET", "/elements", wire.Element, query=query, within=within))

    def check_credentials(self) -> str | None:
        """Ask for our own organization: the cheapest call that needs both secrets.

        Returns:
            The platform's time, as its `Date` header says it.
        """
        answer = self.send(Request("GET", "/organizations/me", wire.Organization))
        date: str | None = answer.headers.get("date")
        return date


def _about(
    instance_id: str, element_key: str | None, method: str, **rest: Any
) -> Request[wire.Instance]:
    """Return a request about one instance, whose answer may not be about another one."""

    def objection(answer: wire.Instance) -> str | None:
        if answer.id.lstrip("0") != instance_id.lstrip("0"):
            return f"the answer is about instance {answer.id}, not {instance_id}"
        if element_key is not None and not answer.is_of(element_key):
            key = answer.element.key
            return f"instance {instance_id} is said to be of element '{key}', not '{element_key}'"
        return None

    parts = {"id": instance_id}
    return Request(method, "/instances/{id}", wire.Instance, parts, objection=objection, **rest)
