"""What stands in a stack file, as the real engine reads it and the real program gets it."""

import json
import re
from textwrap import dedent, indent

import pytest

from tools.pulumi_project import ROOT

KEY = "cloud-elements:instances"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine stores for a value that it does not know."""


def declare(project, entries, more=""):
    """Write the stack's file, keeping the salt of its encryption."""
    path = project.stack_file()
    salt = [line for line in path.read_text().splitlines() if line.startswith("encryptionsalt")]
    entries = indent(dedent(entries).strip("\n"), " " * 4)
    path.write_text("\n".join([f"config:\n  {KEY}:\n{entries}\n{more}", *salt, ""]))


def told(project, *arguments, expect=1):
    """Return what a preview says of the stack's configuration, line by line."""
    said = project.preview(*arguments, expect=expect).stdout
    said = said[said.index("Diagnostics:") :]
    return [line.strip().removeprefix("error: ") for line in re.findall(f".*{KEY}.*", said)]


MISREAD = {
    "052812345678": "52812345678",
    "0123": "83",
    "007": "7",
    "00": "0",
    "0x1F": "31",
    "0o17": "15",
    "0b11": "3",
    "1_000": "1000",
    "+4930123456": "4930123456",
    "3.10": "3.1",
    ".5": "0.5",
    "1e5": "100000",
    "1e21": "1000000000000000000000",
    "-0": "0",
    "True": "true",
    "2024-01-31": "2024-01-31 00:00:00 +0000 UTC",
    "2024-01-31 10:00:00.5": "2024-01-31 10:00:00.5 +0000 UTC",
}
KEPT = [
    *("30", "-1", "1.5", "0.1", "true", "false", "yes", "no", "on", "off", "y", "1:20:30"),
    *('"0123"', "'2024-01-31'", "!!str 0123", "!foo 0o8", "=", "2024-01", "08x", '"~"'),
]


def test_a_value_that_pulumi_reads_as_another_is_refused(project, sandbox):
    """And all the others come to the platform as they are written."""
    lines = [f"k{number}: {value}" for number, value in enumerate([*MISREAD, *KEPT])]
    lines += [
        "3.10: key",
        "base: &n 010",
        "alias: *n",
        "list: [0123, {deep: 1.0}]",
        "block: |",
        "  07",
    ]
    entry = "mail:\n  element: sendgrid\n  configuration:\n    api.token: t\n"
    declare(project, entry + indent("\n".join(lines), " " * 4))

    said = told(project)

    place = f"{KEY}.mail.configuration"
    expected = [
        f"{place}.k{number}: written {written}, read as {read}: put it in quotes"
        for number, (written, read) in enumerate(MISREAD.items())
    ] + [
        f"{place}.3.10: written 3.10, read as 3.1: put it in quotes",
        f"{place}.base: written 010, read as 8: put it in quotes",
        f"{place}.alias: written 010, read as 8: put it in quotes",
        f"{place}.list[0]: written 0123, read as 83: put it in quotes",
        f"{place}.list[1].deep: written 1.0, read as 1: put it in quotes",
    ]
    assert [line for line in said if "too large" not in line] == expected
    declare(project, entry + indent("\n".join(lines[len(MISREAD) : -6]), " " * 4))
    project.up()
    [instance] = sandbox.instances()
    held = [instance["configuration"][f"k{len(MISREAD) + n}"] for n in range(len(KEPT))]
    assert held == [re.sub(r"^!\S+ |[\"']", "", value) for value in KEPT]
    project.preview("--expect-no-changes")


def test_digits_that_are_set_as_text_stay_as_they_are(project):
    """Without `--type` the plus is gone, which a preview can only suspect."""
    declare(project, "mail: {element: sendgrid, configuration: {api.token: t}}")
    path = f"{KEY}.mail.configuration.phone"
    project.run("config", "set", "--path", path, "+4930123456")
    [suspicion] = told(project, expect=0)
    assert suspicion.startswith(f"warning: {path}: is a number: where 'pulumi config set --path'")
    project.run("config", "set", "--path", "--type", "string", path, "+4930123456")
    assert "warning: cloud-elements:" not in project.preview().stdout
    assert 'phone: "+4930123456"' in project.stack_file().read_text()


def test_a_number_from_another_file_is_told(project):
    """What is written there nobody shows to the program."""
    declare(project, "mail: {element: sendgrid, configuration: {api.token: t, pages: 010}}")
    own, other = project.stack_file(), project.folder / "other.yaml"
    own.rename(other)
    own.write_text(re.search("encryptionsalt.*", other.read_text())[0])
    [said] = told(project, "--config-file", str(other), expect=0)
    assert said.startswith(f"warning: {KEY}.mail.configuration.pages: is a number that the stack")


def test_settings_are_refused_as_well_and_secrets_not_repeated(project):
    entry = "mail: {element: sendgrid, configuration: {api.token: 07654321, note: 'x'}, code: 0777}"
    declare(project, entry, "  cloud-elements:owner: 0123\n")
    said = project.preview(expect=1).stdout
    assert "cloud-elements:owner: written 0123, read as 83: put it in quotes" in said
    for path in ("configuration.api.token", "code"):
        assert f"{KEY}.mail.{path}: is read as a value other than the one" in said
    assert not {"07654321", "2054353", "0777", "511"} & set(re.findall(r"\d+", said))


def test_null_counts_as_not_given_and_the_preview_says_so(project, sandbox):
    declare(
        project,
        """
        mail:
          element: sendgrid
          code:
          configuration:
            api.token: t
            event.metadata:
            event.objects: [a, ~, {deep: null}]
        """,
    )
    project.up()
    [made] = [entry for entry in sandbox.journal() if entry["method"] == "POST"]
    assert made["body"]["configuration"]["event.objects"] == ["a", {}]
    assert "event.metadata" not in made["body"]["configuration"]
    assert [line.partition(": ")[2] for line in told(project, "--expect-no-changes", expect=0)] == [
        f"{KEY}.mail.{place}: is null, so it counts as not given"
        for place in (
            "code",
            "configuration.event.metadata",
            "configuration.event.objects[1]",
            "configuration.event.objects[2].deep",
        )
    ]


def test_null_in_a_program_counts_as_not_given_too(new_project, sandbox):
    project = new_project(
        program=dedent("""\
        from provider import ElementInstance
        values = {"api.token": "t", "event.metadata": None, "event.objects": ["a", None]}
        ElementInstance("mail", "sendgrid", configuration=values)
        """)
    )
    said = project.up().stdout
    assert "configuration.event.objects.1: is null, so it counts as not given" in said
    [made] = [entry for entry in sandbox.journal() if entry["method"] == "POST"]
    assert made["body"]["configuration"]["event.objects"] == ["a"]
    assert "event.metadata" not in made["body"]["configuration"]
    project.preview("--expect-no-changes")


@pytest.mark.parametrize(
    ("way", "key"),
    [("set", 'instances["mail"].protect'), ("preview", "instances.mail.protect")],
)
def test_a_path_that_became_a_key_is_refused_and_the_commands_told_mend_it(project, way, key):
    declare(project, "mail: {element: sendgrid, configuration: {api.token: t}}")
    if way == "set":
        project.config_set(f"cloud-elements:{key}", "true")
    given = [] if way == "set" else ["--config", f"cloud-elements:{key}=true"]

    [said] = told(project, *given)

    assert said.startswith(f"cloud-elements:{key}: is a key of its own, which nobody reads")
    assert said.endswith(f"then pulumi config set --path {KEY}.mail.protect VALUE")
    project.run("config", "rm", f"cloud-elements:{key}")
    project.run("config", "set", "--path", f"{KEY}.mail.protect", "true")
    project.preview()
    assert "protect: true" in project.stack_file().read_text()


ONE = "mail: {element: sendgrid, configuration: {api.token: first-token-7731}}"
TWO = ONE + "\nmore: {element: sendgrid, configuration: {api.token: second-token-7731}}"


@pytest.mark.parametrize("option", ["--target", "--exclude"])
def test_what_a_run_leaves_out_shows_no_configuration_in_its_outputs(project, option):
    declare(project, ONE)
    project.up()
    declare(project, TWO)
    name = "more" if option == "--exclude" else "mail"
    kind = "pulumi-python:dynamic/cloud-elements:ElementInstance"
    urn = f"urn:pulumi:test::cloud-elements::{kind}::{name}"

    said = project.preview(option, urn).stdout + project.up(option, urn).stdout

    stored = json.dumps(project.export()["deployment"]["resources"][0]["outputs"])
    assert "7731" not in said + stored
    assert UNKNOWN not in stored
    shown = project.outputs(show_secrets=True)["more"]
    assert shown.pop("configuration") == {"api.token": "second-token-7731"}
    assert set(shown.values()) == {None}
    assert project.outputs()["more"]["configuration"] == "[secret]"
    project.up()
    assert None not in project.outputs(show_secrets=True)["more"].values()


def test_a_programs_own_exports_are_secret_where_the_run_leaves_it_out(new_project):
    program = """\
    import pulumi
    from provider import ElementInstance
    mail = ElementInstance("mail", "sendgrid", configuration={"api.token": "token-7731"})
    pulumi.export("configuration", mail.configuration)
    """
    project = new_project(program=dedent(program))
    project.up("--target", "urn:pulumi:test::cloud-elements::pulumi:pulumi:Stack::x", expect=None)
    project.up("--exclude", "**ElementInstance::mail")
    assert "7731" not in project.everything_said()
    assert project.outputs() == {"configuration": "[secret]"}


SHARED = """
base: &base
  element: sendgrid
  configuration: &plain
    api.token: {secure: SECRET}
    event.metadata: shown-7731
mail: *base
more:
  <<: *base
  configuration: {<<: *plain, event.objects: shown-too-7731}
"""


@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.yml"])
def test_plain_values_stay_plain_beside_a_secret_wherever_the_program_lies(project, name):
    """With `main`, merge keys and aliases, and by whatever name the project file goes."""
    project.config_set("cloud-elements:hidden", "secret-token-7731", secret=True)
    [secure] = re.findall("secure: (.*)", project.stack_file().read_text())
    path = project.folder / "Pulumi.yaml"
    text = path.read_text() + "main: program\n"
    path.unlink()
    (project.folder / name).write_text(text)
    before = project.stack_file()
    after = before.with_suffix((project.folder / name).suffix)
    program = project.folder / "program"
    program.mkdir()
    (project.folder / "__main__.py").rename(program / "__main__.py")
    for linked in ("provider", ".venv"):
        (program / linked).symlink_to(ROOT / linked)
    declare(project, SHARED.replace("SECRET", secure))
    before.rename(after)
    project.select("test")  # which Pulumi remembers by the project file

    project.up()

    resources = json.loads(project.export_text())["deployment"]["resources"]
    inputs = {
        one["urn"].rpartition("::")[2]: one["inputs"]["configuration"]
        for one in resources
        if "ElementInstance" in one["type"]
    }
    assert {name: one["event.metadata"] for name, one in inputs.items()} == dict.fromkeys(
        ("base", "mail", "more"), "shown-7731"
    )
    assert inputs["more"]["event.objects"] == "shown-too-7731"
    assert all("ciphertext" in one["api.token"] for one in inputs.values())


IGNORING = """\
import pulumi
from provider import ElementInstance
config = pulumi.Config()
ElementInstance(
    "mail", "sendgrid",
    configuration={"api.token": "t", "event.metadata": config.get("value") or "before"},
    opts=pulumi.ResourceOptions(ignore_changes=[config.require("ignored")]),
)
"""


def test_ignore_changes_takes_the_bracket_form_and_the_dotted_one_is_told(new_project):
    project = new_project(program=IGNORING)
    project.config_set("ignored", 'configuration["event.metadata"]')
    assert "names nothing" not in project.up().stdout
    project.config_set("value", "after")
    project.preview("--expect-no-changes")
    project.config_set("ignored", "configuration.event.metadata")
    said = project.preview().stdout
    assert "~ 1 to update" in said
    told = (
        """'configuration.event.metadata' names nothing; write 'configuration["event.metadata"]'"""
    )
    assert f"ignore_changes: {told}" in said


def test_a_provider_of_the_program_s_own_hides_nothing(project, sandbox):
    (project.folder / "provider").unlink()
    (project.folder / "provider.py").write_text("mine = True\n")
    program = project.folder / "__main__.py"
    program.write_text(f"import provider\nassert provider.mine\n{program.read_text()}")
    declare(project, ONE)
    project.up()
    assert len(sandbox.instances()) == 1
    project.destroy()
    assert sandbox.instances() == []


def test_a_stack_moves_to_events_and_defaults_without_an_update(project, sandbox):
    """The keys, the words for them, and the words in what entries share all mean the same."""
    to, key = "https://app.example/7731", "signature-7731"
    basic = "subdomain: acme, username: someone, password: hidden-7731"
    keys = (
        f"event.notification.enabled: true, event.vendor.type: polling, "
        f'event.notification.callback.url: "{to}", event.poller.refresh_interval: 5, '
        f"event.notification.signature.key: {key}, filter.response.nulls: false"
    )
    events = f'{{by: polling, to: "{to}", every: 5, signature_key: {key}}}'
    entry = "desk: {{element: freshservice, tags: [a], {}}}"
    declare(project, entry.format(f"configuration: {{{basic}, {keys}}}"))
    project.up()
    before = sandbox.instances()

    words = f"events: {events}, filter_response_nulls: false"
    declare(project, entry.format(f"configuration: {{{basic}}}, {words}"))
    project.preview("--expect-no-changes")
    project.up()
    shared = (
        f"  cloud-elements:defaults:\n    freshservice: {{configuration: {{{basic}}}, {words}}}"
    )
    declare(project, "desk: {element: freshservice, tags: [a]}", shared)
    project.preview("--expect-no-changes")
    project.up()

    assert sandbox.instances() == before
    kept = project.export()["deployment"]["resources"]
    [held] = [one for one in kept if one["type"].endswith(":ElementInstance")]
    assert "7731" not in json.dumps(held)
    declare(project, "desk: {element: freshservice, tags: [a], events: {every: 30}}", shared)
    assert "1 to update" in project.preview().stdout
    project.up()
    [instance] = sandbox.instances()
    assert instance["configuration"]["event.poller.refresh_interval"] == "30"
    assert instance["configuration"]["event.notification.callback.url"] == to
    project.refresh()
    project.preview("--expect-no-changes")
