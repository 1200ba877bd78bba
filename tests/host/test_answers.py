"""Answers that are whole and well-formed, and about another instance than the request."""

import httpx
import pytest

from tests.host.server import BASIC, PROVIDER, RefusedCall, State, desk, drive

QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}
POST, ONE = {"method": "POST", "path": "/instances"}, "/instances/{id}"


@pytest.fixture(scope="module")
def server(start, shared_sandbox):
    return start(shared_sandbox, environment=QUICK)


def strangers(sandbox, **fields):
    """Make somebody else's instance; return it as the platform has it."""
    body = {"element": {"key": "freshservice"}, "name": "theirs", "configuration": BASIC} | fields
    secrets = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    headers = {"Authorization": secrets}
    return httpx.post(f"{sandbox.base_url}/instances", json=body, headers=headers).json()


OTHER_ELEMENT = {"element": {"key": "closeio"}, "configuration": {"username": "key"}}
STRANGERS = [OTHER_ELEMENT, {}, {"tags": ["billing"]}, {"name": "desk"}]


@pytest.fixture
def sent(sandbox):
    """Return how many requests of a method reached the platform during the test."""
    before = len(sandbox.journal())
    return lambda method: sum(one["method"] == method for one in sandbox.journal()[before:])


def held(sandbox, number):
    """Return an instance as the platform has it."""
    return next(one for one in sandbox.instances() if str(one["id"]) == str(number))


# POST


@pytest.mark.parametrize("fields", STRANGERS, ids=str)
def test_a_create_that_is_answered_with_a_strangers_instance_finds_its_own(
    server, sandbox, sent, fields
):
    theirs = strangers(sandbox, **fields)
    sandbox.add_fault("mixed_up", **POST, instance=theirs["id"])

    state = server.create(desk())

    own = held(sandbox, state.id)
    assert state.id != str(theirs["id"])
    assert state.outputs["element_token"] == own["token"] != theirs["token"]
    assert own["element_key"] == "freshservice"
    assert sent("POST") == 2  # the stranger's, and one of ours
    assert len(sandbox.instances()) == 2


@pytest.mark.parametrize("with_code", [True, False])
@pytest.mark.parametrize("fields", STRANGERS, ids=str)
def test_where_nothing_was_made_the_instance_of_the_answer_is_named_and_left_alone(
    server, sandbox, sent, fields, with_code
):
    theirs = strangers(sandbox, **fields)
    inputs = drive(sandbox, name="desk") if with_code else desk()
    sandbox.add_fault("mixed_up", **POST, when="before", instance=theirs["id"])

    with pytest.raises(RefusedCall) as refused:
        server.create(inputs)

    assert f"the answer is about instance {theirs['id']}, which " in refused.value.message
    assert ("get a new code" in refused.value.message) is with_code
    assert theirs["token"] not in refused.value.details
    assert refused.value.init_failed is None  # nothing is kept in the state
    assert sent("POST") == 2
    assert [one["id"] for one in sandbox.instances()] == [theirs["id"]]


def test_two_creates_of_a_run_never_share_an_instance(server, sandbox):
    """Not even where the answer is silent on tags, and both are alike."""
    first = server.create(desk())
    sandbox.add_fault("mixed_up", **POST, instance=first.id, tags="untold")

    second = server.create(desk())

    assert len({first.id, second.id}) == len(sandbox.instances()) == 2
    assert second.outputs["element_token"] == held(sandbox, second.id)["token"]


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "not seen yet"])
def test_what_the_state_has_is_not_taken_for_what_was_made(start, sandbox, seen):
    """The engine need not have shown it: the list before the first create tells."""
    old = start(sandbox, environment=QUICK).create(desk(tags=["a"]))
    server = start(sandbox, environment=QUICK)
    if seen:
        server.diff(old, old.inputs)
    sandbox.add_fault("mixed_up", **POST, instance=old.id, tags="untold")

    new = server.create(desk(tags=["a"]))

    assert new.id != old.id
    assert new.outputs["element_token"] == held(sandbox, new.id)["token"]


def test_a_second_attempt_that_is_answered_with_a_stranger_deletes_nobody(server, sandbox):
    """The later of two is deleted as a double, but only when it surely is ours."""
    theirs = strangers(sandbox)
    sandbox.add_fault("drop", **POST, when="before")
    sandbox.add_fault("mixed_up", **POST, instance=theirs["id"])

    state = server.create(desk())

    assert {str(one["id"]) for one in sandbox.instances()} == {state.id, str(theirs["id"])}


def test_a_listed_leftover_that_turns_out_to_be_another_is_not_taken(start, sandbox):
    """The list says that it carries the marker; by itself it does not, or has another element."""
    inputs = desk()
    left = start(sandbox, environment=QUICK).create(inputs)
    theirs = strangers(sandbox)
    for lie in (
        {"instance": theirs["id"]},
        {"instance": theirs["id"], "id": "own"},
        {"instance": left.id, "element": "closeio"},
        {"instance": left.id, "tags": "none"},
    ):
        sandbox.add_fault("mixed_up", method="GET", path=ONE, **lie)
        with pytest.raises(RefusedCall, match=f"instance {left.id} "):
            start(sandbox, environment=QUICK).create(inputs)
    assert len(sandbox.instances()) == 2


# GET


@pytest.mark.parametrize("lie", [{"id": "other"}, {"id": "own"}], ids=str)
def test_a_refresh_that_is_answered_with_a_stranger_changes_nothing(server, sandbox, lie):
    state = server.create(desk())
    theirs = strangers(sandbox, **OTHER_ELEMENT)
    sandbox.add_fault("mixed_up", method="GET", path=ONE, times=None, instance=theirs["id"], **lie)

    with pytest.raises(RefusedCall) as refused:
        server.read(state)

    assert state.id in refused.value.message
    assert theirs["token"] not in refused.value.details
    sandbox.clear_faults()
    assert server.read(state).outputs == state.outputs


def test_an_instance_to_adopt_is_not_taken_from_an_answer_about_another(server, sandbox):
    meant, other = strangers(sandbox), strangers(sandbox, name="other")
    sandbox.add_fault("mixed_up", method="GET", path=ONE, times=None, instance=other["id"])

    with pytest.raises(RefusedCall, match=f"about instance {other['id']}, not {meant['id']}"):
        server.create(desk(adopt=str(meant["id"])))

    assert held(sandbox, other["id"])["name"] == "other"
    assert held(sandbox, meant["id"])["name"] == "theirs"


# PATCH


@pytest.mark.parametrize("lie", [{"id": "other"}, {"id": "own"}], ids=str)
def test_an_update_that_is_answered_with_a_stranger_says_so(server, sandbox, lie):
    state = server.create(desk())
    theirs = strangers(sandbox, **OTHER_ELEMENT)
    sandbox.add_fault(
        "mixed_up", method="PATCH", path=ONE, times=None, instance=theirs["id"], **lie
    )
    renamed = desk(name="renamed", __markers=state.inputs["__markers"])

    with pytest.raises(RefusedCall) as refused:
        server.update(state, renamed)

    assert state.id in refused.value.message
    assert refused.value.init_failed is None
    sandbox.clear_faults()
    after = server.update(state, renamed)
    assert after.outputs["element_token"] == held(sandbox, state.id)["token"]
    assert server.plan(after, renamed) == "none"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_code_whose_answer_is_about_a_stranger_is_looked_for(server, sandbox, sent, when):
    """It took effect, as the instance itself shows, or it counts as spent."""
    inputs = drive(sandbox)
    state = server.create(inputs)
    theirs = strangers(sandbox, **OTHER_ELEMENT)
    sandbox.add_fault("mixed_up", method="PATCH", path=ONE, when=when, instance=theirs["id"])
    anew = inputs | {"code": sandbox.new_code("onedrivebusiness")}

    if when == "after":
        after = server.update(state, anew)
    else:
        with pytest.raises(RefusedCall, match="its code counts as spent") as refused:
            server.update(state, anew)
        assert server.native or PROVIDER in str(refused.value.init_failed)
        assert theirs["token"] not in str(refused.value.init_failed)
        after = server.update(state, inputs | {"code": sandbox.new_code("onedrivebusiness")})

    assert after.outputs["element_token"] == held(sandbox, state.id)["token"]
    assert sent("PATCH") == (1 if when == "after" else 2)


def test_other_spellings_of_one_element_are_no_other_element(server, sandbox):
    """Without metadata nobody corrects a program that names the element by its id."""
    state = server.create(desk())
    number = str(held(sandbox, state.id)["id"])
    told = server.read(State(number, state.inputs, state.outputs | {"element_key": "FreshService"}))
    assert told.id == state.id


def test_where_the_platform_drops_tags_the_instance_is_named_for_adopting(server, sandbox, sent):
    """Each repeat would make one more that no list by a tag finds."""
    sandbox.set_switch("list_delay_requests", "100")
    sandbox.add_fault("mixed_up", **POST, id="own", tags="none")
    inputs = desk()

    with pytest.raises(RefusedCall, match="which does not carry its marker") as refused:
        server.create(inputs)

    (made,) = sandbox.instances()
    assert f"about instance {made['id']}, " in refused.value.message
    assert sent("POST") == 1
    state = server.create(inputs | {"adopt": str(made["id"])})
    assert (state.id, sent("POST")) == (str(made["id"]), 1)
