"""Find-or-create, against a real sandbox: one instance, each code sent once, whatever fails."""

import re
import threading
from dataclasses import replace

import httpx
import pytest

from provider.api.errors import AbandonedError, CloudElementsError
from provider.doors import dynamic
from provider.instance import diff
from provider.instance.claims import Claims
from provider.instance.history import History
from provider.instance.host import HalfMadeError
from provider.instance.journal import Fate
from provider.instance.markers import MARKERS, markers
from provider.instance.state import Stored
from provider.lifecycle import ElementInstanceProvider
from tests.chaos.pocket_engine import as_given
from tests.chaos.world import Killed, Machine

APPLICATION = {
    "oauth.api.key": "application-key",
    "oauth.api.secret": "the-application-secret",
    "oauth.callback.url": "https://app.example/callback",
}
MARKED = markers(organization="o", project="p", stack="dev", place="invoices")
LIST, ONE = ("GET", "/instances"), ("GET", "/instances/{id}")
POST, PATCH, DELETE = ("POST", "/instances"), ("PATCH", ONE[1]), ("DELETE", ONE[1])


@pytest.fixture
def machine(sandbox, clock, transport, tmp_path):
    """A machine that remembers."""
    return Machine(sandbox, clock, transport, tmp_path)


@pytest.fixture
def forgetful(sandbox, clock, transport):
    """A machine that forgets, as a CI runner does."""
    return Machine(sandbox, clock, transport, None)


@pytest.fixture
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr(dynamic.host(), "warn", said.append)
    return said


def oauth(sandbox, **changes):
    """Return inputs of an instance that is made with a one-time code."""
    return {
        "element_key": "onedrivebusiness",
        "name": "invoices",
        "configuration": APPLICATION,
        "code": sandbox.new_code("onedrivebusiness"),
        MARKERS: MARKED.tags,
    } | changes


def plain(place="invoices", **changes):
    """Return inputs of an instance that is made without one."""
    tags = markers(organization="o", project="p", stack="dev", place=place).tags
    inputs = {"element_key": "closeio", "name": place, "configuration": {"username": "key"}}
    return inputs | {MARKERS: tags} | changes


def create(provider, inputs):
    """Return id and outputs of a create, as the engine keeps them."""
    result = provider.create(inputs)
    return result.id, as_given(result.outs)


def requests(sandbox, method, path):
    """Return what reached the platform."""
    return [e for e in sandbox.journal() if (e["method"], e["template"]) == (method, path)]


def authentications(sandbox):
    """Return the updates that carried a one-time code."""
    return [entry for entry in requests(sandbox, *PATCH) if entry["carries_code"]]


def the_only(sandbox):
    """Return the one instance that there is."""
    (instance,) = sandbox.instances()
    return instance


LOST = [
    {"kind": "drop"},
    {"kind": "truncated"},
    {"kind": "empty"},
    {"kind": "not_an_instance"},
    {"kind": "mixed_up", "element": "closeio", "tags": "untold"},
    {"kind": "mixed_up", "tags": "none"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "body": "html"},
    {"kind": "status", "status": 408},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 429, "retry_after": "4000"},
]
EITHER = [fault for fault in LOST if fault["kind"] in ("drop", "status")]
AFTER = [fault | ({"when": "after"} if fault in EITHER else {}) for fault in LOST]
BEFORE = [fault | {"when": "before"} for fault in EITHER]


def named(fault):
    return " ".join(str(value) for value in fault.values())


@pytest.mark.parametrize("fault", AFTER, ids=named)
@pytest.mark.parametrize("late", ["0", "2"])
def test_an_instance_whose_answer_was_lost_is_taken_over(machine, sandbox, fault, late):
    sandbox.set_switch("list_delay_requests", late)
    sandbox.add_fault(**fault, method="POST", path="/instances")
    number, outputs = create(machine.process(), oauth(sandbox))
    assert number == str(the_only(sandbox)["id"])
    assert outputs["element_token"] == the_only(sandbox)["token"]
    assert len(requests(sandbox, *POST)) == 1
    assert requests(sandbox, *PATCH) == []


@pytest.mark.parametrize("fault", BEFORE, ids=named)
def test_a_code_whose_fate_is_unknown_is_never_sent_again(machine, sandbox, fault):
    sandbox.add_fault(**fault, method="POST", path="/instances")
    inputs = oauth(sandbox)
    with pytest.raises(CloudElementsError, match="its code counts as spent, so get a new code"):
        machine.process().create(inputs)
    with pytest.raises(CloudElementsError, match=r"was already sent on .* UTC.*get a new code"):
        machine.process().create(inputs)
    assert len(requests(sandbox, *POST)) == 1
    assert sandbox.instances() == []
    number, _ = create(machine.process(), oauth(sandbox))
    assert number == str(the_only(sandbox)["id"])


def refusals(machine, inputs):
    """Return what a preview says against a create."""
    return [one.reason for one in machine.process().check({}, inputs).failures]


@pytest.mark.parametrize("fault", BEFORE, ids=named)
def test_a_preview_says_of_a_lost_code_what_the_create_said(machine, sandbox, fault):
    sandbox.add_fault(**fault, method="POST", path="/instances")
    inputs = oauth(sandbox)
    with pytest.raises(CloudElementsError, match="get a new code"):
        machine.process().create(inputs)
    (refusal,) = refusals(machine, inputs)
    assert re.search(r"code was already sent on .* UTC.*get a new code", refusal)
    assert refusals(machine, oauth(sandbox)) == []


def test_a_preview_leaves_it_to_the_create_to_look_for_what_a_killed_run_made(
    machine, sandbox, clock
):
    sandbox.set_switch("list_delay_seconds", "50")
    inputs = oauth(sandbox)
    with pytest.raises(Killed):
        die(machine, POST, answered=True).create(inputs)
    assert refusals(machine, inputs) == []
    clock.sleep(61)
    assert refusals(machine, inputs) == []  # it is listed by now
    sandbox.delete_instance(the_only(sandbox)["id"])
    (refusal,) = refusals(machine, inputs)
    assert "code was already sent on " in refusal


def test_what_is_listed_late_is_taken_over_with_a_new_code(machine, sandbox, clock):
    """For a minute from its sending on, however long the first run looked for it."""
    sandbox.set_switch("list_delay_seconds", "50")
    sandbox.add_fault("drop", when="after", method="POST", path="/instances")
    before = clock.now()
    with pytest.raises(CloudElementsError, match="get a new code"):
        machine.process().create(oauth(sandbox))
    number, _ = create(machine.process(), oauth(sandbox))
    assert number == str(the_only(sandbox)["id"])
    assert clock.now() - before <= 60.0
    assert len(requests(sandbox, *POST)) == 1


@pytest.mark.parametrize("code", [True, False])
def test_where_a_lost_instance_can_be_looked_for_later_is_said(machine, sandbox, code):
    """Another machine does not know that the code was sent."""
    sandbox.add_fault("drop", when="after", method="POST", path="/instances")
    sandbox.add_fault("status", status=403, method="GET", path="/instances", after=1)
    inputs = oauth(sandbox) if code else plain()
    with pytest.raises(CloudElementsError) as refused:
        machine.process().create(inputs)
    where = " on this machine, or anywhere with a new code" if code else ""
    assert str(refused.value).endswith(f": run pulumi up again{where}")
    number, _ = create(machine.process(), inputs)
    assert number == str(the_only(sandbox)["id"])


@pytest.mark.parametrize("fault", [*BEFORE, *AFTER], ids=named)
def test_without_a_code_a_create_is_sent_until_there_is_one(machine, sandbox, fault):
    sandbox.add_fault(**fault, method="POST", path="/instances")
    number, _ = create(machine.process(), plain())
    assert number == str(the_only(sandbox)["id"])
    assert sandbox.counters()["doubles"] == 0


def test_a_create_that_never_works_ends(machine, sandbox):
    sandbox.add_fault("status", method="POST", path="/instances", times=None)
    with pytest.raises(CloudElementsError, match="no instance with its marker showed"):
        machine.process().create(plain())
    assert len(requests(sandbox, *POST)) == 4


def test_one_that_never_left_may_be_sent_by_the_next_run(machine, sandbox):
    inputs = oauth(sandbox)
    provider = machine.process()
    machine.line._inner = httpx.MockTransport(refuse_posts(machine.line._inner))
    with pytest.raises(CloudElementsError, match="no connection"):
        provider.create(inputs)
    assert requests(sandbox, *POST) == []
    number, _ = create(machine.process(), inputs)
    assert number == str(the_only(sandbox)["id"])


def refuse_posts(inner):
    """Return a handler that can't connect for a POST."""

    def handle(request):
        if request.method == "POST":
            message = "refused"
            raise httpx.ConnectError(message)
        return inner.handle_request(request)

    return handle


def test_a_refused_code_counts_as_spent_when_its_vendor_spoke(machine, sandbox):
    sandbox.add_fault("refused", method="POST", path="/instances")
    inputs = oauth(sandbox)
    with pytest.raises(CloudElementsError, match="new code"):
        machine.process().create(inputs)
    with pytest.raises(CloudElementsError, match=r"was already sent"):
        machine.process().create(inputs)
    assert sandbox.counters()["codes_replayed"] == 0


class Instead(httpx.BaseTransport):
    """Answers creates with something else; what the platform makes of them is its own affair."""

    def __init__(self, inner, answer):
        self._inner, self._answer = inner, answer

    def handle_request(self, request):
        if request.method != "POST":
            return self._inner.handle_request(request)
        self._inner.handle_request(request).read()
        return self._answer


NESTED = {"message": "failed", "requestId": "5b04", "error": {"providerMessage": "invalid_grant"}}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json=NESTED),
        httpx.Response(400, text='{"message": "failed", "requestId": "5b04", "prov'),
        httpx.Response(404, text="<h1>Not Found</h1>"),
    ],
    ids=["vendor's, nested", "cut off", "a page"],
)
def test_a_code_counts_as_spent_unless_the_platform_alone_refused_it(
    sandbox, clock, transport, tmp_path, answer
):
    machine = Machine(sandbox, clock, Instead(transport, answer), tmp_path)
    inputs = oauth(sandbox)
    spent = inputs | {"configuration": {"oauth.api.key": "application-key"}}  # nothing is made
    with pytest.raises(CloudElementsError):
        machine.process().create(spent)
    with pytest.raises(CloudElementsError, match="was already sent"):
        machine.process().create(inputs)
    assert len(requests(sandbox, *POST)) == 1


@pytest.mark.parametrize("words", [NESTED, NESTED["error"], {"errors": [NESTED["error"]]}])
def test_what_the_vendor_refused_with_a_server_error_is_not_sent_again(
    sandbox, clock, transport, tmp_path, words
):
    """Asked a few times with what it refused, it locks the account."""
    answer = httpx.Response(500, json=words)
    machine = Machine(sandbox, clock, Instead(transport, answer), tmp_path)
    inputs = plain(configuration={})  # nothing is made
    with pytest.raises(CloudElementsError, match=r"invalid_grant.*correct the inputs"):
        machine.process().create(inputs)
    assert len(requests(sandbox, *POST)) == 1


def test_a_create_that_the_platform_itself_refused_keeps_its_code(machine, sandbox):
    inputs = oauth(sandbox)
    incomplete = inputs | {"configuration": {"oauth.api.key": "application-key"}}
    with pytest.raises(CloudElementsError, match="Missing required configuration"):
        machine.process().create(incomplete)
    number, _ = create(machine.process(), inputs)
    assert number == str(the_only(sandbox)["id"])


# What earlier runs left


def test_all_creates_of_a_process_share_one_list(machine, sandbox):
    provider = machine.process()
    for place in ("a", "b", "c"):
        create(provider, plain(place))
    assert len(requests(sandbox, *LIST)) == 1
    assert [r["status"] for r in requests(sandbox, *POST)] == [200, 200, 200]


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("inputs", [oauth, lambda _: plain()], ids=["code", "no code"])
def test_what_a_killed_run_made_is_taken_over(forgetful, sandbox, inputs, answered, warnings):
    inputs = inputs(sandbox)
    if answered:
        with pytest.raises(Killed):
            die(forgetful, POST, answered=True).create(inputs)
    else:
        forgetful.process().create(inputs)  # its result never reached the state
    number, _ = create(forgetful.process(), inputs)
    assert number == str(the_only(sandbox)["id"])
    assert len(requests(sandbox, *POST)) == 1
    assert number in warnings[0]


def die(machine, request, *, answered):
    """Start a process that dies at its first request of a kind."""
    provider = machine.process()
    inner, line = machine.line._inner, machine.line

    class Death(httpx.BaseTransport):
        def handle_request(self, sent):
            if sent.method != request[0]:
                return inner.handle_request(sent)
            line.dead = True
            if answered:
                inner.handle_request(sent).read()
            raise Killed

    line._inner = Death()
    return provider


@pytest.mark.parametrize("inputs", [oauth, lambda _: plain()], ids=["code", "no code"])
def test_lists_that_lag_behind_a_killed_run_make_no_double(machine, sandbox, inputs):
    sandbox.set_switch("list_delay_seconds", "50")
    inputs = inputs(sandbox)
    with pytest.raises(Killed):
        die(machine, POST, answered=True).create(inputs)
    number, _ = create(machine.process(), inputs)
    assert number == str(the_only(sandbox)["id"])
    assert len(requests(sandbox, *POST)) == 1


DAY = 24 * 3600.0


@pytest.mark.parametrize("set_back", [30.0, DAY, 40 * DAY, -30.0])
@pytest.mark.parametrize("inputs", [oauth, lambda _: plain()], ids=["code", "no code"])
def test_no_run_waits_for_more_than_a_minute_whatever_the_clock_says(
    machine, sandbox, clock, inputs, set_back
):
    inputs = inputs(sandbox)
    with pytest.raises(Killed):
        die(machine, POST, answered=False).create(inputs)
    clock.set_back = set_back
    before = clock.now()
    if "code" in inputs:
        with pytest.raises(CloudElementsError, match="was already sent"):
            machine.process().create(inputs)
    else:
        create(machine.process(), inputs)
    assert 30.0 <= clock.now() - before <= 60.0


@pytest.mark.parametrize("set_back", [0.0, DAY])
def test_no_authentication_waits_for_more_than_a_minute(machine, sandbox, clock, set_back):
    number, outputs = create(machine.process(), oauth(sandbox))
    inputs = oauth(sandbox)
    with pytest.raises(Killed):
        die(machine, PATCH, answered=False).update(number, outputs, inputs)
    clock.set_back = set_back
    before = clock.now()
    with pytest.raises(HalfMadeError, match="was already sent"):
        machine.process().update(number, outputs, inputs)
    assert clock.now() - before == pytest.approx(60.0)


def test_a_code_that_another_resource_sent_is_not_waited_for(machine, sandbox, clock):
    spent = oauth(sandbox)
    place = markers(organization="o", project="p", stack="dev", place="other").tags
    number, outputs = create(machine.process(), oauth(sandbox, name="other", **{MARKERS: place}))
    create(machine.process(), spent)
    before = clock.now()
    with pytest.raises(HalfMadeError, match="already sent for another resource"):
        machine.process().update(number, outputs, spent | {"name": "other", MARKERS: place})
    assert clock.now() == before


def test_an_id_that_a_killed_run_knew_needs_no_list(machine, sandbox):
    sandbox.set_switch("list_delay_seconds", "9999")
    inputs = oauth(sandbox)
    machine.process().create(inputs)
    number, _ = create(machine.process(), inputs)
    assert number == str(the_only(sandbox)["id"])


@pytest.mark.parametrize("status", ["404", "400", "401", "403"])
def test_a_remembered_instance_that_is_gone_is_made_again(machine, sandbox, status):
    sandbox.set_switch("unknown_instance_status", status)
    number, _ = create(machine.process(), plain())
    sandbox.delete_instance(int(number))
    again, _ = create(machine.process(), plain())
    assert again == str(the_only(sandbox)["id"]) != number


def test_a_new_code_authenticates_what_a_killed_run_made(machine, sandbox):
    machine.process().create(oauth(sandbox))
    create(machine.process(), oauth(sandbox))
    assert sandbox.counters()["codes_spent"] == 2
    assert len(requests(sandbox, *PATCH)) == 1
    assert the_only(sandbox)["authentications"] == 2


def test_what_changed_since_a_killed_run_is_sent(machine, sandbox):
    machine.process().create(plain())
    sandbox.set_switch("masking", "masked")
    create(machine.process(), plain(tags=["billing"], configuration={"username": "another"}))
    instance = the_only(sandbox)
    assert "billing" in instance["tags"]
    assert instance["configuration"]["username"] == "another"


def test_light_lists_without_tags_are_asked_by_marker(forgetful, sandbox):
    sandbox.set_switch("hydrate_default", "off")
    sandbox.set_switch("light_tags", "off")
    forgetful.process().create(plain("a"))
    forgetful.process().create(plain("b"))
    provider = forgetful.process()
    create(provider, plain("a"))
    create(provider, plain("b"))
    create(provider, plain("c"))
    assert [one["name"] for one in sandbox.instances()] == ["a", "b", "c"]


def test_several_are_refused_by_their_ids_and_adopt_settles_it(forgetful, sandbox):
    _, outputs = create(forgetful.process(), plain())
    first = the_only(sandbox)["id"]
    tags = the_only(sandbox)["tags"]
    sandbox.update_instance(first, tags=[])
    create(forgetful.process(), plain())
    sandbox.update_instance(first, tags=tags)
    second = sandbox.instances()[1]["id"]
    with pytest.raises(CloudElementsError, match=f"{first}, {second}.*set 'adopt'.*delete the oth"):
        forgetful.process().create(plain())
    assert len(sandbox.instances()) == 2
    sandbox.delete_instance(first)
    number, outputs = create(forgetful.process(), plain(adopt=str(second)))
    assert number == str(second)
    forgetful.process().delete(number, outputs)  # ours, although it was adopted
    assert sandbox.instances() == []


@pytest.mark.parametrize("change", [{"name": "other"}, {"element_key": "sendgrid"}])
def test_what_carries_the_marker_and_does_not_fit_is_named(forgetful, sandbox, change):
    forgetful.process().create(plain())
    number = the_only(sandbox)["id"]
    with pytest.raises(CloudElementsError, match=f"left instance {number} .*another element or"):
        forgetful.process().create(plain() | change | {"configuration": {"api.token": "t"}})
    assert len(sandbox.instances()) == 1


def test_a_replacement_does_not_take_what_it_replaces(machine, sandbox):
    number, outputs = create(machine.process(), plain())
    provider = machine.process()
    wanted = plain(element_key="sendgrid", configuration={"api.token": "t"})
    assert provider.diff(number, outputs, wanted).replaces == ["element_key"]
    new, _ = create(provider, wanted)
    assert new != number
    provider.delete(number, outputs)
    assert new == str(the_only(sandbox)["id"])


# A replacement that is asked for by hand (--replace, state taint): the engine calls check without
# old inputs and create, and no diff.


def test_a_replacement_by_hand_makes_another_instance(machine, sandbox, warnings):
    number, outputs = create(machine.process(), oauth(sandbox))
    machine.process().diff(number, outputs, oauth(sandbox))  # any run or preview in between
    provider = machine.process()
    new, made = create(provider, oauth(sandbox))
    assert new != number
    assert f"instance {number} was in the state" in warnings[-1]
    provider.delete(number, outputs)
    assert str(the_only(sandbox)["id"]) == new
    assert machine.process().diff(new, made, plain()).replaces


@pytest.mark.parametrize("answered", [False, True])
def test_a_replacement_by_hand_that_was_interrupted_goes_on(machine, sandbox, answered):
    number, outputs = create(machine.process(), oauth(sandbox))
    machine.process().diff(number, outputs, oauth(sandbox))
    wanted = oauth(sandbox)
    provider = machine.process()
    machine.line.kill(1, answered=answered)
    with pytest.raises(Killed):
        provider.create(wanted)
    if not answered:
        machine.clock.sleep(3600)
        wanted = oauth(sandbox)
    provider = machine.process()
    new, _ = create(provider, wanted)
    assert new != number
    provider.delete(number, outputs)
    assert str(the_only(sandbox)["id"]) == new


def test_where_nobody_remembers_a_replacement_by_hand_keeps_the_instance(
    forgetful, machine, sandbox, warnings
):
    number, outputs = create(forgetful.process(), plain())
    provider = forgetful.process()
    assert create(provider, plain())[0] == number
    provider.delete(number, outputs)
    assert str(the_only(sandbox)["id"]) == number
    assert "once more on this machine" in warnings[-1]

    provider = machine.process()
    create(provider, plain())
    provider.delete(number, outputs)  # which tells that the state has it
    provider = machine.process()
    new, _ = create(provider, plain())
    provider.delete(number, outputs)
    assert str(the_only(sandbox)["id"]) == new != number


def test_an_instance_that_the_state_has_twice_is_not_deleted(forgetful, sandbox, warnings):
    number, outputs = create(forgetful.process(), plain())
    _, again = create(forgetful.process(), plain())  # --replace, and killed before its delete
    provider = forgetful.process()
    assert provider.diff(number, again, plain()).changes is False
    provider.delete(number, outputs)
    assert str(the_only(sandbox)["id"]) == number
    assert "another resource has it now" in warnings[-1]


def test_a_name_that_pulumi_state_rename_freed_gives_no_instance_to_two(forgetful, sandbox):
    number, outputs = create(forgetful.process(), plain())
    provider = forgetful.process()
    create(provider, plain())  # the new owner of the old name comes first
    for call in (
        lambda: provider.diff(number, outputs, plain("helpdesk")),
        lambda: provider.update(number, outputs, plain("helpdesk")),
    ):
        with pytest.raises(CloudElementsError, match=f"{number} was taken over by another"):
            call()


def test_a_code_that_an_instance_of_the_stack_shows_is_not_sent(forgetful, sandbox):
    spent = oauth(sandbox)
    number, outputs = create(forgetful.process(), spent)
    provider = forgetful.process()
    provider.diff(number, outputs, spent)
    other = markers(organization="o", project="p", stack="dev", place="other").tags
    with pytest.raises(CloudElementsError, match=f"to instance {number}, and no code is"):
        provider.create(spent | {"name": "other", MARKERS: other})
    assert len(requests(sandbox, *POST)) == 1


def test_a_list_that_fails_fails_for_all_who_wait_and_is_tried_again():
    entered, leave = threading.Event(), threading.Event()
    calls = []

    class Client:
        def find_instances(self, *, tag):
            calls.append(tag)
            entered.set()
            assert leave.wait(10)
            if len(calls) == 1:
                message = "lost"
                raise CloudElementsError(message)
            return []

        def go_on(self):
            """Nobody's time is over."""

    claims = Claims(Client())
    ends = []

    def ask():
        try:
            ends.append(claims.before_create(MARKED).of_stack)
        except CloudElementsError as error:
            ends.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    claims.own("1")  # held up by nobody
    while claims._lock.locked() or len(claims._lists) != 1:
        pass
    leave.set()
    for thread in threads:
        thread.join()
    assert ends.count("lost") >= 1
    assert set(map(str, ends)) <= {"lost", "[]"}
    assert claims.before_create(MARKED).of_stack == []


# A second instance after all


def test_an_earlier_create_that_worked_after_all_wins(forgetful, sandbox):
    provider = forgetful.process()
    settings = provider.door.operations.context.settings
    object.__setattr__(settings, "lookup_window", 0.0)
    sandbox.set_switch("list_delay_requests", "1")
    sandbox.add_fault("drop", method="POST", path="/instances")
    number, _ = create(provider, plain())
    assert len(requests(sandbox, *POST)) == 2
    assert number == str(the_only(sandbox)["id"])


def test_a_second_instance_that_can_not_be_deleted_is_named(forgetful, sandbox):
    provider = forgetful.process()
    object.__setattr__(provider.door.operations.context.settings, "lookup_window", 0.0)
    sandbox.set_switch("list_delay_requests", "1")
    sandbox.add_fault("drop", method="POST", path="/instances")
    sandbox.add_fault("status", method="DELETE", path=ONE[1], status=403, times=None)
    with pytest.raises(CloudElementsError) as refused:
        provider.create(plain())
    first, second = (one["id"] for one in sandbox.instances())
    assert f"created twice, as {first} and as {second}" in str(refused.value)
    assert f"delete {second}" in str(refused.value)


def test_a_second_instance_that_can_not_be_looked_for_is_warned_of(forgetful, sandbox, warnings):
    provider = forgetful.process()
    object.__setattr__(provider.door.operations.context.settings, "lookup_window", 0.0)
    sandbox.set_switch("list_delay_requests", "1")
    sandbox.add_fault("drop", method="POST", path="/instances")
    sandbox.add_fault("status", method="GET", path="/instances", status=403, after=2, times=None)
    number, _ = create(provider, plain())
    assert len(sandbox.instances()) == 2
    (said,) = warnings
    assert said.startswith(f"whether instance {number} is the only one of this resource can't be")


# Left behind by a refused create


@pytest.mark.parametrize("leaves", ["invalid", "disabled"])
def test_what_a_refused_create_left_is_kept_until_it_works(machine, sandbox, leaves):
    sandbox.add_fault("refused", method="POST", path="/instances", leaves=leaves)
    with pytest.raises(HalfMadeError) as refused:
        machine.process().create(oauth(sandbox))
    number, outputs = refused.value.instance_id, as_given(refused.value.outputs)
    assert number == str(the_only(sandbox)["id"])
    with pytest.raises(HalfMadeError, match="still not valid"):
        machine.process().update(number, outputs, oauth(sandbox, code=None))
    result = machine.process().update(number, outputs, oauth(sandbox))
    assert the_only(sandbox)["valid"]
    assert not the_only(sandbox)["disabled"]
    assert as_given(result.outs)["valid"] is True


class Unfiltered(httpx.BaseTransport):
    """Leads to a platform that takes no notice of what a list is to be filtered by."""

    def __init__(self, inner):
        self._inner = inner

    def handle_request(self, request):
        request.url = request.url.copy_remove_param("tags[]")
        return self._inner.handle_request(request)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_list_that_is_not_filtered_gives_nothing_foreign_away(
    sandbox, clock, transport, tmp_path, when
):
    machine = Machine(sandbox, clock, Unfiltered(transport), tmp_path)
    alike, _ = create(machine.process(), plain("other", name="invoices"))
    sandbox.add_fault("drop", when=when, method="POST", path="/instances")
    number, _ = create(machine.process(), plain())
    assert number != alike
    assert len(sandbox.instances()) == 2


# Authenticating anew


@pytest.fixture
def made(machine, sandbox):
    """Return id and outputs of an instance in the state."""
    return create(machine.process(), oauth(sandbox))


@pytest.mark.parametrize("fault", AFTER, ids=named)
def test_an_authentication_whose_answer_was_lost_is_found(machine, sandbox, made, fault):
    number, outputs = made
    sandbox.set_switch("token_on_reauthentication", "rotate")
    sandbox.add_fault(**fault, method="PATCH", path=ONE[1])
    result = machine.process().update(number, outputs, oauth(sandbox))
    assert as_given(result.outs)["element_token"] == the_only(sandbox)["token"]
    assert the_only(sandbox)["authentications"] == 2
    assert len(requests(sandbox, *PATCH)) == 1


@pytest.mark.parametrize("fault", BEFORE, ids=named)
def test_an_authentication_that_was_lost_is_not_sent_again(machine, sandbox, made, fault):
    number, outputs = made
    inputs = oauth(sandbox, tags=["later"])
    sandbox.add_fault(**fault, method="PATCH", path=ONE[1])
    with pytest.raises(HalfMadeError, match="counts as spent, so get a new code") as lost:
        machine.process().update(number, outputs, inputs)
    kept = as_given(lost.value.outputs)
    with pytest.raises(HalfMadeError, match=r"was already sent.*get a new code, or take it out"):
        machine.process().update(number, kept, inputs)
    assert "later" in the_only(sandbox)["tags"]  # all but the code is brought about
    assert len(authentications(sandbox)) == 1
    assert the_only(sandbox)["authentications"] == 1


def test_an_authentication_that_took_effect_late_is_found_at_the_next_run(machine, sandbox, made):
    number, outputs = made
    inputs = oauth(sandbox)
    sandbox.set_switch("token_on_reauthentication", "rotate")
    sandbox.add_fault("drop", when="after", method="PATCH", path=ONE[1])
    sandbox.add_fault("status", status=403, method="GET", path=ONE[1], after=1)
    with pytest.raises(HalfMadeError, match="counts as spent") as lost:
        machine.process().update(number, outputs, inputs)
    result = machine.process().update(number, as_given(lost.value.outputs), inputs)
    assert as_given(result.outs)["element_token"] == the_only(sandbox)["token"]
    assert diff.changes(Stored("7", as_given(result.outs)), inputs).any is False
    assert len(authentications(sandbox)) == 1


def test_a_code_that_was_followed_by_another_is_not_sent_again(machine, sandbox, made, warnings):
    number, outputs = made
    first, second = oauth(sandbox), oauth(sandbox)
    for inputs in (first, second):
        outputs = as_given(machine.process().update(number, outputs, inputs).outs)
    process = machine.process()
    assert process.diff(number, outputs, first).changes is not False
    assert warnings == [
        "its code was already sent, and no code is sent twice: get a new code, or take it out"
    ]
    with pytest.raises(HalfMadeError, match=r"was already sent.*get a new code") as refused:
        process.update(number, outputs, first)
    kept = as_given(refused.value.outputs)
    assert process.diff(number, kept, second).changes is False
    assert len(authentications(sandbox)) == 2
    assert the_only(sandbox)["authentications"] == 3


def test_a_code_that_two_resources_have_is_sent_once(machine, sandbox):
    code = sandbox.new_code("onedrivebusiness")
    tags = markers(organization="o", project="p", stack="dev", place="other").tags
    process = machine.process()
    create(process, oauth(sandbox, code=code))
    with pytest.raises(CloudElementsError, match=r"already sent for another resource on \d{4}-"):
        process.create(oauth(sandbox, code=code, name="other") | {MARKERS: tags})
    assert len(requests(sandbox, *POST)) == 1


def test_a_code_is_the_same_as_provider_data(machine, sandbox, made):
    number, outputs = made
    inputs = oauth(sandbox)
    outputs = as_given(machine.process().update(number, outputs, inputs).outs)
    moved = {key: value for key, value in inputs.items() if key != "code"}
    moved["provider_data"] = {"code": inputs["code"]}
    assert machine.process().diff(number, outputs, moved).changes is False


def test_a_code_stays_good_when_the_look_before_it_fails(machine, sandbox, made):
    number, outputs = made
    inputs = oauth(sandbox)
    sandbox.add_fault("status", status=503, method="GET", path=ONE[1], times=None)
    with pytest.raises(CloudElementsError, match="503"):
        machine.process().update(number, outputs, inputs)
    assert requests(sandbox, *PATCH) == []
    sandbox.clear_faults()
    machine.process().update(number, outputs, inputs)
    assert the_only(sandbox)["authentications"] == 2


@pytest.mark.parametrize("update", [False, True])
def test_a_code_stays_good_when_its_request_can_not_be_written(machine, sandbox, update):
    inputs = oauth(sandbox)
    too_much = inputs | {"configuration": APPLICATION | {"filter": "x" * 8_000_001}}
    number, outputs = create(machine.process(), oauth(sandbox)) if update else ("", {})
    process = machine.process()
    with pytest.raises(CloudElementsError, match="larger than the 8 MB"):
        process.update(number, outputs, too_much) if update else process.create(too_much)
    process.update(number, outputs, inputs) if update else process.create(inputs)
    assert the_only(sandbox)["authentications"] == 1 + update


@pytest.mark.parametrize("answered", [True, False])
def test_a_killed_authentication_is_not_repeated(machine, sandbox, made, answered):
    number, outputs = made
    inputs = oauth(sandbox)
    with pytest.raises(Killed):
        die(machine, PATCH, answered=answered).update(number, outputs, inputs)
    if answered:
        result = machine.process().update(number, outputs, inputs)
        assert as_given(result.outs)["element_token"] == the_only(sandbox)["token"]
    else:
        with pytest.raises(HalfMadeError, match=r"was already sent.*get a new code"):
            machine.process().update(number, outputs, inputs)
    assert sandbox.counters()["codes_replayed"] == 0
    assert sandbox.counters()["codes_spent"] == 1 + answered


def test_a_killed_authentication_is_found_without_a_memory(forgetful, sandbox):
    number, outputs = create(forgetful.process(), oauth(sandbox))
    inputs = oauth(sandbox)
    with pytest.raises(Killed):
        die(forgetful, PATCH, answered=True).update(number, outputs, inputs)
    forgetful.process().update(number, outputs, inputs)
    assert sandbox.counters()["codes_replayed"] == 0
    assert sandbox.counters()["codes_spent"] == 2


# Adoption


@pytest.fixture
def stranger(sandbox, clock, transport, tmp_path):
    """Return the id of an instance that somebody else made, with the tag `theirs`."""
    other = Machine(sandbox, clock, transport, None)
    number, _ = create(other.process(), plain("theirs") | {MARKERS: []})
    sandbox.update_instance(int(number), tags=["theirs"])
    return number


@pytest.mark.parametrize("adopt", ["id", "tag:theirs", "name:theirs"])
def test_an_adoption_that_was_interrupted_finds_the_same_again(
    machine, sandbox, stranger, adopt, warnings
):
    inputs = plain(adopt=stranger if adopt == "id" else adopt, tags=["ours"])
    machine.process().create(inputs)  # renamed and tagged anew, but never in the state
    number, outputs = create(machine.process(), inputs)
    assert number == stranger
    instance = the_only(sandbox)
    assert instance["name"] == "invoices"
    assert not set(MARKED.tags) & set(instance["tags"])
    machine.process().delete(number, outputs)
    assert the_only(sandbox)["id"] == int(stranger)
    assert "left in place" in warnings[-1]
    _, outputs = create(machine.process(), inputs | {"delete_adopted": True})
    machine.process().delete(number, outputs)
    assert sandbox.instances() == []


def test_two_resources_can_not_adopt_one_instance(machine, sandbox, stranger):
    provider = machine.process()
    create(provider, plain("one", adopt=stranger))
    with pytest.raises(CloudElementsError, match=f"{stranger} already belongs to a resource"):
        provider.create(plain("two", adopt=stranger))


@pytest.mark.parametrize("change", [{"tags": ["new"]}, {"delete_adopted": True}])
def test_a_drift_is_no_answer_to_a_change_of_something_else(machine, sandbox, change):
    number, outputs = create(machine.process(), plain())
    sandbox.update_instance(int(number), name="drifted")
    outputs = as_given(machine.process().update(number, outputs, plain(**change)).outs)
    assert the_only(sandbox)["name"] == "drifted"
    assert machine.process().diff(number, outputs, plain(**change)).changes
    machine.process().update(number, outputs, plain(**change))
    assert the_only(sandbox)["name"] == "invoices"


def test_what_an_adoption_left_in_place_is_no_leftover(machine, sandbox, stranger):
    number, outputs = create(machine.process(), plain(adopt=stranger))
    machine.process().delete(number, outputs)
    new, _ = create(machine.process(), plain())
    assert new != stranger
    assert len(sandbox.instances()) == 2


def test_what_another_resource_took_over_is_not_deleted(machine, sandbox, warnings):
    number, outputs = create(machine.process(), plain())
    taken, adopted = create(machine.process(), plain("other", adopt=number))
    provider = machine.process()  # the run in between was killed before the first was given up
    assert provider.diff(taken, adopted, plain("other")).changes is False
    provider.delete(number, outputs)
    assert the_only(sandbox)["id"] == int(number)
    assert "another resource has it now" in warnings[-1]


def test_a_replacement_that_was_given_up_is_told(machine, sandbox, warnings):
    number, outputs = create(machine.process(), plain())
    provider = machine.process()
    wanted = plain(element_key="sendgrid", configuration={"api.token": "t"})
    provider.diff(number, outputs, wanted)
    new, _ = create(provider, wanted)  # killed: the state does not know it
    machine.process().delete(number, outputs)
    assert the_only(sandbox)["id"] == int(new)
    assert f"also made element instance {new}" in warnings[-1]


def test_a_replacement_that_was_taken_back_is_told_until_it_is_gone(machine, sandbox, warnings):
    number, outputs = create(machine.process(), plain())
    provider = machine.process()
    wanted = plain(element_key="sendgrid", configuration={"api.token": "t"})
    provider.diff(number, outputs, wanted)
    new, _ = create(provider, wanted)  # killed: the state does not know it
    for _ in range(2):
        warnings.clear()
        assert machine.process().diff(number, outputs, plain()).changes is False
        assert f"also made element instance {new}" in warnings[-1]
    sandbox.delete_instance(int(new))
    warnings.clear()
    for _ in range(2):
        before = len(sandbox.journal())
        assert machine.process().diff(number, outputs, plain()).changes is False
    assert not warnings
    assert len(sandbox.journal()) == before, "what is settled is not asked for again"


@pytest.mark.parametrize("change", [{"tags": ["new"]}, {"name": "new"}, {"disabled": True}])
def test_a_replacement_after_a_change_waits_for_nothing(
    machine, sandbox, clock, monkeypatch, change
):
    """A change without a code is over when the run is: no run was interrupted."""
    told = []
    monkeypatch.setattr(dynamic.host(), "progress", told.append)
    number, outputs = create(machine.process(), plain())
    outputs = as_given(machine.process().update(number, outputs, plain(**change)).outs)
    provider = machine.process()
    wanted = plain(element_key="sendgrid", configuration={"api.token": "t"}, **change)
    assert provider.diff(number, outputs, wanted).replaces
    before = clock.now()
    create(provider, wanted)
    assert clock.now() == before
    assert told == []


@pytest.mark.parametrize("refused", [False, True])
def test_a_replacement_after_an_authentication_waits_for_nothing(machine, sandbox, clock, refused):
    number, outputs = create(machine.process(), oauth(sandbox))
    if refused:
        with pytest.raises(HalfMadeError, match="counts as spent"):
            machine.process().update(number, outputs, oauth(sandbox, code="never-issued"))
    else:
        outputs = as_given(machine.process().update(number, outputs, oauth(sandbox)).outs)
    provider = machine.process()
    wanted = plain(element_key="sendgrid", configuration={"api.token": "t"})
    assert provider.diff(number, outputs, wanted).replaces
    before = clock.now()
    create(provider, wanted)
    assert clock.now() == before


@pytest.mark.parametrize("position", ["before", "after"])
def test_a_journal_of_an_older_version_makes_no_replacement_wait(
    machine, clock, tmp_path, position
):
    """It had every change in it, as sent alone."""
    number, outputs = create(machine.process(), plain())
    journal = History(tmp_path, platform="sandbox", clock=clock.time)
    own = markers(organization="o", project="p", stack="dev", place="invoices")
    journal.note(own, Fate.SENT, instance=number)
    provider = machine.process()
    wanted = plain(element_key="sendgrid", configuration={"api.token": "t"})
    if position == "before":
        assert provider.diff(number, outputs, wanted).replaces
    before = clock.now()
    if position == "before":
        create(provider, wanted)
    else:  # it was forgotten by the state
        assert create(provider, plain())[0] == number
    assert clock.now() == before


def test_a_replacement_is_not_told_of_while_it_is_still_wanted(machine, sandbox, warnings):
    number, outputs = create(machine.process(), plain())
    wanted = plain(element_key="sendgrid", configuration={"api.token": "t"})
    provider = machine.process()
    provider.diff(number, outputs, wanted)
    create(provider, wanted)
    warnings.clear()
    assert machine.process().diff(number, outputs, wanted).replaces
    assert not warnings


def test_a_killed_code_is_no_secret_in_the_journal(machine, sandbox, tmp_path):
    inputs = oauth(sandbox)
    machine.process().create(inputs)
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert inputs["code"] not in text
    assert the_only(sandbox)["token"] not in text


def test_what_was_made_is_remembered_while_it_is_looked_for_another(machine, sandbox):
    """The first POST was lost, and lists do not show the second yet, when the engine is killed."""
    sandbox.set_switch("list_delay_requests", "99")
    sandbox.add_fault("drop", when="before", method="POST", path="/instances")
    platform = machine.process().door.operations.context

    def sleep(seconds):
        machine.clock.sleep(seconds)
        if sandbox.instances():
            raise AbandonedError

    clock = replace(machine.clock.time, sleep=sleep)
    provider = ElementInstanceProvider()
    provider.door.operations.connect(replace(platform, clock=clock))
    with pytest.raises(CloudElementsError):
        provider.create(plain())
    made = str(the_only(sandbox)["id"])
    again, _ = create(machine.process(), plain())
    assert again == made
