"""`elements doctor`, `search`, `describe` and the help of every command."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
import typer
import yaml

from provider.api import wire
from provider.api.client import CloudElementsClient
from provider.api.retry import Time
from provider.cli import app
from provider.cli.console import Exit
from provider.cli.doctor import clock_check
from provider.cli.project import Project, Stack
from provider.declarations import parse
from provider.instance.history import History
from provider.instance.journal import Fate
from provider.instance.markers import Markers
from provider.stack_keys import setting_path
from sandbox.catalogue import catalogue

COMMANDS = {
    name: command
    for outer, group in typer.main.get_command(app).commands.items()
    for name, command in (
        {f"{outer} {inner}": one for inner, one in group.commands.items()}
        if hasattr(group, "commands")
        else {outer: group}
    ).items()
}
"""By its words: `plugin install` is one."""
BUILT_IN = [wire.Element.model_validate(one.document) for one in catalogue()]
DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"


def report(said):
    """Return each check, by name."""
    return {check["name"]: check for check in json.loads(said.stdout)}


def test_all_is_well(workplace):
    """Every line is ok, and the exit code says so."""
    workplace.declare("mail:\n  element: sendgrid\n  configuration: {api.token: {secure: x}}\n")
    workplace.project.config_set(
        'cloud-elements:instances.mail.configuration["api.token"]', "t", secret=True, path=True
    )

    said = workplace.elements("doctor", "--json")

    assert said.code == 0, said.stdout
    assert {check["name"] for check in report(said).values() if check["ok"]} == {
        *("Python", "Pulumi SDK", "pulumi", "loopback", "stack", "secrets", "settings"),
        *("platform", "clock", "element sendgrid", "journal"),
    }
    assert "ok" in workplace.elements("doctor").stdout


def test_an_environment_that_leads_elsewhere_than_the_stack_is_told(workplace):
    """By doctor in the line of the settings, by status beside its table."""
    theirs = "https://api.cloud-elements.com/elements/api-v2"
    assert "overrides" not in workplace.elements("doctor").all + workplace.elements("status").all
    workplace.project.config_set("cloud-elements:baseUrl", theirs)

    line = report(workplace.elements("doctor", "--json"))["settings"]
    status = workplace.elements("status", "--json")

    told = f"{workplace.sandbox.base_url} is used instead of {theirs}"
    assert line["ok"]
    assert told in line["what"]
    assert status.stderr.count(told) == 1
    assert json.loads(status.stdout)["instances"] == []


PROXIES = ("http_proxy", "https_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy", "NO_PROXY")


@pytest.mark.parametrize(
    ("given", "ok"),
    [
        ({}, True),
        ({"http_proxy": "http://proxy.example:3128"}, False),
        ({"https_proxy": "http://proxy.example:3128", "no_proxy": "localhost"}, False),
        ({"http_proxy": "http://proxy.example:3128", "NO_PROXY": "127.0.0.1"}, False),
        ({"grpc_proxy": "http://proxy.example:3128", "no_proxy": "a.example, 127.0.0.1"}, True),
        ({"http_proxy": "http://p", "no_proxy": "127.0.0.1", "no_grpc_proxy": "b"}, False),
        ({"http_proxy": "http://p", "no_grpc_proxy": "127.0.0.1"}, True),
    ],
)
def test_a_proxy_for_pulumis_own_connections_is_told(workplace, monkeypatch, given, ok):
    """Which it finds by names in lower case alone; its address may hold a password."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    said = workplace.elements("doctor", "--json")

    assert ("proxy" in report(said)) is not ok
    if not ok:
        assert report(said)["proxy"]["what"].startswith(f"{next(iter(given))} would carry")
        assert "export no_proxy=127.0.0.1,localhost" in report(said)["proxy"]["what"]
    assert "http://p" not in said.all


def test_what_entries_share_is_looked_at_as_well(workplace):
    """A secret in clear is named with its command, and defaults without an effect are told."""
    workplace.declare("mail:\n  element: sendgrid\n")
    shared = (
        "  cloud-elements:defaults:\n    sendgrid:\n      configuration: {api.token: in-clear}\n"
        "      events: {signature_key: in-clear}\n    weebly: {tags: [a]}\n"
    )
    workplace.file.write_text(workplace.file.read_text().replace("config:\n", f"config:\n{shared}"))

    said = workplace.elements("doctor", "--json")

    lines = report(said)
    path = "cloud-elements:defaults.sendgrid"
    commands = "\n".join(lines["secrets"]["commands"])
    assert f'{path}.configuration["api.token"]' in commands
    assert f"{path}.events.signature_key" in commands
    assert "cloud-elements:defaults.weebly: no entry uses this element" in lines["stack"]["what"]
    assert lines["element sendgrid"]["ok"], lines["element sendgrid"]
    assert "in-clear" not in said.all


def test_what_is_wrong_is_told_with_what_to_do(workplace):
    """A missing key, an unknown element and a secret in clear each fail their own line."""
    workplace.declare(
        "desk:\n  element: freshservice\n  configuration: {password: 'clear-7731', subdomian: x}\n"
        "off:\n  element: sendgird\n"
    )

    said = workplace.elements("doctor", "--json")

    checks = report(said)
    assert said.code == 3
    assert {name for name, check in checks.items() if not check["ok"]} == {
        "secrets",
        "element freshservice",
        "element sendgird",
    }
    assert "desk lacks subdomain" in checks["element freshservice"]["what"]
    assert "did you mean 'subdomain'" in checks["element freshservice"]["what"]
    assert len(checks["secrets"]["commands"]) == 2  # a key that nobody knows may be a secret
    command = checks["secrets"]["commands"][0]
    assert command == (
        "pulumi config set --secret --path cloud-elements:instances.desk.configuration.password "
        "--stack test"
    )
    table = workplace.elements("doctor")
    assert f"  {command}\n" in table.stderr
    assert "7731" not in said.all + table.all


def test_a_journal_that_remembers_nothing_is_told(deployed, monkeypatch):
    """By the rule of pulumi up, and nothing where it was switched off."""
    folder = Path(deployed.project.env["PULUMI_HOME"]) / "cloud-elements"
    folder.write_text("in the way")

    said = deployed.elements("doctor", "--json")

    assert said.code == 3
    line = report(said)["journal"]
    assert not line["ok"]
    assert f"{folder} can't be written: File exists" in line["what"]
    assert "move away what stands in its place" in line["what"]
    assert folder.read_text() == "in the way"

    monkeypatch.setenv("CLOUD_ELEMENTS_JOURNAL", "false")
    line = report(deployed.elements("doctor", "--json"))["journal"]
    assert (line["ok"], line["what"][:4]) == (True, "off:")


def test_a_clock_that_was_set_back_is_told(deployed):
    """Whatever the platform's clock says: the journal is from the future."""
    marked = Markers(*Stack(Project(), "test").marker_tags("mail"))
    home = Path(deployed.project.env["PULUMI_HOME"]) / "cloud-elements"
    tomorrow = Time(wall=lambda: time.time() + 86_400)
    History(home, platform=deployed.sandbox.base_url, clock=tomorrow).note(marked, Fate.SENT)

    line = report(deployed.elements("doctor", "--json"))["journal"]

    assert not line["ok"]
    assert "which is in the future: this machine's clock was set back" in line["what"]


CLEAR = """
leads:
  element: closeio
  configuration: {username: api-key-7731}
posts:
  element: twitter
  provider_data: {oauth_token: tok-7731, oauth_verifier: {secure: x}}
  configuration:
    oauth.callback.url: 'https://x.example/'
    oauth.scope: a
    odd: odd-7731
    in.password: [{secure: x}, {deep: [deep-7731, '', {secure: x}]}]
    event.metadata: {shown: plain, apiToken: {value: nested-7731}}
files:
  element: onedrivebusiness
  code: code-7731
"""


@pytest.mark.parametrize("reached", [True, False])
def test_a_secret_in_clear_is_found_wherever_it_stands(workplace, monkeypatch, reached):
    """What the platform's metadata don't call plain counts too, once they are there."""
    workplace.declare(CLEAR.replace("{secure: x}", "x"))
    for path in (
        "provider_data.oauth_verifier",
        'configuration["in.password"][0]',
        'configuration["in.password"][1].deep[2]',
    ):
        workplace.project.config_set(
            f"cloud-elements:instances.posts.{path}", "v", secret=True, path=True
        )
    if not reached:
        monkeypatch.setenv("CLOUD_ELEMENTS_USER_SECRET", "wrong")

    said = workplace.elements("doctor", "--json")

    found = [
        shlex.split(command)[5].removeprefix("cloud-elements:instances.")
        for command in report(said)["secrets"]["commands"]
    ]
    by_metadata = ["posts.configuration.odd"] if reached else []  # a user name is plain there
    always = [
        "files.code",
        "posts.provider_data.oauth_token",
        'posts.configuration["in.password"][1].deep[0]',
        'posts.configuration["event.metadata"].apiToken.value',
    ]
    assert sorted(found) == sorted([*always, *by_metadata])
    assert "7731" not in said.all


def test_what_an_oauth_proxy_holds_is_not_missed(workplace):
    """Key, secret and callback URL of the application are the proxy's."""
    workplace.declare("files:\n  element: onedrivebusiness\n  oauth_proxy: TestApp\n")

    assert report(workplace.elements("doctor", "--json"))["element onedrivebusiness"]["ok"]


def test_what_need_not_be_given_is_not_demanded(workplace):
    """An adopted instance has its keys; the callback URL comes with the code, if one is needed."""
    workplace.declare(
        "old:\n  element: weebly\n  external_authentication: initial\n"
        "  configuration: {oauth.api.key: a, oauth.api.secret: b, oauth.user.refresh_token: c}\n"
        "desk:\n  element: freshservice\n  adopt: '427001'\n"
        "files:\n  element: onedrivebusiness\n"
        "  configuration: {oauth.api.key: a, oauth.api.secret: b}\n"
        "late:\n  element: hubspot\n  code: c\n"
        "  configuration: {oauth.api.key: a, oauth.api.secret: b}\n"
    )

    checks = report(workplace.elements("doctor", "--json"))

    assert checks["element freshservice"]["ok"]
    assert checks["element weebly"]["what"] == "1 declared, nothing is missing"
    assert checks["element onedrivebusiness"]["ok"]
    assert (
        "by 'elements authorize files --stack test'" in checks["element onedrivebusiness"]["what"]
    )
    assert checks["element hubspot"]["what"].startswith("late lacks oauth.callback.url")


def test_without_pulumi_its_line_fails(workplace, monkeypatch):
    """What needs no stack is checked all the same, and nothing is said twice."""
    monkeypatch.setenv("PATH", "")

    said = workplace.elements("doctor", "--json")

    failed = {name: check["what"] for name, check in report(said).items() if not check["ok"]}
    assert list(failed) == ["pulumi"]
    assert "is not on PATH" in failed["pulumi"]
    assert {"settings", "platform", "clock"} <= set(report(said))


@pytest.mark.parametrize(
    ("version", "ok", "said"),
    [
        ("v3.200.0", False, "or newer is needed"),
        ("v3.259.0", True, "; it shows secrets when it refuses a saved plan"),
        ("v3.274.0-alpha.1", True, "; it shows secrets when it refuses a saved plan"),
        ("v3.274.1", True, "v3.274.1"),
        ("v3.300.0", True, "v3.300.0"),
        ("v4.0.0", True, "v4.0.0"),
    ],
)
def test_what_a_version_of_pulumi_can_not_do_is_told(workplace, monkeypatch, version, ok, said):
    real = workplace.project.engine.path
    command = workplace.project.home / "pulumi-of-another-version" / "pulumi"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo {version} || exec {real} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{workplace.project.env['PATH']}")

    line = report(workplace.elements("doctor", "--json"))["pulumi"]

    assert line["ok"] is ok
    assert said in line["what"]
    assert line["what"].startswith(version)
    assert ("--plan" in line["what"]) is said.startswith(";")


def test_wrong_secrets_fail_the_platforms_line(workplace, monkeypatch):
    """What follows from it is not asked."""
    monkeypatch.setenv("CLOUD_ELEMENTS_USER_SECRET", "wrong-7731")

    said = workplace.elements("doctor", "--json")

    assert said.code == 3
    assert "check CLOUD_ELEMENTS_USER_SECRET" in report(said)["platform"]["what"]
    assert "clock" not in report(said)
    assert "7731" not in said.all


def test_missing_settings_fail_their_line(workplace, monkeypatch):
    """The line names the variable and the stack's key."""
    monkeypatch.delenv("CLOUD_ELEMENTS_BASE_URL")

    settings = report(workplace.elements("doctor", "--json"))["settings"]

    assert not settings["ok"]
    assert "CLOUD_ELEMENTS_BASE_URL (or cloud-elements:baseUrl) is not set" in settings["what"]


def test_a_wrong_stack_fails_its_line(workplace):
    """Everything that needs no stack is checked all the same."""
    said = workplace.elements("doctor", "--stack", "nope", "--json")

    assert said.code == 3
    assert [name for name, check in report(said).items() if not check["ok"]] == ["stack"]
    assert {"loopback", "settings", "platform", "clock"} <= set(report(said))


def test_without_a_stack_and_settings_no_more_is_asked(workplace, monkeypatch):
    """The stack may hold them: its own line says what to do first."""
    monkeypatch.delenv("CLOUD_ELEMENTS_USER_SECRET")

    assert "settings" not in report(workplace.elements("doctor", "--stack", "nope", "--json"))


@pytest.mark.parametrize(
    ("date", "ok", "says"),
    [
        ("Mon, 23 Nov 2026 12:00:00 GMT", True, "0 s"),
        ("Mon, 23 Nov 2026 12:01:00 GMT", True, "60 s behind"),
        ("Mon, 23 Nov 2026 12:01:01 GMT", False, "set this machine's clock"),
        ("Mon, 23 Nov 2026 11:00:00 GMT", False, "3600 s ahead of"),
        ("nonsense", True, "does not tell"),
        ("", True, "does not tell"),
        (None, True, "does not tell"),
    ],
)
def test_the_clock_may_differ_by_a_minute(date, ok, says):
    """More than that, and codes and certificates are judged wrongly."""
    check = clock_check(date, datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert check.ok is ok
    assert says in check.what


def test_search_finds_by_every_word(workplace):
    """Words in key, name, hub, description or kind; the key comes first."""
    found = json.loads(workplace.elements("search", "CRM", "api", "--json").stdout)

    assert [one["key"] for one in found] == ["closeio"]
    assert "onedrivebusiness" in workplace.elements("search", "drive").stdout


def test_search_that_finds_nothing_says_so(workplace):
    """Exit code 3, and the nearest key."""
    said = workplace.elements("search", "hubsport")

    assert said.code == 3
    assert "did you mean 'hubspot'?" in said.stderr


@pytest.mark.parametrize("element", [one.key for one in BUILT_IN])
def test_describe_gives_an_entry_that_parses(workplace, element):
    """Pasted under `config:`, it is valid; what is required stands there or as a command."""
    said = workplace.elements("describe", element, "--name", "mine", "--stack", "test")

    assert said.code == 0, said.stderr
    entry = yaml.safe_load(f"config:\n{said.stdout}")["config"]["cloud-elements:instances"]["mine"]
    assert parse({"mine": entry})["mine"].element == element
    details = json.loads(workplace.elements("describe", element, "--json").stdout)
    given = entry["configuration"] or {}
    for key in details["configuration"]:
        if key["required"] and not key["group"]:
            command = setting_path("mine", "configuration", key["key"]) in said.stdout
            assert (key["secret"], key["secret"]) == (key["key"] not in given, command), key


@pytest.mark.parametrize(
    ("element", "events"),
    [
        ("closeio", {"by": "polling", "to": "https://app.example.com/events", "every": 15}),
        ("weebly", {"by": "webhook", "to": "https://app.example.com/events"}),
        ("sendgrid", None),
    ],
)
def test_describe_tells_of_events_in_their_own_words(workplace, element, events):
    """The comment is what an entry takes; an element that has none is told of none."""
    said = workplace.elements("describe", element, "--name", "mine")

    lines = [line for line in said.stdout.splitlines() if line.startswith("      # events:")]
    told = [yaml.safe_load(line.replace("#", ""))["events"] for line in lines]
    assert told == ([] if events is None else [events])
    for one in told:
        assert parse({"mine": {"element": element, "events": one}})


@pytest.mark.parametrize("element", [one.key for one in BUILT_IN if one.kind.startswith("oauth")])
def test_what_describe_says_leads_to_consent(workplace, element):
    """Pasted and its commands run, the entry is one that `authorize` takes."""
    said = workplace.elements("describe", element, "--name", "mine", "--stack", "test")
    assert "# Then connect it: elements authorize mine --stack test --up" in said.stdout
    workplace.declare(dedent(said.stdout.partition("cloud-elements:instances:\n")[2]))
    entry = yaml.safe_load(workplace.file.read_text())["config"]["cloud-elements:instances"]["mine"]
    assert entry["configuration"]["oauth.callback.url"] == "http://127.0.0.1:8080/callback"
    assert said.stdout.count("; not needed with external_authentication: initial\n") == 1
    for key in ("oauth.api.key", "oauth.api.secret"):
        path = setting_path("mine", "configuration", key)
        command = f"pulumi config set --secret --path {shlex.quote(path)} --stack test"
        assert said.stdout.count(command) == 1
        workplace.project.config_set(path, f"{key}-7731", secret=True, path=True)

    said = workplace.process("authorize", "mine", "--paste", "--no-browser", stdin="a-code")

    assert said.code == 0, said.stderr


HOSTILE = {
    "key": "odd",
    "name": "a\n  b: c",
    "configuration": [
        {
            "key": "authentication.type",
            "type": "SELECT",
            "groupControl": True,
            "defaultValue": "oauth2",
            "options": [{"value": "oauth2"}, {"value": "x\n  injected: 1"}],
        },
        {"key": "k\n  l: m", "name": "n\u2028o", "groupName": "g\n  h: i", "required": True},
        {"key": "oauth.api.secret", "defaultValue": "preset", "hideFromConsole": True},
        {"key": "empty", "required": True, "defaultValue": "", "type": "TEXTFIELD_32"},
    ],
}


def test_what_metadata_say_stays_in_its_comment(workplace, monkeypatch):
    """Line breaks in names, keys, groups and choices add no line to the entry."""
    element = wire.Element.model_validate(HOSTILE)
    monkeypatch.setattr(CloudElementsClient, "get_element", lambda *_: element)

    said = workplace.elements("describe", "odd")

    entry = yaml.safe_load(f"config:\n{said.stdout}")["config"]
    assert entry == {
        "cloud-elements:instances": {
            "odd": {
                "element": "odd",
                "configuration": {
                    "authentication.type": "oauth2",
                    "oauth.callback.url": "http://127.0.0.1:8080/callback",
                },
            }
        }
    }
    for key in ("oauth.api.key", "oauth.api.secret"):
        assert f'configuration["{key}"]' in said.stdout
    details = json.loads(workplace.elements("describe", "odd", "--json").stdout)
    required = {key["key"] for key in details["configuration"] if key["required"]}
    application = {"oauth.callback.url", "oauth.api.key", "oauth.api.secret"}
    assert required - application == {"k\n  l: m"}
    assert application < required


def test_describe_needs_no_project_when_the_environment_is_complete(
    workplace, monkeypatch, tmp_path
):
    """Looking around comes before there is a stack."""
    monkeypatch.chdir(tmp_path)

    assert workplace.elements("describe", "freshservice").code == 0
    assert workplace.elements("search", "drive").code == 0


def test_what_is_missing_outside_a_project_is_named(workplace, monkeypatch, tmp_path):
    """Whoever only looks around needs no project, but the variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLOUD_ELEMENTS_USER_SECRET")

    said = workplace.elements("search", "drive")

    assert said.code == 1
    assert "CLOUD_ELEMENTS_USER_SECRET (or cloud-elements:userSecret) is not set" in said.stderr
    assert "There is no Pulumi.yaml here or above" in said.stderr


def test_a_failing_pulumi_is_named_without_its_options(workplace):
    """The value of an option is no subcommand."""
    said = workplace.elements("status", "--stack", "nope")

    assert said.stderr.startswith("'pulumi config' failed: no stack named 'nope' found")


def test_describe_of_an_unknown_element_helps_on(workplace):
    """The nearest key, or how to look for it."""
    assert "did you mean 'hubspot'" in workplace.elements("describe", "hubsport").stderr
    said = workplace.elements("describe", "zzz")
    assert said.code == 1
    assert "look for it by 'elements search zzz'" in said.stderr


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "sandbox"])  # its own
def test_help_teaches(workplace, name):
    """Every command's help has examples, and says what each option means."""
    said = workplace.elements(*name.split(), "--help")

    assert said.code == 0
    assert re.search(r"^ +Examples?:$", said.stdout, re.MULTILINE)
    assert f"elements {name}" in said.stdout.partition("xample")[2]
    assert all(option.help for option in COMMANDS[name].params if option.name != "instance")
    assert "--json" in said.stdout


def test_the_list_of_commands_is_not_cut(workplace):
    """Each first sentence fits beside its command in 80 columns."""
    said = workplace.process("--help")

    assert "..." not in said.stdout.partition("Commands:")[2]


def test_the_documentation_knows_every_command_option_and_exit_code():
    """docs/cli.md leaves nothing out."""
    text = DOCUMENT.read_text()

    sections = {
        name: section
        for names, section in re.findall(
            r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
        )
        for name in names.split(", ")
    }
    for name, command in COMMANDS.items():
        for option in command.params:
            if option.name != "help":
                words = (*option.opts, option.name.upper(), option.metavar)
                assert any(f"`{word}" in sections[name] for word in words), (name, option.name)
    for code in Exit:
        assert re.search(rf"^\|[\d, ]*\b{code.value}\b[\d, ]*\|", text, re.MULTILINE), code


def test_version_and_module(workplace):
    """`python -m provider --version` is the same command."""
    said = workplace.process("--version")

    assert said.code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", said.stdout)


def test_another_folder_can_be_named(workplace, monkeypatch, tmp_path):
    """`-C` works like pulumi's."""
    folder = str(workplace.project.folder)
    monkeypatch.chdir(tmp_path)

    assert workplace.elements("-C", folder, "status").code == 0
    monkeypatch.chdir(tmp_path)
    assert workplace.elements("status").code == 1


def test_nonsense_is_a_usage_error(workplace):
    """Exit code 2, and no traceback."""
    for arguments in (
        ["nope"],
        ["status", "--nope"],
        ["authorize"],
        ["authorize", "a", "--port", "0"],
    ):
        said = workplace.elements(*arguments)
        assert said.code == 2
        assert "Traceback" not in said.all


MISREAD = """
desk:
  element: sendgrid
  configuration: {api.token: {secure: x}, phone: 0123, since: 2024-01-31, event.metadata: }
"""


def test_what_pulumi_reads_as_another_value_is_told_and_saved_from_being_rewritten(workplace):
    """By every command that reads the stack, so that none has the file written anew."""
    workplace.declare(MISREAD.replace("{secure: x}", "t"))
    before = workplace.file.read_bytes()
    place = "cloud-elements:instances.desk.configuration"

    stack = report(workplace.elements("doctor", "--json"))["stack"]

    assert not stack["ok"]
    date = "2024-01-31 00:00:00 +0000 UTC"
    assert stack["what"].splitlines() == [
        f"{place}.phone: written 0123, read as 83: put it in quotes",
        f"{place}.since: written 2024-01-31, read as {date}: put it in quotes",
    ]
    for command in ("status", "authorize desk", "export"):
        said = workplace.elements(*command.split())
        assert said.code == 1, command
        assert f"{place}.phone: written 0123" in said.stderr
    assert workplace.file.read_bytes() == before


def test_what_may_be_meant_otherwise_is_told_beside_the_stack(workplace):
    """Null, and what `pulumi config set` made of a date and of a telephone number."""
    workplace.declare("desk:\n  element: sendgrid\n  configuration: {event.metadata: }\n")
    path = 'cloud-elements:instances.desk.configuration["phone"]'
    workplace.project.config_set(path, "+4930123456", path=True)

    stack = report(workplace.elements("doctor", "--json"))["stack"]

    assert stack["ok"]
    assert "configuration.event.metadata: is null, so it counts as not given" in stack["what"]
    assert "configuration.phone: is a number: where 'pulumi config set --path'" in stack["what"]


def test_a_path_that_became_a_key_is_refused(workplace):
    """The command that was meant is told."""
    workplace.declare("desk:\n  element: sendgrid\n")
    workplace.project.config_set("cloud-elements:instances.desk.protect", "true")
    try:
        stack = report(workplace.elements("doctor", "--json"))["stack"]
    finally:
        workplace.project.run("config", "rm", "cloud-elements:instances.desk.protect")

    assert not stack["ok"]
    told = "then pulumi config set --path cloud-elements:instances.desk.protect VALUE"
    assert stack["what"].endswith(told)


def test_a_secret_in_clear_is_found_in_what_is_merged_and_in_json_text(workplace):
    """The file is read as Pulumi reads it."""
    workplace.declare(
        "base: &base\n  element: sendgrid\n  configuration: {api.token: t-7731}\n"
        "desk:\n  <<: *base\n"
    )
    merged = report(workplace.elements("doctor", "--json"))["secrets"]
    text = '{"mail": {"element": "sendgrid", "configuration": {"api.token": "t-7731"}}}'
    workplace.declare("")
    workplace.project.config_set("cloud-elements:instances", text)
    given = report(workplace.elements("doctor", "--json"))["secrets"]

    assert [len(one["commands"]) for one in (merged, given)] == [2, 1]


def test_a_namesake_of_the_package_has_a_line_of_its_own(workplace):
    """Python would find it first."""
    own = workplace.project.folder / "pulumi_cloud_elements"
    own.mkdir()
    (own / "__init__.py").touch()
    try:
        package = report(workplace.elements("doctor", "--json"))["package"]
    finally:
        shutil.rmtree(own)

    assert not package["ok"]
    assert "pulumi_cloud_elements hides the package" in package["what"]
