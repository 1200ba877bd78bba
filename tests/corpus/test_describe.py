"""Each documented OAuth element, from `elements describe` to the address of its consent page."""

import importlib
import re

import yaml
from typer.testing import CliRunner

from provider.cli import app
from provider.cli.console import FailureError
from provider.declarations import parse
from tests.corpus.conftest import ELEMENTS

# By its name alone it is the command, not the module.
AUTHORIZE = importlib.import_module("provider.cli.authorize")


class Stack:
    """A stack, as far as asking for consent knows it."""

    name = "dev"


def test_every_oauth_element(account, sandbox, client, monkeypatch):
    """The entry that describe gives, its commands run, is one that leads to a consent page."""
    monkeypatch.setenv("CLOUD_ELEMENTS_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("CLOUD_ELEMENTS_USER_SECRET", sandbox.user_secret)
    monkeypatch.setenv("CLOUD_ELEMENTS_ORGANIZATION_SECRET", sandbox.organization_secret)
    if not ELEMENTS.is_dir():
        account.lacking.append("elements/*.json")
        return
    for element in client.find_elements():
        if element.kind not in ("oauth1", "oauth2", "oauth"):
            continue
        account.seen += 1
        with account.judging(element.key) as verdict:
            try:
                consent(element.key, client)
            except FailureError as error:
                verdict.wrong.append(str(error))
    assert account.failures == []


def consent(key, client):
    """Go from the description of an element to its consent page."""
    said = CliRunner().invoke(app, ["describe", key, "--name", "mine"])
    assert said.exit_code == 0, said.output
    assert "elements authorize mine --stack dev --up" in said.stdout
    entry = yaml.safe_load(said.stdout)["cloud-elements:instances"]["mine"]
    configuration = entry["configuration"] = entry["configuration"] or {}
    for name in re.findall(r'--path .*configuration(?:\["(.*?)"\]|\.(\w+))', said.stdout):
        configuration["".join(name)] = "given"
    assert configuration["oauth.callback.url"] == "http://127.0.0.1:8080/callback"
    target = AUTHORIZE._Target(Stack(), "mine", parse({"mine": entry})["mine"])
    application = AUTHORIZE._Application.of(target, client, None)
    _, address = AUTHORIZE._ask(application, client, {})
    assert address.startswith("http")
