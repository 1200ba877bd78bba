"""What inputs mean: problems, what is stored, what is secret, what counts as a change."""

import pulumi
import pytest
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from provider import comparison, schema, wire
from provider.comparison import Record, View
from provider.markers import MARKERS, markers
from provider.redaction import MASK
from provider.schema import Inputs
from tools.reference import documented

UNKNOWN = pulumi.output.Unknown()
OURS = markers(organization="o", project="p", stack="s", place="one").tags
DESK = {"element_key": "freshservice", "name": "desk"}
RECORDED = Record(managed=frozenset({"subdomain", "password"}))


def instance(**fields):
    """Return an instance as the platform answers it."""
    answer = {"id": 7, "name": "desk", "token": "token", "element": {"key": "freshservice"}}
    found = wire.read(wire.Instance, answer | fields)
    assert found is not None
    return found


def outputs(inputs, answer=None, record=None):
    """Return what the state holds after a create, secrets as the engine hands them back."""
    model = schema.inputs_of(inputs)
    answer = answer or instance(name=model.name, tags=model.tags, configuration=model.configuration)
    record = record or Record(managed=frozenset(model.managed))
    bag = comparison.outputs(
        model, answer, comparison.view(answer, comparison.wished(model), record), record
    )
    return {key: unwrap_rpc_secret(value) for key, value in bag.items()}


# problems: the table of single mistakes stands in tests/host/test_bad_input.py


def test_every_problem_is_found_at_once_and_none_shows_a_value():
    bag = {
        "name": "<i>hidden-value</i>",
        "tags": ["", "hidden-value\n", 5],
        "configuration": {"": "hidden-value", "a": float("nan"), "b": [{"c": MASK}]},
        "code": "hidden-value ",
        "adopt": "hidden-value",
        "external_authentication": "hidden-value",
        "disabled": "hidden-value",
        "extra": "hidden-value",
    }

    problems = schema.problems(bag)

    assert sorted(problem.split(": ")[0] for problem in problems) == [
        "adopt",
        "code",
        "configuration",
        "configuration.a",
        "configuration.b.0.c",
        "disabled",
        "element_key",
        "external_authentication",
        "extra",
        "name",
        "tags.0",
        "tags.1",
        "tags.2",
    ]
    assert "hidden-value" not in str(problems)


@pytest.mark.parametrize("value", [2**53, -(2.0**53), float("inf")])
def test_a_number_that_json_or_the_engine_would_change_is_a_problem(value):
    assert len(schema.problems(DESK | {"configuration": {"a": value}})) == 1


@pytest.mark.parametrize("value", [0, -1.5, 2**53 - 1, True, None, "", "x", [], {"deep": [None]}])
def test_any_other_json_value_is_none(value):
    assert schema.problems(DESK | {"configuration": {"a": value}}) == []


@pytest.mark.parametrize("text", ["1 < 2", "a > b", "R&D", "<3", "x <y", "Müller 日本"])
def test_signs_that_are_no_markup_are_no_problem(text):
    assert schema.problems(DESK | {"name": text, "tags": [text]}) == []


@pytest.mark.parametrize("text", ["<b>x", "x <br/>", "<3>", "1 < 2 > 0", "<>", "a <<b>"])
def test_what_the_platform_may_take_for_markup_is_refused(text):
    (problem,) = schema.problems(DESK | {"name": text})
    assert problem == "name: must not hold markup such as <b>, for the platform removes it"


def test_what_is_not_known_yet_is_not_judged():
    bag = {"element_key": UNKNOWN, "name": UNKNOWN, "tags": [UNKNOWN], "configuration": UNKNOWN}
    assert schema.problems(bag) == []
    assert schema.problems(DESK | {"configuration": {"a": UNKNOWN, "b": MASK}}) == [
        (
            f"configuration.b: is the platform's mask {MASK}, not a value; give the real one or "
            "leave it"
        )
    ]


# normalised


def test_normalised_leaves_out_what_is_empty_and_repeated():
    bag = DESK | {
        "tags": ["b", "a", "b"],
        "code": None,
        "configuration": {},
        "disabled": False,
        "__provider": "pickle",
        MARKERS: OURS,
    }

    once = schema.normalised(bag)

    assert once == DESK | {"tags": ["b", "a"], "disabled": False, MARKERS: OURS}
    assert schema.normalised(once) == once


@pytest.mark.parametrize("tags", [[UNKNOWN, "a", "a"], UNKNOWN, [["a"], ["a"]], "a"])
def test_tags_that_cannot_be_compared_stay_as_they_are(tags):
    assert schema.normalised({"tags": tags})["tags"] == tags


# marked_secret


def test_secrets_are_marked_unless_known_to_be_plain():
    bag = DESK | {
        "configuration": {
            "password": "a",
            "oauth.scope": "b",
            "nobody.knows": {"deep": 1},
            "listed": "c",
            "listed.password": "d",
            "later": UNKNOWN,
            "in.part": {"known": ["g", UNKNOWN], "not": UNKNOWN},
        },
        "code": "e",
        "provider_data": {"realmId": "f"},
    }

    marked = schema.marked_secret(bag, frozenset({"listed", "listed.password"}))

    secret = {key for key, value in marked["configuration"].items() if is_rpc_secret(value)}
    assert secret == {"password", "nobody.knows", "listed.password"}
    assert marked["configuration"]["later"] is UNKNOWN
    in_part = marked["configuration"]["in.part"]
    assert is_rpc_secret(in_part["known"][0])
    assert in_part["known"][1] is in_part["not"] is UNKNOWN
    assert is_rpc_secret(marked["code"])
    assert is_rpc_secret(marked["provider_data"]["realmId"])
    assert not is_rpc_secret(marked["name"])


# view and answered


def seen(answer, wished, record=RECORDED):
    return comparison.view(answer, wished, record)


def test_the_platforms_own_spelling_is_no_drift():
    wished = View("R&D  ", ["b", "A & B", "a"], {"subdomain": True, "password": {"x": 1.0}})
    answer = instance(
        name="R&amp;D",
        tags=["a", "A &amp; B", *OURS, "b"],
        configuration={"subdomain": "true ", "password": '{ "x": 1 }'},
    )

    assert seen(answer, wished) == wished


def test_masked_missing_and_untold_values_count_as_wished_for():
    wished = View("desk", ["a"], {"subdomain": "acme", "password": "secret"})
    masked = instance(tags=None, configuration={"password": MASK})
    assert seen(masked, wished) == wished
    assert seen(instance(name=None, configuration=None), wished) == wished


def test_what_differs_is_seen():
    wished = View("desk", ["a"], {"subdomain": "acme", "password": "secret"})
    answer = instance(
        name="other", tags=["b", "other"], configuration={"subdomain": "x", "password": "y", "z": 1}
    )

    assert seen(answer, wished) == View("other", ["b"], {"subdomain": "x", "password": "y"})


def test_the_tag_that_the_platform_adds_is_seen_only_where_it_is_wished_for():
    answer = instance(tags=["desk", *OURS])
    assert seen(answer, View("desk", [], {})).tags == []
    assert seen(answer, View("desk", ["desk"], {})).tags == ["desk"]


def test_what_the_platform_made_of_our_own_write_is_no_drift():
    wrote = View("a long name", ["Tag"], {"subdomain": "acme/", "password": "secret"})
    answer = instance(
        name="a long", tags=["tag"], configuration={"subdomain": "acme", "password": MASK}
    )

    answered = comparison.answered(answer, wrote)

    assert answered == {
        "name": "a long",
        "tags": ["tag"],
        "configuration.subdomain": "acme",
    }
    record = Record(managed=frozenset(wrote.configuration), answered=answered)
    assert comparison.view(answer, wrote, record) == wrote
    later = instance(name="a", tags=["tag", "x"], configuration={"subdomain": "other"})
    assert comparison.view(later, wrote, record) == View(
        "a", ["tag", "x"], {"subdomain": "other", "password": "secret"}
    )


def test_nothing_is_remembered_of_an_answer_as_written():
    wrote = View("desk", ["a"], {"subdomain": 1.0})
    assert comparison.answered(instance(tags=["a"], configuration={"subdomain": "1"}), wrote) == {}


# outputs


def test_outputs_hold_the_platforms_configuration_without_what_it_rewrites():
    inputs = schema.inputs_of(
        DESK | {"configuration": {"password": "secret", "oauth.user.refresh_token": "old"}}
    )
    answer = instance(
        configuration={"password": MASK, "oauth.user.refresh_token": "new", "base.url": "https://x"}
    )
    record = Record(managed=frozenset(inputs.managed))

    bag = comparison.outputs(
        inputs, answer, comparison.view(answer, comparison.wished(inputs), record), record
    )

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


@pytest.mark.parametrize("token", [None, MASK])
def test_what_an_answer_leaves_out_is_as_it_was(token):
    before = instance(token="known", valid=True, disabled=True, configuration={"a": "b"})
    answer = instance(token=token, valid=None, disabled=None, configuration={}, name=None)
    completed = answer.completed(before)
    assert (completed.token, completed.valid, completed.disabled) == ("known", True, True)
    assert completed.held == {"a": "b"}
    assert completed.name is None  # what is wished for counts, see `view`


def test_fingerprints_that_could_be_guessed_are_secret():
    spent = {"code": "long and random", "provider_data.password": "a word"}
    record = Record(spent=spent, past=(spent,))
    bag = record.to_bag()
    for marks in (bag["spent"], *bag["past"]):
        assert marks["code"] == "long and random"
        assert is_rpc_secret(marks["provider_data.password"])


def test_a_record_survives_the_state():
    record = Record(
        managed=frozenset({"b", "a"}),
        spent={"code": "mark"},
        answered={"configuration.password": "x"},
        adopted=True,
    )
    bag = record.to_bag()
    # It may hold what was given as a secret; keys and fingerprints are none.
    assert [key for key, value in bag.items() if is_rpc_secret(value)] == ["answered"]
    bag["answered"] = unwrap_rpc_secret(bag["answered"])
    assert Record.of({comparison.RECORD: bag}) == record
    assert Record.of({}) == Record()
    assert Record().to_bag() == {}


# changes


def changes(before, after, **state):
    return comparison.changes(outputs(before) | state, after)


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
    spent = schema.fingerprints({"code": "sent"})
    inputs = DESK | {"code": "sent"}
    state = outputs(inputs, record=Record(spent=spent))
    assert not comparison.changes(state, inputs).any
    assert not comparison.changes(state, DESK).any
    assert comparison.changes(state, DESK | {"code": "next"}).credentials == {"code": "next"}


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


# policies


def test_policies_stand_on_the_fields():
    assert schema.fields_with(replaces=True) == ["element_key"]
    assert schema.fields_with(secret=True) == ["code", "provider_data"]
    never_stored = {*schema.fields_with(write_only=True)} - {"markers"}
    full = schema.inputs_of(dict.fromkeys(["element_key", "name", "code", "adopt"], "5"))
    assert not never_stored & set(outputs(full.model_dump(by_alias=True, exclude_none=True)))


def test_every_input_has_a_description():
    assert [*documented(Inputs), "markers"] == [*Inputs.model_fields]
