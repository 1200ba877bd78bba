"""A new instance without consent, through the real server: it waits where the engine can."""

import json
import shlex
from urllib.parse import quote

import pytest
from pulumi.runtime.proto import engine_pb2

from tests.host.server import APPLICATION, RefusedCall, drive, marked

KNOWS = hasattr(engine_pb2, "RequirePulumiVersionRequest")
"""Older SDKs can't ask for the engine's version."""
TWITTER = {"element_key": "twitter", "name": "t", "configuration": APPLICATION}


def unauthorized(sandbox):
    inputs = drive(sandbox)
    del inputs["code"]
    return inputs


def name_of(server, inputs):
    """Return the resource's name."""
    return server.urn_of(inputs).rpartition("::")[2]


def posts(sandbox):
    return sum(one["method"] == "POST" for one in sandbox.journal())


@pytest.fixture
def server(start, sandbox):
    server = start(sandbox)
    server.engine.lets_wait = True
    return server


@pytest.mark.parametrize("which", ["OAuth 2", "OAuth 1"])
def test_a_create_waits_and_sends_nothing(server, sandbox, which):
    inputs = unauthorized(sandbox) if which == "OAuth 2" else TWITTER | {"__markers": marked()}
    _, failures = server.check(inputs)
    assert (failures == []) is KNOWS
    if not KNOWS:
        return
    waits = "awaiting consent: give its program a code for it"
    assert waits in [one.message for one in server.engine.logged]
    assert server.engine.warnings == []

    before = posts(sandbox)
    with pytest.raises(RefusedCall) as refused:
        server.create(inputs)

    assert refused.value.awaits
    assert server.engine.warnings == [waits]
    assert posts(sandbox) == before


PAGE = "https://connect.example.com/{stack}/{name}"


@pytest.mark.parametrize(
    ("declared", "page", "expected"),
    [
        (True, "", "elements authorize {shell} --stack dev"),
        (False, PAGE, "https://connect.example.com/dev/{quoted}"),
        (
            True,
            PAGE,
            "elements authorize {shell} --stack dev, or https://connect.example.com/dev/{quoted}",
        ),
    ],
)
def test_what_is_told_can_be_done(start, sandbox, declared, page, expected):
    """The command where it knows the instance, the page where there is one."""
    inputs = unauthorized(sandbox)
    inputs["__markers"] = marked("a place of its own/?")
    name = name_of(start(), inputs)
    entries = {name: {"element": "onedrivebusiness"}} if declared else {"another": {}}
    config = {"cloud-elements:instances": json.dumps(entries), "cloud-elements:consentPage": page}
    server = start(sandbox, config=config)
    server.engine.lets_wait = True
    server.check(inputs)
    told = expected.format(shell=shlex.quote(name), quoted=quote(name, safe=""))
    said = [one.message for one in server.engine.logged]
    assert (f"awaiting consent: {told}" in said) is KNOWS


@pytest.mark.parametrize(
    ("lets_wait", "setting"), [(False, "true"), (True, "false"), (True, "true")]
)
def test_where_it_can_not_or_shall_not_wait_the_check_refuses(start, sandbox, lets_wait, setting):
    server = start(sandbox, environment={"CLOUD_ELEMENTS_AWAIT_CONSENT": setting})
    server.engine.lets_wait = lets_wait
    _, failures = server.check(unauthorized(sandbox))
    waits = KNOWS and lets_wait and setting == "true"
    assert [one.partition(":")[0] for one in failures] == ([] if waits else ["code"])


@pytest.mark.parametrize(
    ("declared", "page", "way"),
    [
        (True, PAGE, "by 'elements authorize'"),
        (False, PAGE, "at https://connect.example.com/dev/{name}"),
        (False, "", "and let the program give it"),
    ],
)
def test_a_refusal_names_a_way_that_there_is(start, sandbox, declared, page, way):
    inputs = unauthorized(sandbox)
    name = name_of(start(), inputs)
    entries = {name: {"element": "onedrivebusiness"}} if declared else {}
    config = {"cloud-elements:instances": json.dumps(entries), "cloud-elements:consentPage": page}
    _, [failure] = start(sandbox, config=config).check(inputs)
    assert failure.endswith(f"; get one {way.format(name=quote(name, safe=''))}")


def test_half_of_what_consent_brings_is_a_mistake(server):
    inputs = TWITTER | {"provider_data": {"oauth_token": "half"}, "__markers": marked()}
    _, [failure] = server.check(inputs)
    assert failure.startswith("provider_data: needs oauth_verifier and secret")


def test_what_else_is_missing_is_told_at_once(server, sandbox):
    less = {"oauth.callback.url": APPLICATION["oauth.callback.url"]}
    _, failures = server.check(unauthorized(sandbox) | {"configuration": less})
    assert any(one.startswith("configuration.oauth.api.key: ") for one in failures)


def test_an_instance_that_is_there_and_shows_no_old_inputs_does_not_wait(server, sandbox):
    """As where a replacement is asked for by hand: its successor would wait beside it."""
    inputs = drive(sandbox)
    server.create(inputs)
    del inputs["code"]
    _, [failure] = server.check(inputs)
    assert failure.startswith("code: is required")


def test_another_element_without_consent_does_not_wait(server, sandbox):
    state = server.create(drive(sandbox))
    inputs = unauthorized(sandbox) | {
        "element_key": "hubspot",
        "__markers": state.inputs["__markers"],
    }
    _, failures = server.check(inputs, state.inputs)
    assert any(one.startswith("code: is required") for one in failures)


def test_what_an_interrupted_run_left_is_taken_over_without_a_code(start, sandbox):
    inputs = drive(sandbox)
    killed, server = (start(sandbox, environment={"CLOUD_ELEMENTS_JOURNAL": "false"}) for _ in "ab")
    left = killed.create(inputs)
    del inputs["code"]
    server.engine.lets_wait = True
    _, failures = server.check(inputs)
    assert (failures == []) is KNOWS
    if KNOWS:
        before = posts(sandbox)
        assert server.create(inputs).id == left.id
        assert posts(sandbox) == before
