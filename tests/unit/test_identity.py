"""Whether what a platform has under the state's id is the state's."""

import pulumi
import pytest

from provider.api import wire
from provider.instance.identity import Doubt, doubt
from provider.instance.markers import MARKERS, markers
from provider.instance.state import Stored

OURS = markers(organization="o", project="p", stack="dev", place="desk")
THEIRS = markers(organization="o", project="p", stack="dev", place="mail")
STATE = {
    "element_key": "freshservice",
    "name": "desk",
    "element_token": "token-of-ours",
    MARKERS: OURS.tags,
    "__record": {},
}


def found(**fields):
    """Return what the platform has under the id."""
    bag = {
        "id": "7",
        "name": "desk",
        "token": "token-of-ours",
        "tags": OURS.tags,
        "element": {"key": "freshservice", "id": 12},
    }
    return wire.Instance.model_validate(bag | fields)


def adopted(**fields):
    return STATE | {"__record": {"adopted": True} | fields}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "renamed by hand", "token": "rotated"},
        {"tags": [OURS.instance, "others"]},
        {"element": {}},
        {"tags": None},  # then name and token tell
    ],
    ids=str,
)
def test_what_shows_that_it_is_the_same(fields):
    assert doubt(Stored("7", STATE), found(**fields)) is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"element": {"key": "closeio"}}, "is of element 'closeio'"),
        ({"tags": []}, "does not carry its marker"),
        ({"tags": [OURS.stack]}, "does not carry its marker"),
        ({"tags": THEIRS.tags}, "does not carry its marker"),
        ({"tags": None, "name": "other"}, "nothing shows that instance 7 is the same"),
        ({"tags": None, "token": "other"}, "nothing shows that instance 7 is the same"),
        ({"tags": None, "token": None}, "nothing shows that instance 7 is the same"),
    ],
    ids=str,
)
def test_what_does_not(fields, why):
    assert why in doubt(Stored("7", STATE), found(**fields)).why


def test_what_is_not_there_is_not_the_same():
    assert doubt(Stored("7", STATE), None).why == "there is no instance 7"


def test_a_state_without_a_token_proves_nothing_by_it():
    lacking = {key: value for key, value in STATE.items() if key != "element_token"}
    assert doubt(Stored("7", lacking), found(tags=None, token=None)) is not None


def test_tags_of_an_interrupted_rename_are_known_by_the_inputs():
    """The platform has them already, and the state not yet."""
    assert doubt(Stored("7", STATE), found(tags=THEIRS.tags)) is not None
    assert doubt(Stored("7", STATE), found(tags=THEIRS.tags), {MARKERS: THEIRS.tags}) is None


@pytest.mark.parametrize("unknown", [pulumi.UNKNOWN, [pulumi.UNKNOWN, "x"], None, []])
def test_markers_that_are_not_known_yet_are_none(unknown):
    half_made = {key: value for key, value in STATE.items() if key != MARKERS}
    assert doubt(Stored("7", half_made), found(), {MARKERS: unknown}) is None  # by name and token
    assert doubt(Stored("7", half_made), found(token="other"), {MARKERS: unknown}) is not None


def test_an_adopted_one_is_known_by_the_tag_of_its_adoption():
    mark = OURS.adoption("7")
    carrying = found(tags=["theirs", mark], token="rotated")
    assert doubt(Stored("7", adopted(adoption=mark)), carrying) is None
    assert doubt(Stored("7", adopted()), carrying, {"adopt": "7"}) is None
    assert doubt(Stored("7", adopted(adoption=OURS.adoption("8"))), carrying) is not None
    assert doubt(Stored("7", adopted()), carrying, {"adopt": "8"}) is not None
    # Which one it had, is not known: name and token tell.
    assert doubt(Stored("7", adopted()), carrying) is not None
    assert doubt(Stored("7", adopted()), found(tags=["theirs", mark])) is None


HERE, HOME = "https://here", "https://home"
SETTING = "CLOUD_ELEMENTS_BASE_URL (or, where that is not set, cloud-elements:baseUrl)"


def test_a_refusal_names_both_addresses_and_what_to_set():
    assert Doubt("it is odd").refusal(HOME, HERE) == (
        f"it belongs to {HOME}, and at {HERE} it is odd: set {SETTING} to {HOME}"
    )
    assert Doubt("it is odd", "do that").refusal("", HERE) == (
        f"the state does not say which platform it belongs to, and at {HERE} it is odd: set "
        f"{SETTING} to the address where it was made; where {HERE} is the same platform, do that"
    )
