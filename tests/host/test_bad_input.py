"""Every mistake is told in one sentence with what to do; nothing is half made, nothing leaks."""

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox import Sandbox
from tests.host.server import APPLICATION, BASIC, UNKNOWN, RefusedCall, Server, marked

SECRETS = (
    "hidden-password",
    "application-key",
    "application-secret",
    "one-time-code",
    "token-verifier",
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


def without(bag, *path):
    """Return a copy of nested maps without one entry."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in bag.items() if key != first}
    return bag | {first: without(bag[first], *rest)}


# Each: the inputs, and all that check finds wrong with them.
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
            r"element_key: No element found with key or ID freshservise "
            r"\(GET /elements/{keyOrId} → 404, request \w+\); did you mean 'freshservice'\?"
        ],
    ),
    "unknown element like no other": (
        DESK | {"element_key": "zzz"},
        [
            r"element_key: No element found with key or ID zzz "
            r"\(GET /elements/{keyOrId} → 404, request \w+\)"
        ],
    ),
    "no code": (
        without(DRIVE, "code"),
        [
            "code: is required to create an instance of 'onedrivebusiness', which uses OAuth 2; "
            "get one by 'elements authorize'"
        ],
    ),
    "no OAuth 1 data": (
        {"element_key": "twitter", "name": "t", "configuration": APPLICATION},
        [
            "provider_data: needs oauth_token, oauth_verifier and secret to create an instance of "
            "'twitter', which uses OAuth 1; get them by 'elements authorize'"
        ],
    ),
    "HTML": (
        DESK | {"name": "a <b>bold</b> name", "tags": ["fine", "<script>x</script>"]},
        [
            "name: must not hold markup such as <b>, for the platform removes it",
            "tags.1: must not hold markup such as <b>, for the platform removes it",
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
            "configurations: is not an input; did you mean 'configuration'?",
            "tagz: is not an input; did you mean 'tags'?",
            "markers: is not an input",
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
            "element_key: must be text (put numbers in quotes)",
            "name: must be text (put numbers in quotes)",
            "tags: must be a list",
            "configuration: must be a map",
            "disabled: must be true or false",
            "provider_data: must be a map",
        ],
    ),
    "a mask": (
        DESK | {"configuration": BASIC | {"password": "********"}},
        [
            "configuration.password: is the platform's mask ********, not a value; "
            "give the real one or leave it"
        ],
    ),
    "a number that loses digits": (
        DESK | {"configuration": BASIC | {"deep": {"list": [2.0**53]}}},
        [
            "configuration.deep.list.0: is too large for a number (2^53 and more lose digits); "
            "write it as text"
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
    "beside what is not known yet": (
        DESK | {"name": UNKNOWN, "configuration": BASIC | {"password": UNKNOWN}, "tags": [7.0]},
        ["tags.0: must be text (put numbers in quotes)"],
    ),
}


@pytest.fixture(scope="module")
def server(start, shared_sandbox):
    return start(shared_sandbox)


@pytest.mark.parametrize(("inputs", "expected"), INPUTS.values(), ids=INPUTS)
def test_check_names_every_mistake_at_once(server, sandbox, inputs, expected):
    _, failures = server.check(inputs)

    assert len(failures) == len(expected), failures
    for failure, text in zip(sorted(failures), sorted(expected), strict=True):
        assert failure == text or re.fullmatch(text, failure)
        is_one_sentence(failure)
    assert all(entry["method"] == "GET" for entry in sandbox.journal())


def is_one_sentence(text):
    """A single line that says what to do, without a trace of Python and without a secret."""
    assert "\n" not in text
    assert len(text) < 500
    assert "Traceback" not in text
    assert not re.search(r"[.!?] [A-Z]", text)
    assert not re.search(r"https?://\S*\?", text)
    for secret in SECRETS:
        assert secret not in text
