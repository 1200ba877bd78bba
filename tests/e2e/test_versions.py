"""What differs between the versions of the engine, as docs/pulumi.md tells it; the rest agrees."""

import re

import pytest

pytestmark = pytest.mark.older

DESK = (
    '"freshservice", configuration={"subdomain": "acme", "username": "ada", "password": "hunter2"}'
)
REFUSED = {
    "check": 'ElementInstance("desk", "freshservice", configuration={"subdomain": "acme"})',
    "create": f'ElementInstance("desk", {DESK})',
}
DELETED_WITH = f"""
import pulumi
from provider import ElementInstance

other = ElementInstance("other", {DESK})
options = pulumi.ResourceOptions(deleted_with=other)
ElementInstance("desk", {DESK}, opts=options)
"""


@pytest.fixture
def older(engine):
    """Tell whether it is the older of the two."""
    return engine.version.startswith("v3.259")


@pytest.mark.parametrize("verb", REFUSED)
def test_a_refusal_is_told_once_beside_what_the_engine_adds(new_project, sandbox, older, verb):
    sandbox.add_fault("status", method="POST", path="/instances", status="400")
    project = new_project(program=f"from provider import ElementInstance\n{REFUSED[verb]}\n")

    said = project.up(expect=1).stdout

    _, told = said.split("Diagnostics:")
    errors = re.findall("error: (.*)", told)
    ours = {"check": "configuration.username: is required", "create": "could not create element"}
    assert sum(ours[verb] in error for error in errors) == 1
    assert ("Resource monitor has terminated, shutting down" in errors) is not older
    counted = 1 if older and verb == "check" else 2
    assert f"{counted} errored" in told


def test_what_deleted_with_forgets_stays_on_the_platform(new_project, sandbox, older):
    project = new_project(program=DELETED_WITH)
    project.up()
    project.preview()
    before = {one["name"]: one["id"] for one in sandbox.instances()}
    kind = "pulumi-python:dynamic/cloud-elements:ElementInstance"

    project.up("--replace", f"urn:pulumi:test::cloud-elements::{kind}::other")

    ids = [one["id"] for one in sandbox.instances() if one["name"] == "desk"]
    assert (ids == [before["desk"]]) is older
    assert before["desk"] in ids
    project.destroy()
    assert [one["id"] for one in sandbox.instances()] == ids
