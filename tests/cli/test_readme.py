"""The ways that README.md and the quick start show, from nothing to an instance."""

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
QUICK = (ROOT / "docs" / "quick-start.md").read_text()
SECRETS = {"oauth.api.key": "application-key-7731", "oauth.api.secret": "application-secret-7731"}


class Reader:
    """Somebody who types what the document shows, on a machine without any login."""

    def __init__(self, project, sandbox):
        self.project, self.sandbox, self.folder = project, sandbox, project.folder
        address = f"cloud-elements:baseUrl={sandbox.base_url}"
        self.secrets = {"invoices": SECRETS}
        self.answers = {
            "pulumi new": f" --yes --config {address}",
            "pulumi up": " --yes",
            "elements up": " --yes",
        }
        self.env = project.env | {"HOME": str(project.home), "PATH": f"{project.env['PATH']}"}
        for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_HOME"):
            del self.env[name]

    def type(self, command):
        """Run a command as it is shown; return what it says on standard output."""
        command = command.partition("  #")[0].rstrip()
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
            input=json.dumps(self.secrets) if words[1] == "secrets" else "",
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


def part(heading):
    """Return a section of the quick start."""
    return QUICK.split(f"## {heading}\n")[1].split("\n## ")[0]


def block(text, language):
    """Return the only code block of a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def test_a_stack_file_as_the_quick_start_shows_it(reader):
    """Each command in its order; the entry is pasted where the page says."""
    text = part("A stack file, and no program")
    reader.env |= {
        "PULUMI_BACKEND_URL": f"file://{reader.project.home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "of my own",
    }
    reader.type("export CLOUD_ELEMENTS_USER_SECRET=… CLOUD_ELEMENTS_ORGANIZATION_SECRET=…")
    reader.secrets = {"desk": {"password": "pass-4711"}}
    said = ""
    for command in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
        said = reader.type(command)
        if command.startswith("elements describe"):
            file = reader.folder / "stacks" / "Pulumi.dev.yaml"
            _, entry = block(text, "yaml").split("config:\n")
            assert {"subdomain", "username", "password"} <= set(re.findall(r"\w+", said))
            file.write_text(file.read_text().replace("config:\n", f"config:\n{entry}"))

    [desk] = reader.sandbox.instances()
    assert desk["configuration"]["password"] == "pass-4711"
    assert json.loads(said)["token"] == desk["token"]


def test_a_program_as_the_quick_start_shows_it(engine, sandbox):
    """The block is the whole program."""
    text = part("A Python program")
    environment = {
        "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
        "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
    }
    with Project(engine, program=block(text, "python"), environment=environment) as project:
        project.init("dev")
        for command in re.findall(r"^\$ pulumi (.*)$", text, re.MULTILINE):
            words = shlex.split(re.sub(r"https://api\.\S+", sandbox.base_url, command))
            yes = ["--yes"] if command == "up" else []
            project.run(*words, *yes, stdin="pass-4711")

        [desk] = sandbox.instances()
        assert desk["configuration"]["password"] == "pass-4711"
        assert project.outputs(show_secrets=True) == {"deskToken": desk["token"]}
