"""The main path by the real engine: declared in a stack file, made, changed, drifted, destroyed.

After each step everything that was said and stored is searched for every secret.
"""

import json
import re
from pathlib import Path

import pytest
import yaml

KEY = "cloud-elements:instances"
PATH = f"{KEY}.invoices"


@pytest.fixture
def secrets(sandbox):
    """Return a function that lists every secret there is by now."""
    ours = {
        "the-api-secret",
        "another-api-secret",
        sandbox.user_secret,
        sandbox.organization_secret,
    }

    def known():
        found = set(ours)
        for instance in sandbox.instances():
            found.add(instance["token"])
            found |= {
                value
                for key, value in instance["configuration"].items()
                if value and (key.startswith("oauth.user.token") or key.endswith("refresh_token"))
            }
        found |= {
            entry["body"]["providerData"]["code"]
            for entry in sandbox.journal()
            if isinstance(entry["body"], dict) and "code" in entry["body"].get("providerData", {})
        }
        ours.update(found)
        return found

    return known


@pytest.fixture
def step(project, secrets):
    """Return a function that runs one command and then looks for secrets everywhere."""

    def run(result):
        said = project.everything_said()  # the state's file as well
        leaked = [secret for secret in secrets() if secret in said]
        assert not leaked
        return result.stdout + result.stderr

    return run


def declare(project, element="onedrivebusiness", **entries):
    """Write the declaration of one instance as a user does."""
    plain = {
        "element": element,
        'configuration["oauth.api.key"]': "the-api-key",
        'configuration["oauth.callback.url"]': "https://app.example.com/callback",
    } | entries
    flags = [part for key in plain for part in ("--plaintext", f"{PATH}.{key}={plain[key]}")]
    secret = f'{PATH}.configuration["oauth.api.secret"]=the-api-secret'
    project.run("config", "set-all", "--path", *flags, "--secret", secret)


def new_code(project, sandbox, element="onedrivebusiness"):
    """Put a fresh authorization code into the stack, as a secret."""
    project.config_set(f"{PATH}.code", sandbox.new_code(element), secret=True, path=True)


def requests(sandbox, method):
    """Return the requests of one method to /instances."""
    return [
        entry
        for entry in sandbox.journal()
        if entry["method"] == method and entry["path"].split("?")[0].startswith("/instances")
    ]


def traced(project):
    """Return the files in which the state says that the instance was declared, innermost first."""
    state = json.loads(project.export_text())
    [instance] = [r for r in state["deployment"]["resources"] if "ElementInstance" in r["type"]]
    positions = [frame["sourcePosition"] for frame in instance["stackTrace"]]
    return [re.fullmatch("project:///(.+)#[0-9]+", position)[1] for position in positions]


@pytest.mark.older
def test_a_life(project, sandbox, step):
    declare(project, **{"tags[0]": "billing"})
    step(project.preview(expect=None))  # with older engines a refusal
    assert sandbox.instances() == []

    new_code(project, sandbox)
    step(project.up())
    [instance] = sandbox.instances()
    assert instance["name"] == "invoices"
    assert "billing" in instance["tags"]
    outputs = project.outputs(show_secrets=True)["invoices"]
    assert outputs["id"] == str(instance["id"])
    assert outputs["token"] == instance["token"]
    assert outputs["configuration"]["oauth.api.secret"] == "the-api-secret"
    runtime = [key for key in outputs["configuration"] if key.startswith("oauth.user.")]
    assert runtime == ["oauth.user.refresh_interval"]
    assert project.outputs()["invoices"]["token"] == "[secret]"
    assert len(requests(sandbox, "POST")) == 1
    *inner, outermost = traced(project)
    assert outermost == "__main__.py"
    assert {Path(path).parent.name for path in inner} == {"provider"}

    step(project.preview("--expect-no-changes"))  # asks once whether the create made a second one
    before = len(requests(sandbox, "GET"))
    step(project.preview("--expect-no-changes"))
    step(project.up("--expect-no-changes"))
    assert len(requests(sandbox, "GET")) == before
    step(project.refresh("--expect-no-changes"))
    assert len(requests(sandbox, "GET")) == before + 2  # the instance, and the stack's list

    step(project.run("config", "rm", "--path", f"{PATH}.code"))
    step(project.up("--expect-no-changes"))

    project.config_set(f'{PATH}.configuration["document.tagging"]', "true", path=True)
    project.config_set(
        f'{PATH}.configuration["oauth.api.secret"]', "another-api-secret", secret=True, path=True
    )
    shown = step(project.preview("--diff"))
    assert "document.tagging" in shown
    assert "[secret]" in shown
    step(project.up())
    [changed] = sandbox.instances()
    assert changed["id"] == instance["id"]
    assert changed["configuration"]["document.tagging"] == "true"
    assert changed["configuration"]["oauth.api.secret"] == "another-api-secret"

    sandbox.update_instance(
        instance["id"], name="drifted", configuration={"document.tagging": "false"}
    )
    seen = step(project.refresh("--diff"))
    assert '"drifted"' in seen
    assert "document.tagging" in seen
    assert re.search('name *: "drifted" => "invoices"', step(project.up("--diff")))
    [repaired] = sandbox.instances()
    assert repaired["name"] == "invoices"
    assert repaired["configuration"]["document.tagging"] == "true"

    step(project.destroy())
    assert sandbox.instances() == []
    assert sandbox.counters()["codes_replayed"] == 0


def test_a_new_code_authenticates_the_same_instance_anew(project, sandbox, step):
    sandbox.set_switch("token_on_reauthentication", "rotate")
    declare(project)
    new_code(project, sandbox)
    step(project.up())
    [before] = sandbox.instances()
    new_code(project, sandbox)
    step(project.up())
    [after] = sandbox.instances()
    assert (after["id"], after["authentications"]) == (before["id"], 2)
    assert after["token"] != before["token"]
    assert project.outputs(show_secrets=True)["invoices"]["token"] == after["token"]
    step(project.up("--expect-no-changes"))
    assert sandbox.counters()["codes_replayed"] == 0


@pytest.mark.older
def test_whatever_the_stack_file_keeps_secret_is_secret_in_the_state(project, sandbox):
    declare(project, element="sendgrid")
    for path in ("name", "tags[0]", 'configuration["api.token"]'):
        project.config_set(f"{PATH}.{path}", f"hidden {path}", secret=True, path=True)
    project.up()
    instance = next(iter(sandbox.instances()))
    assert (instance["name"], instance["tags"][0]) == ("hidden name", "hidden tags[0]")
    assert "hidden" not in project.export_text() + project.everything_said()


@pytest.mark.older
def test_what_another_file_keeps_secret_is_secret_in_the_state(project, sandbox):
    declare(project, element="sendgrid")
    for path in ("name", 'configuration["api.token"]'):
        project.config_set(f"{PATH}.{path}", f"hidden {path}", secret=True, path=True)
    own, other = project.stack_file(), project.folder / "other.yaml"
    own.rename(other)
    settings = {  # how the stack's secrets are encrypted
        key: value
        for key, value in yaml.safe_load(other.read_text()).items()
        if key.startswith("encryption")
    }
    shown = {"element": "sendgrid", "name": "shown"}
    own.write_text(yaml.safe_dump(settings | {"config": {KEY: {"invoices": shown}}}))
    project.up("--config-file", str(other))
    assert next(iter(sandbox.instances()))["name"] == "hidden name"
    assert "hidden" not in project.export_text() + project.everything_said()


def urn(project):
    """Return the URN of the one instance that the state has."""
    [instance] = [
        one
        for one in project.export()["deployment"]["resources"]
        if "ElementInstance" in one["type"]
    ]
    return instance["urn"]


@pytest.mark.older
@pytest.mark.parametrize("by", ["taint", "--replace"])
def test_an_instance_is_replaced_by_hand(project, sandbox, step, by):
    """Of such a replacement the provider is told nothing."""
    declare(project)
    new_code(project, sandbox)
    step(project.up())
    [old] = sandbox.instances()
    step(project.preview("--expect-no-changes"))
    new_code(project, sandbox)
    arguments = [by, urn(project)] if by == "--replace" else []
    if by == "taint":
        step(project.run("state", "taint", "--yes", urn(project)))

    said = step(project.up(*arguments))

    [new] = sandbox.instances()
    assert new["id"] != old["id"]
    assert f"instance {old['id']} was in the state, so another one is made" in said
    assert project.outputs()["invoices"]["id"] == str(new["id"])
    step(project.up("--expect-no-changes"))
    step(project.destroy())
    assert sandbox.instances() == []


def test_another_element_replaces_the_instance(project, sandbox, step):
    declare(project)
    new_code(project, sandbox)
    step(project.up())
    [old] = sandbox.instances()
    project.config_set(f"{PATH}.element", "hubspot", path=True)
    spent = step(project.preview(expect=None))
    assert "a new element needs a new code" in spent
    new_code(project, sandbox, "hubspot")
    assert "replace" in step(project.preview())
    step(project.up())
    [new] = sandbox.instances()
    assert new["id"] != old["id"]
    assert new["element_key"] == "hubspot"
    step(project.destroy())
    assert sandbox.instances() == []


@pytest.mark.older
def test_an_instance_deleted_elsewhere_is_made_again(project, sandbox, step):
    declare(project)
    new_code(project, sandbox)
    step(project.up())
    sandbox.delete_instance(sandbox.instances()[0]["id"])
    assert "delete" in step(project.refresh())
    new_code(project, sandbox)
    step(project.up())
    assert len(sandbox.instances()) == 1


@pytest.mark.older
def test_an_instance_that_a_refused_create_left_is_kept_and_mended(project, sandbox, step):
    sandbox.set_switch("failed_create_leaves", "invalid")
    declare(project)
    project.config_set(f"{PATH}.code", "code-that-nobody-gave", secret=True, path=True)
    said = step(project.up(expect=None))
    assert "could not create element instance 'invoices'" in said
    assert "Traceback" not in said
    [left] = sandbox.instances()
    [kept] = [one for one in project.export()["deployment"]["resources"] if "initErrors" in one]
    assert kept["id"] == str(left["id"])
    new_code(project, sandbox)
    step(project.up())
    [mended] = sandbox.instances()
    assert (mended["id"], mended["valid"]) == (left["id"], True)
    step(project.up("--expect-no-changes"))


PROGRAM = """
import pulumi
from provider import ElementInstance

password = pulumi.Output.secret("hunter2hunter2")
configuration = {"subdomain": "acme", "username": "ada", "password": password}
ElementInstance(%s)
"""


@pytest.mark.older
def test_import_takes_over_what_is_there(new_project, sandbox):
    by_hand = new_project(program=PROGRAM % '"desk", "freshservice", configuration=configuration')
    by_hand.up()
    [instance] = sandbox.instances()
    text = PROGRAM % (
        '"taken", "freshservice", name="desk", configuration=configuration, '
        f'opts=pulumi.ResourceOptions(import_="{instance["id"]}")'
    )
    project = new_project(program=text, stack="other")
    project.up()
    [same] = sandbox.instances()
    assert same["id"] == instance["id"]
    project.up("--expect-no-changes")
    project.destroy()
    assert len(sandbox.instances()) == 1
    assert "another stack has it now" in by_hand.destroy().stdout
    assert len(sandbox.instances()) == 1


RENAMED = '"helpdesk", "freshservice", name="desk", configuration=configuration, '
ALIASES = 'opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="desk")])'


@pytest.mark.older
def test_a_renamed_resource_keeps_its_instance_and_frees_its_name(new_project, sandbox):
    project = new_project(program=PROGRAM % '"desk", "freshservice", configuration=configuration')
    project.up()
    [first] = sandbox.instances()
    project.write_program(PROGRAM % (RENAMED + ALIASES))
    project.up()
    [renamed] = sandbox.instances()
    assert renamed["id"] == first["id"]
    project.write_program(
        PROGRAM % RENAMED + 'ElementInstance("desk", "freshservice", configuration=configuration)'
    )
    project.up()
    assert len(sandbox.instances()) == 2
    ids = {
        one["urn"].rpartition("::")[2]: one.get("id")
        for one in project.export()["deployment"]["resources"]
    }
    assert ids["helpdesk"] == str(first["id"])
    assert ids["desk"] != ids["helpdesk"]
    project.up("--expect-no-changes")
    project.destroy()
    assert sandbox.instances() == []


@pytest.mark.older
def test_a_name_that_state_rename_freed_is_another_resources_own(new_project, sandbox):
    project = new_project(program=PROGRAM % '"desk", "freshservice", configuration=configuration')
    project.up()
    project.preview()
    [first] = sandbox.instances()
    project.run("state", "rename", "--yes", urn(project), "helpdesk")
    first_declared = PROGRAM % '"desk", "freshservice", configuration=configuration'
    project.write_program(
        first_declared.replace("ElementInstance(", "desk = ElementInstance(")
        + f"ElementInstance({RENAMED}opts=pulumi.ResourceOptions(depends_on=[desk]))"
    )
    project.up()
    ids = {
        one["urn"].rpartition("::")[2]: one.get("id")
        for one in project.export()["deployment"]["resources"]
    }
    assert ids["helpdesk"] == str(first["id"])
    assert ids["desk"] != ids["helpdesk"]
    project.destroy()
    assert sandbox.instances() == []


def spend_the_code(project, sandbox):
    """Leave a code in the stack that an instance, gone by now, was made with."""
    new_code(project, sandbox)
    project.up()
    project.destroy()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CLOUD_ELEMENTS_USER_SECRET": "not-the-secret"}, "Invalid Organization or User secret"),
        ({"CLOUD_ELEMENTS_BASE_URL": "http://api.example.com"}, "https"),
    ],
)
def test_wrong_settings_are_told_in_one_line(new_project, sandbox, environment, said):
    project = new_project(environment=environment)
    declare(project)
    new_code(project, sandbox)
    result = project.up(expect=None)
    text = result.stdout + result.stderr
    assert result.code != 0
    assert said in text
    assert "Traceback" not in text
    assert "the-api-secret" not in text
    assert "not-the-secret" not in text
    assert sandbox.instances() == []
    assert json.loads(project.export_text())["deployment"].get("pending_operations") is None


def test_a_spent_code_is_told_and_nothing_is_made(project, sandbox, step):
    declare(project)
    spend_the_code(project, sandbox)
    said = step(project.preview(expect=None))
    assert "code: its code was already sent" in said
    assert "get a new code, then run pulumi up" in said
    assert "Traceback" not in said
    assert len(requests(sandbox, "POST")) == 1


def test_mistakes_in_the_stack_file_are_named_all_at_once(project):
    project.config_set(f"{PATH}.elemnt", "onedrivebusiness", path=True)
    project.config_set(f"{PATH}.tags", "billing", path=True)
    said = project.preview(expect=None).stdout
    assert f"{PATH}.element: is required" in said
    assert f"{PATH}.elemnt: is not known here; did you mean 'element'?" in said
    assert f"{PATH}.tags: must be a list" in said
    assert "Traceback" not in said
    assert "unhandled" not in said


def test_the_example_program(new_project, sandbox):
    example = Path(__file__).parents[2] / "examples/program/__main__.py"
    project = new_project(program=example.read_text())
    for key in ("acmeDeskPassword", "acmeShopPassword"):
        project.config_set(key, "correct-horse-battery", secret=True)
    project.up()
    assert {one["name"] for one in sandbox.instances()} == {"acme-desk", "acme-shop"}
    project.up("--expect-no-changes")
    assert "correct-horse-battery" not in project.everything_said()
    project.destroy()
    assert sandbox.instances() == []
