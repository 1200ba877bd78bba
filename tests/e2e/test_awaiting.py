"""An instance without consent waits, by the real engine: what else is declared goes on."""

import json

import pytest

pytestmark = pytest.mark.older

DRIVE = """
"onedrivebusiness",
    configuration={
        "oauth.api.key": "key",
        "oauth.api.secret": "hidden",
        "oauth.callback.url": "https://app.example/callback",
    },
    code=pulumi.Config().get_secret("code"),
"""
DESK = """
"freshservice", configuration={"subdomain": "acme", "username": "ada", "password": "hidden"},
"""
PROGRAM = f"""
import pulumi
from provider import ElementInstance

drive = ElementInstance("drive", {DRIVE})
ElementInstance("desk", {DESK})
ElementInstance("after", {DESK} opts=pulumi.ResourceOptions(depends_on=drive))
pulumi.export("token", drive.element_token)
"""
AWAITED = 10
"""The engine's exit code."""


@pytest.fixture
def waits(engine):
    """Skip nothing: tell whether this engine lets a resource wait."""
    return not engine.version.startswith("v3.259")


@pytest.fixture
def project(new_project):
    return new_project(program=PROGRAM)


def names(sandbox):
    return sorted(one["name"] for one in sandbox.instances())


def in_state(project):
    resources = json.loads(project.export_text())["deployment"]["resources"]
    return sorted(one["urn"].rpartition("::")[2] for one in resources if one.get("id"))


def posts(sandbox):
    return sum(one["method"] == "POST" for one in sandbox.journal())


def give_code(project, sandbox):
    project.config_set("code", sandbox.new_code("onedrivebusiness"), secret=True)


def test_what_lacks_consent_waits_and_everything_else_goes_on(project, sandbox, waits):
    if not waits:  # the error of every other missing input
        assert "code: is required" in project.preview(expect=None).stdout
        assert "code: is required" in project.up(expect=1).stdout
        assert "drive" not in names(sandbox)
        return
    awaiting = "awaiting consent: give its program a code for it"
    assert awaiting in project.preview().stdout
    said = project.up(expect=AWAITED).stdout
    assert f"warning: {awaiting}" in said
    assert "error: " not in said
    assert "Traceback" not in said
    assert names(sandbox) == ["desk"]
    assert "drive" not in in_state(project)
    assert posts(sandbox) == 1

    project.up(expect=AWAITED)
    assert posts(sandbox) == 1

    give_code(project, sandbox)
    project.up()
    assert names(sandbox) == ["after", "desk", "drive"]
    assert project.outputs(show_secrets=True)["token"] in {
        one["token"] for one in sandbox.instances()
    }
    assert posts(sandbox) == 3
    project.destroy()
    assert sandbox.instances() == []


def test_an_entry_s_command_is_named_and_the_page_for_its_owner(new_project, waits):
    """What stands in a stack file is what `elements authorize` knows."""
    project = new_project(
        environment={"CLOUD_ELEMENTS_CONSENT_PAGE": "https://connect.example.com/{stack}/{name}"}
    )
    for path, value in {
        "element": "onedrivebusiness",
        'configuration["oauth.api.key"]': "key",
        'configuration["oauth.callback.url"]': "http://127.0.0.1:8080/callback",
    }.items():
        project.config_set(f"cloud-elements:instances.files.{path}", value, path=True)
    secret = 'cloud-elements:instances.files.configuration["oauth.api.secret"]'
    project.config_set(secret, "hidden", secret=True, path=True)

    said = project.up(expect=None).stdout

    told = "elements authorize files --stack test, or https://connect.example.com/test/files"
    assert (f"warning: awaiting consent: {told}" in said) is waits, said


def test_a_setting_makes_it_an_error_again(new_project, sandbox):
    project = new_project(PROGRAM, environment={"CLOUD_ELEMENTS_AWAIT_CONSENT": "false"})
    assert "code: is required" in project.preview(expect=None).stdout
    assert "code: is required" in project.up(expect=1).stdout
    assert "drive" not in names(sandbox)


@pytest.mark.parametrize("by", ["replace", "element"])
def test_an_instance_stays_while_its_successor_lacks_consent(project, sandbox, by):
    give_code(project, sandbox)
    project.up()
    before = sandbox.instances()
    project.run("config", "rm", "code")
    if by == "replace":
        kind = "pulumi-python:dynamic/cloud-elements:ElementInstance"
        flags = ["--replace", f"urn:pulumi:test::cloud-elements::{kind}::drive"]
    else:
        project.write_program(PROGRAM.replace("onedrivebusiness", "hubspot"))
        flags = []
    said = project.up(*flags, expect=None)
    assert said.code != 0
    assert "drive" in in_state(project)
    kept = {one["id"] for one in before if one["name"] == "drive"}
    assert kept <= {one["id"] for one in sandbox.instances()}
