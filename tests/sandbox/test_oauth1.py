"""OAuth 1: request token, consent, verifier, and the three parts of `providerData`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., dict[str, Any]]

ASKED = {
    "apiKey": "application",
    "apiSecret": "application-secret",
    "callbackUrl": "https://app.example/callback",
}


def exchange(api: httpx.Client, element: str = "twitter", **more: str) -> dict[str, str]:
    """Go through token, address and consent; return the `providerData` that results."""
    token = api.get(f"/elements/{element}/oauth/token", params=ASKED | more).json()
    asked = ASKED | more | {"requestToken": token["token"]}
    address = api.get(f"/elements/{element}/oauth/url", params=asked).json()["oauthUrl"]
    answer = httpx.post(address, data={"decision": "allow"}, verify=False, trust_env=False)
    back = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert back["state"] == element
    assert back["oauth_token"] == token["token"]
    return back | {"secret": token["secret"]}


def test_the_whole_exchange_makes_an_instance(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """Token, verifier and secret together are worth one instance."""
    data = exchange(api)
    assert {"oauth_token", "oauth_verifier", "secret"} < set(data)
    whole = body("twitter", providerData=data)
    assert api.post("/instances", json=whole).status_code == 200
    kept = sandbox.instances()[0]["configuration"]
    assert kept["oauth.user.token"].startswith("sandbox-user-")
    assert kept["oauth.user.token.secret"].startswith("sandbox-secret-")
    assert api.post("/instances", json=whole).status_code == 400
    assert sandbox.counters()["codes_replayed"] == 1


@pytest.mark.parametrize("part", ["oauth_token", "secret", "oauth_verifier"])
def test_every_part_has_to_be_right(api: httpx.Client, body: Make, part: str) -> None:
    """A part that is missing or wrong makes the platform refuse; the right ones still work."""
    data = exchange(api)
    missing = {name: value for name, value in data.items() if name != part}
    for spoilt in (missing, data | {part: "other"}):
        answer = api.post("/instances", json=body("twitter", providerData=spoilt))
        assert answer.status_code == 400
    assert api.post("/instances", json=body("twitter", providerData=data)).status_code == 200


def test_denial(api: httpx.Client) -> None:
    """The callback carries `error` and the state."""
    token = api.get("/elements/twitter/oauth/token", params=ASKED).json()["token"]
    asked = ASKED | {"requestToken": token, "state": "s-1"}
    address = api.get("/elements/twitter/oauth/url", params=asked).json()["oauthUrl"]
    answer = httpx.post(address, data={"decision": "deny"}, verify=False, trust_env=False)
    back = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert back == {"state": "s-1", "error": "access_denied"}


def test_the_address_needs_the_token(api: httpx.Client) -> None:
    """And the page refuses a token that was never issued."""
    answer = api.get("/elements/twitter/oauth/url", params=ASKED)
    assert answer.json()["message"] == "Bad request: missing requestToken"
    asked = ASKED | {"requestToken": "made-up"}
    address = api.get("/elements/twitter/oauth/url", params=asked).json()["oauthUrl"]
    answer = httpx.post(address, data={"decision": "allow"}, verify=False, trust_env=False)
    assert answer.status_code == 400


def test_only_oauth_1_elements_give_request_tokens(api: httpx.Client) -> None:
    """QuickBooks offers both kinds, OneDrive only OAuth 2."""
    assert api.get("/elements/quickbooks/oauth/token", params=ASKED).status_code == 200
    assert api.get("/elements/onedrivebusiness/oauth/token", params=ASKED).status_code == 400
    assert api.get("/elements/twitter/oauth/token").status_code == 400


@pytest.mark.parametrize("chosen", [{}, {"authentication.type": "oauth1"}])
def test_quickbooks_by_oauth_1(
    api: httpx.Client, sandbox: Sandbox, body: Make, chosen: dict[str, str]
) -> None:
    """As documented without `authentication.type`; the company comes along."""
    data = exchange(api, "quickbooks", **chosen)
    assert data["realmId"]
    whole = body("quickbooks", providerData=data, configuration=chosen)
    made = api.post("/instances", json=whole)
    assert made.status_code == 200
    kept = sandbox.instances()[0]["configuration"]
    assert kept["oauth.user.token.secret"].startswith("sandbox-secret-")
    again = {"providerData": exchange(api, "quickbooks", **chosen)}
    assert api.patch(f"/instances/{made.json()['id']}", json=again).status_code == 200
    assert sandbox.instances()[0]["configuration"]["oauth.user.refresh_token"] is None
    assert sandbox.counters()["codes_spent"] == 2


def test_a_request_token_means_oauth_1_where_both_are_offered(
    tmp_path: Path, connect: Callable[..., httpx.Client]
) -> None:
    """Even if OAuth 2 is what the element uses by itself; a choice outranks both."""
    both = {"key": "authentication.type", "defaultValue": "oauth2", "options": ["oauth1", "oauth2"]}
    (tmp_path / "both.json").write_text(json.dumps({"key": "both", "configuration": [both]}))
    with Sandbox(elements=tmp_path) as sandbox:
        api = connect(sandbox)
        data = exchange(api, "both")
        whole = {"element": {"key": "both"}, "name": "n", "providerData": data}
        assert api.post("/instances", json=whole).status_code == 200
        whole["configuration"] = {"authentication.type": "oauth2"}
        assert api.post("/instances", json=whole).status_code == 400
        asked = ASKED | {"requestToken": data["oauth_token"], "authentication.type": "oauth2"}
        address = api.get("/elements/both/oauth/url", params=asked).json()["oauthUrl"]
        assert "response_type=code" in address


def test_the_platforms_own_application_shows_the_secret(api: httpx.Client) -> None:
    """`oauth/url/default` of OAuth 1 answers with `configuration.secret`."""
    answer = api.get("/elements/twitter/oauth/url/default").json()
    assert answer["configuration"]["secret"]
    assert "oauth_token=" in answer["oauthUrl"]


def test_new_provider_data_has_all_parts(api: httpx.Client, sandbox: Sandbox, body: Make) -> None:
    """A test may skip the exchange, and choose its kind."""
    chosen = sandbox.new_provider_data("twitter", **{"authentication.type": "oauth2"})
    assert set(chosen) == {"code"}
    data = sandbox.new_provider_data("twitter")
    assert set(data) == {"oauth_token", "oauth_verifier", "secret"}
    assert api.post("/instances", json=body("twitter", providerData=data)).status_code == 200
