"""What `make dist` makes beside the wheel and the sdist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import release

ROOT = Path(__file__).parents[2]


def component(name="odd", **told):
    return {"name": name, "version": "1", **told}


def test_a_release_has_its_bill_and_the_licence_of_every_package(tmp_path, locked):
    command = [sys.executable, "-m", "tools.release", "--into", tmp_path]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

    sbom = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert sbom["metadata"]["component"]["version"] == release.version()
    listed = {one["purl"].removeprefix("pkg:pypi/") for one in sbom["components"]}
    versions = dict(re.findall(r"^([\w.-]+)==([\w.]+)", locked.read_text(), re.MULTILINE))
    assert listed <= {f"{name}@{number}" for name, number in versions.items()}
    names = {one.partition("@")[0] for one in listed}
    assert names >= {"pulumi", "httpx", "pydantic", "typer", "rich", "yaml-edit", "starlette"}
    assert not names & {"pytest", "mypy", "ruff", "hatchling"}
    assert str(tmp_path) not in json.dumps(sbom)
    table = (tmp_path / "LICENCES.md").read_text()
    assert table.count("\n| ") == len(listed) + 2
    assert re.search(r"^\| pulumi \| [\d.]+ \| Apache-2.0 \|$", table, re.MULTILINE)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([{"license": {"id": "AGPL-3.0-only"}}], r"odd \(AGPL-3.0-only\)"),
        ([{"expression": "MIT AND GPL-2.0-only"}], r"odd \(MIT AND GPL-2.0-only\)"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "SSPL-1.0"}}], r"odd \(MIT AND SSPL-1.0"),
        ([{"license": {"name": "my own"}}], r"odd \(no name\)"),
        ([], r"odd \(no name\)"),
    ],
)
def test_a_licence_that_nobody_has_looked_at_ends_it(told, said):
    right = component("fine", licenses=[{"license": {"id": "MIT"}}])
    assert release.licences({"components": [right]}) == {("fine", "1"): "MIT"}
    with pytest.raises(release.ReleaseError, match=said):
        release.licences({"components": [right, component(licenses=told)]})


def test_a_release_keeps_what_it_stores(monkeypatch):
    """Every later version reads it."""
    release.look_for_states()
    monkeypatch.setattr(release, "version", lambda: "0.0.0")
    with pytest.raises(release.ReleaseError, match=r"> tests/states/0\.0\.0\.json"):
        release.look_for_states()
