"""Marker tags: what is ours, what is the user's."""

import re

import pytest
from pulumi.output import Unknown

from provider.instance.markers import (
    Markers,
    credential_marker,
    is_credential_marker,
    is_marker,
    markers,
    names_stack,
)

HERE = {"organization": "organization", "project": "shop", "stack": "dev", "place": "mail"}


def test_the_stack_marker_names_project_and_stack():
    assert markers(**HERE).stack.startswith("pulumi-shop-dev-")


def test_all_resources_of_a_stack_share_its_marker_and_nothing_else():
    mail, files = markers(**HERE), markers(**HERE | {"place": "files"})
    assert mail.stack == files.stack
    assert mail.instance != files.instance


@pytest.mark.parametrize("part", ["organization", "project", "stack"])
def test_a_change_of_any_part_changes_both(part):
    one, other = markers(**HERE), markers(**HERE | {part: "x"})
    assert one.stack != other.stack
    assert one.instance != other.instance


def test_markers_do_not_change_between_versions():
    """They are in the state of stacks and on instances: another derivation would lose them all."""
    assert markers(**HERE).tags == ["pulumi-shop-dev-mcws3my2wwwg", "pulumi-b3424vu3wcf5x3cgfmnv"]
    assert credential_marker({"code": "0123456789abcdef0123"}) == [
        "pulumi-code-q2uzxioiz5yadi43asrm"
    ]


@pytest.mark.parametrize(
    "tag",
    [
        "pulumi-services",
        "pulumi-team-services",
        "pulumi-" + "a" * 20,
        "pulumi-code-" + "a" * 20,
        "pulumi-shop-dev-abcdefghijkl",
        "pulumi-",
        "pulumi",
        "",
    ],
)
def test_a_tag_of_the_users_is_not_taken_for_ours(tag):
    assert not is_marker(tag)


@pytest.mark.parametrize("tags", [None, [], "pulumi-x", Unknown(), [Unknown(), Unknown()], ["x"]])
def test_a_resource_without_markers_or_with_unknown_ones_has_none(tags):
    assert Markers.of(tags) is None
    assert Markers.of(markers(**HERE).tags) == markers(**HERE)


def test_one_letter_more_less_or_other_makes_it_the_users():
    marker = markers(**HERE).instance
    other = "b" if marker[-1] == "a" else "a"
    changed = [marker + "a", marker[:-1], marker[:-1] + other, marker.upper()]
    assert [tag for tag in changed if is_marker(tag)] == []


def test_hostile_names_still_make_a_plain_tag():
    made = markers(organization="ü", project="<b>Ä" * 50, stack="--/../--", place="\n")
    assert all(re.fullmatch(r"[a-z0-9-]{1,59}", tag) for tag in made.tags)
    assert all(map(is_marker, made.tags))


def test_a_credential_marker_is_told_from_a_project_called_code():
    """The stack marker of such a project begins alike."""
    code = markers(**HERE | {"project": "code"})
    assert code.stack.startswith("pulumi-code-")
    assert not is_credential_marker(code.stack)
    assert not is_credential_marker(code.instance)
    assert is_credential_marker(credential_marker({"code": "0123456789abcdef0123"})[0])


def test_a_credential_marker_depends_on_every_credential_but_not_on_their_order():
    one = {"code": "aa", "provider_data.secret": "bb"}
    assert credential_marker(one) == credential_marker(dict(reversed(one.items())))
    assert credential_marker(one) != credential_marker(one | {"code": "cc"})
    assert credential_marker({}) == []


def test_a_shard_has_the_markers_of_the_stack_that_it_is_of():
    tag = markers(organization="o", project="p", stack="prod", place="x").stack
    assert names_stack(tag, project="p", stack="prod-shard-12")
    assert names_stack(tag, project="p", stack="prod")
    for other in ("prod-shard-0", "prod-shard-x", "prod-shard-", "stage-shard-1", "prod-1"):
        assert not names_stack(tag, project="p", stack=other)
