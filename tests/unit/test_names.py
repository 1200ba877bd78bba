"""Names and values on their way between a native provider's engine and the rules."""

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from provider.doors import names
from provider.instance.inputs import Inputs

HIDDEN = {rpc._special_sig_key: rpc._special_secret_sig}


def wire(bag):
    found = struct_pb2.Struct()
    found.update(bag)
    return found


def test_every_input_has_one_name_in_programs_and_finds_back():
    bag = dict.fromkeys(Inputs.model_fields, "x")
    outer = names.outward(bag)
    assert not any("_" in name for name in outer)
    assert names.inward(outer) == bag


def test_states_of_either_door_are_read():
    assert names.inward(
        {"element_key": "a", "elementToken": "b", "__record": {"platform": "p"}}
    ) == {
        "element_key": "a",
        "element_token": "b",
        "__record": {"platform": "p"},
    }
    assert names.is_of_dynamic_door({"element_key": "a"})
    assert not names.is_of_dynamic_door({"elementKey": "a", "name": "n", "__markers": []})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("element_key: is required", "elementKey: is required"),
        ("provider_data.code: is given", "providerData.code: is given"),
        ("did you mean 'delete_adopted'?", "did you mean 'deleteAdopted'?"),
        ("configuration.element_key: is null", "configuration.element_key: is null"),
        (
            "my_element_key is not one, nor element_keys",
            "my_element_key is not one, nor element_keys",
        ),
    ],
)
def test_messages_call_properties_by_the_program_s_names(text, said):
    assert names.spoken(text) == said


def test_a_name_of_the_rules_is_none_of_the_program_s():
    given = names.given({"element_key": "x", "elementKey": "y", "other": 1})
    assert given == {"element_key_": "x", "element_key": "y", "other": 1}
    assert names.spoken("element_key_: is not known here; did you mean 'element_key'?") == (
        "element_key: is not known here; did you mean 'elementKey'?"
    )


def test_a_path_escapes_what_the_engine_would_take_for_its_own():
    assert names.path("provider_data", 'a "quoted" \\ key') == (
        r'providerData["a \"quoted\" \\ key"]'
    )
    assert names.path("tags") == "tags"
