"""What the native provider answers besides what both doors have in common."""

import json
import re
import signal
import time

import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from provider.doors.native.server import SCHEMA
from provider.instance.markers import markers
from tests.host.native import TYPE, NativeServer
from tests.host.server import (
    BASIC,
    SECONDS,
    UNKNOWN,
    Engine,
    RefusedCall,
    State,
    desk,
    drive,
    marked,
    one_of_many,
    plain,
    secrets,
)

STATELESS = "urn:pulumi:dev::default::cloud-elements:index:ElementInstance::ElementInstance"
QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}
LISTS = hasattr(provider_pb2, "ListRequest")
"""Older SDKs have no such call."""
SOON = 2.0
"""Seconds in which what waits has to end."""


@pytest.fixture(scope="module")
def door():
    return "native"


@pytest.fixture(scope="module")
def server(start, shared_sandbox):
    server = start(shared_sandbox, environment=QUICK)
    yield server
    assert server.stop() == ""  # nothing was printed all the while


def struct(bag):
    found = struct_pb2.Struct()
    found.update(bag)
    return found


# Who is there


def test_what_needs_no_settings_is_answered_at_once():
    server = NativeServer.__new__(NativeServer)
    server.configure = lambda _config: None
    server.__init__()
    try:
        assert json.loads(server.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema) == (
            json.loads(SCHEMA.read_text())
        )
        info = server.stub.GetPluginInfo(empty_pb2.Empty())
        assert info.version == json.loads(SCHEMA.read_text())["version"]
        mapping = server.stub.GetMapping(provider_pb2.GetMappingRequest(key="terraform"))
        assert mapping.data == b""
        with pytest.raises(RefusedCall, match="the provider is not configured"):
            server.call("Read", provider_pb2.ReadRequest(id="1", urn=server.urn))
    finally:
        server.stop()


def provider_urn(name):
    return f"urn:pulumi:dev::tests::pulumi:providers:cloud-elements::{name}"


ARGUMENTS = {
    "baseUrl": "https://api.example.com/elements/api-v2",
    "userSecret": "hidden-user",
    "organizationSecret": "hidden-organization",
}


@pytest.fixture(scope="module")
def bare(start):
    """A server whose environment has no settings."""
    return start()


def check_config(server, name, values):
    request = provider_pb2.CheckRequest(urn=provider_urn(name), news=struct(values))
    response = server.call("CheckConfig", request)
    inputs = json_format.MessageToDict(response.inputs)
    return inputs, [failure.reason for failure in response.failures]


def test_the_settings_that_the_state_gets_are_marked_and_hold_nothing_else(bare):
    given = ARGUMENTS | {"timeout": "60", "instances": "{}", "another": "x", "version": "0.2.0"}
    inputs, failures = check_config(bare, "default_0_2_0", given)
    assert failures == []
    assert plain(inputs) == ARGUMENTS | {"timeout": "60", "version": "0.2.0"}
    assert secrets(inputs) == {"userSecret", "organizationSecret"}


@pytest.mark.parametrize("name", ["default_0_2_0", "mine"])
def test_it_has_no_shards(start, name):
    """Each shard would make the whole: its programs don't ask what falls to them."""
    refusal = ["cloud-elements:shards: the native provider has no shards: take it out"]
    if name != "mine":
        assert check_config(start(), name, ARGUMENTS | {"shards": "2"})[1] == refusal
    server = start(environment={"CLOUD_ELEMENTS_SHARD": "1/2"})
    assert check_config(server, name, ARGUMENTS)[1] == refusal


def test_mistakes_of_an_explicit_provider_are_told_at_once(bare):
    given = {"baseURL": "x", "timeout": "soon", "userSecret": "hidden-user"}
    _, failures = check_config(bare, "mine", given)
    assert failures == [
        "baseURL: is no setting of this provider; did you mean 'baseUrl'?",
        (
            "timeout must be a number; CLOUD_ELEMENTS_BASE_URL (or baseUrl) is not set; "
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET (or organizationSecret) is not set"
        ),
    ]


def test_settings_that_are_not_known_yet_are_not_judged(bare):
    inputs, failures = check_config(bare, "mine", {"baseUrl": UNKNOWN})
    assert failures == []
    assert inputs == {"baseUrl": UNKNOWN}


@pytest.mark.parametrize(("name", "wins"), [("mine", "argument"), ("default_0_2_0", "environment")])
def test_arguments_go_before_the_environment_and_the_stack_after_it(start, sandbox, name, wins):
    elsewhere = "http://127.0.0.1:1/elements/api-v2"
    address = sandbox.base_url if wins == "argument" else elsewhere
    environment = QUICK | {
        "CLOUD_ELEMENTS_BASE_URL": elsewhere if wins == "argument" else sandbox.base_url,
        "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        "CLOUD_ELEMENTS_JOURNAL": "false",
    }
    server = start(environment=environment)
    server.hand_over({"baseUrl": address, "concurrency": 8.0, "organization": "o"}, name)
    server.create(desk())
    assert len(sandbox.instances()) == 1


def test_other_settings_replace_nothing(bare):
    request = provider_pb2.DiffRequest(
        urn=provider_urn("mine"),
        old_inputs=struct(ARGUMENTS),
        news=struct(ARGUMENTS | {"baseUrl": "https://else.example"}),
    )
    response = bare.call("DiffConfig", request)
    assert (response.changes, list(response.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])


@pytest.mark.parametrize("given", [{}, {"name": None}], ids=["not given", "null"])
def test_an_instance_has_its_resource_s_name_where_it_is_not_given(server, given):
    inputs = {key: value for key, value in desk().items() if key not in ("name", "__markers")}
    request = provider_pb2.CheckRequest(
        urn=f"urn:pulumi:dev::tests::{TYPE}::a::b", news=server._of_program(inputs | given)
    )
    response = server.call("Check", request)
    assert list(response.failures) == []
    assert json_format.MessageToDict(response.inputs)["name"] == "a::b"


# What a preview shows


def diffed(server, state, inputs):
    """Return what a diff says of a program's inputs in detail."""
    checked = server.checked(inputs, state.inputs)
    request = provider_pb2.DiffRequest(
        urn=server.urn_of(inputs, state.outputs),
        id=state.id,
        olds=server._bag(state.outputs),
        old_inputs=server._bag(state.inputs),
        news=server._bag(checked),
    )
    response = server.call("Diff", request)
    kinds = provider_pb2.PropertyDiff.Kind.Name
    detail = {path: kinds(one.kind) for path, one in response.detailedDiff.items()}
    return detail, {*response.stables}


ALWAYS = {"instanceId", "elementKey", "elementName"}


@pytest.mark.parametrize(
    ("change", "detail", "stable"),
    [
        ({"tags": ["b"]}, {"tags": "UPDATE"}, {"name", "elementToken", "configuration"}),
        ({"name": "new"}, {"name": "UPDATE"}, {"tags", "elementToken", "configuration"}),
        (
            {"configuration": BASIC | {"pagination.max": 7}},
            {'configuration["pagination.max"]': "ADD"},
            {"name", "tags", "elementToken"},
        ),
        (
            {"configuration": {**BASIC, "password": "hidden-new"}},
            {'configuration["password"]': "UPDATE"},
            {"name", "tags", "elementToken"},
        ),
        (
            {"events": {"by": "polling", "every": 5}},
            {
                "events.enabled": "ADD",
                "events.by": "ADD",
                "events.every": "ADD",
            },
            {"name", "tags", "elementToken"},
        ),
        ({"disabled": True}, {"disabled": "ADD"}, {"elementToken", "configuration"}),
        ({"element_key": "sendgrid"}, {"elementKey": "UPDATE_REPLACE"}, set()),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_diff_tells_what_changes_and_what_stays(server, sandbox, change, detail, stable):
    inputs = desk(tags=["a"])
    state = server.create(inputs)
    if "element_key" in change:
        change = change | {"configuration": {"api.token": "hidden-token"}}
    found, stables = diffed(server, state, inputs | change)
    if "element_key" in change:
        assert found["elementKey"] == "UPDATE_REPLACE"
        assert stables == set()
        return
    assert (
        found.items()
        >= {path: kind for path, kind in detail.items() if path != "events.enabled"}.items()
    )
    assert stables >= stable | ALWAYS
    assert not stables & {path.partition("[")[0].partition(".")[0] for path in found}


def test_drift_is_told_as_a_difference_from_the_state(server, sandbox):
    inputs = desk(tags=["a"])
    state = server.create(inputs)
    sandbox.update_instance(int(state.id), tags=["by hand", *inputs["__markers"]])
    refreshed = server.read(state)
    found, _ = diffed(server, refreshed, inputs)
    assert found == {"tags": "UPDATE"}


def preview(server, method, **request):
    kind = getattr(provider_pb2, f"{method}Request")
    response = server.call(method, kind(preview=True, **request))
    return json_format.MessageToDict(response.properties)


def test_a_preview_of_a_create_asks_nothing_and_promises_nothing(server, sandbox):
    inputs = server.checked(desk(tags=["a"]))
    before = len(sandbox.journal())
    urn = server.urn_of(inputs)
    outputs = preview(server, "Create", urn=urn, properties=server._bag(inputs))
    assert outputs == {
        "elementKey": "freshservice",
        "name": "desk",
        "tags": ["a"],
        "__markers": inputs["__markers"],
        **dict.fromkeys(
            ("configuration", "disabled", "instanceId", "elementToken", "elementName", "valid"),
            UNKNOWN,
        ),
    }
    assert len(sandbox.journal()) == before


def test_a_preview_of_an_update_keeps_what_stays_known(server, sandbox):
    inputs = desk(tags=["a"])
    state = server.create(inputs)
    before = len(sandbox.journal())

    def outputs(**change):
        checked = server.checked(inputs | change, state.inputs)
        return preview(
            server,
            "Update",
            urn=server.urn_of(inputs),
            id=state.id,
            olds=server._bag(state.outputs),
            news=server._bag(checked),
        )

    tagged = outputs(tags=["b"])
    assert plain(tagged)["elementToken"] == state.outputs["element_token"]
    assert "elementToken" in secrets(tagged)
    assert "configuration.password" in secrets(tagged)
    assert tagged["tags"] == ["b"]
    configured = outputs(configuration=BASIC | {"pagination.max": 7})
    assert configured["configuration"] == UNKNOWN
    assert plain(configured)["elementToken"] == state.outputs["element_token"]
    assert [one["method"] for one in sandbox.journal()[before:]] == ["GET"] * (
        len(sandbox.journal()) - before
    )


# Import, and what has no program


def test_an_imported_instance_shows_no_difference_to_what_was_imported(server, sandbox):
    made = server.create(desk(tags=["a"], configuration=BASIC | {"pagination.max": 7}))
    sandbox.update_instance(int(made.id), tags=["a"])
    request = provider_pb2.ReadRequest(urn=server.urn, id=made.id)
    response = server.call("Read", request)
    inputs = json_format.MessageToDict(response.inputs)
    assert plain(inputs) == {
        "elementKey": "freshservice",
        "name": "desk",
        "tags": ["a"],
        # No platform defaults, and no secrets.
        "configuration": {"pagination.max": "7", "subdomain": "acme", "username": "someone"},
    }
    told = (
        f"the platform does not tell password: put what instance {made.id} has into its "
        "configuration, or leave it out, and it stays as it is"
    )
    assert told not in server.engine.warnings  # it may be a mere look-up

    check = provider_pb2.CheckRequest(urn=server.urn, olds=response.inputs, news=response.inputs)
    checked = server.call("Check", check)
    assert [failure.reason for failure in checked.failures] == []
    assert server.engine.warnings[-1] == told
    diff = provider_pb2.DiffRequest(
        urn=server.urn,
        id=made.id,
        olds=response.properties,
        old_inputs=response.inputs,
        news=checked.inputs,
    )
    assert server.call("Diff", diff).changes == provider_pb2.DiffResponse.DIFF_NONE


def stateless(server, inputs):
    """Check and create as `pulumi do --stateless` does."""
    check = provider_pb2.CheckRequest(urn=STATELESS, news=server._of_program(inputs))
    checked = server.call("Check", check)
    assert [failure.reason for failure in checked.failures] == []
    request = provider_pb2.CreateRequest(urn=STATELESS, properties=checked.inputs)
    return server.call("Create", request)


def test_a_second_resource_of_one_instance_is_warned_of(server, sandbox):
    """As by an import of what the stack's state has under another name."""
    made = server.create(desk(__markers=marked("first")))
    told = "was made as another resource of this stack: where the state still has that one"

    def imported(name):
        server.engine.logged.clear()
        urn = f"urn:pulumi:dev::tests::{TYPE}::{name}"
        inputs = server.call("Read", provider_pb2.ReadRequest(urn=urn, id=made.id)).inputs
        server.call("Check", provider_pb2.CheckRequest(urn=urn, olds=inputs, news=inputs))
        return [one for one in server.engine.warnings if told in one]

    assert len(imported("second")) == 1
    assert imported("first") == []


@pytest.mark.parametrize("method", ["Read", "Check", "Diff", "Create", "Update", "Delete"])
def test_another_type_is_refused_and_the_right_one_named(server, sandbox, method):
    """Of an import the engine asks whatever type was typed."""
    made = server.create(one_of_many())
    kind = getattr(provider_pb2, f"{method}Request")
    request = kind(urn="urn:pulumi:dev::tests::a:b:C$cloud-elements:index:Instance::x")
    if method not in ("Check", "Create"):
        request.id = made.id
    message = f"there is no resource type 'cloud-elements:index:Instance': write '{TYPE}'"
    with pytest.raises(RefusedCall, match=re.escape(message)):
        server.call(method, request)
    assert len(sandbox.instances()) == 1


def test_two_creates_of_one_name_without_a_state_are_two_instances(server, sandbox):
    ids = {stateless(server, desk()).id for _ in range(2)}
    assert len(ids) == 2
    assert len(sandbox.instances()) == 2


def test_a_code_without_a_state_is_sent_once(start, sandbox):
    server = start(sandbox, environment=QUICK | {"CLOUD_ELEMENTS_JOURNAL": None})
    inputs = drive(sandbox)
    stateless(server, inputs)
    with pytest.raises(RefusedCall, match="code was already sent"):
        stateless(server, inputs)
    assert len(sandbox.instances()) == 1


def listed(server, token=TYPE, **request):
    """Return the ids of all pages, and how many pages there were."""
    ids, pages, continuation = [], 0, ""
    while True:
        asked = provider_pb2.ListRequest(token=token, continuation_token=continuation, **request)
        continuation, pages = "", pages + 1
        for answer in server.stub.List(asked, timeout=SECONDS):
            if answer.HasField("result"):
                ids.append(answer.result.id)
            else:
                continuation = answer.continuation.continuation_token
        if not continuation:
            return ids, pages


def test_a_list_is_paged_to_its_end_while_others_come_and_go(server, sandbox):
    if not LISTS:
        return
    ids = [server.create(one_of_many()).id for _ in range(5)]
    ids.append(server.create(drive(sandbox)).id)
    assert listed(server, page_size=2) == (ids, 3)
    assert listed(server, limit=6) == (ids, 1)
    assert listed(server, query=struct({"elementKey": "freshservice"})) == (ids[:5], 1)
    first = provider_pb2.ListRequest(token=TYPE, page_size=3)
    (*_, last) = server.stub.List(first, timeout=SECONDS)
    sandbox.delete_instance(int(ids[0]))
    after = last.continuation.continuation_token
    rest = provider_pb2.ListRequest(token=TYPE, continuation_token=after)
    found = [one.result.id for one in server.stub.List(rest, timeout=SECONDS)]
    assert found == ids[3:]


@pytest.mark.parametrize(
    ("token", "query", "expected"),
    [
        ("cloud-elements:index:Other", {}, "there is no resource 'cloud-elements:index:Other'"),
        (TYPE, {"element": "x"}, "element: is not known here; did you mean 'elementKey'?"),
    ],
)
def test_a_list_of_what_is_not_there_is_refused(server, token, query, expected):
    if not LISTS:
        return
    request = provider_pb2.ListRequest(token=token, query=struct(query))
    with pytest.raises(Exception, match=re.escape(expected)):
        [*server.stub.List(request, timeout=SECONDS)]


def invoke(server, name, **arguments):
    request = provider_pb2.InvokeRequest(tok=f"cloud-elements:index:{name}", args=struct(arguments))
    response = server.call("Invoke", request)
    found = json_format.MessageToDict(getattr(response, "return"))
    return found, [failure.reason for failure in response.failures]


def test_functions_answer_in_the_program_s_names_and_mark_secrets(server, sandbox):
    state = server.create(desk(tags=["a"]))
    found, failures = invoke(server, "getInstance", id=state.id)
    assert failures == []
    assert plain(found)["elementToken"] == state.outputs["element_token"]
    assert found["tags"] == ["a"]
    assert {"elementToken", "configuration.password"} <= secrets(found)

    (one,) = invoke(server, "getInstances", tag="a")[0]["instances"]
    assert one == {
        "instanceId": state.id,
        "elementKey": "freshservice",
        "name": "desk",
        "tags": ["a"],
        "valid": True,
        "disabled": False,
    }
    assert invoke(server, "getInstances", elementKey="hubspot")[0] == {"instances": []}

    element, _ = invoke(server, "getElement", key="freshservice")
    assert element["key"] == "freshservice"
    password = next(one for one in element["configuration"] if one["key"] == "password")
    assert (password["secret"], password["required"]) == (True, True)

    page, _ = invoke(
        server,
        "getOauthUrl",
        elementKey="onedrivebusiness",
        apiKey="key",
        apiSecret="hidden-secret",
        callbackUrl="http://127.0.0.1:8080/callback",
        state="random",
    )
    assert secrets(page) == {"url"}
    assert "state=random" in plain(page)["url"]


@pytest.mark.parametrize(
    ("name", "arguments", "failures"),
    [
        ("getInstance", {}, ["getInstance: id: is required"]),
        ("getInstance", {"id": 7.0}, ["getInstance: id: must be text"]),
        (
            "getInstances",
            {"element": "x"},
            ["getInstances: element: is not known here; did you mean 'elementKey'?"],
        ),
    ],
)
def test_wrong_arguments_are_told_at_once(server, name, arguments, failures):
    assert invoke(server, name, **arguments) == ({}, failures)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("getInstanc", {}, "there is no function .*; did you mean 'getInstance'"),
        ("getInstance", {"id": "99"}, "could not get element instance 99: .*404.*: correct what"),
        ("getElement", {"key": "none"}, "could not get element 'none': .*404"),
    ],
)
def test_what_is_not_there_is_told_in_one_sentence(server, name, arguments, expected):
    with pytest.raises(RefusedCall, match=expected) as refused:
        invoke(server, name, **arguments)
    assert "\n" not in refused.value.message


# Markers


def test_markers_that_another_organization_made_are_kept(server, sandbox):
    """No engine tells a provider the organization; a state of the dynamic door has its tags."""
    theirs = markers(organization="acme/", project="tests", stack="dev", place="invoices").tags
    request = provider_pb2.CheckRequest(
        urn=server.urn,
        olds=server._bag(desk(__markers=theirs)),
        news=server._of_program(desk()),
    )
    bag = json_format.MessageToDict(server.call("Check", request).inputs)
    assert bag["__markers"] != theirs  # the setting says which one it is
    server.hand_over({})
    try:
        bag = json_format.MessageToDict(server.call("Check", request).inputs)
        assert bag["__markers"] == theirs
        renamed = provider_pb2.CheckRequest(
            urn=server.urn.replace("invoices", "renamed"),
            olds=server._bag(
                desk(
                    __markers=markers(
                        organization="organization/", project="tests", stack="dev", place="invoices"
                    ).tags
                )
            ),
            news=server._of_program(desk()),
        )
        bag = json_format.MessageToDict(server.call("Check", renamed).inputs)
        place = {"organization": "organization/", "project": "tests", "stack": "dev"}
        assert bag["__markers"] == markers(**place, place="renamed").tags
    finally:
        server.configure({})


# What is said


def test_warnings_name_properties_as_programs_do(start, server, sandbox):
    there = start(sandbox, environment=QUICK).create(desk())
    adopted = server.create(desk(adopt=there.id, __markers=marked()))
    later = start(sandbox, environment=QUICK)
    later.delete(adopted)
    assert "set deleteAdopted to true" in later.engine.said[-1]


def test_messages_go_to_the_engine_that_attaches(start, sandbox):
    """Somebody started the provider by hand, to look into it."""
    server, other = start(sandbox, environment=QUICK), Engine()
    server.stub.Attach(plugin_pb2.PluginAttach(address=other.address))
    server.checked(desk(configuration=BASIC | {"pagination.maxi": 5}))
    assert "lists no configuration key 'pagination.maxi'" in other.said[-1]
    assert server.engine.said == []
    other.stop()


# Ends


def test_a_server_whose_engine_goes_before_it_asks_anything_ends():
    server = NativeServer.__new__(NativeServer)
    server.configure = lambda _config: None
    server.__init__()
    server.stub.GetPluginInfo(empty_pb2.Empty())
    server.lose_engine()
    assert server.ends() == 0
    assert server.stop() == ""


def waits(server, sandbox):
    """Begin a create that has lost its answer and looks for its instance."""
    inputs = server.checked(one_of_many())
    sandbox.add_fault("drop", method="POST", when="before")
    request = provider_pb2.CreateRequest(urn=server.urn_of(inputs), properties=server._bag(inputs))
    call = server.stub.Create.future(request)
    server.engine.hears("the answer was lost; looking for the instance")
    return call


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_the_process_and_what_waits(start, sandbox, number):
    server = start(sandbox, environment={"CLOUD_ELEMENTS_JOURNAL": None})
    waits(server, sandbox)
    began = time.monotonic()
    server._process.send_signal(number)
    assert server.ends() == 0
    assert time.monotonic() - began < SOON + 1
    assert server.journal() == [("sent", "")]
    assert server.stop() == ""


def test_a_create_that_leaves_an_instance_behind_keeps_it(server, sandbox):
    """By the standard detail, with the outputs in the program's names."""
    inputs = desk(disabled=True, __markers=marked())
    sandbox.add_fault(
        "status", method="DELETE", path="/instances/{id}/enabled", times=None, status=500
    )
    with pytest.raises(RefusedCall) as refused:
        server.create(inputs)
    failed = refused.value.init_failed
    outputs = json_format.MessageToDict(failed.properties)
    assert outputs["instanceId"] == failed.id
    assert "elementToken" in secrets(outputs)
    assert State(failed.id, inputs, {}).id == str(sandbox.instances()[0]["id"])
