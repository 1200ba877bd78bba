"""Which stack is meant, by whatever name it is called, and what its state holds."""

from __future__ import annotations

import json

import pytest

from provider.cli.project import Project, Stack
from provider.cli.state import State, in_clear
from provider.cli.survey import awaited
from provider.doors.native.service import _marker
from provider.instance.markers import markers
from provider.stack_keys import setting_path


@pytest.mark.older
@pytest.mark.parametrize("name", ["organization/cloud-elements/test", "organization/test"])
def test_a_fully_qualified_stack_is_the_same_stack(workplace, name):
    """Its file, its look-ups and its rollback are those of the stack."""
    workplace.create("sendgrid", "Mail", {"api.token": "t"})
    files = {path.name for path in workplace.file.parent.iterdir()}

    assert workplace.elements("export", "--stack", name).code == 0

    assert {path.name for path in workplace.file.parent.iterdir()} == files
    assert "mail:" in workplace.file.read_text()
    project = Project(workplace.project.folder)
    assert project.stack(name).marker_tags("x") == project.stack("test").marker_tags("x")
    before = workplace.file.read_bytes()
    half_store(project.stack(name))
    assert workplace.file.read_bytes() == before


def half_store(stack):
    """Store a code, and fail with what comes next."""

    def store():
        with stack.file.restored():
            stack.set(setting_path("mail", "code"), "a-code", secret=True)
            assert "code" in stack.file.text
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store()


def test_a_stack_file_that_is_a_link_stays_one(workplace):
    """What it leads to is written, and put back."""
    workplace.create("sendgrid", "Mail", {"api.token": "t"})
    elsewhere = workplace.project.home / "elsewhere.yaml"
    workplace.file.rename(elsewhere)
    workplace.file.symlink_to(elsewhere)
    try:
        assert workplace.elements("export").code == 0
        before = elsewhere.read_bytes()
        half_store(Project(workplace.project.folder).stack("test"))

        assert workplace.file.readlink() == elsewhere
        assert b"mail:" in before
        assert elsewhere.read_bytes() == before
    finally:
        elsewhere.replace(workplace.file)


@pytest.mark.older
def test_a_stack_of_another_project_is_told(workplace):
    """Its file is not here, and its markers are others."""
    said = workplace.elements("sweep", "--stack", "organization/other/test")

    assert said.code == 1
    assert "belongs to project 'other', and this is 'cloud-elements'" in said.stderr


@pytest.mark.older
def test_an_organization_in_the_name_decides_on_the_marker(workplace):
    """What a deleted stack of that organization left is found, a stack of ours is not."""
    marked = {
        organization: markers(
            organization=f"{organization}/", project="cloud-elements", stack="test", place=""
        ).tags
        for organization in ("organization", "acme")
    }
    ids = {
        o: workplace.create("sendgrid", o, {"api.token": "t"}, tags=t) for o, t in marked.items()
    }
    for name, organization in (
        ("acme/test", "acme"),
        ("acme/cloud-elements/test", "acme"),
        ("organization/cloud-elements/test", "organization"),
        ("test", "organization"),
    ):
        said = workplace.elements("sweep", "--stack", name, "--dry-run", "--json")
        found = json.loads(said.stdout)

        assert [one["id"] for one in found["found"]] == [ids[organization]], name


@pytest.mark.parametrize(
    ("runtime", "config", "organization"),
    [
        ("python", {}, "acme"),
        ("{name: python, options: {virtualenv: .venv}}", {}, "acme"),
        ("yaml", {}, "organization"),
        ("nodejs", {"cloud-elements:organization": {"value": "acme"}}, "acme"),
        ("python", {"cloud-elements:organization": {"value": "other"}}, "acme"),
    ],
)
def test_the_native_provider_knows_no_organization_but_a_told_one(
    workplace, tmp_path, runtime, config, organization
):
    """And so do the commands, which look for its tags: nothing has to be set for them."""
    (tmp_path / "Pulumi.yaml").write_text(f"name: desks\nruntime: {runtime}\n")
    stack = Project(tmp_path).stack("acme/desks/dev")
    stack.__dict__["_config"] = config

    made = markers(organization=f"{organization}/", project="desks", stack="dev", place="desk")
    assert stack.marker_tags("desk") == made.tags
    urn = "urn:pulumi:dev::desks::cloud-elements:index:ElementInstance::desk"
    if runtime == "yaml":
        assert stack.marker_tags("desk") == _marker(urn, "organization/").tags


def test_a_sweep_of_a_deleted_stack_goes_by_what_the_native_provider_knew(workplace, monkeypatch):
    """Whatever organization stands in its name."""
    tags = markers(organization="organization/", project="desks", stack="gone", place="x").tags
    left = workplace.create("sendgrid", "left", {"api.token": "t"}, tags=tags)
    yaml = workplace.project.home / "yaml"
    yaml.mkdir()
    (yaml / "Pulumi.yaml").write_text("name: desks\nruntime: yaml\n")
    monkeypatch.chdir(yaml)

    said = workplace.elements("sweep", "--stack", "acme/gone", "--dry-run", "--json")

    assert [one["id"] for one in json.loads(said.stdout)["found"]] == [left]


def test_what_either_provider_was_making_is_awaited():
    stack = Stack.__new__(Stack)
    stack.marker_tags = lambda place, organization="acme": ["stack", f"{organization}/{place}"]
    state = State([], busy=False, unsettled=frozenset({"desk"}))

    assert awaited(stack, {}, state) == {"acme/desk", "organization/desk"}


NESTED = """
desk:
  element: freshservice
  configuration:
    subdomain: acme
    username: me
    password: desk-password-7731
    custom.map: {one: {two: [{three: hidden-7731}]}}
"""


@pytest.mark.older
def test_a_secret_inside_a_secret_is_read(deployed):
    """Every leaf of the inputs is secret, and an engine may keep that inside secret outputs."""
    deployed.declare(NESTED)
    path = "cloud-elements:instances.desk.configuration.password"
    deployed.project.config_set(path, "desk-password-7731", secret=True, path=True)
    deployed.project.up()

    [kept] = Project(deployed.project.folder).stack("test").state(secrets=True).kept

    mapped = {"one": {"two": [{"three": "hidden-7731"}]}}
    assert kept.inputs["configuration"]["custom.map"] == mapped
    assert json.loads(kept.outputs["configuration"]["custom.map"]) == mapped
    assert kept.outputs["configuration"]["password"] == "desk-password-7731"
    said = deployed.elements("status", "--json")
    assert json.loads(said.stdout)["instances"][0]["standing"] == "ok", said.all


MARK = "4dabf18193072939515e22adb298388d"
KIND = "1b47061264138c4ac30d75fd1eb44270"


def secret(value):
    """Return a value as the engine shows a secret of a state."""
    return {MARK: KIND, "plaintext": json.dumps(value)}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (secret("a"), "a"),
        (secret({"a": secret({"b": secret("c")})}), {"a": {"b": "c"}}),
        (secret([secret([1, None, secret(True)])]), [[1, None, True]]),
        ({"a": [{"b": secret({"c": ["d", secret("e")]})}]}, {"a": [{"b": {"c": ["d", "e"]}}]}),
        ({"a": {MARK: KIND, "ciphertext": "v1:b"}}, {"a": None}),
    ],
)
def test_secrets_are_read_at_any_depth(written, read):
    assert in_clear(written) == read


@pytest.mark.parametrize("key", ["oauth.api.key", 'a"b', "a\\b", 'a\\"b', "a b", "a'b", "[0]", "ä"])
def test_a_path_leads_to_its_key(workplace, key):
    """Pulumi knows one escape, that of a quote."""
    path = setting_path("mail", "configuration", key)
    workplace.project.config_set(path, "x", path=True)

    assert workplace.values("mail") == {"configuration": {key: "x"}}


@pytest.mark.older
@pytest.mark.parametrize("command", [["authorize", "mail"], ["secrets"], ["export"]])
def test_what_is_declared_for_all_stacks_is_not_hidden(workplace, command):
    """One entry in the stack's file would stand for all of them."""
    project = workplace.project.folder / "Pulumi.yaml"
    before = project.read_text()
    workplace.create("freshservice", "Desk", {"subdomain": "a", "username": "b", "password": "c"})
    try:
        project.write_text(
            before.replace("    default: {}\n", "    default: {mail: {element: sendgrid}}\n", 1)
        )
        stored = workplace.file.read_bytes()
        said = workplace.process(*command, stdin='{"mail": {"api.token": "t"}}')
    finally:
        project.write_text(before)

    assert said.code == 1
    assert "would take the place of the instances that Pulumi.yaml declares" in said.stderr
    assert workplace.file.read_bytes() == stored
