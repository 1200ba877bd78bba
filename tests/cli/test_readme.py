"""The way that README.md shows, from nothing to an instance, with the real engine."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tools.pulumi_project import Project

ROOT = Path(__file__).parents[2]
USE = (ROOT / "README.md").read_text().split("## Use it\n")[1].split("\n## ")[0]
COMMANDS = re.findall(r"^ *\$ (.*)$", USE, re.MULTILINE)
SECRETS = {"oauth.api.key": "application-key-7731", "oauth.api.secret": "application-secret-7731"}


class Reader:
    """Somebody who types what the document shows, on a machine without any login."""

    def __init__(self, project, sandbox):
        self.project, self.sandbox, self.folder = project, sandbox, project.folder
        address = f"cloud-elements:baseUrl={sandbox.base_url}"
        self.answers = {"pulumi new": f" --yes --config {address}", "pulumi up": " --yes"}
        self.env = project.env | {"HOME": str(project.home), "PATH": f"{project.env['PATH']}"}
        for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_HOME"):
            del self.env[name]

    def type(self, command):
        """Run a command as it is shown; return what it says on standard output."""
        words = shlex.split(command)
        if words[0] == "mkdir":
            assert command == "mkdir accounts && cd accounts"
            self.folder = self.project.home / "accounts"
            self.folder.mkdir()
            return ""
        if words[0] == ".":
            assert words == [".", ".venv/bin/activate"]
            # The stand-in language host installs nothing.
            (self.folder / ".venv").symlink_to(ROOT / ".venv")
            self.env["PATH"] = f"{self.folder}/.venv/bin:{self.env['PATH']}"
            return ""
        if words[0] == "export":
            for word in words[1:]:
                name = word.removesuffix("=…")
                self.env[name] = {
                    "PULUMI_CONFIG_PASSPHRASE": "of my own",
                    "CLOUD_ELEMENTS_USER_SECRET": self.sandbox.user_secret,
                    "CLOUD_ELEMENTS_ORGANIZATION_SECRET": self.sandbox.organization_secret,
                }[name]
            return ""
        command = command.replace("../pulumi-cloud-elements", str(ROOT))
        # Whatever HOME says, that is the folder of whoever runs this.
        command = command.replace("login --local", f"login file://{self.project.home}")
        env = self.env
        if words[:2] == ["pulumi", "new"]:  # that host needs Pulumi's SDK from somewhere
            env = env | {"PATH": f"{ROOT}/.venv/bin:{env['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command + self.answers.get(" ".join(words[:2]), "")],
            cwd=self.folder,
            env=env,
            input=json.dumps({"invoices": SECRETS}) if words[1] == "secrets" else "",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def reader(engine, sandbox):
    with Project(engine) as project:
        yield Reader(project, sandbox)


def test_the_way_that_the_readme_shows_leads_to_an_instance(reader):
    """Each command in its order, from no login to the token in the outputs."""
    script = reader.project.home / "browser.py"
    script.write_text(
        "import sys, httpx\n"
        "back = httpx.post(sys.argv[1], data={'decision': 'allow'}).headers['location']\n"
        "httpx.get(back)\n"
    )
    reader.env["BROWSER"] = f"{ROOT}/.venv/bin/python {script} %s &"
    said = ""
    for command in COMMANDS:
        said = reader.type(command)
        if command.startswith("elements describe"):
            file = reader.folder / "stacks" / "Pulumi.dev.yaml"
            head, config, rest = file.read_text().partition("config:\n")
            # The callback URL is the application's, as its vendor has it.
            file.write_text(head + config + said.replace("8080", "18659") + rest)

    assert json.loads(said)["id"] == str(reader.sandbox.instances()[0]["id"])
    assert json.loads(said)["token"] == reader.sandbox.instances()[0]["token"]
