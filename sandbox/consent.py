"""The consent page of the vendor that the sandbox plays: Allow and Deny, and the way back.

Posting `decision=allow` or `decision=deny` to the same address does what the buttons do.
"""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING

from sandbox.oauth import callback_parameters, mint_code, with_query
from sandbox.store import RequestToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.elements import Element
    from sandbox.tenant import Tenant

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Allow access? · sandbox</title>
<link rel="icon" href="data:,">
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f3f4f6; color: #1f2937; }
  main { max-width: 26rem; margin: 12vh auto; padding: 2rem; background: #fff;
         border-radius: .75rem; box-shadow: 0 1px 8px #0002; }
  h1 { font-size: 1.25rem; margin: 0 0 1rem; }
  p { overflow-wrap: anywhere; }
  small { color: #6b7280; }
  form { display: flex; gap: .75rem; margin-top: 1.5rem; }
  button { flex: 1; font: inherit; padding: .6rem; border-radius: .5rem; cursor: pointer;
           border: 1px solid #d1d5db; background: #fff; color: inherit; }
  button[value=allow] { background: #1d4ed8; border-color: #1d4ed8; color: #fff; }
</style>
</head>
<body>
<main>
  <h1>Allow access to $name?</h1>
  <p>Application <strong>$application</strong> asks for access$scope.</p>$site
  <p><small>You will be sent back to $callback</small></p>
  <form method="post">
    <button type="submit" name="decision" value="allow">Allow</button>
    <button type="submit" name="decision" value="deny">Deny</button>
  </form>
  <p><small>This page belongs to a sandbox. Nothing real is behind it.</small></p>
</main>
</body>
</html>
""")


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
    return _PAGE.substitute(
        name=escape(str(element.document["name"])),
        application=escape(query.get("client_id") or "(OAuth 1)"),
        scope=scope,
        site=f"\n  <p>Site <strong>{escape(site)}</strong></p>" if site else "",
        callback=escape(_callback(query)),
    )


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
