"""Events of vendors, and the signed callbacks that tell them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import callbacks
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox
    from tests.sandbox.receiver import Receiver

    Make = Callable[..., dict[str, Any]]

KEY = "abcd1234"
PAYLOAD = {"objectType": "tickets", "tickets": [{"id": 5}], "events": [{"objectId": "5"}]}


@pytest.fixture
def listening(create: Make, receiver: Receiver) -> Make:
    """Make an instance with events, whose callback is the receiver."""

    def made(**configuration: Any) -> dict[str, Any]:
        usual = {
            "event.notification.enabled": True,
            "event.notification.callback.url": f"{receiver.url}/events?a=1",
            "event.notification.signature.key": KEY,
        }
        return create(configuration=usual | configuration, tags=["red"])

    return made


def arrive(api: httpx.Client, *numbers: int, payload: Any = None) -> httpx.Response:
    """Let an event arrive as the vendor's webhook brings it."""
    headers = {"Element-Instances": ", ".join(str(number) for number in numbers)}
    content = PAYLOAD if payload is None else payload
    return api.post("/events/freshservice", json=content, headers=headers)


def test_an_event_is_told_to_the_callback_and_signed(
    api: httpx.Client, listening: Make, receiver: Receiver
) -> None:
    """The signature is that of the raw body, by the instance's own key."""
    made = listening()
    assert arrive(api, made["id"]).status_code == 200
    (told,) = receiver.received
    assert told.path == "/events?a=1"
    expected = base64.b64encode(hmac.digest(KEY.encode(), told.body, "sha256")).decode()
    assert told.headers["elements-webhook-signature"] == f"sha256={expected}"
    assert told.headers["elements-webhook-id"]
    body = json.loads(told.body)
    assert body["topic"] == f"instance-{made['id']}-freshservice-events"
    assert body["createdDate"] == "Fri Jul 14 02:40:00 UTC 2017"
    message = body["message"]
    assert (message["instanceName"], message["instanceTags"]) == ("one", ["red"])
    assert message["raw"] == {"objectType": "tickets", "tickets": [{"id": 5}]}
    (event,) = message["events"]
    assert (event["objectType"], event["objectId"], event["hubKey"]) == ("tickets", "5", "helpdesk")
    kept = api.get(f"/instances/{made['id']}/events/{message['eventId']}").json()
    assert (kept["status"], json.loads(kept["providerData"])) == ("NOTIFIED", PAYLOAD)


def test_every_event_and_every_instance_gets_a_call_of_its_own(
    api: httpx.Client, listening: Make, receiver: Receiver
) -> None:
    """Ids differ, and pages hold them in order."""
    one, two = listening(), listening()
    arrive(api, one["id"], two["id"])
    arrive(api, one["id"], payload={"id": "7"})
    bodies = [json.loads(told.body)["message"] for told in receiver.received]
    assert [body["instanceId"] for body in bodies] == [one["id"], two["id"], one["id"]]
    assert [body["events"][0]["objectId"] for body in bodies] == ["5", "5", "7"]
    assert len({told.headers["elements-webhook-id"] for told in receiver.received}) == 3
    path = f"/instances/{one['id']}/events"
    listed = [event["id"] for event in api.get(path).json()]
    assert listed == [bodies[0]["eventId"], bodies[2]["eventId"]]
    assert [event["id"] for event in api.get(f"{path}?pageSize=1").json()] == listed[:1]
    assert api.get(f"{path}/{bodies[1]['eventId']}").status_code == 404


def test_events_are_read_by_token(
    api: httpx.Client, sandbox: Sandbox, listening: Make, connect: Callable[..., httpx.Client]
) -> None:
    """The list, one of them, and what became of each."""
    made = listening()
    both = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    by_token = connect(sandbox, f"{both}, Element {made['token']}")
    assert by_token.get("/instances/events").json()["message"] == "No events found"
    arrive(api, made["id"])
    (event,) = by_token.get("/instances/events").json()
    assert by_token.get(f"/instances/events/{event['id']}").json() == event
    (disposition,) = by_token.get("/instances/events/dispositions").json()
    assert (disposition["eventId"], disposition["elementInstanceId"]) == (event["id"], made["id"])
    assert disposition["notificationData"][0]["message"].startswith("Delivered event to http")


def test_a_poller_names_the_instance_in_the_path(
    api: httpx.Client, listening: Make, receiver: Receiver
) -> None:
    """In Base64, and nobody is asked for secrets."""
    number = listening()["id"]
    encoded = base64.b64encode(str(number).encode()).decode()
    del api.headers["Authorization"]
    answer = api.post(f"/events/freshservicePolling/{encoded}", json=PAYLOAD)
    assert (answer.status_code, len(receiver.received)) == (200, 1)


@pytest.mark.parametrize(
    "configuration",
    [
        {"event.notification.enabled": "false"},
        {"event.notification.callback.url": ""},
        {"event.notification.callback.url": None},
    ],
)
def test_nobody_is_told_who_did_not_ask(
    api: httpx.Client, listening: Make, receiver: Receiver, configuration: dict[str, Any]
) -> None:
    """The event is kept all the same."""
    number = listening(**configuration)["id"]
    arrive(api, number)
    assert receiver.received == []
    assert [one["status"] for one in api.get(f"/instances/{number}/events").json()] == ["RECEIVED"]


def test_a_disabled_instance_tells_nobody(
    api: httpx.Client, listening: Make, receiver: Receiver
) -> None:
    """Until it is enabled."""
    number = listening()["id"]
    api.delete(f"/instances/{number}/enabled")
    arrive(api, number)
    assert receiver.received == []
    api.put(f"/instances/{number}/enabled")
    arrive(api, number)
    assert len(receiver.received) == 1


def test_without_a_key_there_is_no_signature(
    api: httpx.Client, listening: Make, receiver: Receiver
) -> None:
    """The callback comes unsigned."""
    arrive(api, listening(**{"event.notification.signature.key": ""})["id"])
    assert "elements-webhook-signature" not in receiver.received[0].headers


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_callback_that_is_not_taken_is_told(
    api: httpx.Client, listening: Make, receiver: Receiver, status: int
) -> None:
    """Once; a redirect is not followed, for it could lead anywhere."""
    receiver.status = status
    number = listening()["id"]
    assert arrive(api, number).status_code == 200
    assert [told.path for told in receiver.received] == ["/events?a=1"]
    (event,) = api.get(f"/instances/{number}/events").json()
    assert event["status"] == "DISPATCHED"
    assert event["notifiedData"] == [{"message": f"Error delivering event: status {status}"}]


@pytest.mark.parametrize(
    "address",
    [
        "http://app.example/events",
        "https://app.example/events",
        "http://10.0.0.1/events",
        "http://localhost.app.example/",
        "http://127.0.0.1@app.example/",
        "ftp://127.0.0.1/",
        "https://127.0.0.1/",
        "not an address",
        "http://[",
        "http://127.0.0.1:99999/",
    ],
)
def test_nothing_beyond_this_machine_is_called(
    api: httpx.Client, listening: Make, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A stack may hold real addresses; nothing made up reaches them."""
    monkeypatch.setattr(callbacks.httpx, "AsyncClient", None)
    number = listening(**{"event.notification.callback.url": address})["id"]
    assert arrive(api, number).status_code == 200
    (event,) = api.get(f"/instances/{number}/events").json()
    assert event["status"] == "DISPATCHED"


def test_a_receiver_that_is_not_there_is_told(api: httpx.Client, listening: Make) -> None:
    """As any other failure."""
    url = f"http://localhost:{free_port()}/"
    number = listening(**{"event.notification.callback.url": url})["id"]
    arrive(api, number)
    (event,) = api.get(f"/instances/{number}/events").json()
    assert event["notifiedData"] == [{"message": "Error delivering event: ConnectError"}]


@pytest.mark.parametrize(
    ("path", "case"),
    [
        ("/events/freshservice", ("", 400)),
        ("/events/freshservice", ("x", 400)),
        ("/events/freshservice", ("{id},,1", 400)),
        ("/events/freshservice", ("1", 404)),
        ("/events/freshservice", ("{id}, 1", 404)),
        ("/events/hubspot", ("{id}", 404)),
        ("/events/freshservicePolling/not-base-64", ("", 400)),
        ("/events/freshservicePolling/w6k=", ("", 400)),
    ],
)
def test_what_is_for_no_instance_is_refused(
    api: httpx.Client, listening: Make, receiver: Receiver, path: str, case: tuple[str, int]
) -> None:
    """And nothing is kept, not even for those that are there."""
    number = listening()["id"]
    named, status = case
    headers = {"Element-Instances": named.format(id=number)}
    assert api.post(path, json=PAYLOAD, headers=headers).status_code == status
    assert receiver.received == []
    assert api.get(f"/instances/{number}/events").status_code == 404


def test_the_older_signature(
    api: httpx.Client, sandbox: Sandbox, listening: Make, receiver: Receiver
) -> None:
    """By SHA-1, where the switch says so."""
    sandbox.set_switch("webhook_signature", "sha1")
    arrive(api, listening()["id"])
    (told,) = receiver.received
    digest = hmac.new(KEY.encode(), told.body, hashlib.sha1).digest()
    signature = told.headers["elements-webhook-signature"]
    assert signature == f"sha1={base64.b64encode(digest).decode()}"
