"""The rules need a host and no server: another one than Pulumi's dynamic server does as well."""

import ast
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from provider.api.client import CloudElementsClient
from provider.api.errors import CloudElementsError
from provider.config import Settings
from provider.instance import host
from provider.instance.context import Context
from provider.instance.markers import MARKERS, markers
from provider.instance.operations import Operations
from sandbox import Sandbox
from tests.listener import Listener

ROOT = Path(__file__).parents[2]
URN = "urn:pulumi:s::p::pulumi-python:dynamic/cloud-elements:ElementInstance::desk"
DESK = {
    "element_key": "freshservice",
    "name": "desk",
    "configuration": {"subdomain": "acme", "username": "u", "password": "hidden"},
    MARKERS: markers(organization="o", project="p", stack="s", place="desk").tags,
}


@pytest.fixture
def listener():
    return Listener(URN)


@pytest.fixture
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture
def operations(sandbox, listener):
    settings = Settings(
        base_url=sandbox.base_url,
        user_secret=sandbox.user_secret,
        organization_secret=sandbox.organization_secret,
        lookup_window=0.0,
        retry_budget=0.0,
    )
    made = Operations(listener)
    with closing(CloudElementsClient(settings, go_on=listener.go_on)) as client:
        made.connect(Context.of(settings, listener, client=client))
        yield made


def plain(value):
    """Return a value as an engine hands it over: without secret marks."""
    if is_rpc_secret(value):
        return plain(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def test_a_whole_life_by_way_of_another_host(operations, listener, sandbox):
    checked = operations.check({}, DESK)
    assert checked.failures == []
    created = operations.create(plain(checked.inputs))
    state = plain(created.outputs)
    assert not operations.diff(created.instance_id, state, DESK).changed

    listener.inputs = DESK
    renamed = DESK | {"name": "new"}
    found = operations.diff(created.instance_id, state, renamed)
    assert (found.changed, found.replaces, found.in_inputs) == (True, [], True)
    state = plain(operations.update(created.instance_id, state, renamed))
    listener.inputs = renamed
    seen = operations.read(created.instance_id, state)
    assert (seen.outputs["name"], plain(seen.inputs)) == ("new", renamed)
    moved = renamed | {"element_key": "zendesk"}
    assert operations.diff(created.instance_id, state, moved).replaces == ["element_key"]

    operations.delete(created.instance_id, state)
    assert sandbox.instances() == []
    assert operations.read(created.instance_id, state) is None
    assert listener.waits == ["creating", "updating", "deleting"]
    assert listener.warnings == listener.notes == listener.passing == []


def test_nothing_is_sent_for_a_call_that_nobody_waits_for(operations, listener, sandbox):
    listener.listens = False
    with pytest.raises(CloudElementsError, match="could not create element instance 'desk'"):
        operations.create(DESK)
    assert sandbox.journal() == []


def test_what_is_drift_to_the_user_is_a_difference_outside_the_inputs(operations, listener):
    created = operations.create(DESK)
    drifted = plain(created.outputs) | {"name": "renamed by hand"}
    listener.inputs = DESK
    found = operations.diff(created.instance_id, drifted, DESK)
    assert (found.changed, found.in_inputs) == (True, False)


def test_a_warning_goes_to_the_host_of_the_call(operations, listener):
    operations.check({}, DESK | {"configuration": DESK["configuration"] | {"list": [None]}})
    assert any("configuration.list.0: is null" in warning for warning in listener.warnings)


def test_the_rules_load_no_door():
    source = "import provider.instance.operations, sys; print(*sys.modules)"
    command = [sys.executable, "-c", source]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = result.stdout.split()
    assert "provider.instance.operations" in loaded
    assert not [name for name in loaded if name.startswith("provider.doors")]


MODULES = sorted(Path(host.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_rules_name_no_server(path):
    """The linter of imports knows packages of others alone, and Pulumi's values are needed."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    named = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    named += [one.name for node in nodes if isinstance(node, ast.Import) for one in node.names]
    assert not [name for name in named if name.startswith(("pulumi.dynamic", "grpc"))]
