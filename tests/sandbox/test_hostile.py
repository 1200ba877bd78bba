"""Bodies, headers and addresses that no client should send: refused in words, never a 500."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe\xfd",
        b'{"name": NaN}',
        b'{"name": 1e999}',
        b'{"name": "\\ud800"}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":' * 150 + b"1" + b"}" * 150,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda content: content[:12].decode(errors="replace"),
)
def test_what_is_no_json_object_is_400(
    api: httpx.Client, sandbox: Sandbox, create: Make, content: bytes
) -> None:
    """For every request that takes a body; the journal and its HTTP answer survive it."""
    number = create()["id"]
    calls = [
        ("POST", "/instances"),
        ("PUT", f"/instances/{number}"),
        ("PATCH", f"/instances/{number}"),
        ("POST", "/elements/hubspot/oauth/url"),
    ]
    for method, path in calls:
        answer = api.request(method, path, content=content)
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("Bad request: ")
    origin = sandbox.base_url.removesuffix("/elements/api-v2")
    assert len(api.get(f"{origin}/sandbox/journal").json()) == 5


def test_a_hundred_levels_are_kept(api: httpx.Client, body: Make) -> None:
    """Deep but honest configuration becomes text like any other object."""
    deep: dict[str, Any] = {}
    for _ in range(90):
        deep = {"a": deep}
    made = api.post("/instances", json=body(configuration={"deep": deep})).json()
    assert json.loads(made["configuration"]["deep"]) == deep


def test_many_brackets_are_not_deep(api: httpx.Client, body: Make) -> None:
    """A long list of objects is allowed, and brackets in text count for nothing."""
    wide: list[dict[str, Any]] = [{"a": []} for _ in range(500)]
    whole = body(configuration={"wide": wide, "text": "[{" * 500})
    assert api.post("/instances", json=whole).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(7_900_000, 200), (8_100_000, 429)])
def test_huge_bodies(
    api: httpx.Client, sandbox: Sandbox, body: Make, size: int, status: int
) -> None:
    """More than 8 MB is 429, as documented, and makes nothing."""
    answer = api.post("/instances", json=body(configuration={"note": "x" * size}))
    assert answer.status_code == status
    assert len(sandbox.instances()) == (status == 200)
    assert api.get("/organizations/me").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/instances/{'9' * 5000}",
        f"/instances/{2**63}",
        "/instances/-1",
        "/instances/%D9%A3",
        "/instances/1%00",
        "/instances/%FF",
        f"/elements/{'9' * 5000}",
        "/elements/%00",
        f"/instances/1/configuration/{'9' * 5000}",
    ],
)
def test_ids_that_cannot_be_are_404(api: httpx.Client, path: str) -> None:
    """Too long, negative, of foreign digits, or not text."""
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("text", ["\x00", "\u2028", "'; DROP TABLE instances; --", "\U0001f600"])
def test_any_text_comes_back_as_it_was(api: httpx.Client, create: Make, text: str) -> None:
    """In names, tags and configuration; a tag can be searched for."""
    made = create(name=f"n{text}", tags=[text], configuration={"subdomain": text})
    assert (made["name"], made["tags"]) == (f"n{text}", [text])
    assert made["configuration"]["subdomain"] == text
    assert api.get("/instances", params={"tags[]": text}).json()[0]["id"] == made["id"]


@pytest.fixture
def raw(sandbox: Sandbox) -> Iterator[Callable[[bytes], bytes]]:
    """Send bytes on a connection of their own; return everything up to its end."""
    address = urlsplit(sandbox.base_url)
    assert address.hostname
    assert address.port
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:

        def sent(content: bytes) -> bytes:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            pieces = []
            while piece := connection.recv(65536):
                pieces.append(piece)
            return b"".join(pieces)

        yield sent


def request(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1")


AUTHORIZED = "Authorization: User sandbox-user-secret, Organization sandbox-organization-secret"
ME = "GET /elements/api-v2/organizations/me HTTP/1.1"


def test_a_folded_or_doubled_header_lets_nobody_in(raw: Callable[[bytes], bytes]) -> None:
    """Two Authorization headers are not put together into one that is good."""
    user, organization = AUTHORIZED.removeprefix("Authorization: ").split(", ")
    answer = raw(
        request(
            ME,
            "Host: x",
            "Connection: close",
            f"Authorization: {user}",
            f"Authorization: {organization}",
        )
    )
    assert answer.startswith(b"HTTP/1.1 401")


def test_a_line_end_in_a_value_makes_no_header(raw: Callable[[bytes], bytes]) -> None:
    """An encoded one in the query, and bytes beyond ASCII in a header, are only text."""
    line = "GET /elements/api-v2/instances?pageSize=1%0d%0aEvil:%201 HTTP/1.1"
    answer = raw(request(line, "Host: x", "Connection: close", AUTHORIZED, "X: \xff\xfe"))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"\nevil:" not in answer.lower()


def test_a_body_that_breaks_off_does_nothing(
    raw: Callable[[bytes], bytes], sandbox: Sandbox, api: httpx.Client
) -> None:
    """A request that never fully came is no request."""
    head = request(
        "POST /elements/api-v2/instances HTTP/1.1", "Host: x", "Content-Length: 100", AUTHORIZED
    )
    raw(head + b'{"name":')
    api.get("/organizations/me")
    assert [entry["method"] for entry in sandbox.journal()] == ["GET"]


def test_the_address_follows_the_host_header(raw: Callable[[bytes], bytes]) -> None:
    """Behind a name or a forwarded port, `oauthUrl` stays reachable."""
    query = "apiKey=k&apiSecret=s&callbackUrl=http://x/"
    line = f"GET /elements/api-v2/elements/hubspot/oauth/url?{query} HTTP/1.1"
    answer = raw(request(line, "Host: box.example:81", "Connection: close", AUTHORIZED))
    assert b'"oauthUrl": "http://box.example:81/sandbox/consent?' in answer


# Anything at all

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_KEYS = st.sampled_from(["subdomain", "username", "password", "authentication.type", "odd", ""])
_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "element": _VALUES
        | st.fixed_dictionaries({}, optional={"key": _VALUES, "id": _VALUES})
        | st.just({"key": "freshservice"})
        | st.just({"key": "hubspot"}),
        "name": _VALUES | st.just("n"),
        "tags": _VALUES | st.lists(st.text(max_size=5), max_size=3),
        "configuration": _VALUES | st.dictionaries(_KEYS, _VALUES, max_size=5),
        "providerData": _VALUES | st.fixed_dictionaries({"code": _VALUES}),
        "externalAuthentication": _VALUES | st.just("initial"),
        "oauthProxy": _VALUES | st.just({"isOauthProxy": True}),
        "propertyValue": _VALUES,
        "callbackUrl": _VALUES,
        "requestToken": _VALUES,
    },
)
_PATHS = st.sampled_from(
    [
        ("POST", "/instances"),
        ("POST", "/elements/freshservice/instances"),
        ("POST", "/elements/twitter/oauth/url"),
        ("PUT", "/instances/427001"),
        ("PATCH", "/instances/427001"),
        ("PUT", "/instances/427002?reAuthenticate=true"),
        ("PATCH", "/instances/427002"),
        ("PATCH", "/instances/427001/configuration/{entry}"),
    ]
)


@pytest.fixture(params=[False, True], ids=["strict", "lenient"])
def anything(
    request: pytest.FixtureRequest, connect: Callable[..., httpx.Client], body: Make
) -> Iterator[httpx.Client]:
    """A sandbox with one instance by password and one by OAuth, for any body to reach."""
    with Sandbox(lenient=request.param, switches={"code_binding": "none"}) as running:
        client = connect(running)
        assert client.post("/instances", json=body()).status_code == 200
        data = running.new_provider_data("hubspot")
        assert client.post("/instances", json=body("hubspot", providerData=data)).is_success
        yield client


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(call=_PATHS, body=_BODIES | _VALUES)
def test_no_body_makes_a_500(anything: httpx.Client, call: tuple[str, str], body: object) -> None:
    """Every JSON value is accepted or refused, and instances can be listed afterwards."""
    method, path = call
    if "{entry}" in path:
        listed = anything.get("/instances/427001/configuration").json()
        path = path.format(entry=listed[0]["id"])
    answer = anything.request(method, path, json=body)
    assert answer.status_code in (200, 400, 401, 404), answer.text
    assert answer.json()
    assert anything.get("/instances?pageSize=5").status_code == 200


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(
        ["/instances", "/elements", "/elements/twitter/oauth/url", "/elements/hubspot/oauth/url"]
    ),
    query=st.dictionaries(
        st.sampled_from(
            ["tags[]", "searchText", "pageSize", "nextPage", "hydrate", "state", "apiKey"]
        ),
        st.text(st.characters(codec="utf-8"), max_size=8),
    ),
    callback=st.text(st.characters(codec="utf-8")) | st.just("http://["),
)
def test_no_query_makes_a_500(
    api: httpx.Client, path: str, query: dict[str, str], callback: str
) -> None:
    """Every query is answered or refused."""
    asked = {"apiKey": "k", "apiSecret": "s", "callbackUrl": callback, "requestToken": "t"}
    assert api.get(path, params=asked | query).status_code in (200, 400, 404)
