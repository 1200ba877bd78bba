"""Builds a release: `python -m tools.release` puts all of it into `dist/`.

The sdist, and from it the wheel; `sbom.cdx.json`, every package that the wheel brings along, in the
locked versions; and `LICENCES.md`, the licence of each. A licence that is not known to let anybody
use and pass on this package ends it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# Reads what is installed, licences included; `uv export --format cyclonedx1.5` knows no licence.
CYCLONEDX = "cyclonedx-bom==7.5.0"
LICENCES = {
    "Apache-2.0",
    "Apache-2.0 OR BSD-2-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MPL-2.0",
    "PSF-2.0",
}
TOLD_ELSEWHERE = {"googleapis-common-protos": "Apache-2.0", "protobuf": "BSD-3-Clause"}
"""Packages whose metadata name no licence by its identifier; see their LICENSE files."""


class ReleaseError(Exception):
    """Something that a release needs is missing; the text says what."""


def uv() -> str:
    """Return the uv that `make` uses."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    own = cache / "cloud-elements" / "uv" / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found is None:
        message = "uv is missing: run `make install`"
        raise ReleaseError(message)
    return found


def run(*command: str | Path) -> str:
    """Run a command in this clone; return what it printed.

    Raises:
        ReleaseError: It failed.
    """
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        message = f"{' '.join(words)} ended with {result.returncode}:\n{result.stderr}"
        raise ReleaseError(message)
    return result.stdout


def version() -> str:
    """Return the version of this clone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def look_for_states() -> None:
    """Make sure that what this version stores is kept for later ones.

    Raises:
        ReleaseError: It is not.
    """
    kept = Path("tests", "states", f"{version()}.json")
    if not (ROOT / kept).exists():
        message = f"what this version stores is not kept: python -m tools.stored_states > {kept}"
        raise ReleaseError(message)


def build(into: Path) -> Path:
    """Build the sdist, and from it the wheel; return the wheel."""
    run(uv(), "build", "--quiet", "--out-dir", into)
    return into / f"pulumi_cloud_elements-{version()}-py3-none-any.whl"


def bill(wheel: Path) -> dict[str, Any]:
    """Return the CycloneDX bill of what a wheel and its extras bring along, in locked versions."""
    with tempfile.TemporaryDirectory() as folder:
        environment, locked = Path(folder, "venv"), Path(folder, "locked.txt")
        run(uv(), "export", "-q", "--frozen", "--no-emit-project", "--no-hashes", "-o", locked)
        run(uv(), "venv", "-q", "--python", sys.executable, environment)
        wanted = ("--constraints", locked, f"{wheel}[sandbox]")
        run(uv(), "pip", "install", "-q", "--python", environment, *wanted)
        what = ("--mc-type", "library", "--pyproject", ROOT / "pyproject.toml")
        python = environment / "bin" / "python"
        command = ("cyclonedx-py", "environment", "--output-reproducible", *what, python)
        found: dict[str, Any] = json.loads(
            run(uv(), "tool", "run", "-q", "--from", CYCLONEDX, *command)
        )
    own = found["metadata"]["component"]["name"]
    found["components"] = [one for one in found["components"] if one["name"] != own]
    return found


def licences(sbom: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the licence of each package, by its name and version.

    Raises:
        ReleaseError: A licence is not known to be one of `LICENCES`.
    """
    found = {}
    for one in sbom["components"]:
        told = [
            licence.get("expression") or licence["license"].get("id")
            for licence in one.get("licenses", ())
        ]
        known = [name for name in told if name] or [TOLD_ELSEWHERE.get(one["name"], "")]
        found[one["name"], one["version"]] = " AND ".join(sorted(set(known)))
    if odd := {name: told for (name, _), told in found.items() if told not in LICENCES}:
        listed = ", ".join(f"{name} ({told or 'no name'})" for name, told in sorted(odd.items()))
        message = f"licences that nobody has looked at: {listed}; see tools/release.py"
        raise ReleaseError(message)
    return found


def as_markdown(found: dict[tuple[str, str], str]) -> str:
    """Return licences as a table."""
    rows = [f"| {name} | {number} | {licence} |" for (name, number), licence in found.items()]
    head = [f"# Licences of what pulumi-cloud-elements {version()} brings along", ""]
    table = ["| Package | Version | Licence |", "| --- | --- | --- |", *sorted(rows, key=str.lower)]
    return "\n".join([*head, *table, ""])


def main() -> int:
    """Build everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="folder; dist")
    into = parser.parse_args().into.resolve()
    try:
        look_for_states()
        wheel = build(into)
        sbom = bill(wheel)
        table = as_markdown(licences(sbom))
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    (into / "sbom.cdx.json").write_text(json.dumps(sbom, indent=1) + "\n", encoding="utf-8")
    (into / "LICENCES.md").write_text(table, encoding="utf-8")
    print(f"{version()}: {wheel.name}, its sdist, sbom.cdx.json and LICENCES.md are in {into}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
