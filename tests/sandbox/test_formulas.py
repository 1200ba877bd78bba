"""Formulas and their instances, which keep element instances from being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox

    Make = Callable[..., dict[str, Any]]

SCHEDULED = {"type": "scheduled", "properties": {"cron": "0 0/15 * 1/1 * ? *"}}


@pytest.fixture
def formula(api: httpx.Client) -> dict[str, Any]:
    """A formula with a schedule."""
    made: dict[str, Any] = api.post(
        "/formulas", json={"name": "sync", "triggers": [SCHEDULED], "steps": [{"name": "first"}]}
    ).json()
    return made


@pytest.fixture
def use(api: httpx.Client, formula: dict[str, Any]) -> Make:
    """Make an instance of the formula that uses an element instance."""

    def made(number: object, **fields: Any) -> dict[str, Any]:
        whole = {"name": "nightly", "configuration": {"trigger_instance": number}} | fields
        answer = api.post(f"/formulas/{formula['id']}/instances", json=whole)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return made


@pytest.mark.parametrize("fields", [{}, {"active": False}, {"configuration": {"any": "427002"}}])
def test_what_a_formula_instance_uses_cannot_be_deleted(
    api: httpx.Client, sandbox: Sandbox, create: Make, use: Make, fields: dict[str, Any]
) -> None:
    """409 until the formula instance is gone, whether it is active or not."""
    other, number = create()["id"], create(name="two")["id"]
    user = use(number, **fields)
    for path in (f"/instances/{number}", f"/elements/freshservice/instances/{number}"):
        answer = api.delete(path)
        assert answer.status_code == 409
        told = f"The instance is in use by formula instance {user['id']}"
        assert answer.json()["message"] == told
    assert api.delete(f"/instances/{other}").status_code == 200
    assert [one["id"] for one in sandbox.instances()] == [number]
    gone = api.delete(f"/formulas/{user['formula']['id']}/instances/{user['id']}")
    assert (gone.status_code, gone.content) == (200, b"")
    assert api.delete(f"/instances/{number}").status_code == 200


def test_formula_instances_are_found_by_what_they_use(
    api: httpx.Client, formula: dict[str, Any], use: Make
) -> None:
    """And by a part of the name; none is an empty list."""
    path = "/formulas/instances"
    assert (api.get(path).status_code, api.get(path).json()) == (200, [])
    one, two = use(1), use(2, name="Weekly", active=False)
    of_formula = f"/formulas/{formula['id']}/instances"
    for query, found in (
        ({}, [one]),
        ({"includeInactive": True}, [one, two]),
        ({"elementInstanceId": 1}, [one]),
        ({"elementInstanceId": 2, "includeInactive": True}, [two]),
        ({"elementInstanceId": -1}, []),
        ({"searchText": "IGHT"}, [one]),
        ({"searchText": "week"}, []),
    ):
        assert api.get(path, params=query).json() == found
    assert api.get(of_formula).json() == [one, two]
    assert (
        api.get(f"{path}/{two['id']}").json() == two == api.get(f"{of_formula}/{two['id']}").json()
    )


def test_a_formula_is_changed_and_deleted_without_its_instances(
    api: httpx.Client, formula: dict[str, Any], use: Make
) -> None:
    """Its instances show it as it is now; as long as there are any it stays."""
    path, user = f"/formulas/{formula['id']}", use(1)
    changed = api.patch(path, json={"name": "<b>other</b>", "active": False, "id": 7}).json()
    assert changed == formula | {"name": "other", "active": False}
    assert api.put(path, json=formula).json() == formula == api.get(f"{path}/export").json()
    assert api.get(f"{path}/instances/{user['id']}").json()["formula"] == formula
    assert api.delete(path).status_code == 409
    api.delete(f"{path}/instances/{user['id']}")
    assert api.delete(path).status_code == 200
    assert api.get(path).json()["message"] == f"No formula found with ID {formula['id']}"
    assert api.get("/formulas").json()["message"] == "No formulas found"


def test_formulas_come_in_pages_and_abridged(api: httpx.Client, formula: dict[str, Any]) -> None:
    """`abridged=true` leaves steps out; each part of a formula has an id."""
    assert formula["steps"][0]["id"] != formula["triggers"][0]["id"]
    api.post("/formulas", json={"name": "second"})
    first = api.get("/formulas?pageSize=1&abridged=true")
    assert first.json() == [{k: v for k, v in formula.items() if k != "steps"}]
    assert first.headers["elements-total-count"] == "2"
    rest = {"nextPage": first.headers["elements-next-page-token"]}
    assert [one["name"] for one in api.get("/formulas", params=rest).json()] == ["second"]


def test_jobs_follow_what_is_active(api: httpx.Client, formula: dict[str, Any], use: Make) -> None:
    """One for each active instance of an active formula with a schedule."""
    path, user = f"/formulas/{formula['id']}", use(1)

    def jobs() -> list[str]:
        return [one["description"] for one in api.get("/jobs").json()]

    assert jobs() == [f"Runs formula {formula['id']}, instance {user['id']}"]
    one = f"{path}/instances/{user['id']}"
    assert api.delete(f"{one}/active").json()["active"] is False
    assert jobs() == []
    assert api.put(f"{one}/active").json()["active"] is True
    api.patch(path, json={"active": False})
    assert jobs() == []
    replaced = api.put(one, json={"name": "n", "settings": {"notification.email": "a@b"}}).json()
    assert (replaced["settings"], replaced["active"]) == ({"notification.email": "a@b"}, True)


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("POST /formulas", {}, 400),
        ("POST /formulas", {"name": "<b></b>"}, 400),
        ("POST /formulas", {"name": 1}, 400),
        ("POST /formulas", {"name": "n", "steps": {}}, 400),
        ("PUT /formulas/{id}", {"active": False}, 400),
        ("PATCH /formulas/{id}", {"name": " "}, 400),
        ("POST /formulas/{id}/instances", {"name": "n", "configuration": []}, 400),
        ("POST /formulas/-1/instances", {"name": "n"}, 404),
        ("GET /formulas/x/export", None, 404),
        (f"GET /formulas/instances/{'9' * 40}", None, 404),
        ("PUT /formulas/-1/instances/-1/active", None, 404),
        ("DELETE /formulas/-1/instances/-1/active", None, 404),
        ("GET /notifications", None, 400),
        ("GET /notifications?topics[]=none", None, 200),
    ],
)
def test_what_is_refused(
    api: httpx.Client, formula: dict[str, Any], call: str, body: Any, status: int
) -> None:
    """In words: what is missing, of the wrong kind, or not there."""
    method, path = call.format(**formula).split(" ")
    answer = api.request(method, path, json=body)
    assert answer.status_code == status
    assert "message" in answer.json() or answer.json() == []


def test_a_formula_instance_of_another_formula_is_not_there(api: httpx.Client, use: Make) -> None:
    """Its id alone does not make an address."""
    other, user = api.post("/formulas", json={"name": "other"}).json(), use(1)
    assert api.get(f"/formulas/{other['id']}/instances/{user['id']}").status_code == 404
    assert api.get(f"/formulas/{user['id']}").status_code == 404


def test_a_reset_forgets_formulas(api: httpx.Client, sandbox: Sandbox, use: Make) -> None:
    """Numbers start again."""
    use(1)
    sandbox.reset()
    assert api.get("/formulas/instances").json() == []
    assert api.post("/formulas", json={"name": "n"}).json()["id"] == 1
