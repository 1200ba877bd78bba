"""Object definitions, transformations and the description of an instance's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox

    Make = Callable[..., dict[str, Any]]

FIELDS = [{"path": "id", "type": "number"}]
DEFINITION = {"fields": FIELDS}
TRANSFORMATION = {"vendorName": "Lead", "fields": [{"path": "id", "type": "number"}]}


@pytest.fixture(params=["by id", "by token"])
def part(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    create: Make,
    connect: Callable[..., httpx.Client],
) -> Callable[..., httpx.Response]:
    """Call a path below one instance, which the path names by id or the header by token."""
    made = create()
    both = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    by_token = request.param == "by token"
    client = connect(sandbox, f"{both}, Element {made['token']}" if by_token else both)
    prefix = "/instances" if by_token else f"/instances/{made['id']}"
    return lambda method, path, **more: client.request(method, prefix + path, **more)


def test_an_object_is_defined_and_transformed(part: Callable[..., httpx.Response]) -> None:
    """Each by its name, all together as a map, 404 when there is none."""
    definition, transformation = "/objects/leads/definitions", "/transformations/leads"
    kinds = (
        (definition, "/objects/definitions", DEFINITION, "object definition"),
        (transformation, "/transformations", TRANSFORMATION, "transformation"),
    )
    for path, every, body, what in kinds:
        assert part("GET", every).json()["message"] == f"No {what}s found"
        assert part("GET", path).json()["message"] == f"No {what} found for 'leads'"
        assert part("PUT", path, json=body).status_code == 404
        made = part("POST", path, json=body).json()
        assert made["objectName"] == "leads"
        assert made["fields"] == [FIELDS[0] | {"level": "instance"}]
        assert part("POST", path, json=body).status_code == 409
        assert part("GET", path).json() == made
        changed = part("PUT", path, json=body | {"fields": []}).json()
        assert changed == made | {"fields": []}
        assert part("GET", every).json() == {"leads": changed}
    for path, every, _, _ in kinds:
        assert (part("DELETE", path).status_code, part("DELETE", path).status_code) == (200, 404)
        assert part("GET", every).status_code == 404


@pytest.mark.parametrize(
    ("path", "sent", "told"),
    [
        ("/transformations/leads", TRANSFORMATION, "No object definition found for 'leads' so no"),
        ("/transformations/ok", {"fields": []}, "Bad request: vendorName is required"),
        ("/transformations/ok", {"vendorName": "x"}, "Bad request: fields is not a list"),
        ("/objects/leads/definitions", {"fields": ["id"]}, "Bad request: fields is not a list"),
        ("/objects/leads/definitions", {}, "Bad request: fields is not a list"),
    ],
)
def test_what_is_refused(
    part: Callable[..., httpx.Response], path: str, sent: dict[str, Any], told: str
) -> None:
    """In words, and nothing is kept."""
    part("POST", "/objects/ok/definitions", json=DEFINITION)
    answer = part("POST", path, json=sent)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(told)
    assert part("GET", path).status_code == 404


def test_an_instance_describes_its_api(part: Callable[..., httpx.Response]) -> None:
    """With the objects that it defines; as a whole, by operation, and its definitions alone."""
    part("POST", "/objects/leads/definitions", json=DEFINITION)
    whole = part("GET", "/docs?version=-1").json()
    assert (whole["swagger"], whole["basePath"]) == ("2.0", "/elements/api-v2")
    assert set(whole["paths"]) == {"/accounts", "/contacts", "/leads"}
    one = part("GET", "/docs/getLeads").json()
    assert one["paths"] == {"/leads": whole["paths"]["/leads"]}
    definitions = part("GET", "/docs/getLeads/definitions").json()
    assert definitions == one["definitions"]
    assert definitions["leads"]["properties"] == {"id": {"type": "number"}}
    assert part("GET", "/docs/nothing").status_code == 404


def test_an_element_describes_its_api(api: httpx.Client, create: Make) -> None:
    """Without what instances add."""
    made = create("hubspot")
    api.post(f"/instances/{made['id']}/objects/leads/definitions", json=DEFINITION)
    docs = api.get("/elements/hubspot/docs").json()
    assert (docs["info"]["title"], list(docs["paths"])) == ("HubSpot", ["/accounts", "/contacts"])


def test_own_objects_are_told_with_the_elements(
    api: httpx.Client, sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """By name, and in detail as `vdr`; another instance has none of them."""
    one, other = create(), create(name="two")
    for name in ("leads", "accounts"):
        path = f"/instances/{one['id']}/objects/{name}/definitions"
        assert api.post(path, json=DEFINITION).status_code == 200
    by_token = connect(sandbox, f"User {sandbox.user_secret}, Element {one['token']}")
    assert by_token.get("/objects").json() == ["accounts", "contacts", "leads"]
    detailed = by_token.get("/objects", headers={"Elements-Version": "Helium"}).json()
    assert detailed[-1] == {"name": "leads", "vendorName": "leads", "type": "vdr"}
    by_other = connect(sandbox, f"User {sandbox.user_secret}, Element {other['token']}")
    assert by_other.get("/objects").json() == ["accounts", "contacts"]
