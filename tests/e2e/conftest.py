"""The real engine, a sandbox, and throw-away projects that join the two."""

import pytest

from sandbox import Sandbox
from tools.engine import ensure_engine
from tools.pulumi_project import Project


@pytest.fixture(scope="session")
def engine():
    """Return the Pulumi engine; it is downloaded or built where there is none."""
    return ensure_engine()


@pytest.fixture
def sandbox():
    """Run a sandbox for one test."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def reach(sandbox):
    """Return the environment that leads the provider to the sandbox."""
    return {
        "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
        "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
    }


@pytest.fixture
def new_project(engine, reach):
    """Return a function that makes throw-away projects, each with a stack called `test`.

    `new_project(program=text, environment={...}, stack="test", manifest=text)`; without `program`
    and `manifest` they are this project's own. The environment leads to the `sandbox` fixture
    unless it says otherwise.
    """
    projects = []

    def make(program=None, environment=None, stack="test", manifest=None):
        environment = reach | (environment or {})
        project = Project(engine, program=program, manifest=manifest, environment=environment)
        projects.append(project)
        project.init(stack)
        return project

    yield make
    for project in projects:
        project.close()


@pytest.fixture
def project(new_project):
    """Return this project as a throw-away copy, its `test` stack created, the sandbox reachable."""
    return new_project()
