"""Ctrl+C and custom timeouts end what waits, whatever it waits for; what was sent is not forgotten.

The engine tells of the first Ctrl+C by `Cancel`, and sends a resource's custom timeouts along.
"""

import time

import pytest
from google.protobuf import empty_pb2

from tests.host.server import SECONDS, RefusedCall, one_of_many
from tests.host.test_throughput import HASTY_CLOCK

SOON = 2.0
"""Seconds in which what waits has to end."""
LIMIT = 1.0
"""Seconds that custom timeouts give a resource, where they are tried."""
WHY = {
    "cancel": "the run was cancelled, so nothing more is sent",
    "timeout": "custom timeouts give it is over",
}
REMEMBERING = {"CLOUD_ELEMENTS_JOURNAL": None}
LISTING = {"kind": "status", "method": "GET", "path": "/instances", "times": None}
WAITS = {
    "its turn at a bounded rate": ({"CLOUD_ELEMENTS_REQUESTS_PER_SECOND": "0.01"}, None),
    "a pause that the platform asked for": ({}, LISTING | {"status": 429, "retry_after": 50}),
    "a repetition": ({}, LISTING | {"status": 500}),
    "a lost answer": ({}, {"kind": "drop", "method": "POST", "when": "before", "times": None}),
}
"""What a create can wait for: variables of the server, and a fault of the platform."""


class Ending:
    """How a call is ended before it is done, and that it is.

    Args:
        kind: `cancel` or `timeout`.
    """

    def __init__(self, kind):
        self.kind = kind
        self.limit = {"timeout": LIMIT if kind == "timeout" else 0.0}
        """For the request."""

    def ends(self, server, call, began):
        """End a call that began then; it is refused, and soon."""
        allowed = SOON
        if self.kind == "cancel":
            began = time.monotonic()
            server.stub.Cancel(empty_pb2.Empty(), timeout=SECONDS)
        else:
            allowed += LIMIT
        refused = RefusedCall(call.exception(SECONDS))
        assert time.monotonic() - began < allowed
        assert WHY[self.kind] in refused.message


@pytest.fixture(params=WHY)
def ending(request):
    return Ending(request.param)


@pytest.fixture
def hasty(start, sandbox):
    """Return a function that starts a server which soon says that it waits."""

    def started(environment):
        return start(sandbox, environment=REMEMBERING | environment, launcher=HASTY_CLOCK)

    return started


@pytest.mark.parametrize("what", WAITS)
def test_a_create_that_waits_ends(hasty, sandbox, ending, what):
    environment, fault = WAITS[what]
    server = hasty(environment)
    inputs = server.checked(one_of_many())
    if fault:
        sandbox.add_fault(**fault)
    if "platform" in what:  # it asked another, who has the time
        server.begin_create(server.checked(one_of_many()))
        server.engine.hears("creating, waiting for the platform, 5 s")
    began = time.monotonic()
    call = server.begin_create(inputs, **ending.limit)
    server.engine.hears("creating, waiting for the platform, 5 s")
    ending.ends(server, call, began)
    made = [fate for fate, _ in server.journal()] if "answer" in what else ["sent"]
    assert made == ["sent"], "which the next run looks for"
    if ending.kind == "cancel":
        with pytest.raises(RefusedCall, match="the run was cancelled"):
            server.create(one_of_many(), check=False)


@pytest.mark.parametrize(("verb", "method"), [("updating", "PATCH"), ("deleting", "DELETE")])
def test_a_change_that_waits_ends(hasty, sandbox, ending, verb, method):
    server = hasty({})
    state = server.create(one_of_many())
    changed = server.checked(state.inputs | {"tags": ["changed"]}, state.inputs)
    sandbox.add_fault("status", method=method, times=None, status=500)
    began = time.monotonic()
    if verb == "updating":
        call = server.begin_update(state, changed, **ending.limit)
    else:
        call = server.begin_delete(state, **ending.limit)
    server.engine.hears(f"{verb}, waiting for the platform, 5 s")
    ending.ends(server, call, began)
    (left,) = sandbox.instances()
    assert str(left["id"]) == state.id


def test_who_waits_for_another_s_list_ends_by_its_own_time(hasty, sandbox):
    server = hasty({})
    first, second = [server.checked(one_of_many()) for _ in "ab"]
    sandbox.add_fault(**LISTING | {"status": 500})
    asks = server.begin_create(first)
    server.engine.hears("creating, waiting for the platform, 5 s")
    began = time.monotonic()
    waits = server.begin_create(second, timeout=LIMIT)
    Ending("timeout").ends(server, waits, began)
    assert not asks.done()
    sandbox.clear_faults()
    assert asks.result(SECONDS).id


def test_a_list_that_ends_with_one_call_is_asked_for_by_who_waits_for_it(hasty, sandbox):
    server = hasty({})
    first, second = [server.checked(one_of_many()) for _ in "ab"]
    sandbox.add_fault(**LISTING | {"status": 500})
    began = time.monotonic()
    asks = server.begin_create(first, timeout=LIMIT)
    server.engine.hears("creating, waiting for the platform, 5 s")
    waits = server.begin_create(second)
    Ending("timeout").ends(server, asks, began)
    sandbox.clear_faults()
    assert waits.result(SECONDS).id


def test_who_waits_for_a_connection_ends_and_who_has_one_does_not(start, gated):
    sandbox, gate = gated(1)
    server = start(sandbox, environment=REMEMBERING | {"CLOUD_ELEMENTS_CONCURRENCY": "1"})
    first, second = [server.checked(one_of_many()) for _ in "ab"]
    sent = server.begin_create(first)
    assert gate.reached.wait(SECONDS)
    waits = server.begin_create(second)
    server.remembers(lambda fates: fates["sent"] == 2)
    Ending("cancel").ends(server, waits, None)
    assert not sent.done()
    gate.open()
    assert sent.result(SECONDS).id == str(sandbox.instances()[0]["id"])


def test_who_has_no_connection_in_time_ends(start, gated):
    sandbox, gate = gated(1)
    server = start(sandbox, environment=REMEMBERING | {"CLOUD_ELEMENTS_CONCURRENCY": "1"})
    first, second = [server.checked(one_of_many()) for _ in "ab"]
    sent = server.begin_create(first)
    assert gate.reached.wait(SECONDS)
    began = time.monotonic()
    waits = server.begin_create(second, timeout=LIMIT)
    Ending("timeout").ends(server, waits, began)
    gate.open()
    assert sent.result(SECONDS).id == str(sandbox.instances()[0]["id"])


def test_a_timeout_ends_a_request_and_the_next_run_finds_what_came_of_it(start, gated):
    sandbox, gate = gated(1)
    server = start(sandbox, environment=REMEMBERING)
    inputs = server.checked(one_of_many())
    began = time.monotonic()
    call = server.begin_create(inputs, timeout=LIMIT)
    Ending("timeout").ends(server, call, began)
    gate.open()
    assert server.journal() == [("sent", "")]
    assert server.create(inputs, check=False).id == str(sandbox.instances()[0]["id"])
    assert sandbox.counters()["creates"] == 1


def test_what_takes_less_than_its_timeout_is_made(start, sandbox):
    server = start(sandbox)
    call = server.begin_create(server.checked(one_of_many()), timeout=600.0)
    assert call.result(SECONDS).id == str(sandbox.instances()[0]["id"])
