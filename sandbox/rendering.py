"""How an instance looks in an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .configuration import shown
from .elements import stable_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .elements import Element
    from .faults import Fault
    from .store import Instance
    from .tenant import Tenant

_USER = {
    "id": 3001,
    "emailAddress": "someone@sandbox.invalid",
    "firstName": "Some",
    "lastName": "One",
}
# docs (OneDrive for Business, Constant Contact): these stood inside `element`.
_MOVED_INTO_ELEMENT = (
    "provisionInteractions",
    "valid",
    "disabled",
    "maxCacheSize",
    "cacheTimeToLive",
    "cachingEnabled",
    "configuration",
    "eventsEnabled",
    "eventsNotificationCallbackUrl",
    "subscriptionId",
    "traceLoggingEnabled",
    "externalAuthentication",
    "elementId",
    "user",
)


def instance_answer(
    tenant: Tenant,
    instance: Instance,
    element: Element,
    *,
    reading: bool = False,
    light: bool = False,
) -> dict[str, Any]:
    """Return an instance as the platform shows it, masked; `light` leaves configuration out."""
    switches = tenant.switches
    answer: dict[str, Any] = {
        "id": instance.id,
        "name": instance.name,
        "createdDate": instance.created,
        "token": instance.token,
        "element": element.brief,
        "elementId": element.id,
        "tags": instance.tags,
        "provisionInteractions": [],
        "valid": instance.valid,
        "disabled": instance.disabled,
        "maxCacheSize": 0,
        "cacheTimeToLive": 0,
        "cachingEnabled": False,
        "configuration": {} if light else shown(element, instance.configuration, switches),
        "eventsEnabled": False,
        "traceLoggingEnabled": False,
        "externalAuthentication": instance.external_authentication,
        "user": dict(_USER),
    }
    answer |= _events(instance)
    if reading and switches.text("valid_on_get") == "false":
        answer["valid"] = False
    if switches.text("external_authentication") == "none":
        answer["externalAuthentication"] = "none"
    if light:
        del answer["configuration"]
        if not switches.on("light_tags"):
            del answer["tags"]
    return _placed(answer, switches.text("configuration_place"))


def echoed(tenant: Tenant, body: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer, with the request's `providerData` where the switch asks for it."""
    if tenant.switches.on("provider_data_echo") and "providerData" in body:
        answer["providerData"] = body["providerData"]
    return answer


def mixed_up(tenant: Tenant, fault: Fault, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer about another instance that the fault asks for.

    Args:
        tenant: The account.
        fault: What is to be mixed up.
        own: The right answer, or as much as there is of it: `id`.
    """
    wanted = fault.parameter("instance")
    others = (one for one in tenant.store.all_instances() if one.id != own.get("id"))
    other = tenant.store.instance(int(wanted)) if wanted else next(others, None)
    answer = dict(own)
    element = tenant.elements.find(other.element_key) if other else None
    if other and element:
        answer = instance_answer(tenant, other, element, reading=True)
    elif fault.parameter("id") != "own" and not fault.parameter("element"):
        answer["id"] = 1  # where there is no other, one that never is
    if fault.parameter("id") == "own":
        answer["id"] = own.get("id")
    if fault.parameter("element"):
        answer["element"] = answer.get("element", {}) | {"key": fault.parameter("element")}
    if fault.parameter("tags") == "none":
        answer["tags"] = []
    elif fault.parameter("tags") == "untold":
        answer.pop("tags", None)
    return answer


def _events(instance: Instance) -> dict[str, Any]:
    configuration = instance.configuration
    if configuration.get("event.notification.enabled") != "true":
        return {}
    events: dict[str, Any] = {
        "eventsEnabled": True,
        "eventsNotificationCallbackUrl": configuration.get("event.notification.callback.url"),
    }
    if str(configuration.get("event.vendor.type")).startswith("webhook"):
        events["subscriptionId"] = stable_number(f"subscription:{instance.id}", 1, 1_000_000)
    return events


def _placed(answer: dict[str, Any], place: str) -> dict[str, Any]:
    if place == "empty" and "configuration" in answer:
        answer["configuration"] = {}
    if place == "element":
        moved = {key: answer.pop(key) for key in _MOVED_INTO_ELEMENT if key in answer}
        answer["element"] = answer["element"] | moved
    return answer
