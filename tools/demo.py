"""The main job, start to end, against a sandbox on this machine: `make demo`.

One OneDrive instance is declared, authorized, created, read, left alone and destroyed, by the
real engine in a throw-away copy of this project. Nothing stays behind, however it ends.
"""

from __future__ import annotations

import secrets
import shlex
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox import Sandbox
from tools.engine import EngineError, ensure_engine
from tools.pulumi_project import CommandFailedError, Project

if TYPE_CHECKING:
    from tools.engine import Engine

DECLARATION = """\
config:
  cloud-elements:instances:
    files:
      element: onedrivebusiness
      tags: [demo]
      configuration:
        oauth.api.key: demo-application
        oauth.callback.url: https://app.example.com/oauth
"""
INSTANCE = "cloud-elements:instances.files"


class Demo:
    """Tells the story in numbered steps while it happens."""

    def __init__(self, sandbox: Sandbox, project: Project) -> None:
        self.sandbox = sandbox
        self.project = project
        self.application_secret = secrets.token_urlsafe(16)
        self._step = 0

    def run(self) -> None:
        """Play all steps; raise if anything is not as told."""
        self.tell("A sandbox plays the platform. The provider finds it through the environment:")
        self.show(f"CLOUD_ELEMENTS_BASE_URL={self.sandbox.base_url}")
        self.show("CLOUD_ELEMENTS_USER_SECRET=…  CLOUD_ELEMENTS_ORGANIZATION_SECRET=…")
        self.tell("stacks/Pulumi.dev.yaml declares one instance. Its secret goes in encrypted:")
        self.project.stack_file("dev").write_text(DECLARATION)
        self.show(DECLARATION)
        self.pulumi("stack", "init", "dev")
        self.keep_secret(f'{INSTANCE}.configuration["oauth.api.secret"]', self.application_secret)
        self.tell("Its owner gives consent in a browser; the way back carries a one-time code:")
        self.keep_secret(f"{INSTANCE}.code", self.consent())
        self.tell("The instance comes into being:")
        self.pulumi("up", "--yes", "--skip-preview")
        self.tell("Its token and configuration are outputs, kept secret, and the token works:")
        self.pulumi("stack", "output")
        self.call_the_account()
        self.tell("A second run changes nothing, and asks once whether the first made a duplicate:")
        before = self.requests()
        self.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        self.show(f"requests to /instances: {self.requests() - before}")
        self.tell("And it is gone again:")
        self.pulumi("destroy", "--yes", "--skip-preview", "--remove")
        self.tell(self.balance())

    def tell(self, line: str) -> None:
        """Begin the next step."""
        self._step += 1
        print(f"\n{self._step}. {line}\n", flush=True)

    def show(self, text: str) -> None:
        """Print indented what was written, asked or answered, without empty lines and dots."""
        for line in text.splitlines():
            if line.strip() and not line.startswith("@ "):
                print(f"   {line.rstrip()}", flush=True)

    def pulumi(self, *arguments: str, stdin: str = "", source: str = "") -> None:
        """Run the engine, and show the command line and all that it answers."""
        self.show(f"$ {source}{shlex.join(('pulumi', *arguments))}")
        result = self.project.run(*arguments, stdin=stdin)
        self.show(result.stdout + result.stderr)

    def keep_secret(self, key: str, value: str) -> None:
        """Put a secret into the stack's configuration; it travels over standard input."""
        self.pulumi("config", "set", "--secret", "--path", key, stdin=value, source="… | ")

    def consent(self) -> str:
        """Ask for the consent page, press Allow as its owner would, and return the code."""
        state = secrets.token_urlsafe(16)
        request = {
            "apiKey": "demo-application",
            "apiSecret": self.application_secret,
            "callbackUrl": "https://app.example.com/oauth",
            "state": state,
        }
        secret = f"User {self.sandbox.user_secret}, Organization {self.sandbox.organization_secret}"
        with httpx.Client(base_url=self.sandbox.base_url) as client:
            self.show("POST /elements/onedrivebusiness/oauth/url")
            answer = client.post(
                "/elements/onedrivebusiness/oauth/url",
                json=request,
                headers={"Authorization": secret},
            ).raise_for_status()
            self.show("consent page: Allow")
            page = client.post(answer.json()["oauthUrl"], data={"decision": "allow"})
        way_back = parse_qs(urlsplit(page.headers["location"]).query)
        if way_back["state"] != [state]:
            message = "the consent page sent back another state than it was given"
            raise CommandFailedError(message)
        self.show("callback: code received, state is ours")
        return way_back["code"][0]

    def call_the_account(self) -> None:
        """Use the token as an application would; raise if the platform refuses it."""
        token = self.project.outputs(show_secrets=True)["files"]["token"]
        answer = httpx.get(
            f"{self.sandbox.base_url}/hubs/documents/ping",
            headers={"Authorization": f"User {self.sandbox.user_secret}, Element {token}"},
        ).raise_for_status()
        self.show(f"GET /hubs/documents/ping with the token: {answer.status_code}")

    def requests(self) -> int:
        """Return how many requests to /instances have come so far."""
        return sum("/instances" in entry["template"] for entry in self.sandbox.journal())

    def balance(self) -> str:
        """Return what the sandbox counted.

        Raises:
            CommandFailedError: It is not one instance made, none left and one code spent once.
        """
        counted = self.sandbox.counters()
        expected = {"creates": 1, "deletes": 1, "instances": 0, "codes_spent": 1}
        if {name: counted[name] for name in expected} != expected or counted["codes_replayed"]:
            message = f"the sandbox counted {counted}, not {expected}"
            raise CommandFailedError(message)
        return "The sandbox counted: 1 instance made and deleted, none left; 1 code, spent once."


def play(engine: Engine) -> None:
    """Run the demo with a sandbox and a project of its own."""
    with Sandbox() as sandbox:
        environment = {
            "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
        with Project(engine, environment=environment) as project:
            Demo(sandbox, project).run()


def _stop(*_: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the rest is cleaning up, and takes a moment
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    started = time.monotonic()
    print("Cloud Elements with Pulumi: one OneDrive instance, from its owner's consent to its end.")
    try:
        play(ensure_engine())
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left behind.", file=sys.stderr)
        return 130
    except (CommandFailedError, EngineError, OSError, httpx.HTTPError) as problem:
        print(f"\nThe demo failed, nothing is left behind: {problem}", file=sys.stderr)
        return 1
    print(f"Done in {time.monotonic() - started:.0f} s. The temporary folder is gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
