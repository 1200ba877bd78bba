"""Standardized Authentication: instances that appear and change without a request of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox
    from tests.sandbox.receiver import Receiver

    Make = Callable[..., dict[str, Any]]

BASE = "/v1alpha1/elements/normalized-instances/applications"
ALLOW = {"decision": "allow"}


@pytest.fixture
def session(api: httpx.Client, sandbox: Sandbox, receiver: Receiver) -> Callable[..., str]:
    """Open a session of a new application and return where the user has to go."""
    origin = sandbox.base_url.removesuffix("/elements/api-v2")

    def opened(key: str, **query: object) -> str:
        asked = {"name": "Ezra", "notificationCallback": {"url": f"{receiver.url}/told"}}
        application = api.post(f"{origin}{BASE}", json=asked).json()["applicationID"]
        answer = api.post(
            f"{origin}{BASE}/{application}/sessions", params={"elementKey": key, **query}
        )
        assert answer.status_code == 200, answer.text
        assert urlsplit(answer.json()["redirectUrl"]).path.startswith("/sandbox/sessions/")
        return str(answer.json()["redirectUrl"])

    return opened


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """Return what the application was told."""
    return [json.loads(one.body) for one in receiver.received]


@pytest.mark.parametrize("key", ["hubspot", "quickbooks", "twitter"])
def test_consent_makes_an_instance_and_tells_the_application(
    backdoor: httpx.Client,
    sandbox: Sandbox,
    session: Callable[..., str],
    receiver: Receiver,
    key: str,
) -> None:
    """Of either kind of OAuth, with the vendor's application of the session; once."""
    address = session(key, apiKey="k", apiSecret="s")
    assert "<strong>Ezra</strong> asks to be connected" in backdoor.get(address).text
    end = backdoor.post(address, data=ALLOW)
    (made,) = sandbox.instances()
    assert f"Connected: instance {made['id']}." in end.text
    assert (made["element_key"], made["configuration"]["oauth.api.key"]) == (key, "k")
    (message,) = told(receiver)
    assert (message["status"], message["elementInstance"]["token"]) == ("success", made["token"])
    assert [one["template"] for one in sandbox.journal() if one["template"] == "/instances"] == []
    assert backdoor.post(address, data=ALLOW).status_code == 400
    assert len(sandbox.instances()) == 1


def test_an_element_without_oauth_asks_for_what_it_needs(
    backdoor: httpx.Client, sandbox: Sandbox, session: Callable[..., str], receiver: Receiver
) -> None:
    """Passwords are typed unseen; what is missing or refused can be put right."""
    address = session("freshservice")
    page = backdoor.get(address).text
    assert 'name="password" type="password"' in page
    assert 'name="username" type="text"' in page
    given = ALLOW | {"subdomain": "acme", "username": "u", "password": "wrong"}
    for spoilt in (ALLOW, given):
        refused = backdoor.post(address, data=spoilt)
        assert refused.status_code == 400
    assert refused.text == "Request failed password: authentication failed\n"
    assert (sandbox.instances(), told(receiver)) == ([], [])
    assert backdoor.post(address, data=given | {"password": "p"}).status_code == 200
    assert sandbox.instances()[0]["configuration"]["password"] == "p"


def test_a_session_renews_an_instance(
    backdoor: httpx.Client,
    sandbox: Sandbox,
    session: Callable[..., str],
    receiver: Receiver,
    create: Make,
) -> None:
    """The id, name and tags stay; the vendor's tokens are new."""
    made = create("hubspot", tags=["red"])
    address = session("hubspot", instanceId=made["id"], apiKey="other", apiSecret="s")
    assert backdoor.post(address, data=ALLOW).status_code == 200
    (now,) = sandbox.instances()
    assert (now["id"], now["name"], now["tags"]) == (made["id"], "one", ["red"])
    assert now["configuration"]["oauth.api.key"] == "other"
    token = "oauth.user.token"
    assert now["configuration"][token] != made["configuration"][token]
    assert told(receiver)[0]["elementInstance"]["id"] == made["id"]


def test_a_denial_connects_nothing_and_tells_nobody(
    backdoor: httpx.Client, sandbox: Sandbox, session: Callable[..., str], receiver: Receiver
) -> None:
    """And ends the session."""
    address = session("hubspot")
    assert "Nothing was connected." in backdoor.post(address, data={"decision": "deny"}).text
    assert (sandbox.instances(), told(receiver)) == ([], [])
    assert backdoor.post(address, data=ALLOW).status_code == 400


def test_a_session_is_over_after_500_seconds(
    backdoor: httpx.Client, sandbox: Sandbox, session: Callable[..., str], moment: list[float]
) -> None:
    """Not sooner."""
    early, late = session("hubspot"), session("hubspot")
    moment[0] += 499
    assert backdoor.post(early, data=ALLOW).status_code == 200
    moment[0] += 1
    for answer in (backdoor.get(late), backdoor.post(late, data=ALLOW)):
        assert (answer.status_code, answer.text) == (
            400,
            "the session is over, or was never opened\n",
        )
    assert len(sandbox.instances()) == 1


def test_sessions_make_no_doubles(
    backdoor: httpx.Client, sandbox: Sandbox, session: Callable[..., str]
) -> None:
    """Two of one application are two connections."""
    for _ in range(2):
        backdoor.post(session("hubspot"), data=ALLOW)
    counters = sandbox.counters()
    assert (counters["creates"], counters["doubles"]) == (2, 0)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/no-such/sessions?elementKey=hubspot", 404),
        ("/{id}/sessions", 404),
        ("/{id}/sessions?elementKey=nothing", 404),
        ("/{id}/sessions?elementKey=hubspot&instanceId=1", 404),
        ("/{id}/sessions?elementKey=hubspot&instanceId=x", 404),
        ("/{id}/sessions?elementKey=hubspot&instanceId=427001", 404),
        ("/{id}/sessions?elementKey=hubspot&instanceId=", 200),
    ],
)
def test_a_session_needs_an_application_an_element_and_its_own_instance(
    api: httpx.Client, sandbox: Sandbox, create: Make, path: str, status: int
) -> None:
    """427001 is an instance of another element; an empty id is none."""
    create("freshservice")
    origin = sandbox.base_url.removesuffix("/elements/api-v2")
    asked = {"name": "Ezra", "notificationCallback": {"url": "http://127.0.0.1/"}}
    application = api.post(f"{origin}{BASE}", json=asked).json()["applicationID"]
    answer = api.post(f"{origin}{BASE}{path.format(id=application)}")
    assert answer.status_code == status


@pytest.mark.parametrize(
    "sent", [{}, {"name": "Ezra"}, {"name": "Ezra", "notificationCallback": {"url": 1}}]
)
def test_an_application_needs_a_name_and_a_callback(
    api: httpx.Client, sandbox: Sandbox, sent: dict[str, Any]
) -> None:
    """And both secrets."""
    origin = sandbox.base_url.removesuffix("/elements/api-v2")
    assert api.post(f"{origin}{BASE}", json=sent).status_code == 400
    del api.headers["Authorization"]
    assert api.post(f"{origin}{BASE}", json=sent).status_code == 401
