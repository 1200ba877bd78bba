"""Elements that a client makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    Make = Callable[..., dict[str, Any]]

MINE = {
    "name": "My Element",
    "authentication": {"type": "basic"},
    "configuration": [{"key": "api.key", "type": "PASSWORD", "required": True}],
}


def test_an_element_is_made_used_changed_and_deleted(api: httpx.Client, sandbox: Sandbox) -> None:
    """By key and by id; as long as it has instances it stays."""
    made = api.post("/elements", json=MINE | {"id": 1}).json()
    assert (made["key"], made["private"], made["active"]) == ("myelement", True, True)
    assert api.get(f"/elements/{made['id']}").json() == made
    where = {"where": "private='true'"}
    assert [one["key"] for one in api.get("/elements", params=where).json()] == ["myelement"]
    whole = {"name": "n", "element": {"key": "myelement"}, "configuration": {"api.key": "k"}}
    instance = api.post("/instances", json=whole).json()
    assert instance["configuration"] == {"api.key": "********"}
    change = {"description": "d", "key": "other", "private": False}
    changed = api.put(f"/elements/{made['id']}", json=change).json()
    assert changed == made | {"description": "d"}
    assert api.delete("/elements/myelement").status_code == 409
    api.delete(f"/instances/{instance['id']}")
    assert api.delete("/elements/myelement").status_code == 200
    assert api.get("/elements/myelement").status_code == 404


def test_an_element_is_switched_off_and_on(api: httpx.Client) -> None:
    """`active` says so."""
    api.post("/elements", json=MINE)
    for method, active in (("DELETE", False), ("PUT", True)):
        assert api.request(method, "/elements/myelement/active").status_code == 200
        assert api.get("/elements/myelement").json()["active"] is active


def test_an_instance_moves_to_a_clone(api: httpx.Client, create: Make) -> None:
    """Which has a key and an id of its own, and none of the platform's application."""
    number = create("hubspot")["id"]
    one, two = (api.post(f"/elements/{key}/clone").json() for key in ("hubspot", "5050"))
    assert len({one["key"], two["key"], "hubspot"}) == len({one["id"], two["id"], 5050}) == 3
    keys = [entry for entry in one["configuration"] if entry["key"] == "oauth.api.key"]
    assert [entry.get("defaultValue") for entry in keys] == [None]
    moved = api.patch(f"/instances/{number}", json={"element": {"id": one["id"]}}).json()
    assert (moved["id"], moved["element"]["key"]) == (number, one["key"])


@pytest.mark.parametrize(
    ("call", "sent", "status"),
    [
        ("POST /elements", {}, 400),
        ("POST /elements", {"name": "!"}, 400),
        ("POST /elements", {"key": "a/b"}, 400),
        ("POST /elements", {"key": "metadata"}, 400),
        ("POST /elements", {"key": 7}, 400),
        ("POST /elements", {"name": "n", "configuration": {}}, 400),
        ("POST /elements", {"key": "hubspot"}, 409),
        ("POST /elements/nothing/clone", {}, 404),
        ("PUT /elements/hubspot", {"name": "n"}, 403),
        ("PUT /elements/hubspot/active", {}, 403),
        ("DELETE /elements/hubspot", {}, 403),
        ("DELETE /elements/nothing", {}, 404),
    ],
)
def test_what_is_refused(
    api: httpx.Client, sandbox: Sandbox, call: str, sent: dict[str, Any], status: int
) -> None:
    """What can't be an element, what is there, and what is not one's own; nothing is left."""
    before = api.get("/elements/keys").json()
    method, path = call.split(" ")
    assert api.request(method, path, json=sent).status_code == status
    assert api.get("/elements/keys").json() == before
    sandbox.reset()
    assert api.get("/elements/keys").json() == before


def test_own_elements_are_kept_in_the_database_until_a_reset(
    tmp_path: Path, connect: Callable[..., httpx.Client]
) -> None:
    """With their instances."""
    with Sandbox(db=tmp_path / "state.db") as first:
        made = connect(first).post("/elements", json=MINE).json()
    with Sandbox(db=tmp_path / "state.db") as second:
        api = connect(second)
        assert api.get("/elements/myelement").json() == made
        second.reset()
        assert api.get("/elements/myelement").status_code == 404
        assert api.post("/elements", json=MINE).status_code == 200


def test_hubs_are_those_of_the_elements(api: httpx.Client) -> None:
    """Each once."""
    keys = [hub["key"] for hub in api.get("/hubs").json()]
    assert keys == sorted(set(keys))
    api.post("/elements", json=MINE | {"hub": "weather"})
    assert [one["key"] for one in api.get("/hubs").json() if one["key"] not in keys] == ["weather"]
