"""The consent step: where the user has to be sent, and the first step of OAuth 1.

docs: the body of POST `oauth/url` has nine fixed fields (platform's Swagger, 2018-12), and every
public client sends what else an element asks for in the query of a GET (2017-2020), where
the application's secret then stands as well. So the POST, which keeps it out of addresses,
is believed where nothing else is asked for, or where its answer shows that the rest was
heeded: it is another one than without. Else, and where there is no POST, it is the GET.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from . import wire
from .errors import APIError
from .request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .client import Exchange

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


class OAuth:
    """Asks for what the consent step needs.

    Args:
        exchange: Sends the requests.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def url(
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

        Args:
            element_key: The element.
            api_key: Key of the application that is registered with the element's vendor.
            api_secret: Secret of that application.
            callback_url: Where the vendor sends the code.
            state: Comes back with the code; choose one that can't be guessed.
            scope: What the application may do, in the vendor's words.
            site_address: Address of the vendor's site, where it is hosted for each customer.
            extras: What else the element asks for (`subdomain`), no secrets: it is in addresses.

        Raises:
            NotFoundError: The platform has no such element.
            APIError: The element does not use OAuth.
        """
        path, parts = "/elements/{keyOrId}/oauth/url", {"keyOrId": element_key}
        application = {"apiKey": api_key, "apiSecret": api_secret, "callbackUrl": callback_url}
        rest = {"state": state, "scope": scope, "siteAddress": site_address}
        form = {**extras, **application, **_given(rest)}
        post = Request("POST", path, wire.Redirect, parts, secrets=frozenset({api_key, api_secret}))
        try:
            page = self._consent_by_post(post, form)
        except APIError as error:
            if error.status not in _NO_SUCH_FORM:
                raise
            page = None
        return page or self._exchange.ask(replace(post, method="GET", query=form))

    def _consent_by_post(
        self, post: Request[wire.Redirect], form: Mapping[str, str]
    ) -> wire.Redirect | None:
        """Return the address that a POST returns; None where it may be that of another page."""
        fixed = {name: value for name, value in form.items() if name in _BODY_FIELDS}
        extras = {name: value for name, value in form.items() if name not in _BODY_FIELDS}
        if not extras:
            return self._exchange.ask(replace(post, body=fixed))
        without = self._consent_page(replace(post, body=fixed))
        for query, body in (({}, form), (extras, fixed)):
            page = self._consent_page(replace(post, query=query, body=body))
            if page is not None and _shape(page) != _shape(without):
                return page
        return None

    def _consent_page(self, request: Request[wire.Redirect]) -> wire.Redirect | None:
        """Return the answer of an `oauth/url`; None when it refuses one of the fields."""
        try:
            return self._exchange.ask(request)
        except APIError as error:
            if error.status not in _NO_SUCH_FIELD:
                raise
            return None

    def request_token(
        self,
        element_key: str,
        *,
        api_key: str,
        api_secret: str,
        callback_url: str,
        extras: Mapping[str, str] = _NOTHING,
    ) -> wire.RequestToken:
        """Return a request token: the first step of OAuth 1.

        Its token is `requestToken` of `url`; its secret is `secret` in the provider data of
        the create (docs: create-instance page of Twitter, 2020-11). Arguments and errors are those
        of `url`. The platform offers no POST here.
        """
        form = dict(extras) | {
            "apiKey": api_key,
            "apiSecret": api_secret,
            "callbackUrl": callback_url,
        }
        path, parts = "/elements/{keyOrId}/oauth/token", {"keyOrId": element_key}
        secrets = frozenset({api_key, api_secret})
        return self._exchange.ask(
            Request("GET", path, wire.RequestToken, parts, form, secrets=secrets)
        )


def _shape(page: wire.Redirect | None) -> object:
    """Return what two requests with the same fields have in common in a consent page's address.

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


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
