"""What interrupted runs left, and what was made twice, is told with what to do."""

import re

import pytest

from provider.api.retry import Time
from provider.doors import dynamic
from provider.instance.journal import Fate
from provider.instance.markers import MARKERS, Markers, markers
from tests.chaos.pocket_engine import as_given
from tests.chaos.world import Killed, Machine

URN = "urn:pulumi:dev::p::pulumi-python:dynamic/cloud-elements:ElementInstance::desk"


@pytest.fixture
def machine(sandbox, clock, transport, tmp_path):
    return Machine(sandbox, clock, transport, tmp_path / "one")


@pytest.fixture
def machines(machine, sandbox, clock, transport, tmp_path):
    """Two that remember, each for itself, and one that forgets."""
    another = Machine(sandbox, clock, transport, tmp_path / "two")
    return machine, another, Machine(sandbox, clock, transport, None)


@pytest.fixture(autouse=True)
def said(monkeypatch):
    """What the user is told: warnings, and passing progress."""
    said = []
    monkeypatch.setattr(dynamic.host(), "urn", lambda: URN)
    for way in ("warn", "warn_once", "progress"):
        monkeypatch.setattr(dynamic.host(), way, said.append)
    return said


def desk(place):
    tags = markers(organization="o", project="p", stack="dev", place=place).tags
    inputs = {"element_key": "closeio", "name": place, "configuration": {"username": "key"}}
    return inputs | {MARKERS: tags}


def create(provider, place):
    """Return id and outputs of a create, as the engine keeps them."""
    result = provider.create(desk(place))
    return result.id, as_given(result.outs)


def leftovers(provider):
    return provider.door.operations.context.leftovers


def last_words(provider, said):
    """Return which instances are told of at the end of a process."""
    said.clear()
    leftovers(provider).tell()
    assert all("elements sweep --stack dev" in text for text in said)
    assert len(said) <= 1
    return re.findall(r"\d{6}", "".join(said))


def abandoned(machine, *places):
    """Create by a process that loses its engine; return ids and outputs."""
    provider = machine.process()
    made = [create(provider, place) for place in places]
    leftovers(provider).abandon()
    return made


def lists(sandbox):
    return [
        one for one in sandbox.journal() if (one["method"], one["path"]) == ("GET", "/instances")
    ]


def test_a_run_that_ends_well_tells_nothing_and_asks_nothing(machine, sandbox, said):
    provider = machine.process()
    one, two = create(provider, "one"), create(provider, "two")
    assert last_words(provider, said) == []
    provider = machine.process()
    assert provider.diff(*one, desk("one")).changes is False
    assert provider.diff(*two, desk("two")).changes is False
    before = len(lists(sandbox))
    provider = machine.process()
    provider.diff(*one, desk("one"))
    provider.delete(*two)
    assert last_words(provider, said) == []
    # The one for all deletes of the run: another stack may have what this state tells of.
    assert len(lists(sandbox)) == before + 1


def test_a_destroy_tells_what_a_killed_run_made(machine, said):
    kept = create(machine.process(), "kept")
    lost = abandoned(machine, "one", "two")
    provider = machine.process()
    provider.delete(*kept)
    assert last_words(provider, said) == [number for number, _ in lost]


def test_what_was_in_the_state_after_all_is_not_told(machine, said):
    gone, found, lost = abandoned(machine, "gone", "found", "lost")
    provider = machine.process()
    provider.diff(*found, desk("found"))
    provider.delete(*gone)
    assert last_words(provider, said) == [lost[0]]
    provider = machine.process()
    provider.delete(*found)
    assert last_words(provider, said) == [lost[0]]


def test_what_the_program_has_is_left_to_its_create(machine, said):
    kept = create(machine.process(), "kept")
    lost = abandoned(machine, "declared", "taken out")
    provider = machine.process()
    provider.check({}, desk("declared"))
    provider.diff(*kept, desk("kept"))
    assert last_words(provider, said) == [lost[1][0]]
    assert provider.create(desk("declared")).id == lost[0][0]
    assert last_words(provider, said) == [lost[1][0]]


def killed(machine, place, *, answered):
    """Create by a process that is killed when its POST leaves, or is answered."""
    provider = machine.process()
    machine.line.kill(1, answered=answered)  # after the list
    with pytest.raises(Killed):
        provider.create(desk(place))


def test_a_destroy_waits_for_what_a_killed_process_may_still_be_making(
    machine, sandbox, clock, said
):
    kept = create(machine.process(), "kept")
    killed(machine, "lost", answered=True)
    sent = clock.now()
    provider = machine.process()
    provider.delete(*kept)
    assert any("interrupted; waiting for what it is making" in text for text in said)
    assert clock.now() == sent + 60
    (left,) = sandbox.instances()
    assert last_words(provider, said) == [str(left["id"])]
    again = machine.process()
    leftovers(again).meet(Markers.of(desk("kept")[MARKERS]))
    assert last_words(again, said) == [str(left["id"])]


@pytest.mark.parametrize("set_back", [30.0, 86_400.0])
def test_a_destroy_waits_a_minute_at_most_whatever_the_clock_says(
    machine, clock, monkeypatch, set_back
):
    kept = [create(machine.process(), place) for place in ("kept", "as well")]
    killed(machine, "lost", answered=True)
    monkeypatch.setattr(clock, "set_back", set_back)
    before = clock.now()
    provider = machine.process()
    for one in kept:
        provider.delete(*one)
    assert clock.now() == before + 60


def test_it_waits_no_longer_when_the_other_process_writes_down_the_end(
    machines, clock, said, monkeypatch
):
    kept = create(machines[0].process(), "kept")
    orphan = machines[0].process().door.operations.context.claims.history
    lost = Markers.of(desk("lost")[MARKERS])
    orphan.reserve(lost)
    sent = clock.now()
    provider = machines[0].process()
    made = []

    def pass_by(seconds):
        clock.sleep(seconds)
        if clock.now() >= sent + 8 and not made:
            made.append(create(machines[1].process(), "lost")[0])
            orphan.note(lost, Fate.MADE, instance=made[0], left=True)

    monkeypatch.setattr(leftovers(provider), "clock", Time(sleep=pass_by))
    provider.delete(*kept)
    assert sent + 8 <= clock.now() <= sent + 9
    assert last_words(provider, said) == made != []


def test_what_lists_do_not_show_yet_is_told(machine, sandbox, said):
    kept = create(machine.process(), "kept")
    sandbox.set_switch("list_delay_requests", "9")
    ((number, _),) = abandoned(machine, "lost")
    provider = machine.process()
    provider.delete(*kept)
    assert last_words(provider, said) == [number]


def test_what_is_gone_is_forgotten(machine, sandbox, clock, said):
    kept = create(machine.process(), "kept")
    ((number, _),) = abandoned(machine, "lost")
    killed(machine, "never arrived", answered=False)
    sandbox.delete_instance(int(number))
    clock.sleep(60)
    provider = machine.process()
    provider.diff(*kept, desk("kept"))
    assert last_words(provider, said) == []
    before = len(lists(sandbox))
    provider = machine.process()
    provider.diff(*kept, desk("kept"))
    assert last_words(provider, said) == []
    assert len(lists(sandbox)) == before


def test_where_the_list_fails_what_the_journal_knows_is_told(machine, sandbox, clock, said):
    kept = create(machine.process(), "kept")
    ((number, _),) = abandoned(machine, "lost")
    provider = machine.process()
    provider.delete(*kept)
    sandbox.add_fault("status", status=503, method="GET", path="/instances", times=100)
    before = clock.now()
    assert last_words(provider, said) == [number]
    assert clock.now() - before < 5  # when the engine would kill it


def test_a_create_that_nobody_heard_of_is_left(machine, said, monkeypatch):
    """The engine gave the call up, and is still there."""
    kept = create(machine.process(), "kept")
    provider = machine.process()
    with monkeypatch.context() as unheard:
        unheard.setattr(dynamic.host(), "awaited", lambda: False)
        number, _ = create(provider, "lost")
    provider = machine.process()
    provider.delete(*kept)
    assert last_words(provider, said) == [number]


def at_the_same_time(machines, sandbox):
    """Create the same on two machines, neither of which sees the other's."""
    sandbox.set_switch("list_delay_requests", "9")
    made = [create(machine.process(), "desk") for machine in machines[:2]]
    for _ in range(9):
        machines[0].process().door.operations.context.client.find_instances()
    assert len(sandbox.instances()) == 2
    return made


@pytest.mark.parametrize("refreshed", [True, False])
@pytest.mark.parametrize("side", [0, 1])
def test_what_two_machines_made_at_once_is_told_to_both(machines, sandbox, said, refreshed, side):
    made = at_the_same_time(machines, sandbox)
    mine, others = made[side], made[1 - side][0]
    for _ in range(3):  # in each run
        said.clear()
        provider = machines[side].process()
        if refreshed:
            provider.read(*mine)
        provider.diff(*mine, desk("desk"))
        assert [text for text in said if f"also made element instance {others} " in text] == said
        assert len(said) == 1
        assert "elements sweep --stack dev deletes it" in said[0]
    sandbox.delete_instance(int(others))
    machines[side].process().diff(*mine, desk("desk"))
    said.clear()
    before = len(sandbox.journal())
    machines[side].process().diff(*mine, desk("desk"))
    assert said == []
    assert len(sandbox.journal()) == before


def test_a_machine_without_a_memory_is_told_by_a_refresh(machines, sandbox, said):
    (number, outputs), (other, _) = at_the_same_time(machines, sandbox)
    machines[2].process().read(number, outputs)
    assert [text for text in said if f"element instance {other} " in text] == said != []


def test_a_refresh_asks_for_one_list_and_goes_on_without_it(machine, sandbox, said):
    provider = machine.process()
    made = [create(provider, place) for place in ("one", "two", "three")]
    before = len(lists(sandbox))
    provider = machine.process()
    assert [provider.read(*one).id for one in made] == [number for number, _ in made]
    assert len(lists(sandbox)) == before + 1
    sandbox.add_fault("status", status=500, method="GET", path="/instances", times=100)
    provider = machine.process()
    assert provider.read(*made[0]).id == made[0][0]
    before = len(lists(sandbox))
    assert [provider.read(*one).id for one in made] == [number for number, _ in made]
    assert len(lists(sandbox)) == before
    assert said == []


def test_what_is_left_of_the_stack_that_an_instance_was_moved_from_is_not_this_ones(
    machine, said, monkeypatch
):
    moved = create(machine.process(), "moved")
    ((left, _),) = abandoned(machine, "left")
    monkeypatch.setattr(dynamic.host(), "urn", lambda: URN.replace(":dev:", ":another:"))
    provider = machine.process()
    provider.diff(*moved, desk("moved"))
    assert last_words(provider, said) == []
    assert left not in "".join(said)


def test_a_double_of_an_instance_that_was_moved_is_swept_by_its_tag(machines, sandbox, said):
    (number, outputs), _ = at_the_same_time(machines, sandbox)
    with pytest.MonkeyPatch.context() as moved:
        moved.setattr(dynamic.host(), "urn", lambda: URN.replace(":dev:", ":another:"))
        machines[0].process().diff(number, outputs, desk("desk"))
    assert f"elements sweep --marker {desk('desk')[MARKERS][0]} deletes it" in said[-1]
