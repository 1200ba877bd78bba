"""Which name falls to which shard, and who may run one."""

from collections import Counter

import pulumi
import pytest
from pulumi.runtime import config, set_all_config

from provider import ElementInstance, belongs_here, stack
from provider.instance.markers import MARKERS
from provider.shards import SHARD, Shard, ShardsError, count, own, shard_of, stack_of
from tests.unit.test_resource import run  # noqa: F401 - a fixture

NAMES = [f"account-{number}" for number in range(2000)]


@pytest.mark.parametrize(
    ("name", "shards"),
    [("acme", (1, 2, 2, 2, 2)), ("birch", (1, 2, 3, 3, 5)), ("ümlaut\ud800", (1, 2, 2, 4, 4))],
)
def test_where_a_name_falls_is_for_ever(name, shards):
    """What states hold lies by these: another result strands it."""
    assert tuple(shard_of(name, number) for number in range(1, 6)) == shards


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 40])
def test_shards_are_of_about_equal_size_and_few_names_move(shards):
    sizes = Counter(shard_of(name, shards) for name in NAMES)
    assert set(sizes) == {*range(1, shards + 1)}
    fair = len(NAMES) / shards
    assert max(sizes.values()) < fair + 5 * fair**0.5
    moved = [name for name in NAMES if shard_of(name, shards) != shard_of(name, shards + 1)]
    assert {shard_of(name, shards + 1) for name in moved} == {shards + 1}
    assert len(moved) < len(NAMES) / (shards + 1) * 1.5 + 20


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "four", "", "1001", "99999999999999", "true"])
def test_what_is_no_number_of_shards_is_refused(text):
    with pytest.raises(ShardsError, match="whole number from 1 to 1,000"):
        count(text)


@pytest.mark.parametrize(
    ("name", "text", "told", "expected"),
    [
        ("prod", None, None, None),
        ("prod-shard-2", None, None, None),  # today's stack of such a name
        ("prod-shard-2", "4", "2/4", Shard("prod", 2, 4)),
        ("a-shard-1-shard-2", "2", "2/2", Shard("a-shard-1", 2, 2)),
        ("prod", "1", "1/1", Shard("prod", 1, 1)),
        ("a-shard-1", "1", "1/1", Shard("a-shard-1", 1, 1)),
    ],
)
def test_the_shard_of_a_run(name, text, told, expected):
    assert own(name, text, told) == expected


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("prod", "4", None),  # plain pulumi up of what the shards have
        ("prod-shard-2", "4", None),
        ("prod-shard-5", "4", "5/4"),
        ("prod-shard-2", "5", "2/4"),  # another file than elements read
        ("prod-shard-3", "4", "2/4"),
        ("prod", "1", None),
        ("other", "4", "2/4"),
        ("prod-shard-2", "4", "nonsense"),
    ],
)
def test_any_other_run_is_refused_and_told_the_command(name, text, told):
    with pytest.raises(ShardsError, match="run 'elements up --shards --stack"):
        own(name, text, told)


def test_a_single_shard_is_the_stack_itself():
    assert stack_of("prod", 1, 1) == "prod"
    assert stack_of("prod", 2, 2) == "prod-shard-2"


@pytest.fixture
def sharded(monkeypatch):
    """Have the programs of a test run for shard 2 of 3 of stack `prod`."""
    monkeypatch.setenv(SHARD, "2/3")
    config.CONFIG.set(None)
    set_all_config({"cloud-elements:shards": "3"})
    yield
    set_all_config({})


def mine(number):
    return next(name for name in NAMES if shard_of(name, 3) == number)


def desk(name, **options):
    return ElementInstance(name, "closeio", opts=pulumi.ResourceOptions(**options))


def test_an_instance_of_a_shard_has_the_markers_of_the_whole_stack(run, sharded, monkeypatch):  # noqa: F811
    there = run(lambda: desk(mine(2)), stack="prod-shard-2")[mine(2)].inputs[MARKERS]
    monkeypatch.delenv(SHARD)
    set_all_config({})
    assert run(lambda: desk(mine(2)), stack="prod")[mine(2)].inputs[MARKERS] == there


def test_what_falls_to_another_shard_is_not_declared_here(run, sharded):  # noqa: F811
    asked = []
    registered = run(
        lambda: asked.extend(desk(name) for name in NAMES[:30] if belongs_here(name)),
        stack="prod-shard-2",
    )
    assert len(asked) == sum(shard_of(name, 3) == 2 for name in NAMES[:30]) < 30
    assert len(registered) == len(asked) + 1
    with pytest.raises(pulumi.RunError, match=r"falls to stack 'prod-shard-1'.*belongs_here"):
        run(lambda: desk(mine(1)), stack="prod-shard-2")


def test_children_go_where_their_parent_goes(run, sharded):  # noqa: F811
    def program():
        desk(mine(1), parent=pulumi.ComponentResource("my:team:Team", mine(2)))

    assert mine(1) in run(program, stack="prod-shard-2")


def test_without_shards_every_name_belongs_here(run):  # noqa: F811
    run(lambda: desk("x") if belongs_here("x") else 1 / 0)


def test_a_plain_run_of_a_base_or_of_a_shard_is_refused(run, tmp_path, monkeypatch):  # noqa: F811
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  cloud-elements:shards: 3\n")
    monkeypatch.chdir(tmp_path)
    for name in ("prod", "prod-shard-2"):
        given = {"cloud-elements:shards": "3"} if name == "prod" else {}
        set_all_config(given)
        with pytest.raises(stack.StackError, match="'elements up --shards --stack prod'"):
            run(stack.declare, stack=name)
    set_all_config({})
    with pytest.raises(stack.StackError, match="by its name a shard of 'test', declares nothing"):
        run(stack.declare, stack="test-shard-2")
    (tmp_path / "Pulumi.test-shard-2.yaml").write_text("config:\n  shop:colour: red\n")
    assert run(lambda: stack.declare() and None, stack="test-shard-2")
