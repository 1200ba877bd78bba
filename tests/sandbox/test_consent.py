"""OAuth 2: the redirect address, the consent page, and codes that work once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox

    Make = Callable[..., dict[str, Any]]

ASKED = {
    "apiKey": "application",
    "apiSecret": "application-secret",
    "callbackUrl": "https://app.example/callback?keep=1",
}


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    """A client that knows nothing but addresses."""
    with httpx.Client(verify=False, trust_env=False) as client:
        yield client


def address(api: httpx.Client, element: str = "onedrivebusiness", **more: str) -> str:
    answer = api.get(f"/elements/{element}/oauth/url", params=ASKED | more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["oauthUrl"])


def query_of(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query))


def test_the_redirect_address(api: httpx.Client, sandbox: Sandbox) -> None:
    """It leads to the sandbox, names the application, and has the element key as its state."""
    answer = api.get("/elements/178/oauth/url", params=ASKED | {"scope": "files read"})
    assert answer.json()["element"] == "onedrivebusiness"
    parts = urlsplit(answer.json()["oauthUrl"])
    assert f"{parts.scheme}://{parts.netloc}/elements/api-v2" == sandbox.base_url
    assert dict(parse_qsl(parts.query)) == {
        "element": "onedrivebusiness",
        "response_type": "code",
        "client_id": "application",
        "redirect_uri": ASKED["callbackUrl"],
        "state": "onedrivebusiness",
        "scope": "files read",
    }
    assert "application-secret" not in answer.text


def test_get_and_post_answer_alike(api: httpx.Client) -> None:
    """The JSON body of POST keeps the secret out of the address line."""
    more = {"state": "s-1", "siteAddress": "site"}
    posted = api.post("/elements/onedrivebusiness/oauth/url", json=ASKED | more)
    assert posted.json()["oauthUrl"] == address(api, **more)
    assert query_of(posted.json()["oauthUrl"])["state"] == "s-1"


@pytest.mark.parametrize("left_out", list(ASKED))
def test_application_and_callback_are_needed(api: httpx.Client, left_out: str) -> None:
    """The message names what is missing."""
    given = {name: value for name, value in ASKED.items() if name != left_out}
    answer = api.get("/elements/hubspot/oauth/url", params=given)
    assert answer.status_code == 400
    assert answer.json()["message"] == f"Bad request: missing {left_out}"


@pytest.mark.parametrize("name", ["isOauthProxy", "isOAuthProxy"])
def test_a_proxy_holds_the_application(api: httpx.Client, name: str) -> None:
    """Both spellings let key and secret be left out; the callback may stand in the state."""
    for callback in ("callbackUrl", "state"):
        given = {callback: ASKED["callbackUrl"], name: "true"}
        url = api.get("/elements/hubspot/oauth/url", params=given).json()["oauthUrl"]
        assert query_of(url)["redirect_uri"] == ASKED["callbackUrl"]
    assert api.get("/elements/hubspot/oauth/url", params={name: "true"}).status_code == 400


def test_errors_of_the_redirect_address(api: httpx.Client) -> None:
    """Unknown element, no OAuth, and a callback that is no address."""
    assert api.get("/elements/nothing/oauth/url", params=ASKED).status_code == 404
    assert api.get("/elements/freshservice/oauth/url", params=ASKED).status_code == 400
    bad = ASKED | {"callbackUrl": "http://["}
    assert api.get("/elements/hubspot/oauth/url", params=bad).status_code == 400
    assert api.post("/elements/hubspot/oauth/url", json=bad).status_code == 400


def test_the_page_asks_and_escapes(api: httpx.Client, browser: httpx.Client) -> None:
    """What the page repeats from its address is text, never markup."""
    page = browser.get(address(api, apiKey="<b>key</b>", scope="<i>"))
    assert page.status_code == 200
    assert "Allow access to OneDrive for Business?" in page.text
    assert "&lt;b&gt;key&lt;/b&gt;" in page.text
    assert "<b>key" not in page.text
    assert "<i>" not in page.text
    assert 'value="allow"' in page.text
    assert 'value="deny"' in page.text


@pytest.mark.parametrize("name", ["siteAddress", "subdomain"])
def test_the_page_is_that_of_the_site_that_was_asked_for(
    api: httpx.Client, browser: httpx.Client, name: str
) -> None:
    """Whatever else is given reaches the vendor; it can't stand in for what leads back."""
    asked = {
        name: "<acme>",
        "authentication.type": "oauth2",
        "redirect_uri": "https://evil.example",
    }
    url = address(api, **asked)
    assert query_of(url)[name] == "<acme>"
    assert query_of(url)["authentication.type"] == "oauth2"
    assert query_of(url)["redirect_uri"] == ASKED["callbackUrl"]
    assert "Site <strong>&lt;acme&gt;</strong>" in browser.get(url).text


def test_allow_leads_back_with_a_code_that_works_once(
    api: httpx.Client, browser: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """The callback keeps its own query and gets `code` and `state`."""
    answer = browser.post(address(api, state="s-1"), data={"decision": "allow"})
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert location.netloc + location.path == "app.example/callback"
    back = dict(parse_qsl(location.query))
    assert (back["keep"], back["state"], set(back)) == ("1", "s-1", {"keep", "code", "state"})
    whole = body("onedrivebusiness", providerData=back)
    whole["configuration"]["oauth.callback.url"] = ASKED["callbackUrl"]
    assert api.post("/instances", json=whole).status_code == 200
    again = api.post("/instances", json=whole)
    assert again.status_code == 400
    assert again.json()["providerMessage"] == "invalid_grant: the code was used before"
    counters = sandbox.counters()
    assert (counters["creates"], counters["codes_replayed"]) == (1, 1)


@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize("key", ["hubspot", "twitter"])
@pytest.mark.parametrize(
    "case",
    [
        ({}, "?state=own", "own"),
        ({"state": "asked"}, "?state=own", "asked"),
        ({}, "?a=1&state=own&b=%26", "own"),
        ({}, "?states=1", None),
        ({"state": "asked"}, "?%73tate=own&state", "asked"),
    ],
)
def test_a_state_comes_back_once(
    api: httpx.Client,
    browser: httpx.Client,
    key: str,
    decision: str,
    case: tuple[dict[str, str], str, str | None],
) -> None:
    """As it was asked for, else as the callback address has it, else the element key."""
    asked, callback, state = case
    given = ASKED | {"callbackUrl": f"https://app.example/callback{callback}"} | asked
    if key == "twitter":
        token = api.get("/elements/twitter/oauth/token", params=given).json()["token"]
        given["requestToken"] = token
    url = api.get(f"/elements/{key}/oauth/url", params=given).json()["oauthUrl"]
    back = browser.post(url, data={"decision": decision}).headers["location"]
    found = parse_qs(urlsplit(back).query, keep_blank_values=True)
    assert found["state"] == [state or key]
    kept = parse_qs(callback[1:], keep_blank_values=True)
    assert {name: found[name] for name in kept if name != "state"} == {
        name: values for name, values in kept.items() if name != "state"
    }


def test_deny_leads_back_with_an_error(
    api: httpx.Client, browser: httpx.Client, sandbox: Sandbox
) -> None:
    """`error` stands in place of `code`, and no code is made."""
    answer = browser.post(address(api), data={"decision": "deny"})
    back = query_of(answer.headers["location"])
    assert back == {"keep": "1", "error": "access_denied", "state": "onedrivebusiness"}
    assert sandbox.counters()["codes_minted"] == 0


def test_quickbooks_also_names_the_company(
    api: httpx.Client, browser: httpx.Client, body: Make
) -> None:
    """`realmId` comes with the code and has to come back with it; OAuth 2 has to be chosen."""
    oauth2 = {"authentication.type": "oauth2"}
    page = address(api, "quickbooks", **oauth2)
    back = query_of(browser.post(page, data={"decision": "allow"}).headers["location"])
    assert back["realmId"]
    given = {"oauth.callback.url": ASKED["callbackUrl"]}
    whole = body("quickbooks", configuration=given, providerData=back)
    assert api.post("/instances", json=whole).json()["message"].startswith("You must provide")
    whole["configuration"] |= oauth2
    without = whole | {"providerData": {"code": back["code"]}}
    assert api.post("/instances", json=without).status_code == 400
    assert api.post("/instances", json=whole | {"providerData": back}).status_code == 200


@pytest.mark.parametrize(
    ("change", "decision"),
    [
        ({"element": "nothing"}, "allow"),
        ({"redirect_uri": ""}, "allow"),
        ({"redirect_uri": "http://["}, "allow"),
        ({}, "perhaps"),
        ({}, ""),
    ],
)
def test_a_spoilt_address_is_400(
    api: httpx.Client, browser: httpx.Client, change: dict[str, str], decision: str
) -> None:
    """The page never fails with a 500 and never redirects nowhere."""
    parts = urlsplit(address(api))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | change
    spoilt = f"{parts.scheme}://{parts.netloc}{parts.path}"
    answer = browser.post(spoilt, params=query, data={"decision": decision})
    assert answer.status_code == 400


def test_a_callback_cannot_smuggle_a_header(api: httpx.Client, browser: httpx.Client) -> None:
    """Line ends in the callback address do not end the Location header."""
    evil = "https://app.example/x\r\nSet-Cookie: a=b"
    answer = browser.post(address(api, callbackUrl=evil), data={"decision": "allow"})
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers


def test_the_platforms_own_application(api: httpx.Client, browser: httpx.Client) -> None:
    """`oauth/url/default` needs no parameters; its callback shows what came back."""
    asked = api.get("/elements/hubspot/oauth/url/default").json()
    assert asked["configuration"] == {}
    shown = browser.post(
        asked["oauthUrl"], data={"decision": "allow"}, follow_redirects=True
    ).json()
    assert shown["code"].startswith("code-")
    assert shown["state"] == "hubspot"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"providerData": {"code": "made-up"}}, "the code was never issued"),
        ({"element": {"key": "weebly"}}, "the code was issued for another element"),
    ],
)
def test_why_a_code_is_refused(
    api: httpx.Client, body: Make, spoil: dict[str, Any], reason: str
) -> None:
    """The vendor's reason stands in `providerMessage`."""
    answer = api.post("/instances", json=body("hubspot") | spoil)
    assert answer.status_code == 400
    assert answer.json()["providerMessage"] == f"invalid_grant: {reason}"


def test_a_code_expires(api: httpx.Client, body: Make, moment: list[float]) -> None:
    """After ten minutes."""
    fresh, late = body("hubspot"), body("hubspot")
    moment[0] += 599
    assert api.post("/instances", json=fresh).status_code == 200
    moment[0] += 1
    answer = api.post("/instances", json=late)
    assert answer.json()["providerMessage"] == "invalid_grant: the code is expired"


def test_a_wrong_application_does_not_spend_the_code(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """An OAuth server checks the application first, so the code still works afterwards."""
    whole = body("hubspot")
    configuration = whole["configuration"] | {"oauth.api.secret": "wrong"}
    refused = api.post("/instances", json=whole | {"configuration": configuration})
    assert refused.status_code == 401
    assert api.post("/instances", json=whole).status_code == 200
    assert sandbox.counters()["codes_replayed"] == 0


@pytest.mark.parametrize("data", [None, {}, {"code": ""}, "text", {"oauth_verifier": "v"}])
def test_no_code_has_the_documented_message(api: httpx.Client, body: Make, data: object) -> None:
    """The one text of this kind that is published."""
    answer = api.post("/instances", json=body("hubspot") | {"providerData": data})
    assert answer.status_code == 400
    assert (
        answer.json()["message"]
        == "You must provide an OAuth code in order to create an instance of this element"
    )
