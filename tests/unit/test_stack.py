"""A stack's program: what it declares, secrets leaf by leaf."""

import json
import os

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import config
from pulumi.runtime.mocks import MockMonitor

from provider import stack
from provider.stack_keys import KEY

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
        "cloud-elements:defaults.hubspot: no entry uses this element, so it has no effect"
    ]


def test_where_nothing_is_secure_nothing_is_marked_but_credentials(declared):
    assert hidden(declared("", CLEAR, secure=())["invoices"]) == {"code"}


def test_every_field_reaches_the_resource(declared, whole):
    registered = declared("config: {}\n", {"invoices": whole})["invoices"]
    inputs = {"element_key" if key == "element" else key for key in whole}
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


@pytest.mark.parametrize("name", ["off", "on", "yes", "no", "1"])
def test_a_name_that_yaml_takes_for_something_else_keeps_its_secrets(declared, name):
    text = f"config:\n  {KEY}:\n    {name}:\n      element: weebly\n      configuration:\n"
    text += "        document.tagging: {secure: v1:aaa}\n"
    entry = {"element": "weebly", "configuration": {"document.tagging": "a-secret"}}
    assert hidden(declared(text, {name: entry})[name]) == {"configuration.document.tagging"}
