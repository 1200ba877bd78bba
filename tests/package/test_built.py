"""What is in the wheel and the sdist, and what is not."""

import subprocess
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION = PROJECT["version"]


def modules(folder, name):
    """Return the files of a folder of this clone, by their place in the package."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {f"{name}/{Path(file).relative_to(folder)}" for file in listed.stdout.splitlines()}


def test_the_wheel_has_what_it_is_called_after_and_all_of_it(built):
    """Nothing called `provider` or `sandbox` lands in a user's environment."""
    code = modules("provider", "pulumi_cloud_elements")
    code |= modules("sandbox", "pulumi_cloud_elements/sandbox")
    code |= modules("sdk/python/pulumi_cloud_elements_native", "pulumi_cloud_elements_native")
    inside = {name for name in built.files if ".dist-info/" not in name}
    assert inside == code
    assert "pulumi_cloud_elements/py.typed" in inside


def test_the_wheel_tells_what_it_is(built):
    with zipfile.ZipFile(built.wheel) as archive:
        folder = f"pulumi_cloud_elements-{VERSION}.dist-info"
        told = message_from_string(archive.read(f"{folder}/METADATA").decode())
        scripts = archive.read(f"{folder}/entry_points.txt").decode()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert (told["Name"], told["Version"]) == ("pulumi-cloud-elements", VERSION)
    assert told["License-Expression"] == "Apache-2.0"
    assert "Apache License" in licence
    assert "elements = pulumi_cloud_elements.__main__:main" in scripts
    demanded = told.get_all("Requires-Dist")
    always = {one for one in demanded if "extra ==" not in one}
    assert not [one for one in always if one.startswith(("starlette", "uvicorn"))]
    assert told.get_all("Provides-Extra") == ["sandbox"]


def test_the_sdist_has_the_code_the_documents_and_no_stack(built):
    with tarfile.open(built.sdist) as archive:
        prefix = f"pulumi_cloud_elements-{VERSION}/"
        inside = {name.removeprefix(prefix) for name in archive.getnames()}
    code = modules("provider", "provider") | modules("sandbox", "sandbox")
    assert code <= inside
    assert {"LICENSE", "README.md", "CHANGELOG.md", "UPGRADING.md", "pyproject.toml"} <= inside
    assert {name.split("/")[0] for name in inside} & {"stacks", "tests", ".venv", ".git"} == set()


def test_the_changelog_and_the_upgrade_guide_know_the_version():
    minor = VERSION.rpartition(".")[0]
    assert f" to {minor}\n" in (ROOT / "UPGRADING.md").read_text()
