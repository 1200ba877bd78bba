"""What an instance without consent tells of the ways to one."""

from types import SimpleNamespace

import pytest

from provider.instance.consent import awaiting, entries

TYPE = "cloud-elements:index:ElementInstance"


@pytest.mark.parametrize(
    ("stack", "sharded", "place"),
    [
        ("prod", False, "prod"),
        ("prod-shard-2", True, "prod"),
        ("prod", True, "prod"),
        ("prod-shard-2", False, "prod-shard-2"),
    ],
)
def test_a_shard_s_entries_stand_in_the_file_of_the_whole(stack, sharded, place):
    urn = f"urn:pulumi:{stack}::accounts::{TYPE}::files"
    context = SimpleNamespace(
        host=SimpleNamespace(urn=lambda: urn),
        settings=SimpleNamespace(consent_page=""),
        entries=frozenset({"files"}),
        sharded=sharded,
    )
    said = awaiting(context, {})
    assert said == f"awaiting consent: elements authorize files --stack {place}"


@pytest.mark.parametrize("text", [None, "", "{}", "not JSON", "5", "[[]]"[1:-1]])
def test_a_configuration_that_declares_nothing_has_no_entries(text):
    assert entries(text) == frozenset()
