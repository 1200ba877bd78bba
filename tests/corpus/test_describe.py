"""Each documented OAuth element, from `elements describe` to the address of its consent page."""

import importlib
import re

import pytest
import yaml
from typer.testing import CliRunner

from provider.cli import app
from provider.cli.console import FailureError
from provider.client import CloudElementsClient
from provider.config import Settings
from provider.errors import CloudElementsError
from provider.stack import parse
from sandbox import Sandbox

# By its name alone it is the command, not the module.
AUTHORIZE = importlib.import_module("provider.cli.authorize")


class Stack:
    """A stack, as far as asking for consent knows it."""

    name = "dev"


@pytest.fixture
def client(corpus_folder, monkeypatch):
    elements = corpus_folder / "elements"
    with Sandbox(elements=elements if elements.is_dir() else None) as sandbox:
        monkeypatch.setenv("CLOUD_ELEMENTS_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("CLOUD_ELEMENTS_USER_SECRET", sandbox.user_secret)
        monkeypatch.setenv("CLOUD_ELEMENTS_ORGANIZATION_SECRET", sandbox.organization_secret)
        made = CloudElementsClient(
            Settings(sandbox.base_url, sandbox.user_secret, sandbox.organization_secret)
        )
        yield made
        made.close()


def test_every_oauth_element(account, client):
    """The entry that describe gives, its commands run, is one that leads to a consent page."""
    for element in client.find_elements():
        if not element.kind.startswith("oauth"):
            continue
        account.seen += 1
        try:
            consent(element.key, client)
        except (AssertionError, FailureError, CloudElementsError) as error:
            account.failures.append(f"{element.key}: {error}")
        else:
            account.passed += 1
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
