"""What a stack holds besides element instances, by its state and by its program's text."""

import json
from pathlib import Path

import pytest

from provider.cli.contents import doubt_of_program, doubt_of_yaml, is_other, others_in_state

ROOT = Path(__file__).parents[2]
INSTANCE = "pulumi-python:dynamic/cloud-elements:ElementInstance"


def test_in_a_state_what_is_no_instance_and_stands_for_something_is_another():
    resources = [
        {"type": "pulumi:pulumi:Stack"},
        {"type": "pulumi:providers:pulumi-python", "custom": True},
        {"type": "pulumi:pulumi:StackReference", "custom": True},
        {"type": INSTANCE, "custom": True},
        {"type": "acme:index:Customer", "custom": False},
        {"type": "random:index/randomPet:RandomPet", "custom": True},
        {"type": "pulumi-python:dynamic/acme:ElementInstance", "custom": True},
    ]
    assert others_in_state(resources) == [
        "pulumi-python:dynamic/acme:ElementInstance",
        "random:index/randomPet:RandomPet",
    ]
    assert not is_other("")


@pytest.mark.parametrize(
    "text",
    [
        "import os, json\nfrom pathlib import Path\nfrom provider import ElementInstance",
        "import pulumi\nconfig = pulumi.Config()\npulumi.export('a', pulumi.Output.secret('b'))",
        "import pulumi as p\nclass A(p.ComponentResource):\n    pass",
        "from pulumi_cloud_elements import ElementInstance",
        "from pulumi import Config, export",
        "import yaml\nimport sibling\nfrom package import thing",
        "try:\n    from provider.stack import declare\nexcept ImportError:\n    pass",
    ],
)
def test_a_program_that_surely_declares_instances_alone(tmp_path, text):
    (tmp_path / "__main__.py").write_text(text)
    (tmp_path / "sibling.py").write_text("import os")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("from . import thing")
    (tmp_path / "package" / "thing.py").write_text("import pulumi")
    assert doubt_of_program(tmp_path / "__main__.py") == ""


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("import pulumi_random", "imports 'pulumi_random'"),
        ("import pulumi\npulumi.dynamic", "uses 'pulumi.dynamic'"),
        ("import pulumi as p\np.CustomResource('a', 'b')", "uses 'pulumi.CustomResource'"),
        ("from pulumi import dynamic", "uses 'pulumi.dynamic'"),
        ("from pulumi import *", "uses 'pulumi.*'"),
        ("import pulumi.dynamic", "uses 'pulumi.dynamic'"),
        ("import pulumi\nf(pulumi)", "uses 'pulumi.*'"),
        ("import pulumi\npulumi.ComponentResource('a', 'b', {}, remote=True)", "pulumi.remote"),
        ("import importlib", "runs code by 'importlib'"),
        ("exec('import pulumi_random')", "runs code by 'exec'"),
        ("import nobody_knows_this", "imports 'nobody_knows_this'"),
        ("import sibling", "sibling.py imports 'pulumi_random'"),
        ("from package import thing", "thing.py imports 'pulumi_random'"),
        ("def broken(", "can't be read as a Python program"),
        ("def f():\n    import pulumi_random", "imports 'pulumi_random'"),
    ],
)
def test_a_program_that_may_declare_others(tmp_path, text, doubt):
    (tmp_path / "__main__.py").write_text(text)
    (tmp_path / "sibling.py").write_text("import pulumi_random")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "thing.py").write_text("from pulumi_random import RandomPet")
    assert doubt in doubt_of_program(tmp_path / "__main__.py")


def test_no_python_program_may_declare_others(tmp_path):
    assert "can't be read" in doubt_of_program(tmp_path / "__main__.py")


@pytest.mark.parametrize("program", [".", "examples/program", "examples/sharding"])
def test_our_own_programs_declare_instances_alone(program):
    assert doubt_of_program(ROOT / program / "__main__.py") == ""


OURS = {"type": "cloud-elements:ElementInstance", "properties": {"elementKey": "x"}}


def yaml_program(folder, name="Pulumi.yaml", **more):
    program = {"name": "p", "runtime": "yaml", "resources": {"one": OURS}} | more
    (folder / name).write_text(json.dumps(program))  # which is YAML too
    return folder


@pytest.mark.parametrize(
    "resources",
    [
        {},
        {"a": OURS, "b": OURS | {"type": "cloud-elements:index:ElementInstance"}},
        {"a": {"type": "pulumi:providers:cloud-elements"}},
        {"a": {"type": "pulumi:pulumi:StackReference"}},
    ],
)
def test_a_yaml_program_that_surely_declares_instances_alone(tmp_path, resources):
    assert doubt_of_yaml(yaml_program(tmp_path, resources=resources)) == ""


@pytest.mark.parametrize(
    ("more", "doubt"),
    [
        ({"resources": {"a": OURS, "b": {"type": "random:RandomPet"}}}, "a 'random:RandomPet'"),
        ({"resources": {"a": {"type": "my-cloud-elements:ElementInstance"}}}, "declares a 'my-"),
        ({"Resources": {"b": {"type": "random:RandomPet"}}}, "declares a 'random:RandomPet'"),
        ({"resources": {"a": {"properties": {}}}}, "can't be read"),
        ({"resources": ["a"]}, "can't be read"),
        ({"runtime": {"name": "yaml", "options": {"compiler": "cue"}}}, "another program writes"),
    ],
)
def test_a_yaml_program_that_may_declare_others(tmp_path, more, doubt):
    assert doubt in doubt_of_yaml(yaml_program(tmp_path, **more))


def test_the_file_that_the_yaml_host_reads_first_is_the_program(tmp_path):
    yaml_program(tmp_path)
    yaml_program(tmp_path, "Main.yaml", resources={"b": {"type": "random:RandomPet"}})
    assert doubt_of_yaml(tmp_path) == "Main.yaml declares a 'random:RandomPet'"


def test_yaml_that_is_none_or_not_there_leaves_a_doubt(tmp_path):
    assert "Pulumi.yaml can't be read" in doubt_of_yaml(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("a: [")
    assert "Pulumi.yaml can't be read" in doubt_of_yaml(tmp_path)


def test_the_example_in_yaml_declares_instances_alone():
    assert doubt_of_yaml(ROOT / "examples" / "yaml") == ""
