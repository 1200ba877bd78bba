"""Whatever the platform does where its documentation is silent, what was created is no change."""

from itertools import cycle

import httpx
import pytest

from sandbox.switches import GROUPS
from tests.host.server import APPLICATION, BASIC, RefusedCall, State, marked, plain

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
        "events": {"by": "webhooks", "to": "https://app.example.com/events"},
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


BLIND = {
    "CLOUD_ELEMENTS_METADATA": "false",
    "CLOUD_ELEMENTS_LOOKUP_WINDOW": "0",
    "CLOUD_ELEMENTS_RETRY_BUDGET": "0",
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


@pytest.mark.parametrize("door", ["dynamic"], indirect=True, scope="module")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize(("switch", "value"), POSITIONS)
def test_what_was_created_or_updated_is_no_change(server, sandbox, switch, value, program):
    under(server, sandbox, switch, value, program)


@pytest.mark.parametrize("door", ["native"], indirect=True, scope="module")
@pytest.mark.parametrize(("position", "program"), [*zip(POSITIONS, cycle(PROGRAMS), strict=False)])
def test_nor_is_it_through_the_native_door(server, sandbox, position, program):
    """Every position, with one program each: what the platform does is read behind the doors."""
    under(server, sandbox, *position, program)


def under(server, sandbox, switch, value, program):
    """Live under a position of a switch."""
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

    renamed = codeless | {"name": "Alone"}
    seen = server.update(seen, renamed)
    assert server.plan(seen, renamed) == "none"
    seen = server.read(seen)
    assert server.plan(seen, renamed) == "none"

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


# What a switch is for, where a life without a change never comes by


@pytest.mark.parametrize("status", ["404", "400", "401", "403"])
def test_an_instance_that_is_gone_leaves_the_state_or_is_told_with_the_way_out(
    server, sandbox, status
):
    """Only a 404 surely means that it is gone; whatever else may is not taken for it."""
    sandbox.set_switch("unknown_instance_status", status)
    state = server.create(basic(sandbox))
    sandbox.delete_instance(int(state.id))

    if status == "404":
        assert server.read(state) is None
    else:
        with pytest.raises(RefusedCall, match=r"→ 40\d.* run pulumi state delete with its URN"):
            server.read(state)
    server.delete(state)


@pytest.mark.parametrize("status", ["404", "200"])
def test_deleting_what_is_gone_is_fine(server, sandbox, status):
    sandbox.set_switch("second_delete_status", status)
    state = server.create(basic(sandbox))
    server.delete(state)
    server.delete(state)


@pytest.mark.parametrize("status", ["409", "400"])
def test_what_is_in_use_is_not_deleted_and_the_way_out_is_told(server, sandbox, status):
    sandbox.set_switch("delete_in_use_status", status)
    state = server.create(basic(sandbox))
    both = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    with httpx.Client(base_url=sandbox.base_url, headers={"Authorization": both}) as platform:
        formula = platform.post("/formulas", json={"name": "sync"}).json()["id"]
        users = f"/formulas/{formula}/instances"
        uses = {"name": "nightly", "configuration": {"trigger_instance": int(state.id)}}
        user = platform.post(users, json=uses).json()["id"]

        told = rf"in use by formula instance {user}\b.*delete what uses the instance"
        with pytest.raises(RefusedCall, match=told):
            server.delete(state)

        platform.delete(f"{users}/{user}").raise_for_status()
    server.delete(state)
    assert sandbox.instances() == []


@pytest.mark.parametrize("status", ["404", "400"])
def test_an_element_that_is_not_there_is_named_before_or_by_the_create(server, sandbox, status):
    sandbox.set_switch("unknown_element_status", status)
    inputs = basic(sandbox) | {"element_key": f"nosuchelement{status}"}

    _, failures = server.check(inputs)

    if status == "404":
        assert [failure.partition(":")[0] for failure in failures] == ["element_key"]
    else:
        assert failures == []  # it may be something else
    with pytest.raises(RefusedCall, match=r"nosuchelement.*correct the inputs"):
        server.create(inputs, check=False)


@pytest.mark.parametrize("told", ["keys", "names", "first"])
@pytest.mark.parametrize("status", ["400", "500"])
def test_what_only_the_platform_misses_is_told_in_its_words(start, sandbox, told, status):
    sandbox.set_switch("missing_configuration", told)
    sandbox.set_switch("missing_configuration_status", status)
    blind = start(sandbox, environment=BLIND)
    inputs = basic(sandbox) | {"configuration": {"username": "u"}}

    with pytest.raises(RefusedCall) as refused:
        blind.create(inputs)

    assert ("subdomain" if told != "names" else "Subdomain") in refused.value.message
    assert sandbox.instances() == []


@pytest.mark.parametrize("position", ["allowed", "refused"])
def test_another_account_is_authenticated_in_place_or_refused(server, sandbox, position):
    sandbox.set_switch("reauthenticate_other_user", position)
    inputs = {
        "element_key": "quickbooks",
        "name": "books",
        "configuration": APPLICATION,
        "provider_data": sandbox.new_provider_data("quickbooks", realmId="1"),
        "__markers": marked(),
    }
    state = server.create(inputs)
    other = inputs | {"provider_data": sandbox.new_provider_data("quickbooks", realmId="2")}

    if position == "allowed":
        new = server.update(state, other)
        assert server.plan(new, other) == "none"
    else:
        with pytest.raises(RefusedCall, match="get a new code"):
            server.update(state, other)
    assert [str(one["id"]) for one in sandbox.instances()] == [state.id]


@pytest.mark.parametrize("position", ["none", "default"])
def test_no_tags_are_no_tags_whatever_the_platform_adds(server, sandbox, position):
    sandbox.set_switch("empty_tags_at_create", position)
    inputs = basic(sandbox) | {"tags": [], "__markers": []}

    state = server.create(inputs)

    assert "tags" not in state.inputs
    assert server.plan(state, inputs) == "none"
    assert server.plan(server.read(state), inputs) == "none"


@pytest.mark.parametrize("position", ["keep", "merge", "refuse"])
def test_a_tag_that_is_given_twice_is_sent_once(server, sandbox, position):
    sandbox.set_switch("duplicate_tags", position)
    inputs = basic(sandbox) | {"tags": ["a", "b", "a"]}

    state = server.create(inputs)

    assert state.outputs["tags"] == ["a", "b"]
    assert server.plan(state, inputs) == "none"


# Authenticated anew

TAKEN, REFUSED = ("on", "off", "nothing"), ("400", "404", "405", "415", "501")
OTHERS = [
    {},
    {"mask_user_tokens": "on"},
    {"mask_user_tokens": "on", "token_on_reauthentication": "rotate"},
    {"put_configuration": "reset"},
    {"masked_value": "store"},
    {"null_value": "reset", "empty_value": "reset"},
    {"unknown_configuration": "refuse"},
    {"reauthenticate_default": "on"},
    {"configuration_place": "element"},
    {"tag_order": "sorted", "default_tag_always": "on"},
    {"user_tokens_on_reauthentication": "same"},
    {"provider_data_echo": "on", "valid_on_get": "false"},
]
"""Positions that the way to an authentication anew must not depend on."""


@pytest.mark.parametrize("others", OTHERS, ids=str)
@pytest.mark.parametrize("position", [*TAKEN, *REFUSED])
def test_a_new_code_is_taken_whatever_patch_does_with_it(server, sandbox, position, others):
    """By PUT where PATCH does not; the vendor sees the code once."""
    inputs = oauth(sandbox) | {"tags": ["one"]}
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), configuration={"event.notification.signature.key": "k"})
    sandbox.set_switch("patch_reauthenticates", position)
    for name, value in others.items():
        sandbox.set_switch(name, value)
    [old] = sandbox.instances()
    before, start = sandbox.counters(), len(sandbox.journal())
    code = sandbox.new_code("onedrivebusiness")
    again = inputs | {"code": code, "name": "Renamed", "tags": ["two"]}

    new = server.update(state, again)

    [instance] = sandbox.instances()
    asked = [e for e in sandbox.journal()[start:] if e["carries_code"]]
    assert [e["method"] for e in asked] == ["PATCH"] + ["PUT"] * (position != "on")
    assert sandbox.counters()["codes_spent"] == before["codes_spent"] + 1
    assert sandbox.counters()["codes_replayed"] == before["codes_replayed"]
    assert sandbox.counters()["codes_resent"] == before["codes_resent"]
    assert instance["authentications"] == old["authentications"] + 1
    assert (instance["name"], "two" in instance["tags"]) == ("Renamed", True)
    kept = old["configuration"] | {
        key: value
        for key, value in instance["configuration"].items()
        if key.startswith("oauth.user.")
    }
    assert instance["configuration"] == kept
    assert "********" not in str([e["body"] for e in asked])
    assert server.plan(new, again) == "none"
    assert server.plan(new, {k: v for k, v in again.items() if k != "code"}) == "none"
    seen = server.read(new)
    assert server.plan(seen, again) == "none"


@pytest.mark.parametrize("position", TAKEN)
def test_where_the_platform_shows_nothing_a_code_is_sent_once(server, sandbox, position):
    """Whether PATCH took it can't be told, and so it is not sent again."""
    sandbox.set_switch("configuration_place", "empty")
    inputs = oauth(sandbox)
    state = server.create(inputs)
    sandbox.set_switch("patch_reauthenticates", position)
    start = len(sandbox.journal())
    again = inputs | {"code": sandbox.new_code("onedrivebusiness")}

    new = server.update(state, again)

    asked = [e["method"] for e in sandbox.journal()[start:] if e["carries_code"]]
    assert asked == (["PATCH", "PUT"] if position == "nothing" else ["PATCH"])
    assert server.plan(new, again) == "none"


@pytest.mark.parametrize("position", ["on", "off"])
@pytest.mark.parametrize("tokens", ["new", "same"])
def test_of_the_same_token_without_a_time_nobody_can_tell_whether_it_is_new(
    start, sandbox, position, tokens
):
    """Such a vendor would see the code a second time; so the user is told instead."""
    server = start(sandbox)
    inputs = oauth1(sandbox)
    state = server.create(inputs)
    sandbox.set_switch("patch_reauthenticates", position)
    sandbox.set_switch("user_tokens_on_reauthentication", tokens)
    again = inputs | {"provider_data": sandbox.new_provider_data("twitter")}

    server.update(state, again)

    asked = [e["method"] for e in sandbox.journal() if e["carries_code"]]
    assert asked[-2:] == ["POST", "PATCH"]
    doubtful = position == "off" or tokens == "same"
    said = [w for w in server.engine.warnings if "has the same token as before its new code" in w]
    assert len(said) == doubtful


@pytest.fixture(scope="module")
def hurried(start, shared_sandbox):
    return start(shared_sandbox, environment={"CLOUD_ELEMENTS_LOOKUP_WINDOW": "1"})


@pytest.mark.parametrize("status", ["400", "401", "500"])
@pytest.mark.parametrize("position", ["off", "nothing", "405"])
def test_a_code_that_the_vendor_refuses_by_put_is_spent(hurried, sandbox, position, status):
    server = hurried  # after 500 it looks for the effect for as long as it may
    sandbox.set_switch("bad_code_status", status)
    inputs = oauth(sandbox)
    state = server.create(inputs)
    sandbox.set_switch("patch_reauthenticates", position)
    bad = inputs | {"code": f"made up for {state.id}"}

    with pytest.raises(RefusedCall, match=r"PUT /instances/\{id\}.*get a new code") as refused:
        server.update(state, bad)

    kept = State(state.id, bad, plain(server.bag_of(refused.value.init_failed.properties)))
    start = len(sandbox.journal())
    with pytest.raises(RefusedCall, match="its code was already sent"):
        server.update(kept, bad)
    good = inputs | {"code": sandbox.new_code("onedrivebusiness")}
    new = server.update(kept, good)
    assert server.plan(new, good) == "none"
    codes = {
        e["body"]["providerData"]["code"] for e in sandbox.journal()[start:] if e["carries_code"]
    }
    assert codes == {good["code"]}
