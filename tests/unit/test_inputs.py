"""What inputs mean: problems, what is stored, what is secret."""

import shutil
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from provider.api.redaction import MASK
from provider.instance import inputs as schema
from provider.instance.inputs import Inputs
from provider.instance.markers import MARKERS, markers
from tools.reference import documented

UNKNOWN = pulumi.output.Unknown()
OURS = markers(organization="o", project="p", stack="s", place="one").tags
DESK = {"element_key": "freshservice", "name": "desk"}


# problems: the table of single mistakes stands in tests/host/test_bad_input.py


def test_every_problem_is_found_at_once_and_none_shows_a_value():
    bag = {
        "name": "<i>hidden-value</i>",
        "tags": ["", "hidden-value\n", 5],
        "configuration": {"": "hidden-value", "a": float("nan"), "b": [{"c": MASK}]},
        "code": "hidden-value ",
        "adopt": "hidden-value",
        "external_authentication": "hidden-value",
        "disabled": "hidden-value",
        "extra": "hidden-value",
    }

    problems = schema.problems(bag)

    assert sorted(problem.split(": ")[0] for problem in problems) == [
        "adopt",
        "code",
        "configuration",
        "configuration.a",
        "configuration.b.0.c",
        "disabled",
        "element_key",
        "external_authentication",
        "extra",
        "name",
        "tags.0",
        "tags.1",
        "tags.2",
    ]
    assert "hidden-value" not in str(problems)


@pytest.mark.parametrize("value", [2**53, -(2.0**53), 10**400, float("inf"), float("nan")])
def test_a_number_that_json_or_the_engine_would_change_is_a_problem(value):
    assert len(schema.problems(DESK | {"configuration": {"a": value}})) == 1


@pytest.mark.parametrize("value", [0, -1.5, 2**53 - 1, True, None, "", "x", [], {"deep": [None]}])
def test_any_other_json_value_is_none(value):
    assert schema.problems(DESK | {"configuration": {"a": value}}) == []


@pytest.mark.parametrize("text", ["1 < 2", "a > b", "R&D", "<3", "x <y", "Müller 日本"])
def test_signs_that_are_no_markup_are_no_problem(text):
    assert schema.problems(DESK | {"name": text, "tags": [text]}) == []


@pytest.mark.parametrize("text", ["<b>x", "x <br/>", "<3>", "1 < 2 > 0", "<>", "a <<b>"])
def test_what_the_platform_may_take_for_markup_is_refused(text):
    (problem,) = schema.problems(DESK | {"name": text})
    assert problem == "name: must not hold markup such as <b>, which the platform removes"


def test_what_is_not_known_yet_is_not_judged():
    bag = {"element_key": UNKNOWN, "name": UNKNOWN, "tags": [UNKNOWN], "configuration": UNKNOWN}
    assert schema.problems(bag) == []
    assert schema.problems(DESK | {"configuration": {"a": UNKNOWN, "b": MASK}}) == [
        (
            f"configuration.b: is the platform's mask {MASK}, not a value; give the real one or "
            "leave it"
        )
    ]


# normalised


def test_normalised_leaves_out_what_is_empty_and_repeated():
    bag = DESK | {
        "tags": ["b", "a", "b"],
        "code": None,
        "configuration": {},
        "disabled": False,
        MARKERS: OURS,
    }

    once = schema.normalised(bag)

    assert once == DESK | {"tags": ["b", "a"], "disabled": False, MARKERS: OURS}
    assert schema.normalised(once) == once


def test_null_counts_as_not_given_in_maps_and_lists():
    """Pulumi takes it out of maps by itself, and leaves it in lists."""
    configuration = {"a": None, "b": [1, None, {"c": None, "d": UNKNOWN}], "e": "", "f": []}
    bag = DESK | {"configuration": configuration, "provider_data": {"x": None}}

    once = schema.normalised(bag)

    assert once["configuration"] == {"b": [1, {"d": UNKNOWN}], "e": "", "f": []}
    assert "provider_data" not in once
    assert schema.nulls_in_values(bag) == [
        "configuration.a",
        "configuration.b.1",
        "configuration.b.2.c",
        "provider_data.x",
    ]
    assert schema.nulls_in_values(once) == []


@pytest.mark.parametrize("tags", [[UNKNOWN, "a", "a"], UNKNOWN, [["a"], ["a"]], "a"])
def test_tags_that_cannot_be_compared_stay_as_they_are(tags):
    assert schema.normalised({"tags": tags})["tags"] == tags


# marked_secret


def marked_paths(value, path=""):
    """Return the paths of the secret values in a bag; nothing may stand inside one."""
    if is_rpc_secret(value):
        assert not isinstance(unwrap_rpc_secret(value), dict | list)
        return {path}
    if isinstance(value, list):
        value = dict(enumerate(value))
    inside = value.items() if isinstance(value, dict) else ()
    return {one for key, item in inside for one in marked_paths(item, f"{path}.{key}".strip("."))}


def test_every_secret_leaf_is_marked_unless_known_to_be_plain():
    bag = DESK | {
        "configuration": {
            "password": "a",
            "oauth.scope": "b",
            "nobody.knows": {"deep": [1, {"deeper": [True, None, {}]}]},
            "listed": "c",
            "listed.password": "d",
            "event.metadata": {"vendor": [{"shown": 1, "password": ["x"]}]},
            "later": UNKNOWN,
            "in.part": {"known": ["g", UNKNOWN], "not": UNKNOWN},
        },
        "code": "e",
        "provider_data": {"realmId": "f", "in": [{"part": UNKNOWN, "known": "g"}]},
    }

    marked = schema.marked_secret(bag, frozenset({"listed", "listed.password"}))

    assert marked_paths(marked) == {
        "configuration.password",
        "configuration.nobody.knows.deep.0",
        "configuration.nobody.knows.deep.1.deeper.0",
        "configuration.listed.password",
        "configuration.event.metadata.vendor.0.password.0",
        "configuration.in.part.known.0",
        "code",
        "provider_data.realmId",
        "provider_data.in.0.known",
    }
    assert marked["configuration"]["later"] is UNKNOWN
    in_part = marked["configuration"]["in.part"]
    assert in_part["known"][1] is in_part["not"] is UNKNOWN


# policies


def test_policies_stand_on_the_fields():
    assert schema.fields_with(replaces=True) == ("element_key",)
    assert schema.fields_with(secret=True) == ("code", "provider_data")


def test_every_input_has_a_description():
    assert {*documented(Inputs), "markers"} == {*Inputs.model_fields}


NEW_INPUT = {
    "provider/instance/inputs.py": (
        "class Inputs(Declared):",
        """    region: Annotated[
        StrictStr | None, Policy(write_only=True, request="region")
    ] = None
    \'\'\'Where the platform keeps it.\'\'\'


""",
    ),
    "provider/resource.py": (
        "        opts: pulumi.ResourceOptions | None = None,\n    ) -> None:",
        "        region: pulumi.Input[str] | None = None,\n",
    ),
}
"""What an input that goes into the create request needs, before which line of which file."""
TRY_IT = """
from provider import ElementInstance
from provider.instance.desired import Desired
from provider.instance.inputs import inputs_of
from provider.declarations import inputs, parse
import inspect
from tools.reference import page
entry = parse({"desk": {"element": "freshservice", "region": "eu"}})["desk"]
assert Desired.of(inputs_of(inputs("desk", entry))).create_request()["region"] == "eu"
assert "region" in inspect.signature(ElementInstance).parameters
assert page("reference.md").count("| `region` | Where the platform keeps it. |") == 2
"""


def test_a_new_input_touches_three_files_at_most(tmp_path):
    root = Path(__file__).parents[2]
    for name in ("provider", "sandbox", "tools", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "go")
        shutil.copytree(root / name, tmp_path / name, ignore=ignored)
    for name, (line, text) in NEW_INPUT.items():
        path = tmp_path / name
        before, mark, after = path.read_text(encoding="utf-8").partition(line)
        path.write_text(before.rstrip("\n ") + "\n" + text + mark + after, encoding="utf-8")
        assert mark

    result = subprocess.run(
        [sys.executable, "-c", TRY_IT], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert len(NEW_INPUT) <= 3
