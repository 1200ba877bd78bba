"""What stands in the project's own files agrees with the code."""

import inspect
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from provider.config import Settings, stack_key
from provider.declarations import InstanceDeclaration
from provider.instance.inputs import Inputs
from provider.resource import ElementInstance

ROOT = Path(__file__).parents[2]
PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
OPTIONAL = {"baseUrl", "userSecret", "organizationSecret", "requestsPerSecond", "consentPage"}


def test_every_setting_with_a_default_is_declared_with_that_default():
    """Pulumi demands a declared key without a default of every stack, so those are left out."""
    settings = {stack_key(item.name).partition(":")[2]: item.default for item in fields(Settings)}
    declared = {key: entry["default"] for key, entry in PROJECT["config"].items()}
    assert declared.pop("instances") == {}
    assert declared == {key: value for key, value in settings.items() if key not in OPTIONAL}
    assert settings.keys() >= OPTIONAL


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_environment_says_where_its_platform_is(stack):
    document = yaml.safe_load((ROOT / f"stacks/Pulumi.{stack}.yaml").read_text())
    assert document["config"]["cloud-elements:baseUrl"].startswith("https://")


def test_a_program_and_a_stack_file_can_give_every_input():
    inputs = set(Inputs.model_fields) - {"markers"}
    arguments = set(inspect.signature(ElementInstance).parameters) - {"resource_name", "opts"}
    assert arguments == inputs
    options = {"protect", "retain_on_delete"}
    renamed = {
        "element_key" if key == "element" else key for key in InstanceDeclaration.model_fields
    }
    assert renamed - options == inputs


def test_every_folder_of_tests_is_run():
    """A tier that no rule makes would be passed over in silence."""
    listed = re.search(r"^TIERS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    planned = subprocess.run(
        ["make", "-n", *listed[1].split()], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert "Nothing to be done" not in planned.stdout
    assert folders <= set(re.findall(r"tests/(\w+)", planned.stdout))
