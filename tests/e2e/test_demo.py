"""`make demo`: its story, and that nothing stays behind, however it ends."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.demo import Demo
from tools.pulumi_project import ROOT, Project, processes_with

DEMO = (sys.executable, "-u", "-m", "tools.demo")
BROKEN = """
import sys
from tools import demo
demo.DECLARATION = demo.DECLARATION.replace("onedrivebusiness", "nosuchelement")
sys.exit(demo.main())
"""

SLOW = """
import asyncio, sys
from tools import demo

async def sleep(seconds):
    print("creating takes its time", flush=True)
    await asyncio.sleep(seconds)

Sandbox = demo.Sandbox
demo.Sandbox = lambda: Sandbox(switches={"create_seconds": 4}, sleep=sleep)
sys.exit(demo.main())
"""


@pytest.fixture
def start(tmp_path, engine):
    """Return a function that starts the demo; in the end nothing of it may be left."""
    marker = f"DEMO_OF_TEST={tmp_path}"
    runs = []

    def start(*command):
        name, _, value = marker.partition("=")
        run = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {name: value, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        runs.append(run)
        return run

    yield start
    for run in runs:
        run.wait()
        for stream in (run.stdout, run.stderr):
            stream.close()
    left = [Path(f"/proc/{process}/cmdline").read_text() for process in processes_with(marker)]
    assert (left, list(tmp_path.iterdir())) == ([], [])


def test_story(start):
    """The demo tells create, outputs, a second run without changes, and the end, in order."""
    out, err = start(*DEMO).communicate()

    told = [
        r"CLOUD_ELEMENTS_BASE_URL=http://127\.0\.0\.1:\d+/elements/api-v2",
        r"element: onedrivebusiness",
        r"\$ … \| pulumi config set --secret --path cloud-elements:instances\.files\.code",
        r"\$ pulumi up --yes --skip-preview\n",
        r"ElementInstance files created",
        r"token *: \[secret\]",
        r"\$ pulumi stack output",
        r'"token":"\[secret\]"',
        r"with the token: 200",
        r"\$ pulumi up .*--expect-no-changes",
        r"2 unchanged",
        r"requests to /instances: 1",
        r"\$ pulumi destroy",
        r"- 2 deleted",
        r"1 instance made and deleted, none left; 1 code, spent once",
        r"Done in \d+ s",
    ]
    assert re.search(".*?".join(told), out, re.DOTALL), out
    assert all(line.startswith("engine: ") for line in err.splitlines()), err


class ObservedDemo(Demo):
    """Remembers the secrets that exist while the demo runs."""

    token = ""

    def tell(self, line):
        """Look at the sandbox before each step."""
        for instance in self.sandbox.instances():
            self.token = instance["token"]
        super().tell(line)


def test_no_secret_is_said(engine, sandbox, reach, capfd):
    """Neither console nor state nor stack file shows the secrets, the code or the token."""
    with Project(engine, environment=reach) as project:
        demo = ObservedDemo(sandbox, project)
        demo.run()
        said = "\n".join([*capfd.readouterr(), project.everything_said()])

    bodies = [json.dumps(entry["body"]) for entry in sandbox.journal() if entry["carries_code"]]
    code = re.search(r"code-[\w-]+", bodies[0])[0]
    secrets = [demo.token, code, demo.application_secret]
    secrets += [sandbox.user_secret, sandbox.organization_secret]
    assert all(len(secret) > 8 for secret in secrets)
    assert [secret for secret in secrets if secret in said] == []


def test_failure_is_one_message_and_leaves_nothing(start):
    """A demo that cannot go on says why, exits with 1, and cleans up."""
    run = start(sys.executable, "-c", BROKEN)
    err = run.communicate()[1]

    assert run.returncode == 1
    assert "The demo failed" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("moment", "number", "command"),
    [
        ("sandbox plays", signal.SIGTERM, DEMO),
        ("pulumi up", signal.SIGINT, DEMO),
        ("creating takes its time", signal.SIGINT, (sys.executable, "-u", "-c", SLOW)),
        ("creating takes its time", signal.SIGTERM, (sys.executable, "-u", "-c", SLOW)),
        ("pulumi destroy", signal.SIGINT, DEMO),
    ],
    ids=["start", "engine starts", "platform creates", "told to end", "engine destroys"],
)
def test_interruption_leaves_nothing(start, moment, number, command):
    """Ctrl-C at a terminal, or being told to end, at any moment: exit code 130, all cleaned up."""
    run = start(*command)
    assert any(moment in line for line in run.stdout)

    os.killpg(run.pid, number)
    out, err = run.communicate()

    assert run.returncode == 130
    assert "Stopped. Nothing is left behind." in err
    assert "Done in" not in out
    assert "Traceback" not in err
