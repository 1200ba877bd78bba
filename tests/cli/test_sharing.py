"""What entries that are written share, without a stack around them."""

from __future__ import annotations

import copy

import pytest

from provider.cli.additions import Written
from provider.cli.sharing import beside, pooled, without
from provider.defaults import merged

APPLICATION = [("configuration", "oauth.api.key"), ("configuration", "oauth.api.secret")]
CALLBACK = {"oauth.callback.url": "https://app.example/callback"}


def crm(name, secrets=(), **fields):
    return Written(name, {"element": "hubspot", "adopt": name} | fields, list(secrets))


def whole(pool):
    """Return the entries with what they share."""
    return {
        one.name: merged(pool.shared.get(one.entry["element"], {}), one.entry)
        for one in pool.entries
    }


def test_what_all_have_alike_is_written_once_and_nothing_else_changes():
    entries = [
        crm(
            "1",
            tags=["shared", "one"],
            configuration=CALLBACK | {"n": "1"},
            events={"every": 5, "poller_configuration": {"a": {}}},
            filter_response_nulls=False,
        ),
        crm(
            "2",
            tags=["two", "shared"],
            configuration=CALLBACK | {"n": "2"},
            events={"every": 5},
            filter_response_nulls=False,
            disabled=True,
        ),
        Written("3", {"element": "closeio", "adopt": "3", "tags": ["shared"]}, []),
    ]
    before = copy.deepcopy(entries)

    pool = pooled(entries, [])

    assert pool.shared == {
        "hubspot": {
            "tags": ["shared"],
            "configuration": CALLBACK,
            "events": {"every": 5},
            "filter_response_nulls": False,
        }
    }
    assert [one.entry for one in pool.entries][1:] == [
        {
            "element": "hubspot",
            "adopt": "2",
            "tags": ["two"],
            "configuration": {"n": "2"},
            "disabled": True,
        },
        entries[2].entry,
    ]
    assert entries == before
    for one in before:
        again = whole(pool)[one.name]
        assert sorted(again.pop("tags")) == sorted(one.entry.pop("tags"))
        assert again == one.entry


def test_an_application_s_secrets_are_set_once_where_all_come_back_to_one_address():
    own = ("configuration", "own.secret")
    entries = [crm(n, [*APPLICATION, own], configuration=CALLBACK) for n in ("1", "2")]
    pool = pooled(entries, [])
    assert pool.secrets == {"hubspot": APPLICATION}
    assert [one.secrets for one in pool.entries] == [[own], [own]]


@pytest.mark.parametrize(
    "entries",
    [
        [crm("1", APPLICATION, tags=["t"]), crm("2", APPLICATION, tags=["t"])],
        [crm("1", APPLICATION, configuration=CALLBACK), crm("2", configuration=CALLBACK)],
    ],
    ids=["no address", "one lacks none"],
)
def test_else_each_entry_has_its_own(entries):
    pool = pooled(entries, [])
    assert pool.shared
    assert pool.secrets == {}
    assert [one.secrets for one in pool.entries] == [one.secrets for one in entries]


@pytest.mark.parametrize(
    ("entries", "others"),
    [
        ([crm("1", tags=["t"])], []),
        ([crm("1", tags=["t"]), crm("2", tags=["u"])], []),
        ([crm("1", tags=["t"]), crm("2", tags=["t"])], ["hubspot"]),
        ([crm("1"), crm("2", tags=["t"])], []),
        ([crm("1", configuration={"a": "1"}), crm("2", tags=["t"])], []),
    ],
    ids=["alone", "nothing", "others are there", "one has none", "other fields"],
)
def test_where_nothing_is_shared_the_entries_stay_as_they_are(entries, others):
    pool = pooled(entries, others)
    assert (pool.shared, pool.entries) == ({}, entries)


def test_beside_defaults_that_are_there_only_what_differs_is_written():
    shared = {
        "tags": ["shared"],
        "configuration": CALLBACK | {"n": "1", "oauth.api.secret": "s"},
        "events": {"by": "polling", "every": 5},
    }
    held = CALLBACK | {
        "n": "2",
        "x": "3",
        "oauth.api.secret": "********",
        "oauth.api.key": "********",
        "event.notification.enabled": "true",
        "event.vendor.type": "polling",
        "event.poller.refresh_interval": "30",
    }
    one = crm(
        "1",
        APPLICATION,
        tags=["shared", "own"],
        configuration=CALLBACK | {"n": "2", "x": "3"},
        events={"every": 30},
    )

    found = beside(one, shared, held)

    assert found.entry == {
        "element": "hubspot",
        "adopt": "1",
        "tags": ["own"],
        "configuration": {"n": "2", "x": "3"},
        "events": {"every": 30},
    }
    assert found.secrets == [("configuration", "oauth.api.key")]


def test_what_the_defaults_would_change_is_held_against_them():
    """An instance whose value is its element's default says so; one that has none is left out."""
    held = {"n": "1", "event.notification.enabled": "false", "event.poller.refresh_interval": "15"}
    shared = {"configuration": {"n": "2"}, "events": {"every": 5}, "disabled": True}

    found = beside(crm("1"), shared, held)

    assert found.entry == {"element": "hubspot", "adopt": "1", "disabled": False} | {
        "configuration": held
    }
    path = "cloud-elements:defaults.hubspot"
    assert beside(crm("1"), {"configuration": {"z": "1"}}, held) == (
        f"{path} gives it 'z', which it does not have"
    )
    assert (
        beside(crm("1"), {"tags": ["t"]}, held)
        == f"{path} gives it the tag 't', which it does not have"
    )


def test_a_value_of_one_s_own_is_kept_though_others_have_it_too():
    entry = {"element": "x", "name": "n", "adopt": "1"}
    assert without(entry, entry) == entry
