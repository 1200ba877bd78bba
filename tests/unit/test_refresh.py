"""What a refresh stores; the whole of it is tested in tests/host."""

from dataclasses import replace

from pulumi.runtime.rpc import unwrap_rpc_secret

from provider.api.wire import Instance
from provider.instance.refresh import drifted
from provider.instance.state import Properties


def test_a_drifted_map_is_secret_though_an_older_state_has_it_in_clear():
    before = Properties("desk", [], {"map": '{"a":"one"}', "text": "one", "still": '{"a":"b"}'})
    seen = replace(before, configuration={**before.configuration, "map": "two", "text": "two"})
    inputs = {"name": "desk", "configuration": {"map": {"a": "one"}, "text": "one", "still": {}}}

    found = drifted(Instance(id="1", name="desk"), inputs, before, seen)["configuration"]

    assert unwrap_rpc_secret(found["map"]) == "two" != found["map"]
    assert (found["text"], found["still"]) == ("two", {})
