"""The organization and its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox

    Make = Callable[..., dict[str, Any]]


def test_the_organization_answers_to_the_secrets(api: httpx.Client, sandbox: Sandbox) -> None:
    """`GET /organizations/me` is the cheap check, and tells the organization secret."""
    mine = api.get("/organizations/me").json()
    assert (mine["name"], mine["secret"]) == ("Sandbox", sandbox.organization_secret)


@pytest.mark.parametrize(
    ("where", "status"),
    [("", 200), ("type='CompanyAccount'", 200), ("active='true'", 200), ("type='Other'", 404)],
)
def test_accounts_are_the_platforms_with_the_organization_secret(
    api: httpx.Client, where: str, status: int
) -> None:
    """One, the default account; `where` filters."""
    answer = api.get("/accounts", params={"where": where})
    assert answer.status_code == status
    if status == 200:
        (account,) = answer.json()
        assert account["defaultAccount"] is True
        assert answer.headers["elements-total-count"] == "1"
        assert api.get(f"/accounts/{account['id']}").json() == account
    assert api.get("/accounts/1").json()["message"] == "No account found with ID 1"


def test_accounts_are_the_vendors_with_a_token(
    sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """Also when the organization secret is there too."""
    words = [f"User {sandbox.user_secret}", f"Element {create()['token']}"]
    both = [*words, f"Organization {sandbox.organization_secret}"]
    for authorization in (words, both):
        assert connect(sandbox, ", ".join(authorization)).get("/accounts").json() == []


def test_accounts_list_their_instances(api: httpx.Client, create: Make) -> None:
    """All of them, as `/instances` does."""
    assert api.get("/accounts/instances").status_code == 404
    create()
    assert api.get("/accounts/instances").json() == api.get("/instances").json()
