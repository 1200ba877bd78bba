"""`elements status` and `elements sweep` where the address in use is not the stack's."""

from __future__ import annotations

import json

import httpx
import pytest

from provider.cli.backend import Backend
from provider.cli.state import Kept, State
from sandbox import Sandbox

STACK = """
desk:
  element: freshservice
  configuration: {subdomain: acme, username: me, password: desk-password-7731}
mail:
  element: sendgrid
  configuration: {api.token: mail-token-7731}
"""


@pytest.fixture
def abroad():
    """Another platform."""
    with Sandbox() as sandbox:
        yield sandbox


def leads_to(place, address):
    """Have the environment lead to an address."""
    place.setenv("CLOUD_ELEMENTS_BASE_URL", address)
    return address


def rows(said):
    return {row["name"]: row for row in json.loads(said.stdout)["instances"]}


def make(sandbox, **fields):
    """Make an instance past everything."""
    secrets = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    body = {"element": {"key": "closeio"}, "name": "n", "configuration": {"username": "k"}} | fields
    httpx.post(
        f"{sandbox.base_url}/instances", json=body, headers={"Authorization": secrets}
    ).raise_for_status()


def test_at_another_platform_status_names_both_and_sweep_deletes_nothing(deployed, up_with, abroad):
    """Neither "drifted" nor "gone": the instances are where they were."""
    up_with(STACK)
    home = deployed.sandbox.base_url
    (marker,) = {tag for one in deployed.sandbox.instances() for tag in one["tags"][:1]}
    make(abroad)  # the first id is somebody else's
    left = {"element": {"key": "closeio"}, "name": "of a namesake", "tags": [marker]}
    make(abroad)
    make(abroad, **left)
    leads_to(deployed, abroad.base_url)
    before = abroad.instances()

    for declared in (STACK, "desk" + STACK.partition("desk")[2].partition("mail:")[0]):
        deployed.declare(declared)
        said = deployed.elements("status", "--json")
        assert said.code == 3
        found = rows(said)
        for name in ("desk", "mail"):
            assert found[name]["standing"] == "other platform"
            what = found[name]["what"]
            assert f"it belongs to {home}, and at {abroad.base_url} " in what
            assert what.endswith(f" to {home}") or "pulumi state delete" in what

    for arguments in (["--stack", "test"], ["--marker", marker]):
        said = deployed.elements("sweep", *arguments, "--yes")
        assert said.code == 1
        assert f"it belongs to {home}, and at {abroad.base_url} there is nothing" in said.stderr
    assert abroad.instances() == before


def test_at_another_address_of_the_same_platform_both_work(deployed, up_with):
    up_with(STACK)
    (marker,) = {tag for one in deployed.sandbox.instances() for tag in one["tags"][:1]}
    make(deployed.sandbox, name="left", tags=[marker])
    leads_to(deployed, deployed.sandbox.base_url.replace("127.0.0.1", "localhost"))

    found = rows(deployed.elements("status", "--json"))
    assert {name: row["standing"] for name, row in found.items()} == {
        "desk": "ok",
        "mail": "ok",
        "left": "left over",
    }
    said = deployed.elements("sweep", "--stack", "test", "--yes")
    assert said.code == 0, said.stderr
    assert {one["name"] for one in deployed.sandbox.instances()} == {"desk", "mail"}


def test_a_sweep_says_that_the_environment_leads_elsewhere(workplace):
    workplace.project.config_set("cloud-elements:baseUrl", "https://api.cloud-elements.com/x")
    said = workplace.elements("sweep", "--stack", "test", "--dry-run")
    assert "is used instead of https://api.cloud-elements.com/x" in said.stderr


def kept(name, platform):
    """Return a resource of a state, as one that remembers its platform has it."""
    record = {"platform": platform} if platform else {}
    outputs = {"element_key": "sendgrid", "__record": record}
    return Kept(name, "427001", {}, outputs, waiting_to_go=False, alone=True)


def test_equal_ids_of_two_platforms_are_two_instances():
    """Without a platform to go by, whatever has the id may be it."""
    states = {
        name: State([kept(name, platform)], busy=False)
        for name, platform in (("eu", "https://eu"), ("us", "https://us"), ("old", ""))
    }
    backend = Backend(None, states, {})

    assert backend.holder("427001", but="eu", platform="https://eu") == "old"
    assert backend.holder("427001", but="eu") == "us"
    del states["old"]
    assert backend.holder("427001", but="eu", platform="https://eu") is None
