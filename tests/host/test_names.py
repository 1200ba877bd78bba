"""The name by which a state refers to the provider, and the one that it had before."""

import pytest
from google.protobuf import json_format

from tests.host.server import (
    APPLICATION,
    OLD_NAME,
    PROVIDER,
    RefusedCall,
    State,
    desk,
    drive,
    plain,
    serialized,
)

pytestmark = pytest.mark.parametrize("door", ["dynamic"], indirect=True, scope="module")
"""The native provider has a name of the engine's."""
QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}
NOTE = "the state gets the provider's new name; nothing changes on the platform"


@pytest.fixture
def server(start, sandbox):
    return start(sandbox, environment=QUICK)


@pytest.mark.parametrize("given", [lambda _: desk(), drive], ids=["password", "code"])
def test_an_update_that_sends_nothing_gives_a_state_the_new_name(server, sandbox, given):
    """Or the state keeps the old one for ever, and refresh and delete go by it."""
    server.provider = OLD_NAME
    state = server.create(given(sandbox))
    inputs = server.checked(state.inputs, state.inputs)

    server.provider, server.stored = PROVIDER, OLD_NAME
    assert server.diff(state, inputs) == ("some", [])
    before = len(sandbox.journal())
    healed = server.update(state, inputs)

    assert sandbox.journal()[before:] == []
    assert healed == state  # with the same secrets
    assert NOTE in [one.message for one in server.engine.logged]
    server.stored = None
    assert server.plan(healed, inputs) == "none"


@pytest.mark.parametrize("stored", [serialized(2), "no pickle"])
def test_another_text_alone_is_no_change(server, sandbox, stored):
    """A new Python writes the same name in another way, and touches no instance for it."""
    state = server.create(desk())
    server.stored = stored
    assert server.diff(state, state.inputs) == ("none", [])


def test_a_real_change_is_told_as_what_it_is(server, sandbox):
    state = server.create(desk())
    server.stored = OLD_NAME
    assert server.diff(state, state.inputs | {"name": "other"}) == ("unknown", [])
    assert server.diff(state, state.inputs | {"element_key": "closeio"}) == (
        "some",
        ["element_key"],
    )
    assert NOTE not in [one.message for one in server.engine.logged]


def test_what_the_platform_calls_invalid_gets_the_new_name_with_a_warning(server, sandbox):
    """It would not have been updated, so it must not fail now."""
    state = server.create(desk())
    sandbox.update_instance(int(state.id), valid=False)
    state = server.read(state)
    assert state.outputs["valid"] is False
    server.stored = OLD_NAME
    assert server.diff(state, state.inputs) == ("some", [])
    assert server.update(state, state.inputs) == state
    assert "is not valid" in server.engine.warnings[-1]


def test_what_an_earlier_run_left_unfinished_is_still_tried_again(start, server, sandbox):
    """The engine asks for it by an update as well, and the new name must not pass for done."""
    sandbox.set_switch("failed_create_leaves", "invalid")
    application = {"configuration": APPLICATION, "code": "a-code-that-nobody-gave"}
    inputs = drive(sandbox) | application
    with pytest.raises(RefusedCall) as half:
        start(sandbox, environment=QUICK).create(inputs)
    made = half.value.init_failed
    state = State(made.id, inputs, plain(json_format.MessageToDict(made.properties)))

    server.stored = OLD_NAME
    with pytest.raises(RefusedCall, match="still not valid"):
        server.update(state, state.inputs)


def test_a_state_of_an_earlier_build_is_refreshed_and_destroyed(server, sandbox):
    server.provider = OLD_NAME
    state = server.create(desk())
    seen = server.read(state)
    assert (seen.inputs, seen.outputs) == (state.inputs, state.outputs)
    server.delete(State(state.id, seen.inputs, seen.outputs))
    assert sandbox.instances() == []
