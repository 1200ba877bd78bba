"""Signals: `pulumi` is never cut off, and what is half done is put back."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import termios
import time
from pathlib import Path

import pexpect
import pytest

PULUMI = """\
import pathlib, signal, sys, time
counted = []
signal.signal(signal.SIGINT, lambda *_: counted.append("."))
pathlib.Path("started").touch()
while not counted:
    time.sleep(0.01)
time.sleep(1)  # ends what it is at, and a second signal would arrive meanwhile
pathlib.Path("ended").write_text("".join(counted))
sys.exit(255)
"""
ATTENDED = """\
from pathlib import Path
from provider.cli.pulumi import Pulumi
print("code", int(Pulumi(Path.cwd()).attended("up", quiet=False)))
"""


@pytest.fixture
def place(tmp_path):
    """Return a folder in which `pulumi` takes a second to end after it was interrupted."""
    command = tmp_path / "pulumi"
    command.write_text(f"#!{sys.executable}\n{PULUMI}")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def environment(place):
    return os.environ | {"PATH": f"{place}:{os.environ['PATH']}"}


def appears(path):
    """Wait for a file."""
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} does not appear"
        time.sleep(0.01)


def test_ctrl_c_reaches_pulumi_once_and_it_ends_by_itself(place):
    """At a terminal both get it: it is not passed on, and pulumi is waited for."""
    child = pexpect.spawn(
        "sh",
        ["-c", f"exec {sys.executable} -c '{ATTENDED}' 2>&1 >log"],
        cwd=str(place),
        env=environment(place),
        timeout=60,
    )
    appears(place / "started")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()

    assert (place / "ended").read_text() == "."
    assert (place / "log").read_text() == "code 130\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("group", [False, True])
def test_without_a_terminal_a_signal_is_passed_on_once(place, number, group):
    """Whether it was sent to the command alone or to its whole group, as pipelines do."""
    with subprocess.Popen(
        [sys.executable, "-c", ATTENDED],
        cwd=place,
        env=environment(place),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        appears(place / "started")
        (os.killpg if group else os.kill)(running.pid, number)
        said, _ = running.communicate(timeout=60)

    assert said == f"code {128 + number}\n"
    assert (place / "ended").read_text() == "."


def test_pulumi_that_succeeds_all_the_same_has_succeeded(place):
    """It may have ended just before the signal."""
    pulumi = place / "pulumi"
    pulumi.write_text(pulumi.read_text().replace("exit(255)", "exit(0)"))
    with subprocess.Popen(
        [sys.executable, "-c", ATTENDED],
        cwd=place,
        env=environment(place),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        appears(place / "started")
        running.send_signal(signal.SIGINT)

        assert running.communicate(timeout=60)[0] == "code 0\n"


POSTS = """
posts:
  element: twitter
  configuration:
    oauth.api.key: application-key
    oauth.api.secret: application-secret-7731
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_waiting_restores_the_terminal(workplace, number, code):
    """What is typed is shown again, nothing is stored, and the exit code tells."""
    workplace.declare(POSTS)
    before = workplace.file.read_bytes()
    child = pexpect.spawn(
        sys.executable,
        ["-m", "provider", "authorize", "posts", "--no-browser"],
        cwd=str(workplace.project.folder),
        env=workplace.project.env,
        dimensions=(40, 200),
        timeout=60,
        encoding="utf-8",
    )
    try:
        child.expect("not shown")
        while termios.tcgetattr(child.child_fd)[3] & termios.ECHO:
            pass
        child.kill(number)
        child.expect("Stopped")
        shown = termios.tcgetattr(child.child_fd)[3] & termios.ECHO
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)

    assert shown
    assert child.exitstatus == code
    assert workplace.file.read_bytes() == before


def test_a_signal_while_storing_takes_back_what_is_stored(workplace):
    """The second of three values hangs: SIGTERM ends the command, and the file is as it was."""
    workplace.declare(POSTS)
    workplace.browser("allow")
    before = workplace.file.read_bytes()
    place = workplace.project.home / "slow"
    place.mkdir(exist_ok=True)
    (place / "reached").unlink(missing_ok=True)
    wrapper = place / "pulumi"
    wrapper.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *oauth_verifier*) touch {place}/reached; exec sleep 60;; esac\n'
        f'exec {workplace.project.engine.path} "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    with subprocess.Popen(
        [sys.executable, "-m", "provider", "authorize", "posts"],
        cwd=workplace.project.folder,
        env=workplace.project.env | {"PATH": f"{place}:{workplace.project.env['PATH']}"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        appears(place / "reached")
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=60)[1]

    assert running.returncode == 143
    assert said.endswith("Stopped.\n")
    assert workplace.file.read_bytes() == before


LOADING = """
import os, pathlib, signal
pathlib.Path(os.environ["LOADING"]).touch()
signal.pause()
"""


@pytest.mark.parametrize("command", ["module", "script"])
def test_ctrl_c_while_the_command_is_being_loaded_ends_it_quietly(tmp_path, command):
    """A slow disk gives time for that: no traceback of an import."""
    (tmp_path / "typer.py").write_text(LOADING)
    script = Path(sys.executable).parent / "elements"
    start = [sys.executable, "-m", "provider"] if command == "module" else [script]
    with subprocess.Popen(
        [*start, "search", "drive"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "LOADING": str(tmp_path / "loading")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        appears(tmp_path / "loading")
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)

    assert (running.returncode, *said) == (130, "", "Stopped.\n")


def test_a_reader_that_is_gone_ends_the_command_quietly(workplace):
    """As with `elements search a | true`: no sentence, no traceback."""
    for arguments in (["search", "a"], ["describe", "hubspot"], ["search", "a", "--json"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [sys.executable, "-m", "provider", *arguments],
            cwd=workplace.project.folder,
            env=workplace.project.env,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(write)

        assert (done.returncode, done.stderr) == (141, "")
