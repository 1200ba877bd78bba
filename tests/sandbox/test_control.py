"""The control interface, from Python and over HTTP."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    Make = Callable[..., dict[str, Any]]


def test_drift_is_seen_by_the_api(
    api: httpx.Client, sandbox: Sandbox, create: Make, backdoor: httpx.Client
) -> None:
    """Changes behind the API's back show in the next GET, whichever way they came."""
    number = create(tags=["a"])["id"]
    sandbox.update_instance(
        number,
        name="drifted",
        tags=["b"],
        configuration={"subdomain": None, "event.notification.enabled": True},
        disabled=True,
        valid=False,
    )
    seen = api.get(f"/instances/{number}").json()
    assert (seen["name"], seen["tags"]) == ("drifted", ["b"])
    assert (seen["disabled"], seen["valid"]) == (True, False)
    assert seen["configuration"]["subdomain"] is None
    assert seen["configuration"]["event.notification.enabled"] == "true"
    assert seen["configuration"]["username"] == "someone"
    assert backdoor.patch(f"/instances/{number}", json={"name": "again"}).status_code == 200
    assert api.get(f"/instances/{number}").json()["name"] == "again"
    assert api.get("/instances?tags[]=b").status_code == 200
    assert api.get("/instances?tags[]=a").status_code == 404


@pytest.mark.parametrize("way", ["python", "http"])
def test_an_instance_vanishes(
    api: httpx.Client, sandbox: Sandbox, create: Make, backdoor: httpx.Client, way: str
) -> None:
    """Deleted by somebody else."""
    number = create()["id"]
    if way == "python":
        sandbox.delete_instance(number)
    else:
        backdoor.delete(f"/instances/{number}")
    assert api.get(f"/instances/{number}").status_code == 404
    with pytest.raises(KeyError):
        sandbox.delete_instance(number)
    with pytest.raises(KeyError):
        sandbox.update_instance(number, name="x")


def test_codes_are_minted_without_consent(
    api: httpx.Client, sandbox: Sandbox, body: Make, backdoor: httpx.Client
) -> None:
    """From Python and over HTTP, with the extras asked for."""
    assert sandbox.new_provider_data("quickbooks", realmId="7")["realmId"] == "7"
    asked = {"element": "quickbooks", "realmId": "8"}
    data = backdoor.post("/codes", json=asked).json()["providerData"]
    assert data["realmId"] == "8"
    assert api.post("/instances", json=body("quickbooks", providerData=data)).status_code == 200
    code = sandbox.new_code("hubspot")
    assert code != sandbox.new_code("hubspot")
    whole = body("hubspot", providerData={"code": code})
    assert api.post("/instances", json=whole).status_code == 200
    with pytest.raises(KeyError, match="no element is called 'nothing'"):
        sandbox.new_code("nothing")


def test_counters(
    api: httpx.Client, sandbox: Sandbox, create: Make, backdoor: httpx.Client
) -> None:
    """Doubles are equal in element, name and tags (in any order) to a living instance."""
    first = create("hubspot", tags=["a", "b"])["id"]
    create("hubspot", tags=["b", "a"])
    create("hubspot", tags=["a"])
    create("hubspot", tags=["a", "b"], name="other")
    create("weebly", tags=["a", "b"])
    api.delete(f"/instances/{first}")
    expected = {
        "creates": 5,
        "doubles": 1,
        "deletes": 1,
        "instances": 4,
        "codes_minted": 5,
        "codes_spent": 5,
        "codes_replayed": 0,
        "codes_resent": 0,
    }
    assert sandbox.counters() == expected
    assert backdoor.get("/counters").json() == expected


def test_a_double_of_a_deleted_instance_is_none(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """To make a thing again after it is gone is no mistake."""
    api.delete(f"/instances/{create()['id']}")
    create()
    assert sandbox.counters()["doubles"] == 0


def test_switches_over_http(backdoor: httpx.Client, sandbox: Sandbox) -> None:
    """PUT sets the ones it names and answers with all."""
    answer = backdoor.put("/switches", json={"masking": "clear", "light_tags": False})
    assert answer.json() == sandbox.switches() == backdoor.get("/switches").json()
    assert (answer.json()["masking"], answer.json()["light_tags"]) == ("clear", "off")


def test_faults_over_http(backdoor: httpx.Client, api: httpx.Client) -> None:
    """POST adds, GET lists, DELETE forgets."""
    fault = {"kind": "status", "method": "GET", "times": 2, "status": 418}
    assert backdoor.post("/faults", json=fault).json() == {"number": 1}
    assert backdoor.post("/faults", json={"kind": "drop", "times": None}).json() == {"number": 2}
    assert api.get("/instances").status_code == 418
    first, second = backdoor.get("/faults").json()
    assert (first["kind"], first["times"], first["applied"]) == ("status", 2, 1)
    assert (second["kind"], second["times"]) == ("drop", None)
    assert backdoor.delete("/faults").status_code == 200
    assert backdoor.get("/faults").json() == []


@pytest.mark.parametrize(
    "mistake",
    [
        ("PUT", "/switches", {"no_such_switch": 1}),
        ("PUT", "/switches", ["x"]),
        ("POST", "/faults", {"kind": "explode"}),
        ("POST", "/faults", {}),
        ("POST", "/faults", {"kind": "drop", "times": "all"}),
        ("POST", "/faults", {"kind": "drop", "after": "1"}),
        ("POST", "/faults", {"kind": "drop", "path": 7}),
        ("POST", "/faults", {"kind": "drop", "method": 5}),
        ("POST", "/faults", {"kind": ["drop"]}),
        ("POST", "/faults", {"kind": "drop", "probability": "x"}),
        ("POST", "/faults", {"kind": "content_type", "type": "a\r\nb: c"}),
        ("POST", "/codes", {}),
        ("POST", "/codes", {"element": "nothing"}),
        ("POST", "/codes", {"element": 5}),
        ("POST", "/codes", None),
        ("POST", "/codes", {"element": ["hubspot"]}),
        ("PATCH", "/instances/1", {"name": "x"}),
        ("PATCH", "/instances/427001", {"tags": "x"}),
        ("PATCH", "/instances/427001", {"tags": [1]}),
        ("PATCH", "/instances/427001", {"colour": "red"}),
        ("PATCH", "/instances/427001", {"name": 5}),
        ("PATCH", "/instances/427001", {"tags": {"a": "b"}}),
        ("PATCH", "/instances/427001", {"configuration": ["a"]}),
        ("PATCH", "/instances/427001", {"configuration": "a"}),
        ("PATCH", "/instances/427001", {"disabled": "yes"}),
        ("PATCH", "/instances/427001", {"valid": 5}),
        ("PATCH", f"/instances/{10**30}", {}),
        ("DELETE", "/instances/1", None),
        ("DELETE", f"/instances/{10**30}", None),
        ("DELETE", f"/instances/{'9' * 5000}", None),
    ],
)
def test_mistakes_in_control_requests_are_400(
    backdoor: httpx.Client, create: Make, api: httpx.Client, mistake: tuple[str, str, Any]
) -> None:
    """One line of text says what is wrong, and the API goes on as before."""
    made = create()
    method, path, content = mistake
    answer = backdoor.request(method, path, json=content)
    assert (answer.status_code, answer.text.count("\n")) == (400, 1)
    assert answer.text[0] not in "'\""
    assert api.get("/instances").json() == [made]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"element": ' + b"[" * 100_000])
def test_control_requests_that_are_no_json_are_400(backdoor: httpx.Client, content: bytes) -> None:
    """However deep."""
    answer = backdoor.post("/codes", content=content)
    assert (answer.status_code, answer.text) == (400, "the body is not a JSON object\n")


def test_reset(
    api: httpx.Client, sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """Everything is forgotten; switches return to how they started, ids start again."""
    first, entries = create(), sandbox.journal()
    with Sandbox(switches={"masking": "clear"}) as other:
        other.set_switch("masking", "masked")
        other.add_fault("drop", times=None, path="/instances")
        other.new_code("hubspot")
        assert connect(other).get("/organizations/me").status_code == 200
        other.reset()
        assert (other.instances(), other.journal(), other.faults()) == ([], [], [])
        assert set(other.counters().values()) == {0}
        assert other.switches()["masking"] == "clear"
    origin = str(api.base_url).removesuffix("/elements/api-v2/")
    assert api.post(f"{origin}/sandbox/reset").status_code == 200
    assert create() == first
    assert sandbox.journal() == entries


def test_the_index_shows_the_state(backdoor: httpx.Client, sandbox: Sandbox) -> None:
    """`GET /sandbox` has counters, switches and faults."""
    assert backdoor.get("").json() == {
        "counters": sandbox.counters(),
        "switches": sandbox.switches(),
        "faults": [],
    }


def test_control_needs_no_secret_and_leaves_no_trace(
    backdoor: httpx.Client, sandbox: Sandbox
) -> None:
    """Its requests are not in the journal and meet no fault."""
    sandbox.add_fault("drop", times=None)
    for path in ("", "/instances", "/journal", "/counters", "/switches", "/faults"):
        assert backdoor.get(path).status_code == 200
    assert backdoor.get("/nothing").status_code == 404
    assert sandbox.journal() == []


def test_it_may_be_stopped_twice_and_never_started() -> None:
    """Cleaning up is always safe."""
    Sandbox().stop()
    with Sandbox() as sandbox:
        sandbox.stop()


def test_answers_do_not_wait_for_acknowledgements(api: httpx.Client, sandbox: Sandbox) -> None:
    """Each connection sends at once; otherwise every answer takes 40 ms."""
    api.get("/organizations/me")
    (connection,) = sandbox._server.server_state.connections
    accepted = connection.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
