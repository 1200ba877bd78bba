"""Authorization: who may call, by the words of the header in whatever order they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchange import RefusalError

if TYPE_CHECKING:
    from .exchange import Call

_UNAUTHORIZED = "Invalid Organization or User secret, or invalid Element token provided."
_NEEDED = {
    "platform": ("User", "Organization"),
    "token": ("User", "Organization", "Element"),
    "hub": ("User", "Element"),
}


def parse_authorization(header: str) -> dict[str, str]:
    """Return the words of an Authorization header, each with what follows it."""
    parts = (part.strip().partition(" ") for part in header.split(","))
    return {word: rest.strip() for word, _, rest in parts if word and rest}


def admit(call: Call, access: str) -> None:
    """Refuse a call whose header lacks what the route needs, or names a wrong secret or token.

    A token that is named is checked even where none is needed. What is missing is named after the
    platform's own sentence.
    """
    tenant = call.tenant
    if access == "elements":
        required = tenant.switches.text("elements_authorization") == "required"
        access = "platform" if required else "open"
    if access == "either":
        access = "hub" if "Element" in call.authorization else "platform"
    if access == "open":
        return
    needed = _NEEDED[access]
    missing = [word for word in needed if word not in call.authorization]
    if missing:
        lacking = " and no ".join(missing)
        raise RefusalError(401, f"{_UNAUTHORIZED} The Authorization header has no {lacking}.")
    secrets = {"User": tenant.user_secret, "Organization": tenant.organization_secret}
    wrong = any(call.authorization[word] != secrets[word] for word in needed if word in secrets)
    token = call.authorization.get("Element")
    if token is not None and not wrong:
        call.token_instance = tenant.store.instance_by_token(token)
    if wrong or (token is not None and call.token_instance is None):
        raise RefusalError(401, _UNAUTHORIZED)
