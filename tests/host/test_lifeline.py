"""Without an engine nothing is begun, what is under way ends, and the process is gone."""

import time
from collections import Counter

import pytest

from tests.host.server import SECONDS, one_of_many

SOON = 15.0
"""Seconds within which a process ends that is at nothing; a busy machine included."""
REMEMBERING = {"CLOUD_ELEMENTS_JOURNAL": "true"}


def written(sandbox):
    """Return the requests that change something."""
    return [one["method"] for one in sandbox.journal() if one["method"] != "GET"]


@pytest.mark.parametrize(
    "bound",
    [
        {"CLOUD_ELEMENTS_CONCURRENCY": "2"},  # four wait for a connection, the others for a thread
        {"CLOUD_ELEMENTS_REQUESTS_PER_SECOND": "1"},  # all wait for their turn
    ],
)
def test_of_many_creates_those_under_way_end_and_no_other_begins(start, gated, bound):
    sandbox, gate = gated(2)
    server = start(sandbox, environment=REMEMBERING | bound)
    for inputs in [server.checked(one_of_many()) for _ in range(40)]:
        server.begin_create(inputs)
    assert gate.reached.wait(SECONDS)
    server.remembers(lambda fates: fates["sent"] > len(written(sandbox)))  # some wait by now
    server.lose_engine()
    # At once, for the next run may be on its way: what waited is known to be as good as before.
    server.remembers(lambda fates: fates["void"] == fates["sent"] - len(written(sandbox)) > 0)
    gate.open()

    assert server.ends() == 0

    sent = len(written(sandbox))
    assert sent == len(sandbox.instances()) < 5
    fates = Counter(fate for fate, _ in server.journal())
    void = fates["sent"] - sent
    assert fates == {"sent": fates["sent"], "made": sent, "left": sent, "void": void}
    left = {instance for fate, instance in server.journal() if fate == "left"}
    assert left == {str(one["id"]) for one in sandbox.instances()}


def test_a_server_at_nothing_ends(start, sandbox):
    server = start(sandbox)
    server.check(one_of_many())
    lost = time.monotonic()
    server.lose_engine()
    assert server.ends() == 0
    assert time.monotonic() - lost < SOON


def test_who_waits_before_a_repetition_does_not_repeat(start, sandbox):
    server = start(sandbox)
    state = server.create(one_of_many())
    sandbox.add_fault("status", method="DELETE", status=503, retry_after=60)
    server.begin_delete(state)
    server.engine.hears("deleting, waiting for the platform, 5 s")
    before = written(sandbox)
    lost = time.monotonic()
    server.lose_engine()
    assert server.ends() == 0
    assert time.monotonic() - lost < SOON
    assert written(sandbox) == before


def test_who_looks_for_a_lost_answer_leaves_that_to_the_next_run(start, sandbox):
    server = start(sandbox, environment=REMEMBERING)
    before = written(sandbox)
    sandbox.add_fault("drop", method="POST", when="before")
    server.begin_create(server.checked(one_of_many()))
    server.engine.hears("the answer was lost; looking for the instance")
    lost = time.monotonic()
    server.lose_engine()
    assert server.ends() == 0
    assert time.monotonic() - lost < SOON
    assert written(sandbox) == [*before, "POST"]
    assert server.journal() == [("sent", "")]


HASTY = """
import runpy
from provider.doors import lifeline
lifeline._LONGEST_END = 1.0
runpy.run_module("MODULE", run_name="__main__", alter_sys=True)
"""


def test_a_request_that_hangs_holds_nobody_up_for_ever(start, gated):
    sandbox, gate = gated(1)
    server = start(sandbox, environment=REMEMBERING, launcher=HASTY)
    server.begin_create(server.checked(one_of_many()))
    assert gate.reached.wait(SECONDS)
    server.lose_engine()
    assert server.ends() == 0
    assert server.journal() == [("sent", "")]


def test_a_call_that_the_engine_gave_up_begins_nothing(start, gated):
    """The second Ctrl+C cuts the calls, while the engine is still there."""
    sandbox, gate = gated(1)
    server = start(sandbox, environment=REMEMBERING | {"CLOUD_ELEMENTS_CONCURRENCY": "1"})
    for inputs in [server.checked(one_of_many()) for _ in range(3)]:
        server.begin_create(inputs)
    assert gate.reached.wait(SECONDS)
    server.remembers(lambda fates: fates["sent"] == 3)
    server.give_up()
    gate.open()
    server.interrupt()
    assert server.ends() == 0
    assert written(sandbox) == ["POST"]
    fates = Counter(fate for fate, _ in server.journal())
    assert fates == {"sent": 3, "made": 1, "left": 1, "void": 2}


def test_at_its_end_a_server_says_what_an_earlier_one_left(start, sandbox, tmp_path):
    environment = REMEMBERING | {"PULUMI_HOME": str(tmp_path)}
    killed = start(sandbox, environment=environment)
    kept, left = killed.create(one_of_many()), killed.create(one_of_many())
    killed.lose_engine()
    assert killed.ends() == 0
    server = start(sandbox, environment=environment)
    server.delete(kept)
    assert server.engine.warnings == []
    server.interrupt()
    assert server.ends() == 0
    (warning,) = server.engine.warnings
    assert f"also made element instance {left.id} of this stack" in warning
    assert "elements sweep --stack dev" in warning
    assert server.stop() == ""
