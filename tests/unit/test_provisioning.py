"""Requests that a create or update sends, against a real sandbox, without a server around it."""

from contextlib import closing

import pytest

from provider import host, schema
from provider.client import CloudElementsClient
from provider.config import Settings
from provider.host import HalfMadeError
from provider.markers import MARKERS, credential_marker, is_marker, markers
from provider.platform import Platform
from provider.provisioning import Provisioning
from provider.retry import Time
from sandbox import Sandbox

OURS = markers(organization="o", project="p", stack="s", place="one")
BASIC = {"subdomain": "acme", "username": "u", "password": "hidden"}
APPLICATION = {
    "oauth.api.key": "k",
    "oauth.api.secret": "s",
    "oauth.callback.url": "https://app.example/callback",
}
DESK = {"element_key": "freshservice", "name": "desk", "configuration": BASIC, MARKERS: OURS.tags}


@pytest.fixture
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture
def platform(sandbox):
    """The platform as a server process works with it; time passes only in sleeps."""
    settings = Settings(
        base_url=sandbox.base_url,
        user_secret=sandbox.user_secret,
        organization_secret=sandbox.organization_secret,
        lookup_window=2.0,
        retry_budget=1.0,
    )
    moment = [1_000.0]

    def sleep(seconds):
        moment[0] += seconds

    clock = Time(now=lambda: moment[0], sleep=sleep, wall=lambda: moment[0])
    with closing(CloudElementsClient(settings, clock=clock)) as client:
        yield Platform.of(settings, client=client, clock=clock)


@pytest.fixture
def warnings(monkeypatch):
    """What the user is warned about."""
    told = []
    monkeypatch.setattr(host, "warn", told.append)
    return told


def begin(platform, inputs):
    return Provisioning(platform, schema.inputs_of(inputs)).begin()


def plain(outputs):
    return {key: schema.pulumi.runtime.rpc.unwrap_rpc_secret(v) for key, v in outputs.items()}


def requests(sandbox):
    """Return what was asked about instances: methods and paths."""
    asked = [(entry["method"], entry["path"]) for entry in sandbox.journal()]
    return [one for one in asked if one[1].startswith("/instances")]


def test_the_happy_path_is_one_list_and_one_post_for_each(sandbox, platform):
    begin(platform, DESK)
    other = markers(organization="o", project="p", stack="s", place="two")
    begin(platform, DESK | {"name": "two", MARKERS: other.tags})
    assert [method for method, _ in requests(sandbox)] == ["GET", "POST", "POST"]


def test_a_create_carries_the_users_tags_and_ours(sandbox, platform):
    code = sandbox.new_code("onedrivebusiness")
    inputs = {
        "element_key": "onedrivebusiness",
        "name": "drive",
        "configuration": APPLICATION,
        "code": code,
        "tags": ["billing"],
        MARKERS: OURS.tags,
    }
    begin(platform, inputs)
    (instance,) = sandbox.instances()
    spent = schema.fingerprints({"code": code})
    assert instance["tags"] == ["billing", *OURS.tags, *credential_marker(spent)]
    assert [tag for tag in instance["tags"] if not is_marker(tag)] == ["billing"]


def test_without_tags_and_markers_the_platform_adds_its_own(sandbox, platform):
    _, outputs = begin(platform, DESK | {MARKERS: []})
    assert sandbox.instances()[0]["tags"] == ["desk"]
    assert outputs["tags"] == []


@pytest.mark.parametrize("kind", ["drop", "truncated", "empty", "not_an_instance"])
def test_an_instance_whose_answer_was_lost_is_taken_over(sandbox, platform, warnings, kind):
    sandbox.add_fault(kind, method="POST", path="/instances")
    id_, outputs = begin(platform, DESK)
    (instance,) = sandbox.instances()
    assert id_ == str(instance["id"])
    assert plain(outputs)["element_token"] == instance["token"]
    assert sandbox.counters()["creates"] == 1
    assert warnings == [
        (
            f"element instance {id_} was there already, made by a request whose answer was lost or "
            "by an interrupted run: taken over"
        )
    ]


def test_what_an_earlier_run_left_is_brought_to_what_is_wished_for(sandbox, platform, warnings):
    begin(platform, DESK)
    later = Platform.of(platform.settings, client=platform.client, clock=platform.clock)
    before = len(sandbox.journal())

    begin(later, DESK | {"tags": ["new"], "configuration": BASIC | {"subdomain": "other"}})

    (instance,) = sandbox.instances()
    assert instance["configuration"]["subdomain"] == "other"
    assert "new" in instance["tags"]
    methods = [entry["method"] for entry in sandbox.journal()[before:]]
    assert methods.count("POST") == 0
    assert methods.count("PATCH") == 1


def test_the_same_instance_is_never_given_to_two(sandbox, platform, warnings):
    id_, _ = begin(platform, DESK | {MARKERS: []})
    later = Platform.of(platform.settings, client=platform.client, clock=platform.clock)
    begin(later, DESK | {"adopt": id_})
    with pytest.raises(Exception, match=f"instance {id_} already belongs to a resource"):
        begin(later, DESK | {"adopt": id_, MARKERS: markers_of("two")})


def markers_of(place):
    return markers(organization="o", project="p", stack="s", place=place).tags


def test_a_refused_create_that_left_an_instance_keeps_it(sandbox, platform):
    sandbox.set_switch("failed_create_leaves", "invalid")
    with pytest.raises(HalfMadeError, match=r"but left instance .* behind") as half:
        begin(platform, DESK | {"configuration": BASIC | {"password": "wrong"}})
    (instance,) = sandbox.instances()
    assert half.value.instance_id == str(instance["id"])
    assert plain(half.value.outputs)["element_token"] == instance["token"]


def test_an_update_without_a_change_sends_nothing_but_looks(sandbox, platform):
    id_, outputs = begin(platform, DESK)
    before = len(sandbox.journal())
    Provisioning(platform, schema.inputs_of(DESK)).go_on(id_, unmarked(outputs))
    asked = [(entry["method"], entry["path"]) for entry in sandbox.journal()[before:]]
    assert asked == [("GET", f"/instances/{id_}")]


def unmarked(value):
    """Return outputs as the engine hands them back."""
    value = schema.pulumi.runtime.rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: unmarked(item) for key, item in value.items()}
    return value
