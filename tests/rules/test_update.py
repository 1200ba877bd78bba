"""Requests that a create or update sends, against a real sandbox, without a server around it."""

from contextlib import closing

import pytest
from pulumi.runtime.rpc import unwrap_rpc_secret

from provider.api import wire
from provider.api.client import CloudElementsClient
from provider.api.errors import APIError, SpentError
from provider.api.retry import Time
from provider.config import Settings
from provider.instance import creation
from provider.instance import inputs as schema
from provider.instance import update as updates
from provider.instance.context import Context
from provider.instance.credentials import fingerprints
from provider.instance.host import HalfMadeError
from provider.instance.journal import Fate
from provider.instance.markers import MARKERS, credential_marker, is_marker, markers
from provider.instance.state import Stored
from sandbox import Sandbox
from tests.listener import Listener

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
        yield Context.of(settings, Listener(), client=client, clock=clock)


@pytest.fixture
def warnings(platform):
    """What the user is warned about."""
    return platform.host.warnings


def begin(platform, inputs):
    return creation.create(platform, schema.inputs_of(inputs))


def plain(outputs):
    return {key: unwrap_rpc_secret(v) for key, v in outputs.items()}


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
    spent = fingerprints({"code": code})
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
    later = Context.of(
        platform.settings, platform.host, client=platform.client, clock=platform.clock
    )
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
    later = Context.of(
        platform.settings, platform.host, client=platform.client, clock=platform.clock
    )
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
    updates.update(platform, schema.inputs_of(DESK), Stored(id_, unmarked(outputs)))
    asked = [(entry["method"], entry["path"]) for entry in sandbox.journal()[before:]]
    assert asked == [("GET", f"/instances/{id_}")]


def unmarked(value):
    """Return outputs as the engine hands them back."""
    value = unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: unmarked(item) for key, item in value.items()}
    return value


# Authenticated anew

DRIVE = {
    "element_key": "onedrivebusiness",
    "name": "drive",
    "configuration": APPLICATION,
    "tags": ["billing"],
    MARKERS: OURS.tags,
}


def renewed(sandbox, platform, inputs=DRIVE):
    """Create an instance, then give it a new code; return that update, and both inputs' codes."""
    old, new = (sandbox.new_code("onedrivebusiness") for _ in range(2))
    id_, outputs = begin(platform, inputs | {"code": old})

    def update(code=new, outputs=outputs):
        wished = schema.inputs_of(inputs | {"code": code})
        return updates.update(platform, wished, Stored(id_, unmarked(outputs)))

    return update, old, new


def carrying_codes(sandbox):
    """Return the methods of the requests that carried a code, without the create's."""
    return [entry["method"] for entry in sandbox.journal() if entry["carries_code"]][1:]


def tag_of(code):
    return credential_marker(fingerprints({"code": code}))[0]


@pytest.mark.parametrize("lost", ["PATCH", "PUT"])
@pytest.mark.parametrize("position", ["off", "nothing", "405"])
def test_a_code_whose_answer_was_lost_is_found_by_what_the_platform_shows(
    sandbox, platform, lost, position
):
    """The tag alone would lie: a PATCH that ignores a code leaves it all the same."""
    update, _, new = renewed(sandbox, platform)
    sandbox.set_switch("patch_reauthenticates", position)
    sandbox.add_fault("drop", method=lost, path="/instances/{id}", when="after")

    if (lost, position) in (("PATCH", "nothing"), ("PATCH", "405")):
        with pytest.raises(HalfMadeError, match="its code counts as spent"):
            update()  # nothing shows whether the request is still at work
        assert carrying_codes(sandbox) == ["PATCH"]
        return
    update()

    assert carrying_codes(sandbox) == ["PATCH", "PUT"]
    assert sandbox.instances()[0]["authentications"] == 2
    assert tag_of(new) in sandbox.instances()[0]["tags"]
    assert sandbox.counters()["codes_replayed"] == 0


@pytest.mark.parametrize("position", ["off", "nothing", "405"])
def test_a_put_that_never_arrived_is_not_believed_later(sandbox, platform, position):
    """Its code counts as spent, and no tag tells otherwise."""
    update, old, new = renewed(sandbox, platform)
    sandbox.set_switch("patch_reauthenticates", position)
    sandbox.add_fault("drop", method="PUT", path="/instances/{id}", when="before")

    with pytest.raises(HalfMadeError, match="its code counts as spent, so get a new code") as half:
        update()

    tags = sandbox.instances()[0]["tags"]
    assert (tag_of(old) in tags, tag_of(new) in tags, "billing" in tags) == (True, False, True)
    with pytest.raises(HalfMadeError, match="its code was already sent"):
        update(outputs=half.value.outputs)
    assert carrying_codes(sandbox) == ["PATCH", "PUT"]
    update(sandbox.new_code("onedrivebusiness"), half.value.outputs)
    assert sandbox.instances()[0]["authentications"] == 2


def test_a_code_that_another_resource_sent_meanwhile_is_not_sent_by_put(sandbox, platform):
    update, old, new = renewed(sandbox, platform)
    sandbox.set_switch("patch_reauthenticates", "off")
    mark = fingerprints({"code": new})["code"]
    journal, note = platform.claims.history, platform.claims.history.note
    other = markers(organization="o", project="p", stack="s", place="two")

    def take(marker, fate, **more):
        note(marker, fate, **more)
        if fate is Fate.VOID:
            journal.reserve(other, [mark])

    journal.note = take
    with pytest.raises(SpentError, match="for another resource"):
        update()

    assert carrying_codes(sandbox) == ["PATCH"]
    assert tag_of(old) in sandbox.instances()[0]["tags"]


@pytest.mark.parametrize("status", [405, 501])
def test_where_neither_takes_a_code_another_instance_does(sandbox, platform, status):
    update, *_ = renewed(sandbox, platform)
    sandbox.set_switch("patch_reauthenticates", "405")
    sandbox.add_fault("status", method="PUT", path="/instances/{id}", status=status, body="html")

    with pytest.raises(
        HalfMadeError, match=f"→ {status}.*replace the instance by pulumi up --repl"
    ):
        update()


def test_what_neither_took_is_told_once_and_not_believed(sandbox, platform, monkeypatch):
    """The state goes on; whoever replaces the instance needs another code."""
    update, old, new = renewed(sandbox, platform)
    sandbox.set_switch("patch_reauthenticates", "off")
    monkeypatch.setattr(platform.client, "replace_instance", platform.client.update_instance)

    with pytest.raises(HalfMadeError, match=r"neither by PATCH nor by PUT.*--replace") as half:
        update()

    tags = sandbox.instances()[0]["tags"]
    assert (tag_of(old) in tags, tag_of(new) in tags) == (True, False)
    update(outputs=half.value.outputs)
    assert carrying_codes(sandbox) == ["PATCH", "PATCH"]


@pytest.mark.parametrize("position", ["off", "405"])
def test_without_marker_tags_the_code_is_taken_as_well(sandbox, platform, position):
    update, *_ = renewed(sandbox, platform, DRIVE | {MARKERS: []})
    sandbox.set_switch("patch_reauthenticates", position)

    update()

    assert carrying_codes(sandbox) == ["PATCH", "PUT"]
    assert sandbox.instances()[0]["authentications"] == 2
    assert sandbox.instances()[0]["tags"] == ["billing"]


@pytest.mark.parametrize("place", ["top", "empty"])
@pytest.mark.parametrize("position", ["off", "nothing", "405"])
def test_what_is_adopted_takes_a_code_whatever_patch_does(sandbox, platform, position, place):
    """Where no token is told, name and tags tell that nothing was written."""
    id_, _ = begin(platform, DRIVE | {"code": sandbox.new_code("onedrivebusiness"), MARKERS: []})
    sandbox.set_switch("configuration_place", place)
    later = Context.of(
        platform.settings, platform.host, client=platform.client, clock=platform.clock
    )
    sandbox.set_switch("patch_reauthenticates", position)

    code = sandbox.new_code("onedrivebusiness")
    begin(later, DRIVE | {"name": "ours", "adopt": id_, "code": code})

    [instance] = sandbox.instances()
    unknown = (place, position) == ("empty", "off")
    assert (instance["name"], instance["authentications"]) == ("ours", 1 if unknown else 2)
    assert tag_of(code) in instance["tags"]


def test_a_change_without_a_code_is_never_a_put(sandbox, platform):
    """A PATCH that is refused is then a mistake in the inputs."""
    id_, outputs = begin(platform, DESK)
    sandbox.add_fault("status", method="PATCH", path="/instances/{id}", status=405)
    news = schema.inputs_of(DESK | {"tags": ["new"]})
    with pytest.raises(APIError):
        updates.update(platform, news, Stored(id_, unmarked(outputs)))
    assert "PUT" not in [entry["method"] for entry in sandbox.journal()]


class Mixed:
    """A way to the platform on which somebody else answers the requests with a code."""

    def __init__(self, client, answer, *, arrives):
        self.client, self.answer, self.arrives = client, answer, arrives

    def __getattr__(self, name):
        return getattr(self.client, name)

    def update_instance(self, id_, body, **options):
        if "providerData" not in body:
            return self.client.update_instance(id_, body, **options)
        before = self.client.get_instance(id_)
        if self.arrives:
            self.client.update_instance(id_, body, **options)
        return self.answer(before)


def bare(before):
    return wire.Instance(id=before.id)


def of_a_stranger(before):
    held = {"oauth.user.token": "another", "oauth.user.refresh_time": "1"}
    return before.model_copy(update={"configuration": held, "tags": ["theirs"], "token": "theirs"})


@pytest.mark.parametrize("answer", [bare, of_a_stranger])
@pytest.mark.parametrize("position", ["on", "off"])
def test_an_answer_of_somebody_else_is_not_believed(sandbox, platform, answer, position):
    """The instance itself tells; where it shows nothing, the code counts as spent."""
    update, old, new = renewed(sandbox, platform)
    sandbox.set_switch("patch_reauthenticates", position)
    client = platform.client
    platform.client = Mixed(client, answer, arrives=False)

    with pytest.raises(HalfMadeError, match="its code counts as spent") as half:
        update()

    assert carrying_codes(sandbox) == []
    platform.client = Mixed(client, answer, arrives=True)
    update(sandbox.new_code("onedrivebusiness"), half.value.outputs)
    assert carrying_codes(sandbox) == ["PATCH"] + ["PUT"] * (position == "off")
    [instance] = sandbox.instances()
    assert instance["authentications"] == 2
    assert not {tag_of(old), tag_of(new)} & set(instance["tags"])
