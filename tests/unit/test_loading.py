"""What is loaded when: a program and every command of Pulumi's wait for it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def loaded(source):
    """Return the top-level packages that a fresh interpreter has loaded after `source`."""
    show = "import sys; print(*{name.split('.')[0] for name, it in sys.modules.items() if it})"
    result = subprocess.run(
        [sys.executable, "-c", f"{source}; {show}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


def test_a_program_loads_what_names_the_provider_and_nothing_else():
    ours = loaded("from provider import ElementInstance") - loaded("import pulumi")
    assert "provider" in ours
    assert not ours & {"pydantic", "pydantic_core", "httpx", "httpcore", "httpx_retries"}


@pytest.fixture(scope="module")
def server():
    """What the server has loaded once the provider is configured; not much of it is needed."""
    return loaded("from provider.lifecycle import *; ElementInstanceProvider().door")


def test_the_server_loads_the_client_at_once(server):
    assert server >= {"httpx", "httpcore", "httpx_retries", "pydantic"}


def test_the_server_does_without_command_lines_and_other_event_loops(server):
    everything = loaded("import httpx, httpcore")
    assert everything & {"click", "trio"}, "nothing to leave out: is the environment complete?"
    assert not server & {"click", "rich", "pygments", "typer", "trio"}


def test_a_command_that_asks_the_platform_does_without_them_too():
    settings = "base_url='http://127.0.0.1:9', user_secret='u', organization_secret='o'"
    source = (
        "from provider.cli import app, project; from provider.config import Settings; "
        f"project.platform(Settings({settings})).__enter__()"
    )
    commands = loaded(source)
    assert commands >= {"httpx", "httpcore", "typer"}
    assert not commands & {"click", "pygments", "trio"}


def test_what_was_left_out_can_still_be_loaded_by_others():
    source = "from provider.lifecycle import *; ElementInstanceProvider().door"
    assert {"trio", "rich"} <= loaded(f"{source}; import trio, rich, httpx._main")


def test_the_native_provider_opens_its_port_with_the_protocol_alone():
    ours = loaded("import provider.doors.native.server")
    assert "grpc" in ours
    assert not ours & {"pydantic", "httpx", "httpcore", "yaml", "dill", "typer", "rich"}


def test_what_it_took_of_the_sdk_is_no_hindrance_to_the_rest():
    source = "import provider.doors.native.server, pulumi; pulumi.Config"
    assert "pulumi" in loaded(source)
