"""Markers tell resources apart, and fit whatever limits the platform may have."""

import re

from hypothesis import given
from hypothesis import strategies as st

from provider.instance.markers import credential_marker, is_credential_marker, is_marker, markers

PARTS = ("organization", "project", "stack", "place")
# Few letters, so that parts run into each other as often as they can.
PLACES = st.fixed_dictionaries(
    {part: st.text(alphabet="ab-/: é", max_size=4) | st.text(max_size=60) for part in PARTS}
)


@given(PLACES, PLACES)
def test_different_places_have_different_markers(one, other):
    first, second = markers(**one), markers(**other)
    assert (first.instance == second.instance) == (one == other)
    same_stack = all(one[part] == other[part] for part in PARTS[:3])
    assert (first.stack == second.stack) == same_stack


@given(PLACES)
def test_a_marker_is_a_plain_short_tag_and_known_as_ours(place):
    made = markers(**place)
    assert made.stack != made.instance
    for tag in made.tags:
        assert re.fullmatch(r"pulumi-[a-z0-9-]{1,52}", tag)
        assert is_marker(tag)
        assert not is_credential_marker(tag)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), min_size=1, max_size=3))
def test_a_credential_marker_is_known_as_one(fingerprints):
    (tag,) = credential_marker(fingerprints)
    assert is_marker(tag)
    assert is_credential_marker(tag)


@given(st.from_regex(r"(pulumi-)?[a-z0-9-]{1,50}", fullmatch=True))
def test_a_users_tag_is_not_ours(tag):
    assert not is_marker(tag)
