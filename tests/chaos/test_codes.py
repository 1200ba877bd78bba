"""Leftovers whose code can't be told: a code that may have been sent is not sent again.

Without a journal, so that nothing but the platform knows what an earlier run sent.
"""

import pytest

from tests.chaos.pocket_engine import Declared, Engine
from tests.chaos.test_lifecycles import APPLICATION
from tests.chaos.world import DOORS, Machine


@pytest.fixture(params=DOORS)
def lost(ground, counts, request):
    """An engine that forgot the instance it had made, and its program."""
    sandbox, clock, transport = ground
    sandbox.reset()
    engine = Engine(Machine(sandbox, clock, transport, None, request.param), counts)
    inputs = {"element_key": "hubspot", "name": "alpha", "configuration": APPLICATION}
    program = {"alpha": Declared(inputs | {"code": sandbox.new_code("hubspot")})}
    engine.lose_result(0)
    assert not engine.up(program)
    engine.lose_result(1)  # past the check, right after the create
    assert not engine.up(program)
    assert not engine.state.resources
    return sandbox, engine, program


def test_a_code_lost_on_the_way_is_not_sent_to_an_older_leftover(lost):
    """The leftover was authenticated with an older code and is not in the first list."""
    sandbox, engine, program = lost
    (instance,) = sandbox.instances()
    sandbox._tenant.store.hide(instance["id"], 1)
    program["alpha"].inputs["code"] = sandbox.new_code("hubspot")
    sandbox.add_fault("drop", method="POST", path="/instances", when="before")
    assert engine.up(program)
    assert engine.state.resources["alpha"].instance == str(instance["id"])
    carried = [entry["method"] for entry in sandbox.journal() if entry["carries_code"]]
    assert carried == ["POST", "POST"]
    assert sandbox.counters()["codes_resent"] == 0


def test_a_code_is_not_sent_to_a_leftover_that_does_not_tell_its_own(lost):
    """Whoever took the tag away took the proof with it that this code made the instance."""
    sandbox, engine, program = lost
    (instance,) = sandbox.instances()
    tags = [tag for tag in instance["tags"] if not tag.startswith("pulumi-code-")]
    assert len(tags) == len(instance["tags"]) - 1
    sandbox.update_instance(instance["id"], tags=tags)
    assert engine.up(program)
    assert engine.state.resources["alpha"].instance == str(instance["id"])
    assert [entry["method"] for entry in sandbox.journal() if entry["carries_code"]] == ["POST"]
    assert sandbox.counters()["codes_resent"] == 0


def test_a_newer_code_is_sent_once_to_a_leftover_of_an_older_one(lost):
    """That is what it is for."""
    sandbox, engine, program = lost
    program["alpha"].inputs["code"] = sandbox.new_code("hubspot")
    assert engine.up(program)
    carried = [entry["method"] for entry in sandbox.journal() if entry["carries_code"]]
    assert carried == ["POST", "PATCH"]
    assert sandbox.counters()["codes_resent"] == 0
