"""Which files hold a stack's configuration, and what stands there."""

import pytest
import yaml

from provider import stack_file

KEY = "cloud-elements:instances"


@pytest.fixture
def project(tmp_path):
    """Return a function that writes a project file, and a stack's with it."""

    def made(text="name: shop\n", own=None, name="Pulumi.yaml"):
        path = tmp_path / name
        path.write_text(text)
        if own is not None:
            target = stack_file.stack_file(path, "dev")
            target.parent.mkdir(exist_ok=True)
            target.write_text(own)
        return path

    return made


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("", "Pulumi.dev.yaml"),
        ("stackConfigDir: stacks", "stacks/Pulumi.dev.yaml"),
        ("config: stacks", "stacks/Pulumi.dev.yaml"),
        ("config: {}", "Pulumi.dev.yaml"),
        ("main: program", "Pulumi.dev.yaml"),
    ],
)
def test_the_stack_file_is_where_the_project_says(project, tmp_path, line, place):
    assert stack_file.stack_file(project(f"name: x\n{line}\n"), "dev") == tmp_path / place


@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"])
def test_the_project_file_is_found_from_below_and_names_the_kind(project, tmp_path, name):
    path = project('{"name": "x"}', name=name)
    below = tmp_path / "program" / "deep"
    below.mkdir(parents=True)
    assert stack_file.project_file(below) == path
    assert stack_file.stack_file(path, "dev") == tmp_path / f"Pulumi.dev{path.suffix}"


def test_there_may_be_no_project_file(tmp_path):
    assert stack_file.project_file(tmp_path) is None


@pytest.mark.parametrize("main", ["program", "program/__main__.py"])
def test_the_program_runs_where_main_says(project, tmp_path, main):
    (tmp_path / "program").mkdir()
    (tmp_path / "program/__main__.py").touch()
    assert stack_file.program_folder(project(f"name: x\nmain: {main}\n")) == tmp_path / "program"
    assert stack_file.program_folder(project("name: x\n")) == tmp_path


EVERYTHING = """\ufeff
base: &base {a: 007, b: ~, off: yes}
merged:
  <<: *base
  a: 1.10
both: {<<: [{a: 1}, {a: 2, c: 3}], d: 4}
alias: *base
tags: [!!str 0123, !foo bar, !!binary aGk=, "quoted", 2024-01-31]
block: |
  0123
nothing:
---
another: document
"""


def test_every_scalar_is_text_and_what_is_shared_is_resolved(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(EVERYTHING, encoding="utf-8")
    assert stack_file.texts(path) == {
        "base": {"a": "007", "b": "~", "off": "yes"},
        "merged": {"a": "1.10", "b": "~", "off": "yes"},
        "both": {"a": "1", "c": "3", "d": "4"},
        "alias": {"a": "007", "b": "~", "off": "yes"},
        "tags": ["0123", "bar", "hi", "quoted", "2024-01-31"],
        "block": "0123\n",
        "nothing": "",
    }


@pytest.mark.parametrize("content", [b"{", b"a: &a [*a]", b"\xff", b"? [a]\n: b"])
def test_what_is_no_yaml_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(yaml.YAMLError):
        stack_file.texts(path)


def test_the_projects_own_namespace_may_be_left_out(project):
    own = "config:\n  owner: a\n  other:config:x: b\n  cloud-elements:timeout: 5\n"
    path = project("name: cloud-elements\n", own)
    assert stack_file.written(path, "dev") == {
        "cloud-elements:owner": "a",
        "other:x": "b",
        "cloud-elements:timeout": "5",
    }


def test_what_the_project_gives_every_stack_counts_where_the_stack_is_silent(project):
    text = f"name: shop\nconfig:\n  {KEY}: {{value: {{a: {{element: x}}}}}}\n  size: 07\n"
    text += "  count: {type: integer, default: 08}\n  open: {type: string}\n"
    assert stack_file.written(project(text), "dev") == {
        KEY: {"a": {"element": "x"}},
        "shop:size": "07",
        "shop:count": "08",
        "shop:open": None,
    }
    path = project(text, f"config:\n  {KEY}: {{}}\n  size: 1\n")
    written = stack_file.written(path, "dev")
    assert (written[KEY], written["shop:size"]) == ({}, "1")


@pytest.mark.parametrize("own", ["{", "text", "config: text", "config:\n", ""])
def test_a_file_that_shows_nothing_is_empty(project, own):
    assert stack_file.written(project("name: shop\n", own), "dev") == {}


@pytest.mark.parametrize("shown", [None, "", "{", "5", "[]"])
def test_entries_that_are_no_map_are_none(shown):
    assert stack_file.entries(shown) == {}


def test_entries_may_be_json_text():
    assert stack_file.entries('{"a": {"n": 1.50}}') == {"a": {"n": "1.50"}}
