"""The way to the consent page: what is asked of the platform, opened and printed."""

from __future__ import annotations

import json
import sys
import webbrowser

import pytest

from provider.api import wire
from provider.api.oauth import OAuth
from provider.consent.grant import of_query

SECRET = "application-secret-7731"
FILES = f"""
files:
  element: onedrivebusiness
  configuration:
    oauth.api.key: application-key
    oauth.api.secret: {SECRET}
    oauth.callback.url: https://app.example.com/oauth?tenant=a
"""
NOBODY = ("--paste", "--timeout", "0")


@pytest.fixture
def leads(workplace, monkeypatch):
    """Return a function that has the platform give an address, and says what became of it."""
    workplace.declare(FILES)
    opened = []

    def leads_to(address, *arguments):
        redirect = wire.Redirect(oauthUrl="https://login.example/")
        redirect = redirect.model_copy(update={"oauth_url": address})
        monkeypatch.setattr(OAuth, "url", lambda *_, **__: redirect)
        monkeypatch.setattr(
            "provider.cli.browser.webbrowser.get", lambda: Windowed(opened, opens=True)
        )
        opened.clear()
        return workplace.elements("authorize", "files", *NOBODY, *arguments), opened

    return leads_to


class Windowed(webbrowser.BaseBrowser):
    """A browser with windows of its own."""

    def __init__(self, opened, *, opens):
        super().__init__()
        self._opened = opened
        self._opens = opens

    def open(self, url, new=0, autoraise=True):
        """Keep the address."""
        self._opened.append(url)
        return self._opens


def test_the_address_is_opened_and_printed(leads):
    """The browser may not come up, so it can be copied as well."""
    address = "https://login.example/?client_id=a&state=b"

    said, opened = leads(address)

    assert opened == [address]
    assert f"\n  {address}\n" in said.stderr
    assert "Warning" not in said.stderr


def test_without_a_browser_it_is_printed_alone(leads):
    """Nothing is opened."""
    said, opened = leads("https://login.example/?a=b", "--no-browser")

    assert opened == []
    assert "\n  https://login.example/?a=b\n" in said.stderr


@pytest.mark.parametrize(
    "address", ["https://x.example/\x1b[31m", "https://x.example/a b", "https://x.example/\u202e"]
)
def test_an_odd_address_is_neither_opened_nor_printed(leads, address):
    """Control codes and spaces belong into no address, and into no command line."""
    said, opened = leads(address)

    assert said.code == 1
    assert "no browser should open" in said.stderr
    assert opened == []
    assert "x.example" not in said.all


def test_an_address_that_holds_the_secret_is_opened_and_not_printed(leads):
    """Some vendors' pages are asked for with it; a terminal keeps what it shows."""
    address = f"https://login.example/?secret={SECRET}"

    said, opened = leads(address)

    assert opened == [address]
    assert "asks for your consent in the browser, at login.example." in said.stderr
    assert SECRET not in said.all


def test_such_an_address_can_not_be_had_without_a_browser(leads):
    """The sentence says why, and which option is in the way."""
    said, opened = leads(f"https://login.example/?secret={SECRET}", "--no-browser")

    assert said.code == 1
    assert opened == []
    assert "is not printed, and --no-browser opens none" in said.stderr
    assert SECRET not in said.all


def test_a_consent_page_without_https_is_warned_of(leads):
    """On the way others read it; on this machine nobody does."""
    assert "of login.example is not https" in leads("http://login.example/")[0].stderr
    assert "Warning" not in leads("http://127.0.0.1:8000/")[0].stderr


def test_a_browser_in_the_terminal_is_none(workplace, monkeypatch):
    """Python falls back to w3m and lynx, which would take the terminal that a person pastes at."""
    workplace.declare(FILES)
    monkeypatch.delenv("BROWSER")
    started = []
    monkeypatch.setattr(
        webbrowser.GenericBrowser, "open", lambda _, url, *__: started.append(url) or True
    )
    monkeypatch.setattr(
        "provider.cli.browser.webbrowser.get", lambda: webbrowser.GenericBrowser("w3m")
    )

    said = workplace.elements("authorize", "files", *NOBODY)

    assert started == []
    assert "Open this address in a browser" in said.stderr


def asked(workplace):
    """Return what the platform was asked for, by the last part of the path."""
    found = {}
    for entry in workplace.sandbox.journal():
        if "/oauth/" in entry["template"]:
            given = entry["body"] or entry["query"]
            found[entry["template"].rpartition("/")[2]] = dict(
                json.loads(given) if isinstance(given, str) else given
            )
    return found


def test_what_the_consent_page_depends_on_is_passed_on(workplace):
    """Scope, the customer's site and what --extra adds; nothing else of the configuration."""
    workplace.declare(
        FILES + "    oauth.scope: read write\n    site.address: acme.example\n"
        "    event.poller.configuration: '{}'\n    authentication.type: oauth2\n"
    )

    workplace.elements(
        *("authorize", "files", "--no-browser", *NOBODY),
        *("--extra", "tenant=t=1", "--extra", "prompt=login"),
    )

    form = asked(workplace)["url"]
    assert (form["scope"], form["siteAddress"]) == ("read write", "acme.example")
    assert (form["tenant"], form["prompt"]) == ("t=1", "login")
    assert form["authentication.type"] == "oauth2"
    assert form["callbackUrl"] == "https://app.example.com/oauth?tenant=a"
    assert not any(key.startswith("event.") for key in form)


def test_oauth1_names_its_request_token(workplace):
    """The page asks for consent to that one request."""
    workplace.declare(FILES.replace("onedrivebusiness", "twitter"))

    said = workplace.elements("authorize", "files", "--no-browser", *NOBODY)

    assert said.code == 5, said.stderr
    assert asked(workplace)["url"]["requestToken"]
    assert asked(workplace)["token"]["state"] == asked(workplace)["url"]["state"]


def test_what_the_callback_url_itself_says_is_not_stored(workplace, monkeypatch):
    """Its own query comes back with the code, and is no answer of the vendor."""
    workplace.declare(FILES)

    def answered(question, *_):
        return of_query(f"tenant=a&code=c&realmId=1&state={question.state}", question)

    # By its name alone it is the command, not the module.
    monkeypatch.setattr(sys.modules["provider.cli.authorize"], "_wait", answered)
    said = workplace.elements("authorize", "files", "--no-browser", "--paste")

    assert said.code == 0, said.stderr
    assert workplace.values("files")["provider_data"] == {"realmId": "1"}


def test_a_piped_answer_that_is_refused_is_told(workplace):
    """The exit code says that it failed, not that nobody answered."""
    workplace.declare(FILES)
    before = workplace.file.read_bytes()

    said = workplace.process(
        *("authorize", "files", "--no-browser"),
        stdin="https://app.example.com/oauth?code=c&state=guessed\n",
    )

    assert said.code == 1
    assert "on standard input was not accepted, because it belongs to another" in said.stderr
    assert "guessed" not in said.all
    assert workplace.file.read_bytes() == before


def test_a_callback_url_that_nobody_declared_is_told(workplace):
    """It must be registered, and the person does not see it anywhere else."""
    workplace.declare("\n".join(FILES.splitlines()[:-1]))

    said = workplace.elements("authorize", "files", "--no-browser", "--timeout", "0")

    assert said.code == 5
    url = asked(workplace)["url"]["callbackUrl"]
    assert f"{url} is used: it must be registered with the vendor" in said.stderr
