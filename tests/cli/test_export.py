"""`elements export`: an account that exists becomes a stack, and `pulumi up` changes nothing."""

from __future__ import annotations

import copy
import json
import re
import shlex

import pytest
import yaml

from provider.instance.markers import markers

APPLICATION = {
    "oauth.api.key": "application",
    "oauth.api.secret": "application-secret-7731",
    "oauth.callback.url": "https://app.example/callback",
}
DESK = {"subdomain": "acme", "username": "someone", "password": "desk-password-7731"}
KEY = "cloud-elements:instances"
DEFAULTS = "cloud-elements:defaults"


@pytest.fixture
def account(workplace):
    """Return a function that fills the account of a workplace; it gives ids by name."""

    def fill(place=workplace):
        new = place.sandbox.new_provider_data
        events = {"event.notification.enabled": True, "event.poller.configuration": {"a": {"b": 1}}}
        return {
            "Help Desk": place.create("freshservice", "Help Desk", DESK),
            "files": place.create(
                "onedrivebusiness",
                "files",
                APPLICATION | {"document.tagging": "true"},
                tags=["b", "a"],
                providerData=new("onedrivebusiness"),
            ),
            "Books": place.create(
                "quickbooks", "Books", APPLICATION, providerData=new("quickbooks")
            ),
            "Posts": place.create("twitter", "Posts", APPLICATION, providerData=new("twitter")),
            "Mail [a]": place.create(
                "sendgrid", "Mail [a]", {"api.token": "mail-token-7731"}, tags=["yes", "1"]
            ),
            "Leads": place.create(
                "hubspot", "Leads", APPLICATION | events, providerData=new("hubspot")
            ),
        }

    return fill


def entries(place):
    """Return what the stack file declares."""
    document = yaml.safe_load(place.file.read_text()) or {}
    return (document.get("config") or {}).get(KEY) or {}


def test_every_instance_becomes_an_entry_without_its_secrets(workplace, account):
    """Plain values that differ from the defaults are written; secrets are named, never written."""
    ids = account()

    said = workplace.elements("export")

    assert said.code == 0, said.stderr
    declared = entries(workplace)
    assert {entry["adopt"] for entry in declared.values()} == set(ids.values())
    assert declared["help-desk"] == {
        "element": "freshservice",
        "name": "Help Desk",
        "adopt": ids["Help Desk"],
        "tags": ["Help Desk"],
        "configuration": {"subdomain": "acme", "username": "someone"},
    }
    assert declared["files"]["configuration"] == {
        "document.tagging": "true",
        "oauth.callback.url": "https://app.example/callback",
    }
    assert declared["mail-a"]["tags"] == ["yes", "1"]
    assert "configuration" not in declared["mail-a"]
    everything = workplace.file.read_text() + said.all
    assert not re.search("7731", everything)
    assert not any(one["token"] in everything for one in workplace.sandbox.instances())
    path = f'{KEY}.files.configuration["oauth.api.secret"]'
    command = f"pulumi config set --secret --path {shlex.quote(path)} --stack test"
    assert f"  {command}\n" in said.stderr
    assert f"      # to be set: {command}\n" in workplace.file.read_text()
    assert "6 entries added to stack 'test'." in said.stderr


def test_what_several_instances_share_is_written_once(deployed):
    """And secrets of their application are set once; `pulumi up` then changes nothing."""
    told = {"event.notification.enabled": True, "event.poller.refresh_interval": "5"}
    for name in ("north", "south"):
        deployed.create(
            "hubspot",
            name,
            APPLICATION | told,
            tags=["crm", name],
            providerData=deployed.sandbox.new_provider_data("hubspot"),
        )
    before = {one["id"]: one["configuration"] for one in deployed.sandbox.instances()}

    said = deployed.elements("export", "--json")

    result = json.loads(said.stdout)
    assert result["defaults"] == {
        "hubspot": {
            "tags": ["crm"],
            "configuration": {"oauth.callback.url": "https://app.example/callback"},
            "events": {"every": 5},
        }
    }
    keys = ["oauth.api.key", "oauth.api.secret"]
    assert result["to_be_set"] == {DEFAULTS: {"hubspot": keys}}
    assert result["entries"]["north"].keys() == {"element", "adopt", "tags"}
    document = yaml.safe_load(deployed.file.read_text())["config"]
    assert document[DEFAULTS] == result["defaults"]
    path = f'{DEFAULTS}.hubspot.configuration["oauth.api.secret"]'
    command = f"pulumi config set --secret --path {shlex.quote(path)} --stack test"
    assert f"  {command}\n" in said.stderr
    assert f"# to be set: {command}\n" in deployed.file.read_text()
    listed = deployed.elements("secrets", "--stack", "test", "--dry-run", "--json")
    assert json.loads(listed.stdout)["to_be_set"] == {DEFAULTS: {"hubspot": keys}}
    given = {DEFAULTS: {"hubspot": {key: APPLICATION[key] for key in keys}}}
    set_ = deployed.process("secrets", "--stack", "test", stdin=json.dumps(given))
    assert set_.code == 0, set_.stderr
    assert "2 secrets set" in set_.stderr
    assert "7731" not in deployed.file.read_text() + set_.all
    deployed.project.up()
    assert {one["id"]: one["configuration"] for one in deployed.sandbox.instances()} == before
    assert deployed.elements("status").code == 0
    again = deployed.elements("secrets", "--stack", "test", "--dry-run", "--json")
    assert json.loads(again.stdout)["to_be_set"] == {}
    later = deployed.create(
        "hubspot",
        "west",
        APPLICATION | told,
        tags=["crm"],
        providerData=deployed.sandbox.new_provider_data("hubspot"),
    )
    said = json.loads(deployed.elements("export", "--json").stdout)
    assert said["entries"] == {"west": {"element": "hubspot", "adopt": later}}
    assert (said["defaults"], said["to_be_set"]) == ({}, {})


TOLD = {
    "event.notification.enabled": True,
    "event.poller.refresh_interval": "5",
    "event.notification.signature.key": "signature-7731",
    "filter.response.nulls": False,
}


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://app.example/events?key=7731", "events.to"),
        ("http://app.example/events?key=7731", 'configuration["event.notification.callback.url"]'),
    ],
)
def test_events_are_written_in_their_own_words(deployed, address, place):
    """An address that these can't hold stays a key; `elements secrets` takes what is listed."""
    told = DESK | TOLD | {"event.notification.callback.url": address}
    deployed.create("freshservice", "desk", told)
    held = deployed.sandbox.instances()[0]["configuration"]

    said = deployed.elements("export", "--json")

    result = json.loads(said.stdout)
    entry = result["entries"]["desk"]
    assert entry["events"] == {"every": 5}
    assert entry["filter_response_nulls"] is False
    assert entry["configuration"] == {"subdomain": "acme", "username": "someone"}
    assert f"{KEY}.desk.{place}" in said.stderr
    assert f"{KEY}.desk.events.signature_key" in said.stderr
    assert "7731" not in deployed.file.read_text() + said.all
    keys = {"events.to": "callback.url", "events.signature_key": "signature.key"}
    names = {one: f"event.notification.{key}" for one, key in keys.items()}
    given = {key: held[names.get(key, key)] for key in result["to_be_set"]["desk"]}
    set_ = deployed.process("secrets", "--stack", "test", stdin=json.dumps({"desk": given}))
    assert set_.code == 0, set_.stderr
    deployed.project.up()
    assert deployed.sandbox.instances()[0]["configuration"] == held
    assert deployed.elements("status").code == 0


def test_export_then_up_changes_nothing_but_the_marker_tags(deployed, account):
    """The whole way: export, set the secrets it lists, `pulumi up`: the platform is as it was."""
    account(deployed)
    before = {one["id"]: one for one in copy.deepcopy(deployed.sandbox.instances())}
    said = deployed.process("export", "--json")
    result = json.loads(said.stdout)
    for name, keys in result["to_be_set"].items():
        held = before[int(result["entries"][name]["adopt"])]["configuration"]
        for key in keys:
            path = f'{KEY}["{name}"].configuration["{key}"]'
            deployed.project.config_set(path, held[key], secret=True, path=True)

    deployed.project.up()

    after = {one["id"]: one for one in deployed.sandbox.instances()}
    assert after.keys() == before.keys()
    for id_, one in after.items():
        assert [tag for tag in one["tags"] if not tag.startswith("pulumi-")] == before[id_]["tags"]
        assert len(one["tags"]) > len(before[id_]["tags"])
        assert one | {"tags": 0} == before[id_] | {"tags": 0}
    assert deployed.sandbox.counters()["creates"] == len(before)
    assert "unchanged" in deployed.project.preview("--expect-no-changes").stdout
    again = deployed.process("export")
    assert "There is nothing to add" in again.stderr
    status = deployed.process("status")
    assert status.code == 0, status.stdout
    kept = [line for line in deployed.file.read_text().splitlines() if "adopt:" not in line]
    deployed.file.write_text("\n".join([*kept, ""]))
    assert "unchanged" in deployed.project.preview("--expect-no-changes").stdout


def test_a_dry_run_shows_the_difference_and_writes_nothing(workplace, account):
    """The difference on standard output is the one that the run would make."""
    account()
    before = workplace.file.read_text()

    said = workplace.elements("export", "--dry-run")

    assert said.code == 0
    assert workplace.file.read_text() == before
    added = [line[1:] for line in said.stdout.splitlines() if re.match(r"\+(?!\+\+)", line)]
    assert "    help-desk:" in added
    workplace.elements("export")
    new = workplace.file.read_text().splitlines()
    assert [line for line in new if line not in before.splitlines()] == added


def test_existing_entries_and_comments_are_kept(workplace, account):
    """An instance that is declared already is not declared twice, however it is named."""
    ids = account()
    workplace.declare(
        "# ours\nby-id:\n  element: sendgrid\n  adopt: "
        + ids["Mail [a]"]
        + "\nby-name:\n  element: freshservice\n  adopt: 'name:Help Desk' # note\n"
        "files:\n  element: onedrivebusiness\n"
    )
    before = workplace.file.read_text()

    assert workplace.elements("export").code == 0

    text = workplace.file.read_text()
    assert text.startswith(before[: before.index("encryptionsalt")])
    assert set(entries(workplace)) == {
        "by-id",
        "by-name",
        "files",
        f"files-{ids['files']}",
        "books",
        "posts",
        "leads",
    }


BY_HAND = """\
# who owns what: see the wiki
x-mail: &mail
  element: sendgrid
  configuration: { api.token: "t" }   # the same everywhere

config:
    cloud-elements:lookupWindow: "20"
    cloud-elements:instances: &all
        # first of all
        first:   &first
            <<: *mail
            tags: [ a,   'b' ]

        second: {element: closeio, configuration: {username: "007"}} # on one line
        third:
            <<: *first
            name: "third"   # its own
        last: *mail
    # the rest
"""


def test_a_file_edited_by_hand_keeps_every_line(workplace, account):
    """Anchors, merge keys, aliases, maps in braces, comments, spacing; and Pulumi reads it all."""
    account()
    salt = workplace.file.read_text()
    workplace.file.write_text(BY_HAND + salt)

    said = workplace.elements("export", "--element", "freshservice")

    assert said.code == 0, said.stderr
    head, tail = BY_HAND.split("    # the rest")
    text = workplace.file.read_text()
    assert text.startswith(head)
    assert text.endswith("    # the rest" + tail + salt)
    config = json.loads(workplace.project.run("config", "--json", keep=False).stdout)
    read = config[KEY]["objectValue"]
    assert list(entries(workplace)) == ["first", "second", "third", "last", "help-desk"]
    assert read == entries(workplace)
    assert read["third"]["configuration"] == read["last"]["configuration"] == {"api.token": "t"}


def test_the_key_may_be_spelled_without_the_project(workplace, account):
    """The project's own namespace may be left out: what stands there is added to."""
    account()
    workplace.declare("mail:\n  element: sendgrid\n")
    workplace.file.write_text(workplace.file.read_text().replace(KEY, "instances"))

    said = workplace.elements("export", "--element", "freshservice")
    given = '{"mail": {"api.token": "t"}}'
    set_ = workplace.process("secrets", stdin=given)

    assert (said.code, set_.code) == (0, 0), said.stderr + set_.stderr
    assert list(yaml.safe_load(workplace.file.read_text())["config"]) == ["instances"]
    assert workplace.values("help-desk")["element"] == "freshservice"
    assert workplace.values("mail")["configuration"] == {"api.token": "t"}


def test_equal_names_stay_apart(workplace):
    """Names are not unique on the platform; the id tells them apart."""
    ids = [workplace.create("sendgrid", "Mail", {"api.token": "t"}) for _ in range(2)]

    workplace.elements("export")

    assert set(entries(workplace)) == {f"mail-{id_}" for id_ in ids}


def test_a_name_that_looks_like_anothers_with_its_id_stays_apart(workplace):
    """Whatever is declared and whatever the others are called, each instance is one entry."""
    twins = [workplace.create("sendgrid", "Dup", {"api.token": "t"}) for _ in range(2)]
    third = workplace.create("sendgrid", f"dup {twins[0]}", {"api.token": "t"})
    workplace.declare(f"dup-{twins[1]}:\n  element: sendgrid\n")

    assert workplace.elements("export").code == 0

    declared = entries(workplace)
    assert len(declared) == 4
    assert {entry.get("adopt") for entry in declared.values()} == {None, *twins, third}
    assert workplace.file.read_text().count(f"    dup-{twins[1]}:\n") == 1


def test_a_choice_of_instances(workplace, account):
    """By element or by id; an id that is not there is told."""
    ids = account()

    assert workplace.elements("export", "--element", "hubspot", "-e", "twitter").code == 0
    assert set(entries(workplace)) == {"leads", "posts"}
    assert workplace.elements("export", "--id", ids["Books"]).code == 0
    assert set(entries(workplace)) == {"leads", "posts", "books"}
    missing = workplace.elements("export", "--id", "1")
    assert missing.code == 1
    assert "There is no instance 1 in the account" in missing.stderr
    unused = workplace.elements("export", "--element", "hubspott")
    assert unused.code == 1
    assert "There is no instance of element hubspott in the account" in unused.stderr


def test_all_pages_are_read(workplace):
    """An account of more instances than a page holds is exported whole."""
    workplace.sandbox.set_switch("list_page_size", 3)
    workplace.sandbox.set_switch("list_page_max", 3)
    for number in range(8):
        workplace.create("sendgrid", f"Mail {number}", {"api.token": "t"})

    workplace.elements("export")

    assert len(entries(workplace)) == 8


def test_what_another_stack_manages_is_left_out(workplace):
    """A marker tag tells; naming the id overrules it."""
    tags = markers(organization="o", project="p", stack="s", place="x").tags
    id_ = workplace.create("sendgrid", "Mail", {"api.token": "t"}, tags=["mine", *tags])

    said = workplace.elements("export")
    assert entries(workplace) == {}
    assert f"{id_} Mail: carries a stack's marker" in said.stderr
    assert workplace.elements("export", "--id", id_).code == 0

    assert entries(workplace)["mail"]["tags"] == ["mine"]


def test_what_can_not_be_declared_is_left_out_with_the_reason(workplace):
    """A name that a stack would have to change is not exported."""
    id_ = workplace.create("sendgrid", "Mail", {"api.token": "t"})
    workplace.sandbox.update_instance(int(id_), name="a\x1b[31m\nb")

    said = workplace.elements("export")

    assert entries(workplace) == {}
    assert "name: must not hold line breaks or other control characters" in said.stderr
    assert "\x1b" not in said.all


def test_a_disabled_instance_stays_disabled(workplace):
    """What is disabled is declared so."""
    id_ = workplace.create("sendgrid", "Mail", {"api.token": "t"})
    workplace.sandbox.update_instance(int(id_), disabled=True)

    workplace.elements("export")

    assert entries(workplace)["mail"]["disabled"] is True


def test_without_metadata_more_counts_as_secret(workplace):
    """An element that can't be looked up has no plain keys but the well-known ones."""
    workplace.create("freshservice", "Desk", DESK)
    workplace.sandbox.add_fault(
        "status", method="GET", path="/elements/{key}", times=None, status=400
    )

    said = workplace.elements("export")

    assert said.code == 0, said.stderr
    assert "can't be looked up" in said.stderr
    assert "username" not in entries(workplace)["desk"]["configuration"]
    assert "configuration.username" in said.stderr


def test_what_the_platform_tells_to_be_unset_is_not_to_be_set(workplace):
    """An instance that was made from a token has no callback URL, and needs none."""
    given = {"oauth.api.key": "k", "oauth.api.secret": "s", "oauth.user.refresh_token": "t"}
    workplace.create("hubspot", "leads", given, externalAuthentication="initial")

    said = workplace.elements("export", "--json")

    keys = ["oauth.api.key", "oauth.api.secret"]
    assert json.loads(said.stdout)["to_be_set"] == {"leads": keys}


def test_an_empty_account_is_no_error(workplace):
    """The platform's 404 means nothing found."""
    before = workplace.file.read_bytes()

    said = workplace.elements("export", "--json")

    assert said.code == 0
    assert json.loads(said.stdout)["entries"] == {}
    assert "There is nothing to add" in said.stderr
    assert workplace.file.read_bytes() == before


def test_a_platform_that_fails_leaves_the_file_alone(workplace, account):
    """Half a list is no list."""
    account()
    workplace.sandbox.set_switch("list_page_max", 2)
    workplace.sandbox.add_fault(
        "status", method="GET", path="/instances", after=1, times=None, status=400
    )
    before = workplace.file.read_bytes()

    said = workplace.elements("export")

    assert said.code == 1
    assert "Could not read the account's instances" in said.stderr
    assert workplace.file.read_bytes() == before
