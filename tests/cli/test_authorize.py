"""`elements authorize` against the sandbox, with the real engine storing what comes back."""

from __future__ import annotations

import json
import re
import socket
import stat
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ports import free_port

SECRET = "application-secret-7731"
FILES = f"""
files:
  element: onedrivebusiness # the documents
  configuration:
    oauth.api.key: application-key
    oauth.api.secret: {SECRET}
"""
NOBODY = ("--paste", "--no-browser", "--timeout", "0")
TWITTER = FILES.replace("files:", "posts:").replace("onedrivebusiness", "twitter")
BOOKS = FILES.replace("files:", "books:").replace("onedrivebusiness", "quickbooks") + (
    "    authentication.type: oauth2\n"
)


def test_a_code_ends_up_encrypted_in_the_stack(workplace):
    """Consent in the browser: the code is stored as a secret, the callback URL beside it."""
    workplace.declare(FILES)
    workplace.browser("allow")

    said = workplace.process("authorize", "files", "--json")

    assert said.code == 0, said.stderr
    result = {"instance": "files", "element": "onedrivebusiness", "stack": "test"}
    assert json.loads(said.stdout) == result | {"stored": True, "up": None}
    text = workplace.file.read_text()
    entry = workplace.values("files")
    assert entry["code"].startswith("code-")
    assert entry["code"] not in text + said.all
    assert "code:\n        secure:" in text
    assert "# the documents" in text
    assert re.fullmatch(
        r"http://127\.0\.0\.1:\d+/callback", entry["configuration"]["oauth.callback.url"]
    )
    assert "pulumi up --stack test" in said.stderr


@pytest.mark.older
def test_the_code_that_is_stored_creates_the_instance(deployed):
    """With --up the instance exists at the end; its code was spent once."""
    deployed.declare(FILES)
    deployed.browser("allow")

    said = deployed.process("authorize", "files", "--up", "--yes", "--json")

    assert said.code == 0, said.stderr
    assert json.loads(said.stdout)["up"] is True
    counted = deployed.sandbox.counters()
    assert (counted["creates"], counted["codes_spent"], counted["codes_replayed"]) == (1, 1, 0)
    assert SECRET not in said.all
    assert deployed.values("files")["code"] not in said.all


def test_a_proxy_does_not_come_between_up_and_its_program(deployed):
    """Pulumi alone would ask it for 127.0.0.1, where its own parts listen."""
    deployed.declare(FILES)
    deployed.browser("allow")
    for name in ("http_proxy", "https_proxy", "NO_PROXY"):
        deployed.project.env[name] = (
            "platform.example" if name == "NO_PROXY" else "http://localhost:9"
        )

    said = deployed.process("authorize", "files", "--up", "--yes")

    assert said.code == 0, said.all
    assert deployed.sandbox.counters()["creates"] == 1


def test_what_the_platform_disabled_is_told_and_enabled_by_a_new_code(deployed):
    """A refresh tells it and the outputs show it; consent and up enable it again."""
    deployed.declare(FILES)
    deployed.browser("allow")
    assert deployed.process("authorize", "files", "--up", "--yes").code == 0
    [instance] = deployed.sandbox.instances()
    deployed.sandbox.update_instance(instance["id"], disabled=True)

    refreshed = deployed.project.run("up", "--refresh", "--yes")
    assert f"({instance['id']}) is disabled on the platform" in refreshed.stdout + refreshed.stderr
    assert deployed.project.outputs()["files"]["disabled"] is True
    seen = deployed.project.run("preview")
    assert f"({instance['id']}) is disabled on the platform" in seen.stdout + seen.stderr

    said = deployed.process("authorize", "files", "--up", "--yes")

    assert said.code == 0, said.stderr
    assert f"enables instance {instance['id']} as well" in said.all
    assert deployed.sandbox.instances()[0]["disabled"] is False
    assert deployed.project.outputs()["files"]["disabled"] is False


def test_a_failed_up_is_told_and_leaves_the_code(deployed):
    """The exit code is ours; the sentence says that the code is there."""
    deployed.declare(FILES + "mail:\n  element: sendgrid\n")
    deployed.browser("allow")

    said = deployed.process("authorize", "files", "--up", "--yes")

    assert said.code == 1
    assert "The code is stored, but 'pulumi up' exited with" in said.stderr
    assert deployed.values("files")["code"].startswith("code-")


def test_a_file_edited_by_hand_gets_the_code_and_nothing_else(workplace):
    """`pulumi config set` itself would expand what is shared, and write 0123 as 83."""
    text = f"""\
config:
    cloud-elements:instances:
        base: &base
            element: "onedrivebusiness"   # the documents
            tags: [ a,   'b' ]
            configuration: &application {{ oauth.api.key: "0123", oauth.api.secret: {SECRET},
                oauth.callback.url: "http://127.0.0.1:18653/callback" }}

        files:
            <<: *base # all of it
            name: files
        last: *base
x-number: 0123
"""
    salt = workplace.file.read_text()
    workplace.file.write_text(text + salt)
    workplace.browser("allow")

    said = workplace.process("authorize", "files")

    assert said.code == 0, said.stderr
    code = r"            code:\n              secure: \S+\n"
    before, after = (re.escape(part) for part in (text + salt).split("        last"))
    assert re.fullmatch(f"{before}{code}        last{after}", workplace.file.read_text())
    assert workplace.values("files")["code"].startswith("code-")
    assert "code" not in workplace.values("last")


def test_what_aliases_share_is_left_to_pulumi(workplace):
    """An entry that is another's alias gets a code of its own: that takes the alias away."""
    callback = "    oauth.callback.url: http://127.0.0.1:18653/callback\n"
    workplace.declare(FILES.replace("files:", "base: &base") + callback + "files: *base\n")
    workplace.browser("allow")

    said = workplace.process("authorize", "files")

    assert said.code == 0, said.stderr
    assert "Pulumi rewrites the whole stack file" in said.stderr
    assert workplace.values("files")["code"].startswith("code-")
    assert "code" not in workplace.values("base")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (FILES, "", "'files' was removed from stack 'test' meanwhile"),
        ("files:", "documents:", "'files' was removed from stack 'test' meanwhile"),
        ("onedrivebusiness", "hubspot", "'files' was changed meanwhile: element"),
        (SECRET, "another", "'files' was changed meanwhile: configuration.oauth.api.secret"),
        ("element:", "elemnt:", "cloud-elements:instances.files.elemnt: is not known here"),
    ],
    ids=["taken out", "renamed", "another element", "another application", "mistyped"],
)
def test_an_entry_that_changes_meanwhile_gets_no_code(workplace, old, new, told):
    """It would be stored alone, or for something else than its owner agreed to."""
    workplace.declare(FILES)
    workplace.browser("allow")
    workplace.declare(FILES.replace(old, new))
    edited = workplace.file.read_text()
    workplace.declare(FILES)
    script = workplace.project.home / "browser.py"
    edit = f"import pathlib\npathlib.Path({str(workplace.file)!r}).write_text({edited!r})\n"
    script.write_text(edit + script.read_text())

    said = workplace.process("authorize", "files")

    assert said.code == 1, said.all
    assert told in said.stderr
    assert "The code was not stored" in said.stderr
    assert workplace.file.read_text() == edited


def test_oauth1_stores_token_verifier_and_secret(workplace):
    """The three parts of OAuth 1 go into the provider data, encrypted, and no code anywhere."""
    workplace.declare(TWITTER)
    workplace.browser("allow")

    said = workplace.process("authorize", "posts")

    assert said.code == 0, said.stderr
    entry = workplace.values("posts")
    assert set(entry["provider_data"]) == {"oauth_token", "oauth_verifier", "secret"}
    assert "code" not in entry
    text = workplace.file.read_text()
    assert not any(value in text for value in entry["provider_data"].values())
    assert entry["provider_data"]["secret"] not in said.all
    assert entry["provider_data"]["oauth_verifier"] not in said.all


def test_what_names_the_account_is_stored_with_the_code(workplace):
    """QuickBooks also wants the realmId of the callback; here OAuth 2 is chosen."""
    workplace.declare(BOOKS)
    workplace.browser("allow")

    assert workplace.process("authorize", "books").code == 0

    entry = workplace.values("books")
    assert set(entry["provider_data"]) == {"realmId"}
    assert entry["code"].startswith("code-")


def test_a_denial_stores_nothing(workplace):
    """The exit code tells that a person said no."""
    workplace.declare(FILES)
    workplace.browser("deny")
    before = workplace.file.read_bytes()

    said = workplace.process("authorize", "files")

    assert said.code == 4
    assert "Consent was not given (access_denied), and nothing was stored" in said.stderr
    assert workplace.file.read_bytes() == before


def test_no_answer_in_time_stores_nothing(workplace):
    """The exit code tells that nobody answered; the callback URL is not stored either."""
    workplace.declare(FILES)
    before = workplace.file.read_bytes()

    said = workplace.process("authorize", "files", "--timeout", "0.1")

    assert said.code == 5
    assert "No answer came within 0.1 s, and nothing was stored" in said.stderr
    assert workplace.file.read_bytes() == before


def test_a_code_can_be_piped_in(workplace):
    """On a server without a browser and a terminal, the code arrives by standard input."""
    workplace.declare(FILES + "    oauth.callback.url: https://app.example.com/oauth\n")

    said = workplace.process("authorize", "files", "--no-browser", stdin="0123456789\n")

    assert said.code == 0, said.stderr
    assert workplace.values("files")["code"] == "0123456789"
    assert "0123456789" not in said.all


def test_the_secret_travels_in_a_body_where_the_platform_takes_one(workplace):
    """POST first; only a platform that refuses it gets GET, and the secret in the address."""
    workplace.declare(FILES + "    oauth.callback.url: https://app.example.com/oauth\n")
    seen = {}
    for offered in ("offered", "missing"):
        workplace.sandbox.reset()
        workplace.sandbox.set_switch("post_oauth_url", offered)
        assert workplace.elements("authorize", "files", *NOBODY).code == 5
        asked = [e for e in workplace.sandbox.journal() if e["template"].endswith("oauth/url")]
        seen[offered] = [(e["method"], SECRET in str(e["query"])) for e in asked]

    assert seen["offered"] == [("POST", False)]
    assert seen["missing"] == [("POST", False), ("GET", True)]


SITE = (
    FILES
    + """\
    onedrivebusiness.site.address: acme-my.sharepoint.com
    oauth.callback.url: https://app.example.com/oauth
"""
)


@pytest.mark.parametrize("query", ["counts", "ignored"])
@pytest.mark.parametrize("fields", ["ignored", "refused", "accepted"])
@pytest.mark.parametrize("stack", [SITE, BOOKS], ids=["site", "kind of authentication"])
def test_consent_is_asked_on_the_page_of_the_entry(workplace, stack, fields, query):
    """Whatever of a POST counts; where anything of it does, the secret is in no address."""
    stack = stack if stack is SITE else BOOKS + "    oauth.callback.url: https://x.example/\n"
    workplace.declare(stack)
    workplace.sandbox.set_switch("post_oauth_url_fields", fields)
    workplace.sandbox.set_switch("post_oauth_url_query", query)

    said = workplace.elements(
        "authorize", stack.partition(":")[0].strip(), "--extra", "new=1", *NOBODY
    )

    page = parse_qs(urlsplit(re.search(r"https?://\S+/consent\S*", said.stderr)[0]).query)
    asked = [e for e in workplace.sandbox.journal() if e["template"].endswith("oauth/url")]
    assert page["new"] == ["1"]
    if stack is SITE:
        assert page["siteAddress"] == ["acme-my.sharepoint.com"]
    else:
        assert page["response_type"] == ["code"]  # and not OAuth 1, as the element's own kind is
    in_an_address = any(SECRET in str(e["query"]) for e in asked)
    assert in_an_address is (fields != "accepted" and query == "ignored")


def test_every_question_has_a_state_of_its_own(workplace):
    """The state can't be guessed: it is long and never the same, nor the element's key."""
    workplace.declare(FILES + "    oauth.callback.url: https://app.example.com/oauth\n")
    for _ in range(2):
        workplace.elements("authorize", "files", *NOBODY)

    asked = [e["body"] for e in workplace.sandbox.journal() if e["method"] == "POST"]
    states = {(json.loads(body) if isinstance(body, str) else body)["state"] for body in asked}
    assert len(states) == 2
    assert all(len(state) >= 40 for state in states)


def test_the_registered_port_is_listened_to(workplace):
    """A callback URL with a port is served on that port, and stays as it is."""
    url = f"http://localhost:{free_port()}/oauth/back"
    workplace.declare(FILES + f"    oauth.callback.url: {url}\n")
    workplace.browser("allow")

    said = workplace.process("authorize", "files")

    assert said.code == 0, said.stderr
    assert workplace.values("files")["configuration"]["oauth.callback.url"] == url


def test_a_taken_port_is_told_before_anything_is_asked(workplace):
    """The sentence says what to do, and the platform was not asked for a consent page."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        workplace.declare(FILES + f"    oauth.callback.url: http://127.0.0.1:{port}/cb\n")

        said = workplace.elements("authorize", "files")

    assert said.code == 1
    assert f"port {port} of 127.0.0.1 can't be listened on" in said.stderr
    assert "--paste" in said.stderr
    assert not [e for e in workplace.sandbox.journal() if "oauth" in e["template"]]


@pytest.mark.parametrize(
    ("stack", "arguments", "sentence"),
    [
        ("", ["files"], "declares no instance 'files'; it declares none"),
        (FILES, ["file"], "declares no instance 'file'; did you mean 'files'?"),
        (FILES, ["files", "--stack", "nope"], "no stack named 'nope' found; 'pulumi stack ls'"),
        (FILES.replace("onedrivebusiness", "nope"), ["files"], "look up element 'nope'"),
        (
            "files:\n  element: freshservice\n",
            ["files"],
            "authenticates with 'basic' and needs no consent",
        ),
        (
            "files:\n  element: onedrivebusiness\n  oauth_proxy: TestApp\n",
            ["files"],
            "uses an OAuth proxy, through which no consent can be asked for here",
        ),
        (
            "files:\n  element: onedrivebusiness\n",
            ["files"],
            "has no oauth.api.key and no oauth.api.secret, which the vendor gives",
        ),
        (FILES, ["files", "--paste"], "declares no oauth.callback.url, without which nothing"),
        (FILES, ["files", "--extra", "acme"], "--extra takes KEY=VALUE"),
        ("files: nonsense", ["files"], "cloud-elements:instances.files: must be a map"),
        ("files:\n  elment: x\n", ["files"], "did you mean 'element'?"),
        (
            FILES + "    oauth.callback.url: https://app.example.com/cb\n",
            ["files", "--port", "8080"],
            "so --port makes no sense",
        ),
    ],
)
def test_bad_input_is_one_sentence_that_says_what_to_do(workplace, stack, arguments, sentence):
    """Nothing is stored, nothing secret is said, and there is no traceback."""
    workplace.declare(stack)
    before = workplace.file.read_bytes()

    said = workplace.elements("authorize", *arguments)

    assert said.code in (1, 2)
    assert sentence in said.stderr
    assert "Traceback" not in said.all
    assert SECRET not in said.all
    assert workplace.file.read_bytes() == before


def test_wrong_credentials_are_told_without_them(workplace, monkeypatch):
    """The sentence names the variables to check, and not their values."""
    workplace.declare(FILES)
    monkeypatch.setenv("CLOUD_ELEMENTS_USER_SECRET", "not-the-user-secret")

    said = workplace.elements("authorize", "files")

    assert said.code == 1
    assert "check CLOUD_ELEMENTS_USER_SECRET" in said.stderr
    assert "not-the-user-secret" not in said.all


def test_a_code_that_can_not_be_stored_leaves_the_file_as_it_was(workplace):
    """The second of three values fails: the first is taken back, and nothing is half stored."""
    workplace.declare(TWITTER)
    workplace.browser("allow")
    before = workplace.file.read_bytes()
    bin_folder = workplace.project.home / "bin"
    bin_folder.mkdir(exist_ok=True)
    wrapper = bin_folder / "pulumi"
    wrapper.write_text(
        "#!/bin/sh\n"
        'case "$*" in *oauth_verifier*) echo "error: the disk is full" >&2; exit 255;; esac\n'
        f'exec {workplace.project.engine.path} "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    path = workplace.project.env["PATH"]
    try:
        workplace.project.env["PATH"] = f"{bin_folder}:{path}"
        said = workplace.process("authorize", "posts")
    finally:
        workplace.project.env["PATH"] = path
        wrapper.unlink()

    assert said.code == 1
    assert "'pulumi config set' failed: the disk is full. The code was not stored" in said.stderr
    assert workplace.file.read_bytes() == before


def test_secrets_are_no_arguments_of_any_process(workplace):
    """What pulumi is started with, and every user of the machine can list, holds no code."""
    workplace.declare(FILES)
    workplace.browser("allow")
    bin_folder = workplace.project.home / "bin"
    bin_folder.mkdir(exist_ok=True)
    wrapper, log = bin_folder / "pulumi", workplace.project.home / "arguments"
    wrapper.write_text(
        f'#!/bin/sh\necho "$*" >> {log}\nexec {workplace.project.engine.path} "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    path = workplace.project.env["PATH"]
    try:
        workplace.project.env["PATH"] = f"{bin_folder}:{path}"
        assert workplace.process("authorize", "files").code == 0
    finally:
        workplace.project.env["PATH"] = path
        wrapper.unlink()

    arguments = log.read_text()
    assert "config set --secret --path cloud-elements:instances.files.code" in arguments
    assert workplace.values("files")["code"] not in arguments
    assert SECRET not in arguments


def test_without_pulumi_there_is_a_sentence(workplace, monkeypatch):
    """Not a traceback of a missing file."""
    monkeypatch.setenv("PATH", "")

    said = workplace.elements("authorize", "files")

    assert said.code == 1
    assert "The pulumi command is not on PATH" in said.stderr


def test_outside_a_project_there_is_a_sentence(workplace, monkeypatch, tmp_path):
    """It says where to run the command."""
    monkeypatch.chdir(tmp_path)

    said = workplace.elements("authorize", "files")

    assert said.code == 1
    assert "There is no Pulumi.yaml here or above" in said.stderr


def test_without_metadata_consent_can_be_got_all_the_same(workplace):
    """They are a courtesy; OAuth 2 is assumed."""
    workplace.declare(FILES + "    oauth.callback.url: https://x.example/\n")
    path = "/elements/{key}"
    workplace.sandbox.add_fault("status", method="GET", path=path, times=None, status=400)

    said = workplace.process("authorize", "files", stdin="a-code")

    assert said.code == 0, said.stderr
    assert "could not be looked up" in said.stderr
    assert workplace.values("files")["code"] == "a-code"


def test_a_mistake_of_our_own_is_no_traceback(workplace, monkeypatch):
    """Not even its text is shown, which could hold a secret."""
    workplace.declare(FILES)

    def broken(*_):
        message = "secret-7731"
        raise LookupError(message)

    monkeypatch.setattr("provider.cli.project.Stack.declared", broken)
    said = workplace.elements("authorize", "files")

    assert said.code == 1
    assert "a bug of its own, LookupError at test_authorize.py:" in said.stderr
    assert "7731" not in said.all


def test_an_entry_with_an_odd_name_is_stored_in_its_place(workplace):
    """Dots and quotes in a name are no path."""
    workplace.declare(
        FILES.replace("files:", "'a.b \"c\"':") + "    oauth.callback.url: https://x.example/\n"
    )

    said = workplace.process("authorize", 'a.b "c"', stdin="true")

    assert said.code == 0, said.stderr
    assert workplace.values('a.b "c"')["code"] == "true"
