"""Laws of `events` and of what entries share, for any configuration."""

from hypothesis import given
from hypothesis import strategies as st

from provider.api import wire
from provider.cli.additions import Written
from provider.cli.sharing import pooled
from provider.defaults import merged
from provider.instance import inputs as schema
from provider.instance.events import KEYS, NULLS_KEY, compiled, typed

ADDRESSES = ["https://app.example", "http://127.0.0.1/x", "http://app.example", "********"]
TEXTS = st.text(max_size=5) | st.sampled_from(
    ["true", "false", "polling", "webhook", "webhooks", "15", "0", "{}", '{"a": {"b": 1}}']
)
TEXTS |= st.sampled_from(ADDRESSES)
VALUES = TEXTS | st.none() | st.booleans() | st.integers(-1, 60) | st.just({"a": {"url": "/a"}})
CONFIGURATIONS = st.dictionaries(
    st.sampled_from([*KEYS.values(), NULLS_KEY, "username", "event.objects"]), VALUES
)
WORDS = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from("abc"), unique=True),
        "configuration": CONFIGURATIONS,
        "events": st.fixed_dictionaries(
            {},
            optional={
                "enabled": st.booleans(),
                "by": st.sampled_from(["polling", "webhook"]),
                "to": st.just("https://app.example"),
                "every": st.integers(1, 3),
            },
        ),
        "filter_response_nulls": st.booleans(),
        "disabled": st.booleans(),
    },
)


@given(CONFIGURATIONS, st.booleans())
def test_other_words_mean_what_was_said_and_are_without_fault(configuration, adopted):
    words, rest = typed(configuration, adopted=adopted)

    back = compiled(words | {"configuration": rest})["configuration"]

    assert back.keys() == configuration.keys()
    assert all(wire.same_value(back[key], configuration[key]) for key in back)
    adopt = {"adopt": "1"} if adopted else {}
    bag = {"element_key": "e", "name": "n", "configuration": rest} | adopt
    masks = {one for one in schema.problems(bag | words) if "mask" in one or "number" in one}
    assert set(schema.problems(bag | words)) == masks


@given(WORDS, WORDS)
def test_what_an_entry_says_goes_before_what_it_shares(shared, entry):
    """In whichever words the one and the other say it; and nothing is said twice."""
    whole = merged(shared, entry)

    said, own = (compiled(bag).get("configuration") or {} for bag in (whole, entry))
    theirs = compiled(shared).get("configuration") or {}
    if "enabled" not in entry.get("events", {}) and "event.notification.enabled" in theirs:
        own.pop("event.notification.enabled", None)  # which events imply, and nobody says
    assert all(wire.same_value(said[key], own[key]) for key in own)
    assert said.keys() == own.keys() | theirs.keys()
    twice = [
        p for p in schema.problems({"element_key": "e", "name": "n"} | whole) if "give it once" in p
    ]
    alone = [
        p
        for bag in (shared, entry)
        for p in schema.problems({"element_key": "e", "name": "n"} | bag)
        if "give it once" in p
    ]
    assert not twice or alone
    assert set(whole.get("tags", [])) == {*shared.get("tags", []), *entry.get("tags", [])}


def exported(configuration, tags):
    """Return an entry as an export makes it of what an instance holds."""
    held = {key: value for key, value in configuration.items() if value is not None}
    words, rest = typed(held, adopted=True)
    entry = {"element": "e", "tags": tags, "configuration": rest} | words
    return {key: value for key, value in entry.items() if value not in ({}, [])}


TAGS = st.lists(st.sampled_from("abc"), unique=True)


@given(st.lists(st.builds(exported, CONFIGURATIONS, TAGS), min_size=1, max_size=4))
def test_what_is_written_once_is_what_each_entry_said(entries):
    ones = [Written(str(n), entry, []) for n, entry in enumerate(entries)]

    pool = pooled(ones, [])

    for before, after in zip(ones, pool.entries, strict=True):
        whole = merged(pool.shared.get("e", {}), after.entry)
        assert set(whole.pop("tags", [])) == set(before.entry.get("tags", []))
        assert whole == {key: value for key, value in before.entry.items() if key != "tags"}
