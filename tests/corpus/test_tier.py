"""The tier itself, on a folder of invented documents: all are judged, none ends the others."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
APPLICATION = {"oauth.api.key": "<KEY>", "oauth.api.secret": "<SECRET>", "oauth.callback.url": "u"}
OAUTH1 = {"oauth_token": "<TOKEN>", "oauth_verifier": "<VERIFIER>", "secret": "<SECRET>"}
HALF = {"oauth_token": "<TOKEN>", "secret": "<SECRET>"}
CODE = {"code": "<CODE>"}
BOTH = {"configuration": {"authentication.type": "oauth2"} | APPLICATION}
ONE = {"configuration": {"authentication.type": "oauth1"} | APPLICATION}
TOKEN = {"configuration": {"oauth.user.token": "t"}, "externalAuthentication": "initial"}
NAMED = {"element": {"key": "made-up"}, "name": "<NAME>", "tags": ["<TAG>"]}
PROXY = {"isOauthProxy": True, "oauthProxyName": "p"}
INSTANCE = {"id": 1, "name": "n", "token": "t", "element": {"key": "k"}, "tags": ["x"]}
REQUIRED = {"configuration": [{"key": key, "required": True} for key in APPLICATION]}
PASSES = None

REQUESTS = [
    ({"name": "<<NAME>>", "tags": ["<Insert_<element>_Tag>"]}, PASSES),
    ({"providerData": HALF}, PASSES),
    ({"providerData": HALF}, PASSES),
    ({"element": {"key": "sendgrid"}, "configuration": {"other.key": "k"}}, PASSES),
    ({"element": {"key": "two"}, "providerData": CODE, "configuration": APPLICATION}, PASSES),
    ({"element": {"key": "two"}, "providerData": OAUTH1} | ONE, PASSES),
    ({"element": {"key": "one"}, "providerData": CODE} | BOTH, PASSES),
    (
        {"element": {"key": "one"}}
        | TOKEN
        | {"configuration": APPLICATION | TOKEN["configuration"]},
        PASSES,
    ),
    ({"element": {"key": "two"}, "providerData": CODE, "oauthProxy": PROXY}, PASSES),
    ({"element": {"key": "made-up", "configuration": {"a": "b"}}}, PASSES),
    ({"eventsEnabled": "true"}, PASSES),
    ({"name": 123}, "has a name that is no text"),
    ({"providerData": {"code": 1234}}, "has a code that is no text"),
    ({"element": "acme"}, "has 'acme' in place of an element with a key"),
    ({"element": {"key": ".."}}, "names the element '..', which is no key"),
    (
        {"element": {"key": "made-up", "configuration": {"a": "b"}}, "configuration": {"c": "d"}},
        "has two configurations, one of them inside its element",
    ),
    (
        {"element": {"key": "comma"}},
        "is refused, by the platform as well: configuration.a, b: is required by element 'comma'",
    ),
    ({"configuration": {"a": "b"}, "externalAuthentication": "other"}, "asks for an external"),
]
ANSWERS = [
    (INSTANCE, PASSES),
    (INSTANCE | {"id": "<INSTANCE_ID>"}, "has '<INSTANCE_ID>' in place of an id"),
    (INSTANCE | {"id": "..."}, "has '...' in place of an id"),
    ([INSTANCE], "has a list as its answer, not one instance"),
    ({"message": "m", "requestId": "r"}, "has an error as its answer"),
    ({"instance": INSTANCE}, "has its instance one level deeper, in 'instance'"),
]
ELEMENTS = {
    "two": (REQUIRED | {"key": "two", "authentication": {"type": "oauth2"}}, PASSES),
    "one": (REQUIRED | {"key": "one", "authentication": "oauth1"}, PASSES),
    "comma": ({"key": "comma", "configuration": [{"key": "a, b", "required": "true"}]}, PASSES),
    "list": ([{"key": "list", "configuration": None}], PASSES),
    "dots": ({"key": ".."}, "is refused by the sandbox (`/elements/..` can't be the address"),
    "flag": (
        {"key": "flag", "configuration": [{"key": "k", "required": "maybe"}]},
        "has 'maybe' in place of true or false",
    ),
}


def judged(folder):
    """Return what the tier says of a folder, and whether it passed."""
    files = [HERE / f"test_{name}.py" for name in ("requests", "answers", "elements", "events")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *files],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parents[1],
        env=os.environ | {"CLOUD_ELEMENTS_CORPUS": str(folder)},
    )
    return done.stdout, done.returncode == 0


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "elements").mkdir()
    return tmp_path


def write(folder, name, field, documents):
    lines = [json.dumps({field: document}) for document in documents]
    (folder / "corpus" / name).write_text("\n".join([*lines, "{", "[]", ""]))


def test_every_line_and_file_is_judged(folder):
    """Each passes or is left out for the reason that holds, and broken ones end nothing."""
    requests = [NAMED | request for request, _ in REQUESTS]
    write(folder, "create_requests.jsonl", "request_body", requests)
    write(folder, "create_responses.jsonl", "response", [answer for answer, _ in ANSWERS])
    for name, (document, _) in ELEMENTS.items():
        (folder / "elements" / f"{name}.json").write_text(json.dumps(document) + "\n{}")
    (folder / "elements" / "deep.json").write_text("[" * 100_000)
    (folder / "elements" / "latin.json").write_bytes(b"\xff")

    said, passed = judged(folder)

    assert passed, said
    places = {f"create_requests.jsonl:{at}": why for at, (_, why) in enumerate(REQUESTS, 1)}
    places |= {f"create_responses.jsonl:{at}": why for at, (_, why) in enumerate(ANSWERS, 1)}
    places |= {f"{name}.json": why for name, (_, why) in ELEMENTS.items()}
    told = dict(re.findall(r"^left out: ([\w.]+\.json(?:l:\d+)?): (.*)$", said, re.MULTILINE))
    for place, why in places.items():
        assert told.pop(place, "passes").startswith(why or "passes"), place
    assert told.pop("deep.json").startswith("is refused by the sandbox")
    assert told.pop("latin.json").startswith("can't be read")
    assert sorted(told.values()) == ["is JSON, but no object"] * 2 + ["is not JSON"] * 2
    assert "create_requests.jsonl:10: is sent with the configuration that stands inside" in said
    assert "create_requests.jsonl:11: is sent without eventsEnabled, for that is no input" in said
    assert "lacks" not in said


def test_what_a_folder_lacks_is_told_in_one_line(folder):
    """It may lack everything."""
    said, passed = judged(folder)

    assert passed
    lacking = "corpus/create_requests.jsonl, corpus/create_responses.jsonl, elements/*.json"
    assert f"corpus: {folder} lacks {lacking}\n" in said


def test_there_need_be_no_folder(tmp_path):
    said, passed = judged(tmp_path / "nothing")

    assert passed
    assert f"corpus: did not run, for there is no folder {tmp_path / 'nothing'}\n" in said
