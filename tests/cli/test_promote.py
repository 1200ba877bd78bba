"""`elements promote`: what one stack declares becomes an entry of the next one."""

from __future__ import annotations

import json
import shlex

import pytest
import yaml

KEY = "cloud-elements:instances"
DEFAULTS = "cloud-elements:defaults"
DEV = """
config:
  cloud-elements:defaults:
    freshservice:
      tags: [shared]
      configuration: {subdomain: acme}
  cloud-elements:instances:
    desk:
      element: freshservice
      name: Help Desk
      tags: [desk]
      protect: false
      configuration:
        username: "007"
        password: in-clear-7731
      events: {by: polling, every: 5, to: https://app.example/7731}
    crm:
      element: hubspot
      code: code-7731
      provider_data: {realmId: "7731"}
      configuration: {oauth.callback.url: "http://127.0.0.1:18653/callback", oauth.api.key: k-7731}
    shop:
      element: weebly
      external_authentication: initial
      events: {by: webhook, to: https://app.example/7731}
    taken:
      element: sendgrid
      adopt: "7"
      delete_adopted: true
"""
PROD = """
config:
  cloud-elements:instances:
    # what is there already
    mail: {element: sendgrid}   # and its comment
"""


@pytest.fixture
def file(workplace):
    """Give `test` entries, and make a stack `prod`; return the file of that."""
    workplace.file.write_text(workplace.file.read_text() + DEV)
    path = workplace.file.with_name("Pulumi.prod.yaml")
    path.write_text(PROD)
    workplace.project.run("stack", "init", "prod", "--no-select")
    yield path
    workplace.project.run("stack", "rm", "prod", "--yes", "--force")
    workplace.project.select("test")  # whichever stack goes, none is the current one afterwards
    path.unlink(missing_ok=True)


def config(path):
    return yaml.safe_load(path.read_text())["config"]


def promote(workplace, *arguments):
    return workplace.elements("promote", *arguments, "--from", "test", "--to", "prod")


def secret_place(*keys, root=KEY):
    """Return the command that sets a secret."""
    *names, last = keys
    path = f"{root}.{'.'.join(names)}" + (f'["{last}"]' if "." in last else f".{last}")
    return f"pulumi config set --secret --path {shlex.quote(path)} --stack prod"


def test_an_entry_is_written_without_code_and_secrets(workplace, file):
    """What stands in the other file stays; what is to be set is listed with its commands."""
    before = file.read_text()

    said = promote(workplace, "desk", "crm", "taken", "--json")

    assert said.code == 0, said.stderr
    result = json.loads(said.stdout)
    assert result["entries"] == {
        "desk": {
            "element": "freshservice",
            "name": "Help Desk",
            "tags": ["desk"],
            "protect": False,
            "configuration": {"username": "007"},
            "events": {"by": "polling", "every": 5},
        },
        "crm": {
            "element": "hubspot",
            "configuration": {"oauth.callback.url": "http://127.0.0.1:18653/callback"},
        },
        "taken": {"element": "sendgrid"},
    }
    shared = {"tags": ["shared"], "configuration": {"subdomain": "acme"}}
    assert result["defaults"] == {"freshservice": shared}
    assert result["to_be_set"] == {"desk": ["password", "events.to"], "crm": ["oauth.api.key"]}
    assert (result["from"], result["to"], result["written"]) == ("test", "prod", True)
    assert [*result["entries"]["desk"]][:3] == ["element", "name", "tags"]
    assert config(file)[KEY] == {"mail": {"element": "sendgrid"}} | result["entries"]
    assert config(file)[DEFAULTS] == result["defaults"]
    kept = [line for line in before.splitlines() if line.strip()]
    assert [line for line in file.read_text().splitlines() if line in kept] == kept
    for command in (
        secret_place("desk", "configuration", "password"),
        secret_place("desk", "events", "to"),
        secret_place("crm", "configuration", "oauth.api.key"),
        "elements authorize crm --stack prod",
    ):
        assert f"  {command}\n" in said.stderr
    assert "authorize desk" not in said.stderr
    assert "pulumi up --stack prod" in said.stderr
    assert "7731" not in file.read_text() + said.all


def test_what_it_lists_is_all_that_lacks(deployed):
    """Promoted, its secrets set, applied: the other stack has an instance of its own."""
    place = deployed
    head, _, tail = place.file.read_text().partition("config:\n")
    place.file.write_text(f"{head}{DEV}{tail}")
    place.project.run("stack", "init", "prod", "--no-select")
    said = place.process("promote", "desk", "--from", "test", "--to", "prod")
    assert said.code == 0, said.stderr
    given = {"desk": {"password": "p", "events.to": "https://app.example/prod"}}
    set_ = place.process("secrets", "--stack", "prod", stdin=json.dumps(given))
    assert set_.code == 0, set_.stderr

    place.project.run("up", "--yes", "--skip-preview", "--stack", "prod")

    [instance] = place.sandbox.instances()
    assert instance["name"] == "Help Desk"
    assert {"shared", "desk"} <= set(instance["tags"])
    assert instance["configuration"]["event.notification.callback.url"].endswith("/prod")
    again = place.process("promote", "desk", "--from", "test", "--to", "prod")
    assert again.code == 0, again.stderr
    assert "'desk' is in stack 'prod' already, as in 'test'." in again.stderr
    assert "set --secret" not in again.stderr


def test_a_dry_run_shows_the_difference_and_writes_nothing(workplace, file):
    before = file.read_bytes()

    said = promote(workplace, "desk", "--dry-run")

    assert said.code == 0, said.stderr
    assert file.read_bytes() == before
    assert "+    desk:\n" in said.stdout
    assert "7731" not in said.all
    assert "1 entry would be added to stack 'prod'." in said.stderr
    quiet = promote(workplace, "desk", "--dry-run", "--json")
    assert json.loads(quiet.stdout)["written"] is False


def test_an_entry_that_differs_is_refused_and_one_that_does_not_stays(workplace, file):
    """All at once, and nothing is written; what is secret on either side is no difference."""
    file.write_text(
        """
config:
  cloud-elements:instances:
    desk:
      element: freshservice
      tags: [desk, another]
      configuration: {username: somebody, password: its-own-7731}
      events: {by: polling, every: 5, to: https://prod.example/7731}
    crm:
      element: hubspot
      code: another-7731
      configuration: {oauth.callback.url: "http://127.0.0.1:18653/callback"}
"""
        + "".join(line for line in file.read_text().splitlines(True) if line.startswith("enc"))
    )
    before = file.read_bytes()

    said = promote(workplace, "desk", "crm", "shp", "shop")

    assert said.code == 1
    assert "an entry 'desk' already" not in said.stdout
    assert (
        "another entry 'desk' already, which differs in name, tags, protect, "
        "configuration.username" in said.stderr
    )
    assert "Stack 'test' declares no instance 'shp'; did you mean 'shop'?" in said.stderr
    assert file.read_bytes() == before
    assert "7731" not in said.all
    said = promote(workplace, "crm", "--json")
    assert said.code == 0, said.stderr
    result = json.loads(said.stdout)
    assert (result["unchanged"], result["entries"], result["written"]) == (["crm"], {}, False)
    assert result["to_be_set"] == {"crm": ["oauth.api.key"]}
    assert file.read_bytes() == before


def test_what_the_other_stack_shares_is_its_own(workplace, file):
    shared = "{configuration: {subdomain: prod, password: prod-7731}}"
    own = f"  cloud-elements:defaults:\n    freshservice: {shared}\n"
    file.write_text(file.read_text().replace("config:\n", f"config:\n{own}", 1))

    said = promote(workplace, "desk", "--json")

    assert said.code == 0, said.stderr
    result = json.loads(said.stdout)
    assert (result["defaults"], result["to_be_set"]) == ({}, {"desk": ["events.to"]})
    assert config(file)[DEFAULTS] == {"freshservice": yaml.safe_load(shared)}
    assert f"from {DEFAULTS}.freshservice of stack 'prod'" in said.stderr


def test_what_a_stack_is_refused_for_until_it_is_set_is_told(workplace, file):
    """The address of a webhook is a secret, and needed."""
    said = promote(workplace, "shop")
    assert said.code == 0, said.stderr
    assert config(file)[KEY]["shop"]["events"] == {"by": "webhook"}
    assert f"  {secret_place('shop', 'events', 'to')}\n" in said.stderr
    assert "Until then stack 'prod' is refused:" in said.stderr
    assert f"{KEY}.shop.events.to: is required by 'webhook'" in said.stderr
    listed = workplace.elements("secrets", "shop", "--stack", "prod", "--dry-run", "--json")
    assert "events.to" in json.loads(listed.stdout)["to_be_set"]["shop"], listed.stderr
    given = json.dumps({"shop": {"events.to": "https://prod.example/7731"}})
    assert workplace.process("secrets", "--stack", "prod", stdin=given).code == 0
    assert "refused" not in promote(workplace, "shop").stderr
    assert "authorize" not in said.stderr


def test_of_entries_that_are_one_secret_nothing_is_copied_but_the_element(workplace, file):
    workplace.declare("")
    entry = {"desk": {"element": "freshservice", "configuration": {"subdomain": "acme-7731"}}}
    workplace.project.run(
        "config", "set", "--secret", KEY, "--stack", "test", stdin=json.dumps(entry)
    )

    said = promote(workplace, "desk")

    assert said.code == 0, said.stderr
    assert config(file)[KEY]["desk"] == {"element": "freshservice"}
    assert f"  {secret_place('desk', 'configuration', 'subdomain')}\n" in said.stderr
    assert "7731" not in file.read_text() + said.all


def test_a_stack_is_not_promoted_to_itself(workplace, file):
    said = workplace.elements("promote", "desk", "--from", "test", "--to", "organization/x/test")
    assert said.code == 1
    said = workplace.elements("promote", "desk", "--from", "test", "--to", "test")
    assert said.code == 1
    assert "'test' is the one it is in" in said.stderr
    said = workplace.elements("promote", "desk", "--from", "test", "--to", "nowhere")
    assert said.code == 1
    assert "nowhere" in said.stderr
