"""A stack, and a platform that is not the one it belongs to, by the real engine."""

import httpx
import pytest

from sandbox import Sandbox

DESK = "cloud-elements:instances.desk"


@pytest.fixture
def abroad():
    """Another platform, where the first id is somebody else's."""
    with Sandbox() as sandbox:
        secrets = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
        body = {"element": {"key": "closeio"}, "name": "theirs", "configuration": {"username": "k"}}
        httpx.post(
            f"{sandbox.base_url}/instances", json=body, headers={"Authorization": secrets}
        ).raise_for_status()
        yield sandbox


@pytest.fixture
def deployed(project):
    """The project with one instance."""
    project.config_set(f"{DESK}.element", "freshservice", path=True)
    project.config_set(f"{DESK}.configuration.subdomain", "acme", path=True)
    project.config_set(f"{DESK}.configuration.username", "me", path=True)
    project.config_set(f"{DESK}.configuration.password", "hidden", secret=True, path=True)
    project.up()
    return project


def kept(project):
    """Return id and platform of each instance in the state."""
    return [
        (one["id"], one["outputs"]["__record"]["platform"])
        for one in project.export()["deployment"]["resources"]
        if one["type"].endswith(":ElementInstance")
    ]


def test_every_command_leaves_another_platform_and_the_state_alone(deployed, sandbox, abroad):
    before = kept(deployed), sandbox.instances(), abroad.instances()
    assert str(abroad.instances()[0]["id"]) == kept(deployed)[0][0]
    deployed.env["CLOUD_ELEMENTS_BASE_URL"] = abroad.base_url

    for command in (deployed.destroy, deployed.refresh, deployed.up, deployed.preview):
        said = command(expect=None)

        assert said.code != 0
        assert f"it belongs to {sandbox.base_url}" in said.stdout
        assert f"at {abroad.base_url} instance" in said.stdout
        assert (kept(deployed), sandbox.instances(), abroad.instances()) == before
    assert {one["method"] for one in abroad.journal()} == {"POST", "GET"}  # the POST of the fixture


@pytest.mark.parametrize("command", ["up", "refresh"])
def test_a_platform_that_moved_is_proved_once_and_remembered(deployed, sandbox, command):
    address = sandbox.base_url.replace("127.0.0.1", "localhost")
    deployed.env["CLOUD_ELEMENTS_BASE_URL"] = address

    getattr(deployed, command)()

    assert kept(deployed) == [(str(sandbox.instances()[0]["id"]), address)]
    deployed.up("--expect-no-changes")
    deployed.destroy()
    assert sandbox.instances() == []
