"""The organization whose secrets these are, and its accounts: one of them, the default account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import hubs
from .exchange import Answer, Call, RefusalError, Route
from .paging import paged
from .where import holds, where

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORGANIZATION = 1001
# docs: fields of an account (vendor's test suite, account.schema.json, 2017).
_ACCOUNT: dict[str, Any] = {
    "id": 2001,
    "name": "Sandbox",
    "description": "The default account",
    "externalId": "sandbox",
    "type": "CompanyAccount",
    "active": True,
    "defaultAccount": True,
    "companyId": _ORGANIZATION,
    "createdDate": "2015-01-01T00:00:00Z",
    "updatedDate": "2015-01-01T00:00:00Z",
}


def my_organization(call: Call) -> Answer:
    """Answer `GET /organizations/me`, the cheap check of the secrets.

    docs: it tells the organization secret (heimdall, apiAuthentication.js:17, 2019; vendor's test
    suite, users.js:36, 2018).
    """
    secret = call.tenant.organization_secret
    return Answer({"id": _ORGANIZATION, "name": "Sandbox", "active": True, "secret": secret})


def list_accounts(call: Call) -> Answer:
    """Answer with the accounts; with an Element token `/accounts` is the vendor's own resource.

    docs: the platform's list with organization secrets (elements-connect, ElementsService.js:252,
    2018); the vendor's with an Element token (vendor's issue 683, 2017).
    """
    if call.token_instance is not None:
        return hubs.resource(call)
    return paged(call, [one for one in [_ACCOUNT] if holds(where(call), one)], what="accounts")


def get_account(call: Call) -> Answer:
    """Answer with one account."""
    number = call.path_parameters["id"]
    if number != str(_ACCOUNT["id"]):
        raise RefusalError(404, f"No account found with ID {number}")
    return Answer(_ACCOUNT)


ROUTES: Sequence[Route] = (
    Route("GET", "/organizations/me", my_organization),
    Route("GET", "/accounts", list_accounts, "either"),
    Route("GET", "/accounts/{id}", get_account),
)
