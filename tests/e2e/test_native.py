"""The native provider by the real engine: a life, dependents, import, two accounts, and lists.

The program has a class of its own, as a generated SDK would bring one.
"""

import json
import re
import subprocess
from contextlib import closing

import pytest

from provider.api.client import CloudElementsClient
from provider.config import Settings
from sandbox import Sandbox
from tests.e2e.native import CLASSES, MANIFEST

PROGRAM = (
    CLASSES
    + """
config = pulumi.Config()

def desk(name, opts=None, **props):
    configuration = {
        "subdomain": "acme",
        "username": "someone",
        "password": config.get_secret("password") or "hidden-password",
    }
    props = {"elementKey": "freshservice", "configuration": configuration} | props
    return ElementInstance(name, opts, **props)
"""
)
TYPE = "cloud-elements:index:ElementInstance"


@pytest.fixture
def native(new_project):
    """Return a project that finds the native provider, with `desk` for its programs."""
    project = new_project(program=PROGRAM, manifest=MANIFEST)

    def run(program):
        project.write_program(PROGRAM + program)
        return project

    return run


def kept(project, name):
    """Return a resource as the state has it."""
    resources = project.export()["deployment"]["resources"]
    (found,) = [one for one in resources if one["urn"].endswith(f"::{name}")]
    return found


def create(sandbox, **fields):
    """Make an instance as somebody did who does not know of Pulumi."""
    settings = Settings(
        base_url=sandbox.base_url,
        user_secret=sandbox.user_secret,
        organization_secret=sandbox.organization_secret,
    )
    configuration = {"subdomain": "acme", "username": "someone", "password": "hidden-password"}
    request = {"element": {"key": "freshservice"}, "configuration": configuration} | fields
    with closing(CloudElementsClient(settings)) as client:
        return client.create_instance(request, one_time=False)


def elements(project, *command):
    """Run our own command in a project, and return all that it says."""
    run = [project.folder / ".venv/bin/elements", *command]
    done = subprocess.run(
        run, cwd=project.folder, env=project.env, capture_output=True, text=True, check=False
    )
    return done.stdout or done.stderr


def writes(sandbox):
    return [one["method"] for one in sandbox.journal() if one["method"] != "GET"]


DEPENDENT = """
first = desk("first", tags=[config.get("tag") or "a"])
desk("second", configuration={
    "subdomain": "acme", "username": first.elementToken, "password": "hidden-too"
})
pulumi.export("first", first.id)
"""


@pytest.mark.older
def test_a_life(native, sandbox):
    project = native(DEPENDENT)
    project.config_set("native:password", "hidden-password", secret=True)

    project.up()
    first, second = sandbox.instances()
    assert project.outputs() == {"first": str(first["id"])}
    assert second["configuration"]["username"] == first["token"]
    project.preview("--expect-no-changes")

    project.config_set("native:tag", "b")
    shown = project.preview("--diff").stdout
    assert re.search(r'~ \[0\]: "a" => "b"', shown)
    # What the other one uses stays known, so it is not shown as changing.
    assert "~ 1 to update\n    2 unchanged" in shown
    before = len(writes(sandbox))
    project.up()
    assert writes(sandbox)[before:] == ["PATCH"]

    sandbox.update_instance(first["id"], tags=["by hand", *first["tags"][1:]])
    assert '"b" => "by hand"' in project.refresh("--diff").stdout
    project.up()
    assert "b" in sandbox.instances()[0]["tags"]
    project.preview("--expect-no-changes")

    assert "There are no leftovers" in elements(project, "sweep", "--stack", "test", "--yes")
    rows = json.loads(elements(project, "status", "--stack", "test", "--json"))["instances"]
    assert {row["name"]: row["standing"] for row in rows} == {
        "first": "ok",
        "second": "ok",
    }

    said = project.everything_said() + project.export_text()
    tokens = [one["token"] for one in (first, second)]
    secrets = ("hidden-password", "hidden-too", sandbox.user_secret, *tokens)
    assert [secret for secret in secrets if secret in said] == []
    project.destroy()
    assert sandbox.instances() == []


def test_a_mistake_is_one_sentence_at_preview(native):
    project = native('desk("desk", elementkey="x", deleteAdopted="yes")')
    said = project.preview(expect=1)
    text = said.stdout + said.stderr
    assert "elementkey: is not known here; did you mean 'elementKey'?" in text
    assert "deleteAdopted: must be true or false" in text
    assert "Traceback" not in text


def test_an_instance_is_imported(native, sandbox, reach):
    made = create(sandbox, name="desk", tags=["by hand"])
    before = len(writes(sandbox))
    project = native('desk("desk", tags=["by hand"])')
    command = ("import", TYPE, "desk", "--yes", "--skip-preview", "--generate-code=false")
    missing = project.run(*command[:3], "1", *command[3:], expect=None)
    assert missing.code != 0
    assert "resource '1' does not exist" in missing.stdout + missing.stderr

    said = project.run(*command[:3], made.id, *command[3:]).stdout
    assert "failed to validate" not in said
    state = kept(project, "desk")
    assert (state["id"], state["protect"]) == (made.id, True)
    assert len(writes(sandbox)) == before
    project.run("state", "unprotect", "--all", "--yes")
    project.destroy()
    assert sandbox.instances() == []


TWO = """
for name in ("one", "other"):
    account = config.require_object(name)
    provider = Provider(
        name,
        baseUrl=account["address"],
        userSecret=pulumi.Output.secret(account["user"]),
        organizationSecret=pulumi.Output.secret(account["organization"]),
    )
    desk(f"desk of {name}", pulumi.ResourceOptions(provider=provider))
"""


def test_two_accounts_in_one_program(native, sandbox):
    """Their arguments go before the environment, which leads to one of them."""
    with Sandbox(user_secret="other-user", organization_secret="other-organization") as other:
        project = native(TWO)
        for name, one in (("one", sandbox), ("other", other)):
            account = {
                "address": one.base_url,
                "user": one.user_secret,
                "organization": one.organization_secret,
            }
            project.config_set(f"native:{name}", json.dumps(account), secret=True)
        project.up()
        assert [len(one.instances()) for one in (sandbox, other)] == [1, 1]
        assert kept(project, "other")["inputs"].keys() >= {"baseUrl", "userSecret"}
        text = project.everything_said() + project.export_text()
        assert other.user_secret not in text
        assert other.organization_secret not in text
        project.destroy()
        assert [len(one.instances()) for one in (sandbox, other)] == [0, 0]


def test_what_the_stack_program_reads_is_no_setting_of_the_provider(native, sandbox):
    project = native('desk("desk")')
    project.config_set("cloud-elements:instances.unused.element", "freshservice", path=True)
    project.config_set("cloud-elements:timeout", "60")
    project.up()
    state = project.export()["deployment"]["resources"]
    (provider,) = [one for one in state if one["type"] == "pulumi:providers:cloud-elements"]
    assert provider["inputs"]["timeout"] == "60"
    assert "instances" not in provider["inputs"]


MOVING = """
from pulumi_cloud_elements import ElementInstance as Dynamic

DYNAMIC = "pulumi-python:dynamic/cloud-elements:ElementInstance"
moved = (config.get("moved") or "").split()
for name in ("desk", "other"):
    if name in moved:
        former = pulumi.Alias(type_=DYNAMIC)
        one = desk(name, pulumi.ResourceOptions(aliases=[former]), tags=["a"])
        token = one.elementToken
    else:
        former = pulumi.Alias(type_=TYPE)
        configuration = {
            "subdomain": "acme",
            "username": "someone",
            "password": config.get_secret("password"),
        }
        options = pulumi.ResourceOptions(aliases=[former])
        one = Dynamic(
            name, "freshservice", tags=["a"], configuration=configuration, opts=options
        )
        token = one.element_token
    pulumi.export(name, {"id": one.id, "token": token})
"""


@pytest.mark.older
def test_a_stack_moves_to_the_native_provider_and_back(native, sandbox):
    """Half of it first: token, id and markers stay, and nothing is written."""
    project = native(MOVING)
    project.config_set("native:password", "hidden-password", secret=True)
    project.up()
    made = project.outputs(show_secrets=True)
    instances, before = sandbox.instances(), len(writes(sandbox))

    for moved in ("desk", "other", "desk other", ""):
        project.config_set("native:moved", moved)
        said = project.up().stdout
        assert "replace" not in said
        assert project.outputs(show_secrets=True) == made
        text = project.export_text()
        assert ("elementToken" in text) is bool(moved)
        assert ("element_token" in text) is (moved != "desk other")
    project.preview("--expect-no-changes")

    assert sandbox.instances() == instances
    assert len(writes(sandbox)) == before


def test_a_state_migration_does_the_same(native, sandbox):
    """With CLI 3.274, by Check and Diff alone; it may leave the properties as they are."""
    project = native(MOVING)
    project.config_set("native:password", "hidden-password", secret=True)
    project.config_set("native:moved", "")
    project.up()
    made, before = project.outputs(show_secrets=True), len(writes(sandbox))

    native(
        """
def migrated(args):
    (old,) = args.old_state
    return pulumi.StateMigrationResult(
        [old | {"urn": args.urn, "type": TYPE}], {old["urn"]: args.urn}
    )
"""
        + MOVING.replace("aliases=[former])", "aliases=[former], state_migrations=[migrated])", 1)
    )
    project.config_set("native:moved", "desk other")
    project.up()
    assert project.outputs(show_secrets=True) == made
    assert len(writes(sandbox)) == before


def test_instances_are_listed_made_and_changed_without_a_program(native, sandbox):
    """By `pulumi do` of CLI 3.274, which takes a provider by its path."""
    project = native("")
    ids = [create(sandbox, name=f"by hand {number}").id for number in range(3)]

    def do(*arguments, **options):
        plugin = (project.folder / ".venv/bin/pulumi-resource-cloud-elements").resolve()
        return project.run("do", "--stateless", "--package", str(plugin), *arguments, **options)

    listed = json.loads(do(TYPE, "list", "--all").stdout)
    assert [one["id"] for one in listed] == ids
    shown = do(TYPE, "read", ids[1])
    read = shown.stdout + shown.stderr
    assert re.search(r'name +: "by hand 1"', read)
    assert re.search(r"elementToken *: \[secret\]", read)
    found = json.loads(do("cloud-elements:index:getInstances", "--element-key", "none").stdout)
    assert found == {"instances": []}
    refused = do(TYPE, "create", "--yes", "--element-key", "freshservic", expect=None)
    assert refused.code != 0
    assert "did you mean 'freshservice'?" in refused.stdout + refused.stderr
    assert len(sandbox.instances()) == len(ids)

    do(TYPE, "create", "--yes", "--element-key", "freshservice", "--adopt", ids[0])
    do(TYPE, "patch", ids[1], "--yes", "--name", "renamed")
    assert [one["name"] for one in sandbox.instances()] == [
        "ElementInstance",
        "renamed",
        "by hand 2",
    ]
    do(TYPE, "delete", ids[2], "--yes")
    assert [str(one["id"]) for one in sandbox.instances()] == ids[:2]
