"""Authorization: who may call, by the words of the header in whatever order they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, RefusalError, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNAUTHORIZED = "Invalid Organization or User secret, or invalid Element token provided."


def parse_authorization(header: str) -> dict[str, str]:
    """Return the words of an Authorization header, each with what follows it."""
    parts = (part.strip().partition(" ") for part in header.split(","))
    return {word: rest.strip() for word, _, rest in parts if word and rest}


def admit(call: Call, access: str) -> None:
    """Refuse a call whose header lacks what the route needs, or names a wrong secret or token.

    A token that is named is checked even where none is needed.
    """
    tenant = call.tenant
    if access == "elements" and tenant.switches.text("elements_authorization") == "open":
        return
    expected = {"User": tenant.user_secret}
    if access != "hub":
        expected["Organization"] = tenant.organization_secret
    if any(call.authorization.get(word) != secret for word, secret in expected.items()):
        raise RefusalError(401, _UNAUTHORIZED)
    token = call.authorization.get("Element")
    if token is not None:
        call.token_instance = tenant.store.instance_by_token(token)
    if call.token_instance is None and (token is not None or access in ("token", "hub")):
        raise RefusalError(401, _UNAUTHORIZED)


def my_organization(call: Call) -> Answer:
    """Answer `GET /organizations/me`, the cheap check of the secrets."""
    del call
    return Answer({"id": 1001, "name": "Sandbox", "active": True})


ROUTES: Sequence[Route] = (Route("GET", "/organizations/me", my_organization),)
