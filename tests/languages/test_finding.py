"""How the engine finds the provider: each row of the table in docs/native.md."""

import json
import re
import sys
from pathlib import Path

import pytest

from tools import languages

BIN = Path(sys.executable).parent
TABLE = re.compile(r"## Finding it\n.*?\n\n(\|.*?)\n\n", re.DOTALL)


def by_path(file, _project, _run):
    """Leave the example as it is: it names the environment's folder of executables."""
    assert "path: ../../.venv/bin" in file.read_text()


def by_folder(file, _project, _run):
    """Name the folder with PulumiPlugin.yaml."""
    file.write_text(file.read_text().replace("../../.venv/bin", "../../plugin"))


def without_path(file):
    text = file.read_text()
    file.write_text(text[: text.index("plugins:")] + text[text.index("config:") :])


def by_installing(file, _project, run):
    """Put a launcher where the engine looks."""
    without_path(file)
    run(BIN / "elements", "plugin", "install")


def by_search_path(file, project, _run):
    """Put the environment's executables on PATH."""
    without_path(file)
    project.env["PATH"] = f"{BIN}:{project.env['PATH']}"


WAYS = {
    "`plugins: providers: path` to the executable's folder": by_path,
    "`plugins: providers: path` to `plugin/`": by_folder,
    "`elements plugin install`": by_installing,
    "the executable on `PATH`": by_search_path,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=[way.__name__ for way in WAYS.values()])
def test_the_engine_finds_it(way, project, yaml_program, run, sandbox):
    way(yaml_program, project, run)

    result = project.up()

    assert len(sandbox.instances()) == 1
    warned = "using pulumi-resource-cloud-elements from $PATH" in result.stdout + result.stderr
    assert warned == (way is by_search_path), "as the table tells"
    project.destroy()


def test_the_table_has_each_way():
    rows = TABLE.search((languages.ROOT / "docs" / "native.md").read_text())[1].splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [*WAYS, "`pulumi package add`"]


PACKAGES = ["../../plugin", str(BIN / "pulumi-resource-cloud-elements"), "cloud-elements"]
"""What `pulumi package` takes; the name alone once the launcher is installed."""


@pytest.mark.parametrize("package", PACKAGES)
def test_pulumi_knows_it_as_a_package(package, project, example, run):
    example("yaml")
    if package == "cloud-elements":
        run(BIN / "elements", "plugin", "install")

    schema = json.loads(project.run("package", "get-schema", package).stdout)

    expected = json.loads(languages.SCHEMA.read_bytes())
    assert schema["resources"].keys() == expected["resources"].keys()
    assert schema["version"] == expected["version"]


def test_package_add_writes_the_sdk(project, example):
    """It makes the SDK; to link it the YAML host of 1.25.0 has not learned yet."""
    folder = example("yaml")

    result = project.run("package", "add", "../../plugin", expect=None)

    assert "Successfully generated an SDK" in result.stdout
    [written] = (folder / "sdks").rglob("*.yaml")
    assert "cloud-elements" in written.read_text()


@pytest.fixture
def of_another_version(project):
    """Return a project whose program's SDK has a version that never was."""
    project.write_program(
        "import pulumi\n"
        "import pulumi_cloud_elements_native as cloud_elements\n"
        "desk = {'subdomain': 'acme', 'username': 'integration', 'password': 'x'}\n"
        "opts = pulumi.ResourceOptions(version='0.0.7')\n"
        "cloud_elements.ElementInstance(\n"
        "    'desk', element_key='freshservice', configuration=desk, opts=opts\n"
        ")\n"
    )
    project.init("dev")
    return project


def test_an_installed_one_has_to_have_the_sdks_version(of_another_version, installed, sandbox):
    said = of_another_version.preview(expect=None)

    assert said.code not in (0, None)
    assert "resource plugin 'pulumi-resource-cloud-elements' at version v0.0.7" in said.stdout
    assert "Traceback" not in said.stdout + said.stderr
    assert sandbox.counters()["creates"] == 0


def test_one_that_is_named_by_its_path_may_have_any(of_another_version):
    file = of_another_version.folder / "Pulumi.yaml"
    plugins = f"plugins: {{providers: [{{name: cloud-elements, path: {BIN}}}]}}"
    file.write_text(f"{file.read_text()}\n{plugins}\n")

    of_another_version.preview()


def test_one_on_the_search_path_may_have_any(of_another_version):
    of_another_version.env["PATH"] = f"{BIN}:{of_another_version.env['PATH']}"

    of_another_version.preview()
