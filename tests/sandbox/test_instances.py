"""Create, read, change, disable and delete, as the platform's documentation tells it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sandbox import Sandbox

    Make = Callable[..., dict[str, Any]]

UNAUTHORIZED = "Invalid Organization or User secret, or invalid Element token provided."


def stored(sandbox: Sandbox, number: int) -> dict[str, Any]:
    return next(one for one in sandbox.instances() if one["id"] == number)


def test_a_create_answers_200_with_the_whole_instance(create: Make) -> None:
    """Id, token, element, flags and dates stand in the answer; `providerData` does not."""
    made = create("onedrivebusiness", name="Files", tags=["a", "b"])
    assert made["id"] == 427_001
    assert re.fullmatch(r"[A-Za-z0-9+/=]{32,50}", made["token"])
    assert made["element"]["key"] == "onedrivebusiness"
    assert "configuration" not in made["element"]
    assert (made["name"], made["tags"]) == ("Files", ["a", "b"])
    assert made["createdDate"] == "2017-07-14T02:40:00Z"
    assert (made["valid"], made["disabled"], made["provisionInteractions"]) == (True, False, [])
    assert made["externalAuthentication"] == "none"
    assert set(made["user"]) == {"id", "emailAddress", "firstName", "lastName"}
    assert "providerData" not in made


def test_configuration_is_filled_with_defaults_and_becomes_text(create: Make) -> None:
    """Booleans, numbers and objects come back as text; defaults and run-time keys are added."""
    sent = {
        "event.notification.enabled": False,
        "event.poller.refresh_interval": 20,
        "event.poller.configuration": {"contacts": {"idField": "id"}},
    }
    shown = create("hubspot", configuration=sent)["configuration"]
    assert shown["event.notification.enabled"] == "false"
    assert shown["event.poller.refresh_interval"] == "20"
    assert shown["event.poller.configuration"] == '{"contacts":{"idField":"id"}}'
    assert shown["filter.response.nulls"] == "true"
    assert shown["pagination.type"] is None
    assert shown["oauth.user.token"].startswith("sandbox-user-")
    assert shown["oauth.user.refresh_time"] == "1500000000000"


@pytest.mark.parametrize("named", [{"key": "freshservice"}, {"id": 421}, {"id": "421"}])
def test_the_body_names_the_element_by_key_or_id(
    api: httpx.Client, body: Make, named: dict[str, Any]
) -> None:
    """`element.key` and `element.id` both work."""
    answer = api.post("/instances", json=body(element=named))
    assert answer.json()["element"]["key"] == "freshservice"


@pytest.mark.parametrize("element", ["freshservice", "421"])
def test_the_twin_under_the_element_does_the_same(
    api: httpx.Client, body: Make, element: str
) -> None:
    """POST, GET, PATCH, PUT and DELETE work under `/elements/{keyOrId}/instances`."""
    whole = body()
    del whole["element"]
    number = api.post(f"/elements/{element}/instances", json=whole).json()["id"]
    one = f"/elements/{element}/instances/{number}"
    assert api.get(one).json()["id"] == number
    assert api.patch(one, json={"name": "two"}).json()["name"] == "two"
    assert api.put(one, json={"tags": ["t"]}).json()["tags"] == ["t"]
    assert api.delete(one).status_code == 200
    assert api.get(one).status_code == 404


def test_an_instance_of_another_element_is_not_found_by_the_twin(
    api: httpx.Client, create: Make
) -> None:
    """The element in the path has to be the instance's."""
    number = create()["id"]
    assert api.get(f"/elements/hubspot/instances/{number}").status_code == 404


def test_html_is_stripped_from_name_and_tags_and_the_name_is_the_default_tag(
    api: httpx.Client, create: Make
) -> None:
    """As the vendor's own test of `<a href=…>` showed."""
    made = create(name='@<a href="#" onclick="x">churros-xss</a>')
    assert (made["name"], made["tags"]) == ("@churros-xss", ["@churros-xss"])
    assert create(name="a < b > c <<b>script>x <i>->")["name"] == "a  c x ->"
    changed = api.patch(f"/instances/{made['id']}", json={"name": "<b>x</b>", "tags": ["<i>y</i>"]})
    assert (changed.json()["name"], changed.json()["tags"]) == ("x", ["y"])


@pytest.mark.parametrize("name", ["", "  ", "<b></b>", " <<b>script> ", 7])
def test_a_name_of_which_nothing_is_left_is_refused(
    api: httpx.Client, body: Make, create: Make, name: object
) -> None:
    """When it is given and when it is changed."""
    refused = [api.post("/instances", json=body(name=name))]
    number = create()["id"]
    one, change = f"/instances/{number}", {"name": name}
    refused += [api.patch(one, json=change), api.put(one, json=change)]
    assert [answer.status_code for answer in refused] == [400, 400, 400]
    assert api.get(f"/instances/{number}").json()["name"] == "one"


def test_equal_names_are_accepted_and_ids_grow(create: Make) -> None:
    """Names are not unique; the id is the only identity."""
    assert create()["id"] + 1 == create()["id"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"element": {"key": "nothing"}}, "No element found with key or ID nothing"),
        ({"element": {}}, "Bad request: element.key is required"),
        (
            {"element": {"key": ["freshservice"]}},
            "No element found with key or ID ['freshservice']",
        ),
        ({"name": None}, "Bad request: a name is required for the instance"),
        ({"name": " "}, "Bad request: a name is required for the instance"),
        ({"tags": "x"}, "Bad request: tags must be a list"),
        ({"tags": [1]}, "Bad request: tags must be text"),
    ],
)
def test_a_bad_create_is_refused_with_a_request_id(
    api: httpx.Client, body: Make, changes: dict[str, Any], message: str
) -> None:
    """Errors are `{requestId, message}`; the id is 24 hexadecimal digits, also in a header."""
    answer = api.post("/instances", json=body() | changes)
    assert answer.status_code in (400, 404)
    assert answer.json()["message"] == message
    assert re.fullmatch("[0-9a-f]{24}", answer.json()["requestId"])
    assert answer.headers["elements-request-id"] == answer.json()["requestId"]
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("basic", "username, password"), ("custom", "oauth.api.key, oauth.user.token")],
)
def test_groups_choose_what_is_required(api: httpx.Client, kind: str, missing: str) -> None:
    """`authentication.type` of bigcommerce picks the entries of its group."""
    configuration = {"store.url": "https://shop.example", "authentication.type": kind}
    whole = {"element": {"key": "bigcommerce"}, "name": "n", "configuration": configuration}
    answer = api.post("/instances", json=whole)
    assert answer.status_code == 400
    assert answer.json()["message"] == f"Missing required configuration: {missing}"


def test_a_wrong_password_is_refused_by_the_vendor(api: httpx.Client, body: Make) -> None:
    """The vendor's words stand in `providerMessage`, and nothing is made."""
    answer = api.post("/instances", json=body(configuration={"password": "wrong"}))
    assert answer.status_code == 401
    assert answer.json()["providerMessage"] == "password: authentication failed"
    assert api.get("/instances/count").json() == {"totalInstances": 0, "elementInstances": {}}


def test_an_instance_is_made_from_a_refresh_token(
    api: httpx.Client, sandbox: Sandbox, body: Make
) -> None:
    """`externalAuthentication: initial` needs the refresh token, and spends no code."""
    whole = body("hubspot", externalAuthentication="initial")
    assert api.post("/instances", json=whole).status_code == 400
    whole["configuration"]["oauth.user.refresh_token"] = "wrong"
    assert api.post("/instances", json=whole).status_code == 401
    whole["configuration"]["oauth.user.refresh_token"] = "from-elsewhere"
    made = api.post("/instances", json=whole).json()
    assert made["externalAuthentication"] == "initial"
    kept = stored(sandbox, made["id"])["configuration"]
    assert kept["oauth.user.refresh_token"] == "from-elsewhere"
    assert sandbox.counters()["codes_spent"] == 0
    assert kept["oauth.user.token"].startswith("sandbox-user-")


def test_what_is_made_from_a_token_needs_no_callback_url(api: httpx.Client, body: Make) -> None:
    """The vendor's own client sends the token, the key and the secret alone."""
    whole = body("hubspot", externalAuthentication="initial")
    del whole["providerData"], whole["configuration"]["oauth.callback.url"]
    whole["configuration"]["oauth.user.refresh_token"] = "from-elsewhere"
    assert api.post("/instances", json=whole).status_code == 200
    assert (
        api.post("/instances", json=whole | {"externalAuthentication": "none"}).status_code == 400
    )
    del whole["configuration"]["oauth.api.key"]
    assert api.post("/instances", json=whole).status_code == 400


@pytest.mark.parametrize(
    ("key", "tokens"),
    [
        ("hubspot", {"oauth.user.token": "theirs"}),
        ("twitter", {"oauth.user.token": "theirs", "oauth.user.token.secret": "its secret"}),
        ("quickbooks", {"oauth.user.token": "theirs", "oauth.user.token.secret": "its secret"}),
    ],
)
def test_an_instance_is_made_from_the_users_own_token(
    api: httpx.Client, sandbox: Sandbox, body: Make, key: str, tokens: dict[str, str]
) -> None:
    """Of OAuth 2 or 1; what there is nothing to exchange for is kept as it came."""
    whole = body(key, externalAuthentication="initial")
    del whole["providerData"]
    for lacking in ({}, {"oauth.user.token": ""}, {"oauth.user.token.secret": "alone"}):
        given = whole["configuration"] | lacking
        assert api.post("/instances", json=whole | {"configuration": given}).status_code == 400
    given = whole["configuration"] | tokens | {"oauth.user.token": "wrong"}
    assert api.post("/instances", json=whole | {"configuration": given}).status_code == 401
    whole["configuration"] |= tokens
    made = api.post("/instances", json=whole).json()
    assert made["externalAuthentication"] == "initial"
    kept = stored(sandbox, made["id"])["configuration"]
    assert {name: kept[name] for name in tokens} == tokens
    assert sandbox.counters()["codes_spent"] == 0


def test_objects_come_only_when_asked_for(create: Make) -> None:
    """`retrieveObjectsAfterInstantiation` adds `objects`."""
    assert "objects" not in create()
    assert create(retrieveObjectsAfterInstantiation=True)["objects"] == ["accounts", "contacts"]


def test_an_oauth_proxy_holds_the_application(api: httpx.Client, body: Make) -> None:
    """With `oauthProxy` neither key and secret nor callback are required."""
    whole = body("hubspot") | {"configuration": {}}
    assert api.post("/instances", json=whole).status_code == 400
    whole["oauthProxy"] = {"isOauthProxy": True, "oauthProxyName": "p"}
    assert api.post("/instances", json=whole).status_code == 200


def test_events_add_their_fields(create: Make) -> None:
    """Events switched on show the callback address, and a subscription for webhooks."""
    on = {
        "event.notification.enabled": True,
        "event.notification.callback.url": "https://app.example/events",
    }
    hooked, polled = create("weebly", configuration=on), create("hubspot", configuration=on)
    assert hooked["eventsEnabled"] is True
    assert hooked["eventsNotificationCallbackUrl"] == "https://app.example/events"
    assert isinstance(hooked["subscriptionId"], int)
    assert "subscriptionId" not in polled


def test_patch_merges_and_put_replaces_what_is_given(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """Neither touches what the body does not name; the id and the token stay."""
    made = create(tags=["a"])
    patched = api.patch(
        f"/instances/{made['id']}", json={"configuration": {"subdomain": "new"}}
    ).json()
    assert (patched["name"], patched["tags"]) == ("one", ["a"])
    put = api.put(f"/instances/{made['id']}", json={"tags": []}).json()
    assert (put["tags"], put["name"]) == ([], "one")
    kept = stored(sandbox, made["id"])
    assert kept["configuration"]["subdomain"] == "new"
    assert kept["configuration"]["password"] == "hidden"
    assert (put["id"], put["token"]) == (made["id"], made["token"])


@pytest.mark.parametrize("query", ["", "?reAuthenticate=false"])
def test_the_body_of_a_get_can_be_put_back(
    api: httpx.Client, sandbox: Sandbox, create: Make, query: str
) -> None:
    """Masked values in it mean the present ones."""
    number = create("onedrivebusiness")["id"]
    before = stored(sandbox, number)
    whole = api.get(f"/instances/{number}").json() | {"tags": ["new"]}
    answer = api.put(f"/instances/{number}{query}", json=whole)
    assert (answer.status_code, answer.json()["tags"]) == (200, ["new"])
    assert stored(sandbox, number) == before | {"tags": ["new"]}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_code_re_authenticates_and_moves_the_instance_to_another_application(
    api: httpx.Client, sandbox: Sandbox, create: Make, method: str
) -> None:
    """The id stays; the vendor's tokens are new; the code is spent."""
    made = create("onedrivebusiness")
    change = {
        "providerData": {"code": sandbox.new_code("onedrivebusiness")},
        "configuration": {"oauth.api.key": "other", "oauth.api.secret": "other-secret"},
    }
    answer = api.request(method, f"/instances/{made['id']}", json=change)
    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    kept = stored(sandbox, made["id"])["configuration"]
    assert kept["oauth.api.key"] == "other"
    assert kept["oauth.user.token"] != made["configuration"]["oauth.user.token"]
    assert sandbox.counters()["codes_spent"] == 2
    again = api.request(method, f"/instances/{made['id']}", json=change)
    assert again.status_code == 400
    assert again.json()["providerMessage"] == "invalid_grant: the code was used before"
    assert sandbox.counters()["codes_replayed"] == 1


def test_put_may_say_whether_to_re_authenticate(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """`reAuthenticate=true` demands a code; `false` leaves one unspent."""
    number = create("hubspot")["id"]
    asked = api.put(f"/instances/{number}?reAuthenticate=true", json={"name": "n"})
    assert asked.status_code == 400
    assert asked.json()["message"].startswith("You must provide an OAuth code")
    change = {"name": "n", "providerData": {"code": sandbox.new_code("hubspot")}}
    assert api.put(f"/instances/{number}?reAuthenticate=false", json=change).status_code == 200
    assert sandbox.counters()["codes_spent"] == 1


def test_a_refused_change_changes_nothing(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """A bad code in a PUT leaves name, tags and configuration as they were."""
    number = create("hubspot")["id"]
    before = stored(sandbox, number)
    change = {"name": "n", "tags": [], "providerData": {"code": "made-up"}}
    assert api.put(f"/instances/{number}", json=change).status_code == 400
    assert stored(sandbox, number) == before


def test_a_patch_moves_an_instance_to_another_element(api: httpx.Client, create: Make) -> None:
    """`element.id` in a PATCH changes the element and keeps the id."""
    number = create()["id"]
    moved = api.patch(f"/instances/{number}", json={"element": {"id": 609}}).json()
    assert (moved["id"], moved["element"]["id"], moved["elementId"]) == (number, 609, 609)


def test_delete_ends_the_instance_and_its_token(
    api: httpx.Client, sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """Afterwards the id is 404 and the token 401."""
    made = create()
    by_token = connect(sandbox, f"Element {made['token']}, User {sandbox.user_secret}")
    assert by_token.get("/hubs/helpdesk/ping").status_code == 200
    gone = api.delete(f"/instances/{made['id']}")
    assert (gone.status_code, gone.content) == (200, b"")
    assert api.get(f"/instances/{made['id']}").status_code == 404
    assert api.delete(f"/instances/{made['id']}").status_code == 404
    refused = by_token.get("/hubs/helpdesk/ping")
    assert (refused.status_code, refused.json()["message"]) == (401, UNAUTHORIZED)


def test_an_instance_in_use_cannot_be_deleted(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """409 with a message, and the instance stays."""
    number = create()["id"]
    sandbox.update_instance(number, in_use=True)
    answer = api.delete(f"/instances/{number}")
    assert answer.status_code == 409
    assert answer.json()["message"] == "The instance is in use by a formula instance"
    assert api.get(f"/instances/{number}").status_code == 200


def test_disabled_instances_do_not_reach_the_vendor(
    api: httpx.Client, sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """Resource calls get 403, `/objects` still works, and enabling repairs it."""
    made = create()
    by_token = connect(sandbox, f"User {sandbox.user_secret}, Element {made['token']}")
    assert api.delete(f"/instances/{made['id']}/enabled").status_code == 200
    assert api.get(f"/instances/{made['id']}").json()["disabled"] is True
    assert by_token.get("/ping").status_code == 403
    assert by_token.get("/hubs/helpdesk/incidents").status_code == 403
    assert by_token.get("/accounts").status_code == 403
    assert by_token.get("/incidents").status_code == 403
    assert by_token.get("/objects").status_code == 200
    assert api.put(f"/instances/{made['id']}/enabled").status_code == 200
    assert by_token.get("/ping").json() == {
        "dateTime": "2017-07-14T02:40:00Z",
        "endpoint": "/ping",
    }
    assert by_token.get("/hubs/x/ping").json()["endpoint"] == "/hubs/x/ping"
    for path in ("/hubs/helpdesk/incidents", "/incidents", "/accounts"):
        assert (by_token.get(path).status_code, by_token.get(path).json()) == (200, [])


def test_an_instance_can_be_named_by_its_token(
    sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """PUT, PATCH, enable, configuration and DELETE work without an id in the path."""
    both = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    made = create()
    by_token = connect(sandbox, f"{both}, Element {made['token']}")
    assert by_token.patch("/instances", json={"name": "p"}).json()["id"] == made["id"]
    assert by_token.put("/instances", json={"name": "q"}).json()["name"] == "q"
    assert by_token.delete("/instances/enabled").status_code == 200
    assert stored(sandbox, made["id"])["disabled"] is True
    assert by_token.put("/instances/enabled").status_code == 200
    entries = by_token.get("/instances/configuration").json()
    assert by_token.get(f"/instances/configuration/{entries[0]['id']}").json() == entries[0]
    assert by_token.delete("/instances").status_code == 200
    assert sandbox.instances() == []


@pytest.mark.parametrize(
    "authorization",
    [
        "Organization {o}, User {u}",
        "Element {t}, User {u}, Organization {o}",
        "User {u},Organization {o}",
    ],
)
def test_the_words_of_the_header_may_come_in_any_order(
    sandbox: Sandbox,
    create: Make,
    connect: Callable[..., httpx.Client],
    authorization: str,
) -> None:
    """The header is read by keyword."""
    made = create()
    words = {"u": sandbox.user_secret, "o": sandbox.organization_secret, "t": made["token"]}
    client = connect(sandbox, authorization.format(**words))
    assert client.get(f"/instances/{made['id']}").status_code == 200


@pytest.mark.parametrize(
    ("authorization", "missing"),
    [
        ("User {u}", "Organization"),
        ("Organization {o}", "User"),
        ("User {o}, Organization {u}", ""),
        ("User {u}, Organization wrong", ""),
        ("User wrong, Organization {o}", ""),
        ("Basic {u}", "User and no Organization"),
        ("User {u}, Organization {o}, Element not-a-token", ""),
        ("user {u}, organization {o}", "User and no Organization"),
        ("User {u} Organization {o}", "Organization"),
    ],
)
@pytest.mark.parametrize("path", ["/organizations/me", "/instances", "/accounts"])
def test_anything_less_is_401(
    sandbox: Sandbox,
    connect: Callable[..., httpx.Client],
    authorization: str,
    missing: str,
    path: str,
) -> None:
    """Missing, wrong, swapped or misspelt parts are refused, a wrong token as well."""
    words = {"u": sandbox.user_secret, "o": sandbox.organization_secret}
    answer = connect(sandbox, authorization.format(**words)).get(path)
    told = f" The Authorization header has no {missing}." if missing else ""
    assert (answer.status_code, answer.json()["message"]) == (401, UNAUTHORIZED + told)


@pytest.mark.parametrize("path", ["/ping", "/objects", "/hubs/crm/contacts"])
def test_calls_through_an_instance_say_that_its_token_is_missing(
    api: httpx.Client, path: str
) -> None:
    """Both secrets alone don't tell which instance is meant."""
    answer = api.get(path)
    told = " The Authorization header has no Element."
    assert (answer.status_code, answer.json()["message"]) == (401, UNAUTHORIZED + told)


def test_an_answer_names_the_instance_whose_token_was_used(
    api: httpx.Client, sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """In a header, also when the vendor is not reached."""
    made = create()
    by_token = connect(sandbox, f"User {sandbox.user_secret}, Element {made['token']}")
    for status in (200, 403):
        answer = by_token.get("/incidents")
        assert answer.status_code == status
        assert answer.headers["elements-element-instance-id"] == str(made["id"])
        api.delete(f"/instances/{made['id']}/enabled")
    assert "elements-element-instance-id" not in api.get(f"/instances/{made['id']}").headers


def test_objects_are_told_in_detail_on_request(
    sandbox: Sandbox, create: Make, connect: Callable[..., httpx.Client]
) -> None:
    """`Elements-Version: Helium` asks for it."""
    by_token = connect(sandbox, f"User {sandbox.user_secret}, Element {create()['token']}")
    assert by_token.get("/objects").json() == ["accounts", "contacts"]
    detailed = by_token.get("/hubs/crm/objects", headers={"Elements-Version": "Helium"}).json()
    assert {"name": "accounts", "vendorName": "Account", "type": "ceCanonical"} in detailed
    assert {one["type"] for one in detailed} == {"vendor", "ceCanonical"}


def test_a_deleted_instance_is_still_shown_on_request(api: httpx.Client, create: Make) -> None:
    """With `includeDeleted=true` alone, and without token and configuration."""
    made = create(tags=["a"])
    path = f"/instances/{made['id']}"
    assert api.get(path, params={"includeDeleted": True}).json() == made
    api.delete(path)
    left = api.get(path, params={"includeDeleted": True}).json()
    assert left == made | {"token": "", "configuration": {}}
    for query in ("", "?includeDeleted=false"):
        assert api.get(path + query).status_code == 404
    for method in ("PUT", "PATCH", "DELETE"):
        answer = api.request(method, path, params={"includeDeleted": True}, json={"name": "n"})
        assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/instances/", "/elements/freshservice/instances/"])
def test_a_slash_at_the_end_makes_no_difference(
    api: httpx.Client, sandbox: Sandbox, body: Make, path: str
) -> None:
    """In any method and at any depth; faults and the journal see the same request."""
    sandbox.add_fault("status", method="POST", path="/instances", after=1)
    made = api.post(path, json=body()).json()
    assert api.get(f"{path}{made['id']}/").json() == made
    assert api.get(path).json() == [made]
    assert [one["template"] for one in sandbox.journal()][-1] == path.rstrip("/").replace(
        "freshservice", "{key}"
    )
    assert api.delete(f"{path}{made['id']}/").status_code == 200


def test_configuration_entries_are_read_and_changed_by_numeric_id(
    api: httpx.Client, sandbox: Sandbox, create: Make
) -> None:
    """A list of entries with ids; PATCH takes `propertyValue`, also inside the whole entry."""
    number = create()["id"]
    entries = api.get(f"/instances/{number}/configuration").json()
    entry = next(one for one in entries if one["key"] == "filter.response.nulls")
    assert (entry["propertyValue"], entry["type"]) == ("true", "BOOLEAN")
    one = f"/instances/{number}/configuration/{entry['id']}"
    assert api.get(one).json() == entry
    changed = api.patch(one, json=entry | {"propertyValue": False}).json()
    assert changed == entry | {"propertyValue": "false"}
    assert stored(sandbox, number)["configuration"]["filter.response.nulls"] == "false"
    assert api.get(f"/instances/{number}/configuration/1").status_code == 404
    assert api.get(f"/instances/{number}/configuration/filter.response.nulls").status_code == 404


def test_unknown_paths_and_methods(api: httpx.Client) -> None:
    """404 for a path the platform does not have, 405 for a method it does not take there."""
    assert api.get("/nothing/here").status_code == 404
    answer = api.post("/organizations/me")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert set(api.patch("/instances/enabled").headers["allow"].split(", ")) == {"PUT", "DELETE"}


def test_head_is_get_without_a_body(api: httpx.Client, create: Make) -> None:
    """Status and length are those of GET."""
    for path in (f"/instances/{create()['id']}", "/instances/1", "/elements/closeio"):
        head, get = api.head(path), api.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("number", ["5", "99999999999999999999"])
def test_what_is_not_there_is_named(api: httpx.Client, number: str) -> None:
    """As the path has it, however long."""
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = api.request(method, f"/instances/{number}", json={})
        assert answer.status_code == 404
        assert answer.json()["message"] == f"No element instance found with ID {number}"
