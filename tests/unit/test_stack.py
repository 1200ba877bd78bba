"""The declarative half: mistakes by their exact path, secrets leaf by leaf."""

import json
import os

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import config
from pulumi.runtime.mocks import MockMonitor

from provider import stack
from provider.stack import StackError, parse

KEY = "cloud-elements:instances"


def mistakes(document):
    """Return what is wrong, path by path."""
    with pytest.raises(StackError) as refused:
        parse(document)
    assert isinstance(refused.value, pulumi.RunError)  # shown without a traceback
    assert refused.value.__cause__ is None
    return str(refused.value).strip().splitlines()


WHOLE = {
    "element": "onedrivebusiness",
    "name": "Invoices",
    "tags": ["billing"],
    "configuration": {"oauth.api.key": "k", "any": [1, {"deep": []}]},
    "events": {
        "enabled": True,
        "by": "polling",
        "to": "https://app.example.com/events",
        "every": 5,
        "signature_key": "hidden",
        "poller_configuration": {"contacts": {"url": "/contacts"}},
        "notification_type": "webhook",
    },
    "filter_response_nulls": False,
    "code": "c",
    "provider_data": {"realmId": "5"},
    "external_authentication": "initial",
    "oauth_proxy": "TestApp",
    "disabled": True,
    "adopt": "7",
    "delete_adopted": True,
    "protect": True,
    "retain_on_delete": True,
}


def test_all_fields_of_an_instance():
    assert parse({"invoices": WHOLE})["invoices"].model_dump() == WHOLE


def test_only_the_element_must_be_given():
    declared = parse({"invoices": {"element": "closeio"}})["invoices"]
    assert declared.name is None
    assert declared.tags == []
    assert declared.protect is False


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_stack_may_declare_nothing(nothing):
    assert parse(nothing) == {}


def test_an_id_to_adopt_may_be_a_number():
    assert parse({"a": {"element": "x", "adopt": 427001}})["a"].adopt == "427001"


@pytest.mark.parametrize("document", ["text", ["list"], 5, True])
def test_the_whole_must_be_a_map(document):
    assert mistakes(document) == [f"{KEY}: must be a map from name to instance"]


def test_every_mistake_is_named_by_its_path_at_once_and_none_shows_a_value():
    found = mistakes(
        {
            "a": {"elemnt": "hidden-value"},
            "b": "hidden-value",
            "c": {"element": 5, "tags": ["x", 7], "configuration": ["hidden-value"]},
            "d": {"element": "x", "tags": "hidden-value", "disabled": "hidden-value"},
            "e": {"element": "x", "adopt": True, "code": 12},
            "f": None,
        }
    )

    assert found == [
        f"{KEY}.a.element: is required",
        f"{KEY}.a.elemnt: is not known here; did you mean 'element'?",
        f"{KEY}.b: must be a map with at least 'element'",
        f"{KEY}.c.element: must be text; put it in quotes",
        f"{KEY}.c.tags[1]: must be text; put it in quotes",
        f"{KEY}.c.configuration: must be a map",
        f"{KEY}.d.tags: must be a list",
        f"{KEY}.d.disabled: must be true or false",
        f"{KEY}.e.code: must be text; put it in quotes",
        f"{KEY}.e.adopt: must be text; put it in quotes",
        f"{KEY}.f: must be a map with at least 'element'",
    ]


def test_what_the_provider_would_refuse_is_named_for_all_entries_at_once():
    found = mistakes(
        {
            "": {"element": "x"},
            "a": {"element": " sendgrid", "adopt": "bananas"},
            "b": {"element": "x", "tags": ["fine", "<b>x</b>", None], "name": "<i>x</i>"},
            "c": {"element": "x", "tags": ["<b>x</b>"], "external_authentication": "foo"},
            "d": {"element": "", "code": ["x"]},
        }
    )
    markup = "must not hold markup such as <b>, which the platform removes"
    key = "must be an element key such as 'onedrivebusiness', without spaces"
    assert found == [
        f"{KEY}: an entry needs a name",
        f"{KEY}.a.element: {key}",
        f"{KEY}.a.adopt: must be an instance id, 'tag:<tag>' or 'name:<name>'",
        f"{KEY}.b.tags[2]: must be text, not nothing",
        f"{KEY}.b.name: {markup}",
        f"{KEY}.b.tags[1]: {markup}",
        f"{KEY}.c.tags[0]: {markup}",
        f"{KEY}.c.external_authentication: must be 'initial' or 'none'",
        f"{KEY}.d.code: must be text, not a list",
        f"{KEY}.d.element: {key}",
    ]


HTTPS = (
    "must be an https address, such as https://app.example.com/events; plain http is for this "
    "machine alone"
)


def test_what_is_wrong_with_events_is_named_by_its_path_at_once():
    events = {"by": "poling", "everyy": 5, "to": "app.example.com", "enabled": "yes", "every": "5m"}
    key = "event.notification.enabled"
    entry = {"element": "closeio", "events": events, "configuration": {key: True}}
    path = f"{KEY}.a.events"
    assert mistakes({"a": entry, "b": {"element": "closeio", "events": []}}) == [
        f"{path}.enabled: must be true or false",
        f"{path}.every: must be a whole number",
        f"{path}.everyy: is not known here; did you mean 'every'?",
        f"{KEY}.a.configuration.{key}: is given as 'events.enabled' already; give it once",
        f"{path}.by: must be 'polling' or 'webhook'; did you mean 'polling'?",
        f"{path}.to: {HTTPS}",
        f"{KEY}.b.events: must be a map",
    ]


def test_what_is_still_to_be_set_is_no_mistake_where_it_is_set():
    document = {"a": {"element": "weebly", "events": {"by": "webhook"}}}
    [told] = mistakes(document)
    assert told.startswith(f"{KEY}.a.events.to: is required by 'webhook'")
    assert parse(document, complete=False)["a"].events.by == "webhook"
    document["a"]["events"]["to"] = "http://app.example.com"
    with pytest.raises(StackError, match="must be an https address"):
        parse(document, complete=False)


def test_null_counts_as_not_given():
    """Whatever stands in a comment below it, and as Pulumi takes it out of maps."""
    entry = dict.fromkeys(WHOLE) | {"element": "x"}
    assert parse({"a": entry}) == parse({"a": {"element": "x"}})
    shown = {"event.metadata": None, "list": ["a", None, {"deep": None}], "map": {"k": None}}
    declared = parse({"a": {"element": "x", "configuration": shown}})["a"]
    assert declared.configuration == {"list": ["a", {}], "map": {}}
    assert mistakes({"a": {"element": None}}) == [f"{KEY}.a.element: is required"]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("instance", "instances"),
        ("Instances", "instances"),
        ("timout", "timeout"),
        ("baseURL", "baseUrl"),
        ("user_secret", "userSecret"),
        ("ownr", "owner"),
    ],
)
def test_a_mistyped_key_is_refused_before_everything_would_be_deleted(key, meant):
    with pytest.raises(StackError) as refused:
        parse(None, [f"cloud-elements:{key}", KEY])
    told = f"cloud-elements:{key}: is not known; did you mean 'cloud-elements:{meant}'?"
    assert str(refused.value) == told


@pytest.mark.parametrize(
    "key",
    ["cloud-elements:oneDriveCode", "cloud-elements:instanceId", "other:instance", KEY],
)
def test_a_key_of_the_programs_own_is_left_alone(key):
    assert parse(None, [key, "cloud-elements:timeout"]) == {}


def test_nothing_secret_shows_in_a_repr():
    declared = parse(
        {"a": {"element": "x", "code": "hidden", "provider_data": {"secret": "hidden"}}}
    )
    assert "hidden" not in repr(declared)


# Which values of the stack file are secret

FILE = """
config:
  cloud-elements:instances:
    invoices:
      element: onedrivebusiness
      code:
        secure: v1:aaa
      configuration:
        oauth.api.key: plain
        oauth.api.secret:
          secure: v1:bbb
        nested:
          list:
            - plain
            - secure: v1:ccc
        secure: a key of that name
"""


# What is declared


class Mocks(pulumi.runtime.Mocks):
    """Takes everything."""

    def new_resource(self, args):
        """Return the inputs as outputs."""
        return "7", args.inputs

    def call(self, args):
        """Answer nothing."""
        return {}


@pytest.fixture
def declared(tmp_path, monkeypatch):
    """Return a function that declares a stack from its file; its result is what is registered.

    As it goes over the wire, for mocks are shown whole maps as secret.
    """
    registered = {}
    register = MockMonitor.RegisterResource

    def keep(monitor, request):
        registered[request.name] = json_format.MessageToDict(request.object)
        return register(monitor, request)

    def made(text, clear, secure=(KEY,)):
        (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
        (tmp_path / "Pulumi.dev.yaml").write_text(text)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(MockMonitor, "RegisterResource", keep)
        given = {} if clear is None else {KEY: json.dumps(clear)}
        config.set_all_config(given | json.loads(os.environ.get("PULUMI_CONFIG", "{}")), secure)
        pulumi.runtime.set_mocks(Mocks(), project="shop", stack="dev")
        pulumi.runtime.test(lambda: stack.declare() and None)()
        return registered

    return made


CLEAR = {
    "invoices": {
        "element": "onedrivebusiness",
        "code": "the-code",
        "configuration": {
            "oauth.api.key": "plain",
            "oauth.api.secret": "the-secret",
            "nested": {"list": ["plain", "deep-secret"]},
            "secure": "a key of that name",
        },
    }
}


def hidden(value, path=()):
    """Return the paths of values that are marked secret."""
    if isinstance(value, dict):
        if "4dabf18193072939515e22adb298388d" in value:
            return {".".join(path)}
        return {found for key, item in value.items() for found in hidden(item, (*path, key))}
    if isinstance(value, list):
        return {found for i, item in enumerate(value) for found in hidden(item, (*path, str(i)))}
    return set()


def test_secure_leaves_stay_secret_one_by_one(declared):
    inputs = declared(FILE, CLEAR)["invoices"]
    assert hidden(inputs) == {
        "code",
        "configuration.oauth.api.secret",
        "configuration.nested.list.1",
    }
    assert inputs["configuration"]["oauth.api.key"] == "plain"


def leaves(value, path=""):
    """Return the path of every value that is no map or list."""
    if isinstance(value, dict):
        return {one for key, item in value.items() for one in leaves(item, f"{path}.{key}")}
    if isinstance(value, list):
        return {one for i, item in enumerate(value) for one in leaves(item, f"{path}.{i}")}
    return {path.removeprefix(".")}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "{",
        "config:\n",
        f"config:\n  {KEY}: x\n",
        f"config:\n  {KEY}:\n    secure: v1:aaa\n",
        FILE.replace("invoices", "another"),
    ],
)
def test_what_the_file_does_not_show_is_secret(declared, text):
    """Another file was given (`--config-file`), or an environment brought the values."""
    inputs = declared(text, CLEAR)["invoices"]
    configuration = {f"configuration.{one}" for one in leaves(CLEAR["invoices"]["configuration"])}
    assert {"code", "element_key"} | configuration <= hidden(inputs)


def test_a_leaf_is_secret_unless_the_file_shows_that_very_value(declared):
    text = FILE.replace("oauth.api.key: plain", "oauth.api.key: an older one")
    assert "configuration.oauth.api.key" in hidden(declared(text, CLEAR)["invoices"])


def test_numbers_and_booleans_are_compared_as_what_they_are(declared):
    text = f"config:\n  {KEY}:\n    a:\n      element: x\n      configuration:\n"
    text += "        flag: true\n        number: 5\n        secret: {secure: v1:aaa}\n"
    clear = {"flag": True, "number": 5, "secret": "hidden"}
    inputs = declared(text, {"a": {"element": "x", "configuration": clear}})["a"]
    assert hidden(inputs) == {"configuration.secret"}


def test_a_map_written_as_json_text_is_read(declared):
    text = f"config:\n  {KEY}: '" + '{"a": {"element": "x", "code": {"secure": "v1:x"}}}' + "'\n"
    inputs = declared(text, {"a": {"element": "x", "code": "hidden"}})["a"]
    assert hidden(inputs) == {"code"}


def test_events_are_secret_leaf_by_leaf(declared):
    events = {"by": "webhook", "to": "https://app.example.com", "signature_key": "hidden"}
    text = """
config:
  cloud-elements:instances:
    shop:
      element: weebly
      events: {by: webhook, to: https://app.example.com, signature_key: {secure: v1:x}}
"""
    registered = declared(text, {"shop": {"element": "weebly", "events": events}})["shop"]
    assert hidden(registered) == {"events.signature_key"}
    assert registered["events"].keys() == events.keys()


SHARED = {"hubspot": {"tags": ["shared"], "configuration": {"x": "plain", "y": "the-secret"}}}
SHARING = {"crm": {"element": "hubspot", "tags": ["own"], "configuration": {"z": "mine"}}}


@pytest.mark.parametrize(
    ("secure", "secret"),
    [
        (("cloud-elements:defaults",), {"configuration.y"}),
        ((KEY,), {"configuration.z"}),
        ((KEY, "cloud-elements:defaults"), {"configuration.y", "configuration.z"}),
        ((), set()),
    ],
)
def test_what_is_shared_is_secret_where_it_stands(declared, monkeypatch, secure, secret):
    text = """
config:
  cloud-elements:defaults:
    hubspot:
      tags: [shared]
      configuration: {x: plain, y: {secure: v1:x}}
  cloud-elements:instances:
    crm: {element: hubspot, tags: [own], configuration: {z: {secure: v1:x}}}
"""
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"cloud-elements:defaults": json.dumps(SHARED)}))

    registered = declared(text, SHARING, secure=secure)["crm"]

    assert hidden(registered) == secret
    assert registered["tags"] == ["shared", "own"]
    assert registered["configuration"].keys() == {"x", "y", "z"}


def test_defaults_without_an_effect_are_warned_of(declared, monkeypatch):
    told = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: told.append(text))
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"cloud-elements:defaults": json.dumps(SHARED)}))
    declared("config: {}\n", {"mail": {"element": "sendgrid"}})
    assert told == [
        "cloud-elements:defaults.hubspot: no entry is of this element, so it has no effect"
    ]


def test_where_nothing_is_secure_nothing_is_marked_but_credentials(declared):
    assert hidden(declared("", CLEAR, secure=())["invoices"]) == {"code"}


def test_every_field_reaches_the_resource(declared):
    registered = declared("config: {}\n", {"invoices": WHOLE})["invoices"]
    inputs = {"element_key" if key == "element" else key for key in WHOLE}
    assert inputs - {"protect", "retain_on_delete"} <= registered.keys()


def test_a_mistake_ends_the_program_with_its_path(declared):
    with pytest.raises(pulumi.RunError, match=r"cloud-elements:instances\.a\.element: is required"):
        declared("config: {}\n", {"a": {}})


def test_a_mistyped_key_ends_the_program(declared, monkeypatch):
    monkeypatch.setenv("PULUMI_CONFIG", '{"cloud-elements:instance": "{}"}')
    with pytest.raises(pulumi.RunError, match="did you mean 'cloud-elements:instances'"):
        declared("config: {}\n", None)


MERGED = """
config:
  base: &base
    element: onedrivebusiness
    configuration: &plain
      oauth.api.key: plain
      oauth.scope: files
  cloud-elements:instances:
    one: &one
      <<: *base
      code: &code {secure: v1:aaa}
    two: *one
    three:
      <<: [*base]
      configuration:
        <<: *plain
        oauth.scope: more
        oauth.api.secret: *code
"""


def test_merge_keys_and_aliases_are_followed_leaf_by_leaf(declared):
    shared = {"oauth.api.key": "plain", "oauth.scope": "files"}
    one = {"element": "onedrivebusiness", "configuration": shared, "code": "the-code"}
    own = shared | {"oauth.scope": "more", "oauth.api.secret": "hidden"}
    three = {"element": "onedrivebusiness", "configuration": own}
    registered = declared(MERGED, {"one": one, "two": one, "three": three})
    assert hidden(registered["one"]) == hidden(registered["two"]) == {"code"}
    assert hidden(registered["three"]) == {"configuration.oauth.api.secret"}


def test_the_stack_file_stands_beside_the_project_file(declared, tmp_path, monkeypatch):
    """Where `main` leads the program into another folder."""
    (tmp_path / "program").mkdir()
    chdir = monkeypatch.chdir
    monkeypatch.setattr(monkeypatch, "chdir", lambda path: chdir(path / "program"))
    assert "configuration.oauth.api.key" not in hidden(declared(FILE, CLEAR)["invoices"])


def test_what_was_read_as_something_else_ends_the_program(declared):
    text = f"config:\n  {KEY}:\n    a:\n      element: x\n      configuration: {{phone: 0123}}\n"
    with pytest.raises(pulumi.RunError) as refused:
        declared(text, {"a": {"element": "x", "configuration": {"phone": 83}}}, secure=())
    told = f"{KEY}.a.configuration.phone: written 0123, read as 83: put it in quotes"
    assert str(refused.value) == told


def test_a_value_that_must_be_text_is_told_once():
    misread = {f"{KEY}.a.element": "written 007, read as 7: put it in quotes"}
    with pytest.raises(StackError) as refused:
        parse({"a": {"element": 7, "name": 5}}, (), misread)
    assert str(refused.value).splitlines() == [
        f"{KEY}.a.element: written 007, read as 7: put it in quotes",
        f"{KEY}.a.name: must be text; put it in quotes",
    ]


@pytest.mark.parametrize("name", ["off", "on", "yes", "no", "1"])
def test_a_name_that_yaml_takes_for_something_else_keeps_its_secrets(declared, name):
    text = f"config:\n  {KEY}:\n    {name}:\n      element: weebly\n      configuration:\n"
    text += "        document.tagging: {secure: v1:aaa}\n"
    entry = {"element": "weebly", "configuration": {"document.tagging": "a-secret"}}
    assert hidden(declared(text, {name: entry})[name]) == {"configuration.document.tagging"}
