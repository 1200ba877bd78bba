"""The consent page of the vendor that the sandbox plays: Allow and Deny, and the way back.

Posting `decision=allow` or `decision=deny` to the same address does what the buttons do.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import pages
from .oauth import callback_parameters, mint_code, with_query
from .store import RequestToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .elements import Element
    from .tenant import Tenant


class ConsentError(Exception):
    """The consent page was opened with an address that `oauth/url` did not give out."""


def _element(tenant: Tenant, query: Mapping[str, str]) -> Element:
    element = tenant.elements.find(query.get("element", ""))
    if element is None:
        msg = "the address names no known element"
        raise ConsentError(msg)
    return element


def _callback(query: Mapping[str, str]) -> str:
    callback = query.get("oauth_callback") or query.get("redirect_uri")
    if not callback:
        msg = "the address names no callback"
        raise ConsentError(msg)
    return callback


def page(tenant: Tenant, query: Mapping[str, str]) -> str:
    """Return the page that asks."""
    element = _element(tenant, query)
    site = query.get("siteAddress") or query.get("subdomain")
    scope = f": {escape(query['scope'])}" if query.get("scope") else ""
    application = escape(query.get("client_id") or "(OAuth 1)")
    paragraphs = [f"<p>Application <strong>{application}</strong> asks for access{scope}.</p>"]
    if site:
        paragraphs.append(f"<p>Site <strong>{escape(site)}</strong></p>")
    paragraphs.append(f"<p><small>You will be sent back to {escape(_callback(query))}</small></p>")
    heading = f"Allow access to {element.document['name']}?"
    return pages.page("Allow access?", heading, [*paragraphs, pages.question()])


def decide(tenant: Tenant, query: Mapping[str, str], *, allow: bool) -> str:
    """Return the address to which the browser goes next, with a new code or with an error."""
    element, callback = _element(tenant, query), _callback(query)
    # An OAuth 1 callback address already carries the state.
    state = {"state": query["state"]} if "state" in query else {}
    if not allow:
        return with_query(callback, {"error": "access_denied"} | state)
    code = mint_code(
        tenant,
        element,
        api_key=query.get("client_id"),
        callback_url=query.get("redirect_uri"),
        request_token=_request_token(tenant, element, query),
    )
    return with_query(callback, callback_parameters(code) | state)


def _request_token(
    tenant: Tenant, element: Element, query: Mapping[str, str]
) -> RequestToken | None:
    text = query.get("oauth_token")
    if text is None:
        return None
    token = tenant.store.request_token(text)
    if token is None and element.made_up:
        return RequestToken(text, "", element.key, None, None)
    if token is None or token.element_key != element.key:
        msg = "the request token was not issued for this element"
        raise ConsentError(msg)
    return token
