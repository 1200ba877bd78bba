"""`elements` at a real terminal: the paste prompt beside the browser, questions, Ctrl+C."""

from __future__ import annotations

import json
import re
import shlex
import sys
import termios

import httpx
import pexpect
import pytest

from provider.instance.markers import markers

FILES = """
files:
  element: onedrivebusiness
  configuration:
    oauth.api.key: application-key
    oauth.api.secret: application-secret-7731
"""
ELSEWHERE = "    oauth.callback.url: https://app.example.com/oauth\n"


@pytest.fixture
def terminal(workplace):
    """Start a command at a terminal of its own; whatever is left of it ends with the test."""
    started = []

    def start(*arguments, into=None, columns=200):
        command = shlex.join([sys.executable, "-m", "provider", *arguments])
        child = pexpect.spawn(
            "sh",
            ["-c", f"exec {command}" + (f" >{into}" if into else "")],
            cwd=str(workplace.project.folder),
            # The test runner's own size would count for more.
            env={k: v for k, v in workplace.project.env.items() if k not in ("COLUMNS", "LINES")},
            dimensions=(40, columns),
            timeout=60,
            encoding="utf-8",
            echo=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def echoes(child):
    """Tell whether the terminal shows what is typed."""
    return bool(termios.tcgetattr(child.child_fd)[3] & termios.ECHO)


def consent_page(child):
    """Wait for the printed address of the consent page."""
    child.expect(r"  (http://\S+)\r\n")
    return child.match[1]


def state_in(address):
    """Return the state that the address of a consent page carries."""
    return re.search(r"state=([\w-]+)", address)[1]


def end(child):
    """Wait for the end; return the exit code and what was said meanwhile."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before


def test_a_whole_address_is_pasted_and_never_shown(workplace, terminal):
    """On a machine without a browser the address from another one is pasted, unseen."""
    workplace.declare(FILES + ELSEWHERE)
    child = terminal("authorize", "files", "--no-browser")
    address = consent_page(child)
    child.expect("paste the address")

    child.sendline(f"https://app.example.com/oauth?code=pasted-code&state={state_in(address)}")
    code, said = end(child)

    assert code == 0, said
    assert "pasted-code" not in said
    assert workplace.values("files")["code"] == "pasted-code"


def test_a_wrong_paste_is_explained_and_asked_for_again(workplace, terminal):
    """An address of another request is refused in one line; the next paste counts."""
    workplace.declare(FILES + ELSEWHERE)
    child = terminal("authorize", "files", "--no-browser")
    child.expect("paste the address")
    child.sendline("https://app.example.com/oauth?code=c&state=older")
    child.expect("That was not accepted, because it belongs to another request")
    child.sendline("bare-code")

    code, said = end(child)

    assert code == 0, said
    assert workplace.values("files")["code"] == "bare-code"


def test_a_code_longer_than_a_terminal_line_arrives_whole(workplace, terminal):
    """Terminals cut their own lines at 4096 characters; the codes of some vendors are longer."""
    workplace.declare(FILES + ELSEWHERE)
    child = terminal("authorize", "files", "--no-browser")
    child.expect("paste the address")
    for _ in range(12):
        child.send("abcdefghij" * 50)
    child.sendline()

    code, said = end(child)

    assert code == 0, said
    assert workplace.values("files")["code"] == "abcdefghij" * 600


def test_typing_errors_can_be_corrected(workplace, terminal):
    """Backspace and Ctrl+U work although the terminal edits nothing; arrow keys add nothing."""
    workplace.declare(FILES + ELSEWHERE)
    child = terminal("authorize", "files", "--no-browser")
    child.expect("paste the address")
    child.sendline("nonsense\x15abx\x7fc\x1b[D")

    assert end(child)[0] == 0
    assert workplace.values("files")["code"] == "abc"


def test_the_browser_wins_while_the_prompt_waits(workplace, terminal):
    """Both ways are open at once; the terminal is put back as it was."""
    workplace.declare(FILES)
    child = terminal("authorize", "files", "--no-browser")
    address = consent_page(child)
    child.expect("Waiting for the browser")
    back = httpx.post(address, data={"decision": "allow"}).headers["location"]
    assert httpx.get(back).status_code == 200

    child.expect("is stored in stack")

    assert echoes(child)
    assert end(child)[0] == 0
    assert workplace.values("files")["code"] in back


def test_the_paste_wins_while_the_listener_waits(workplace, terminal):
    """A browser on another machine can't come back here: what it shows is pasted."""
    workplace.declare(FILES)
    child = terminal("authorize", "files", "--no-browser")
    address = consent_page(child)
    child.expect("Waiting for the browser")
    back = httpx.post(address, data={"decision": "allow"}).headers["location"]
    child.sendline(back)

    assert end(child)[0] == 0
    assert workplace.values("files")["code"] in back


def test_ctrl_c_stores_nothing_and_restores_the_terminal(workplace, terminal):
    """What is typed is hidden while the prompt waits, and shown again afterwards."""
    workplace.declare(FILES)
    before = workplace.file.read_bytes()
    child = terminal("authorize", "files", "--no-browser")
    child.expect("Waiting for the browser")
    child.expect("not shown")
    while echoes(child):
        pass
    child.sendintr()
    child.expect("Stopped")

    assert echoes(child)
    assert end(child)[0] == 130
    assert workplace.file.read_bytes() == before


def test_ctrl_d_ends_the_wait_where_nothing_else_can_answer(workplace, terminal):
    """Without a listener, the end of input is the end."""
    workplace.declare(FILES + ELSEWHERE)
    child = terminal("authorize", "files", "--no-browser")
    child.expect("not shown")
    while echoes(child):
        pass
    child.send("\x04")

    code, said = end(child)

    assert code == 5
    assert "Standard input ended without an answer, and nothing was stored" in said


def test_watch_looks_again_until_ctrl_c(workplace, terminal):
    """Two looks, then the exit code of the last one, without a traceback."""
    workplace.declare("mail:\n  element: sendgrid\n")
    child = terminal("status", "--watch", "--every", "0.1")
    child.expect("0 of 1 ok")
    child.expect("0 of 1 ok")
    child.sendintr()

    code, said = end(child)

    assert "Traceback" not in said
    assert code == 3


def test_the_exit_code_of_a_watch_is_the_last_looks(workplace, terminal):
    """Also when it failed, after one that had not."""
    child = terminal("status", "--watch", "--every", "0.1")
    child.expect("has no instances")
    workplace.declare("mail: nonsense\n")
    child.expect("must be a map")
    child.sendintr()

    assert end(child)[0] == 1


def test_a_narrow_terminal_shows_what_to_do_below(workplace, terminal):
    """Beside four columns a sentence would be one word wide."""
    workplace.declare(FILES.replace("files", "an-entry-of-a-long-name"))
    child = terminal("status", columns=60)

    said = " ".join(end(child)[1].split())

    assert (
        "an-entry-of-a-long-name onedrivebusiness awaiting consent run elements authorize" in said
    )


def test_the_shortest_terminal_shows_whole_words(workplace, terminal):
    """Five columns of 48 would be slivers; what is copied out of a table stays in one piece."""
    stack = markers(organization="organization/", project="cloud-elements", stack="old", place="")
    workplace.create("sendgrid", "left", {"api.token": "t"}, tags=stack.tags)

    code, found = end(terminal("search", "onedrivebusiness", columns=48))
    assert code == 0
    first, second, *_ = found.splitlines()
    assert first.split("  ")[:2] == ["onedrivebusiness", "OneDrive for Business"]
    assert second.split()[-1] == "oauth2"
    assert all(not line.strip() or len(line) <= 48 for line in found.splitlines())
    checked = " ".join(end(terminal("doctor", columns=48))[1].split())
    assert "ok loopback 127.0.0.1 can be listened on for consent" in checked
    swept = end(terminal("sweep", columns=48))[1].splitlines()
    told = [stack.stack, "  (none here): 1 instance, 1 in no state"]
    assert [line.rstrip() for line in swept[:2]] == told


def test_a_question_is_asked_before_anything_is_deleted(workplace, terminal):
    """No is the answer of the Enter key; yes deletes."""
    marker = markers(organization="organization/", project="cloud-elements", stack="old", place="")
    tags = {"tags": marker.tags}
    workplace.create("sendgrid", "left", {"api.token": "t"}, **tags)
    child = terminal("sweep", "--stack", "old")
    child.expect("Delete 1 instance of stack 'old' for good, with their tokens")
    child.sendline("")
    code, said = end(child)
    assert (code, "Nothing was deleted." in said) == (4, True)
    assert workplace.sandbox.counters()["deletes"] == 0

    child = terminal("sweep", "--stack", "old")
    child.expect("for good")
    child.sendline("y")

    assert end(child)[0] == 0
    assert workplace.sandbox.counters()["deletes"] == 1


def test_a_question_keeps_the_results_clean(workplace, terminal, tmp_path):
    """With --json what is to go is shown, and asked about, beside the document."""
    marker = markers(organization="organization/", project="cloud-elements", stack="old", place="")
    id_ = workplace.create("sendgrid", "left", {"api.token": "t"}, tags=marker.tags)
    out = tmp_path / "out"
    child = terminal("sweep", "--stack", "old", "--json", into=out)
    child.expect(f"left +sendgrid +{id_}")
    child.expect("for good, with their tokens")
    child.sendline("y")

    assert end(child)[0] == 0
    assert json.loads(out.read_text())["removed"] == [id_]


def test_completion_knows_stacks_and_entries(workplace, terminal):
    """TAB offers the stacks that have a file, and the entries of the chosen one."""
    workplace.declare(FILES + "'off':\n  element: sendgrid\n")

    def offered(line):
        environment = workplace.project.env | {
            "_ELEMENTS_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
        }
        said = pexpect.run(
            f"{sys.executable} -c 'from provider.cli import app; app(prog_name=\"elements\")'",
            cwd=str(workplace.project.folder),
            env=environment,
            timeout=60,
            encoding="utf-8",
        )
        return said.split()

    assert offered("elements authorize ") == ["files", "off"]
    assert offered("elements authorize f") == ["files"]
    assert "test" in offered("elements status --stack t")
    assert offered("elements doc") == ["doctor"]
