"""What the engine writes: no secret in clear at any depth, and all of it can be read again."""

import json
import os

import pytest
from pulumi import automation

pytestmark = pytest.mark.older

SECRET = "planted"
PROGRAM = """
import json
from pathlib import Path

import pulumi
from provider import ElementInstance

first, second = json.loads(Path("given.json").read_text())
one = ElementInstance("first", **first)
late = {"of": {"first": [one.instance_id, {"id": one.instance_id, "x": second.pop("late")}]}}
ElementInstance("second", **second, configuration=first["configuration"] | {"late": late})
pulumi.export("first", {"id": one.instance_id, "configuration": one.configuration})
"""


def give(project, word, configuration=None, **more):
    """Let the program declare secrets at every depth; `word` tells them from other ones."""
    secrets = [f"{SECRET}-{word}-{number}" for number in range(8)]
    first = {
        "element_key": "freshservice",
        "configuration": {
            "subdomain": "acme",
            "username": "ada",
            "password": secrets[0],
            "custom.map": {"one": {"two": {"three": secrets[1], "also": [secrets[2], 7]}}},
            "custom.list": [secrets[3], {"in": [[{"deep": secrets[4]}]]}],
            # Known to be plain, but for what says by its name that it is not.
            "event.metadata": {"vendor": {"shown": "in-clear", "password": secrets[5]}},
            **(configuration or {}),
        },
        "provider_data": {"realmId": {"one": {"two": [{"three": secrets[6]}]}}},
    }
    given = [first | more, {"element_key": "freshservice", "late": secrets[7]}]
    (project.folder / "given.json").write_text(json.dumps(given))


@pytest.fixture
def nested(new_project):
    """Return a project whose two instances have secrets at every depth."""
    project = new_project(program=PROGRAM)
    give(project, "a")
    return project


def in_clear(project):
    """Return where the state, or anything that was said, tells a secret."""
    text = project.everything_said() + project.export_text()
    return [line[:200] for line in text.splitlines() if SECRET in line]


def test_no_secret_is_in_clear_at_any_depth(nested, sandbox):
    assert "in-clear" in nested.preview("--json").stdout
    nested.up()
    assert in_clear(nested) == []
    nested.preview("--expect-no-changes")
    nested.refresh("--expect-no-changes")
    first, _ = sandbox.instances()
    assert json.loads(first["configuration"]["custom.map"]) == {
        "one": {"two": {"three": f"{SECRET}-a-1", "also": [f"{SECRET}-a-2", 7]}}
    }

    give(nested, "b")
    preview = json.loads(nested.preview("--json").stdout)
    assert preview["changeSummary"]["update"] == 2
    nested.preview("--diff")
    nested.up()
    drifted = {"custom.map": f'{{"one": "{SECRET}-c"}}', "custom.list": f'["{SECRET}-c"]'}
    for instance in sandbox.instances():
        sandbox.update_instance(instance["id"], configuration=drifted)
    assert "custom.map" in nested.refresh("--diff").stdout
    assert in_clear(nested) == []
    nested.up("--diff")
    nested.up("--expect-no-changes")
    assert in_clear(nested) == []


def test_a_resource_that_is_not_finished_has_no_secret_in_clear(nested, sandbox):
    sandbox.set_switch("failed_create_leaves", "invalid")
    application = {
        "oauth.api.key": "a",
        "oauth.api.secret": f"{SECRET}-application",
        "oauth.callback.url": "https://app.example.com/callback",
    }
    give(nested, "a", application, element_key="onedrivebusiness", code=f"{SECRET}-code")
    nested.up(expect=None)
    assert any("initErrors" in one for one in nested.export()["deployment"]["resources"])
    assert in_clear(nested) == []


HOOKED = """
import json
from pathlib import Path

import pulumi
from provider import ElementInstance

def note(args):
    outputs = pulumi.Output.all(**{key: args.new_outputs[key] for key in ("configuration", "name")})
    outputs.apply(lambda seen: Path("hook.json").write_text(json.dumps(seen)))

hooks = pulumi.ResourceHookBinding(after_create=[pulumi.ResourceHook("note", note)])
secret = pulumi.Output.secret("planted-1")
nested = {"one": {"two": [{"three": secret}]}}
configuration = {"subdomain": "acme", "username": "ada", "password": secret, "custom.map": nested}
desk = ElementInstance(
    "desk", "freshservice", configuration=configuration, opts=pulumi.ResourceOptions(hooks=hooks)
)
pulumi.export("desk", {"id": desk.instance_id, "configuration": desk.configuration})
"""
REFERRING = """
import pulumi
pulumi.export("seen", pulumi.StackReference("organization/cloud-elements/test").get_output("desk"))
"""


def test_a_secret_inside_a_secret_reaches_readers_as_plain_data(new_project, monkeypatch):
    """Stack outputs, references, hooks and the Automation API; `elements` is tested by itself."""
    project = new_project(program=HOOKED)
    project.up()

    held = project.outputs(show_secrets=True)["desk"]
    assert held["configuration"]["password"] == "planted-1"
    assert json.loads(held["configuration"]["custom.map"]) == {
        "one": {"two": [{"three": "planted-1"}]}
    }
    seen = json.loads((project.folder / "hook.json").read_text())
    assert seen == {"name": "desk", "configuration": held["configuration"]}
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)
    for name in ("PATH", *(name for name in project.env if name.startswith("PULUMI_"))):
        monkeypatch.setenv(name, project.env[name])
    stack = automation.select_stack("test", work_dir=str(project.folder))
    assert stack.outputs()["desk"].value == held

    project.write_program(REFERRING)
    project.init("other")
    project.up()
    assert project.outputs(show_secrets=True) == {"seen": held}
    assert project.outputs() == {"seen": "[secret]"}
    assert in_clear(project) == []
