"""What the vendor's own pages show, where it is a call with its answer."""

from __future__ import annotations

from tests.clients.facts import (
    ABSENT,
    ASKED,
    BY_TOKEN,
    EXTERNAL,
    Flow,
    Step,
    create,
    holds,
    is_filled,
)


def _page(name: str, year: str, about: str, *steps: Step) -> Flow:
    return Flow("help site", f"page {name}", year, about, steps)


FLOWS = (
    _page(
        "steps-to-re-authenticate-a-salesforce-instance-with-the-api",
        "2021",
        "the body of a GET, without the user's tokens and with a code, goes back by PUT",
        create("hubspot"),
        Step(f"GET /elements/hubspot/oauth/url?{ASKED}", reads={"/oauthUrl": is_filled}),
        Step("GET /instances/{id}", keep={"configuration": "/configuration"}),
        Step(
            "PUT /instances/{id}?reAuthenticate=true",
            body={
                "id": "{id}",
                "name": "fact",
                "element": {"key": "hubspot"},
                "configuration": "{configuration}",
                "providerData": {"code": "{code:hubspot}"},
            },
            reads={"/id": "{id}", "/token": is_filled, "/providerData": ABSENT},
        ),
    ),
    _page(
        "revoke-oauth-token-reauth",
        "2021",
        "the vendor's token is read in clear, to revoke it there",
        create("hubspot"),
        Step(
            "GET /instances/{id}",
            reads={"/configuration/oauth.user.token": lambda token: bool(token.strip("*"))},
            authorization=BY_TOKEN,
        ),
    ),
    _page(
        "provisioning-instance-existing-refresh-token",
        "2021",
        "an instance from a refresh token",
        Step(
            "POST /instances",
            body={
                "element": {"key": "hubspot"},
                "configuration": EXTERNAL,
                "tags": ["existing"],
                "name": "existing",
                "externalAuthentication": "initial",
            },
            reads={"/externalAuthentication": "initial", "/token": is_filled},
            authorization="Organization {organization}, User {user}",
        ),
    ),
    _page(
        "disabling-and-enabling-instances",
        "2021",
        "disabled and enabled by token",
        create("closeio"),
        Step("DELETE /instances/enabled", authorization=BY_TOKEN),
        Step("GET /instances/{id}", reads={"/disabled": True}),
        Step("PUT /instances/enabled", authorization=BY_TOKEN),
        Step("GET /instances/{id}", reads={"/disabled": False}),
    ),
    _page(
        "error-codes",
        "2021",
        "an account that is not there is 404, with an id of the request",
        Step(
            "GET /accounts/123456",
            status=404,
            reads={
                "/message": "No account found with ID 123456",
                "/requestId": lambda text: len(text) == 24,
            },
        ),
    ),
    _page(
        "elements-api-reference",
        "2021",
        "too large a page is a warning",
        Step("GET /elements?pageSize=1000", reads={"#elements-error": holds("200")}),
    ),
    _page(
        "elements/dropbox (developer portal)",
        "2020",
        "the state of an address without one is the element key",
        Step(
            f"GET /elements/hubspot/oauth/url?{ASKED}", reads={"/oauthUrl": holds("state=hubspot")}
        ),
    ),
)
