"""`examples/yaml` by the real engine and Pulumi's own host for YAML, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from sandbox import Sandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture
def change(yaml_program):
    """Return a function that changes the example's declaration."""

    def change(**properties):
        program = yaml.safe_load(yaml_program.read_text())
        program["resources"]["desk"]["properties"] |= properties
        yaml_program.write_text(json.dumps(program))

    return change


def test_the_life_of_an_instance(change, project, sandbox, password, hidden):
    project.up()
    [made] = sandbox.instances()
    assert (made["name"], made["element_key"]) == ("acme-desk", "freshservice")
    assert made["configuration"]["password"] == password
    outputs = project.outputs(show_secrets=True)
    assert outputs["deskToken"] == made["token"]
    assert outputs["deskName"] == "acme-desk", "what getInstance found"
    hidden()

    requests = len(sandbox.journal())
    project.up("--expect-no-changes")
    # The function is asked anew in each run; the instance itself is not.
    methods = [entry["method"] for entry in sandbox.journal()[requests:]]
    assert set(methods) == {"GET"}
    assert sandbox.counters()["creates"] == 1
    hidden()

    change(tags=["acme", "support"])
    shown = project.preview().stdout
    assert "1 to update" in shown
    project.up()
    [changed] = sandbox.instances()
    assert changed["id"] == made["id"]
    assert {"acme", "support"} <= set(changed["tags"])
    hidden()

    project.destroy()
    assert sandbox.instances() == []
    hidden()


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"tag": ["acme"]}, "tag"),
        ({"tags": "acme"}, "tags"),
        ({"elementKey": None}, "elementKey"),
        ({"configuration": {"subdomain": "acme", "username": "ada"}}, "password"),
    ],
)
def test_mistakes_are_told_at_preview(change, project, sandbox, properties, told):
    change(**properties)

    result = project.preview(expect=None)

    assert result.code not in (0, None)
    assert told in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert sandbox.counters()["creates"] == 0


def test_one_instances_tags_leave_those_that_use_its_token_alone(yaml_program, project, sandbox):
    program = yaml.safe_load(yaml_program.read_text())
    first = program["resources"]["desk"]["properties"]
    for number in range(3):
        configuration = first["configuration"] | {"password": "${desk.elementToken}"}
        program["resources"][f"other-{number}"] = {
            "type": "cloud-elements:ElementInstance",
            "properties": {"elementKey": "freshservice", "configuration": configuration},
        }
    yaml_program.write_text(json.dumps(program))
    project.up()
    first["tags"] = ["acme", "support"]
    yaml_program.write_text(json.dumps(program))

    told = json.loads(project.run("preview", "--json").stdout)["changeSummary"]

    assert told == {"same": 4, "update": 1}, "the stack and three; and the one that changes"
    assert len(sandbox.instances()) == 4


def test_two_platforms_in_one_program(yaml_program, project, sandbox):
    """Each explicit provider has settings of its own; the environment's stand behind them."""
    with Sandbox() as other:
        for name in ("BASE_URL", "USER_SECRET", "ORGANIZATION_SECRET"):
            del project.env[f"CLOUD_ELEMENTS_{name}"]
        program = yaml.safe_load(yaml_program.read_text())
        desk = program["resources"].pop("desk")
        for name, platform in {"here": sandbox, "there": other}.items():
            program["resources"][name] = {
                "type": "pulumi:providers:cloud-elements",
                "properties": {
                    "baseUrl": platform.base_url,
                    "userSecret": platform.user_secret,
                    "organizationSecret": platform.organization_secret,
                },
            }
            options = {"provider": f"${{{name}}}"}
            program["resources"][f"desk-{name}"] = desk | {"options": options}
        for part in ("variables", "outputs"):
            del program[part]
        yaml_program.write_text(json.dumps(program))

        project.up()

        assert len(sandbox.instances()) == len(other.instances()) == 1
        assert sandbox.user_secret not in project.everything_said(), "marked by the schema"
        project.up("--expect-no-changes")
        project.destroy()
        assert sandbox.instances() == other.instances() == []


def test_what_functions_tell(yaml_program, project, sandbox, hidden):
    project.up()
    [made] = sandbox.instances()
    program = yaml.safe_load(yaml_program.read_text())

    def invoke(function, returned, **arguments):
        call = {"function": f"cloud-elements:{function}", "arguments": arguments}
        return {"fn::invoke": call | {"return": returned}}

    program["variables"] |= {
        "all": invoke("getInstances", "instances", tag="acme"),
        "none": invoke("getInstances", "instances", tag="nobody"),
        "element": invoke("getElement", "name", key="freshservice"),
        "page": invoke(
            "getOauthUrl",
            "url",
            elementKey="onedrivebusiness",
            apiKey="key",
            apiSecret={"fn::secret": "application-secret-4471"},
            callbackUrl="https://app.example.com/callback",
            state="session-1",
        ),
    }
    program["outputs"] |= {name: f"${{{name}}}" for name in ("all", "none", "element", "page")}
    yaml_program.write_text(json.dumps(program))

    project.up()

    outputs = project.outputs(show_secrets=True)
    assert [one["instanceId"] for one in outputs["all"]] == [str(made["id"])]
    assert outputs["none"] == []
    assert outputs["element"] == "Freshservice"
    assert outputs["page"].startswith("http")
    assert project.outputs()["page"] == "[secret]", "it opens the session of whoever has it"
    hidden()


def test_an_instance_without_consent_waits_and_the_others_do_not(yaml_program, project, sandbox):
    """And so do those that use it, at whatever moment a code comes."""
    program = yaml.safe_load(yaml_program.read_text())
    program["resources"]["drive"] = {
        "type": "cloud-elements:ElementInstance",
        "properties": {
            "elementKey": "onedrivebusiness",
            "configuration": {
                "oauth.api.key": "key",
                "oauth.api.secret": "hidden-4471",
                "oauth.callback.url": "https://a.example/back",
            },
        },
    }
    program["resources"]["after"] = {
        "type": "cloud-elements:ElementInstance",
        "properties": program["resources"]["desk"]["properties"],
        "options": {"dependsOn": ["${drive}"]},
    }
    yaml_program.write_text(json.dumps(program))
    awaiting = "awaiting consent: give its program a code for it"
    assert awaiting in project.preview().stdout

    for _ in range(2):
        said = project.up(expect=10).stdout
        assert f"warning: {awaiting}" in said
        assert [one["name"] for one in sandbox.instances()] == ["acme-desk"]

    program["config"]["code"] = {"type": "string", "secret": True}
    program["resources"]["drive"]["properties"]["code"] = "${code}"
    yaml_program.write_text(json.dumps(program))
    project.config_set("code", sandbox.new_code("onedrivebusiness"), secret=True)
    project.up()
    names = sorted(one["name"] for one in sandbox.instances())
    assert names == ["acme-desk", "acme-desk", "drive"]


def test_elements_up_writes_the_state_once_and_finds_what_a_killed_run_made(
    yaml_program, project, sandbox, run
):
    """As of a Python program: nothing but instances is declared."""
    command = [sys.executable, "-m", "provider", "up", "--skip-preview", "--yes"]
    top = {"PYTHONPATH": str(ROOT), "PATH": f"{project.engine.path.parent}:{project.env['PATH']}"}
    sandbox.add_fault("slow", method="POST", path="/instances", when="after", seconds=600)
    running = subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.env | top,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + 120
    while not sandbox.instances():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        threading.Event().wait(0.02)
    assert "pending_operations" not in project.export_text()
    for process in project.processes():
        os.kill(process, signal.SIGKILL)
    running.communicate()
    sandbox.clear_faults()

    said = run(*command, **top)

    assert "writes its state at each step" not in said
    [made] = sandbox.instances()
    assert sandbox.counters()["creates"] == 1
    assert str(made["id"]) in project.export_text()


def test_an_imported_instance_becomes_code(yaml_program, project, sandbox, password):
    """What is somebody's choice, protected; what can't be read is left to its owner."""
    project.up()
    [made] = sandbox.instances()
    command = ("import", "cloud-elements:index:ElementInstance", "there", str(made["id"]))
    project.run(*command, "--yes", "--skip-preview", "--out", "imported.yaml")
    text = (project.folder / "imported.yaml").read_text()
    resource = yaml.safe_load(text)["resources"]["there"]
    assert resource["type"] == "cloud-elements:ElementInstance"
    assert resource["options"]["protect"] is True
    assert resource["properties"]["elementKey"] == "freshservice"
    assert resource["properties"]["configuration"].keys() <= {"subdomain", "username"}
    assert password not in text
