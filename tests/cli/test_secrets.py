"""`elements secrets`: many secrets at once, from hidden prompts or from JSON."""

from __future__ import annotations

import difflib
import json
import stat
import sys

import pexpect
import pytest

FILES = """
# the documents
files: &files
  element: onedrivebusiness
  configuration: {oauth.callback.url: "http://127.0.0.1:18653/callback"} # registered
desk:
  element: freshservice
  configuration:
    subdomain: acme
    username: "007"
mail:
  element: sendgrid
"""
GIVEN = {
    "files": {"oauth.api.key": "key-7731", "oauth.api.secret": "secret-7731"},
    "desk": {"password": "desk-7731\n"},
    "mail": {
        "configuration": {"api.token": "token-7731"},
        "code": "code-7731",
        "provider_data": {"realmId": "realm-7731"},
    },
}

DEFAULTS = "cloud-elements:defaults"
SHARED_WRONGLY = {
    "sendgrit": {"k": "value-7731"},
    "sendgrid": {"code": "value-7731", "events": {"too": "value-7731"}, "k": ""},
}


@pytest.mark.older
def test_json_on_standard_input_sets_them_all(workplace):
    """Encrypted, at their places, with no other line of the file changed."""
    workplace.declare(FILES)
    before = workplace.file.read_text().splitlines()

    said = workplace.process("secrets", "--stack", "test", "--json", stdin=json.dumps(GIVEN))

    assert said.code == 0, said.stderr
    assert json.loads(said.stdout) == {
        "stack": "test",
        "set": {
            "files": ["oauth.api.key", "oauth.api.secret"],
            "desk": ["password"],
            "mail": ["api.token", "code", "provider_data.realmId"],
        },
        "to_be_set": None,
    }
    assert "6 secrets set in stack 'test', encrypted." in said.stderr
    files, desk, mail = (workplace.values(name) for name in ("files", "desk", "mail"))
    assert files["configuration"] == GIVEN["files"] | {
        "oauth.callback.url": "http://127.0.0.1:18653/callback"
    }
    assert desk["configuration"]["password"] == "desk-7731\n"
    assert mail == {"element": "sendgrid"} | GIVEN["mail"]
    text = workplace.file.read_text()
    assert text.count("secure:") + text.count('"secure"') == 6
    assert "7731" not in text + said.all
    gone = [line for line in difflib.ndiff(before, text.splitlines()) if line.startswith("-")]
    assert [line.split()[1] for line in gone] == ["configuration:"], "in braces: more on the line"


def test_members_of_events_go_there(workplace):
    """By the map, or by the name that a list of what is to be set has."""
    entry = "\n{}:\n  element: closeio\n  configuration: {{username: u}}\n  events: {{every: 5}}"
    workplace.declare("".join(entry.format(name) for name in ("one", "two")))
    to = {"to": "https://app.example/7731"}
    given = {"one": {"events": to}, "two": {"events.to": to["to"]}}

    said = workplace.process("secrets", "--stack", "test", "--json", stdin=json.dumps(given))

    assert said.code == 0, said.stderr
    assert json.loads(said.stdout)["set"] == {name: ["events.to"] for name in given}
    for name in given:
        assert workplace.values(name)["events"] == {"every": 5} | to
    wrong = {"one": {"events": {"too": "7731"}}}
    said = workplace.process("secrets", "--stack", "test", stdin=json.dumps(wrong))
    assert "one: events: too: is not known; did you mean 'to'?" in said.stderr


def test_secrets_are_no_arguments_of_any_process(workplace):
    """What every user of the machine can list holds none of them."""
    workplace.declare(FILES)
    folder = workplace.project.home / "bin"
    folder.mkdir(exist_ok=True)
    wrapper, log = folder / "pulumi", workplace.project.home / "secret-arguments"
    wrapper.write_text(
        f'#!/bin/sh\necho "$*" >> {log}\nexec {workplace.project.engine.path} "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    path = workplace.project.env["PATH"]
    try:
        workplace.project.env["PATH"] = f"{folder}:{path}"
        assert workplace.process("secrets", stdin=json.dumps(GIVEN)).code == 0
    finally:
        workplace.project.env["PATH"] = path
        wrapper.unlink()

    assert "--secret --path" in log.read_text()
    assert "7731" not in log.read_text()


def prompted(place, *arguments):
    """Start the command at a terminal."""
    return pexpect.spawn(
        sys.executable,
        ["-m", "provider", "secrets", *arguments],
        cwd=str(place.project.folder),
        env=place.project.env,
        dimensions=(40, 200),
        timeout=60,
        encoding="utf-8",
    )


def test_at_a_terminal_each_is_asked_for_and_not_shown(workplace):
    """Enter leaves one out; what is there already is not asked for."""
    adopted = workplace.create("sendgrid", "theirs", {"api.token": "theirs-7731"})
    workplace.declare(
        FILES + f"theirs:\n  element: sendgrid\n  adopt: '{adopted}'\nkept:\n  element: sendgrid\n"
        "  configuration: {api.token: kept-token}\n"
    )
    child = prompted(workplace, "--stack", "test")
    try:
        child.expect("5 secrets to be set")
        for prompt, text in [
            ("desk password: ", ""),
            ("files oauth.api.key: ", "key-7731"),
            ("files oauth.api.secret: ", "secret-7731"),
            ("mail api.token: ", "mail-7731"),
            ("theirs api.token: ", "theirs-7731"),
        ]:
            child.expect_exact(prompt)
            assert "7731" not in child.before
            child.sendline(text)
        child.expect("4 secrets set in stack 'test', encrypted")
        child.expect("1 secret left out:\\s+desk password")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)

    assert child.exitstatus == 0
    assert workplace.values("theirs")["configuration"] == {"api.token": "theirs-7731"}
    assert workplace.values("files")["configuration"]["oauth.api.secret"] == "secret-7731"


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 5)], ids=["Ctrl+C", "Ctrl+D"])
def test_an_end_at_the_prompt_stores_nothing(workplace, key, code):
    """Not even what was typed before."""
    workplace.declare(FILES)
    before = workplace.file.read_bytes()
    child = prompted(workplace)
    try:
        child.expect_exact("desk password: ")
        child.sendline("desk-7731")
        child.expect_exact("files oauth.api.key: ")
        child.send(key)
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)

    assert child.exitstatus == code
    assert workplace.file.read_bytes() == before


def test_what_is_to_be_set_is_listed(workplace):
    """For a program that fills it in; nothing is read or stored."""
    workplace.declare(FILES)
    before = workplace.file.read_bytes()

    said = workplace.elements("secrets", "files", "mail", "--dry-run", "--json")

    assert said.code == 0, said.stderr
    assert json.loads(said.stdout) == {
        "stack": "test",
        "set": {},
        "to_be_set": {"files": ["oauth.api.key", "oauth.api.secret"], "mail": ["api.token"]},
    }
    assert workplace.file.read_bytes() == before


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", ["is not JSON"]),
        ('{"files": {"k": "value-7731"', ["is not JSON (line 1)"]),
        ("\xff\xfe", ["is not JSON"]),
        ("{}", ["it is empty"]),
        ("[]", ["the whole: must be an object"]),
        ('{"files": "value-7731"}', ["files: must be an object"]),
        (
            '{"filez": {"k": "value-7731"}, "desk": {"password": 7731, "x": "", "y": "********"}}',
            [
                "filez: is not declared here; did you mean 'files'?",
                "desk: configuration: password: must be text; put it in quotes",
                "desk: configuration: x: is empty",
                "desk: configuration: y: is the mask that the platform shows",
            ],
        ),
        ('{"mail": {"k": "value-7731", "k": "b"}}', ["mail: k: is there twice"]),
        (
            json.dumps({DEFAULTS: SHARED_WRONGLY}),
            [
                "sendgrit: no entry uses this element; did you mean 'sendgrid'?",
                "cloud-elements:defaults: sendgrid: code: belongs to one entry",
                "cloud-elements:defaults: sendgrid: events: too: is not known; did you mean 'to'?",
                "cloud-elements:defaults: sendgrid: configuration: k: is empty",
            ],
        ),
    ],
)
def test_what_is_wrong_is_told_all_at_once_and_nothing_stored(workplace, given, told):
    """By its place, never by its value."""
    workplace.declare(FILES)
    before = workplace.file.read_bytes()

    said = workplace.process("secrets", stdin=given)

    assert said.code == 1
    for sentence in told:
        assert sentence in said.stderr
    assert "7731" not in said.all
    assert workplace.file.read_bytes() == before


def test_an_entry_that_is_not_declared_is_told(workplace):
    workplace.declare(FILES)

    said = workplace.elements("secrets", "fles", "--dry-run")

    assert said.code == 1
    assert "Stack 'test' declares no instance 'fles'; did you mean 'files'?" in said.stderr
