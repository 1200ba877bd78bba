"""The platform's REST API over HTTP: one way out, one reader for what comes back.

Knows no Pulumi and no stack. Callers never look at status codes: an answer is a model of
`provider.wire`, anything else is an error of `provider.errors`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from httpx_retries import RetryTransport

from provider import wire
from provider.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    Call,
    CloudElementsError,
    NotFoundError,
    NotSentError,
    RateLimitError,
)
from provider.rate import Limiter, TooLargeError
from provider.redaction import quiet_http_loggers, scrub, strings_in
from provider.retry import Kind, Outcome, Policy, Time, outcome_of_exception, requests_extension

if TYPE_CHECKING:
    from provider.config import Settings

PAGE_SIZE = 200
"""docs: 200 is default and maximum for elements (2019-06), taken for instances as well."""

_MAX_PAGES = 10_000
_LARGEST_BODY = 8_000_000
"""docs: a payload over 8 MB is answered with 429 (2019-06), so it is not sent at all."""

_LONGEST_TEXT = 500


class CloudElementsClient:
    """The API of one account. May be shared by threads.

    Args:
        settings: Where the platform is and who we are.
        transport: Sends the requests; tests hand in their own.
        clock: The clock, so that tests need not wait.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Time | None = None,
    ) -> None:
        quiet_http_loggers()
        self._clock = clock or Time()
        self._retry_budget = settings.retry_budget
        self._secrets = {settings.user_secret, settings.organization_secret}
        if transport is None:
            limits = httpx.Limits(
                max_connections=settings.concurrency,
                max_keepalive_connections=settings.concurrency,
            )
            transport = httpx.HTTPTransport(limits=limits)
        limited = Limiter(transport, settings.requests_per_second, self._clock)
        self._http = httpx.Client(
            base_url=settings.base_url + "/",
            headers={
                # The element token is never sent along: with it, DELETE /instances/{id} is routed
                # to the vendor (docs: vendor's own API tests, 2018-09).
                "authorization": (
                    f"User {settings.user_secret}, Organization {settings.organization_secret}"
                ),
                "accept": "application/json",
                "user-agent": "pulumi-cloud-elements",
            },
            timeout=httpx.Timeout(settings.timeout, connect=min(15.0, settings.timeout), pool=None),
            transport=RetryTransport(transport=limited),
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"CloudElementsClient({self._http.base_url})"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def create_instance(self, body: dict[str, Any], *, one_time: bool) -> wire.Instance:
        """Create an element instance.

        Args:
            body: From `wire.instance_request`.
            one_time: The body carries a credential that can be spent once.

        Raises:
            NotSentError: It certainly was not created.
            AmbiguousError: It may have been created.
            APIError: The platform refused, or failed after it may have created it (429, 5xx).
        """
        kind = Kind.ONE_TIME if one_time else Kind.CREATE
        document = self._call("POST", "/instances", kind=kind, body=body)
        return self._read(wire.Instance, document, Call("POST", "/instances"))

    def get_instance(self, instance_id: str) -> wire.Instance:
        """Return the element instance as the platform sees it now.

        Raises:
            NotFoundError: It was deleted outside Pulumi.
        """
        document = self._call("GET", "/instances/{id}", id=instance_id)
        return self._read(wire.Instance, document, Call("GET", "/instances/{id}"))

    def update_instance(
        self, instance_id: str, body: dict[str, Any], *, one_time: bool = False
    ) -> wire.Instance:
        """Change the given parts of an element instance, and return all of it.

        Configuration is merged, tags are replaced (docs: PATCH /instances/{id}, 2020-11). With
        `providerData` it is authenticated anew under the same id.
        """
        kind = Kind.ONE_TIME if one_time else Kind.REPEATABLE
        document = self._call("PATCH", "/instances/{id}", kind=kind, body=body, id=instance_id)
        return self._read(wire.Instance, document, Call("PATCH", "/instances/{id}"))

    def delete_instance(self, instance_id: str) -> None:
        """Delete an element instance and its token; one that is gone already is fine."""
        try:
            self._call("DELETE", "/instances/{id}", id=instance_id)
        except NotFoundError:
            return

    def set_enabled(self, instance_id: str, *, enabled: bool) -> None:
        """Enable or disable an element instance (docs: PUT and DELETE …/enabled, 2020-11)."""
        method = "PUT" if enabled else "DELETE"
        self._call(method, "/instances/{id}/enabled", id=instance_id)

    def find_instances(
        self, *, tag: str | None = None, search: str | None = None
    ) -> list[wire.Instance]:
        """Return all element instances, or those with a tag, or whose name matches.

        One request for each page of 200. "Nothing found" is an empty list, although the platform
        says 404 (docs: vendor's own API tests, 2018-09).
        """
        call = Call("GET", "/instances")
        query: dict[str, str | int] = {"pageSize": PAGE_SIZE}
        if tag is not None:
            query["tags[]"] = tag
        if search is not None:
            query["searchText"] = search
        found: list[wire.Instance] = []
        seen: set[str] = set()
        for _ in range(_MAX_PAGES):
            try:
                response = self._send("GET", "/instances", query=query)
                items = _json(response, call)
            except NotFoundError:
                return found
            if not isinstance(items, list):
                raise AmbiguousError(call, "the answer is not a list", status=response.status_code)
            found += [self._read(wire.Instance, item, call) for item in items]
            token = response.headers.get("elements-next-page-token")
            if not token or token in seen:
                return found
            seen.add(token)
            query["nextPage"] = token
        return found

    def get_element(self, element_key: str) -> wire.Element:
        """Return an element's metadata.

        Raises:
            NotFoundError: The platform has no such element.
        """
        path = "/elements/{keyOrId}"
        document = self._call("GET", path, keyOrId=element_key)
        return self._read(wire.Element, document, Call("GET", path))

    def find_elements(self) -> list[wire.Element]:
        """Return the metadata of every element, abridged where the platform offers it."""
        call = Call("GET", "/elements")
        query: dict[str, str | int] = {"pageSize": PAGE_SIZE, "abridged": "true"}
        found: list[wire.Element] = []
        seen: set[str] = set()
        for _ in range(_MAX_PAGES):
            try:
                response = self._send("GET", "/elements", query=query)
                items = _json(response, call)
            except NotFoundError:
                return found
            if not isinstance(items, list):
                raise AmbiguousError(call, "the answer is not a list", status=response.status_code)
            found += [self._read(wire.Element, item, call) for item in items]
            token = response.headers.get("elements-next-page-token")
            if not token or token in seen:
                return found
            seen.add(token)
            query["nextPage"] = token
        return found

    def check_credentials(self) -> None:
        """Ask for our own organization: the cheapest call that needs both secrets."""
        self._call("GET", "/organizations/me")

    def _call(
        self,
        method: str,
        path: str,
        *,
        kind: Kind = Kind.REPEATABLE,
        body: dict[str, Any] | None = None,
        **parts: str,
    ) -> object:
        """Send one request and return the JSON of its answer."""
        response = self._send(method, path, kind=kind, body=body, **parts)
        return _json(response, Call(method, path), optional=method in ("DELETE", "PUT"))

    def _send(
        self,
        method: str,
        path: str,
        *,
        kind: Kind = Kind.REPEATABLE,
        body: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
        **parts: str,
    ) -> httpx.Response:
        """Send one request by the retry table; return a 2xx answer or raise."""
        call = Call(method, path)
        filled = path
        for name, value in parts.items():
            filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
        policy = Policy(kind, budget=self._retry_budget, clock=self._clock)
        request = self._http.build_request(
            method,
            filled.lstrip("/"),
            json=body,
            params=query,
            extensions={**requests_extension(policy)},
        )
        if len(request.content) > _LARGEST_BODY:
            raise APIError(call, 429, "the request is larger than the 8 MB the platform takes")
        try:
            response = self._answer(request)
        except httpx.TransportError as error:
            what = _spoken(error)
            outcome = outcome_of_exception(error)
        except httpx.HTTPError:
            what, outcome = "the answer could not be read", Outcome.GARBLED
        else:
            if response.is_success:
                return response
            raise self._error(call, response, secrets=set(strings_in(body)))
        # Raised here, outside the handlers, so that nothing of httpx (which knows the URL) clings
        # to the error.
        raise (NotSentError if outcome is Outcome.NOT_SENT else AmbiguousError)(call, what)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except TooLargeError as too_large:
            return too_large.response

    def _error(
        self, call: Call, response: httpx.Response, *, secrets: set[str]
    ) -> CloudElementsError:
        """Return the error that an answer tells of."""
        status = response.status_code
        body = _error_body(response)
        if body is None:
            kind = response.headers.get("content-type", "nothing").split(";")[0]
            said = f"the answer is not the platform's but {kind}"
            return APIError(call, status, said, request_id=_request_id(response))
        known = secrets | self._secrets
        cls: type[APIError] = {
            401: AuthenticationError,
            403: AuthenticationError,
            404: NotFoundError,
            429: RateLimitError,
        }.get(status, APIError)
        return cls(
            call,
            status,
            _one_line(scrub(body.message or httpx.codes.get_reason_phrase(status), known)),
            request_id=_one_line(body.request_id or "") or _request_id(response),
            provider_message=_one_line(scrub(body.provider_message or "", known)) or None,
        )

    def _read(self, model: type[wire.M], document: object, call: Call) -> wire.M:
        """Return a 2xx answer as a model."""
        found = wire.read(model, document)
        if found is None:
            raise AmbiguousError(call, "the answer is JSON, but not what the platform documents")
        return found


def _json(response: httpx.Response, call: Call, *, optional: bool = False) -> object:
    """Return the JSON of a 2xx answer; an empty body is None where an answer is optional."""
    if optional and not response.content.strip():
        return None
    try:
        return response.json()
    except ValueError:
        kind = response.headers.get("content-type", "nothing").split(";")[0]
        garbled = AmbiguousError(
            call,
            f"the answer is not JSON but {_one_line(kind)}",
            status=response.status_code,
            request_id=_request_id(response),
        )
    # Outside the handler: the ValueError holds the document.
    if optional:
        return None
    raise garbled


def _error_body(response: httpx.Response) -> wire.ErrorBody | None:
    """Return the platform's error body, or None when somebody else answered."""
    try:
        document = response.json()
    except ValueError:
        return None
    body = wire.read(wire.ErrorBody, document)
    return body if body and (body.message or body.request_id) else None


def _request_id(response: httpx.Response) -> str | None:
    found = response.headers.get("elements-request-id") or response.headers.get("x-request-id")
    return _one_line(found) if found else None


def _one_line(text: str) -> str:
    """Return a stranger's text fit for a terminal: one line, no control codes, of bounded length."""
    text = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _spoken(error: httpx.TransportError) -> str:
    """Return what a transport error means, without its text, which may hold the address."""
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return "no connection to the platform"
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
            return "the connection was lost before the answer"
        case _:
            return "the request failed on its way"
