"""What answers hide, and that hiding is only for show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox

    Make = Callable[..., dict[str, Any]]

MASK = "********"


def entries(api: httpx.Client, number: int) -> dict[str, Any]:
    found = api.get(f"/instances/{number}/configuration").json()
    return {entry["key"]: entry["propertyValue"] for entry in found}


@pytest.mark.parametrize(
    ("key", "masked", "clear"),
    [
        ("freshservice", ["password"], ["username", "subdomain"]),
        ("onedrivebusiness", ["oauth.api.key", "oauth.api.secret"], ["oauth.user.token"]),
        ("closeio", [], ["username"]),
        ("sendgrid", [], ["api.token"]),
    ],
)
def test_passwords_and_the_application_are_masked_everywhere(
    api: httpx.Client, create: Make, key: str, masked: list[str], clear: list[str]
) -> None:
    """By type PASSWORD, and key and secret of OAuth; in POST, GET, lists, PUT, PATCH, entries."""
    made = create(key)
    one = f"/instances/{made['id']}"
    shown = [
        made["configuration"],
        api.get(one).json()["configuration"],
        api.get("/instances").json()[0]["configuration"],
        api.put(one, json={"name": "n"}).json()["configuration"],
        api.patch(one, json={"name": "n"}).json()["configuration"],
        entries(api, made["id"]),
    ]
    for configuration in shown:
        assert [name for name in masked + clear if configuration[name] == MASK] == masked


def test_an_empty_secret_is_not_masked(create: Make) -> None:
    """There is nothing to hide in null."""
    made = create("bigcommerce", configuration={"oauth.user.token": None})
    assert made["configuration"]["oauth.user.token"] is None


def test_a_mask_in_a_create_is_a_value_like_any_other(sandbox: Sandbox, create: Make) -> None:
    """There is no earlier value that it could stand for."""
    create(configuration={"password": MASK})
    assert sandbox.instances()[0]["configuration"]["password"] == MASK


def test_a_mask_in_an_entry_keeps_the_secret(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """Also when one entry is written back as it was read."""
    number = create()["id"]
    listed = api.get(f"/instances/{number}/configuration").json()
    entry = next(one for one in listed if one["key"] == "password")
    answer = api.patch(f"/instances/{number}/configuration/{entry['id']}", json=entry)
    assert (answer.status_code, answer.json()) == (200, entry)
    assert sandbox.instances()[0]["configuration"]["password"] == "hidden"


def test_made_up_elements_mask_by_name(lenient: httpx.Client) -> None:
    """Without a description only names tell what is secret."""
    configuration = {"a.password": "x", "some.token": "x", "oauth.user.token": "x", "note": "x"}
    whole = {"element": {"key": "whatever"}, "name": "n", "configuration": configuration}
    shown = lenient.post("/instances", json=whole).json()["configuration"]
    assert shown == {
        "a.password": MASK,
        "some.token": MASK,
        "oauth.user.token": "x",
        "note": "x",
    }


def test_the_control_interface_shows_secrets(
    backdoor: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """Tests have to see what was really stored."""
    create()
    assert sandbox.instances()[0]["configuration"]["password"] == "hidden"
    assert backdoor.get("/instances").json()[0]["configuration"]["password"] == "hidden"
