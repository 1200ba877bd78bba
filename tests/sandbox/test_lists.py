"""Lists of instances and of elements: filters, pages, light items."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox

    Make = Callable[..., dict[str, Any]]


@pytest.fixture
def three(create: Make) -> list[int]:
    """Ids of: Alpha (freshservice; red, blue), beta (hubspot; red), gamma (closeio; its name)."""
    return [
        create("freshservice", name="Alpha", tags=["red", "blue"])["id"],
        create("hubspot", name="beta", tags=["red"])["id"],
        create("closeio", name="gamma")["id"],
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [0, 1, 2]),
        ("tags[]=red", [0, 1]),
        ("tags%5B%5D=red", [0, 1]),
        ("tags[]=red&tags[]=blue", [0]),
        ("tags[]=gamma", [2]),
        ("searchText=ALPH", [0]),
        ("searchText=hubsp", [1]),
        ("searchText=a&tags[]=red", [0, 1]),
        ("searchText=close&tags[]=red", []),
        ("tags[]=re", []),
        ("tags[]=RED", []),
    ],
)
def test_filters(api: httpx.Client, three: list[int], query: str, found: list[int]) -> None:
    """Tags match whole and all of them; search text matches parts of the name or element key."""
    answer = api.get(f"/instances?{query}")
    if not found:
        assert answer.status_code == 404
        assert answer.json()["message"] == "No element instances found"
    else:
        assert [one["id"] for one in answer.json()] == [three[index] for index in found]


def test_a_tag_is_taken_literally(api: httpx.Client, create: Make) -> None:
    """Quotes and wildcards of the database have no meaning."""
    create(tags=["it's 100%_sure"])
    assert len(api.get("/instances", params={"tags[]": "it's 100%_sure"}).json()) == 1
    assert api.get("/instances", params={"tags[]": "' OR 1=1 --"}).status_code == 404
    assert api.get("/instances", params={"searchText": "%"}).status_code == 404


@pytest.mark.parametrize("element", ["hubspot", "5050"])
def test_the_list_of_one_element(api: httpx.Client, three: list[int], element: str) -> None:
    """`/elements/{keyOrId}/instances` holds only that element's."""
    assert [one["id"] for one in api.get(f"/elements/{element}/instances").json()] == [three[1]]
    assert api.get("/elements/sendgrid/instances").status_code == 404


def test_pages_are_followed_by_the_header(api: httpx.Client, three: list[int]) -> None:
    """`elements-next-page-token` leads on, and is absent on the last page."""
    seen, token = [], ""
    while True:
        page = api.get("/instances", params={"pageSize": 2, "nextPage": token})
        seen += [one["id"] for one in page.json()]
        assert page.headers["elements-total-count"] == "3"
        assert page.headers["elements-returned-count"] == str(len(page.json()))
        token = page.headers.get("elements-next-page-token", "")
        if not token:
            break
    assert seen == three


@pytest.mark.parametrize(
    ("path", "largest"), [("/instances", 200), ("/elements", 200), ("/elements/metadata", 500)]
)
def test_too_large_a_page_is_only_a_warning(
    api: httpx.Client, three: list[int], path: str, largest: int
) -> None:
    """`Elements-Error` names the limit; the list comes all the same."""
    answer = api.get(f"{path}?pageSize={largest + 1}")
    assert answer.status_code == 200
    assert len(answer.json()) >= len(three)
    assert answer.headers["elements-error"] == f"pageSize is larger than {largest}"
    assert "elements-error" not in api.get(f"{path}?pageSize={largest}").headers


@pytest.mark.parametrize("path", ["/instances", "/elements", "/elements/metadata"])
def test_there_is_nothing_beyond_the_end(api: httpx.Client, three: list[int], path: str) -> None:
    """As in every other empty collection."""
    del three
    beyond = base64.urlsafe_b64encode(b"1000").decode()
    assert api.get(path, params={"nextPage": beyond}).status_code == 404


@pytest.mark.parametrize("path", ["/instances", "/elements"])
@pytest.mark.parametrize(
    "query",
    [
        "pageSize=0",
        "pageSize=-1",
        "pageSize=x",
        f"pageSize={'9' * 5000}",
        "nextPage=x",
        "nextPage=LTE=",
        "nextPage=%C3%A9",
        "nextPage=OTk5OTk5OTk5OTk5OTk5OTk5OTk5",
    ],
)
def test_bad_paging_is_400(api: httpx.Client, three: list[int], query: str, path: str) -> None:
    """Numbers that are none, or too large, are refused in words."""
    del three
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Bad request: ")


def test_light_items(api: httpx.Client, three: list[int]) -> None:
    """`hydrate=false` leaves configuration out and keeps token, tags and the element's key."""
    light = api.get("/instances?hydrate=false").json()[0]
    whole = api.get("/instances?hydrate=true").json()[0]
    assert "configuration" not in light
    assert (light["id"], light["tags"]) == (three[0], ["red", "blue"])
    assert light["element"]["key"] == "freshservice"
    assert light["token"] == whole["token"]
    assert whole == api.get(f"/instances/{three[0]}").json()


def test_count(api: httpx.Client, three: list[int]) -> None:
    """`/instances/count` counts the living, in all and by element key."""
    api.delete(f"/instances/{three[0]}")
    by_element = {"closeio": 1, "hubspot": 1}
    assert api.get("/instances/count").json() == {
        "totalInstances": 2,
        "elementInstances": by_element,
    }


def test_elements_and_keys(api: httpx.Client) -> None:
    """Elements come whole, or abridged without configuration, in pages by key."""
    keys = api.get("/elements/keys").json()
    assert keys == sorted(keys)
    assert "onedrivebusiness" in keys
    assert [one["key"] for one in api.get("/elements").json()] == keys
    first = api.get("/elements?abridged=true&pageSize=1")
    assert [one["key"] for one in first.json()] == keys[:1]
    assert "configuration" not in first.json()[0]
    token = first.headers["elements-next-page-token"]
    following = api.get(f"/elements?pageSize={len(keys)}&nextPage={token}")
    assert [one["key"] for one in following.json()] == keys[1:]
    assert "elements-next-page-token" not in following.headers
    assert api.get("/elements?pageSize=x").status_code == 400


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("key='twitter'", ["twitter"]),
        ("key in ('weebly', 'twitter','nothing')", ["twitter", "weebly"]),
        ("hub='marketing' AND active='true'", ["hubspot", "sendgrid"]),
        ("hub='marketing' and key='hubspot' and name='HubSpot'", ["hubspot"]),
        ("key='twitter' AND key='weebly'", []),
        ("private='true' AND abridged='true'", []),
        ("id='609'", ["closeio"]),
        ("name='HubSpot AND more'", []),
    ],
)
def test_elements_that_fit(api: httpx.Client, where: str, found: list[str]) -> None:
    """`where` joins conditions on an element's fields; the total counts those alone."""
    answer = api.get("/elements", params={"where": where})
    if not found:
        assert (answer.status_code, answer.json()["message"]) == (404, "No elements found")
    else:
        assert [one["key"] for one in answer.json()] == found
        assert answer.headers["elements-total-count"] == str(len(found))


def test_elements_may_be_abridged_by_where(api: httpx.Client) -> None:
    """As by the parameter of its own."""
    for value, whole in (("true", False), ("false", True)):
        (one,) = api.get(
            "/elements", params={"where": f"key='weebly' AND abridged='{value}'"}
        ).json()
        assert ("configuration" in one) is whole


@pytest.mark.parametrize(
    "where",
    [
        "key",
        "key=twitter",
        "key='a' OR key='b'",
        "key in ()",
        "colour='red'",
        "='a'",
        "key='a' AND",
    ],
)
def test_a_bad_where_is_400(api: httpx.Client, where: str) -> None:
    """In words, whether it is badly written or names no field."""
    answer = api.get("/elements", params={"where": where})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Bad request: where ")


@pytest.mark.parametrize("element", ["closeio", "609"])
def test_one_element(api: httpx.Client, element: str) -> None:
    """The whole description with configuration entries; by key or by id."""
    found = api.get(f"/elements/{element}").json()
    assert (found["key"], found["id"]) == ("closeio", 609)
    entry = next(one for one in found["configuration"] if one["key"] == "username")
    always = "name key description type required hideFromConsole active internal companyConfig"
    assert set(always.split()) < set(entry)
    assert (entry["type"], entry["required"]) == ("TEXTFIELD_128", True)


def test_parts_of_an_element(api: httpx.Client) -> None:
    """Configuration as an object, metadata as one or all, and an export without ids."""
    parts = api.get("/elements/twitter/configuration").json()
    assert set(parts) == {"configuration", "providerData", "authentication"}
    assert [one["key"] for one in parts["providerData"]] == [
        "oauth_token",
        "oauth_verifier",
        "secret",
    ]
    metadata = api.get("/elements/weebly/metadata").json()
    assert metadata["authenticationType"] == "oauth2"
    assert metadata["events"] == {
        "supported": True,
        "methods": ["webhook"],
        "polling": False,
        "webhook": True,
    }
    assert metadata in api.get("/elements/metadata?pageSize=500").json()
    exported = api.get("/elements/weebly/export").json()
    assert "id" not in exported
    assert all("id" not in entry for entry in exported["configuration"])
    for path in ("", "/metadata", "/configuration", "/export", "/instances"):
        assert api.get(f"/elements/999999999999{path}").status_code == 404


def test_expanded_metadata(api: httpx.Client, create: Make) -> None:
    """`expand=true` adds what the element offers and how much it is used."""
    create("weebly")
    short = api.get("/elements/weebly/metadata").json()
    whole = api.get("/elements/710/metadata?expand=true").json()
    assert set(short) < set(whole)
    assert set(whole["discovery"].values()) == {False}
    assert whole["bulk"] == {"upload": False, "download": False}
    assert (whole["hub"], whole["image"], whole["usage"]["instanceCount"]) == ("ecommerce", "", 1)
    assert [one["canonicalName"] for one in whole["resources"]] == ["accounts", "contacts"]


def test_a_hidden_instance_is_still_found_by_id(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """Delayed lists concern lists alone."""
    sandbox.set_switch("list_delay_requests", 2)
    number = create()["id"]
    assert api.get(f"/instances/{number}").status_code == 200
    assert [api.get("/instances").status_code for _ in range(3)] == [404, 404, 200]
