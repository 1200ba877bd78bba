"""Elements from files, made-up elements, and the built-in ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from sandbox.catalogue import catalogue
from sandbox.collection import element_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    Make = Callable[..., dict[str, Any]]


def written(folder: Path, **files: object) -> Path:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_files_add_elements_and_replace_built_in_ones(
    tmp_path: Path, connect: Callable[..., httpx.Client]
) -> None:
    """A file has the shape of `GET /elements/{key}`; what it leaves out is filled in."""
    required = {"key": "api.key", "type": "PASSWORD", "required": True}
    switch = {"key": "on", "type": "BOOLEAN", "defaultValue": True}
    unused = {"key": "old", "required": True, "active": False}
    mine = {"key": "mine", "id": 77, "configuration": [required, switch, unused]}
    folder = written(tmp_path, mine=mine, replaced={"key": "closeio", "name": "Other"})
    with Sandbox(elements=folder) as sandbox:
        assert sandbox.complaints == []
        api = connect(sandbox)
        found = api.get("/elements/77").json()
        assert (found["key"], found["name"], found["hub"]) == ("mine", "mine", "general")
        assert all(isinstance(entry["id"], int) for entry in found["configuration"])
        assert api.get("/elements/closeio").json()["name"] == "Other"
        whole = {"element": {"key": "mine"}, "name": "n", "configuration": {}}
        refused = api.post("/instances", json=whole).json()["message"]
        assert refused == "Missing required configuration: api.key"
        whole["configuration"] = {"api.key": "k"}
        made = api.post("/instances", json=whole).json()
        assert made["configuration"] == {"api.key": "********", "on": "true"}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"key": ""}',
        '{"key": "x", "configuration": {}}',
        '{"key": ".."}',
        '{"key": "keys"}',
        '{"key": "a/b"}',
        '{"key": 7}',
        '[{"key": "x"}, {"key": "y"}]',
        '{"key": "x", "name": "\\ud83d"}',
        '{"key": "x", "name": NaN}',
        '{"key": "x", "a": ' + "[" * 150 + "]" * 150 + "}",
        "[" * 100_000,
        '"\xff"',
    ],
    ids=lambda content: content[:20],
)
def test_bad_files_are_named_and_left_out(tmp_path: Path, content: str) -> None:
    """The others are loaded all the same."""
    folder = written(tmp_path, good={"key": "good"})
    (folder / "bad.json").write_text(content, encoding="latin-1")
    (folder / "also bad.json").mkdir()
    sandbox = Sandbox(elements=folder)
    assert sandbox.complaints.pop(0).startswith("also bad.json: ")
    assert len(sandbox.complaints) == 1
    assert sandbox.complaints[0].startswith("bad.json: ")
    assert sandbox.new_code("good")
    sandbox.stop()


def test_a_file_whose_element_another_one_describes_is_named(tmp_path: Path) -> None:
    """The last one counts."""
    sandbox = Sandbox(elements=written(tmp_path, a={"key": "x"}, b={"key": "x"}))
    assert sandbox.complaints == ["a.json: b.json describes `x` as well"]
    sandbox.stop()


@pytest.mark.parametrize(
    "content",
    [
        '{"key": "odd", "configuration": null}',
        '{"key": "odd", "authentication": "custom", "id": true, "name": null}',
        '{"key": "odd", "authentication": ["custom"], "id": -1, "hub": null}',
        '[{"key": "odd"}]',
        '{"key": "odd"}\n{"swagger": "sample"}',
        '{"key": "odd", "typeOauth": "false", "bulkDownloadEnabled": null}',
        '{"key": "odd", "configuration": [{"required": true}, "text", {"key": null}]}',
        '{"key": "odd", "configuration": [{"key": "authentication.type", "options": ["a", 1]}]}',
        '{"key": "odd", "configuration": [{"key": "authentication.type", "options": "a,b"}]}',
        '{"key": "odd", "configuration": [{"key": "k", "required": "false"}]}',
        '{"key": "odd", "configuration": [{"key": "k", "required": "true", "internal": "true"}]}',
        '{"key": "odd", "configuration": [{"key": "k", "required": true, "active": "False"}]}',
    ],
)
def test_odd_descriptions_are_read_all_the_same(
    tmp_path: Path, connect: Callable[..., httpx.Client], content: str
) -> None:
    """Old exports and hand-made files are; none of these asks for anything."""
    with Sandbox(elements=written(tmp_path, odd=content)) as sandbox:
        assert sandbox.complaints == []
        api = connect(sandbox)
        for path in ("", "/configuration", "/metadata", "/export"):
            assert api.get(f"/elements/odd{path}").status_code == 200
        found = api.get("/elements/odd").json()
        assert type(found["id"]) is int
        assert all(type(entry["required"]) is bool for entry in found["configuration"])
        asked = {"apiKey": "k", "apiSecret": "s", "callbackUrl": "http://x/"}
        assert api.get("/elements/odd/oauth/token", params=asked).status_code == 400
        whole = {"element": {"key": "odd"}, "name": "n"}
        assert api.post("/instances", json=whole).status_code == 200


@pytest.mark.parametrize(
    ("configuration", "missing"),
    [
        ({}, ["odd", "of.prod"]),
        ({"kind": "basic"}, ["user", "odd", "of.prod"]),
        ({"kind": "custom", "stage": "dev"}, ["odd"]),
    ],
)
def test_several_entries_choose_a_group_each(
    configuration: dict[str, str], missing: list[str]
) -> None:
    """Entries out of use choose nothing, and what is no text is no group."""
    entries = [
        {"key": "kind", "groupControl": True},
        {"key": "stage", "groupControl": True, "defaultValue": "prod"},
        {"key": "off", "groupControl": True, "defaultValue": "off", "active": False},
        {"key": "user", "required": True, "groupName": "basic"},
        {"key": "odd", "required": True, "groupName": ["basic"]},
        {"key": "of.prod", "required": True, "groupName": "prod"},
        {"key": "of.off", "required": True, "groupName": "off"},
    ]
    element = element_from({"key": "x", "configuration": entries})
    assert [entry["key"] for entry in element.missing(configuration)] == missing


def test_a_sandbox_without_the_built_in_elements(connect: Callable[..., httpx.Client]) -> None:
    """Lenient then means: for every key."""
    with Sandbox(builtin=False, lenient=True) as sandbox:
        api = connect(sandbox)
        assert api.get("/elements").status_code == 404
        whole = {"element": {"key": "bigcommerce"}, "name": "n"}
        assert api.post("/instances", json=whole).status_code == 200


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Instead of a sandbox without the elements somebody counts on."""
    with pytest.raises(ValueError, match="there is no folder"):
        Sandbox(elements=tmp_path / "missing")


def test_a_lenient_sandbox_makes_elements_up(lenient: httpx.Client) -> None:
    """Any key, nothing required, every configuration accepted; a code is taken once."""
    whole = {
        "element": {"key": "never-heard-of"},
        "name": "n",
        "configuration": {"anything": {"at": "all"}},
        "providerData": {"code": "whatever"},
    }
    made = lenient.post("/instances", json=whole).json()
    assert made["element"]["key"] == "never-heard-of"
    assert made["configuration"]["anything"] == '{"at":"all"}'
    assert lenient.post("/instances", json=whole).status_code == 400
    assert lenient.get(f"/elements/{made['element']['id']}").json()["key"] == "never-heard-of"
    assert lenient.get("/elements/1").status_code == 404
    for key in ("..", "a/b", "keys"):
        named = whole | {"element": {"key": key}}
        assert lenient.post("/instances", json=named).status_code == 404


def test_a_strict_sandbox_does_not(api: httpx.Client) -> None:
    """An unknown key is 404."""
    whole = {"element": {"key": "never-heard-of"}, "name": "n"}
    assert api.post("/instances", json=whole).status_code == 404


def test_a_lenient_sandbox_plays_consent_for_made_up_elements(lenient: httpx.Client) -> None:
    """OAuth 2, and OAuth 1 when there is a request token."""
    asked = {"apiKey": "k", "apiSecret": "s", "callbackUrl": "http://x/"}
    for more in ({}, {"requestToken": lenient.get("/elements/y/oauth/token", params=asked).json()}):
        token = {"requestToken": more["requestToken"]["token"]} if more else {}
        url = lenient.get("/elements/y/oauth/url", params=asked | token).json()["oauthUrl"]
        answer = lenient.post(url, data={"decision": "allow"})
        expected = "oauth_verifier=" if more else "code="
        assert expected in answer.headers["location"]


@pytest.mark.parametrize(
    ("document", "configuration", "kind"),
    [
        ({"authentication": {"type": "oauth2"}}, {}, "oauth2"),
        ({"authentication": {"type": "oauth"}}, {}, "oauth2"),
        ({"authentication": {"type": "oauth1"}}, {"authentication.type": "oauth2"}, "oauth2"),
        ({"typeOauth": True}, {}, "oauth2"),
        ({"authentication": "oauth2"}, {}, "oauth2"),
        ({"authentication": {}}, {}, "custom"),
        ({}, {}, "custom"),
    ],
)
def test_how_an_element_authenticates(
    document: dict[str, Any], configuration: dict[str, Any], kind: str
) -> None:
    """`authentication.type` outranks the element's own word."""
    assert element_from({"key": "x"} | document).authentication(configuration) == kind


def test_built_in_elements_have_ids_of_their_own() -> None:
    """Keys, element ids and entry keys are each unique."""
    elements = catalogue()
    assert len({one.key for one in elements}) == len({one.id for one in elements}) == len(elements)
    for element in elements:
        keys = [entry["key"] for entry in element.entries]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("given", "numeric"), [(7, True), ("12", True), ("abc", False)])
def test_an_id_that_is_no_number_is_replaced(given: object, numeric: bool) -> None:
    """Lookups by number must work whatever a file says."""
    assert (str(element_from({"key": "x", "id": given}).id) == str(given)) is numeric
