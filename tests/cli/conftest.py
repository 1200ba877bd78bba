"""The command `elements` in a throw-away project, with a sandbox and the real engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import webbrowser
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import pytest
from typer.testing import CliRunner

from provider.cli import app
from sandbox import Sandbox
from tools.engine import ensure_engine
from tools.pulumi_project import Project

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_SECRET = "application-secret-7731"
BROWSER = """\
import sys, httpx
if sys.argv[1] != "nobody":
    web = httpx.Client(trust_env=False)
    back = web.post(sys.argv[2], data={"decision": sys.argv[1]}).headers["location"]
    print(web.get(back).status_code)
"""


@dataclass
class Said:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def all(self) -> str:
        """Everything that was said."""
        return self.stdout + self.stderr


class Workplace:
    """A project with a stack called `test`, where commands are run.

    Args:
        project: A throw-away project.
        sandbox: The platform.
        monkeypatch: Leads this process there.
    """

    def __init__(self, project: Project, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self.sandbox = sandbox
        self._patch = monkeypatch
        for name in list(os.environ):
            if name.startswith(("CLOUD_ELEMENTS_", "PULUMI_")):
                monkeypatch.delenv(name)
        for name in ("PATH", *(n for n in project.env if n.startswith(("CLOUD_ELE", "PULUMI_")))):
            monkeypatch.setenv(name, project.env[name])
        self.enter()

    def enter(self) -> None:
        """Go to the project's folder, where nobody opens a browser."""
        self._patch.chdir(self.project.folder)
        self.browser("nobody")

    def browser(self, decision: str) -> None:
        """Have the browser `allow`, `deny`, or be opened by `nobody`."""
        script = self.project.home / "browser.py"
        script.write_text(BROWSER)
        self.setenv("BROWSER", f"{sys.executable} {script} {decision} %s &")
        self._patch.setattr(webbrowser, "_tryorder", None)
        self._patch.setattr(webbrowser, "_browsers", {})

    def setenv(self, name: str, value: str) -> None:
        """Set a variable for commands in this process and in others."""
        self.project.env[name] = value
        self._patch.setenv(name, value)

    def elements(self, *arguments: str) -> Said:
        """Run a command in this process; its standard input is no terminal and empty."""
        result = CliRunner().invoke(app, list(arguments))
        return Said(result.exit_code, result.stdout, result.stderr)

    def process(self, *arguments: str, stdin: str = "") -> Said:
        """Run a command in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "provider", *arguments],
            cwd=self.project.folder,
            env=self.project.env,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    @property
    def file(self) -> Path:
        """The stack's configuration file."""
        return self.project.stack_file()

    def declare(self, text: str) -> None:
        """Write `cloud-elements:instances` of the stack, keeping the salt of its encryption."""
        salt = [
            line for line in self.file.read_text().splitlines() if line.startswith("encryptionsalt")
        ]
        entries = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
        head = f"config:\n  cloud-elements:instances:\n{entries}" if entries else ""
        self.file.write_text(head + "".join(f"{line}\n" for line in salt))

    def values(self, name: str) -> dict[str, object]:
        """Return an entry of the stack, secrets in clear."""
        text = self.project.run("config", "--show-secrets", "--json", keep=False).stdout
        return json.loads(text)["cloud-elements:instances"]["objectValue"][name]

    def create(self, key: str, name: str, configuration: dict[str, object], **more: object) -> str:
        """Make an instance on the platform by hand; return its id."""
        body = {"element": {"key": key}, "name": name, "configuration": configuration} | more
        secret = f"User {self.sandbox.user_secret}, Organization {self.sandbox.organization_secret}"
        answer = httpx.post(
            f"{self.sandbox.base_url}/instances", json=body, headers={"Authorization": secret}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])


@pytest.fixture(scope="session")
def engine():
    """Return the Pulumi engine."""
    return ensure_engine()


@pytest.fixture(scope="session")
def shared_sandbox():
    """Run one sandbox for all tests."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    """Return a sandbox that knows nothing yet."""
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture(scope="session")
def shared_project(engine, shared_sandbox):
    """Return one project for all tests; they leave nothing in its state."""
    environment = {
        "CLOUD_ELEMENTS_BASE_URL": shared_sandbox.base_url,
        "CLOUD_ELEMENTS_USER_SECRET": shared_sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": shared_sandbox.organization_secret,
    }
    with Project(engine, environment=environment) as project:
        project.init()
        yield project


@pytest.fixture
def workplace(shared_project, sandbox, monkeypatch):
    """Return a project whose stack declares nothing and is never deployed: see `deployed`."""
    place = Workplace(shared_project, sandbox, monkeypatch)
    place.declare("")
    (state,) = (shared_project.home / "state").rglob("stacks/**/test.json")
    before = state.read_bytes()
    yield place
    assert state.read_bytes() == before, "what it deployed would be there for every other test"


class Moment:
    """A project and its sandbox as they are now, to be brought back there: files, state, instances.

    Args:
        project: Nothing runs for it now.
        sandbox: Its platform.
    """

    def __init__(self, project: Project, sandbox: Sandbox) -> None:
        self.project = project
        self._sandbox = sandbox
        self._files = TemporaryDirectory(prefix="cloud-elements-")
        self._rest = {**vars(project), "env": dict(project.env), "_said": []}
        shutil.copytree(project.home, self._files.name, symlinks=True, dirs_exist_ok=True)
        self._database = sandbox._tenant.store._db.serialize()

    def come_back(self) -> None:
        """Undo all that came after it, wherever the project's folder was meanwhile."""
        vars(self.project).update(self._rest, env=dict(self._rest["env"]), _said=[])
        self.project.end()
        shutil.rmtree(self.project.home)
        shutil.copytree(self._files.name, self.project.home, symlinks=True)
        self._sandbox.reset()
        with self._sandbox._tenant.lock:
            self._sandbox._tenant.store._db.deserialize(self._database)

    def forget(self) -> None:
        """Remove the copy."""
        self._files.cleanup()


@pytest.fixture(scope="session")
def moments(engine, shared_sandbox):
    """Return the moments of one project by what was prepared: nothing at first, or entries.

    A state is worth the same at the same place alone, so there is one project for all.
    """
    environment = {
        "CLOUD_ELEMENTS_BASE_URL": shared_sandbox.base_url,
        "CLOUD_ELEMENTS_USER_SECRET": shared_sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": shared_sandbox.organization_secret,
    }
    with Project(engine, environment=environment) as project:
        project.init()
        shared_sandbox.reset()
        known = {"": Moment(project, shared_sandbox)}
        yield known
        for moment in known.values():
            moment.forget()


@pytest.fixture
def deployed(moments, sandbox, monkeypatch):
    """Return a workplace for tests that run `pulumi up`; what they leave is gone afterwards."""
    moments[""].come_back()
    yield Workplace(moments[""].project, sandbox, monkeypatch)
    moments[""].project.end()


@pytest.fixture
def once(moments, deployed):
    """Return a function that prepares the project, once for all tests that begin so."""

    def once(name, prepare):
        if name in moments:
            moments[name].come_back()
            deployed.enter()
        else:
            prepare()
            moments[name] = Moment(deployed.project, deployed.sandbox)

    return once


@pytest.fixture
def up_with(once, deployed):
    """Return a function that brings entries up, or back."""

    def up():
        deployed.project.up()

    def up_with(entries):
        deployed.declare(entries)
        once(entries, up)

    return up_with
