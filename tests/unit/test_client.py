"""The API client: what it sends, what it makes of answers, what it never shows."""

import json
import logging
import pickle
import re
import socket
import threading
import traceback
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import dill
import httpx
import pytest

from provider.api import wire
from provider.api.client import CloudElementsClient
from provider.api.errors import (
    AmbiguousError,
    APIError,
    AuthenticationError,
    CloudElementsError,
    ConfigError,
    NotFoundError,
    NotSentError,
    RefusedError,
    StrangerError,
    UnsendableError,
)
from provider.api.retry import Time
from provider.config import Settings
from tests.ports import free_port

USER, ORGANIZATION = "user-secret-1", "organization-secret-1"
CODE, API_SECRET, PASSWORD = "one-time-code/4+x", "application-secret", "hunter-and-gatherer"
SECRETS = (USER, ORGANIZATION, CODE, API_SECRET, PASSWORD, "one-time-code%2F4%2Bx")
REQUEST_ID = "5b0437c6e4b07731ae39b533"
INSTANCE = {"id": 7, "name": "seven", "token": "token-of-seven", "element": {"key": "hubspot"}}
BODY = wire.instance_request(
    element_key="hubspot",
    name="seven",
    configuration={"oauth.api.secret": API_SECRET, "password": PASSWORD},
    provider_data={"code": CODE},
)


def settings(base_url="https://platform.example/elements/api-v2", **others):
    return Settings(base_url=base_url, user_secret=USER, organization_secret=ORGANIZATION, **others)


def client(answer, base_url="https://platform.example/elements/api-v2"):
    """Return a client whose requests `answer` gets; it never sleeps."""
    transport = httpx.MockTransport(answer if callable(answer) else lambda _: answer)
    clock = Time(now=lambda: 0.0, sleep=lambda _: None, wall=lambda: 0.0)
    return CloudElementsClient(settings(base_url), transport=transport, clock=clock)


def recorder(*answers):
    """Return a list of the requests that arrive, and a handler that gives `answers` in turn."""
    arrived, waiting = [], list(answers)

    def answer(request):
        arrived.append(request)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return arrived, answer


def ok(document=INSTANCE, **headers):
    return httpx.Response(200, json=document, headers=headers)


def platform_error(status, message, **others):
    return httpx.Response(status, json={"requestId": REQUEST_ID, "message": message, **others})


def caught(call):
    """Return the error of a call, after looking for secrets and for httpx in every part of it."""
    with pytest.raises(CloudElementsError) as info:
        call()
    error = info.value
    texts = [str(error), repr(error), "".join(traceback.format_exception(error))]
    texts += [repr(pickle.dumps(error)), repr(vars(error))]
    assert [(s, t) for s in SECRETS for t in texts if s in t] == []
    assert len(str(error).splitlines()) == 1
    assert str(error).isprintable()
    assert error.__cause__ is None
    assert error.__context__ is None or isinstance(error.__context__, CloudElementsError)
    return error


# What is sent


CALLS = {
    "POST /instances": lambda c: c.create_instance(BODY, one_time=True),
    "GET /instances/7": lambda c: c.get_instance("7"),
    "PATCH /instances/7": lambda c: c.update_instance("7", {"name": "new"}),
    "DELETE /instances/7": lambda c: c.delete_instance("7"),
    "PUT /instances/7/enabled": lambda c: c.set_enabled("7", enabled=True),
    "DELETE /instances/7/enabled": lambda c: c.set_enabled("7", enabled=False),
    "GET /organizations/me": lambda c: c.check_credentials(),
}


@pytest.mark.parametrize("line", CALLS)
def test_each_method_is_one_request_with_both_secrets_and_no_element_token(line):
    arrived, answer = recorder(ok())
    CALLS[line](client(answer))
    (request,) = arrived
    assert f"{request.method} {request.url.path}" == line.replace(" ", " /elements/api-v2")
    assert request.headers["authorization"] == f"User {USER}, Organization {ORGANIZATION}"
    assert request.url.query == b""


def test_a_create_sends_the_body_as_it_stands():
    arrived, answer = recorder(ok())
    assert client(answer).create_instance(BODY, one_time=True).id == "7"
    assert json.loads(arrived[0].content) == BODY
    assert arrived[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "call", [lambda c: c.get_element("x", within=10), lambda c: c.find_elements(within=10)]
)
@pytest.mark.parametrize(("allowed", "taken"), [(120.0, 10), (5.0, 5)])
def test_a_look_up_may_have_less_time_than_the_settings_allow(call, allowed, taken):
    waited, timeouts = [], set()

    def answer(request):
        timeouts.add(request.extensions["timeout"]["read"])
        return platform_error(503, "busy")

    clock = Time(now=lambda: sum(waited), sleep=waited.append, wall=lambda: 0.0)
    asking = CloudElementsClient(
        settings(timeout=allowed, retry_budget=allowed),
        transport=httpx.MockTransport(answer),
        clock=clock,
    )
    caught(lambda: call(asking))
    assert sum(waited) == pytest.approx(taken)
    assert timeouts == {taken}


def test_a_base_url_may_end_in_a_slash():
    arrived, answer = recorder(ok())
    client(answer, base_url="https://platform.example/elements/api-v2/").get_instance("7")
    assert arrived[0].url == "https://platform.example/elements/api-v2/instances/7"


@pytest.mark.parametrize("key", ["a/../b", "netsuite(proxy)", "ä b", "a?x=1#y", "%2e%2e", "\ud800"])
def test_an_element_key_never_leaves_its_place_in_the_address(key):
    arrived, answer = recorder(ok({"key": key.replace("\ud800", "?")}))
    client(answer).get_element(key)
    path = arrived[0].url.raw_path.decode()
    assert path.startswith("/elements/api-v2/elements/")
    assert path.count("/") == 4


@pytest.mark.parametrize("instance_id", ["", ".", ".."])
def test_an_id_that_would_address_something_else_is_not_sent(instance_id):
    arrived, answer = recorder(ok())
    for call in (client(answer).get_instance, client(answer).delete_instance):
        assert type(caught(lambda call=call: call(instance_id))) is RefusedError
    assert arrived == []


@pytest.mark.parametrize("value", ["\ud800" + PASSWORD, float("nan"), {1, 2}, "x" * 8_000_001])
def test_a_body_that_cannot_be_sent_is_refused(value):
    arrived, answer = recorder(ok())
    body = BODY | {"configuration": {"password": value, "other": PASSWORD}}
    error = caught(lambda: client(answer).create_instance(body, one_time=False))
    assert type(error) is UnsendableError
    assert arrived == []


def test_half_a_character_in_an_answer_is_replaced():
    """The engine takes no such text, and a traceback would be all that the user sees."""
    written = json.dumps(INSTANCE | {"name": "half \ud83d, whole \U0001f600", "tags": ["\\ud83d"]})
    instance = client(httpx.Response(200, text=written)).get_instance("7")
    assert instance.name == "half ?, whole \U0001f600"
    assert instance.tags == ["\\ud83d"]
    refusal = httpx.Response(400, text=json.dumps({"requestId": "1", "message": "no \udc00"}))
    assert "no ?" in str(caught(lambda: client(refusal).get_instance("7")))


def test_no_session_is_kept():
    """A session would outlive a changed secret."""
    arrived, answer = recorder(ok(**{"set-cookie": "JSESSIONID=1; Path=/"}))
    platform = client(answer)
    platform.get_instance("7")
    platform.get_instance("7")
    assert "cookie" not in arrived[1].headers


def test_redirects_are_not_followed():
    arrived, answer = recorder(httpx.Response(302, headers={"location": "https://evil.example/"}))
    error = caught(lambda: client(answer).get_instance("7"))
    assert isinstance(error, StrangerError)
    assert "redirect" in str(error)
    assert {request.url.host for request in arrived} == {"platform.example"}


# Lists


def test_a_list_is_read_to_its_last_page():
    pages = [
        ok([INSTANCE | {"id": 1}], **{"elements-next-page-token": "t=2&x"}),
        ok([INSTANCE | {"id": 2}], **{"elements-next-page-token": "t3"}),
        ok([]),
    ]
    arrived, answer = recorder(*pages)
    found = client(answer).find_instances(tag="a b&c", search="sev")
    assert [instance.id for instance in found] == ["1", "2"]
    queries = [parse_qs(request.url.query.decode()) for request in arrived]
    first = {"pageSize": ["200"], "tags[]": ["a b&c"], "searchText": ["sev"]}
    assert queries == [first, first | {"nextPage": ["t=2&x"]}, first | {"nextPage": ["t3"]}]


def test_a_page_token_that_comes_again_ends_the_list():
    arrived, answer = recorder(ok([INSTANCE], **{"elements-next-page-token": "same"}))
    assert len(client(answer).find_instances()) == 2
    assert len(arrived) == 2


def test_nothing_found_is_an_empty_list():
    """The platform says 404 for it, also on the page after the last."""
    nothing = platform_error(404, "No element instances found")
    assert client(nothing).find_instances(tag="none") == []
    assert client(nothing).find_elements() == []
    _, answer = recorder(ok([INSTANCE], **{"elements-next-page-token": "2"}), nothing)
    assert len(client(answer).find_instances()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<h1>Not Found</h1>"),
        httpx.Response(404, json={"message": "no Route matched with those values"}),
        ok({"instances": []}),
        ok([INSTANCE, {"name": "no id"}]),
        ok([None]),
    ],
)
def test_a_list_that_is_none_is_no_empty_list(answer):
    """An empty one would let everything be created a second time."""
    caught(lambda: client(answer).find_instances())


def test_elements_are_listed_abridged():
    arrived, answer = recorder(ok([{"key": "hubspot"}, {"key": "closeio"}]))
    assert [e.key for e in client(answer).find_elements()] == ["hubspot", "closeio"]
    assert arrived[0].url.params["abridged"] == "true"


# What answers mean


ERRORS = [
    (401, "Invalid Organization or User secret, or invalid Element token.", AuthenticationError),
    (403, "Forbidden", AuthenticationError),
    (404, "No instance found with ID 7", NotFoundError),
    (409, "The instance is in use", APIError),
    (400, "You must provide an OAuth code", APIError),
]


@pytest.mark.parametrize(("status", "message", "cls"), ERRORS)
def test_the_platforms_own_words_are_shown_with_what_support_asks_for(status, message, cls):
    error = caught(lambda: client(platform_error(status, message)).get_instance("7"))
    assert type(error) is cls
    assert str(error) == (f"{message} (GET /instances/{{id}} → {status}, request {REQUEST_ID})")


def test_the_vendors_words_stand_behind_the_platforms():
    answer = platform_error(400, "Request failed", providerMessage="invalid_grant:\n  expired")
    error = caught(lambda: client(answer).create_instance(BODY, one_time=True))
    assert isinstance(error, APIError)
    assert error.said == "Request failed (invalid_grant: expired)"


@pytest.mark.parametrize("header", ["elements-request-id", "x-request-id"])
def test_the_request_id_may_stand_in_the_header(header):
    answer = httpx.Response(404, json={"message": "none"}, headers={header: "abc"})
    error = caught(lambda: client(answer).get_instance("7"))
    assert isinstance(error, NotFoundError)
    assert error.request_id == "abc"


STRANGERS = [
    httpx.Response(404, text="<html>404</html>", headers={"content-type": "text/html"}),
    httpx.Response(404, json={"error": "Not Found", "status": 404, "path": "/instances/7"}),
    httpx.Response(404, json={"message": "no Route matched with those values"}),
    httpx.Response(404, json=["nothing"]),
    httpx.Response(404),
    httpx.Response(401, text="proxy says no"),
    httpx.Response(403, text="<html>blocked</html>"),
    httpx.Response(301),
    httpx.Response(308, headers={"location": "https://elsewhere.example/?secret=1"}),
]


@pytest.mark.parametrize("answer", STRANGERS)
def test_somebody_else_who_answers_is_not_taken_for_the_platform(answer):
    """Above all, a stranger's 404 must not look like an instance deleted outside Pulumi."""
    for call in (
        lambda: client(answer).get_instance("7"),
        lambda: client(answer).delete_instance("7"),
        lambda: client(answer).get_element("hubspot"),
        lambda: client(answer).set_enabled("7", enabled=True),
    ):
        assert type(caught(call)) is StrangerError


@pytest.mark.parametrize("line", CALLS)
def test_a_page_instead_of_an_answer_is_an_error_whatever_was_asked(line):
    page = httpx.Response(200, text="\n<!doctype html><p>Hi", headers={"content-type": "text/html"})
    error = caught(lambda: CALLS[line](client(page)))
    assert isinstance(error, AmbiguousError)
    assert error.status == 200
    assert "text/html" in str(error)


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b"null", b"OK"])
def test_an_answer_to_a_delete_may_say_nothing(body):
    quiet = client(lambda _: httpx.Response(200, content=body))
    quiet.delete_instance("7")
    quiet.set_enabled("7", enabled=False)


def test_deleting_what_is_gone_is_done():
    client(platform_error(404, "No instance found with ID 7")).delete_instance("7")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"id": 7', b"[" * 100_000, b'{"id": null}', b"\xff\xfe", b"9" * 5000, b"{}"],
)
def test_an_answer_that_is_no_instance_is_ambiguous(body):
    error = caught(lambda: client(httpx.Response(200, content=body)).get_instance("7"))
    assert isinstance(error, AmbiguousError)
    assert error.status == 200


def test_an_answer_that_cannot_be_decoded_brings_nothing_of_httpx_along():
    def garbage(_):
        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"no gzip")

    error = caught(lambda: client(garbage).get_instance("7"))
    assert isinstance(error, AmbiguousError)


@pytest.mark.parametrize("status", [400, 404, 429, 502])
@pytest.mark.parametrize(
    "words",
    [
        f"bad secret {USER}",
        f"code {CODE} was used",
        "https://vendor.example/token?code=one-time-code%2F4%2Bx",
        f"login with {json.dumps(PASSWORD)} failed",
        f"\x1b[31m{API_SECRET}\x1b[0m\r\nset-cookie: {ORGANIZATION}",
    ],
)
def test_an_error_repeats_no_secret_and_no_control_code(status, words):
    answer = platform_error(status, words, providerMessage=words)
    error = caught(lambda: client(answer).create_instance(BODY, one_time=True))
    assert "[secret]" in str(error)


def test_an_error_of_any_length_is_shortened():
    error = caught(lambda: client(platform_error(400, "x" * 10_000)).get_instance("7"))
    assert len(str(error)) < 700


def test_words_that_are_no_secret_stay_readable():
    body = BODY | {"configuration": {"flag": "true", "port": 12, "event.vendor.type": "polling"}}
    answer = platform_error(400, "hubspot: true is no value of seven, nor 12 or polling")
    error = caught(lambda: client(answer).create_instance(body, one_time=True))
    assert isinstance(error, APIError)
    assert error.said == "hubspot: true is no value of seven, nor 12 or polling"


# OAuth


OAUTH = {
    "api_key": "application-key",
    "api_secret": API_SECRET,
    "callback_url": "http://localhost:8080/callback",
}
REDIRECT = {"element": "hubspot", "oauthUrl": "https://vendor.example/authorize?client_id=1"}


def test_the_oauth_url_is_asked_for_without_a_secret_in_the_address():
    arrived, answer = recorder(ok(REDIRECT))
    extras = {"requestToken": "t1"}
    redirect = client(answer).oauth.url(
        "hubspot", **OAUTH, state="s1", scope="read", site_address="acme", extras=extras
    )
    assert redirect.oauth_url == REDIRECT["oauthUrl"]
    (request,) = arrived
    assert request.method == "POST"
    assert request.url.path == "/elements/api-v2/elements/hubspot/oauth/url"
    assert request.url.query == b""
    assert json.loads(request.content) == {
        "apiKey": "application-key",
        "apiSecret": API_SECRET,
        "callbackUrl": "http://localhost:8080/callback",
        "state": "s1",
        "scope": "read",
        "siteAddress": "acme",
        "requestToken": "t1",
    }


FIXED = {"apiKey", "apiSecret", "callbackUrl", "state", "siteAddress", "requestToken"}


def oauth_urls(fields, query, *, without=200, page="subdomain"):
    """Play a platform that answers `oauth/url` with a page that depends on an extra.

    Args:
        fields: What comes of unknown fields in the body: `ignored`, `refused` or `accepted`.
        query: Whether the query of a POST counts.
        without: Status where the extra is lacking.
        page: Where the extra shows: the `subdomain` of the page, its `names`, or just a `value`.
    """
    arrived = []

    def answer(request):
        arrived.append(request)
        given = dict(request.url.params) if query or request.method == "GET" else {}
        if request.method == "POST":
            body = json.loads(request.content)
            if fields == "refused" and body.keys() - FIXED:
                return platform_error(400, "unrecognized field")
            given |= {k: v for k, v in body.items() if k in FIXED or fields == "accepted"}
        assert given["apiSecret"] == API_SECRET
        site = given.get("subdomain")
        if site is None and without != 200:
            return platform_error(without, "there is no such page")
        nonce = f"nonce={len(arrived)}"
        address = {
            "subdomain": f"https://{site or 'www'}.vendor.example/authorize?{nonce}",
            "names": f"https://vendor.example/authorize?{nonce}" + (f"&s={site}" if site else ""),
            "value": f"https://vendor.example/authorize?{nonce}&s={site or ''}",
        }[page]
        return ok({"oauthUrl": address})

    return arrived, answer


@pytest.mark.parametrize("page", ["subdomain", "names", "value"])
@pytest.mark.parametrize("without", [200, 400, 422])
@pytest.mark.parametrize("query", [True, False])
@pytest.mark.parametrize("fields", ["ignored", "refused", "accepted"])
def test_the_consent_page_is_the_one_that_was_asked_for(fields, query, without, page):
    """Wherever the platform reads it; the secret stays out of addresses where that can be told."""
    arrived, answer = oauth_urls(fields, query, without=without, page=page)

    redirect = client(answer).oauth.url(
        "hubspot", **OAUTH, state="s1", extras={"subdomain": "acme"}
    )

    assert "acme" in redirect.oauth_url
    shown = page != "value" or without != 200
    by_post = shown and (query or fields == "accepted")
    assert any(API_SECRET in str(request.url) for request in arrived) is not by_post


def test_an_api_without_the_post_is_asked_by_get_for_any_page():
    arrived, answer = recorder(platform_error(405, "no such method"), ok(REDIRECT))
    client(answer).oauth.url("hubspot", **OAUTH, state="s1", extras={"subdomain": "acme"})
    assert [request.method for request in arrived] == ["POST", "GET"]
    assert arrived[1].url.params["subdomain"] == "acme"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_of_who_asks_keeps_the_secret_out_of_addresses(status):
    arrived, answer = recorder(platform_error(status, "no"))
    caught(
        lambda: client(answer).oauth.url(
            "hubspot", **OAUTH, state="s1", extras={"subdomain": "acme"}
        )
    )
    assert {request.method for request in arrived} == {"POST"}


@pytest.mark.parametrize("status", [404, 405, 415])
def test_an_api_without_the_post_is_asked_by_get(status):
    arrived, answer = recorder(platform_error(status, "what?"), ok(REDIRECT))
    client(answer).oauth.url("hubspot", **OAUTH, state="s1", site_address="https://me.example")
    assert [request.method for request in arrived] == ["POST", "GET"]
    assert parse_qs(arrived[1].url.query.decode()) == {
        "apiKey": ["application-key"],
        "apiSecret": [API_SECRET],
        "callbackUrl": ["http://localhost:8080/callback"],
        "state": ["s1"],
        "siteAddress": ["https://me.example"],
    }


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_refusal_that_a_get_would_get_as_well_keeps_the_secret_out_of_addresses(status):
    arrived, answer = recorder(platform_error(status, f"no: {API_SECRET}"))
    caught(lambda: client(answer).oauth.url("hubspot", **OAUTH, state="s1"))
    assert {request.method for request in arrived} == {"POST"}


def test_an_error_of_the_get_shows_no_address():
    answer = platform_error(404, f"no element at /oauth/url?apiSecret={API_SECRET}")
    error = caught(lambda: client(answer).oauth.url("hubspot", **OAUTH, state="s1"))
    assert isinstance(error, NotFoundError)


def test_a_lost_answer_to_the_get_shows_no_address():
    def lose(request):
        if request.method == "POST":
            return httpx.Response(405)
        message = f"GET {request.url} failed"
        raise httpx.ReadError(message, request=request)

    error = caught(lambda: client(lose).oauth.url("hubspot", **OAUTH, state="s1"))
    assert isinstance(error, AmbiguousError)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "", "https://a b"]
)
def test_an_oauth_url_that_no_browser_should_open_is_refused(address):
    answer = ok({"element": "hubspot", "oauthUrl": address})
    caught(lambda: client(answer).oauth.url("hubspot", **OAUTH, state="s1"))


def test_an_oauth_url_that_is_no_address_proves_nothing():
    arrived, answer = recorder(ok({"oauthUrl": "http://["}))
    client(answer).oauth.url("hubspot", **OAUTH, state="s1", extras={"subdomain": "acme"})
    assert arrived[-1].method == "GET"


def test_a_request_token_is_asked_for():
    arrived, answer = recorder(ok({"token": "t1", "secret": "s1"}))
    token = client(answer).oauth.request_token("twitter", **OAUTH, extras={"scope": "x"})
    assert (token.token, token.secret) == ("t1", "s1")
    (request,) = arrived
    assert (request.method, request.url.path.rsplit("/", 2)[1:]) == ("GET", ["oauth", "token"])
    assert request.url.params["apiSecret"] == API_SECRET
    assert request.url.params["scope"] == "x"


# What is never shown


def test_a_client_shows_no_secret_and_is_not_pickled():
    shown = client(ok())
    assert [s for s in SECRETS if s in repr(shown) + str(shown)] == []
    for module in (pickle, dill):
        with pytest.raises(TypeError, match="never pickled"):
            module.dumps(shown)


def test_models_show_no_secret():
    made = client(ok(INSTANCE | {"configuration": {"password": PASSWORD}})).get_instance("7")
    assert "token-of-seven" not in repr(made)
    assert PASSWORD not in repr(made)
    token = client(ok({"token": API_SECRET, "secret": API_SECRET})).oauth.request_token(
        "twitter", **OAUTH
    )
    assert API_SECRET not in repr(token)


def test_nothing_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    with platform(answer(b"{}", status="405 No"), answer(json.dumps(REDIRECT).encode())) as server:
        here = real(server)
        here.oauth.url("hubspot", **OAUTH, state="s1")
        here.close()
        assert "apiSecret" in server.requests[1].decode()
    assert caplog.text == ""


# Over a real socket


class Server(threading.Thread):
    """One connection after the other; each request gets the next step of the script.

    A step is the bytes of an answer, or how to end the connection instead.
    """

    def __init__(self, steps):
        super().__init__(daemon=True)
        self.steps = list(steps)
        self.requests = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/elements/api-v2"

    def run(self):
        """Accept connections until `stop`."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(30)
            with connection:
                self._serve(connection)

    def _serve(self, connection):
        while request := self._read(connection):
            self.requests.append(request)
            step = self.steps.pop(0) if self.steps else "close"
            if step == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            if isinstance(step, str):
                return
            connection.sendall(step)
            if b"connection: close" in step:
                return

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        while lengths and len(body) < lengths[0]:
            piece = connection.recv(65536)
            body += piece
            data += piece
        return data

    def stop(self):
        """End the accepting thread."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


@contextmanager
def platform(*steps):
    server = Server(steps)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answer(body, status="200 OK", length=None, extra=""):
    head = f"HTTP/1.1 {status}\r\ncontent-length: {length or len(body)}\r\n{extra}"
    return f"{head}content-type: application/json\r\n\r\n".encode() + body


def real(server, **others):
    clock = Time(sleep=lambda _: None)
    return CloudElementsClient(settings(server.base_url, **others), clock=clock)


GOOD = answer(json.dumps(INSTANCE).encode())
HALF = answer(b'{"id": 7, "na', length=1000, extra="connection: close\r\n")


@pytest.mark.parametrize("fault", ["close", "reset", HALF])
@pytest.mark.parametrize("name", ["create", "create with a code", "new code"])
def test_a_kept_alive_connection_that_dies_under_a_create_carries_it_once(fault, name):
    """Neither httpx nor httpcore may send it again on a fresh connection."""
    call = {
        "create": lambda c: c.create_instance(BODY, one_time=False),
        "create with a code": lambda c: c.create_instance(BODY, one_time=True),
        "new code": lambda c: c.update_instance("7", BODY, one_time=True),
    }[name]
    with platform(GOOD, fault, GOOD) as server:
        here = real(server)
        here.get_instance("7")
        error = caught(lambda: call(here))
        here.close()
    assert type(error) is AmbiguousError
    assert server.connections == 1
    assert len(server.requests) == 2
    assert sum(CODE.encode() in request for request in server.requests) == 1


@pytest.mark.parametrize("fault", ["close", "reset", HALF])
def test_a_read_on_a_connection_that_dies_is_sent_again(fault):
    with platform(GOOD, fault, GOOD) as server:
        here = real(server)
        here.get_instance("7")
        assert here.get_instance("7").id == "7"
        here.close()
    assert len(server.requests) == 3


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
SPOILED = {
    "longer than told": answer(json.dumps(INSTANCE).encode(), length=20),
    "cut off where nobody tells the length": (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
        b'{"id": 7, "na'
    ),
    "cut off between two pieces": CHUNKED + b'd\r\n{"id": 7, "na\r\n',
    "empty": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a page": answer(b"<h1>Please wait</h1>"),
    "a gateway's 404": answer(b"<h1>No route</h1>", status="404 Not Found"),
    "no gzip": answer(b'{"id": 7}', extra="content-encoding: gzip\r\n"),
}


@pytest.mark.parametrize("fault", SPOILED.values(), ids=SPOILED)
def test_an_answer_that_was_spoiled_on_its_way_is_asked_for_again(fault):
    """Whatever is left of it on the connection is no part of the next answer."""
    with platform(GOOD, fault, *[GOOD] * 4) as server:
        here = real(server)
        here.get_instance("7")
        assert here.get_instance("7").token == "token-of-seven"
        assert here.create_instance(BODY, one_time=True).token == "token-of-seven"
        here.close()
    assert sum(CODE.encode() in request for request in server.requests) == 1


def test_a_connection_that_ended_in_good_order_costs_nothing():
    last = answer(json.dumps(INSTANCE).encode(), extra="connection: close\r\n")
    with platform(last, GOOD) as server:
        here = real(server)
        here.get_instance("7")
        assert here.create_instance(BODY, one_time=True).id == "7"
        here.close()
    assert server.connections == 2
    assert len(server.requests) == 2


def test_no_listener_means_that_nothing_was_sent():
    nobody = CloudElementsClient(
        settings(f"http://127.0.0.1:{free_port()}"), clock=Time(sleep=lambda _: None)
    )
    assert type(caught(lambda: nobody.create_instance(BODY, one_time=True))) is NotSentError


def test_an_unknown_host_is_named_as_that():
    nowhere = CloudElementsClient(
        settings("https://nowhere.invalid/elements/api-v2"), clock=Time(sleep=lambda _: None)
    )
    error = caught(lambda: nowhere.get_instance("7"))
    assert type(error) is NotSentError
    assert "host name" in str(error)


@pytest.fixture
def _no_proxy(monkeypatch):
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


@pytest.mark.usefixtures("_no_proxy")
def test_the_machines_proxy_is_used_and_sees_no_secret(monkeypatch):
    with platform(*[answer(b"", status="403 Forbidden")] * 4) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url.removesuffix("/elements/api-v2"))
        behind = CloudElementsClient(settings(), clock=Time(sleep=lambda _: None))
        error = caught(lambda: behind.create_instance(BODY, one_time=True))
        behind.close()
    assert type(error) is NotSentError
    assert "proxy" in str(error)
    assert {request.split(b"\r\n")[0] for request in proxy.requests} == {
        b"CONNECT platform.example:443 HTTP/1.1"
    }
    assert [s for s in SECRETS if s.encode() in b"".join(proxy.requests)] == []


@pytest.mark.usefixtures("_no_proxy")
def test_requests_to_ourselves_pass_through_nobodys_hands(monkeypatch):
    with platform(GOOD) as server:
        for name in ("HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        here = real(server)
        assert here.get_instance("7").id == "7"
        here.close()


@pytest.mark.usefixtures("_no_proxy")
@pytest.mark.parametrize(
    "proxy", ["nonsense://user:pass-word@h", "socks5://user:pass-word@h:1", "h:port"]
)
def test_a_proxy_that_cannot_be_used_is_a_setting_to_mend(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = caught(lambda: CloudElementsClient(settings()))
    assert type(error) is ConfigError
    assert "pass-word" not in str(error)


@pytest.mark.parametrize("variable", ["SSLKEYLOGFILE", "SSL_CERT_FILE"])
def test_the_variable_that_can_not_be_used_is_named_alone(monkeypatch, tmp_path, variable):
    for name in ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "broken.pem").write_text("no certificate", encoding="utf-8")
    unusable = {
        "SSLKEYLOGFILE": f"{tmp_path}/gone/keys.log",
        "SSL_CERT_FILE": f"{tmp_path}/broken.pem",
        "SSL_CERT_DIR": "a\0b",
    }
    if variable == "SSL_CERT_DIR":
        pytest.importorskip("nothing")
    monkeypatch.setenv(variable, unusable[variable])

    error = caught(lambda: CloudElementsClient(settings()))

    assert type(error) is ConfigError
    assert set(re.findall(r"SSL\w+", str(error))) == {variable}


def test_the_default_port_and_path_are_kept():
    arrived, handler = recorder(ok())
    client(handler, base_url="https://platform.example:8443/api").get_instance("7")
    assert urlsplit(str(arrived[0].url)).netloc == "platform.example:8443"
