"""The generated Python SDK, which is checked in, and a program that uses it."""

from pathlib import Path

import pytest

from tools import languages

PROGRAM = """
import pulumi
from pulumi_cloud_elements import native as cloud_elements

desk = cloud_elements.ElementInstance(
    "desk",
    element_key="freshservice",
    name="acme-desk",
    configuration={
        "subdomain": "acme",
        "username": "integration",
        "password": pulumi.Config().require_secret("password"),
    },
    tags=TAGS,
)
pulumi.export("deskToken", desk.element_token)
pulumi.export("deskName", cloud_elements.get_instance_output(id=desk.instance_id).name)
"""


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in Path(folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.timeout(900)  # the first time, the generator is built
def test_it_is_what_the_schema_says(tmp_path):
    """`make sdk` would change nothing."""
    languages.generated("python", tmp_path)

    assert files(tmp_path / languages.PACKAGE) == files(languages.PYTHON_SDK)


def test_the_life_of_an_instance(project, installed, sandbox, password, hidden):
    project.write_program(PROGRAM.replace("TAGS", '["acme"]'))
    project.init("dev")
    project.config_set("password", password, secret=True)
    project.up()
    [made] = sandbox.instances()
    outputs = project.outputs(show_secrets=True)
    assert (outputs["deskToken"], outputs["deskName"]) == (made["token"], "acme-desk")
    hidden()
    (kept,) = [
        one for one in project.export()["deployment"]["resources"] if one["urn"].endswith("desk")
    ]
    [place] = kept["stackTrace"]
    assert place["sourcePosition"].startswith("project:///__main__.py"), "and not what runs it"

    project.up("--expect-no-changes")
    assert sandbox.counters()["creates"] == 1

    project.write_program(PROGRAM.replace("TAGS", '["acme", "support"]'))
    project.up()
    [changed] = sandbox.instances()
    assert changed["id"] == made["id"]
    assert "support" in changed["tags"]
    hidden()

    project.destroy()
    assert sandbox.instances() == []
    hidden()
