"""One server process, one platform, and a state that remembers which one it belongs to."""

import re

import httpx
import pytest

from sandbox import Sandbox
from tests.host.server import (
    BASIC,
    OLD_NAME,
    PROVIDER,
    RefusedCall,
    State,
    desk,
    marked,
    serialized,
)

QUICK = {"CLOUD_ELEMENTS_LOOKUP_WINDOW": "0", "CLOUD_ELEMENTS_RETRY_BUDGET": "0"}


# Several serialized providers in one process


DYNAMIC = pytest.mark.parametrize("door", ["dynamic"], indirect=True, scope="module")


@DYNAMIC
@pytest.mark.parametrize(
    "writers",
    [
        (PROVIDER, serialized(2)),
        (serialized(2), PROVIDER),
        (PROVIDER, OLD_NAME),
        (OLD_NAME, PROVIDER),
    ],
    ids=["newer first", "older first", "new name first", "old name first"],
)
def test_what_one_serialized_provider_took_over_another_does_not_delete(start, sandbox, writers):
    """The state may keep what another Python or an earlier build wrote, beside what is new."""
    assert len(set(writers)) == 2
    old = start(sandbox, environment=QUICK).create(desk())
    server = start(sandbox, environment=QUICK)

    server.provider = writers[0]
    new = server.create(desk(name="renamed", adopt=old.id))
    server.provider = writers[1]
    server.delete(old)

    assert new.id == old.id == str(sandbox.instances()[0]["id"])
    stays = f"element instance {old.id} stays: another resource adopted it"
    assert server.engine.warnings[-1] == stays  # as one ledger tells it


@DYNAMIC
def test_settings_that_differ_between_two_providers_share_what_belongs_to_the_address(
    start, sandbox
):
    """The engine may configure anew, and the next serialized provider gets the new settings."""
    stack = {
        "cloud-elements:baseUrl": sandbox.base_url,
        "cloud-elements:userSecret": sandbox.user_secret,
        "cloud-elements:organizationSecret": sandbox.organization_secret,
        "cloud-elements:journal": "false",
    }
    old = start(sandbox, environment=QUICK).create(desk())
    server = start(config=stack, environment=QUICK)
    new = server.create(desk(name="renamed", adopt=old.id))

    slow = {"cloud-elements:baseUrl": f"{sandbox.base_url}/", "cloud-elements:timeout": "90"}
    server.configure(stack | slow)
    server.provider = serialized(2)
    server.delete(old)
    assert new.id == str(sandbox.instances()[0]["id"])

    with Sandbox() as elsewhere:
        server.configure(
            {
                "cloud-elements:baseUrl": elsewhere.base_url,
                "cloud-elements:userSecret": elsewhere.user_secret,
                "cloud-elements:organizationSecret": elsewhere.organization_secret,
            }
        )
        server.provider = serialized(3)
        server.create(desk())
        assert len(elsewhere.instances()) == 1


# Addresses


@DYNAMIC
def test_an_environment_that_leads_elsewhere_than_the_stack_is_told_once(start, sandbox):
    stack = {"cloud-elements:baseUrl": "https://api.cloud-elements.com/elements/api-v2"}
    server = start(sandbox, config=stack, environment=QUICK)

    for server.provider in (PROVIDER, serialized(2)):
        server.checked(desk())
        server.checked(desk(name="another"))

    assert server.engine.warnings == [
        (
            "CLOUD_ELEMENTS_BASE_URL overrides the stack's cloud-elements:baseUrl: "
            f"{sandbox.base_url} is used instead of {stack['cloud-elements:baseUrl']}; unset it "
            "where the stack's own platform is meant"
        )
    ]
    assert server.engine.logged[0].urn == ""


def test_an_environment_that_says_what_the_stack_says_is_not_worth_a_word(start, sandbox):
    server = start(sandbox, config={"cloud-elements:baseUrl": f"{sandbox.base_url}/"})
    server.checked(desk())
    assert server.engine.warnings == []


# A state and the platform it belongs to


@pytest.fixture
def home():
    """The platform where the state's instance was made; its ids are those of `abroad`."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def abroad():
    with Sandbox() as sandbox:
        yield sandbox


def renamed(state, **fields):
    """Return the inputs of a state with another name."""
    return state.inputs | {"name": "renamed"} | fields


OPERATIONS = {
    "preview": lambda server, state: server.plan(state, state.inputs),
    "preview of a change": lambda server, state: server.plan(state, renamed(state)),
    "preview of a replacement": lambda server, state: server.diff(
        state, state.inputs | {"element_key": "closeio"}
    ),
    "refresh": lambda server, state: server.read(state),
    "update": lambda server, state: server.update(state, renamed(state)),
    "delete": lambda server, state: server.delete(state),
}
LIKE_OURS = {"element": {"key": "freshservice"}, "name": "desk", "configuration": BASIC}
STRANGERS = {
    "another element": {"element": {"key": "closeio"}, "configuration": {"username": "key"}},
    "the same element": {},
    "another stack's marker": {"tags": ["billing", *marked()]},
}


def made_by_hand(sandbox, fields):
    """Make an instance past the provider; return its id."""
    secrets = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    headers = {"Authorization": secrets}
    answer = httpx.post(f"{sandbox.base_url}/instances", json=LIKE_OURS | fields, headers=headers)
    return str(answer.json()["id"])


def older(state):
    """Return a state as versions wrote it that did not remember the platform."""
    record = {k: v for k, v in state.outputs["__record"].items() if k not in FORGOTTEN}
    return State(state.id, state.inputs, state.outputs | {"__record": record})


FORGOTTEN = ("platform", "adoption")


def methods(sandbox, since=0):
    """Return the methods of the requests about instances that reached a platform."""
    found = [one for one in sandbox.journal() if one["template"].startswith("/instances")]
    return [one["method"] for one in found[since:]]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_nothing_is_done_to_what_another_platform_has_under_the_id(start, home, abroad, stranger):
    state = start(home, environment=QUICK).create(desk())
    assert made_by_hand(abroad, STRANGERS[stranger]) == state.id
    (before,) = abroad.instances()
    server = start(abroad, environment=QUICK)
    setting = "set CLOUD_ELEMENTS_BASE_URL (or, where that is not set, cloud-elements:baseUrl) to "
    belongs = f"it belongs to {home.base_url}, and at {abroad.base_url} instance {state.id} "

    for operate in OPERATIONS.values():
        already = len(methods(abroad))
        with pytest.raises(RefusedCall) as refused:
            operate(server, state)

        assert belongs in refused.value.message
        assert setting + home.base_url in refused.value.message
        assert refused.value.init_failed is None
        assert before["token"] not in refused.value.details
        assert abroad.instances() == [before]
        assert methods(abroad, already) == ["GET"]
    assert len(home.instances()) == 1


def test_what_another_platform_lacks_is_not_gone(start, home, abroad):
    state = start(home, environment=QUICK).create(desk())
    server = start(abroad, environment=QUICK)

    for operate in OPERATIONS.values():
        with pytest.raises(RefusedCall) as refused:
            operate(server, state)

        assert f"at {abroad.base_url} there is no instance {state.id}: " in refused.value.message
        assert home.base_url in refused.value.message
        assert "run pulumi state delete with its URN" in refused.value.message


@pytest.mark.parametrize("answer", ["nobody", "401", "page"])
def test_a_platform_that_does_not_tell_is_named_beside_the_right_one(start, home, abroad, answer):
    state = start(home, environment=QUICK).create(desk())
    environment = QUICK | {"CLOUD_ELEMENTS_METADATA": "false"}
    if answer == "401":
        environment |= {"CLOUD_ELEMENTS_USER_SECRET": "of-the-other-platform"}
    server = start(abroad, environment=environment)
    if answer == "nobody":
        abroad.stop()
    elif answer == "page":
        abroad.add_fault("status", status=404, body="html", times=None)

    for operate in OPERATIONS.values():
        with pytest.raises(RefusedCall, match="can't be looked at") as refused:
            operate(server, state)

        named = re.findall(r"http\S+api-v2", refused.value.message)
        assert {home.base_url, abroad.base_url} == set(named)


@pytest.mark.parametrize("stranger", [*STRANGERS, "nothing"])
def test_a_state_that_knows_no_platform_is_good_for_nothing_but_its_own_instance(
    start, home, abroad, stranger
):
    state = older(start(home, environment=QUICK).create(desk()))
    if stranger != "nothing":
        made_by_hand(abroad, STRANGERS[stranger])
    before = abroad.instances()
    server = start(abroad, environment=QUICK)

    already = len(methods(abroad))

    for operation in ("refresh", "preview of a replacement", "update", "delete"):
        with pytest.raises(RefusedCall, match="does not say which platform") as refused:
            OPERATIONS[operation](server, state)

        assert f"at {abroad.base_url} " in refused.value.message
    assert abroad.instances() == before
    assert set(methods(abroad, already)) == {"GET"}


def test_a_state_that_knows_no_platform_learns_it(start, home):
    """By the next refresh or change; until then a write is preceded by a look."""
    server = start(home, environment=QUICK)
    state = older(server.create(desk()))
    server = start(home, environment=QUICK)
    already = len(methods(home))

    assert server.plan(state, state.inputs) == "none"
    assert methods(home, already) == []
    for learned in (server.read(state), server.update(state, renamed(state))):
        assert learned.outputs["__record"]["platform"] == home.base_url
    already = len(methods(home))
    start(home, environment=QUICK).delete(state)
    assert methods(home, already) == ["GET", "DELETE"]


def test_what_this_machine_made_here_is_known_to_be_from_here(start, home, tmp_path):
    """So that an instance that is gone still leaves a state that knows no platform."""
    remembers = QUICK | {"CLOUD_ELEMENTS_JOURNAL": "true", "PULUMI_HOME": str(tmp_path)}
    state = older(start(home, environment=remembers).create(desk()))
    home.delete_instance(int(state.id))

    assert start(home, environment=remembers).read(state) is None
    start(home, environment=remembers).delete(state)


@pytest.mark.parametrize("adopts", [True, False])
def test_nothing_is_made_or_adopted_where_others_of_the_state_are_refused(
    start, home, abroad, adopts
):
    """An id to adopt is meant at the platform of the stack, and so is a code."""
    state = start(home, environment=QUICK).create(desk())
    adopt = {"adopt": made_by_hand(abroad, {})} if adopts else {}
    before = abroad.instances()
    server = start(abroad, environment=QUICK)
    with pytest.raises(RefusedCall):
        server.diff(state, state.inputs)

    with pytest.raises(RefusedCall) as refused:
        server.create(desk(name="another", **adopt), check=False)

    said = f"other instances in the state belong to {home.base_url}, and this is {abroad.base_url}"
    assert said in refused.value.message
    assert f"to {home.base_url}" in refused.value.message
    assert abroad.instances() == before


def test_a_replacement_by_hand_elsewhere_deletes_neither_the_old_one_nor_the_new(
    start, home, abroad
):
    """The engine asks for a create as if there were no instance; the ids may be the same."""
    state = start(home, environment=QUICK).create(desk())
    server = start(abroad, environment=QUICK)

    new = server.create(state.inputs, check=False)
    assert new.id == state.id
    with pytest.raises(RefusedCall, match=f"it belongs to {home.base_url}, and at "):
        server.delete(state)

    assert len(home.instances()) == len(abroad.instances()) == 1


def test_at_home_no_request_is_added(start, home):
    server = start(home, environment=QUICK)
    state = server.create(desk())
    server = start(home, environment=QUICK)
    already = len(methods(home))
    assert server.plan(state, state.inputs) == "none"
    state = server.read(state)
    state = server.update(state, renamed(state))
    start(home, environment=QUICK).delete(state)
    # Lists are for all of a stack: of doubles, and of what another stack may have by now.
    sent = [one for one in home.journal() if one["template"].startswith("/instances")][already:]
    alone = [one["method"] for one in sent if one["template"] != "/instances"]
    assert alone == ["GET", "PATCH", "DELETE"]


# A platform that has several addresses, or another one than before


def moved(home):
    """Return how to reach a platform by another of its addresses."""
    return QUICK | {"CLOUD_ELEMENTS_BASE_URL": home.base_url.replace("127.0.0.1", "localhost")}


@pytest.mark.parametrize("adopts", [False, True])
def test_a_moved_platform_is_proved_once_by_a_refresh(start, home, adopts):
    fields = {"adopt": made_by_hand(home, {})} if adopts else {}
    state = start(home, environment=QUICK).create(desk(**fields))
    server = start(home, environment=moved(home))

    seen = server.read(state)

    assert seen.outputs["__record"]["platform"] == moved(home)["CLOUD_ELEMENTS_BASE_URL"]
    assert seen.outputs["element_token"] == state.outputs["element_token"]
    server = start(home, environment=moved(home))
    already = len(methods(home))
    assert server.plan(seen, seen.inputs) == "none"
    assert methods(home, already) == []


@pytest.mark.parametrize("adopts", [False, True])
def test_a_moved_platform_is_proved_once_by_an_update(start, home, adopts):
    """A preview says so, although nothing else has changed."""
    fields = {"adopt": made_by_hand(home, {})} if adopts else {}
    state = start(home, environment=QUICK).create(desk(**fields))
    server = start(home, environment=moved(home))
    already = len(methods(home))

    assert server.plan(state, state.inputs) == "some"
    assert f"is the one of {home.base_url}" in server.engine.logged[-1].message
    seen = server.update(state, state.inputs)

    assert methods(home, already) == ["GET", "GET"]
    assert seen.outputs["__record"]["platform"] == moved(home)["CLOUD_ELEMENTS_BASE_URL"]
    assert start(home, environment=moved(home)).plan(seen, seen.inputs) == "none"


@pytest.mark.parametrize("adopts", [False, True])
def test_at_a_moved_platform_an_instance_is_changed_and_deleted(start, home, adopts):
    fields = {"adopt": made_by_hand(home, {}), "delete_adopted": True} if adopts else {}
    state = start(home, environment=QUICK).create(desk(**fields))

    changed = start(home, environment=moved(home)).update(state, renamed(state))
    assert home.instances()[0]["name"] == "renamed"
    start(home, environment=QUICK).delete(changed)  # and back again

    assert home.instances() == []


def test_an_adopted_instance_is_known_without_the_adopt_that_took_it(start, home):
    """That line may go, and whatever is changed then must leave the tag in place."""
    state = start(home, environment=QUICK).create(
        desk(adopt=made_by_hand(home, {}), delete_adopted=True)
    )
    inputs = {key: value for key, value in state.inputs.items() if key != "adopt"}
    changed = start(home, environment=QUICK).update(state, inputs | {"tags": ["new"]})
    (mark,) = [tag for tag in home.instances()[0]["tags"] if tag.startswith("pulumi-adopted-")]
    assert mark == changed.outputs["__record"]["adoption"]

    start(home, environment=moved(home)).delete(changed)
    assert home.instances() == []


def test_an_adopted_instance_elsewhere_does_not_leave_the_state(start, home, abroad):
    """Nothing would be deleted, but it would be forgotten."""
    state = start(home, environment=QUICK).create(desk(adopt=made_by_hand(home, {})))

    with pytest.raises(RefusedCall, match=f"it belongs to {home.base_url}"):
        start(abroad, environment=QUICK).delete(state)

    server = start(home, environment=QUICK)
    server.delete(state)
    assert "left in place" in server.engine.warnings[-1]


@pytest.mark.parametrize("told", ["nothing", "other tags"])
def test_without_a_marker_name_and_token_tell(start, home, told):
    """Where the platform does not tell tags, or the resource has no marker."""
    inputs = desk(__markers=[]) if told == "other tags" else desk()
    state = start(home, environment=QUICK).create(inputs)
    lie = {"kind": "mixed_up", "method": "GET", "path": "/instances/{id}", "instance": state.id}
    if told == "nothing":
        home.add_fault(**lie, tags="untold", times=None)

    seen = start(home, environment=moved(home)).read(state)
    assert seen.outputs["__record"]["platform"] == moved(home)["CLOUD_ELEMENTS_BASE_URL"]

    for what in ({"element_token": "another"}, {"name": "another"}):
        other = State(state.id, state.inputs, state.outputs | what)
        with pytest.raises(RefusedCall, match="nothing shows that instance") as refused:
            start(home, environment=moved(home)).delete(other)
        assert f"set 'adopt' to {state.id}" in refused.value.message
    assert len(home.instances()) == 1


def test_a_half_made_instance_is_known_by_the_inputs(start, home):
    """Its outputs hold no marker, so that the next run writes it."""
    server = start(home, environment=QUICK)
    state = server.create(desk(adopt=made_by_hand(home, {})))
    outputs = {key: value for key, value in state.outputs.items() if key != "__markers"}
    half = State(state.id, state.inputs, outputs | {"element_token": "rotated-meanwhile"})

    seen = start(home, environment=moved(home)).read(half)

    assert seen.outputs["element_token"] == state.outputs["element_token"]


def test_a_look_up_by_id_asks_for_no_proof(start, home):
    number = made_by_hand(home, {})
    seen = start(home, environment=QUICK).get(number, {"element_key": "freshservice"})
    assert (seen.id, seen.outputs["__record"]["platform"]) == (number, home.base_url)
