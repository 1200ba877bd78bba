"""Events of vendors: how they arrive, are kept, and are told to the callback of an instance.

docs: what a callback holds (usecase-references, APIResponseTest.java:46-61, 2018; vendor's test
suite, events.js:43-47 and event.schema.json, 2018; help site, hash-verification). The platform
tells an event that was not taken up to nine times more; the sandbox does not.
"""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .addressing import find_element, target_instance
from .callbacks import Callback
from .exchange import NO_BODY, Answer, Call, RefusalError, Route
from .paging import paged
from .values import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .elements import Element
    from .records import Document
    from .store import Instance
    from .tenant import Tenant

_EVENT = "event"
_ENABLED, _ADDRESS, _KEY = (
    f"event.notification.{name}" for name in ("enabled", "callback.url", "signature.key")
)


# Arrival


def take_in(call: Call) -> Answer:
    """Take an event in as the vendor's webhook or the platform's poller brings it, without secrets.

    docs: the header names the instances, or the path one in Base64 (vendor's test suite,
    formulas/assets/common.js:66-99, 2018).
    """
    payload = call.json_object()
    for instance in [_addressed(call, number) for number in _numbers(call)]:
        _keep(call.tenant, instance, find_element(call, instance.element_key), payload)
    return Answer(NO_BODY)


def _addressed(call: Call, number: int) -> Instance:
    instance = call.tenant.store.instance(number)
    name = call.path_parameters["name"].removesuffix("Polling")
    if instance is None or instance.element_key != name:
        raise RefusalError(404, f"No element instance found with ID {number}")
    return instance


def _numbers(call: Call) -> list[int]:
    encoded = call.path_parameters.get("instance")
    text = call.headers.get("element-instances", "")
    if encoded is not None:
        try:
            text = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            text = ""
    numbers = [part.strip() for part in text.split(",")]
    if not all(is_number(number) for number in numbers):
        raise RefusalError(400, "Bad request: no element instance is named")
    return [int(number) for number in numbers]


def _keep(tenant: Tenant, instance: Instance, element: Element, payload: Mapping[str, Any]) -> None:
    """Keep an event, and make the call to the instance's callback due if it wants one."""
    record = tenant.store.records.add(_EVENT, {}, parent=instance.id)
    digest = tenant.derive(_EVENT, record["id"])
    record["event"] = {
        "id": base64.urlsafe_b64encode(digest)[:20].decode(),
        "elementInstanceId": instance.id,
        "eventDate": tenant.now_text(),
        "status": "RECEIVED",
        "providerData": json.dumps(payload),
        "notifiedData": [],
    }
    tenant.store.records.save(record)
    configuration = instance.configuration
    address = configuration.get(_ADDRESS)
    if instance.disabled or configuration.get(_ENABLED) != "true" or not address:
        return

    def settle(problem: str) -> None:
        told = f"Error delivering event: {problem}" if problem else f"Delivered event to {address}"
        record["event"] |= {
            "status": "DISPATCHED" if problem else "NOTIFIED",
            "notifiedData": [{"message": told}],
        }
        with tenant.lock:
            tenant.store.records.save(record)

    body = json.dumps(_message(tenant, instance, element, record, payload)).encode()
    headers = {"content-type": "application/json", "elements-webhook-id": digest.hex()[:24]}
    if key := configuration.get(_KEY):
        headers["elements-webhook-signature"] = _signature(tenant, key, body)
    tenant.due.append(Callback(address, body, headers, settle))


def _signature(tenant: Tenant, key: str, body: bytes) -> str:
    """Return the signature of the raw body, by the instance's own key."""
    kind = tenant.switches.text("webhook_signature")
    digest = hmac.digest(key.encode(), body, kind)
    return f"{kind}={base64.b64encode(digest).decode()}"


def _message(
    tenant: Tenant,
    instance: Instance,
    element: Element,
    record: Document,
    payload: Mapping[str, Any],
) -> dict[str, Any]:
    now = tenant.now_text()
    usual = {
        "objectType": payload.get("objectType", "accounts"),
        "objectId": str(payload.get("id", record["id"])),
        "date": now,
        "pollDate": now,
        "eventType": "UPDATED",
        "elementKey": element.key,
        "hubKey": element.document["hub"],
    }
    given = payload.get("events")
    events = given if isinstance(given, list) and given else [{}]
    return {
        "severity": "medium",
        "createdDate": datetime.fromtimestamp(tenant.clock(), UTC).strftime(
            "%a %b %d %H:%M:%S UTC %Y"
        ),
        "topic": f"instance-{instance.id}-{element.key}-events",
        "action": "create",
        "id": str(record["id"]),
        "message": {
            "elementKey": element.key,
            "accountId": 2001,
            "eventId": record["event"]["id"],
            "companyId": 1001,
            "instanceId": instance.id,
            "instance_id": instance.id,
            "instanceName": instance.name,
            "instanceTags": instance.tags,
            "raw": {name: value for name, value in payload.items() if name != "events"},
            "userId": 3001,
            "events": [usual | one for one in events if isinstance(one, dict)],
        },
        "user": "notifications@sandbox.invalid",
    }


# What was kept


def _kept(call: Call) -> list[dict[str, Any]]:
    instance, _ = target_instance(call)
    records = call.tenant.store.records.all(_EVENT, parent=instance.id)
    return [record["event"] for record in records]


def list_events(call: Call) -> Answer:
    """Answer with a page of the events of an instance."""
    return paged(call, _kept(call), what="events")


def get_event(call: Call) -> Answer:
    """Answer with one event of an instance."""
    wanted = call.path_parameters["event_id"]
    for event in _kept(call):
        if event["id"] == wanted:
            return Answer(event)
    raise RefusalError(404, f"No event found with ID {wanted}")


def list_dispositions(call: Call) -> Answer:
    """Answer with what became of each event.

    docs: the vendor's test suite, disposition.js and disposition.schema.json (2018).
    """
    found = [
        {
            "eventId": event["id"],
            "elementInstanceId": event["elementInstanceId"],
            "notificationData": event["notifiedData"],
        }
        for event in _kept(call)
    ]
    return paged(call, found, what="event dispositions")


def list_notifications(call: Call) -> Answer:
    """Answer with no notifications; a topic has to be named.

    docs: `[]` for none (vendor's test suite, notifications.js, 2017).
    """
    if not call.parameters("topics[]"):
        raise RefusalError(400, "Bad request: missing topics[]")
    return paged(call, [], what="notifications", empty=True)


def _routes(prefix: str, access: str) -> Iterator[Route]:
    yield Route("GET", f"{prefix}/events", list_events, access)
    yield Route("GET", f"{prefix}/events/dispositions", list_dispositions, access)
    yield Route("GET", f"{prefix}/events/{{event_id}}", get_event, access)


ROUTES: Sequence[Route] = (
    Route("POST", "/events/{name}", take_in, "open"),
    Route("POST", "/events/{name}/{instance}", take_in, "open"),
    *_routes("/instances/{id}", "platform"),
    *_routes("/instances", "token"),
    Route("GET", "/notifications", list_notifications),
)
