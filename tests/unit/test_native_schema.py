"""The schema of the native provider says what the code says."""

import inspect
import json
from dataclasses import fields

import pytest

from provider.config import Settings
from provider.doors.names import COMPUTED, camel
from provider.doors.native import functions
from provider.doors.native.server import SCHEMA
from provider.instance.inputs import Inputs, policy
from tools import schema

DOCUMENT = json.loads(SCHEMA.read_text())
(RESOURCE,) = DOCUMENT["resources"].values()


def test_the_schema_is_up_to_date():
    """`make docs` would change nothing."""
    assert schema.document() == SCHEMA.read_text(encoding="utf-8")


def test_every_input_is_in_it_with_what_stands_on_the_field():
    inputs = RESOURCE["inputProperties"]
    own = [name for name in Inputs.model_fields if name != "markers"]
    assert inputs.keys() == {camel(name) for name in own}
    for name in own:
        entry = inputs[camel(name)]
        assert entry["description"]
        assert entry.get("secret", False) is policy(name).secret, name
        assert entry.get("replaceOnChanges", False) is policy(name).replaces, name


def test_configuration_is_a_secret_output_and_no_secret_input():
    """As an input, all of it would be hidden in every SDK: Check marks leaf by leaf."""
    secret = {name for name, entry in RESOURCE["properties"].items() if entry.get("secret")}
    assert secret == {"configuration", "elementToken"}
    assert {name for name, entry in RESOURCE["inputProperties"].items() if entry.get("secret")} == {
        "code",
        "providerData",
    }


def test_every_output_is_in_it():
    outputs = {camel(name) for name in COMPUTED}
    outputs |= {"elementKey", "name", "tags", "configuration", "disabled", "deleteAdopted"}
    assert RESOURCE["properties"].keys() == outputs


def test_settings_are_the_provider_s_inputs_and_secrets_among_them_are_marked():
    inputs = DOCUMENT["provider"]["inputProperties"]
    assert inputs == DOCUMENT["config"]["variables"]
    for item in fields(Settings):
        assert inputs[camel(item.name)].get("secret", False) is item.metadata["secret"]
        assert "default" not in inputs[camel(item.name)]
        assert "defaultInfo" not in inputs[camel(item.name)]  # it would end in the state


def test_states_of_the_dynamic_provider_are_taken_over_by_an_alias():
    assert RESOURCE["aliases"] == [{"type": "pulumi-python:dynamic/cloud-elements:ElementInstance"}]


@pytest.mark.parametrize("name", functions.FUNCTIONS)
def test_a_function_takes_what_the_schema_says(name):
    told = DOCUMENT["functions"][f"cloud-elements:index:{name}"]["inputs"]
    taken = {
        camel(one.name): one.default is inspect.Parameter.empty
        for one in inspect.signature(functions.FUNCTIONS[name]).parameters.values()
        if one.name != "context"
    }
    assert told["properties"].keys() == taken.keys()
    assert {*told["required"]} == {key for key, required in taken.items() if required}


def test_what_is_listed_by_is_what_a_list_takes():
    assert RESOURCE["listInputs"]["properties"].keys() == {"tag", "elementKey"}


def test_no_name_of_the_rules_is_left_in_the_texts():
    assert not [name for name in Inputs.model_fields if "_" in name and name in SCHEMA.read_text()]
