"""The consent step in a real browser, from the consent page to the stack."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest


def stored(project, name="files"):
    """Return an entry of the stack, secrets in clear."""
    text = project.run("config", "--show-secrets", "--json", keep=False).stdout
    return json.loads(text)["cloud-elements:instances"]["objectValue"][name]


@pytest.mark.parametrize("name", ["files", "posts"])
def test_consent_ends_with_the_code_in_the_stack(browser, authorize, project, name):
    """Allow: a page that says so, and the credentials of OAuth 2 or OAuth 1 stored encrypted."""
    running = authorize(name)
    browser.open(running.address)
    browser.picture("consent")

    browser.press("allow")

    assert browser.heading == "Consent received"
    browser.picture("received")
    assert running.end() == 0, running.said
    entry = stored(project, name)
    secret = entry["code"] if name == "files" else entry["provider_data"]["oauth_verifier"]
    assert secret.startswith("code-")
    assert secret not in project.stack_file().read_text() + running.said


def test_the_code_leaves_no_trace_in_the_browser(browser, authorize, project):
    """Neither the page, nor the address bar, nor the history entry holds it; all styles apply."""
    running = authorize("files")
    browser.open(running.address)

    browser.press("allow")

    assert running.end() == 0
    code = stored(project)["code"]
    assert code not in browser.driver.page_source
    parts = urlsplit(browser.driver.current_url)
    assert (parts.path, parts.query) == ("/callback", "")
    border = "return getComputedStyle(document.querySelector('main')).borderTopColor"
    assert browser.driver.execute_script(border) == "rgb(21, 128, 61)"
    assert browser.driver.get_log("browser") == []


def test_a_denial_is_shown_and_stores_nothing(browser, authorize, project):
    """Deny: a page that says so, exit code 4, the stack file as it was."""
    before = project.stack_file().read_bytes()
    running = authorize("files")
    browser.open(running.address)

    browser.press("deny")

    assert browser.heading == "Access was not granted"
    browser.picture("denied")
    assert running.end() == 4
    assert project.stack_file().read_bytes() == before


def test_a_tab_of_an_older_run_is_refused_and_the_right_one_counts(browser, authorize, project):
    """The first run was given up; its tab now meets the second run, on the same port."""
    older = authorize("files")
    older_tab = older.address
    older.kill()
    port = urlsplit(older_tab).query.partition("127.0.0.1%3A")[2].partition("%2F")[0]
    running = authorize("files", "--port", port)
    browser.open(older_tab)
    browser.press("allow")

    assert browser.heading == "This is not the answer to the open request"
    browser.picture("misfit")
    browser.new_tab(running.address)
    browser.press("allow")

    assert browser.heading == "Consent received"
    assert running.end() == 0
    assert "code" in stored(project)


def test_two_tabs_of_one_run_count_once(browser, authorize, project):
    """The tab that is answered first wins; the other one finds nobody."""
    running = authorize("files")
    browser.open(running.address)
    first = browser.driver.current_window_handle
    browser.new_tab(running.address)
    browser.press("allow")
    assert browser.heading == "Consent received"
    assert running.end() == 0
    code = stored(project)["code"]

    browser.driver.switch_to.window(first)
    browser.press("allow")

    assert browser.heading.startswith("This site can")
    assert stored(project)["code"] == code


def port_of(running):
    """Return the port to which the consent page leads back."""
    return urlsplit(running.address).query.partition("127.0.0.1%3A")[2].partition("%2F")[0]


def test_nobody_answers_in_time(browser, authorize, project):
    """The page was open, nobody pressed anything: exit code 5, nothing stored."""
    before = project.stack_file().read_bytes()
    running = authorize("files", "--timeout", "2")
    browser.open(running.address)

    assert running.end() == 5
    assert "No answer came within 2 s, and nothing was stored" in running.said
    assert project.stack_file().read_bytes() == before


class OtherSite(BaseHTTPRequestHandler):
    """Any page of an origin that is not ours; Chromium lets it reach this machine."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>Another site</h1>")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def other_site():
    """Return the address of another site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherSite) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_another_site_learns_nothing_and_sends_nothing(browser, authorize, project, other_site):
    """A page of another origin can neither frame, nor read, nor answer in our place."""
    running = authorize("files")
    target = f"http://127.0.0.1:{port_of(running)}/callback?code=forged&state=guessed"
    browser.open(other_site)
    script = """
        const done = arguments[1];
        fetch(arguments[0]).then(a => a.text()).then(t => done("read: " + t), () => done("no"));
    """
    assert browser.driver.execute_async_script(script, target) == "no"
    script = """
        const frame = document.createElement("iframe");
        frame.onload = arguments[1];
        frame.src = arguments[0];
        document.body.append(frame);
    """
    browser.driver.execute_async_script(script, target)
    browser.driver.switch_to.frame(0)
    assert "This is not the answer" not in browser.driver.page_source
    assert browser.driver.execute_script("return location.href") == "chrome-error://chromewebdata/"
    browser.driver.switch_to.default_content()

    browser.open(running.address)
    browser.press("allow")

    assert running.end() == 0
    assert stored(project)["code"] != "forged"
    assert "An answer in the browser was not accepted" in running.said
