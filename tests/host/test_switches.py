"""Whatever the platform does where its documentation is silent, what was created is no change."""

import pytest

from sandbox.switches import GROUPS
from tests.host.server import APPLICATION, BASIC, RefusedCall, marked

NUMBERS = {
    "rate_limit": ("1000",),
    "list_page_size": ("1",),
    "list_page_max": ("1",),
    "list_delay_requests": ("2",),
    "list_delay_seconds": ("1",),
    "name_limit": ("9",),
    "tag_limit": ("9",),
    "latency": ("0.001",),
    "create_seconds": ("0.001",),
    "code_seconds": ("1",),
}
"""For the switches that take any number, some that make a difference."""
POSITIONS = [
    (switch.name, value)
    for _, switches in GROUPS
    for switch in switches
    for value in switch.values or NUMBERS[switch.name]
]
ODD = {
    "filter.response.nulls": True,
    "event.poller.refresh_interval": 30,
    "event.poller.configuration": {"contacts": {"url": "/contacts ", "since": 1.5, "ids": [1, 2]}},
    "base.url": "https://acme.freshservice.com/",
    "event.notification.signature.key": "signature-key",
    "not.listed": " outer spaces ",
    "event.notification.callback.url": "",
}
"""Values that come back as text, trimmed, masked, dropped or emptied, and a key nobody lists."""


def basic(sandbox):
    return {
        "element_key": "freshservice",
        "name": "Acme Desk",
        "configuration": BASIC | ODD,
        "tags": ["Beta", "alpha", "Acme Desk"],
        "disabled": False,
        "__markers": marked(),
    }


def oauth(sandbox):
    return {
        "element_key": "onedrivebusiness",
        "name": "Acme Drive",
        "configuration": APPLICATION | {"document.tagging": False},
        "code": sandbox.new_code("onedrivebusiness"),
        "__markers": marked(),
    }


def oauth1(sandbox):
    data = sandbox.new_provider_data("twitter")
    return {
        "element_key": "twitter",
        "name": "acme",
        "configuration": APPLICATION,
        "provider_data": data,
        "tags": ["acme"],
        "disabled": True,
        "__markers": marked(),
    }


PROGRAMS = (basic, oauth, oauth1)
LIMITS = ("name_limit", "tag_limit")
REFUSING = {("unknown_configuration", "refuse", "basic"), ("name_limit", "9", "oauth")} | {
    ("tag_limit", "9", program.__name__) for program in PROGRAMS
}
"""Positions under which the platform takes no such instance at all."""


@pytest.fixture(scope="module")
def server(start, shared_sandbox):
    return start(shared_sandbox)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize(("switch", "value"), POSITIONS)
def test_what_was_created_or_updated_is_no_change(server, sandbox, switch, value, program):
    sandbox.set_switch(switch, value)
    refused = (switch, value, program.__name__) in REFUSING
    lives_without_a_change(server, sandbox, program, refused=refused)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("limit", LIMITS)
def test_what_the_platform_cut_short_is_no_change(server, sandbox, limit, program):
    sandbox.set_switch(limit, "5")
    sandbox.set_switch("over_limit", "cut")
    lives_without_a_change(server, sandbox, program, refused=False)


def lives_without_a_change(server, sandbox, program, *, refused):
    """Create, refresh, update and refresh; between two of them a preview has nothing to do."""
    inputs = program(sandbox)
    if refused:
        with pytest.raises(RefusedCall, match="correct the inputs"):
            server.create(inputs)
        assert sandbox.instances() == []
        return
    made = server.create(inputs)
    codeless = {key: value for key, value in inputs.items() if key != "code"}
    assert server.plan(made, inputs) == "none"
    assert server.plan(made, codeless) == "none"
    seen = server.read(made)
    assert seen.inputs == made.inputs
    assert server.plan(seen, codeless) == "none"

    changed = codeless | {
        "name": "Renamed",
        "tags": ["other", "Renamed"],
        "configuration": inputs["configuration"] | {"pagination.max": 7},
    }
    assert server.plan(seen, changed) == "unknown"  # the engine shows the changed inputs itself
    updated = server.update(seen, changed)
    assert server.plan(updated, changed) == "none"
    seen = server.read(updated)
    assert seen.inputs == updated.inputs
    assert server.plan(seen, changed) == "none"

    server.delete(seen)
    assert sandbox.instances() == []
