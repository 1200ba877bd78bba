"""What a stack declares: each mistake by its exact path."""

import pulumi
import pytest

from provider.declarations import StackError, parse
from provider.stack_keys import KEY


def mistakes(document):
    """Return what is wrong, path by path."""
    with pytest.raises(StackError) as refused:
        parse(document)
    assert isinstance(refused.value, pulumi.RunError)  # shown without a traceback
    assert refused.value.__cause__ is None
    return str(refused.value).strip().splitlines()


def test_all_fields_of_an_instance(whole):
    assert parse({"invoices": whole})["invoices"].model_dump() == whole


def test_only_the_element_must_be_given():
    declared = parse({"invoices": {"element": "closeio"}})["invoices"]
    assert declared.name is None
    assert declared.tags == []
    assert declared.protect is False


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_stack_may_declare_nothing(nothing):
    assert parse(nothing) == {}


def test_an_id_to_adopt_may_be_a_number():
    assert parse({"a": {"element": "x", "adopt": 427001}})["a"].adopt == "427001"


@pytest.mark.parametrize("document", ["text", ["list"], 5, True])
def test_the_whole_must_be_a_map(document):
    assert mistakes(document) == [f"{KEY}: must be a map from name to instance"]


def test_every_mistake_is_named_by_its_path_at_once_and_none_shows_a_value():
    found = mistakes(
        {
            "a": {"elemnt": "hidden-value"},
            "b": "hidden-value",
            "c": {"element": 5, "tags": ["x", 7], "configuration": ["hidden-value"]},
            "d": {"element": "x", "tags": "hidden-value", "disabled": "hidden-value"},
            "e": {"element": "x", "adopt": True, "code": 12},
            "f": None,
        }
    )

    assert found == [
        f"{KEY}.a.element: is required",
        f"{KEY}.a.elemnt: is not known here; did you mean 'element'?",
        f"{KEY}.b: must be a map with at least 'element'",
        f"{KEY}.c.element: must be text; put it in quotes",
        f"{KEY}.c.tags[1]: must be text; put it in quotes",
        f"{KEY}.c.configuration: must be a map",
        f"{KEY}.d.tags: must be a list",
        f"{KEY}.d.disabled: must be true or false",
        f"{KEY}.e.code: must be text; put it in quotes",
        f"{KEY}.e.adopt: must be text; put it in quotes",
        f"{KEY}.f: must be a map with at least 'element'",
    ]


def test_what_the_provider_would_refuse_is_named_for_all_entries_at_once():
    found = mistakes(
        {
            "": {"element": "x"},
            "a": {"element": " sendgrid", "adopt": "bananas"},
            "b": {"element": "x", "tags": ["fine", "<b>x</b>", None], "name": "<i>x</i>"},
            "c": {"element": "x", "tags": ["<b>x</b>"], "external_authentication": "foo"},
            "d": {"element": "", "code": ["x"]},
        }
    )
    markup = "must not hold markup such as <b>, which the platform removes"
    key = "must be an element key such as 'onedrivebusiness', without spaces"
    assert found == [
        f"{KEY}: an entry needs a name",
        f"{KEY}.a.element: {key}",
        f"{KEY}.a.adopt: must be an instance id, 'tag:<tag>' or 'name:<name>'",
        f"{KEY}.b.tags[2]: must be text, not nothing",
        f"{KEY}.b.name: {markup}",
        f"{KEY}.b.tags[1]: {markup}",
        f"{KEY}.c.tags[0]: {markup}",
        f"{KEY}.c.external_authentication: must be 'initial' or 'none'",
        f"{KEY}.d.code: must be text, not a list",
        f"{KEY}.d.element: {key}",
    ]


HTTPS = (
    "must be an https address, such as https://app.example.com/events; plain http is for this "
    "machine alone"
)


def test_what_is_wrong_with_events_is_named_by_its_path_at_once():
    events = {"by": "poling", "everyy": 5, "to": "app.example.com", "enabled": "yes", "every": "5m"}
    key = "event.notification.enabled"
    entry = {"element": "closeio", "events": events, "configuration": {key: True}}
    path = f"{KEY}.a.events"
    assert mistakes({"a": entry, "b": {"element": "closeio", "events": []}}) == [
        f"{path}.enabled: must be true or false",
        f"{path}.every: must be a whole number",
        f"{path}.everyy: is not known here; did you mean 'every'?",
        f"{KEY}.a.configuration.{key}: is given as 'events.enabled' already; give it once",
        f"{path}.by: must be 'polling' or 'webhook'; did you mean 'polling'?",
        f"{path}.to: {HTTPS}",
        f"{KEY}.b.events: must be a map",
    ]


def test_what_is_still_to_be_set_is_no_mistake_where_it_is_set():
    document = {"a": {"element": "weebly", "events": {"by": "webhook"}}}
    [told] = mistakes(document)
    assert told.startswith(f"{KEY}.a.events.to: is required by 'webhook'")
    assert parse(document, complete=False)["a"].events.by == "webhook"
    document["a"]["events"]["to"] = "http://app.example.com"
    with pytest.raises(StackError, match="must be an https address"):
        parse(document, complete=False)


def test_null_counts_as_not_given(whole):
    """Whatever stands in a comment below it, and as Pulumi takes it out of maps."""
    entry = dict.fromkeys(whole) | {"element": "x"}
    assert parse({"a": entry}) == parse({"a": {"element": "x"}})
    shown = {"event.metadata": None, "list": ["a", None, {"deep": None}], "map": {"k": None}}
    declared = parse({"a": {"element": "x", "configuration": shown}})["a"]
    assert declared.configuration == {"list": ["a", {}], "map": {}}
    assert mistakes({"a": {"element": None}}) == [f"{KEY}.a.element: is required"]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("instance", "instances"),
        ("Instances", "instances"),
        ("timout", "timeout"),
        ("baseURL", "baseUrl"),
        ("user_secret", "userSecret"),
        ("ownr", "owner"),
    ],
)
def test_a_mistyped_key_is_refused_before_everything_would_be_deleted(key, meant):
    with pytest.raises(StackError) as refused:
        parse(None, [f"cloud-elements:{key}", KEY])
    told = f"cloud-elements:{key}: is not known; did you mean 'cloud-elements:{meant}'?"
    assert str(refused.value) == told


@pytest.mark.parametrize(
    "key",
    ["cloud-elements:oneDriveCode", "cloud-elements:instanceId", "other:instance", KEY],
)
def test_a_key_of_the_programs_own_is_left_alone(key):
    assert parse(None, [key, "cloud-elements:timeout"]) == {}


def test_nothing_secret_shows_in_a_repr():
    declared = parse(
        {"a": {"element": "x", "code": "hidden", "provider_data": {"secret": "hidden"}}}
    )
    assert "hidden" not in repr(declared)


def test_a_value_that_must_be_text_is_told_once():
    misread = {f"{KEY}.a.element": "written 007, read as 7: put it in quotes"}
    with pytest.raises(StackError) as refused:
        parse({"a": {"element": 7, "name": 5}}, (), misread)
    assert str(refused.value).splitlines() == [
        f"{KEY}.a.element: written 007, read as 7: put it in quotes",
        f"{KEY}.a.name: must be text; put it in quotes",
    ]
