"""States of the dynamic provider are read, refreshed, changed and destroyed by the native one."""

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2

from provider.doors.engine import EngineHost
from provider.doors.names import inward, is_of_dynamic_door, is_of_native_door
from provider.doors.native.service import Service
from tools.stored_states import plain

TYPE = "cloud-elements:index:ElementInstance"
THE_STACK_S_LIST = "GET /instances"
UNFINISHED = ("with a code that was refused", "refused and left behind")


class Refused(Exception):  # noqa: N818 - what a test looks at, no error of ours
    """The message of a call that was refused."""


class Call:
    """A call that somebody waits for."""

    def is_active(self):
        return True

    def set_trailing_metadata(self, _metadata):
        pass

    def abort(self, _code, message):
        raise Refused(message)


class Native:
    """The native provider, as a new run has it, about one resource."""

    def __init__(self, world, stored):
        world.provider()  # sets the environment, and begins a run
        self._service = Service(EngineHost(None, lambda: False))
        config = {"baseUrl": world.sandbox.base_url, "lookupWindow": "0"}
        self._service.configure(provider_pb2.ConfigureRequest(args=bag(config)))
        self._stored = stored

    def ask(self, method, **request):
        kind = getattr(provider_pb2, f"{method}Request")
        urn = f"urn:pulumi:dev::tests::{TYPE}::stored"
        asked = kind(id=self._stored["id"], urn=urn, **request)
        return getattr(self._service, method)(asked, Call())

    def update(self, news):
        return self.ask("Update", olds=bag(self._stored["outputs"]), news=bag(news))


def bag(values):
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


@pytest.fixture
def native(world, stored):
    return Native(world, stored)


def shown(outputs):
    """Return what users see of outputs, in the words of the rules."""
    hidden = {key for key in outputs if key.startswith("__")} | {"element_name"}
    return {key: value for key, value in inward(plain(outputs)).items() if key not in hidden}


def but_the_list(requests):
    """Return requests without the one that a run sends once, however many instances there are."""
    return [request for request in requests if request != THE_STACK_S_LIST]


def looked_at(stored, requests):
    """Return requests that change something, after the look of one that knows no platform."""
    known = stored["outputs"]["__record"].get("platform")
    return requests if known or not requests else ["GET /instances/{id}", *requests]


def test_a_refresh_finds_no_drift(world, native, stored):
    outputs, inputs = bag(stored["outputs"]), bag(plain(stored["inputs"]))
    response, sent = world.observe(lambda: native.ask("Read", properties=outputs, inputs=inputs))
    assert response.id == stored["id"]
    assert but_the_list(sent) == but_the_list(stored["requests"]["refresh"])
    found = json_format.MessageToDict(response.properties)
    assert not is_of_dynamic_door(found)
    assert shown(found) == shown(stored["outputs"])


def test_the_state_is_rewritten_without_a_change(world, native, stored):
    """One update, of which the platform hears nothing but at most whose the instance is."""
    news = plain(stored["inputs"])
    found, sent = world.observe(
        lambda: native.ask(
            "Diff", olds=bag(stored["outputs"]), old_inputs=bag(news), news=bag(news)
        )
    )
    assert sent == []
    assert (found.changes, list(found.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])
    if stored["name"] in UNFINISHED:
        return  # is not as the program wants it, and is tried again as ever
    assert dict(found.detailedDiff) == {}

    response, sent = world.observe(lambda: native.update(news))
    knows_its_platform = "platform" in stored["outputs"]["__record"]
    assert sent == ([] if knows_its_platform else ["GET /instances/{id}"])
    outputs = json_format.MessageToDict(response.properties)
    assert not is_of_dynamic_door(outputs)
    assert shown(outputs) == shown(stored["outputs"])
    again = native.ask("Diff", olds=response.properties, old_inputs=bag(news), news=bag(news))
    assert again.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_dynamic_provider_takes_it_back(world, native, stored):
    """Also what the native one wrote, without a word to the platform."""
    if stored["name"] in UNFINISHED:
        return
    news = plain(stored["inputs"])
    there = plain(json_format.MessageToDict(native.update(news).properties))
    assert is_of_native_door(there)
    provider = world.provider()
    found, sent = world.observe(lambda: provider.diff(stored["id"], there, news))
    assert (found.changes, found.replaces, sent) == (True, None, [])
    back, sent = world.observe(lambda: provider.update(stored["id"], there, news))
    assert sent == []
    assert not is_of_native_door(back.outs)
    assert shown(back.outs) == shown(stored["outputs"])


def test_an_update_sends_what_it_sent(world, native, stored):
    news = plain(stored["inputs"])
    news |= {"tags": [*news.get("tags", []), "added"]}
    _, sent = world.observe(lambda: native.update(news))
    assert sent == looked_at(stored, stored["requests"]["update"])
    [instance] = world.sandbox.instances()
    assert "added" in instance["tags"]


def test_a_destroy_sends_what_it_sent(world, native, stored):
    _, sent = world.observe(lambda: native.ask("Delete", properties=bag(stored["outputs"])))
    sent = but_the_list(sent)
    assert sent == looked_at(stored, but_the_list(stored["requests"]["destroy"]))
    assert bool(world.sandbox.instances()) == (not sent)
