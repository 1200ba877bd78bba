"""Programs in other languages: the real engine, their real SDKs, a sandbox."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Sandbox
from tools.engine import ensure_engine
from tools.languages import with_yaml
from tools.pulumi_project import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine():
    """Return the Pulumi engine, with a host for YAML programs."""
    return with_yaml(ensure_engine())


@pytest.fixture
def password():
    """Return the secret that every example takes."""
    return "the-password-of-the-desk-4471"


@pytest.fixture
def sandbox():
    """Run a sandbox for one test."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def project(engine, sandbox, password):
    """Return a throw-away project; `example` puts its commands into an example's folder.

    The environment is an activated one: the stand-in language host finds its Python by it.
    """
    environment = {
        "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
        "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        "DESK_PASSWORD": password,
        "VIRTUAL_ENV": sys.prefix,
    }
    with Project(engine, environment=environment) as project:
        yield project


@pytest.fixture
def example(project):
    """Return a function that copies an example, as it stands in a clone, and works there."""

    def choose(name):
        top = project.home / "project"
        project.folder = top / "examples" / name
        ignored = shutil.ignore_patterns("node_modules", "*.js")
        shutil.copytree(ROOT / "examples" / name, project.folder, ignore=ignored)
        (top / "plugin").symlink_to(ROOT / "plugin")
        return project.folder

    return choose


@pytest.fixture
def run(project):
    """Return a function that runs a command in the project's folder, and gives what it said."""

    def run(*command, expect=0, **environment):
        done = subprocess.run(
            [*map(str, command)],
            cwd=project.folder,
            env=project.env | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == expect, said
        project.hear(said)
        return said

    return run


@pytest.fixture
def installed(run):
    """Put the native provider where the engine looks, as a user does."""
    run(Path(sys.executable).with_name("elements"), "plugin", "install")


@pytest.fixture
def yaml_program(project, example, password):
    """Return the file of `examples/yaml`, whose stack is ready."""
    file = example("yaml") / "Pulumi.yaml"
    project.init("dev")
    project.config_set("password", password, secret=True)
    return file


@pytest.fixture
def hidden(project, sandbox, password):
    """Return a function that looks for secrets in all that was said and stored."""
    known = {password, sandbox.user_secret, sandbox.organization_secret}

    def look():
        known.update(one["token"] for one in sandbox.instances())
        said = project.everything_said()
        assert not [secret for secret in known if secret in said]

    return look
