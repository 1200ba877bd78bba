"""Every mistake is told in one sentence with what to do; nothing is half made, nothing leaks."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx
import pytest
from pulumi.runtime import rpc

from tests.host.server import APPLICATION, BASIC, UNKNOWN, RefusedCall, marked
from tests.ports import free_port

SECRETS = (
    "hidden-password",
    "application-key",
    "application-secret",
    "one-time-code",
    "token-verifier",
    "application-token",
    "sandbox-user-secret",
    "sandbox-organization-secret",
    "another-user-secret",
)
DESK = {
    "element_key": "freshservice",
    "name": "desk",
    "configuration": BASIC,
    "__markers": marked("desk"),
}
DRIVE = {
    "element_key": "onedrivebusiness",
    "name": "drive",
    "configuration": APPLICATION,
    "code": "one-time-code",
    "__markers": marked("drive"),
}


TOKEN = {"oauth.user.refresh_token": "application-token"}


def without(bag, *path):
    """Return a copy of nested maps without one entry."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in bag.items() if key != first}
    return bag | {first: without(bag[first], *rest)}


# Each: the inputs, and all that check finds wrong with them.
FILE = {rpc._special_sig_key: rpc._special_asset_sig, "text": "hidden-text"}
FOLDER = {rpc._special_sig_key: rpc._special_archive_sig, "path": "/tmp/no-such-folder"}
INPUTS = {
    "nothing": (
        {},
        ["element_key: is required", "name: is required"],
    ),
    "required entries": (
        DESK | {"configuration": {"username": ""}},
        [
            "configuration.subdomain: is required by element 'freshservice' (Subdomain)",
            "configuration.username: is required by element 'freshservice' (User name)",
            "configuration.password: is required by element 'freshservice' (Password)",
        ],
    ),
    "entries of the chosen group": (
        {
            "element_key": "bigcommerce",
            "name": "shop",
            "configuration": {"store.url": "https://shop.example", "authentication.type": "custom"},
        },
        [
            "configuration.oauth.api.key: is required by element 'bigcommerce' (Client id)",
            "configuration.oauth.user.token: is required by element 'bigcommerce' (Access token)",
        ],
    ),
    "unknown element": (
        DESK | {"element_key": "freshservise"},
        [
            (
                r"element_key: No element found with key or ID freshservise "
                r"\(GET /elements/{keyOrId} → 404, request \w+\); did you mean 'freshservice'\?"
            )
        ],
    ),
    "unknown element like no other": (
        DESK | {"element_key": "zzz"},
        [
            (
                r"element_key: No element found with key or ID zzz "
                r"\(GET /elements/{keyOrId} → 404, request \w+\)"
            )
        ],
    ),
    "no code": (
        without(DRIVE, "code"),
        [
            (
                "code: is required to create an instance of 'onedrivebusiness', which uses "
                "OAuth 2; get one and let the program give it"
            )
        ],
    ),
    "no OAuth 1 data": (
        {"element_key": "twitter", "name": "t", "configuration": APPLICATION},
        [
            (
                "provider_data: needs oauth_token, oauth_verifier and secret to create an instance "
                "of 'twitter', which uses OAuth 1; get them and let the program give it"
            )
        ],
    ),
    "half of the OAuth 1 data": (
        {
            "element_key": "twitter",
            "name": "t",
            "configuration": APPLICATION,
            "provider_data": {"oauth_token": "one-time-code", "oauth_verifier": ""},
        },
        [
            (
                "provider_data: needs oauth_verifier and secret to create an instance "
                "of 'twitter', which uses OAuth 1; get them and let the program give it"
            )
        ],
    ),
    "an empty code": (
        without(DRIVE, "code") | {"provider_data": {"code": ""}},
        [
            (
                "code: is required to create an instance of 'onedrivebusiness', which uses "
                "OAuth 2; get one and let the program give it"
            )
        ],
    ),
    "a refresh token without a word": (
        without(DRIVE, "code") | {"configuration": APPLICATION | TOKEN},
        [
            (
                "external_authentication: must be 'initial' to create an instance of "
                "'onedrivebusiness' from oauth.user.refresh_token without a code"
            )
        ],
    ),
    "no refresh token": (
        without(DRIVE, "code")
        | {
            "external_authentication": "initial",
            "configuration": APPLICATION | dict.fromkeys(TOKEN, ""),
        },
        [
            (
                "configuration.oauth.user.refresh_token: is required by external_authentication "
                "'initial', unless oauth.user.token is given"
            )
        ],
    ),
    "HTML": (
        DESK | {"name": "a <b>bold</b> name", "tags": ["fine", "<script>x</script>"]},
        [
            "name: must not hold markup such as <b>, which the platform removes",
            "tags.1: must not hold markup such as <b>, which the platform removes",
        ],
    ),
    "empty and control characters": (
        DESK | {"name": " ", "tags": ["two\nlines"]},
        [
            "name: must not be empty",
            "tags.0: must not hold line breaks or other control characters",
        ],
    ),
    "a typo in an input": (
        DESK | {"configurations": {"a": "b"}, "tagz": ["x"], "markers": ["x"]},
        [
            "configurations: is not known here; did you mean 'configuration'?",
            "tagz: is not known here; did you mean 'tags'?",
            "markers: is not known here",
        ],
    ),
    "kinds": (
        {
            "element_key": 5,
            "name": True,
            "tags": "billing",
            "configuration": ["x"],
            "disabled": "yes",
            "provider_data": "x",
        },
        [
            "element_key: must be text; put it in quotes",
            "name: must be text; put it in quotes",
            "tags: must be a list",
            "configuration: must be a map",
            "disabled: must be true or false",
            "provider_data: must be a map",
        ],
    ),
    "a mask": (
        DESK | {"configuration": BASIC | {"password": "********"}},
        [
            (
                "configuration.password: is the platform's mask ********, not a value; "
                "give the real one or leave it"
            )
        ],
    ),
    "a number that loses digits": (
        DESK | {"configuration": BASIC | {"deep": {"list": [2.0**53]}}},
        [
            (
                "configuration.deep.list.0: is too large for a number (2^53 and more lose digits); "
                "write it as text"
            )
        ],
    ),
    "a code with spaces": (
        DRIVE | {"code": " one-time-code "},
        ["code: must be the bare code, without spaces around it"],
    ),
    "a code twice": (
        DRIVE | {"provider_data": {"code": "one-time-code"}},
        ["provider_data.code: is given as 'code' already; give it once"],
    ),
    "adopt": (
        DESK | {"adopt": "the desk"},
        ["adopt: must be an instance id, 'tag:<tag>' or 'name:<name>'"],
    ),
    "an OAuth proxy without a name": (
        DRIVE | {"oauth_proxy": " "},
        ["oauth_proxy: must be the name of an OAuth proxy"],
    ),
    "external authentication": (
        DRIVE | {"external_authentication": "Initial"},
        ["external_authentication: must be 'initial' or 'none'"],
    ),
    "a marker as a tag": (
        DESK | {"tags": marked("other")},
        [
            "tags.0: looks like a marker tag of this provider; choose another",
            "tags.1: looks like a marker tag of this provider; choose another",
        ],
    ),
    "files and resources in the place of values": (
        DESK
        | {
            "configuration": BASIC | {"a": FILE, "b": [{"c": FOLDER}], "password": FILE},
            "provider_data": {"d": FILE},
        },
        [
            f"{path}: is a file or a resource, not a value: give the text that is meant"
            for path in (
                "configuration.a",
                "configuration.b.0.c",
                "configuration.password",
                "provider_data.d",
            )
        ],
    ),
    "beside what is not known yet": (
        DESK | {"name": UNKNOWN, "configuration": BASIC | {"password": UNKNOWN}, "tags": [7.0]},
        ["tags.0: must be text; put it in quotes"],
    ),
}


@pytest.fixture(scope="module")
def server(start, shared_sandbox):
    server = start(shared_sandbox)
    yield server
    assert server.stop() == ""  # nothing was printed all the while


@pytest.mark.parametrize(("inputs", "expected"), INPUTS.values(), ids=INPUTS)
def test_check_names_every_mistake_at_once(server, sandbox, inputs, expected):
    before = len(sandbox.journal())

    _, failures = server.check(inputs)
    if server.native and "name" not in inputs:  # it is the resource's own there
        expected = [text for text in expected if text != "name: is required"]

    assert len(failures) == len(expected), failures
    for failure, text in zip(sorted(failures), sorted(expected), strict=True):
        assert failure == text or re.fullmatch(text, failure)
        is_one_sentence(failure)
    assert all(entry["method"] == "GET" for entry in sandbox.journal()[before:])


def is_one_sentence(text):
    """A single line that says what to do, without a trace of Python and without a secret."""
    assert "\n" not in text
    assert len(text) < 500
    assert "Traceback" not in text
    assert not re.search(r"[.!?] [A-Z]", text)
    assert not re.search(r"https?://\S*\?", text)
    for secret in SECRETS:
        assert secret not in text


QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}
CORRECT = ": correct the inputs, with a new code if one was sent, then run pulumi up"
WRONG = DESK | {"configuration": BASIC | {"password": "wrong"}}


def made_up(server, sandbox, inputs):
    """Give a code of no consent: each its own, for the server sends none twice."""
    return inputs | ({"code": f"made-up-code-{uuid4().hex}"} if "code" in inputs else {})


def broken(kind, **options):
    """Return what makes every create meet a fault."""

    def prepare(server, sandbox, inputs):
        sandbox.add_fault(kind, method="POST", path="/instances", times=None, **options)
        return inputs | ({"code": sandbox.new_code("onedrivebusiness")} if "code" in inputs else {})

    return prepare


def switched(name, value):
    """Return what puts a switch into a position."""

    def prepare(server, sandbox, inputs):
        sandbox.set_switch(name, value)
        return made_up(server, sandbox, inputs)

    return prepare


def spent(server, sandbox, inputs):
    """Spend the code on another instance, which somebody else makes."""
    inputs = inputs | {"code": sandbox.new_code("onedrivebusiness")}
    secrets = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    body = {
        "element": {"key": inputs["element_key"]},
        "providerData": {"code": inputs["code"]},
        "configuration": inputs["configuration"],
        "name": "elsewhere",
    }
    url = f"{sandbox.base_url}/instances"
    httpx.post(url, json=body, headers={"Authorization": secrets}).raise_for_status()
    return inputs


def foreign(server, sandbox, inputs):
    """Give a code of another element."""
    return inputs | {"code": sandbox.new_code("hubspot")}


def twins(server, sandbox, inputs):
    """Make two instances that are alike."""
    for _ in range(2):
        server.create(DESK | {"tags": ["twin"], "__markers": marked()})
    return inputs


def drive(server, sandbox, inputs):
    """Make an instance of another element, and ask for its id."""
    code = sandbox.new_code("onedrivebusiness")
    made = server.create(DRIVE | {"code": code, "__markers": marked()})
    return inputs | {"adopt": made.id}


# Each: the inputs, what happens before, and what create says behind "could not create … 'name': ".
REFUSED = {
    "made-up code": (
        DRIVE,
        made_up,
        r"Bad Request \(invalid_grant: the code was never issued\) \(.* → 400, .*\)" + CORRECT,
    ),
    "spent code": (DRIVE, spent, r"Bad Request \(.*the code was used before\) .*" + CORRECT),
    "foreign code": (DRIVE, foreign, r"Bad Request \(.*issued for another element.*" + CORRECT),
    "denied code": (
        DRIVE,
        broken("refused"),
        r"Bad Request \(3100 - AuthorizationFailed.*" + CORRECT,
    ),
    "code, 401": (DRIVE, switched("bad_code_status", 401), r"Request failed .* → 401.*" + CORRECT),
    "password": (
        WRONG,
        None,
        r"Request failed \(password: authentication failed\) .*401.*" + CORRECT,
    ),
    "password, its reason deeper": (
        WRONG,
        switched("provider_message", "nested"),
        r"Request failed \(password: authentication failed\) .*401.*" + CORRECT,
    ),
    "password, no reason": (
        WRONG,
        switched("provider_message", "off"),
        r"Request failed \(POST /instances → 401, request \w+\)" + CORRECT,
    ),
    "password, 400": (WRONG, switched("bad_credentials_status", 400), r"Bad Request .*" + CORRECT),
    "password, 500": (
        WRONG,
        switched("bad_credentials_status", 500),
        r"An unexpected error occurred .*500.* no instance with its marker .*run pulumi up again.*",
    ),
    "forbidden": (
        DESK,
        broken("status", status=403),
        r".* → 403, .*: ask an administrator of your organization to allow this user to do it",
    ),
    "conflict": (DESK, broken("status", status=409), r".* → 409, .*" + CORRECT),
    "gateway page": (
        DESK,
        broken("status", status=502, body="html"),
        r"the answer is not the platform's but text/html \(.* → 502\), and no instance.*",
    ),
    "gateway page, code": (
        DRIVE,
        broken("status", status=502, body="html"),
        r"the answer is not the platform's but text/html .*code counts as spent, so get a new.*",
    ),
    "connection lost": (
        DRIVE,
        broken("drop", when="before"),
        r"the connection was lost before an answer .*code counts as spent, so get a new code.*",
    ),
    "too many": (DESK, broken("status", status=429), r"Sandbox fault 429 .*: run pulumi up again"),
    "too large": (
        DESK,
        broken("size"),
        r"The payload is larger .*: give less configuration, with a .*",
    ),
    "redirect": (DESK, broken("redirect"), r"the address redirects elsewhere.*: check that http.*"),
}


@pytest.fixture(scope="module")
def quick(start, shared_sandbox):
    """A server that neither repeats nor looks long for what was lost."""
    server = start(shared_sandbox, environment=QUICK)
    yield server
    assert server.stop() == ""


@pytest.mark.parametrize(("inputs", "prepare", "expected"), REFUSED.values(), ids=REFUSED)
def test_create_says_why_not_and_makes_nothing(quick, sandbox, inputs, prepare, expected):
    inputs = inputs | {"__markers": marked()}
    if prepare:
        inputs = prepare(quick, sandbox, inputs)
    before = [instance["id"] for instance in sandbox.instances()]

    with pytest.raises(RefusedCall) as refused:
        quick.create(inputs)

    message = refused.value.message
    assert re.fullmatch(
        rf"could not create element instance '{inputs['name']}': {expected}", message
    ), message
    is_one_sentence(message)
    for secret in (*SECRETS, inputs.get("code", "one-time-code")):
        assert secret not in refused.value.details
    assert refused.value.init_failed is None
    assert [instance["id"] for instance in sandbox.instances()] == before


# Each: the inputs, what happens before, and what check says behind "adopt: ".
NOT_ADOPTED = {
    "no id": (
        DESK | {"adopt": "99"},
        None,
        "there is no instance 99 to adopt: correct 'adopt', or leave it out to create an instance",
    ),
    "no tag": (
        DESK | {"adopt": "tag:none"},
        None,
        (
            "no instances of 'freshservice' have the tag 'none': correct 'adopt', or leave it "
            "out to create an instance"
        ),
    ),
    "two tags": (
        DESK | {"adopt": "tag:twin"},
        twins,
        r"2 instances of 'freshservice' have the tag 'twin': \d+, \d+; set 'adopt' to the id .*",
    ),
    "two names": (
        DESK | {"adopt": "name:desk"},
        twins,
        r"2 instances of 'freshservice' have the name 'desk': \d+, \d+; set 'adopt' to the id .*",
    ),
    "another element": (
        DESK,
        drive,
        r"instance \d+ is of element 'onedrivebusiness', not 'freshservice': correct 'adopt', .*",
    ),
}


@pytest.mark.parametrize(("inputs", "prepare", "expected"), NOT_ADOPTED.values(), ids=NOT_ADOPTED)
def test_what_can_not_be_adopted_is_told_at_preview(quick, sandbox, inputs, prepare, expected):
    inputs = inputs | {"__markers": marked()}
    if prepare:
        inputs = prepare(quick, sandbox, inputs)
    before = sandbox.instances()

    _, (failure,) = quick.check(inputs)
    with pytest.raises(RefusedCall) as refused:  # as when it is gone after the preview
        quick.create(inputs, check=False)

    assert re.fullmatch(f"adopt: {expected}", failure)
    assert re.fullmatch(
        f"could not create element instance 'desk': {expected}", refused.value.message
    )
    is_one_sentence(failure)
    assert sandbox.instances() == before


# What only the platform knows of elements

LOOKED_UP = r"GET /elements/{keyOrId} → \d+, request \w+"
UNCHECKED = "not checked before they are sent"


def looked_up(sandbox, since):
    """Return the elements that were asked for, in order."""
    asked = [entry["path"] for entry in sandbox.journal()[since:]]
    return [path.removeprefix("/elements/") for path in asked if path.startswith("/elements/")]


def test_metadata_that_one_may_not_see_stop_no_preview(start, sandbox):
    sandbox.add_fault("status", method="GET", path="/elements/{key}", times=None, status=403)
    server = start(sandbox, environment=QUICK)

    server.checked(DESK)

    (warning,) = server.engine.warnings
    assert re.fullmatch(
        rf"element 'freshservice' could not be looked up, so its inputs are {UNCHECKED}: "
        rf"Sandbox fault 403 \({LOOKED_UP}\)",
        warning,
    )
    is_one_sentence(warning)


def test_an_element_that_is_offered_no_more_stops_neither_its_instances_nor_adoption(
    start, quick, sandbox
):
    state, other = (quick.create(DESK | {"__markers": marked()}) for _ in range(2))
    sandbox.add_fault("status", method="GET", path="/elements/freshservice", times=None, status=404)
    server = start(sandbox, environment=QUICK)

    changed = server.update(state, state.inputs | {"tags": ["new"]})
    server.checked(without(DESK, "configuration") | {"adopt": other.id})

    assert changed.outputs["tags"] == ["new"]
    warnings = [text for text in server.engine.warnings if "adopts instance" not in text]
    assert len(warnings) == 2
    for warning in warnings:
        assert re.fullmatch(
            rf"Sandbox fault 404 \({LOOKED_UP}\), so the inputs are {UNCHECKED}", warning
        )
    (failure,) = server.check(DESK)[1]
    assert failure.startswith("element_key: Sandbox fault 404 ")


def test_a_silent_platform_is_waited_for_once(start, sandbox):
    sandbox.add_fault("status", method="GET", path="/elements/{key}", times=None, status=503)
    server = start(sandbox, environment=QUICK)
    before = len(sandbox.journal())

    for key in ("freshservice", "onedrivebusiness", "twitter"):
        server.checked(DESK | {"element_key": key})

    assert looked_up(sandbox, before) == ["freshservice"]
    (warning,) = server.engine.warnings
    assert warning.startswith(
        "element 'freshservice' could not be looked up, so its inputs, and those of elements not "
        f"looked up yet, are {UNCHECKED}: "
    )
    is_one_sentence(warning)


def test_elements_are_listed_once_for_hints(start, sandbox):
    server = start(sandbox, environment=QUICK)
    before = len(sandbox.journal())

    for key in ("freshservise", "hubspott"):
        (failure,) = server.check(DESK | {"element_key": key})[1]
        assert "did you mean" in failure

    assert [entry["path"] for entry in sandbox.journal()[before:]].count("/elements") == 1


def test_an_elements_id_is_not_taken_for_its_key(server, sandbox):
    secrets = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    url = f"{sandbox.base_url}/elements/freshservice"
    number = httpx.get(url, headers={"Authorization": secrets}).json()["id"]

    _, failures = server.check(DESK | {"element_key": str(number)})

    assert failures == ["element_key: must be the element's key, 'freshservice'"]


OAUTH1 = dict.fromkeys(("oauth_token", "oauth_verifier", "secret"), "one-time-code")


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"code": "one-time-code"}, {"code": "one-time-code"}, ["code"]),
        ({"code": "one-time-code"}, {"provider_data": {"code": "one-time-code"}}, ["code"]),
        (
            {"provider_data": OAUTH1},
            {"provider_data": OAUTH1},
            ["provider_data.oauth_token", "provider_data.oauth_verifier"],
        ),
        (
            {"code": "one-time-code", "provider_data": {"realmId": "5"}},
            {"code": "another-code", "provider_data": {"realmId": "5"}},
            [],
        ),
    ],
)
def test_another_element_needs_another_code(server, before, after, paths):
    bare = without(DRIVE, "code")

    _, failures = server.check(bare | after, bare | before | {"element_key": "dropbox"})

    told = "was spent for the old element; a new element needs a new code"
    assert sorted(failures) == [f"{path}: {told}" for path in paths]


class _Stranger(BaseHTTPRequestHandler):
    """Answers everything alike."""

    def log_message(self, *args):
        """Keep quiet."""

    def answer(self):
        """Read the request, send the one answer."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - the library's names


@pytest.fixture
def stranger():
    """A server that is not the platform; set its `answer`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stranger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


HTML, JSON = {"content-type": "text/html"}, {"content-type": "application/json"}
ELSEWHERE = (
    r" \(GET /instances → \d+\): check that http://127\S+ is the platform's API \(it ends in .*"
)
STRANGERS = {
    "a page": (
        (200, HTML, b"<h1>Welcome</h1>"),
        r"the answer is not JSON but text/html" + ELSEWHERE,
    ),
    "no page": (
        (404, HTML, b"<h1>No</h1>"),
        r"the answer is not the platform's but text/html" + ELSEWHERE,
    ),
    "another API": ((200, JSON, b'{"hello": 1}'), r"the answer is JSON, but not .*" + ELSEWHERE),
    "another API's 404": (
        (404, JSON, b'{"error": "no"}'),
        r"the answer is not the platform's but application/json" + ELSEWHERE,
    ),
    "a login": (
        (302, {"location": "https://login.example/?next=one-time-code"}, b""),
        r"the address redirects elsewhere, so it is not the platform's API" + ELSEWHERE,
    ),
    "broken JSON": (
        (200, JSON, b'{"half": '),
        (
            r"the answer is broken JSON \(GET /instances → 200\): run pulumi up again; if it "
            r"stays so, something between here and http://127\S+ spoils its answers"
        ),
    ),
}


@pytest.mark.parametrize(("answer", "expected"), STRANGERS.values(), ids=STRANGERS)
def test_an_address_that_is_not_the_platform_is_named(start, stranger, answer, expected):
    stranger.answer = answer
    server = start(environment=QUICK | settings(f"http://127.0.0.1:{stranger.server_port}/x"))

    inputs = server.checked(DESK)  # metadata are a courtesy: without them a preview goes on
    with pytest.raises(RefusedCall) as refused:
        server.create(inputs, check=False)

    assert re.fullmatch(
        "could not create element instance 'desk': " + expected, refused.value.message
    )
    is_one_sentence(refused.value.message)
    assert len(server.engine.warnings) == 1
    assert server.engine.warnings[0].startswith("element 'freshservice' could not be looked up")
    assert server.stop() == ""


def settings(base_url, user="another-user-secret", organization="sandbox-organization-secret"):
    """Return connection settings as environment variables."""
    return {
        "CLOUD_ELEMENTS_BASE_URL": base_url,
        "CLOUD_ELEMENTS_USER_SECRET": user,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": organization,
    }


BASE_URL = "CLOUD_ELEMENTS_BASE_URL (or cloud-elements:baseUrl)"
HTTPS = "https://api.cloud-elements.com/elements/api-v2"
SETTINGS = {
    "none": (
        {},
        [
            f"{BASE_URL} is not set",
            "CLOUD_ELEMENTS_USER_SECRET (or cloud-elements:userSecret) is not set",
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET (or cloud-elements:organizationSecret) is not set",
        ],
    ),
    "http": (
        settings("http://api.example/elements/api-v2"),
        [
            (
                "CLOUD_ELEMENTS_BASE_URL (or cloud-elements:baseUrl) must start with https://, "
                "because your secrets travel in every request"
            )
        ],
    ),
    "malformed": (
        settings("api.example", user="another user secret")
        | {"CLOUD_ELEMENTS_TIMEOUT": "soon", "CLOUD_ELEMENTS_METADATA": "maybe"},
        [
            "CLOUD_ELEMENTS_TIMEOUT must be a number",
            "CLOUD_ELEMENTS_METADATA must be a boolean (true or false)",
            f"{BASE_URL} must be an address such as {HTTPS}",
            (
                "CLOUD_ELEMENTS_USER_SECRET (or cloud-elements:userSecret) must contain neither "
                "spaces nor accented characters; copy it again"
            ),
        ],
    ),
    "a password in the address": (
        settings("https://me:hidden-password@api.example/elements/api-v2?key=hidden-password"),
        [f"{BASE_URL} must not hold a user name or password"],
    ),
}


@pytest.mark.parametrize(("environment", "expected"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_cannot_work_are_named_at_once_by_check(start, environment, expected):
    server = start(environment=environment)

    _, failures = server.check(DESK | {"tags": [7]})

    assert failures[0] == "tags.0: must be text; put it in quotes"
    assert failures[1:] == ["; ".join(expected)]
    for failure in failures:
        is_one_sentence(failure)
    with pytest.raises(RefusedCall) as refused:
        server.create(DESK, check=False)
    assert refused.value.message.startswith("could not create element instance 'desk': CLOUD_")
    is_one_sentence(refused.value.message)
    assert server.stop() == ""


def test_where_nobody_listens_there_is_no_connection(start):
    nobody = settings(f"http://127.0.0.1:{free_port()}/elements/api-v2")
    server = start(environment=nobody | QUICK)
    with pytest.raises(RefusedCall, match="no connection") as refused:
        server.create(DESK)
    is_one_sentence(refused.value.message)


@pytest.mark.parametrize("metadata", ["true", "false"])
def test_wrong_secrets_are_told_by_check_and_at_the_latest_by_create(start, sandbox, metadata):
    wrong = settings(sandbox.base_url) | {"CLOUD_ELEMENTS_METADATA": metadata}
    server = start(environment=wrong | QUICK)
    expected = (
        r"Invalid Organization or User secret, or invalid Element token provided "
        r"\(GET \S+ → 401, request \w+\): check CLOUD_ELEMENTS_USER_SECRET and "
        r"CLOUD_ELEMENTS_ORGANIZATION_SECRET \(or the userSecret and organizationSecret of the "
        r"stack\)"
    )

    _, failures = server.check(DESK)
    assert len(failures) == (metadata == "true")
    with pytest.raises(RefusedCall) as refused:
        server.create(DESK, check=False)

    for text in [*failures, refused.value.message]:
        assert re.fullmatch(rf"(could not create element instance 'desk': )?{expected}", text), text
        is_one_sentence(text)
    assert sandbox.instances() == []
    assert server.stop() == ""
