"""The life of an instance through the real server: what the engine gets to keep and to decide."""

import httpx
import pytest
from pulumi.runtime.rpc import wrap_rpc_secret

from provider.api.errors import did_you_mean
from provider.api.redaction import MASK
from provider.instance.markers import markers
from sandbox import Sandbox
from tests.host.server import (
    APPLICATION,
    BASIC,
    PROVIDER,
    UNKNOWN,
    RefusedCall,
    State,
    desk,
    drive,
    marked,
    plain,
    secrets,
)

QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}


@pytest.fixture(scope="module")
def server(start, shared_sandbox):
    server = start(shared_sandbox, environment=QUICK)
    yield server
    assert server.stop() == ""  # nothing was printed all the while


@pytest.fixture
def told(server):
    """What the engine was told during the test, as a function: texts of warnings."""
    before = len(server.engine.logged)
    return lambda: [one.message for one in server.engine.logged[before:] if one.severity == 2]


def without(bag, *names):
    return {key: value for key, value in bag.items() if key not in names}


def only(sandbox):
    """Return the one instance that the platform has."""
    (instance,) = sandbox.instances()
    return instance


# What is secret


def test_check_marks_secrets_leaf_by_leaf(server, sandbox):
    oauth2 = {"authentication.type": "oauth2"}
    data = sandbox.new_provider_data("quickbooks", **oauth2)
    odd = {"not.listed": {"deep": "value"}, "pagination.max": 5}
    inputs = {
        "element_key": "quickbooks",
        "name": "books",
        "configuration": APPLICATION | oauth2 | odd,
        "code": data.pop("code"),
        "provider_data": data,
    }

    checked, failures = server.check(inputs)

    assert failures == []
    assert plain(checked) == inputs
    assert secrets(checked) == {
        "code",
        "provider_data.realmId",
        "configuration.oauth.api.key",
        "configuration.oauth.api.secret",
        "configuration.not.listed.deep",
    }


def test_outputs_hold_what_the_reference_promises_and_mark_what_is_secret(server, sandbox):
    state = server.create(drive(sandbox, tags=["billing"]))

    instance = only(sandbox)
    assert state.id == state.outputs["instance_id"] == str(instance["id"])
    assert state.outputs["element_token"] == instance["token"]
    assert state.outputs["element_name"] == "OneDrive for Business"
    assert state.outputs["valid"] is True
    assert state.outputs["disabled"] is False
    assert state.outputs["tags"] == ["billing"]
    configuration = state.outputs["configuration"]
    assert configuration["oauth.api.secret"] == "application-secret"  # not the platform's mask
    assert configuration["oauth.scope"] == "wl.signin wl.offline_access onedrive.readwrite"
    runtime = [key for key in configuration if key.startswith("oauth.user.")]
    assert runtime == ["oauth.user.refresh_interval"]  # a setting; the others come and go
    assert {"element_token", "configuration"} <= state.secret
    assert "code" not in state.outputs
    assert state.inputs["code"] not in str(state.outputs)


def test_the_code_is_needed_once_and_may_go(server, sandbox):
    inputs = drive(sandbox)
    state = server.create(inputs)

    assert server.plan(state, inputs) == "none"
    assert server.plan(state, without(inputs, "code")) == "none"
    assert sandbox.counters()["codes_replayed"] == 0


# What is not known yet, and numbers


@pytest.mark.parametrize(
    "unknown",
    [
        {"name": UNKNOWN},
        {"element_key": UNKNOWN},
        {"tags": UNKNOWN},
        {"tags": ["x", UNKNOWN]},
        {"configuration": UNKNOWN},
        {"configuration": BASIC | {"password": UNKNOWN}},
        {"configuration": BASIC | {"event.poller.configuration": {"deep": [UNKNOWN]}}},
        {"disabled": UNKNOWN},
        {"code": UNKNOWN},
        {"provider_data": UNKNOWN},
        {"provider_data": {"realmId": UNKNOWN}},
        {"delete_adopted": UNKNOWN},
        {"__markers": UNKNOWN},
        {"__markers": [UNKNOWN, "x"]},
    ],
    ids=",".join,
)
def test_what_is_not_known_yet_passes_check_and_counts_as_changed(server, sandbox, unknown):
    inputs = desk()
    state = server.create(inputs)

    checked, failures = server.check(inputs | unknown, state.inputs)

    assert failures == []
    assert plain(checked) == inputs | unknown
    changes, replaces = server.diff(state, plain(checked))
    expected = ("some", ["element_key"]) if "element_key" in unknown else ("unknown", [])
    if server.native and "__markers" in unknown:
        expected = ("some", [])  # markers are no input of the program's there
    assert (changes, replaces) == expected


def test_numbers_arrive_as_floats_and_leave_as_what_they_are(server, sandbox):
    configuration = BASIC | {"event.poller.refresh_interval": 30, "not.listed": {"a": [1, 1.5]}}
    inputs = desk(configuration=configuration)

    state = server.create(inputs)

    sent = next(e for e in reversed(sandbox.journal()) if e["method"] == "POST")["body"]
    assert repr(sent["configuration"]["event.poller.refresh_interval"]) == "30"
    assert repr(sent["configuration"]["not.listed"]["a"]) == "[1, 1.5]"
    assert server.plan(state, inputs) == "none"


# What a preview decides


def test_diff_says_replace_change_or_nothing(server, sandbox):
    inputs = desk(tags=["a", "b"])
    state = server.create(inputs)

    assert server.diff(state, inputs) == ("none", [])
    assert server.diff(state, inputs | {"tags": ["b", "a"]}) == ("none", [])
    assert server.diff(state, inputs | {"tags": ["a"]}) == ("unknown", [])
    assert server.diff(state, inputs | {"name": "other"}) == ("unknown", [])
    assert server.diff(state, inputs | {"element_key": "closeio"}) == ("some", ["element_key"])
    assert server.diff(state, inputs | {"disabled": False}) == ("none", [])
    assert server.diff(state, inputs | {"disabled": True}) == ("unknown", [])
    assert server.diff(state, inputs | {"adopt": "5"}) == ("none", [])
    assert server.diff(state, inputs | {"delete_adopted": True}) == ("unknown", [])
    # Only outputs differ: the engine, which compares inputs, would see nothing.
    drifted = state.outputs | {"name": "drifted"}
    assert server.diff(State(state.id, inputs, drifted), inputs) == ("some", [])


def test_the_state_says_so_when_the_provider_alone_is_new(server, sandbox):
    """The engine compares `__provider`; we do not, or every release would touch every instance."""
    inputs = desk()
    state = server.create(inputs)
    assert PROVIDER not in str(state.outputs)  # taken off by the test, as the engine hides it
    assert server.diff(state, inputs) == ("none", [])


# Change in place


def test_an_update_is_one_patch_with_nothing_but_the_change(server, sandbox):
    inputs = desk(tags=["a"])
    state = server.create(inputs)
    before = len(sandbox.journal())

    changed = inputs | {"configuration": BASIC | {"pagination.max": 7.0}}
    state = server.update(state, changed)

    (patch,) = [e for e in sandbox.journal()[before:] if e["template"].startswith("/instances")]
    assert (patch["method"], patch["path"]) == ("PATCH", f"/instances/{state.id}")
    assert patch["body"] == {"configuration": {"pagination.max": 7}}
    assert server.plan(state, changed) == "none"


def test_a_key_that_is_given_no_more_goes_back_to_its_default(server, sandbox, told):
    given = BASIC | {"pagination.max": 7, "event.notification.signature.key": "signature"}
    state = server.create(desk(configuration=given))

    state = server.update(state, desk() | {"__markers": state.inputs["__markers"]})

    assert only(sandbox)["configuration"]["pagination.max"] == "100"
    assert told() == [
        (
            "event.notification.signature.key: no longer in the configuration, and no default is "
            "known, so the platform keeps the value; set it to what it should be"
        )
    ]
    assert server.plan(state, state.inputs) == "none"


@pytest.mark.parametrize("first", [None, "", MASK])
@pytest.mark.parametrize("then", [None, "", MASK])
def test_no_value_is_no_drift_however_the_platform_says_so(server, sandbox, first, then):
    """Null, empty, or a mask beside nothing; given as empty, or not given at all."""
    key, other = "event.notification.signature.key", "event.notification.callback.url"
    inputs = desk(configuration=BASIC | {key: ""})
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), configuration={key: first, other: first})
    state = server.read(state)
    sandbox.update_instance(int(state.id), configuration={key: then, other: then})

    seen = server.read(state)

    assert (seen.inputs, seen.outputs) == (state.inputs, state.outputs)
    assert server.plan(seen, inputs) == "none"


def test_taking_out_a_key_without_a_value_is_nothing_to_warn_of(server, sandbox, told):
    state = server.create(desk(configuration=BASIC | {"event.notification.signature.key": ""}))

    server.update(state, desk() | {"__markers": state.inputs["__markers"]})

    assert told() == []


def test_disabling_and_enabling(server, sandbox):
    inputs = desk(disabled=True)
    state = server.create(inputs)
    assert only(sandbox)["disabled"] is True
    assert state.outputs["disabled"] is True

    state = server.update(state, inputs | {"disabled": False})
    assert only(sandbox)["disabled"] is False
    assert server.plan(state, inputs | {"disabled": False}) == "none"
    assert server.plan(state, without(inputs, "disabled")) == "none"

    sandbox.update_instance(int(state.id), disabled=True)
    seen = server.read(state)
    assert seen.inputs["disabled"] is True
    assert server.plan(seen, inputs | {"disabled": False}) == "unknown"
    assert server.plan(seen, without(inputs, "disabled")) == "none"  # left alone when not given


# Authentication


@pytest.mark.parametrize("position", ["keep", "rotate"])
def test_a_new_code_authenticates_the_same_instance_anew(server, sandbox, position):
    sandbox.set_switch("token_on_reauthentication", position)
    inputs = drive(sandbox)
    state = server.create(inputs)
    again = inputs | {"code": sandbox.new_code("onedrivebusiness")}

    assert server.plan(state, again) == "unknown"
    new = server.update(state, again)

    assert new.id == state.id
    assert new.outputs["element_token"] == only(sandbox)["token"]
    assert (new.outputs["element_token"] != state.outputs["element_token"]) == (
        position == "rotate"
    )
    assert server.plan(new, again) == server.plan(new, without(again, "code")) == "none"
    assert sandbox.counters()["codes_replayed"] == 0


def test_an_instance_is_enabled_before_it_is_authenticated_anew(server, sandbox):
    """docs: what failed refreshes disabled is enabled, then authenticated (2020-11)."""
    sandbox.set_switch("reauthenticate_disabled", "refused")
    inputs = drive(sandbox, disabled=False)
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), disabled=True)
    state = server.read(state)
    before = sandbox.counters()["codes_spent"]

    server.update(state, inputs | {"code": sandbox.new_code("onedrivebusiness")})

    assert only(sandbox)["disabled"] is False
    assert sandbox.counters()["codes_spent"] == before + 1


@pytest.mark.parametrize("refreshed", [True, False])
@pytest.mark.parametrize("position", ["allowed", "refused"])
@pytest.mark.parametrize("enables", ["on", "off"])
def test_a_new_code_enables_what_the_platform_disabled(
    server, sandbox, position, enables, refreshed
):
    """Whether or not the state knows of it; the program says nothing."""
    sandbox.set_switch("reauthenticate_disabled", position)
    sandbox.set_switch("reauthentication_enables", enables)
    inputs = drive(sandbox)
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), disabled=True)
    state = server.read(state) if refreshed else state
    again = inputs | {"code": sandbox.new_code("onedrivebusiness")}

    new = server.update(state, again)

    assert only(sandbox)["disabled"] is False
    assert new.outputs["disabled"] is False
    assert server.plan(new, again) == "none"


def test_a_new_refresh_token_enables_as_well(server, sandbox):
    token = "oauth.user.refresh_token"
    inputs = without(drive(sandbox), "code") | {"external_authentication": "initial"}
    state = server.create(inputs | {"configuration": APPLICATION | {token: "first"}})
    sandbox.update_instance(int(state.id), disabled=True)

    server.update(state, inputs | {"configuration": APPLICATION | {token: "second"}})

    assert only(sandbox)["disabled"] is False


def test_what_the_program_disables_stays_disabled_with_a_new_code(server, sandbox):
    inputs = drive(sandbox, disabled=True)
    state = server.create(inputs)

    new = server.update(state, inputs | {"code": sandbox.new_code("onedrivebusiness")})

    assert only(sandbox)["disabled"] is True
    assert new.outputs["disabled"] is True
    enabled = f"/instances/{state.id}/enabled"
    assert [e["method"] for e in sandbox.journal() if e["path"] == enabled] == ["DELETE"]


def test_a_new_code_enables_what_is_adopted(server, sandbox):
    data = sandbox.new_provider_data("onedrivebusiness")
    element, given = {"key": "onedrivebusiness"}, {"configuration": APPLICATION}
    stranger = made_elsewhere(sandbox, name="old", element=element, providerData=data, **given)
    sandbox.update_instance(int(stranger), disabled=True)

    server.create(drive(sandbox, adopt=stranger))

    assert only(sandbox)["disabled"] is False


def test_what_the_platform_disabled_is_told_once_in_a_run(start, sandbox):
    """By a refresh, or by a preview from the state that it left; not when the program says it."""
    server = start(sandbox)
    inputs = desk()
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), disabled=True)

    seen = server.read(state)

    assert seen.outputs["disabled"] is True
    assert server.plan(seen, inputs) == "none"
    [warning] = server.engine.warnings
    assert f"({state.id}) is disabled on the platform" in warning
    later = start(sandbox)
    for disabled in (True, False):
        later.plan(seen, inputs | {"disabled": disabled})
    assert later.engine.warnings == []
    later.plan(seen, inputs)
    assert later.engine.warnings == [warning]


def test_a_preview_tells_that_a_new_code_enables(start, sandbox):
    server = start(sandbox)
    inputs = drive(sandbox)
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), disabled=True)
    seen = start(sandbox).read(state)

    server.plan(seen, inputs | {"code": sandbox.new_code("onedrivebusiness")})

    server.engine.hears(f"enables instance {state.id} as well, which is disabled on the platform")
    assert server.engine.warnings == []


def test_a_new_code_travels_with_the_provider_data_that_are_no_codes(server, sandbox):
    data = {"apikey": "k-1", "expires_in": "3600", "realmId": "9"}
    inputs = drive(sandbox, provider_data=data)
    state = server.create(inputs)
    again = inputs | {"code": sandbox.new_code("onedrivebusiness")}
    server.update(state, again)
    *_, patch = (entry for entry in sandbox.journal() if entry["method"] == "PATCH")
    assert patch["body"]["providerData"] == data | {"code": again["code"]}


def test_a_code_that_is_known_to_be_spent_is_refused_at_preview(server, sandbox):
    inputs = drive(sandbox)
    assert server.check(inputs)[1] == []
    state = server.create(inputs)
    assert server.check(inputs)[1] == []  # it may wait to be taken over
    assert server.plan(state, inputs) == "none"  # no, the state has it: a replacement by hand
    _, [failure] = server.check(inputs)
    assert f"sent to instance {state.id}" in failure
    assert f"(if the state has forgotten that one, set 'adopt' to {state.id} to keep it)" in failure
    server.delete(state)
    _, [failure] = server.check(inputs)
    assert failure.startswith("code: its code was already sent on ")
    other = {"__markers": marked("other"), "name": "other"}
    _, [failure] = server.check(inputs | other)
    assert failure.startswith("code: its code was already sent for another resource")
    assert failure.endswith("get a new code, then run pulumi up")


def test_what_an_answer_leaves_out_is_as_it_was(server, sandbox):
    inputs = desk(disabled=True)
    state = server.create(inputs)

    def known(state):  # the dynamic provider is not told of null
        return {key: v for key, v in state.outputs["configuration"].items() if v is not None}

    sandbox.set_switch("configuration_place", "empty")
    new = server.update(state, inputs | {"tags": ["more"]})
    assert known(new) == known(state)
    assert known(server.read(new)) == known(state)


def test_a_code_that_was_refused_at_the_update_is_not_sent_again(server, sandbox):
    inputs = drive(sandbox)
    state = server.create(inputs)
    spent = inputs | {"code": "made-up-code"}

    with pytest.raises(RefusedCall) as refused:
        server.update(state, spent)

    failed = refused.value.init_failed
    assert failed.id == state.id
    assert "its code counts as spent, so get a new" in refused.value.message
    kept = State(state.id, spent, plain(server.bag_of(failed.properties)))
    assert kept.outputs["element_token"] == state.outputs["element_token"]
    sent = [entry for entry in sandbox.journal() if entry["carries_code"]]
    with pytest.raises(RefusedCall, match="already sent") as refused:
        server.update(kept, spent)  # the engine tries again, the code unchanged
    failed = refused.value.init_failed
    kept = State(state.id, spent, plain(server.bag_of(failed.properties)))
    assert [entry for entry in sandbox.journal() if entry["carries_code"]] == sent
    good = inputs | {"code": sandbox.new_code("onedrivebusiness")}
    state = server.update(kept, good)
    assert server.plan(state, good) == "none"


def test_a_refresh_token_that_was_refused_at_the_update_is_sent_again(server, sandbox):
    """It was not spent: something else may have been wrong, such as the application's secret."""
    token = "oauth.user.refresh_token"
    inputs = without(drive(sandbox), "code") | {"external_authentication": "initial"}
    state = server.create(inputs | {"configuration": APPLICATION | {token: "first"}})
    wrong = {token: "second", "oauth.api.secret": "wrong"}
    with pytest.raises(RefusedCall) as refused:
        server.update(state, inputs | {"configuration": APPLICATION | wrong})
    assert "new code" not in refused.value.message
    kept = server.bag_of(refused.value.init_failed.properties)
    half = State(state.id, state.inputs, plain(kept))
    right = inputs | {"configuration": APPLICATION | {token: "second"}}

    assert server.plan(half, right) == "unknown"
    server.update(half, right)

    assert only(sandbox)["configuration"][token] == "second"


@pytest.mark.parametrize(
    "shared", [{"expires_in": "3600", "scope": "files"}, {"apikey": "k-1"}], ids=str
)
def test_what_is_no_code_may_serve_two_instances(server, sandbox, shared):
    """The rest of a callback's query is the same for many; an API key is used again and again."""
    for name in ("one", "two"):
        server.create(drive(sandbox, name=name, provider_data=shared))
    assert len(sandbox.instances()) == 2


def test_oauth_1(server, sandbox):
    data = sandbox.new_provider_data("twitter")
    inputs = {
        "element_key": "twitter",
        "name": "timeline",
        "configuration": APPLICATION,
        "provider_data": data,
        "__markers": marked(),
    }

    state = server.create(inputs)

    assert only(sandbox)["valid"] is True
    assert server.plan(state, inputs) == server.plan(state, without(inputs, "provider_data"))
    assert server.plan(state, inputs) == "none"
    again = inputs | {"provider_data": sandbox.new_provider_data("twitter")}
    assert server.plan(state, again) == "unknown"
    assert server.update(state, again).id == state.id


def test_a_refresh_token_instead_of_a_code(server, sandbox):
    token = {"oauth.user.refresh_token": "refresh-token-from-elsewhere"}
    inputs = without(drive(sandbox), "code") | {
        "configuration": APPLICATION | token,
        "external_authentication": "initial",
    }

    state = server.create(inputs)

    assert only(sandbox)["external_authentication"] == "initial"
    assert "refresh-token-from-elsewhere" not in str(state.outputs)
    assert server.plan(state, inputs) == "none"


def test_what_is_made_from_a_refresh_token_needs_no_callback_url(server, sandbox):
    """Neither of the platform nor of ours, nor later when what spared it is taken out."""
    application = without(APPLICATION, "oauth.callback.url")
    inputs = without(drive(sandbox), "code") | {
        "configuration": application | {"oauth.user.refresh_token": "from-elsewhere"},
        "external_authentication": "initial",
    }

    state = server.create(inputs)

    assert not only(sandbox)["configuration"]["oauth.callback.url"]
    later = without(inputs, "external_authentication") | {"tags": ["later"]}
    assert server.plan(server.update(state, later), later) == "none"


def test_an_oauth_proxy_holds_the_application(server, sandbox):
    """The create names it; neither a new name nor its removal is a change."""
    held = {"oauth.callback.url": APPLICATION["oauth.callback.url"]}
    inputs = drive(sandbox) | {"configuration": held, "oauth_proxy": "TestApp"}

    state = server.create(inputs)

    (sent,) = [e["body"] for e in sandbox.journal() if e["method"] == "POST"][-1:]
    assert sent["oauthProxy"] == {"isOauthProxy": True, "oauthProxyName": "TestApp"}
    assert sent["configuration"] == held
    assert "oauth_proxy" not in state.outputs
    for after in (inputs, inputs | {"oauth_proxy": "Other"}, without(inputs, "oauth_proxy")):
        assert server.diff(state, after)[0] == "none"


@pytest.mark.parametrize("change", ["exchanged", "stored"])
def test_a_new_refresh_token_reauthenticates_in_place(server, sandbox, change):
    """One PATCH; whatever the platform makes of it is in the outputs, and is no drift."""
    sandbox.set_switch("refresh_token_change", change)
    sandbox.set_switch("token_on_reauthentication", "rotate")
    key = "oauth.user.refresh_token"
    inputs = without(drive(sandbox), "code") | {
        "configuration": APPLICATION | {key: "refresh-1"},
        "external_authentication": "initial",
    }
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), valid=False)
    again = inputs | {"configuration": APPLICATION | {key: "refresh-2"}}

    changed = server.update(state, again)

    assert (only(sandbox)["valid"], only(sandbox)["configuration"][key]) == (
        change == "exchanged",
        "refresh-2",
    )
    assert changed.outputs["valid"] is only(sandbox)["valid"]
    assert changed.outputs["element_token"] == only(sandbox)["token"]
    assert server.plan(changed, again) == "none"
    assert server.plan(server.read(changed), again) == "none"


def test_an_instance_that_is_not_valid_is_warned_about(server, sandbox, told):
    state = server.create(drive(sandbox))
    sandbox.update_instance(int(state.id), valid=False)

    seen = server.read(state)

    assert seen.outputs["valid"] is False
    assert told() == [
        (
            f"the platform says that element instance 'drive' ({state.id}) is not valid: "
            "give it a new code, or credentials that are right, then run pulumi up"
        )
    ]
    assert server.engine.logged[-1].urn == server.urn_of(state.inputs)
    with pytest.raises(RefusedCall, match="it is still not valid"):
        server.update(state, state.inputs)  # as the engine does after an attempt that failed


# Refresh


def test_drift_comes_back_in_the_shape_of_inputs(server, sandbox):
    inputs = desk(
        tags=["a"], configuration=BASIC | {"pagination.max": 7, "filter.response.nulls": True}
    )
    state = server.create(inputs)
    sandbox.update_instance(
        int(state.id),
        name="renamed elsewhere",
        tags=["b", *inputs["__markers"]],
        configuration={"pagination.max": "9", "base.url": "https://else.example"},
    )

    seen = server.read(state)

    assert seen.inputs == inputs | {
        "name": "renamed elsewhere",
        "tags": ["b"],
        "configuration": inputs["configuration"] | {"pagination.max": "9"},
    }
    assert seen.secret >= {"configuration", "element_token"}
    assert server.plan(seen, inputs) == "unknown"
    repaired = server.update(seen, inputs)
    instance = only(sandbox)
    assert (instance["name"], instance["configuration"]["pagination.max"]) == ("desk", "7")
    assert set(instance["tags"]) == {"a", *inputs["__markers"]}
    assert instance["configuration"]["base.url"] == "https://else.example"  # not managed
    assert server.plan(repaired, inputs) == "none"
    assert server.read(repaired).inputs == inputs


def test_a_masked_value_never_differs(server, sandbox):
    inputs = desk()
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), configuration={"password": "changed elsewhere"})

    seen = server.read(state)

    assert seen.inputs == inputs
    assert server.plan(seen, inputs) == "none"
    sandbox.set_switch("masking", "clear")
    seen = server.read(state)
    assert seen.inputs["configuration"]["password"] == "changed elsewhere"


def test_an_instance_deleted_elsewhere_is_gone_and_deletes_once_more(server, sandbox):
    state = server.create(desk())
    sandbox.delete_instance(int(state.id))

    assert server.read(state) is None
    server.delete(state)
    with pytest.raises(RefusedCall, match=r"404.*: run pulumi refresh, because it was deleted"):
        server.update(state, state.inputs | {"name": "new"})


def test_get_by_id(server, sandbox):
    made = server.create(desk(tags=["a"]))

    got = server.get(made.id, {"element_key": "freshservice", "name": "whatever"})

    assert got.id == made.id
    assert got.outputs["name"] == "desk"
    assert got.outputs["element_token"] == made.outputs["element_token"]
    assert got.outputs["configuration"]["subdomain"] == "acme"
    assert {"element_token", "configuration"} <= got.secret
    if server.native:  # the engine itself says that it does not exist
        assert server.get("99", {}).id == ""
        return
    with pytest.raises(
        RefusedCall, match=r"could not read element instance 'whatever': .* 404.*: correct the id"
    ):
        server.get("99", {"element_key": "freshservice", "name": "whatever"})


# Adoption


def made_elsewhere(sandbox, **fields):
    """Make an instance as somebody else would; return its id."""
    both = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    body = {"element": {"key": "freshservice"}, "configuration": BASIC} | fields
    answer = httpx.post(f"{sandbox.base_url}/instances", json=body, headers={"Authorization": both})
    return str(answer.json()["id"])


@pytest.mark.parametrize("by", ["id", "tag", "name"])
def test_adopting_brings_a_stranger_to_what_is_wished_for(server, sandbox, told, by):
    stranger = made_elsewhere(sandbox, name="old", tags=["theirs"])
    adopt = {"id": stranger, "tag": "tag:theirs", "name": "name:old"}[by]
    inputs = desk(adopt=adopt, tags=["ours"])

    state = server.create(inputs)

    begun = f"adopts instance {stranger}, 'old', instead of creating one"
    assert told() == [f"{begun}, renames it, takes its tags theirs away"]
    instance = only(sandbox)
    assert state.id == stranger == str(instance["id"])
    assert instance["name"] == "desk"
    assert "ours" in instance["tags"]
    assert "theirs" not in instance["tags"]
    assert server.plan(state, inputs) == server.plan(state, without(inputs, "adopt")) == "none"


def test_adopting_what_is_as_wished_for_is_told_without_alarm(server, sandbox, told):
    stranger = made_elsewhere(sandbox, name="desk", tags=["ours"])
    server.create(desk(adopt=stranger, tags=["ours"]))
    assert told() == []
    said = [one.message for one in server.engine.logged if not one.ephemeral]
    assert f"adopts instance {stranger}, 'desk', instead of creating one" in said


def test_what_can_not_be_adopted_is_told_at_preview(start, sandbox):
    server = start(sandbox, environment=QUICK)
    inputs = desk()
    state = server.create(inputs)
    assert server.plan(state, inputs) == "none"
    other = {"__markers": marked("other"), "name": "other"}
    _, [failure] = server.check(desk(adopt=state.id, **other))
    assert failure == f"adopt: instance {state.id} is another resource's already: correct it"

    stranger = made_elsewhere(sandbox, name="old")
    for _ in range(2):  # a preview, then the update
        assert server.check(desk(adopt=stranger, **other))[1] == []
    third = {"__markers": marked("third"), "name": "third"}
    _, [failure] = server.check(desk(adopt=stranger, **third))
    assert failure == f"adopt: instance {stranger} is another resource's already: correct it"


def test_another_adopt_on_what_exists_is_warned_of(server, sandbox, told):
    inputs = desk(adopt=made_elsewhere(sandbox, name="desk"))
    state = server.create(inputs)
    before = told()
    assert server.plan(state, inputs | {"adopt": "99999"}) == "none"
    [warning] = told()[len(before) :]
    assert warning.startswith("another 'adopt' has no effect on an instance that exists")


def test_adopting_leaves_a_disabled_instance_disabled(server, sandbox):
    """The program does not say; a disabled one that a create left behind is another matter."""
    stranger = made_elsewhere(sandbox, name="old")
    sandbox.update_instance(int(stranger), disabled=True)

    server.create(desk(adopt=stranger))

    assert only(sandbox)["disabled"]


def test_what_was_adopted_is_deleted_only_when_asked(start, sandbox):
    inputs = desk(adopt=made_elsewhere(sandbox, name="old"))
    state = start(sandbox, environment=QUICK).create(inputs)

    server = start(sandbox, environment=QUICK)  # a later run: another process
    server.delete(state)
    assert server.engine.warnings == [
        (
            f"element instance {state.id} was adopted, so it is left in place; to have it deleted, "
            "set delete_adopted to true and run pulumi up first"
        )
    ]
    assert only(sandbox)["id"] == int(state.id)

    state = server.update(state, inputs | {"delete_adopted": True})
    server.delete(state)
    assert sandbox.instances() == []


def test_what_another_resource_adopted_outlives_the_one_that_made_it(start, sandbox):
    """A renamed entry with `adopt`: the engine creates the new one, then deletes the old one."""
    old = start(sandbox, environment=QUICK).create(desk())
    server = start(sandbox, environment=QUICK)  # the run that finds the old name gone

    new = server.create(desk(name="renamed", adopt=old.id))
    server.delete(old)

    assert new.id == old.id == str(only(sandbox)["id"])
    assert server.engine.warnings[1:] == [
        f"element instance {old.id} stays: another resource adopted it"
    ]


def test_a_proxy_does_not_come_between_warnings_and_the_engine(start, sandbox):
    """By default it would be asked for the engine, which listens on this machine."""
    proxies = {"http_proxy": "http://localhost:9", "https_proxy": "http://localhost:9"}
    server = start(sandbox, environment=QUICK | proxies)
    adopted = made_elsewhere(sandbox, name="old")

    server.delete(server.create(desk(adopt=adopted)))

    assert any(f"instance {adopted} stays" in said for said in server.engine.warnings)


def test_adopting_what_another_stack_made_is_warned_of(start, sandbox):
    theirs = markers(organization="o/", project="shop", stack="prod", place="desk")
    stranger = made_elsewhere(sandbox, name="old", tags=theirs.tags)
    server = start(sandbox, environment=QUICK)

    state = server.create(desk(adopt=stranger))

    assert state.id == stranger
    assert server.engine.warnings[1:] == [
        (
            f"instance {stranger} was made by another stack (tag '{theirs.stack}'): where that one "
            "still has it in its state, take it out there, by pulumi state delete"
        )
    ]


# Moved to another stack, or from one

ELSEWHERE = markers(organization="o/", project="shop", stack="prod", place="desk")
ADOPTION = ELSEWHERE.adoption("427001")


@pytest.mark.parametrize("tags", [ELSEWHERE.tags, [ADOPTION]], ids=["moved", "adopted"])
def test_what_another_stack_has_by_now_is_not_deleted(start, sandbox, tags):
    """Its tags tell so; the state that has it still is told to forget it."""
    server = start(sandbox, environment=QUICK)
    state = server.create(desk())
    sandbox.update_instance(state.id, tags=tags)

    server.read(state)
    server.delete(state)

    assert only(sandbox)["id"] == int(state.id)
    assert server.engine.warnings == [
        (
            f"element instance {state.id} has the tag '{tags[0]}' of another stack, which has it "
            "now: let this state forget it, by pulumi state delete"
        ),
        f"element instance {state.id} stays: another stack has it now",
    ]


def test_what_was_moved_here_is_deleted_once_it_has_this_stack_s_tags(server, sandbox):
    """Until then the stack that it came from may have taken it back, which nothing shows."""
    inputs = desk()
    state = server.create(inputs | {"__markers": ELSEWHERE.tags})

    with pytest.raises(RefusedCall) as refused:
        server.delete(state)

    assert refused.value.message == (
        f"could not delete element instance 'desk': instance {state.id} has the tags of the stack "
        f"that it was moved from ('{ELSEWHERE.stack}', unless this one was renamed), which may "
        "have taken it back: run pulumi up with it still declared here, which gives it this "
        "stack's tags, or let this state forget it, by pulumi state delete"
    )
    server.delete(server.update(state, inputs))
    assert sandbox.instances() == []


@pytest.mark.parametrize("left", ["this stack's tags", "no tags"])
def test_what_is_nobody_else_s_is_deleted(server, sandbox, left):
    """The run that moved it here was interrupted, or somebody took its tags away."""
    inputs = desk()
    state = server.create(inputs | {"__markers": ELSEWHERE.tags})
    ours = inputs["__markers"] if left == "this stack's tags" else []
    sandbox.update_instance(state.id, tags=ours)

    server.delete(state)

    assert sandbox.instances() == []


# Half made


def test_an_instance_whose_second_step_failed_is_kept_and_finished_later(server, sandbox):
    inputs = desk(disabled=True)
    sandbox.add_fault(
        "status", method="DELETE", path="/instances/{id}/enabled", times=None, status=500
    )

    with pytest.raises(RefusedCall) as refused:
        server.create(inputs)

    failed = refused.value.init_failed
    instance = only(sandbox)
    assert failed.id == str(instance["id"])
    assert list(failed.reasons) == [refused.value.message]
    assert "disabling instance" in refused.value.message
    assert "\n" not in refused.value.message
    properties = server.bag_of(failed.properties)
    assert server.native or properties["__provider"] == PROVIDER
    assert {"element_token", "configuration"} <= server.secrets(properties)
    kept = State(failed.id, inputs, plain(properties))
    assert kept.outputs["element_token"] == instance["token"]

    sandbox.clear_faults()
    state = server.update(kept, inputs)  # the engine calls it, whatever diff says
    assert state.outputs["disabled"] is True
    assert server.plan(state, inputs) == "none"


# Settings


def test_the_environment_goes_before_the_stack(start):
    with Sandbox(user_secret="first-user-secret") as first, Sandbox() as second:
        stack = {
            "cloud-elements:baseUrl": second.base_url,
            "cloud-elements:userSecret": second.user_secret,
            "cloud-elements:organizationSecret": second.organization_secret,
            "other:key": "value",
        }
        start(first, config=stack).create(desk())
        assert (len(first.instances()), len(second.instances())) == (1, 0)

        start(config=stack).create(desk())
        assert (len(first.instances()), len(second.instances())) == (1, 1)


def test_a_secret_of_the_stack_may_come_marked(start, sandbox):
    stack = {
        "cloud-elements:baseUrl": sandbox.base_url,
        "cloud-elements:userSecret": wrap_rpc_secret(sandbox.user_secret),
        "cloud-elements:organizationSecret": wrap_rpc_secret(sandbox.organization_secret),
    }
    start(config=stack).create(desk())
    assert len(sandbox.instances()) == 1


def test_unknown_keys_are_warned_about_once_and_on_the_resource(server, sandbox, told):
    inputs = desk(configuration=BASIC | {"pagination.maxi": 5})
    checked = server.checked(inputs)

    assert told() == [
        "element 'freshservice' lists no configuration key 'pagination.maxi'"
        + did_you_mean("pagination.maxi", ["pagination.max"])
    ]
    assert server.engine.logged[-1].urn == server.urn_of(inputs)
    server.checked(inputs, checked)
    assert len(told()) == 1


def test_unknown_keys_are_warned_about_anew_for_another_element(server, told):
    inputs = desk(configuration=BASIC | {"pagination.maxi": 5})
    server.check(inputs | {"element_key": "bigcommerce"}, server.checked(inputs))
    shop = "element 'bigcommerce' lists no configuration key 'pagination.maxi'"
    assert [text for text in told() if text.startswith(shop)]


def test_a_way_to_authenticate_that_is_not_listed_is_warned_of(server, told):
    configuration = {"store.url": "https://shop.example", "authentication.type": "nonsense"}
    server.checked({"element_key": "bigcommerce", "name": "shop", "configuration": configuration})
    assert told() == [
        "element 'bigcommerce' lists no such 'authentication.type', but 'basic' and 'custom'"
    ]
