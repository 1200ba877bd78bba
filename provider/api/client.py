"""The platform's REST API over HTTP: one way out, one reader for what comes back.

Knows no Pulumi and no stack. Callers never look at status codes: an answer is a model of
`provider.api.wire`, anything else is an error of `provider.api.errors`.
"""

from __future__ import annotations

import math
import os
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from httpx_retries import RetryTransport

from . import wire
from .address import is_loopback
from .errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    Call,
    CloudElementsError,
    ConfigError,
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
from .rate import FinalAnswerError, Limiter
from .redaction import quiet_http_loggers, scrub, secrets_of, strings_in
from .retry import (
    Kind,
    Policy,
    Time,
    outcome_of_exception,
    outcome_of_response,
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

_LONGEST_TEXT = 500
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_SUCH_FORM = frozenset({404, 405, 415})
"""What an API that takes OAuth requests by GET alone may answer to a POST."""
_NO_SUCH_FIELD = frozenset({400, 422})
"""What it may answer to a field that it does not know, or for want of one that it needs."""
_BODY_FIELDS = frozenset(
    {
        "apiKey",
        "apiSecret",
        "callbackUrl",
        "scope",
        "state",
        "siteAddress",
        "isOAuthProxy",
        "oauthProxyName",
        "requestToken",
    }
)
"""All that the body of POST `oauth/url` has (docs: platform's Swagger, 2018-12)."""


@dataclass(frozen=True, repr=False)
class _Request:
    """One request, before it has an address.

    Args:
        method: HTTP method.
        path: Path template, as errors show it.
        parts: What fills the template.
        query: Parameters of the query.
        body: JSON body.
        kind: What sending it a second time would do.
        secrets: What must not be seen in an error, beside the account's own secrets.
        within: Seconds for retries, and for one answer, where the settings allow more.
    """

    method: str
    path: str
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    kind: Kind = Kind.REPEATABLE
    secrets: Iterable[str] = ()
    within: float = math.inf

    @property
    def call(self) -> Call:
        return Call(self.method, self.path)


class CloudElementsClient:
    """The API of one account. May be shared by threads.

    Args:
        settings: Where the platform is and who we are.
        transport: Sends the requests; tests hand in their own.
        clock: The clock, so that tests need not wait.
        go_on: Raises when nothing may be sent any more; asked right before a request is.

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
    ) -> None:
        quiet_http_loggers()
        self._clock = clock or Time()
        self._retry_budget = settings.retry_budget
        self.address = settings.address
        """Where it is, in the one spelling in which addresses are compared and remembered."""
        self._secrets = frozenset({settings.user_secret, settings.organization_secret})
        limited = Limiter(
            transport or _transport(settings),
            settings.requests_per_second,
            settings.timeout,
            self._clock,
            go_on=go_on,
            at_once=settings.concurrency,
        )
        self._http = httpx.Client(
            base_url=_address(settings),
            headers={
                # The element token is never sent along: with it, DELETE /instances/{id} is routed
                # to the vendor (docs: vendor's own API tests, 2018-09).
                "authorization": (
                    f"User {settings.user_secret}, Organization {settings.organization_secret}"
                ),
                "accept": "application/json",
                "user-agent": "pulumi-cloud-elements",
            },
            # Every request proves by itself who we are; a session would outlive a changed secret.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(settings.timeout, connect=min(15.0, settings.timeout), pool=None),
            transport=RetryTransport(transport=limited),
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"CloudElementsClient({self._http.base_url})"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Refuse to be pickled: Pulumi stores pickled providers in the state."""
        message = "a client holds secrets and is never pickled"
        raise TypeError(message)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

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
        request = _Request(
            "POST", "/instances", body=body, kind=kind, secrets=_secrets_in_instance(body)
        )
        return self._ask(wire.Instance, request, objection)

    def get_instance(self, instance_id: str, *, element_key: str | None = None) -> wire.Instance:
        """Return the element instance as the platform sees it now.

        Args:
            instance_id: The instance.
            element_key: Its element, where that is known.

        Raises:
            NotFoundError: It was deleted outside Pulumi.
            OtherInstanceError: The answer is about another one, or of another element.
        """
        request = _Request("GET", "/instances/{id}", {"id": instance_id})
        return self._ask(wire.Instance, request, _about(instance_id, element_key))

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
        request = _Request(
            "PATCH",
            "/instances/{id}",
            {"id": instance_id},
            body=body,
            kind=Kind.ONE_TIME if one_time else Kind.REPEATABLE,
            secrets=_secrets_in_instance(body),
        )
        return self._ask(wire.Instance, request, _about(instance_id, element_key))

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
        request = _Request(
            "PUT",
            "/instances/{id}",
            {"id": instance_id},
            {"reAuthenticate": "true"} if "providerData" in body else {},
            body,
            Kind.ONE_TIME if one_time else Kind.REPEATABLE,
            _secrets_in_instance(body),
        )
        return self._ask(wire.Instance, request, _about(instance_id, element_key))

    def delete_instance(self, instance_id: str) -> None:
        """Delete an element instance and its token; one that is gone already is fine."""
        try:
            self._do(_Request("DELETE", "/instances/{id}", {"id": instance_id}))
        except NotFoundError:
            return

    def set_enabled(self, instance_id: str, *, enabled: bool) -> None:
        """Enable or disable an element instance (docs: PUT and DELETE …/enabled, 2020-11)."""
        method = "PUT" if enabled else "DELETE"
        self._do(_Request(method, "/instances/{id}/enabled", {"id": instance_id}))

    def find_instances(
        self, *, tag: str | None = None, search: str | None = None, within: float = math.inf
    ) -> list[wire.Instance]:
        """Return all element instances, or those with a tag, or whose name matches.

        One request for each page of 200; `within` is that of `get_element`, for each of them.
        """
        query = _given({"tags[]": tag, "searchText": search})
        return self._pages(wire.Instance, "/instances", query, within=within)

    def get_element(self, element_key: str, *, within: float = math.inf) -> wire.Element:
        """Return an element's metadata.

        Args:
            element_key: The element.
            within: Seconds for retries, and for one answer, where the settings allow more.

        Raises:
            NotFoundError: The platform has no such element.
        """
        parts = {"keyOrId": element_key}
        return self._ask(wire.Element, _Request("GET", "/elements/{keyOrId}", parts, within=within))

    def find_elements(self, *, within: float = math.inf) -> list[wire.Element]:
        """Return the metadata of every element, abridged where the platform offers it.

        `within` is that of `get_element`, for each page of 200.
        """
        return self._pages(wire.Element, "/elements", {"abridged": "true"}, within=within)

    def check_credentials(self) -> str | None:
        """Ask for our own organization: the cheapest call that needs both secrets.

        Returns:
            The platform's time, as its `Date` header says it.
        """
        answer, _ = self._send(_Request("GET", "/organizations/me"), _map)
        date: str | None = answer.headers.get("date")
        return date

    def oauth_url(
        self,
        element_key: str,
        *,
        api_key: str,
        api_secret: str,
        callback_url: str,
        state: str,
        scope: str | None = None,
        site_address: str | None = None,
        extras: Mapping[str, str] = _NOTHING,
    ) -> wire.Redirect:
        """Return the address to which the user has to be sent for consent.

        docs: the body of the POST has nine fixed fields (platform's Swagger, 2018-12), and every
        public client sends what else an element asks for in the query of a GET (2017-2020), where
        the application's secret then stands as well. So the POST, which keeps it out of addresses,
        is believed where nothing else is asked for, or where its answer shows that the rest was
        heeded: it is another one than without. Else, and where there is no POST, it is the GET.

        Args:
            element_key: The element.
            api_key: Key of the application that is registered with the element's vendor.
            api_secret: Secret of that application.
            callback_url: Where the vendor sends the code.
            state: Comes back with the code; choose one that can't be guessed.
            scope: What the application may do, in the vendor's words.
            site_address: Address of the vendor's site, where it is hosted for each customer.
            extras: What else the element asks for: `subdomain`, `requestToken` for OAuth 1. No
                secrets, for they stand in addresses.

        Raises:
            NotFoundError: The platform has no such element.
            APIError: The element does not use OAuth.
        """
        path, parts = "/elements/{keyOrId}/oauth/url", {"keyOrId": element_key}
        form = dict(extras) | _given(
            {
                "apiKey": api_key,
                "apiSecret": api_secret,
                "callbackUrl": callback_url,
                "state": state,
                "scope": scope,
                "siteAddress": site_address,
            }
        )
        post = _Request("POST", path, parts, secrets={api_key, api_secret})
        try:
            page = self._consent_by_post(post, form)
        except APIError as error:
            if error.status not in _NO_SUCH_FORM:
                raise
            page = None
        return page or self._ask(wire.Redirect, replace(post, method="GET", query=form))

    def _consent_by_post(self, post: _Request, form: Mapping[str, str]) -> wire.Redirect | None:
        """Return the address that a POST tells; None where it may be that of another page."""
        fixed = {name: value for name, value in form.items() if name in _BODY_FIELDS}
        extras = {name: value for name, value in form.items() if name not in _BODY_FIELDS}
        if not extras:
            return self._ask(wire.Redirect, replace(post, body=fixed))
        without = self._asked_for_consent(replace(post, body=fixed))
        for query, body in (({}, form), (extras, fixed)):
            page = self._asked_for_consent(replace(post, query=query, body=body))
            if page is not None and _shape(page) != _shape(without):
                return page
        return None

    def _asked_for_consent(self, request: _Request) -> wire.Redirect | None:
        """Return the answer of an `oauth/url`; None when it refuses one of the fields."""
        try:
            return self._ask(wire.Redirect, request)
        except APIError as error:
            if error.status not in _NO_SUCH_FIELD:
                raise
            return None

    def oauth_request_token(
        self,
        element_key: str,
        *,
        api_key: str,
        api_secret: str,
        callback_url: str,
        extras: Mapping[str, str] = _NOTHING,
    ) -> wire.RequestToken:
        """Return a request token: the first step of OAuth 1.

        Its token is `requestToken` of `oauth_url`; its secret is `secret` in the provider data of
        the create (docs: create-instance page of Twitter, 2020-11). Arguments and errors are those
        of `oauth_url`. The platform offers no POST here.
        """
        form = dict(extras) | {
            "apiKey": api_key,
            "apiSecret": api_secret,
            "callbackUrl": callback_url,
        }
        path, parts = "/elements/{keyOrId}/oauth/token", {"keyOrId": element_key}
        request = _Request("GET", path, parts, form, secrets={api_key, api_secret})
        return self._ask(wire.RequestToken, request)

    def _pages(
        self,
        model: type[wire.M],
        path: str,
        query: Mapping[str, str],
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

        def read(document: object) -> list[wire.M] | None:
            items = document if isinstance(document, list) else [None]
            read = [one for item in items if (one := wire.read(model, item)) is not None]
            # To leave one out could mean to make it a second time.
            return read if len(read) == len(items) else None

        while True:
            request = _Request("GET", path, query=page, within=within)
            try:
                response, items = self._send(request, read)
            except NotFoundError:
                return found
            found += items
            token = response.headers.get("elements-next-page-token")
            if not token or token in seen:
                return found
            seen.add(token)
            page = page | {"nextPage": token}

    def _ask(
        self,
        model: type[wire.M],
        request: _Request,
        objection: Callable[[wire.M], str | None] = lambda _: None,
    ) -> wire.M:
        """Send a request and return its answer as a model.

        Args:
            model: What the answer is.
            request: The request.
            objection: Tells why an answer is about something else; nothing when it is not.
        """
        return self._send(request, partial(wire.read, model), objection)[1]

    def _do(self, request: _Request) -> None:
        """Send a request whose answer has nothing to say (docs: its body is not documented)."""
        self._send(request, None)

    def _send(
        self,
        request: _Request,
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
                    _one_line(scrub(what, {*request.secrets, *self._secrets})),
                    status=response.status_code,
                    request_id=_one_line(request_id(response) or "") or None,
                )
            response.extensions[_SAID] = said

        answer = self._answer(self._built(request, judge), request.call)
        if isinstance(answer, CloudElementsError):
            raise answer
        if _SAID not in answer.extensions:
            judge(answer)
        return answer, answer.extensions[_SAID]

    def _built(self, request: _Request, judge: Callable[[httpx.Response], None]) -> httpx.Request:
        path = request.path.lstrip("/")
        for name, value in request.parts.items():
            if not value.strip("."):  # it would address the collection, or what is above it
                message = f"{value!r} is no {name} that {request.call} could have"
                raise RefusedError(message)
            path = path.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
        budget = min(self._retry_budget, request.within)
        policy = Policy(request.kind, budget=budget, clock=self._clock, judge=judge)
        timeout = self._http.timeout
        if request.within < (timeout.read or math.inf):
            timeout = httpx.Timeout(request.within, pool=None)
        try:
            built = self._http.build_request(
                request.method,
                path,
                json=request.body,
                params=request.query,
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

    def _answer(self, request: httpx.Request, call: Call) -> httpx.Response | CloudElementsError:
        """Return the answer, or the error that tells why there is none.

        It is not raised here: an error raised in a handler would carry httpx's own along, which
        knows the address and the secrets in it.
        """
        try:
            return self._http.send(request)
        except FinalAnswerError as final:
            return final.response
        except CloudElementsError as error:
            return error.with_traceback(None)
        except httpx.TransportError as error:
            sent = outcome_of_exception(error) is not Outcome.NOT_SENT
            return (AmbiguousError if sent else NotSentError)(call, _spoken(error))
        except httpx.HTTPError:
            return AmbiguousError(call, "the answer could not be read")

    def _error(self, request: _Request, response: httpx.Response) -> APIError:
        """Return the error that an answer tells of."""
        secrets = {*request.secrets, *self._secrets}
        body = wire.error_body(response.content) or wire.ErrorBody()
        said = body.message or body.provider_message
        if said is None:
            said = f"the answer is not the platform's but {_content_type(response)}"
        if response.is_redirect:
            said = "the address redirects elsewhere, so it is not the platform's API"
        vendors = body.provider_message or ""
        return _error_class(response)(
            request.call,
            response.status_code,
            _one_line(scrub(said, secrets)),
            request_id=_one_line(scrub(request_id(response, body) or "", secrets)) or None,
            provider_message=_one_line(scrub(vendors, secrets)) or None,
        )


def _address(settings: Settings) -> httpx.URL:
    with suppress(httpx.InvalidURL, ValueError):
        address = httpx.URL(settings.base_url.rstrip("/") + "/")
        if address.host:
            return address
    message = "CLOUD_ELEMENTS_BASE_URL (or cloud-elements:baseUrl) is not an address"
    raise ConfigError(message)


def _transport(settings: Settings) -> httpx.HTTPTransport:
    """Return a transport with one connection for each operation, through the machine's proxy."""
    address = urlsplit(settings.base_url)
    host = address.hostname or ""
    proxy = None
    # Requests to ourselves may be plain, and must not pass through anybody's hands.
    if not is_loopback(host) and not proxy_bypass(host):
        proxy = getproxies().get(address.scheme) or getproxies().get("all")
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    limits = httpx.Limits(
        max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency
    )
    try:
        return httpx.HTTPTransport(limits=limits, proxy=proxy)
    except OSError as error:
        message = _unusable_tls(error)
    except (ValueError, ImportError, httpx.InvalidURL):
        message = (
            "the proxy that HTTPS_PROXY or ALL_PROXY names can't be used: give an http:// address"
        )
    # Outside the handler: the address of a proxy may hold a password.
    raise ConfigError(message)


def _unusable_tls(error: OSError) -> str:
    """Return which part of the machine's TLS settings can't be used."""
    keys = os.environ.get("SSLKEYLOGFILE")
    if keys and error.filename == keys:
        return "the file that SSLKEYLOGFILE names can't be written: unset it, or name another one"
    names = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
    if not names:
        return "the certificates that came with Python's package certifi can't be read"
    return f"the certificates that {' or '.join(names)} names can't be read"


def _shape(page: wire.Redirect | None) -> object:
    """Return what of a consent page's address two requests with the same fields have alike.

    Not the values in its query, some of which may be made up anew each time.
    """
    if page is None:
        return None
    try:
        parts = urlsplit(page.oauth_url)
    except ValueError:
        return ""
    names = sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return (parts.scheme, parts.netloc, parts.path, names)


def _about(instance_id: str, element_key: str | None) -> Callable[[wire.Instance], str | None]:
    """Return the objection to answers about another instance, or one of another element."""

    def objection(answer: wire.Instance) -> str | None:
        if answer.id.lstrip("0") != instance_id.lstrip("0"):
            return f"the answer is about instance {answer.id}, not {instance_id}"
        if element_key is not None and not answer.is_of(element_key):
            key = answer.element.key
            return f"instance {instance_id} is said to be of element '{key}', not '{element_key}'"
        return None

    return objection


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _secrets_in_instance(body: Mapping[str, Any]) -> set[str]:
    """Return what an error about a create or an update must not show."""
    credentials = set(strings_in(body.get("providerData")))
    return credentials | secrets_of(body.get("configuration") or {})


def _map(document: object) -> object:
    return document if isinstance(document, dict) else None


def _said(
    request: _Request, response: httpx.Response, read: Callable[[object], T | None] | None
) -> T | None:
    """Return what a 2xx answer says; see `CloudElementsClient._send`.

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


def _error_class(response: httpx.Response) -> type[APIError]:
    match outcome_of_response(response):
        case Outcome.TOO_LARGE:
            return TooLargeError
        case Outcome.TOO_MANY:
            return RateLimitError
        case Outcome.STRANGER:
            return StrangerError
    known = {401: AuthenticationError, 403: AuthenticationError, 404: NotFoundError}
    return known.get(response.status_code, APIError)


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
