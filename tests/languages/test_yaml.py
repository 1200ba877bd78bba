"""`examples/yaml` by the real engine and Pulumi's own host for YAML, and what is refused."""

import pytest
import yaml


@pytest.fixture
def change(yaml_program):
    """Return a function that changes the example's declaration."""

    def change(**properties):
        program = yaml.safe_load(yaml_program.read_text())
        program["resources"]["desk"]["properties"] |= properties
        yaml_program.write_text(yaml.safe_dump(program))

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
