"""What the state remembers, against the platform's answers and the program's wish."""

import pulumi
import pytest
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from provider.api import wire
from provider.api.redaction import MASK
from provider.api.request import read
from provider.instance import diff
from provider.instance import inputs as schema
from provider.instance import state as stored
from provider.instance.credentials import fingerprints
from provider.instance.markers import MARKERS, markers
from provider.instance.state import Origin, Properties, Record, Stored

UNKNOWN = pulumi.output.Unknown()
OURS = markers(organization="o", project="p", stack="s", place="one").tags
DESK = {"element_key": "freshservice", "name": "desk"}
RECORDED = Record(managed=frozenset({"subdomain", "password"}))


def instance(**fields):
    """Return an instance as the platform answers it."""
    answer = {"id": 7, "name": "desk", "token": "token", "element": {"key": "freshservice"}}
    found = read(wire.Instance, answer | fields)
    assert found is not None
    return found


def outputs(inputs, answer=None, record=None):
    """Return what the state holds after a create, secrets as the engine hands them back."""
    model = schema.inputs_of(inputs)
    answer = answer or instance(name=model.name, tags=model.tags, configuration=model.configuration)
    record = record or Record(managed=frozenset(model.properties.configuration))
    bag = stored.outputs(model, answer, diff.observed(answer, model.properties, record), record)
    return {key: unwrap_rpc_secret(value) for key, value in bag.items()}


# view and answered


def seen(answer, wished, record=RECORDED):
    return diff.observed(answer, wished, record)


def test_the_platforms_own_spelling_is_no_drift():
    wished = Properties("R&D  ", ["b", "A & B", "a"], {"subdomain": True, "password": {"x": 1.0}})
    answer = instance(
        name="R&amp;D",
        tags=["a", "A &amp; B", *OURS, "b"],
        configuration={"subdomain": "true ", "password": '{ "x": 1 }'},
    )

    assert seen(answer, wished) == wished


def test_masked_missing_and_untold_values_count_as_wished_for():
    wished = Properties("desk", ["a"], {"subdomain": "acme", "password": "secret"})
    masked = instance(tags=None, configuration={"password": MASK})
    assert seen(masked, wished) == wished
    assert seen(instance(name=None, configuration=None), wished) == wished


def test_what_differs_is_seen():
    wished = Properties("desk", ["a"], {"subdomain": "acme", "password": "secret"})
    answer = instance(
        name="other", tags=["b", "other"], configuration={"subdomain": "x", "password": "y", "z": 1}
    )

    assert seen(answer, wished) == Properties("other", ["b"], {"subdomain": "x", "password": "y"})


def test_the_tag_that_the_platform_adds_is_seen_only_where_it_is_wished_for():
    answer = instance(tags=["desk", *OURS])
    assert seen(answer, Properties("desk", [], {})).tags == []
    assert seen(answer, Properties("desk", ["desk"], {})).tags == ["desk"]


def test_what_the_platform_made_of_our_own_write_is_no_drift():
    wrote = Properties("a long name", ["Tag"], {"subdomain": "acme/", "password": "secret"})
    answer = instance(
        name="a long", tags=["tag"], configuration={"subdomain": "acme", "password": MASK}
    )

    answered = diff.answered(answer, wrote)

    assert answered == {
        "name": "a long",
        "tags": ["tag"],
        "configuration.subdomain": "acme",
    }
    record = Record(managed=frozenset(wrote.configuration), answered=answered)
    assert diff.observed(answer, wrote, record) == wrote
    later = instance(name="a", tags=["tag", "x"], configuration={"subdomain": "other"})
    assert diff.observed(later, wrote, record) == Properties(
        "a", ["tag", "x"], {"subdomain": "other", "password": "secret"}
    )


def test_nothing_is_remembered_of_an_answer_as_written():
    wrote = Properties("desk", ["a"], {"subdomain": 1.0})
    assert diff.answered(instance(tags=["a"], configuration={"subdomain": "1"}), wrote) == {}


# outputs


def test_outputs_hold_the_platforms_configuration_without_what_it_rewrites():
    inputs = schema.inputs_of(
        DESK | {"configuration": {"password": "secret", "oauth.user.refresh_token": "old"}}
    )
    answer = instance(
        configuration={"password": MASK, "oauth.user.refresh_token": "new", "base.url": "https://x"}
    )
    record = Record(managed=frozenset(inputs.properties.configuration))

    bag = stored.outputs(inputs, answer, diff.observed(answer, inputs.properties, record), record)

    assert is_rpc_secret(bag["configuration"])
    assert is_rpc_secret(bag["element_token"])
    assert unwrap_rpc_secret(bag["configuration"]) == {
        "password": "secret",
        "base.url": "https://x",
    }
    assert bag["instance_id"] == "7"
    assert bag["disabled"] is False
    assert bag["element_name"] == "freshservice"
    assert not set(bag) & {"code", "provider_data", "adopt", "external_authentication"}


def test_what_is_write_only_is_never_stored():
    never_stored = {*schema.fields_with(write_only=True)} - {"markers"}
    full = schema.inputs_of(dict.fromkeys(["element_key", "name", "code", "adopt"], "5"))
    assert not never_stored & set(outputs(full.model_dump(by_alias=True, exclude_none=True)))


@pytest.mark.parametrize("token", [None, MASK])
def test_what_an_answer_leaves_out_is_as_it_was(token):
    before = instance(token="known", valid=True, disabled=True, configuration={"a": "b"})
    answer = instance(token=token, valid=None, disabled=None, configuration={}, name=None)
    completed = answer.completed(before)
    assert (completed.token, completed.valid, completed.disabled) == ("known", True, True)
    assert completed.held == {"a": "b"}
    assert completed.name is None  # what is wished for counts, see `view`


@pytest.mark.parametrize("before", [None, "", " ", MASK])
@pytest.mark.parametrize("told", [None, "", " ", MASK])
def test_null_empty_and_masked_are_one_where_nothing_is_known(before, told):
    known = instance(configuration={"a": before, "b": "set", "c": before})
    answer = instance(configuration={"a": told, "b": told, "c": "set", "d": told})
    assert answer.completed(known).held == {"a": before, "b": told, "c": "set", "d": None}
    assert answer.completed(instance(configuration={})).held == answer.held


@pytest.mark.parametrize("told", [None, "", MASK])
def test_what_the_platform_emptied_at_a_write_is_no_drift_however_it_says_so(told):
    wished = Properties("desk", [], {"subdomain": "acme"})
    for first in (None, ""):
        wrote = instance(configuration={"subdomain": first})
        answered = diff.answered(wrote, wished)
        record = Record(managed=frozenset(wished.configuration), answered=answered)
        assert seen(instance(configuration={"subdomain": told}), wished, record) == wished


def test_fingerprints_that_could_be_guessed_are_secret():
    spent = {"code": "long and random", "provider_data.password": "a word"}
    record = Record(spent=spent, past=(spent,))
    bag = record.to_property()
    for marks in (bag["spent"], *bag["past"]):
        assert marks["code"] == "long and random"
        assert is_rpc_secret(marks["provider_data.password"])


def test_a_record_survives_the_state():
    record = Record(
        managed=frozenset({"b", "a"}),
        spent={"code": "mark"},
        answered={"configuration.password": "x"},
        origin=Origin.ADOPTED,
    )
    bag = record.to_property()
    # It may hold what was given as a secret; keys and fingerprints are none.
    assert [key for key, value in bag.items() if is_rpc_secret(value)] == ["answered"]
    bag["answered"] = unwrap_rpc_secret(bag["answered"])
    assert Record.of({stored.RECORD: bag}) == record
    assert Record.of({}) == Record()
    assert Record().to_property() == {}


# changes


def changes(before, after, **state):
    return diff.changes(Stored("7", outputs(before) | state), after)


def test_no_change_after_a_create():
    inputs = DESK | {"tags": ["a", "b"], "configuration": {"n": 30, "o": {"x": [1]}, "b": False}}
    assert not changes(inputs, inputs).any
    assert not changes(inputs, inputs | {"tags": ["b", "a"]}).any
    assert not changes(
        inputs, inputs | {"configuration": {"n": 30.0, "o": '{"x":[1]}', "b": "false"}}
    ).any


@pytest.mark.parametrize(
    ("after", "field", "value"),
    [
        ({"element_key": "closeio"}, "replaces", ["element_key"]),
        ({"name": "other"}, "name", True),
        ({"tags": ["x"]}, "tags", True),
        ({"configuration": {"a": 1, "b": 2}}, "configuration", {"b": 2}),
        ({"configuration": {}}, "removed", frozenset({"a"})),
        ({"code": "new"}, "credentials", {"code": "new"}),
        (
            {"provider_data": {"x": "new", "realmId": "5"}},
            "credentials",
            {"provider_data.x": "new"},
        ),
        ({"disabled": True}, "disabled", True),
        ({MARKERS: OURS}, "markers", True),
        ({"delete_adopted": True}, "deletion", True),
    ],
)
def test_each_change_is_told_by_its_kind(after, field, value):
    before = DESK | {"configuration": {"a": 1}}

    found = changes(before, before | after)

    assert getattr(found, field) == value
    assert found.any
    others = {name for name in vars(found) if name != field and getattr(found, name)}
    assert others == set()


@pytest.mark.parametrize(
    "after",
    [
        {"disabled": False},
        {"disabled": None},
        {"adopt": "5"},
        {"external_authentication": "initial"},
        {"oauth_proxy": "TestApp"},
        {"delete_adopted": False},
        {"provider_data": {"realmId": "5"}},
        {"configuration": {"a": 1, "oauth.user.refresh_time": "5"}},
    ],
)
def test_what_changes_nothing(after):
    before = DESK | {"configuration": {"a": 1}}
    assert not changes(before, before | after).any


def test_a_credential_that_was_sent_is_no_change_and_its_removal_neither():
    spent = fingerprints({"code": "sent"})
    inputs = DESK | {"code": "sent"}
    state = outputs(inputs, record=Record(spent=spent))
    assert not diff.changes(Stored("7", state), inputs).any
    assert not diff.changes(Stored("7", state), DESK).any
    assert diff.changes(Stored("7", state), DESK | {"code": "next"}).credentials == {"code": "next"}


def test_credentials_inside_the_configuration_are_spent_once_as_well():
    after = DESK | {"configuration": {"oauth.user.refresh_token": "refresh"}}
    assert changes(DESK, after).credentials == {"configuration.oauth.user.refresh_token": "refresh"}


@pytest.mark.parametrize(
    "after",
    [
        {name: UNKNOWN}
        for name in (
            "element_key",
            "name",
            "tags",
            "configuration",
            "disabled",
            "code",
            "provider_data",
            "delete_adopted",
            MARKERS,
        )
    ]
    + [{"tags": ["a", UNKNOWN]}, {"configuration": {"a": {"deep": [UNKNOWN]}}}]
    + [{"configuration": {"a": 1, "oauth.user.refresh_token": UNKNOWN}}],
    ids=",".join,
)
def test_what_is_not_known_yet_counts_as_changed(after):
    before = DESK | {"configuration": {"a": 1}, "tags": ["a"]}
    assert changes(before, before | after).any
