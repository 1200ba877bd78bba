"""A project made from the template, and a stack that moves to it, by the real engine."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.server import OLD_NAME, PROVIDER
from tests.package.conftest import run
from tools.engine import ensure_engine
from tools.pulumi_project import Project
from tools.release import uv

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "templates" / "element-instances"
ENTRIES = """
  cloud-elements:instances:
    desk:
      element: freshservice
      tags: [TAG]
      configuration: {subdomain: acme, username: ada, password: planted}
"""


@pytest.fixture(scope="session")
def engine():
    """Return the Pulumi engine; it is downloaded or built where there is none."""
    return ensure_engine()


@pytest.fixture
def project(engine, sandbox):
    """Return a copy of the clone, whose `folder` may become another one."""
    environment = {
        "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
        "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
    }
    with Project(engine, environment=environment) as project:
        yield project


@pytest.fixture
def from_template(project, built, locked):
    """Return a function that makes a project from the template, with the built package in it."""

    def made(*flags):
        project.folder = project.home / "shop"
        project.folder.mkdir()
        # The stand-in language host looks for Pulumi's SDK before there is an environment.
        before = project.env["PATH"]
        project.env["PATH"] = f"{Path(sys.executable).parent}:{before}"
        project.run("new", str(TEMPLATE), "--yes", *flags)
        project.env["PATH"] = before
        environment = project.folder / ".venv"
        run(uv(), "venv", "-q", "--python", sys.executable, environment)
        wanted = ("-r", project.folder / "requirements.txt", "--constraints", locked)
        found = ("--find-links", built.wheel.parent)
        run(uv(), "pip", "install", "-q", "--python", environment, *wanted, *found)

    return made


def declare(project, tag="billing"):
    """Write one instance into the stack's file."""
    file = project.stack_file()
    kept = file.read_text().partition("  cloud-elements:instances:")[0].rstrip()
    if "config:" not in kept:
        kept += "\nconfig:"
    file.write_text(kept + ENTRIES.replace("TAG", tag))


def elements(project, *arguments):
    """Run the project's own `elements`; return what it printed."""
    command = [project.folder / ".venv" / "bin" / "elements", *arguments]
    path = f"{Path(project.engine.path).parent}:{project.env['PATH']}"
    environment = project.env | {"PATH": path}
    result = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_project_from_the_template_works_from_start_to_end(project, from_template, sandbox):
    from_template("--name", "shop", "--stack", "dev")
    project.stack = "dev"
    files = {str(path.relative_to(project.folder)) for path in project.folder.rglob("*.*")}
    program = (project.folder / "__main__.py").read_text()
    assert len(program.splitlines()) == 3
    assert "stacks/Pulumi.dev.yaml" in files
    assert "\ntemplate:" not in (project.folder / "Pulumi.yaml").read_text()
    assert "cloud-elements:baseUrl" in project.stack_file().read_text()
    project.config_set("cloud-elements:baseUrl", sandbox.base_url)

    declare(project)
    project.up()
    [made] = sandbox.instances()
    assert made["name"] == "desk"
    project.preview("--expect-no-changes")
    assert "desk" in elements(project, "status", "--stack", "dev")
    project.destroy()
    assert sandbox.instances() == []


def test_a_mistake_in_the_stack_file_is_one_sentence(project, from_template):
    from_template("--name", "shop", "--stack", "dev")
    project.stack = "dev"
    file = project.stack_file()
    file.write_text(file.read_text() + "\n  cloud-elements:instances:\n    desk: {tag: [x]}\n")
    said = project.preview(expect=None).stdout
    assert "cloud-elements:instances.desk.element" in said
    assert "Traceback" not in said


def upgrading():
    """Return the commands of UPGRADING.md that end with a new name in the state, in order."""
    text = (ROOT / "UPGRADING.md").read_text().partition("Left the clone without step 1?")[2]
    return [shlex.split(line) for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE)]


def test_a_stack_of_an_earlier_build_moves_to_the_package_and_back(project, from_template, sandbox):
    """By the steps of UPGRADING.md, without a replacement."""
    project.init("test")
    declare(project)
    project.up()
    with_old_name(project)
    requests = sandbox.counters()["creates"], sandbox.counters()["deletes"]

    clone = project.folder
    said = project.up().stdout
    assert "~ 1 updated" in said
    assert OLD_NAME not in project.export_text()

    from_template("--name", "cloud-elements", "--generate-only")
    shutil.copytree(clone / "stacks", project.folder / "stacks")
    project.select("test")
    project.preview("--expect-no-changes")
    project.refresh("--expect-no-changes")
    declare(project, "support")
    assert "~ 1 updated" in project.up().stdout

    project.folder = clone
    declare(project, "support")
    project.preview("--expect-no-changes")
    [instance] = sandbox.instances()
    assert "support" in instance["tags"]
    assert requests == (sandbox.counters()["creates"], sandbox.counters()["deletes"])
    project.destroy()
    assert sandbox.instances() == []


def test_whoever_left_the_clone_too_early_writes_the_new_name_into_the_state(
    project, from_template, sandbox
):
    """By the commands of UPGRADING.md, where a refresh ends with what it says."""
    from_template("--name", "shop", "--stack", "dev")
    project.stack = "dev"
    declare(project)
    project.up()
    with_old_name(project)
    assert "No module named 'provider'" in project.refresh(expect=None).stdout
    for program, *arguments in upgrading():
        if program == "pulumi":
            project.run(*arguments)
        else:
            run(program, *arguments, folder=project.folder)
    project.refresh("--expect-no-changes")
    project.preview("--expect-no-changes")
    project.destroy()
    assert sandbox.instances() == []


def with_old_name(project):
    """Let the state be one that an earlier build left."""
    text = project.export_text()
    assert PROVIDER in text
    file = project.home / "state.json"
    file.write_text(text.replace(PROVIDER, OLD_NAME))
    project.run("stack", "import", "--file", str(file))
