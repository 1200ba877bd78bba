"""`events` and `filter_response_nulls`: other words for configuration keys."""

import pulumi
import pytest
from pulumi.runtime.rpc import is_rpc_secret

from provider.instance import diff, events, gaps
from provider.instance import inputs as schema
from provider.instance.events import KEYS, compiled, typed
from provider.instance.state import RECORD, Stored
from provider.resource import Events
from tools.reference import documented

UNKNOWN = pulumi.output.Unknown()
TO = "https://app.example.com/events"
DESK = {"element_key": "freshservice", "name": "desk"}
ALL = {
    "enabled": False,
    "by": "polling",
    "to": TO,
    "every": 5,
    "signature_key": "hidden-key",
    "poller_configuration": {"contacts": {"url": "/contacts"}},
    "notification_type": "webhook",
}
ALL_KEYS = {
    "event.notification.enabled": "false",
    "event.vendor.type": "polling",
    "event.notification.callback.url": TO,
    "event.poller.refresh_interval": "5",
    "event.notification.signature.key": "hidden-key",
    "event.poller.configuration": {"contacts": {"url": "/contacts"}},
    "event.notification.type": "webhook",
}


def problems(**fields):
    return schema.problems(DESK | fields)


def paths(found):
    return sorted(one.split(": ")[0] for one in found)


# compiled


def test_every_member_is_another_word_for_a_key():
    assert compiled({"events": ALL}) == {"configuration": ALL_KEYS}
    assert [*KEYS] == [*ALL]


def test_events_that_are_given_are_told_of():
    assert compiled({"events": {"to": TO}})["configuration"] == {
        "event.notification.enabled": "true",
        "event.notification.callback.url": TO,
    }


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false")])
def test_nulls_in_answers(value, text):
    bag = {"filter_response_nulls": value, "configuration": {"a": 1}}
    assert compiled(bag) == {"configuration": {"a": 1, "filter.response.nulls": text}}


@pytest.mark.parametrize("bag", [DESK, DESK | {"configuration": {"a": UNKNOWN}}])
def test_inputs_without_other_words_stay_as_they_are(bag):
    assert compiled(bag) == bag


def test_the_engine_s_whole_numbers_are_minutes():
    assert compiled({"events": {"every": 15.0}})["configuration"][KEYS["every"]] == "15"


@pytest.mark.parametrize("member", KEYS)
def test_a_member_that_is_not_known_yet_stays_so_under_its_key(member):
    configuration = compiled({"events": ALL | {member: UNKNOWN}})["configuration"]
    assert configuration == ALL_KEYS | {KEYS[member]: UNKNOWN}


@pytest.mark.parametrize("bag", [{"events": UNKNOWN}, {"events": ALL, "configuration": UNKNOWN}])
def test_what_is_not_known_as_a_whole_makes_the_configuration_so(bag):
    assert gaps.is_unknown(compiled(bag)["configuration"])


def test_checked_inputs_have_the_keys_alone():
    given = schema.inputs_of(DESK | {"events": ALL, "configuration": {"a": "b"}})
    assert (given.events, given.configuration) == (None, ALL_KEYS | {"a": "b"})


# typed


@pytest.mark.parametrize(
    "configuration",
    [
        ALL_KEYS,
        {"event.notification.enabled": True},
        {"event.notification.enabled": "false", "filter.response.nulls": True, "a": "b"},
        {"event.notification.enabled": "true", "event.vendor.type": "webhooks"},
        {"event.poller.refresh_interval": "5"},
        {"event.notification.enabled": "perhaps", "event.poller.refresh_interval": "5"},
        {**ALL_KEYS, "event.vendor.type": "pigeon", "event.poller.refresh_interval": "often"},
        {**ALL_KEYS, "event.notification.callback.url": "http://app.example.com"},
        {**ALL_KEYS, "event.poller.configuration": "no JSON"},
        {**ALL_KEYS, "event.vendor.type": "webhook"},
        {**ALL_KEYS, "event.poller.refresh_interval": None, "event.vendor.type": ""},
    ],
)
@pytest.mark.parametrize("adopted", [True, False])
def test_what_is_told_in_other_words_means_the_same(configuration, adopted):
    words, rest = typed(configuration, adopted=adopted)

    back = compiled(words | {"configuration": rest})["configuration"]

    assert back.keys() == configuration.keys()
    assert all(events.wire.same_value(back[key], configuration[key]) for key in back)
    adopt = {"adopt": "1"} if adopted else {}
    assert schema.problems(DESK | words | adopt | {"configuration": rest}) == []


def test_all_that_can_be_is_told_in_other_words():
    words, rest = typed(ALL_KEYS | {"filter.response.nulls": "true", "a": "b"})
    assert (words, rest) == ({"events": ALL, "filter_response_nulls": True}, {"a": "b"})
    assert typed({"event.notification.enabled": "true"}) == ({"events": {"enabled": True}}, {})


# problems


def test_all_members_are_fine_together():
    assert problems(events=ALL, filter_response_nulls=False) == []
    assert problems(events={"by": "webhook", "to": TO, "signature_key": "k"}) == []


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, "events"),
        ({"by": "webhook"}, "events.to"),
        ({"by": "webhooks", "enabled": True}, "events.to"),
        ({"by": "webhook", "to": TO, "every": 5}, "events.every"),
        ({"by": "webhook", "to": TO, "poller_configuration": {}}, "events.poller_configuration"),
        ({"by": "carrier pigeon"}, "events.by"),
        ({"by": 5}, "events.by"),
        ({"to": "http://app.example.com"}, "events.to"),
        ({"to": "app.example.com/events"}, "events.to"),
        ({"to": "https://"}, "events.to"),
        ({"to": "https://a b"}, "events.to"),
        ({"to": "https://a:port"}, "events.to"),
        ({"to": "https://[::1"}, "events.to"),
        ({"to": "ftp://127.0.0.1"}, "events.to"),
        ({"to": ""}, "events.to"),
        ({"every": 0}, "events.every"),
        ({"every": -5}, "events.every"),
        ({"every": 1.5}, "events.every"),
        ({"every": "often"}, "events.every"),
        ({"every": True}, "events.every"),
        ({"every": [15]}, "events.every"),
        ({"every": float("inf")}, "events.every"),
        ({"signature_key": " "}, "events.signature_key"),
        ({"signature_key": "********"}, "events.signature_key"),
        ({"enabled": "yes"}, "events.enabled"),
        ({"notification_type": "email"}, "events.notification_type"),
        ({"poller_configuration": "{}"}, "events.poller_configuration"),
        ({"interval": 5}, "events.interval"),
        ("polling", "events"),
        ([{"by": "polling"}], "events"),
    ],
)
def test_what_is_wrong_is_told_by_its_path_once(given, where):
    assert paths(problems(events=given)) == [where]


def test_everything_wrong_is_told_at_once_and_no_value():
    given = {"by": "hidden-by", "to": "hidden-to", "everyy": 5, "signature_key": "", "every": 0}
    configuration = {"event.notification.enabled": True, "filter.response.nulls": True}

    found = problems(events=given, configuration=configuration, filter_response_nulls=False)

    assert paths(found) == [
        "configuration.event.notification.enabled",
        "configuration.filter.response.nulls",
        "events.by",
        "events.every",
        "events.everyy",
        "events.signature_key",
        "events.to",
    ]
    assert "hidden" not in str(found)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"by": "poling"}, "events.by: must be 'polling' or 'webhook'; did you mean 'polling'?"),
        ({"by": "hook"}, "events.by: must be 'polling' or 'webhook'; did you mean 'webhook'?"),
        ({"everyy": 5}, "events.everyy: is not known here; did you mean 'every'?"),
        ({"signatureKey": "k"}, "events.signatureKey: is not known here; did you mean "),
        ({"every": "5m"}, "events.every: must be a whole number"),
    ],
)
def test_the_nearest_name_is_told(given, said):
    [problem] = problems(events=given)
    assert problem.startswith(said)


@pytest.mark.parametrize("member", KEYS)
def test_a_key_that_is_given_in_both_words_is_named_by_its_path(member):
    value = ALL_KEYS[KEYS[member]]
    found = problems(events=ALL, configuration={KEYS[member]: value})
    said = f"configuration.{KEYS[member]}: is given as 'events.{member}' already; give it once"
    assert found == [said]


def test_keys_may_add_what_events_do_not_say():
    others = {"event.notification.callback.url": "http://old.example", "event.objects": "a,b"}
    assert problems(events={"by": "webhook"}, configuration=others) == []


@pytest.mark.parametrize("member", KEYS)
def test_a_member_that_is_not_known_yet_is_not_judged(member):
    assert problems(events={member: UNKNOWN}) == []
    assert problems(events=ALL | {member: UNKNOWN}) == []


def test_what_is_not_known_yet_counts_as_given():
    assert problems(events=UNKNOWN, filter_response_nulls=UNKNOWN) == []
    assert problems(events={"by": "webhook", "to": UNKNOWN}) == []
    assert problems(events={"by": "webhook"}, configuration=UNKNOWN, adopt="7") == []
    assert paths(problems(events={"by": UNKNOWN, "to": "ftp://x"})) == ["events.to"]


def test_an_address_of_this_machine_needs_no_https():
    for host in ("127.0.0.1:8080", "localhost", "[::1]:80"):
        assert problems(events={"to": f"http://{host}/events"}) == []


def test_an_instance_that_is_off_or_adopted_needs_no_address():
    assert problems(events={"by": "webhook", "enabled": False}) == []
    assert problems(events={"by": "webhook"}, adopt="7") == []


def test_null_counts_as_not_given():
    given = schema.normalised(DESK | {"events": {"to": TO, "every": None}})
    assert given["events"] == {"to": TO}
    assert schema.normalised(given) == given
    assert schema.nulls_in_values({"events": {"every": None}}) == ["events.every"]


def test_empty_events_are_refused_and_not_forgotten():
    assert paths(schema.problems(schema.normalised(DESK | {"events": {"to": None}}))) == ["events"]


# secrets


def test_members_are_secret_as_their_keys_are():
    marked = schema.marked_secret({"events": ALL}, frozenset(KEYS.values()))["events"]
    assert {name for name in marked if is_rpc_secret(marked[name])} == {"to", "signature_key"}
    by_policy = {
        name
        for name, field in events.Events.model_fields.items()
        if any(getattr(mark, "secret", False) for mark in field.metadata)
    }
    assert by_policy == {"to", "signature_key"}


def test_no_representation_shows_a_secret():
    shown = repr(events.Events(**ALL | {"to": "https://hidden.example"}))
    assert "hidden" not in shown


# differences


def state(configuration):
    """Return outputs of an instance that was given a configuration by its keys."""
    outputs = {"configuration": configuration, RECORD: {"managed": [*configuration]}}
    return Stored("1", DESK | outputs)


def test_the_same_in_other_words_is_no_change():
    held = {key: events.wire.stored(value) for key, value in ALL_KEYS.items()}
    olds = state(held | {"filter.response.nulls": "true"})
    news = DESK | {"events": ALL, "filter_response_nulls": True}
    assert not diff.changes(olds, news).any
    assert not diff.changes(olds, DESK | {"configuration": olds.outputs["configuration"]}).any


def test_one_member_that_differs_is_one_key():
    held = {key: events.wire.stored(value) for key, value in ALL_KEYS.items()}
    found = diff.changes(state(held), DESK | {"events": ALL | {"every": 30}})
    assert found.configuration == {"event.poller.refresh_interval": "30"}
    assert not found.removed


def test_a_member_that_is_taken_away_is_a_key_taken_away():
    held = {key: events.wire.stored(value) for key, value in ALL_KEYS.items()}
    less = {name: value for name, value in ALL.items() if name != "signature_key"}
    assert diff.changes(state(held), DESK | {"events": less}).removed == {KEYS["signature_key"]}
    assert diff.changes(state(held), DESK).removed == ALL_KEYS.keys()


@pytest.mark.parametrize("bag", [{"events": UNKNOWN}, {"events": {"to": UNKNOWN}}])
def test_what_is_not_known_yet_counts_as_changed(bag):
    held = {"event.notification.enabled": "true", "event.notification.callback.url": TO}
    assert diff.changes(state(held), DESK | bag).any


@pytest.mark.parametrize(("one", "other"), [("webhook", "webhooks"), ("webhooks", "webhook")])
def test_webhooks_have_two_names(one, other):
    olds = state({"event.vendor.type": one, "x": one})
    assert not diff.changes(
        olds, DESK | {"configuration": {"event.vendor.type": other, "x": one}}
    ).any
    assert diff.changes(olds, DESK | {"configuration": {"event.vendor.type": one, "x": other}}).any


# described once


def test_a_program_can_give_every_member():
    assert (
        {*Events.__annotations__} == {*events.Events.model_fields} == {*documented(events.Events)}
    )
