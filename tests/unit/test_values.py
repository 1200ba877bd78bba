"""Values on their way between the engine and the rules."""

import pulumi
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.rpc import wrap_rpc_secret

from provider.api.errors import CloudElementsError
from provider.doors import values

HIDDEN = {rpc._special_sig_key: rpc._special_secret_sig}


def wire(bag):
    found = struct_pb2.Struct()
    found.update(bag)
    return found


def test_what_comes_in_is_plain_and_keeps_unknowns():
    bag = {
        "code": HIDDEN | {"value": "secret"},
        "configuration": {"a": [HIDDEN | {"value": 1}], "b": rpc.UNKNOWN, "none": None},
        "__markers": ["x"],
        "__provider": "pickled",
    }
    found = values.properties(wire(bag))
    assert found["code"] == "secret"
    assert found["configuration"]["a"] == [1]
    assert found["configuration"]["none"] is None
    assert isinstance(found["configuration"]["b"], pulumi.output.Unknown)
    assert found["__markers"] == ["x"]
    assert "__provider" not in found


def test_what_pulumi_hides_is_taken_by_itself_but_for_the_provider():
    bag = {"code": "1", "__markers": ["x"], "__record": {"a": None}, "__provider": "pickled"}
    assert values.hidden(wire(bag)) == {"__markers": ["x"], "__record": {"a": None}}


def test_what_goes_out_is_marked_at_its_leaves():
    bag = {
        "configuration": wrap_rpc_secret({"a": "1", "deep": {"b": [2, None]}, "none": None}),
        "elementToken": wrap_rpc_secret("token"),
        "valid": values.UNKNOWN,
        "tags": ["t"],
        "nothing": None,
    }
    assert json_format.MessageToDict(values.struct(bag)) == {
        "configuration": {
            "a": HIDDEN | {"value": "1"},
            "deep": {"b": [HIDDEN | {"value": 2}, None]},
            "none": None,
        },
        "elementToken": HIDDEN | {"value": "token"},
        "valid": rpc.UNKNOWN,
        "tags": ["t"],
        "nothing": None,
    }


def test_a_file_is_no_value():
    asset = {rpc._special_sig_key: rpc._special_asset_sig, "text": "hidden"}
    with pytest.raises(CloudElementsError, match=r"a file .* not a value") as refused:
        values.properties(wire({"configuration": {"a": [asset]}}))
    assert "hidden" not in str(refused.value)
