"""Authentication of an instance with the vendor, whom the sandbox plays as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exchange import Call, RefusalError
from .oauth import VendorRefusalError, redeem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .elements import Element
    from .store import Instance

USER_TOKEN, REFRESH_TOKEN = "oauth.user.token", "oauth.user.refresh_token"
REFRESH_TIME = "oauth.user.refresh_time"
WRONG = "wrong"
"""Any password, secret or token with this value is refused by the vendor."""


def provider_data_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `providerData` of a body; none is an empty one."""
    given = body.get("providerData")
    return given if isinstance(given, dict) else {}


def check_credentials(element: Element, configuration: Mapping[str, str | None]) -> None:
    """Raise VendorRefusalError when a password or secret is the one the vendor refuses."""
    wrong = [k for k, v in configuration.items() if v == WRONG and element.is_credential(k)]
    if wrong:
        reason = f"{', '.join(wrong)}: authentication failed"
        raise VendorRefusalError(reason)


def present_tokens(element: Element, configuration: Mapping[str, str | None]) -> None:
    """Raise VendorRefusalError when the application or a token the user brought is refused."""
    check_credentials(element, configuration)
    if wrong := [key for key in (USER_TOKEN, REFRESH_TOKEN) if configuration.get(key) == WRONG]:
        reason = f"{', '.join(wrong)}: the token is not known"
        raise VendorRefusalError(reason)


def authenticate(
    call: Call,
    element: Element,
    configuration: Mapping[str, str | None],
    data: Mapping[str, Any],
    code: str | None,
) -> None:
    """Present credentials and code to the vendor; raise VendorRefusalError when it refuses.

    The credentials come first, as an OAuth server checks the application before the code.
    """
    check_credentials(element, configuration)
    if code is not None:
        redeem(call.tenant, element, code, data, configuration)
    if call.fault is not None and call.fault.kind == "refused":
        reason = "3100 - AuthorizationFailed"
        raise VendorRefusalError(reason)


def user_tokens(call: Call, instance: Instance, kind: str) -> dict[str, str | None]:
    """Return what the platform itself writes after an OAuth exchange."""
    tenant = call.tenant

    def token(what: str) -> str:
        digest = tenant.derive(what, instance.id, instance.authentications).hex()
        return f"sandbox-{what}-{digest[:24]}"

    if kind == "oauth1":
        return {USER_TOKEN: token("user"), "oauth.user.token.secret": token("secret")}
    interval = instance.configuration.get("oauth.user.refresh_interval") or "3600"
    tokens: dict[str, str | None] = {
        USER_TOKEN: token("user"),
        REFRESH_TOKEN: token("refresh"),
        "oauth.user.refresh_interval": interval,
        REFRESH_TIME: str(int(tenant.clock() * 1000)),
    }
    if instance.external_authentication == "initial":
        del tokens[REFRESH_TOKEN]
    return tokens


def status_of(call: Call, refused: VendorRefusalError) -> int:
    """Return the status with which the platform passes a refusal on; 200 means it does not."""
    if call.fault is not None and call.fault.kind == "refused":
        return 400
    switches = call.tenant.switches
    position = switches.text(refused.switch)
    return int(switches.text("bad_code_status") if position == "as_bad" else position)


def refusal_of(call: Call, status: int, refused: VendorRefusalError) -> RefusalError:
    """Return the error answer for a refusal by the vendor."""
    messages = {400: "Bad Request", 401: "Request failed", 500: "An unexpected error occurred"}
    shown = refused.reason if call.tenant.switches.text("provider_message") != "off" else None
    return RefusalError(status, messages[status], provider_message=shown)
