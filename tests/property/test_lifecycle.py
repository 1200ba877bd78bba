"""For any inputs and any platform: nothing changes by itself, and nothing secret is told."""

import os
from contextlib import closing, contextmanager

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from provider.api import wire
from provider.api.client import CloudElementsClient
from provider.api.request import read
from provider.config import Settings
from provider.instance import inputs as schema
from provider.instance import state as stored
from provider.instance.context import Context
from provider.instance.credentials import Credentials
from provider.instance.markers import MARKERS, markers
from provider.instance.operations import Operations
from sandbox import Sandbox
from sandbox.switches import GROUPS
from tests.listener import Listener

UNKNOWN = pulumi.output.Unknown()
LARGEST = 2**53 - 1

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = texts.filter(
    lambda text: not [p for p in schema.problems({"element_key": "x", "name": text}) if "name" in p]
)
numbers = st.integers(-LARGEST, LARGEST) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: abs(number) < LARGEST
)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts.filter(lambda text: text != "********"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts.filter(str.strip), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.from_regex(r"[a-z]{1,4}(\.[a-z]{1,4}){0,2}", fullmatch=True) | st.sampled_from(
    ["pagination.max", "filter.response.nulls", "event.poller.configuration", "base.url"]
)
configurations = st.dictionaries(keys, json_values, max_size=5)
programs = st.fixed_dictionaries(
    {
        "element_key": st.just("freshservice"),
        "name": names,
        "tags": st.lists(names, max_size=4),
        "configuration": configurations.map(
            lambda given: given | {"subdomain": "acme", "username": "u", "password": "hidden"}
        ),
    },
    optional={"disabled": st.booleans()},
)
REFUSING = {"unknown_configuration": "refuse", "duplicate_tags": "refuse"}
positions = st.fixed_dictionaries(
    {},
    optional={
        switch.name: st.sampled_from([v for v in switch.values if REFUSING.get(switch.name) != v])
        for _, switches in GROUPS
        for switch in switches
        if switch.values and switch.name not in ("over_limit", "allowed_characters")
    },
)


def as_the_engine_has_it(value):
    """Return a value as it comes from the engine: numbers are floats, maps have no nulls."""
    if isinstance(value, dict):
        return {k: as_the_engine_has_it(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [as_the_engine_has_it(item) for item in value]
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole else value


def plain(value):
    """Return a value without its secret marks, as the engine hands it back."""
    if is_rpc_secret(value):
        return plain(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return as_the_engine_has_it({key: plain(item) for key, item in value.items()})
    return as_the_engine_has_it([plain(v) for v in value] if isinstance(value, list) else value)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@contextmanager
def connected(sandbox):
    """Give the operations of a new server process at a sandbox."""
    reach = Settings(
        base_url=sandbox.base_url,
        user_secret=sandbox.user_secret,
        organization_secret=sandbox.organization_secret,
        lookup_window=0.0,
        retry_budget=0.0,
    )
    operations = Operations(host := Listener())
    with closing(CloudElementsClient(reach)) as client:
        operations.connect(Context.of(reach, host, client=client))
        yield operations, host


@settings(max_examples=50, deadline=None)
@given(program=programs, switches=positions, data=st.data())
def test_nothing_changes_by_itself_after_a_create(sandbox, program, switches, data):
    sandbox.reset()
    for name, value in switches.items():
        sandbox.set_switch(name, value)
    with connected(sandbox) as (operations, host):
        place = data.draw(st.uuids()).hex
        ours = markers(organization="o", project="p", stack="s", place=place).tags
        program = as_the_engine_has_it(program) | {MARKERS: ours}
        checked = operations.check({}, program)
        assert checked.failures == []
        inputs = plain(checked.inputs)

        created = operations.create(inputs)
        outputs = plain(created.outputs)

        assert operations.diff(created.instance_id, outputs, inputs).changed is False
        permuted = inputs | {"tags": data.draw(st.permutations(inputs.get("tags", [])))}
        assert operations.diff(created.instance_id, outputs, permuted).changed is False
        host.inputs = inputs
        seen = operations.read(created.instance_id, outputs)
        host.inputs = None
        assert plain(seen.inputs) == inputs
        # A refresh may show another `valid`, which is the platform's to say.
        assert plain(seen.outputs) | {"valid": None} == outputs | {"valid": None}
        assert operations.diff(created.instance_id, plain(seen.outputs), inputs).changed is False


# Any bag at all

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from([*schema.Inputs.model_fields, MARKERS]) | texts
bags = st.dictionaries(fields, anything, max_size=6)


def offline():
    """Return operations that were not configured: everything but the platform's say."""
    return Operations(Listener())


@settings(max_examples=150, deadline=None)
@given(bag=bags)
def test_check_of_anything_is_idempotent(bag):
    once = offline().check({}, bag)
    twice = offline().check({}, plain_unknown(once.inputs))
    assert repr(twice.inputs) == repr(once.inputs)
    assert twice.failures == once.failures


def plain_unknown(value):
    """Return a value without its secret marks and otherwise as it is."""
    if is_rpc_secret(value):
        return plain_unknown(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain_unknown(item) for key, item in value.items()}
    return [plain_unknown(item) for item in value] if isinstance(value, list) else value


paths = st.sampled_from(
    [
        ("element_key",),
        ("name",),
        ("tags",),
        ("tags", 0),
        ("configuration",),
        ("configuration", "a"),
        ("configuration", "a", "deep"),
        ("configuration", "new"),
        ("disabled",),
        ("code",),
        ("provider_data",),
        ("provider_data", "x"),
        ("delete_adopted",),
        (MARKERS,),
    ]
)
COMPLETE = {
    "element_key": "x",
    "name": "n",
    "tags": ["t"],
    "configuration": {"a": {"deep": 1.0}},
    "disabled": False,
    "provider_data": {"x": "1"},
}


def replaced(value, path, new):
    """Return a copy with another value at a path."""
    if not path:
        return new
    first, *rest = path
    if isinstance(value, list):
        return [replaced(v, rest, new) if i == first else v for i, v in enumerate(value)]
    return value | {first: replaced(value.get(first), rest, new)}


@settings(max_examples=100, deadline=None)
@given(at=st.sets(paths, min_size=1))
def test_what_is_not_known_yet_passes_check_and_counts_as_changed(at):
    state = outputs_of(COMPLETE)
    bag = COMPLETE
    for path in sorted(at, key=len, reverse=True):
        bag = replaced(bag, path, UNKNOWN)

    assert schema.problems(bag) == []
    checked = plain_unknown(offline().check({}, bag).inputs)
    assert pulumi.contains_unknowns(checked)
    assert offline().diff("7", state, checked).changed is True


def outputs_of(inputs):
    """Return the outputs of a create that the platform answered as written."""
    model = schema.inputs_of(inputs)
    spent = Credentials.of(model).fingerprints
    instance = read(
        wire.Instance,
        {"id": 7, "name": model.name, "tags": model.tags, "configuration": model.configuration},
    )
    record = stored.Record(managed=frozenset(model.properties.configuration), spent=spent)
    wished = model.properties
    return plain(stored.outputs(model, instance, wished, record))


SECRET = "S3cret-" + "0123456789abcdef"


@settings(max_examples=150, deadline=None)
@given(bag=bags, at=st.lists(fields, min_size=1, max_size=3), shape=st.integers(0, 3))
def test_no_failure_shows_a_value(bag, at, shape):
    value = [SECRET, [SECRET], {"key": SECRET}, [{"key": [SECRET]}]][shape]
    bag = bag | dict.fromkeys(at, value)
    shown = offline().check({}, bag).failures
    assert SECRET not in str(shown)


@pytest.mark.parametrize("name", ["USER_SECRET", "ORGANIZATION_SECRET"])
def test_settings_show_no_secret_whatever_is_wrong(name, monkeypatch):
    for key in list(os.environ):
        if key.startswith("CLOUD_ELEMENTS_"):
            monkeypatch.delenv(key)
    monkeypatch.setenv(f"CLOUD_ELEMENTS_{name}", f"{SECRET} with spaces")
    operations = Operations(Listener())
    operations.configure(lambda _: None)
    assert SECRET not in str(operations.check({}, {}).failures)
