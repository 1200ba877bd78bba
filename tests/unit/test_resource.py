"""The resource class: what it registers, and the contract that lives in every stack's state."""

import base64
import pickle
import pickletools
import sys

import pulumi
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from provider import ElementInstance, Events
from provider.instance.markers import MARKERS, is_marker
from provider.lifecycle import ElementInstanceProvider

GOLDEN = (
    "gASVQQAAAAAAAACMB3BrZ3V0aWyUjAxyZXNvbHZlX25hbWWUk5SMHnB1bHVtaV9jbG91ZF9lbGVtZW50czpQUk9WSURF"
    "UpSFlFKULg=="
)
"""What the state of every stack holds. Another one would strand them: never change it."""
BEFORE_0_2 = (
    "gASVNQAAAAAAAACMEnByb3ZpZGVyLmxpZmVjeWNsZZSMF0VsZW1lbnRJbnN0YW5jZVByb3ZpZGVylJOUKYGULg=="
)
SIGNATURE = "4dabf18193072939515e22adb298388d"


class Mocks(pulumi.runtime.Mocks):
    """Keeps what is registered."""

    def __init__(self):
        self.registered = {}
        self.options = {}

    def new_resource(self, args):
        """Keep everything."""
        self.registered[args.name] = args
        return "7", args.inputs

    def call(self, args):
        """Answer nothing."""
        return {}


@pytest.fixture
def run():
    """Return a function that runs a program; its result is what is registered, by name."""

    def ran(program, stack="dev", project="shop"):
        mocks = Mocks()
        pulumi.runtime.set_mocks(mocks, project=project, stack=stack)

        def main():
            pulumi.runtime.settings.set_root_resource(pulumi.ComponentResource("my:run:Run", "run"))
            program()

        pulumi.runtime.test(main)()
        return mocks.registered

    return ran


def tags(run, program, name="invoices", **where):
    return run(program, **where)[name].inputs[MARKERS]


def invoices(name="invoices", **options):
    return ElementInstance(name, "closeio", opts=pulumi.ResourceOptions(**options))


# The contract with the state


def test_the_type_token(run):
    registered = run(invoices)["invoices"]
    assert registered.typ == "pulumi-python:dynamic/cloud-elements:ElementInstance"


def test_the_pickled_provider(run):
    pickled = serialize_provider(ElementInstanceProvider())
    assert _meaning(pickled) == _meaning(GOLDEN)
    assert run(invoices)["invoices"].inputs["__provider"] == pickled


@pytest.mark.parametrize("stored", [GOLDEN, BEFORE_0_2], ids=["today's", "before 0.2"])
def test_what_a_state_holds_leads_to_the_provider(stored):
    assert type(pickle.loads(base64.b64decode(stored))) is ElementInstanceProvider


def _meaning(pickled):
    """Return what a pickle does; only its header differs between versions of Python."""
    operations = pickletools.genops(base64.b64decode(pickled))
    return [(op.name, arg) for op, arg, _ in operations if op.name not in ("PROTO", "FRAME")]


def test_the_provider_holds_nothing_that_would_be_pickled():
    provider = ElementInstanceProvider()
    assert vars(provider) == {}
    assert provider.serialize_as_secret_always is False


# What is registered


def test_credentials_are_secret_and_defaults_are_filled_in(run):
    def program():
        ElementInstance("invoices", "onedrivebusiness", code="c", provider_data={"realmId": "5"})

    inputs = run(program)["invoices"].inputs
    assert inputs["code"][SIGNATURE]
    assert inputs["provider_data"][SIGNATURE]
    assert inputs["name"] == "invoices"
    assert inputs["element_key"] == "onedrivebusiness"
    assert "configuration" not in inputs


def test_configuration_takes_any_json_values(run):
    given = {"number": 5, "flag": True, "deep": {"list": [1.5, {"x": None}]}, "text": "x"}
    inputs = run(lambda: ElementInstance("a", "closeio", configuration=given))["a"].inputs
    assert inputs["configuration"]["deep"]["list"][0] == 1.5


def test_members_of_events_may_be_outputs_of_others(run):
    key, to = pulumi.Output.secret("hidden"), pulumi.Output.from_input("https://app.example")
    events = Events(by="webhook", to=to, signature_key=key)

    def program():
        ElementInstance("a", "weebly", events=events, filter_response_nulls=False)
        ElementInstance("b", "weebly", events=pulumi.Output.from_input({"every": 5}))

    registered = run(program)
    inputs = registered["a"].inputs
    assert inputs["filter_response_nulls"] is False
    assert inputs["events"][SIGNATURE]  # mocks are shown a whole map as secret
    assert inputs["events"]["value"] == {
        "by": "webhook",
        "to": "https://app.example",
        "signature_key": "hidden",
    }
    assert registered["b"].inputs["events"] == {"every": 5}


def test_token_and_configuration_are_secret_outputs(run, monkeypatch):
    seen = []
    original = pulumi.dynamic.Resource.__init__

    def spy(self, provider, name, props, opts=None):
        seen.append((props, opts))
        original(self, provider, name, props, opts)

    monkeypatch.setattr(pulumi.dynamic.Resource, "__init__", spy)
    run(lambda: invoices(additional_secret_outputs=["tags"], protect=True))
    ((props, opts),) = seen
    assert set(opts.additional_secret_outputs) == {"tags", "element_token", "configuration"}
    assert opts.protect is True
    assert {"instance_id", "element_token", "element_name", "valid"} <= set(props)


def test_import_becomes_adoption(run):
    own = pulumi.ResourceOptions(import_="427001")

    def program():
        ElementInstance("invoices", "closeio", opts=own)
        ElementInstance("other", "closeio", adopt="tag:x", opts=pulumi.ResourceOptions(import_="5"))

    registered = run(program)
    assert registered["invoices"].inputs["adopt"] == "427001"
    assert registered["other"].inputs["adopt"] == "tag:x"
    assert own.import_ == "427001"  # the caller's options are the caller's


@pytest.mark.parametrize("limit", [None, 1000, 3])
def test_a_declaration_leaves_the_length_of_tracebacks_as_it_was(run, monkeypatch, limit):
    if limit is not None:
        monkeypatch.setattr(sys, "tracebacklimit", limit, raising=False)
    run(invoices)
    assert getattr(sys, "tracebacklimit", None) == limit


# Markers


def test_markers_are_the_same_in_every_run_and_are_markers(run):
    first = tags(run, invoices)
    assert first == tags(run, invoices)
    assert len(first) == 2
    assert all(map(is_marker, first))


def test_resources_of_a_stack_share_the_stack_marker_alone(run):
    registered = run(lambda: [invoices("a"), invoices("b")])
    first, second = (registered[name].inputs[MARKERS] for name in "ab")
    assert first[0] == second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("where", [{"stack": "prod"}, {"project": "another"}])
def test_another_stack_or_project_has_other_markers(run, where):
    assert not set(tags(run, invoices)) & set(tags(run, invoices, **where))


def test_the_configured_owner_tells_organizations_of_one_name_apart(run, monkeypatch):
    plain = tags(run, invoices)
    monkeypatch.setattr(pulumi.Config, "get", lambda _, key: {"owner": "acme"}.get(key))
    assert not set(plain) & set(tags(run, invoices))


def test_a_parent_is_part_of_the_place(run):
    class Team(pulumi.ComponentResource):
        """A component."""

        def __init__(self, name):
            super().__init__("my:team:Team", name)

    def program():
        invoices("invoices", parent=Team("a"))

    assert tags(run, program) != tags(run, invoices)
    assert tags(run, program) == tags(run, program)


@pytest.mark.parametrize(
    "alias",
    [
        pulumi.Alias(name="invoices"),
        "urn:pulumi:dev::shop::pulumi-python:dynamic/cloud-elements:ElementInstance::invoices",
    ],
    ids=["name", "URN"],
)
def test_whoever_takes_a_name_that_another_gave_up_gets_other_markers(run, alias):
    old = tags(run, invoices)
    for order in (1, -1):

        def program(order=order):
            makers = [lambda: invoices("renamed", aliases=[alias]), invoices]
            return [make() for make in makers[::order]]

        registered = run(program)
        assert registered["invoices"].inputs[MARKERS][1] not in (
            old[1],
            registered["renamed"].inputs[MARKERS][1],
        )


def test_a_run_knows_nothing_of_the_aliases_of_another(run):
    old = tags(run, invoices)
    run(lambda: invoices("renamed", aliases=[pulumi.Alias(name="invoices")]))
    assert tags(run, invoices) == old


def test_an_alias_of_its_own_name_changes_no_markers(run):
    own = pulumi.Alias(type_="some:old:Type")
    assert tags(run, lambda: invoices(aliases=[own])) == tags(run, invoices)


# Paths of resource options


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("configuration.oauth.api.key", "write 'configuration[\"oauth.api.key\"]'"),
        ("configuration['oauth.api.key']", "write 'configuration[\"oauth.api.key\"]'"),
        ("configuration[oauth.api.key]", "write 'configuration[\"oauth.api.key\"]'"),
        ('configuration["oauth.api.key"', "write 'configuration[\"oauth.api.key\"]'"),
        ("tags['0']", "write"),
        ("configuratio.subdomain", "did you mean 'configuration'?"),
        ("elementKey", "names nothing"),
        ("oauth.api.key", "names nothing"),
        ("", "names nothing"),
        ('configuration["oauth.api.key"]', None),
        ('configuration.["oauth.api.key"]', None),
        ("configuration.subdomain", None),
        ("events", None),
        ("events.every", None),
        ("event.every", "did you mean 'events'?"),
        ("configuration.deep.in.it", None),
        ('configuration["deep"].in[0]', None),
        ("configuration", None),
        ("tags[0]", None),
        ("tags[*]", None),
        ("valid", None),
        ("*", None),
    ],
)
@pytest.mark.parametrize("option", ["ignore_changes", "replace_on_changes"])
def test_a_path_that_names_nothing_is_told(run, monkeypatch, option, path, meant):
    told = []
    monkeypatch.setattr(pulumi.log, "warn", lambda said, resource: told.append(said))
    configuration = {"subdomain": "x", "deep": {"in": {"it": 1}}}
    options = pulumi.ResourceOptions(**{option: [path]})
    run(lambda: ElementInstance("a", "closeio", configuration=configuration, opts=options))
    if meant is None:
        assert told == []
    else:
        [said] = told
        assert said.startswith(f"{option}: '{path}' names nothing")
        assert meant in said


def test_null_in_a_map_is_told(run, monkeypatch):
    told = []
    monkeypatch.setattr(pulumi.log, "info", lambda said, resource: told.append(said))
    run(lambda: ElementInstance("a", "closeio", configuration={"x": None, "y": "z"}))
    assert told == ["configuration.x: is null, so it counts as not given"]
    run(lambda: ElementInstance("b", "closeio", events={"every": None, "by": "polling"}))
    assert told[1:] == ["events.every: is null, so it counts as not given"]


def test_a_namesake_beside_the_program_is_told_in_one_sentence(run, tmp_path, monkeypatch):
    """The server that will run the provider would find it first."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "pulumi_cloud_elements.py").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pulumi.RunError, match=r"pulumi_cloud_elements\.py hides the package"):
        run(invoices)


def test_configuration_and_token_are_secret_whatever_the_provider_marked(run):
    shown = {}

    def program():
        instance = invoices()
        for name in ("configuration", "element_token", "instance_id"):
            output = getattr(instance, name)
            pulumi.Output.from_input(output.is_secret()).apply(
                lambda x, n=name: shown.update({n: x})
            )

    run(program)
    assert shown == {"configuration": True, "element_token": True, "instance_id": False}


@pytest.mark.parametrize("keys", [1, 40])
def test_what_the_platform_holds_takes_no_outputs_of_its_own(run, monkeypatch, keys):
    lifted = []
    seen = []
    held = {f"key.{number}": "x" for number in range(keys)}
    original = pulumi.Output.all
    monkeypatch.setattr(
        pulumi.Output,
        "all",
        staticmethod(lambda *a, **k: lifted.extend([*a, *k]) or original(*a, **k)),
    )
    monkeypatch.setattr(
        Mocks, "new_resource", lambda _, a: ("7", a.inputs | {"configuration": held})
    )

    def program():
        pulumi.Output.unsecret(invoices().configuration).apply(seen.append)

    run(program)
    assert seen == [held]
    assert len(lifted) < 20
