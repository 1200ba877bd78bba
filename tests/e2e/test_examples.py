"""`examples/`: each as its page tells, by the real engine against a sandbox."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(new_project):
    """Return a function that makes a project of an example as it stands in a clone."""

    def make(name, backend=None):
        project = new_project(stack="unused")
        folder = project.folder / "examples" / name
        shutil.copytree(EXAMPLES / name, folder)
        project.folder = folder  # where its commands run from now on
        here = Path(sys.executable).parent  # as in an environment that is activated
        project.env["PATH"] = f"{here}{os.pathsep}{project.env['PATH']}"
        project.env["PULUMI_BACKEND_URL"] = backend or project.env["PULUMI_BACKEND_URL"]
        project.init("dev")
        return project

    return make


def named(sandbox):
    return {one["name"]: one for one in sandbox.instances()}


def test_program(new_project, sandbox):
    """A component makes both of a customer's instances, one after the other."""
    project = new_project(program=(EXAMPLES / "program" / "__main__.py").read_text())
    for key in ("acmeDeskPassword", "acmeShopPassword"):
        project.config_set(key, f"{key}-4711", secret=True)

    project.up()

    desk, shop = sandbox.instances()
    assert (desk["name"], shop["name"]) == ("acme-desk", "acme-shop")
    assert shop["configuration"]["password"] == "acmeShopPassword-4711"
    assert project.outputs(show_secrets=True)["acmeDeskToken"] == desk["token"]
    assert "-4711" not in project.everything_said()


def test_customers(example, sandbox):
    """Rows become instances; a new row, a changed one and a removed one touch no other."""
    project = example("customers")
    for name in ("acme", "birch", "cobalt", "dune"):
        project.config_set(f"passwords.{name}", f"{name}-4711", secret=True, path=True)
    project.up()
    first = named(sandbox)
    assert {name: one["disabled"] for name, one in first.items()} == {
        "acme": False,
        "birch": False,
        "cobalt": True,
    }
    assert first["birch"]["configuration"]["password"] == "birch-4711"

    table = project.folder / "customers.csv"
    table.write_text("customer,subdomain,active\ndune,dune,yes\ncobalt,cobalt,yes\nacme,acme,yes\n")
    project.up()

    second = named(sandbox)
    assert set(second) == {"acme", "cobalt", "dune"}
    assert second["acme"]["id"] == first["acme"]["id"]
    assert second["cobalt"]["id"] == first["cobalt"]["id"]
    assert second["cobalt"]["disabled"] is False
    assert sandbox.counters()["creates"] == 4
    assert "-4711" not in project.everything_said()

    table.write_text("customer,subdomain,active\nacme,a,yes\nacme,b,yes\n")
    assert "names a customer twice" in project.preview(expect=1).stdout


def test_stack_reference(new_project, example, sandbox):
    """Another project's stack has the token, as a secret."""
    keeper = new_project(stack="prod")
    keeper.config_set("cloud-elements:instances.desk.element", "freshservice", path=True)
    for key, value in (("subdomain", "acme"), ("username", "integration"), ("password", "p-4711")):
        path = f"cloud-elements:instances.desk.configuration.{key}"
        keeper.config_set(path, value, secret=key == "password", path=True)
    keeper.up()
    reader = example("stack-reference", backend=keeper.env["PULUMI_BACKEND_URL"])
    reader.config_set("instances", "organization/cloud-elements/prod")

    reader.up()

    [desk] = sandbox.instances()
    shown = reader.outputs(show_secrets=True)["environment"]
    assert shown == {"DESK_ID": str(desk["id"]), "DESK_TOKEN": desk["token"]}
    assert desk["token"] not in reader.everything_said()


def test_mocks():
    """Its tests pass with no engine on the PATH, no home and no settings of ours."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_program.py"],
        cwd=EXAMPLES / "mocks",
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
