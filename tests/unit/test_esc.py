"""`examples/esc`: what can be told of the files without Pulumi Cloud."""

import re
from dataclasses import fields
from pathlib import Path

import yaml

from provider.config import Settings, environment_name, stack_key
from provider.declarations import parse
from provider.stack_keys import KEY

FOLDER = Path(__file__).parents[2] / "examples" / "esc"


def test_the_environment_names_settings_that_there_are():
    """Variables and stack keys are the provider's, and references lead to values."""
    values = yaml.safe_load((FOLDER / "environment.yaml").read_text())["values"]
    names = [field.name for field in fields(Settings)]

    assert set(values["environmentVariables"]) <= {environment_name(name) for name in names}
    assert set(values["pulumiConfig"]) <= {stack_key(name) for name in names}
    for reference in values["environmentVariables"].values():
        [path] = re.fullmatch(r"\$\{([\w.]+)\}", reference).groups()
        found = values
        for part in path.split("."):
            found = found[part]
        assert list(found) == ["fn::secret"]


def test_the_stack_imports_it_and_declares_an_instance():
    stack = yaml.safe_load((FOLDER / "stack.yaml").read_text())

    assert stack["environment"] == ["cloud-elements/prod"]
    assert list(parse(stack["config"][KEY])) == ["desk"]
