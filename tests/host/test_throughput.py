"""The server works on as many instances at once as settings say, and stays responsive."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf import empty_pb2

from tests.host.server import SECONDS, one_of_many

MANY = 64


def test_64_creates_run_at_once_and_cancel_is_answered_meanwhile(start, gated):
    sandbox, gate = gated(MANY)
    server = start(sandbox)
    server.check(one_of_many())  # as in every run: the first call is a Check
    with ThreadPoolExecutor(MANY) as pool:
        creates = [pool.submit(server.create, one_of_many(), check=False) for _ in range(MANY)]
        assert gate.reached.wait(SECONDS), f"only {gate.most} at once"

        server.stub.Cancel(empty_pb2.Empty(), timeout=SECONDS)

        assert not any(create.done() for create in creates)
        gate.open()
        assert len({create.result().id for create in creates}) == MANY
    assert sandbox.counters()["creates"] == MANY
    assert sandbox.counters()["doubles"] == 0
    listed = [e for e in sandbox.journal() if (e["method"], e["path"]) == ("GET", "/instances")]
    assert len(listed) == 1  # what earlier runs left is asked for once


def test_a_burst_that_is_the_first_call_runs_at_once_too(start, gated):
    sandbox, gate = gated(MANY)
    server = start(sandbox)
    with ThreadPoolExecutor(MANY) as pool:
        creates = [pool.submit(server.create, one_of_many(), check=False) for _ in range(MANY)]
        assert gate.reached.wait(SECONDS), f"only {gate.most} at once"
        gate.open()
        assert len({create.result().id for create in creates}) == MANY


def test_the_setting_bounds_what_runs_at_once(start, gated):
    sandbox, gate = gated(8)
    server = start(sandbox, environment={"CLOUD_ELEMENTS_CONCURRENCY": "8"})
    server.check(one_of_many())
    with ThreadPoolExecutor(MANY) as pool:
        creates = [pool.submit(server.create, one_of_many(), check=False) for _ in range(20)]
        assert gate.reached.wait(SECONDS), f"only {gate.most} at once"
        gate.open()
        assert len({create.result().id for create in creates}) == 20
    assert gate.most == 8


def test_the_stack_may_ask_for_more_at_once(start, gated):
    """The server of either door is there before the settings are."""
    sandbox, gate = gated(80)
    server = start(sandbox, config={"cloud-elements:concurrency": "80"})
    server.check(one_of_many())
    with ThreadPoolExecutor(80) as pool:
        creates = [pool.submit(server.create, one_of_many(), check=False) for _ in range(80)]
        assert gate.reached.wait(SECONDS), f"only {gate.most} at once"
        gate.open()
        assert len({create.result().id for create in creates}) == 80


RENAMED_WORKER = """
import concurrent.futures.thread as thread, runpy
thread._worker.__code__ = thread._worker.__code__.replace(co_name="another")
runpy.run_module("MODULE", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("door", ["dynamic"], indirect=True, scope="module")
def test_a_server_of_another_make_keeps_its_four_workers_and_that_is_said_once(start, gated):
    sandbox, gate = gated(4)
    server = start(sandbox, launcher=RENAMED_WORKER)
    server.check(one_of_many())
    with ThreadPoolExecutor(12) as pool:
        creates = [pool.submit(server.create, one_of_many(), check=False) for _ in range(12)]
        assert gate.reached.wait(SECONDS), f"only {gate.most} at once"
        gate.open()
        assert len({create.result().id for create in creates}) == 12
    assert gate.most == 4
    assert server.engine.warnings == [
        "this Pulumi SDK's server can't be widened, so it works on four instances at once"
    ]


HASTY_CLOCK = """
import runpy, threading, types
from provider.doors import engine

class Event(threading.Event):
    def wait(self, timeout=None):
        return super().wait(timeout and timeout / 100)

engine.threading = types.SimpleNamespace(
    Event=Event, Thread=threading.Thread, Lock=threading.Lock
)
runpy.run_module("MODULE", run_name="__main__", alter_sys=True)
"""


def test_while_the_platform_takes_its_time_the_resource_says_for_how_long(start, gated):
    """On its own line, in passing, and no longer than the platform keeps it waiting."""
    sandbox, gate = gated(1)
    server = start(sandbox, launcher=HASTY_CLOCK)
    engine, inputs = server.engine, one_of_many()
    server.check(inputs)  # asks for the element's metadata, which the later ones need no more
    sandbox.set_switch("latency", "1")

    def told(verb):
        return [one for one in engine.logged if one.message.startswith(verb)]

    def made_to_wait(verb, call, *arguments, **options):
        waiting = pool.submit(call, *arguments, **options)
        engine.hears(f"{verb}, waiting for the platform, 10 s")
        gate.open()
        done = waiting.result()
        assert [one.message for one in told(verb)[:2]] == [
            f"{verb}, waiting for the platform, {seconds} s" for seconds in (5, 10)
        ]
        assert all(one.ephemeral for one in told(verb))
        assert {one.urn for one in told(verb)} == {server.urn_of(inputs)}
        gate.shut()
        return done

    with ThreadPoolExecutor(1) as pool:
        state = made_to_wait("creating", server.create, inputs, check=False)
        state = made_to_wait("updating", server.update, state, inputs | {"name": "renamed"})
        after = len(told("creating"))
        made_to_wait("deleting", server.delete, state)
    assert len(told("creating")) == after
