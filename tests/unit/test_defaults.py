"""`cloud-elements:defaults`: what entries of one element share."""

import json

import pulumi
import pytest

from provider import defaults, stack
from provider.declarations import InstanceDeclaration, StackError, parse
from provider.defaults import merged

KEY = "cloud-elements:instances"
DEFAULTS = "cloud-elements:defaults"
TO = "https://app.example.com/events"


def mistakes(shared, entries=None):
    """Return what is wrong, path by path."""
    with pytest.raises(StackError) as refused:
        parse(entries or {"a": {"element": "hubspot"}}, shared=shared)
    assert isinstance(refused.value, pulumi.RunError)
    return str(refused.value).strip().splitlines()


def declared(shared, **entry):
    """Return the one entry that is declared, but for what it does not give."""
    entries = {"a": {"element": "hubspot"} | entry}
    whole = parse(entries, shared={"hubspot": shared})["a"].model_dump(exclude_unset=True)
    return {key: value for key, value in whole.items() if key != "element"}


# Merging


@pytest.mark.parametrize(
    ("shared", "entry", "whole"),
    [
        ({"tags": ["a", "b"]}, {}, {"tags": ["a", "b"]}),
        ({"tags": ["a", "b"]}, {"tags": ["c", "a"]}, {"tags": ["a", "b", "c"]}),
        (
            {"configuration": {"x": "1", "y": "1"}},
            {"configuration": {"y": "2", "z": "2"}},
            {"configuration": {"x": "1", "y": "2", "z": "2"}},
        ),
        (
            {"events": {"by": "webhook", "to": TO}},
            {"events": {"to": f"{TO}/2", "signature_key": "k"}},
            {"events": {"by": "webhook", "to": f"{TO}/2", "signature_key": "k"}},
        ),
        ({"disabled": True}, {"disabled": False}, {"disabled": False}),
        ({"protect": True}, {}, {"protect": True}),
        ({"oauth_proxy": "one"}, {"oauth_proxy": "two"}, {"oauth_proxy": "two"}),
        (
            {"configuration": {"x": "1"}},
            {"configuration": {"x": None}},
            {"configuration": {"x": "1"}},
        ),
        ({"tags": ["a"], "disabled": None}, {"tags": None}, {"tags": ["a"]}),
    ],
)
def test_an_entry_goes_before_what_it_shares(shared, entry, whole):
    assert declared(shared, **entry) == whole


EVENTS = {"by": "polling", "to": TO, "every": 5}
ON, EVERY = "event.notification.enabled", "event.poller.refresh_interval"


@pytest.mark.parametrize(
    ("shared", "entry", "whole"),
    [
        (
            {"configuration": {EVERY: "5", ON: "false", "x": "1"}},
            {"events": {"every": 30}},
            {EVERY: "30", ON: "false", "x": "1"},
        ),
        (
            {"events": EVENTS},
            {"configuration": {EVERY: "30"}},
            {
                EVERY: "30",
                ON: "true",
                "event.vendor.type": "polling",
                "event.notification.callback.url": TO,
            },
        ),
        (
            {"events": {"to": TO}},
            {"configuration": {ON: False}},
            {ON: False, "event.notification.callback.url": TO},
        ),
        (
            {"filter_response_nulls": True},
            {"configuration": {"filter.response.nulls": "false"}},
            {"filter.response.nulls": "false"},
        ),
        (
            {"configuration": {"filter.response.nulls": "false"}},
            {"filter_response_nulls": True},
            {"filter.response.nulls": "true"},
        ),
    ],
)
def test_what_the_two_say_in_different_words_is_merged_as_well(shared, entry, whole):
    entries = {"a": {"element": "closeio"} | entry}
    assert parse(entries, shared={"closeio": shared})["a"].full_configuration == whole


def test_only_entries_of_the_element_share():
    shared = {"hubspot": {"tags": ["h"]}, "closeio": {"tags": ["c"]}}
    entries = {name: {"element": name} for name in ("hubspot", "closeio", "sendgrid")}
    assert {name: one.tags for name, one in parse(entries, shared=shared).items()} == {
        "hubspot": ["h"],
        "closeio": ["c"],
        "sendgrid": [],
    }


def test_merging_changes_neither_of_the_two():
    shared = {"tags": ["a"], "configuration": {"x": 1}, "events": {"every": 5}}
    entry = {"tags": ["b"], "configuration": {EVERY: "1"}, "events": {"to": TO}}
    before = json.dumps([shared, entry])
    merged(shared, entry)
    assert json.dumps([shared, entry]) == before


def test_a_thirtieth_of_the_secrets():
    shared = {"hubspot": {"configuration": {"oauth.api.secret": "s"}}}
    entries = {f"c{n}": {"element": "hubspot", "configuration": {"n": n}} for n in range(30)}
    held = [one.configuration for one in parse(entries, shared=shared).values()]
    assert held == [{"oauth.api.secret": "s", "n": n} for n in range(30)]


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_stack_may_have_none(nothing):
    assert parse({"a": {"element": "hubspot"}}, shared=nothing)["a"].element == "hubspot"


# Mistakes


def test_every_mistake_is_named_by_its_path_at_once_and_none_shows_a_value():
    path = f"{DEFAULTS}.hubspot"
    shared = {
        "hubspot": {
            "element": "hidden",
            "name": "hidden",
            "code": "hidden",
            "provider_data": {"realmId": "hidden"},
            "adopt": "1",
            "taggs": ["hidden"],
            "tags": ["", "<b>hidden"],
            "disabled": "hidden",
            "configuration": {"x": "********"},
            "events": {"by": "hidden-polling", "every": 0},
        },
        "closeio": ["hidden"],
        "": {},
    }
    entries = {"a": {"element": "hubspot", "tags": [""]}, "b": {"element": "closeio"}}

    found = mistakes(shared, entries)

    assert [one.split(": ")[0] for one in found] == [
        f"{path}.element",
        f"{path}.name",
        f"{path}.code",
        f"{path}.provider_data",
        f"{path}.adopt",
        f"{path}.disabled",
        f"{path}.taggs",
        f"{path}.tags[0]",
        f"{path}.tags[1]",
        f"{path}.configuration.x",
        f"{path}.events.by",
        f"{path}.events.every",
        f"{DEFAULTS}.closeio",
        DEFAULTS,
        f"{KEY}.a.tags[0]",
    ]
    assert f"{path}.taggs: is not known here; did you mean 'tags'?" in found
    assert f"{path}.code: belongs to one entry: give it there" in found
    assert "hidden" not in str(found)


@pytest.mark.parametrize("document", [[], "text", 5, ()])
def test_the_whole_must_be_a_map(document):
    [found] = mistakes(document)
    assert found == f"{DEFAULTS}: must be a map from element key to what its entries share"


def test_a_mistyped_element_is_refused_with_the_one_that_is_meant():
    [found] = mistakes({"hubspt": {"tags": ["a"]}})
    assert found == f"{DEFAULTS}.hubspt: no entry uses this element; did you mean 'hubspot'?"


def test_what_is_wrong_in_the_defaults_is_told_once_and_not_by_each_entry():
    entries = {f"c{n}": {"element": "hubspot"} for n in range(30)}
    [found] = mistakes({"hubspot": {"events": {"to": "http://app.example.com"}}}, entries)
    assert found.startswith(f"{DEFAULTS}.hubspot.events.to: must be an https address")


def test_what_only_both_together_get_wrong_is_told_at_the_entry_with_where_it_comes_from():
    shared = {"hubspot": {"events": {"every": 5}}}
    entries = {"a": {"element": "hubspot", "events": {"by": "webhook"}}}
    assert mistakes(shared, entries) == [
        (
            f"{KEY}.a.events.every: is for polling, and 'by' is 'webhook'; it comes from "
            f"{DEFAULTS}.hubspot"
        ),
        f"{KEY}.a.events.to: is required by 'webhook': the address that events are sent to",
    ]


def test_the_same_mistake_in_both_is_told_in_both():
    masked = {"configuration": {"x": "********"}, "tags": [""]}
    found = mistakes({"hubspot": masked}, {"a": {"element": "hubspot"} | masked})
    assert [one.split(": ")[0] for one in found] == [
        f"{DEFAULTS}.hubspot.tags[0]",
        f"{DEFAULTS}.hubspot.configuration.x",
        f"{KEY}.a.tags[0]",
        f"{KEY}.a.configuration.x",
    ]


def test_what_is_half_said_may_be_completed_by_the_entry():
    shared = {"hubspot": {"events": {"by": "webhook"}}}
    assert parse({"a": {"element": "hubspot", "events": {"to": TO}}}, shared=shared)
    [found] = mistakes(shared)
    assert found.startswith(f"{KEY}.a.events.to: is required by 'webhook'")


@pytest.mark.parametrize("element", [None, 5, ["hubspot"], {}])
def test_an_entry_without_an_element_is_told_of_that(element):
    found = mistakes({"hubspot": {"tags": ["a"]}}, {"a": {"element": element}})
    assert [one.split(": ")[0] for one in found] == [f"{KEY}.a.element"]


# Unused ones


def test_defaults_without_an_effect_are_told():
    config = {
        KEY: json.dumps({"a": {"element": "hubspot"}}),
        DEFAULTS: json.dumps({"hubspot": {}, "sendgrid": {"tags": ["x"]}}),
    }
    assert stack.remarks(config, {}) == [
        f"{DEFAULTS}.sendgrid: no entry uses this element, so it has no effect"
    ]


def test_an_element_that_has_defaults_of_its_own_is_not_what_another_was_meant_for():
    mistyped, idle = defaults.unused({"hubspot": {}, "hubspots": {}}, ["hubspot"])
    assert (mistyped, len(idle)) == ([], 1)


# The table


def test_every_key_of_an_entry_is_shared_or_one_s_own():
    fields = set(InstanceDeclaration.model_fields)
    assert set(defaults.OWN) < fields
    assert set(defaults.MERGED) < fields - set(defaults.OWN)
