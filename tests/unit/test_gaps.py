"""What a value may lack: null, and what is not known yet."""

import pulumi
import pytest

from provider.instance import gaps

UNKNOWN = pulumi.output.Unknown()


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], {"a": "text", "b": [1, {"c": UNKNOWN}]}])
def test_what_is_not_known_shows_at_any_depth(value):
    assert gaps.is_unknown(value)
    assert gaps.is_unknown({"deep": [value]})


@pytest.mark.parametrize("value", [None, "", "text", 0, True, [], {}, {"a": [None, {"b": 1.5}]}])
def test_everything_else_is_known(value):
    assert not gaps.is_unknown(value)
    assert gaps.known_part(value) is value


def test_the_known_part_goes_without_what_is_not_known_and_keeps_null():
    value = {"a": UNKNOWN, "b": [1, UNKNOWN, {"c": None, "d": UNKNOWN}]}
    assert gaps.known_part(value) == {"b": [1, {"c": None}]}


def test_null_is_named_by_its_path_and_taken_away():
    value = {"a": None, "b": [1, None, {"c": None, "d": UNKNOWN}], "e": ""}
    assert [*gaps.nulls(value, "map")] == ["map.a", "map.b.1", "map.b.2.c"]
    assert gaps.without_null(value) == {"b": [1, {"d": UNKNOWN}], "e": ""}
