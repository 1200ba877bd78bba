"""`examples/pipelines/shards`: what its CI system reads, and a job for each shard does its part."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from provider.shards import shard_of
from tests.pipelines.machines import GitHub, GitLab
from tests.pipelines.test_pipelines import (  # noqa: F401 - fixtures
    DESK,
    FOLDER,
    SCHEMAS,
    clean,
    engine,
    machines,
    place,
    repository,
    sandbox,
    team,
    wheels,
)

SHARDS = FOLDER / "shards"
NAMES = ["acme", "harbour", "iris"]


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("github-actions", "github-actions"),
        ("gitlab-ci", "gitlab-ci"),
        ("gitlab-shard", "gitlab-ci"),
    ],
)
def test_the_schema_of_its_ci_system_takes_it(file, schema):
    command = ["-m", "check_jsonschema", "--builtin-schema", *SCHEMAS[schema]]
    done = subprocess.run(
        [sys.executable, *command, SHARDS / f"{file}.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def test_every_file_is_tried():
    assert {path.stem for path in SHARDS.iterdir()} == {
        "github-actions",
        "gitlab-ci",
        "gitlab-shard",
    }


def by_github(team):  # noqa: F811
    """Run the workflow: the matrix, then a job for each of its shards; return these."""
    system = GitHub(SHARDS / "github-actions.yml", team.place)
    workflow = system.workflow
    known = {"github.run_id": "1", "github.run_attempt": "1"}
    first, last = workflow["jobs"]["shards"], workflow["jobs"]["up"]
    first |= {"environment": "prod", "env": workflow["env"]}
    assert system.job(first, known), team.place.said
    [matrix] = [value for name, value in known.items() if name.endswith("outputs.matrix")]
    assert last["strategy"]["matrix"] == "${{ fromJSON(needs.shards.outputs.matrix) }}"
    last["env"] = workflow["env"] | last["env"]
    shards = json.loads(matrix)["shard"]
    for shard in shards:
        assert system.job(last, known | {"matrix.shard": shard}), team.place.said
    return shards


def by_gitlab(team):  # noqa: F811
    """Run the pipeline, then the child pipeline that it makes; return its shards."""
    system = GitLab(SHARDS / "gitlab-ci.yml", team.place)
    first = system.pipeline["shards"] | {"environment": "prod"}
    trigger = system.pipeline["up"]["trigger"]["include"]
    assert trigger == [{"artifact": "shards.yml", "job": "shards"}]
    no_cache = {"key": "none", "paths": ["none"], "policy": "pull"}
    assert system.job(first | {"cache": no_cache}, {}), team.place.said
    child = yaml.safe_load((team.place.machines / "machine" / "clone" / "shards.yml").read_text())
    assert child.pop("include") == [{"local": ".gitlab/shard.yml"}]
    system.pipeline = child | yaml.safe_load((SHARDS / "gitlab-shard.yml").read_text())
    for job in child:
        assert system.job(system.extended(job), {"STACK": "prod"}), team.place.said
    return [int(one["variables"]["SHARD"]) for one in child.values()]


@pytest.mark.parametrize(("name", "run"), [("github-actions", by_github), ("gitlab-ci", by_gitlab)])
def test_each_shard_is_a_job(name, run, team):  # noqa: F811
    """On a machine of its own, which makes its stack, and nothing of another shard."""
    if name == "gitlab-ci":
        team.use_a_key()
    options = ["--secrets-provider=hashivault://pulumi"] if name == "gitlab-ci" else []
    entries = "".join(DESK.replace("desk:", f"{one}:") for one in NAMES)
    team.declare("prod", entries, *options)
    file = team.place.repository / "stacks" / "Pulumi.prod.yaml"
    text = file.read_text().replace("config:\n", "config:\n  cloud-elements:shards: 2\n")
    file.write_text(text)

    assert run(team) == [1, 2]

    assert sorted(one["name"] for one in team.sandbox.instances()) == NAMES
    assert {one["configuration"]["password"] for one in team.sandbox.instances()} == {"pass-4711"}
    assert team.sandbox.counters()["creates"] == len(NAMES)
    for shard in (1, 2):
        state = team.pulumi("stack", "export", "--stack", f"prod-shard-{shard}")
        here = {one for one in NAMES if f"ElementInstance::{one}" in state}
        assert here == {one for one in NAMES if shard_of(one, 2) == shard}
    assert "pass-4711" not in team.place.said
