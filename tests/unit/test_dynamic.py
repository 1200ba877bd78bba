"""Outside of Pulumi's server nothing of the door is needed, and nothing is taken for the server."""

import sys

import pytest

from provider.api.errors import CloudElementsError
from provider.doors import dynamic, server
from provider.instance.host import HalfMadeError
from provider.instance.operations import Operations
from provider.lifecycle import ElementInstanceProvider


def test_outside_of_a_server_there_is_no_call():
    host = dynamic.host()
    assert dynamic.current_call() is None
    assert dynamic.widen(64) is False
    assert (host.urn(), host.old_inputs(), host.awaited()) == ("", None, True)
    for say in (host.warn, host.warn_once, host.note, host.progress):
        say("nobody listens")
    with host.waiting("creating"):
        host.go_on()


def test_a_function_of_the_same_name_is_not_taken_for_the_servers():
    def Create(request, context):  # noqa: N802 - the server's name
        return dynamic.current_call()

    assert Create("request", "no gRPC context") is None


def test_the_serialized_provider_never_reaches_the_rules(monkeypatch):
    """The engine's own property, which is as long as a program."""
    seen = []
    monkeypatch.setattr(Operations, "update", lambda _, *given, **__: seen.append(given) or {})
    given = {"name": "desk", "__provider": "gASV"}
    ElementInstanceProvider().update("7", given, given | {"__markers": ["tag"]})
    assert seen == [("7", {"name": "desk"}, {"name": "desk", "__markers": ["tag"]})]
    assert "__provider" in given


def test_outside_of_a_server_errors_of_the_rules_are_raised_as_they_are(monkeypatch):
    half = HalfMadeError("7", {"name": "desk"}, "could not create it")

    def create(*_):
        raise half

    monkeypatch.setattr(Operations, "create", create)
    with pytest.raises(CloudElementsError) as raised:
        ElementInstanceProvider().create({})
    assert raised.value is half


@pytest.mark.parametrize(
    ("last", "address"),
    [
        ("127.0.0.1:4711", ("127.0.0.1", 4711)),
        ("127.0.0.1:", None),
        ("0.0.0.0:4711", None),
        ("-q", None),
    ],
)
def test_the_engine_is_where_the_last_argument_says(monkeypatch, last, address):
    monkeypatch.setattr(sys, "argv", ["server", last])
    assert server.engine_address() == address
