"""What is spared of the SDK's own work: the run itself stays what it is."""

import asyncio
import gc
import threading
import types

import pulumi
import pytest
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.proto import engine_pb2

from provider import ElementInstance
from provider.instance.runs import UNHEARD


class Engine(mocks.MockEngine):
    """Keeps the severity of each message."""

    def __init__(self):
        super().__init__(None)
        self.heard = []

    def Log(self, request):  # noqa: N802 - Pulumi's protocol
        """Keep it."""
        self.heard.append(request.severity)
        return super().Log(request)


class Mocks(pulumi.runtime.Mocks):
    """Answers once it is let through."""

    def __init__(self):
        self.through = threading.Event()
        self.through.set()
        self.registered = []

    def new_resource(self, args):
        """Answer with the inputs."""
        self.through.wait()
        self.registered.append(args.name)
        return "7", args.inputs

    def call(self, args):
        """Answer nothing."""
        return {}


@pytest.fixture
def debug():
    """Put the SDK's function back, whoever takes it away."""
    yield
    pulumi.log.debug = before


before = pulumi.log.debug


@pytest.fixture
def run(debug):
    """Return a function that runs a program as Pulumi's own script does."""

    def ran(program, given):
        settings.SETTINGS.rpc_manager.clear()  # of what a failed run left open
        settings.SETTINGS.outputs.clear()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        pulumi.runtime.set_mocks(given, project="shop", stack="dev")
        settings.set_root_resource(None)
        loop.run_until_complete(stack.wait_for_rpcs())  # for what the mocks declare themselves
        settings.SETTINGS.engine = engine = Engine()
        loop.run_until_complete(stack.run_in_stack(program))
        return engine.heard

    return ran


class RefusedError(Exception):
    """What a program raises."""


def declare(*names):
    for name in names:
        ElementInstance(name, "closeio")


def test_where_nobody_hears_debug_messages_none_is_sent_for_a_resource(run, monkeypatch):
    of_three = run(lambda: declare("a", "b", "c"), Mocks()).count(engine_pb2.DEBUG)
    of_one = run(lambda: declare("a"), Mocks()).count(engine_pb2.DEBUG)
    assert of_three > of_one + 4
    monkeypatch.setenv(UNHEARD, "true")
    heard = run(lambda: (declare("a", "b", "c"), pulumi.log.info("x")), Mocks())
    assert heard.count(engine_pb2.INFO) == 1
    assert heard.count(engine_pb2.DEBUG) < of_one


@pytest.mark.parametrize(
    ("before", "after"), [((700, 10, 10), 50_000), ((90_000, 10, 10), 90_000), ((0, 10, 10), 0)]
)
def test_garbage_is_looked_for_less_often_unless_somebody_chose(run, before, after):
    old = gc.get_threshold()
    try:
        gc.set_threshold(*before)
        run(lambda: declare("a"), Mocks())
        assert gc.get_threshold() == (after, *before[1:])
    finally:
        gc.set_threshold(*old)


def test_the_wait_for_all_resources_does_not_begin_anew_with_each(run, monkeypatch):
    waits = []
    wait = asyncio.wait

    def counted(tasks, **options):
        waits.append(len(tasks))
        return wait(tasks, **options)

    monkeypatch.setattr(asyncio, "wait", counted)
    given = Mocks()
    names = [f"r{number}" for number in range(30)]
    run(lambda: declare(*names), given)
    assert sorted(given.registered) == sorted(names)
    assert 0 < len(waits) < 6


def test_what_fails_is_raised_while_others_are_still_open(run):
    given = Mocks()
    reached = []

    def fail(_):
        given.through.clear()
        reached.append(1)
        raise RefusedError

    def program():
        declare("a")
        pulumi.Output.from_input("x").apply(fail)

    try:
        with pytest.raises(RefusedError):
            run(program, given)
    finally:
        given.through.set()
    assert reached


def test_resources_that_are_declared_later_are_waited_for(run):
    given = Mocks()

    def program():
        first = ElementInstance("first", "closeio")
        first.urn.apply(lambda _: declare("second"))

    run(program, given)
    assert {"first", "second"} <= {*given.registered}


def test_another_sdk_goes_its_own_way(run, monkeypatch):
    given = Mocks()

    def program():
        with monkeypatch.context() as patch:
            patch.setattr("provider.program.settings", types.SimpleNamespace(SETTINGS=object()))
            declare("a")

    run(program, given)
    assert "a" in given.registered
