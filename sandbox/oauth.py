"""OAuth: redirect addresses, request tokens, and one-time codes that are spent once.

The vendor whose consent is asked is the sandbox itself; `consent` shows its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

from .addressing import target_element
from .elements import AUTHENTICATION_TYPE
from .exchange import Answer, Call, RefusalError, Route
from .store import Code, RequestToken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .elements import Element
    from .tenant import Tenant

NO_CODE = "You must provide an OAuth code in order to create an instance of this element"
CONSENT_PATH = "/sandbox/consent"
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
"""docs: what the body of POST `oauth/url` holds (the platform's Swagger, 2018-12)."""
DEFAULT_APPLICATION = {"apiKey": "sandbox-default-application", "apiSecret": "sandbox-default"}


class VendorRefusalError(Exception):
    """The vendor did not accept a code or credentials; says why in the vendor's words."""

    def __init__(self, reason: str, *, switch: str = "bad_credentials_status") -> None:
        super().__init__(reason)
        self.reason = reason
        self.switch = switch
        """The switch that says with which status the platform passes this on."""


def with_query(address: str, parameters: Mapping[str, str]) -> str:
    """Return an address with parameters in the query it may already have, each of them once."""
    parts = urlsplit(address)
    kept = [
        part for part in parts.query.split("&") if unquote(part.split("=")[0]) not in parameters
    ]
    query = "&".join(filter(None, (*kept, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query))


def _state(element: Element, given: Mapping[str, str]) -> str:
    """Return the state: as asked for, as the callback address has it, or the element key.

    docs: a callback address may hold a state of its own, which comes back once (heimdall,
    oauth1Url.js:24,33, 2019).
    """
    own = parse_qs(urlsplit(given["callbackUrl"]).query).get("state", [element.key])
    return given.get("state") or own[0]


# Addresses and tokens


def _request(call: Call) -> dict[str, str]:
    """Return the parameters of an OAuth helper call, from the query or a JSON body."""
    given = dict(call.query)
    if call.method == "POST":
        given = _posted(call)
    if _by_proxy(given):
        # docs: the proxy holds the application, and sends the user on to the address in `state`.
        given = {"callbackUrl": given.get("state", "")} | given
    try:
        urlsplit(given.get("callbackUrl", ""))
    except ValueError:
        raise RefusalError(400, "Bad request: callbackUrl is not an address") from None
    return given


def _posted(call: Call) -> dict[str, str]:
    """Return the parameters of a POST: those of its body, and of its query where that counts."""
    switches = call.tenant.switches
    given = dict(call.query) if switches.text("post_oauth_url_query") == "counts" else {}
    body = {k: str(v) for k, v in call.json_object().items() if v is not None}
    odd = sorted(body.keys() - _BODY_FIELDS)
    treatment = switches.text("post_oauth_url_fields")
    if odd and treatment == "refused":
        raise RefusalError(400, f"Bad request: unrecognized field {odd[0]}")
    return given | {k: v for k, v in body.items() if k in _BODY_FIELDS or treatment == "accepted"}


def _by_proxy(given: Mapping[str, str]) -> bool:
    return any(given.get(k, "").lower() == "true" for k in ("isOauthProxy", "isOAuthProxy"))


def _check_application(given: Mapping[str, str]) -> None:
    needed = ("callbackUrl",) if _by_proxy(given) else ("apiKey", "apiSecret", "callbackUrl")
    missing = [name for name in needed if not given.get(name)]
    if missing:
        raise RefusalError(400, f"Bad request: missing {', '.join(missing)}")


def _kind(element: Element, given: Mapping[str, str]) -> str:
    kind = element.authentication(given, given)
    if element.made_up:
        return "oauth1" if given.get("requestToken") else "oauth2"
    if kind not in ("oauth1", "oauth2"):
        raise RefusalError(400, f"The element {element.key} does not authenticate with OAuth")
    return kind


def _redirect(call: Call, element: Element, given: dict[str, str]) -> str:
    state = _state(element, given)
    query = {"element": element.key}
    if _kind(element, given) == "oauth1":
        token = given.get("requestToken")
        if not token:
            raise RefusalError(400, "Bad request: missing requestToken")
        callback = with_query(given["callbackUrl"], {"state": state})
        query |= {"oauth_token": token, "oauth_callback": callback}
    else:
        query |= {
            "response_type": "code",
            "client_id": given.get("apiKey", ""),
            "redirect_uri": given["callbackUrl"],
            "state": state,
        }
        if given.get("scope"):
            query["scope"] = given["scope"]
    # docs: what else is given is passed on to the vendor, such as the customer's site (2020-11).
    known = _BODY_FIELDS - {"siteAddress"} | {"isOauthProxy"}
    passed = {k: v for k, v in given.items() if k not in known}
    return f"{call.origin}{CONSENT_PATH}?{urlencode(passed | query)}"


def oauth_url(call: Call) -> Answer:
    """Answer with the address to which the user has to be sent."""
    element = target_element(call)
    if call.method == "POST" and call.tenant.switches.text("post_oauth_url") == "missing":
        raise RefusalError(405, "Method not allowed", headers={"allow": "GET, HEAD"})
    given = _request(call)
    _check_application(given)
    return Answer({"element": element.key, "oauthUrl": _redirect(call, element, given)})


def oauth_token(call: Call) -> Answer:
    """Answer with a new OAuth 1 request token and its secret."""
    element = target_element(call)
    given = _request(call)
    _check_application(given)
    if not element.made_up and not element.offers_oauth1:
        raise RefusalError(400, f"The element {element.key} does not authenticate with OAuth 1")
    token = new_request_token(call.tenant, element.key, given.get("apiKey"), given["callbackUrl"])
    return Answer({"token": token.token, "secret": token.secret})


def oauth_url_default(call: Call) -> Answer:
    """Answer like `oauth/url` for the platform's own application; OAuth 1 adds the secret.

    docs: `configuration.secret` is read for OAuth 2 too (vendor's test suite, provisioner.js:201,
    2018), where there is none.
    """
    element = target_element(call)
    callback = f"{call.origin}/sandbox/callback"
    given = DEFAULT_APPLICATION | {"callbackUrl": callback} | _request(call)
    answer: dict[str, Any] = {"element": element.key, "configuration": {}}
    if _kind(element, given) == "oauth1":
        token = new_request_token(call.tenant, element.key, given["apiKey"], given["callbackUrl"])
        given["requestToken"] = token.token
        answer["configuration"] = {"secret": token.secret}
    return Answer(answer | {"oauthUrl": _redirect(call, element, given)})


# One-time codes


def new_request_token(
    tenant: Tenant, element_key: str, api_key: str | None, callback_url: str | None
) -> RequestToken:
    """Return a request token that was not there before."""
    digest = tenant.derive("request-token", tenant.store.request_token_count()).hex()
    token = RequestToken(digest[:32], digest[32:], element_key, api_key, callback_url)
    tenant.store.add_request_token(token)
    return token


def mint_code(
    tenant: Tenant,
    element: Element,
    *,
    api_key: str | None = None,
    callback_url: str | None = None,
    request_token: RequestToken | None = None,
    extras: Mapping[str, str] | None = None,
) -> Code:
    """Return a new one-time code; with a request token it is an OAuth 1 verifier.

    Parameters of the callback that the element needs, such as realmId, are made up unless given.
    """
    number = tenant.store.code_count()
    made_up = {name: str(9_130_000_000 + number) for name in element.callback_extras}
    code = Code(
        code=f"code-{tenant.derive('code', number).hex()[:32]}",
        element_key=element.key,
        api_key=api_key,
        callback_url=callback_url,
        oauth_token=request_token.token if request_token else None,
        secret=request_token.secret if request_token else None,
        extras=made_up | dict(extras or {}),
        expires_at=tenant.clock() + tenant.switches.number("code_seconds"),
        spent=False,
        replays=0,
    )
    tenant.store.add_code(code)
    return code


def mint_unasked(tenant: Tenant, element: Element, extras: Mapping[str, str]) -> Code:
    """Return a new one-time code that is bound to no application, of the element's kind.

    The extra `authentication.type` chooses between OAuth 2 and 1, as it does for `oauth/url`.
    """
    extras = dict(extras)
    chosen = {AUTHENTICATION_TYPE: extras.pop(AUTHENTICATION_TYPE, None)}
    token = None
    if element.authentication(chosen) == "oauth1":
        token = new_request_token(tenant, element.key, None, None)
    return mint_code(tenant, element, request_token=token, extras=extras)


def callback_parameters(code: Code) -> dict[str, str]:
    """Return what the callback of this code carries besides the state."""
    if code.oauth_token is not None:
        return {"oauth_token": code.oauth_token, "oauth_verifier": code.code} | code.extras
    return {"code": code.code} | code.extras


def provider_data(code: Code) -> dict[str, str]:
    """Return the `providerData` that redeems this code."""
    secret = {"secret": code.secret} if code.secret is not None else {}
    return callback_parameters(code) | secret


def presented_code(element: Element, kind: str, given: Mapping[str, Any]) -> str | None:
    """Return the one-time code in a providerData; None when the element's kind needs more."""
    names = ["code"]
    if kind == "oauth1" or (element.made_up and "oauth_verifier" in given):
        names = ["oauth_verifier", "oauth_token", "secret"]
    if not all(given.get(name) for name in names):
        return None
    return str(given[names[0]])


def redeem(
    tenant: Tenant,
    element: Element,
    text: str,
    given: Mapping[str, Any],
    configuration: Mapping[str, Any],
) -> None:
    """Spend a one-time code, or raise VendorRefusalError with the reason.

    A code of an element that was made up is taken as it comes, once.
    """
    code = tenant.store.code(text)
    if code is not None and code.spent:
        tenant.store.count_replay(text)
        reason = "invalid_grant: the code was used before"
        raise VendorRefusalError(reason, switch="used_code_status")
    if code is None and element.made_up:
        tenant.store.add_code(
            Code(
                text, element.key, None, None, None, None, {}, tenant.clock(), spent=True, replays=0
            )
        )
        return
    objection = _objection(tenant, element, code, given, configuration)
    if objection:
        reason = f"invalid_grant: {objection}"
        raise VendorRefusalError(reason, switch="bad_code_status")
    if code is not None and code.expires_at <= tenant.clock():
        reason = "invalid_grant: the code is expired"
        raise VendorRefusalError(reason, switch="expired_code_status")
    tenant.store.spend_code(text)


def _objection(
    tenant: Tenant,
    element: Element,
    code: Code | None,
    given: Mapping[str, Any],
    configuration: Mapping[str, Any],
) -> str | None:
    if code is None:
        return "the code was never issued"
    if code.element_key != element.key:
        return "the code was issued for another element"
    issued = provider_data(code)
    for name in ("oauth_token", "secret", *element.callback_extras):
        if name in issued and str(given.get(name)) != issued[name]:
            return f"{name} is not the one of the callback"
    if tenant.switches.text("code_binding") == "application":
        bound = {"oauth.api.key": code.api_key, "oauth.callback.url": code.callback_url}
        for key, value in bound.items():
            if value is not None and configuration.get(key) not in (None, value):
                return f"the code was issued for another {key}"
    return None


ROUTES: Sequence[Route] = (
    Route("GET", "/elements/{key}/oauth/url", oauth_url, "elements"),
    Route("POST", "/elements/{key}/oauth/url", oauth_url, "elements"),
    Route("GET", "/elements/{key}/oauth/url/default", oauth_url_default, "elements"),
    Route("GET", "/elements/{key}/oauth/token", oauth_token, "elements"),
)
