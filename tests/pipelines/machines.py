"""Stand-ins for GitHub Actions, GitLab CI and Azure Pipelines, which run a file's own commands.

Each run gets a machine that is thrown away: a fresh clone, an empty home, no terminal. Only what
belongs to the CI system is played: its variables, conditions, caches and artifacts, and its API.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import yaml

GH = Path(__file__).with_name("gh.py")


class Api:
    """An HTTP API: a CI system's, which keeps what is posted; and a key's, which en- and decrypts.

    The key is one of HashiCorp Vault's: Pulumi has it encrypt a stack's own key. Like other clouds'
    keys it is told text and gives other text; here that is the same one turned around.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        """Path, headers in lower case, and body of each."""
        self.keyed: list[str] = []
        """What was asked of the key: `encrypt` or `decrypt`, each time."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                api.posts.append((self.path, headers, self.body()))
                self.send_response(201)
                self.end_headers()

            def do_PUT(self) -> None:
                assert self.headers["X-Vault-Token"] == "vault-token"
                _, _, _, way, _ = self.path.split("/")  # /v1/transit/encrypt/pulumi
                api.keyed.append(way)
                given, made = ("plaintext", "ciphertext")[:: 1 if way == "encrypt" else -1]
                told = {made: json.loads(self.body())[given][::-1]}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"data": told}).encode())

            def body(self) -> bytes:
                return self.rfile.read(int(self.headers["Content-Length"]))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class Place:
    """Where pipelines run: the repository, what the CI system keeps, and what it tells each run."""

    repository: Path
    """What is cloned."""
    path: str
    """PATH of every machine, with the engine and uv."""
    api: Api
    secrets: dict[str, dict[str, str]]
    """By environment: secrets and variables that were set there."""
    wheels: Path
    """A folder with packages, beside the registry."""
    machines: Path
    """Where each machine lies, one at a time: what was compiled for one serves the next."""
    kept: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="cloud-elements-")))
    """Caches and artifacts."""
    said: str = ""
    """All that all runs said."""

    def close(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.kept)

    def machine(self) -> Machine:
        """Return a new one."""
        folder = self.machines / "machine"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "home").mkdir(parents=True)
        return Machine(self, folder)

    def issues(self) -> list[str]:
        """Return the titles and bodies of all issues that were opened."""
        state = self.kept / "github.json"
        found = json.loads(state.read_text())["issues"] if state.exists() else []
        return [f"{one['title']}\n{one['body']}" for one in found]


@dataclass
class Machine:
    """A computer that exists for one job."""

    place: Place
    folder: Path

    @property
    def home(self) -> Path:
        """Its home folder, empty at first."""
        return self.folder / "home"

    @property
    def clone(self) -> Path:
        """The checked out repository."""
        return self.folder / "clone"

    def checkout(self) -> None:
        """Clone the repository."""
        shutil.copytree(self.place.repository, self.clone, symlinks=True)

    def run(self, script: str, env: dict[str, str], *shell: str) -> int:
        """Run a script by that shell; return its exit code."""
        file = self.folder / "script.sh"
        file.write_text(script)
        passed = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
        done = subprocess.run(
            [*(shell or ("bash",)), str(file)],
            cwd=self.clone,
            env=passed
            | {
                "PATH": self.place.path,
                "HOME": str(self.home),
                "LANG": "C.UTF-8",
                "UV_CACHE_DIR": str(uv_cache()),
                "UV_FIND_LINKS": str(self.place.wheels),
                "UV_LINK_MODE": "symlink",
                "PYTHONPYCACHEPREFIX": str(self.place.machines / "compiled"),
                "CI": "true",
                "NO_PROXY": "127.0.0.1",
            }
            | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            start_new_session=True,  # no terminal, whatever this process has
            timeout=240,
        )
        self.place.said += done.stdout
        return done.returncode


def uv_cache() -> Path:
    """Return where uv keeps downloads here, so that machines need not fetch them again."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("UV_CACHE_DIR") or cache / "uv")


def keep(source: Path, target: Path) -> None:
    """Copy a folder, if it is there."""
    if source.exists():
        shutil.copytree(source, target, dirs_exist_ok=True)


class GitHub:
    """Jobs of a workflow, as GitHub runs them."""

    EVENTS: ClassVar = {"pull request": "pull_request", "merge": "push", "schedule": "schedule"}

    def __init__(self, file: Path, place: Place) -> None:
        self.place = place
        self.workflow = yaml.safe_load(file.read_text())
        tool = place.kept / "gh"
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} {GH} {place.kept}/github.json "$@"\n')
        tool.chmod(0o755)
        self.runs = 0

    def event(self, name: str) -> bool:
        """Run what an event sets off; return whether all jobs went well."""
        self.runs += 1
        github = {
            "event_name": self.EVENTS[name],
            "repository": "acme/elements",
            "token": "github-token",
            "run_id": str(self.runs),
            "run_attempt": "1",
            "event.pull_request.number": "7",
            "event.pull_request.head.repo.full_name": "acme/elements",
        }
        assert self.EVENTS[name] in self.workflow[True], "YAML 1.1 reads `on` as true"
        ended: dict[str, bool] = {}
        for job, body in self.workflow["jobs"].items():
            needed = body.get("needs")
            known = {f"github.{one}": value for one, value in github.items()}
            if not truth(body["if"], known) or not (needed is None or ended.get(needed)):
                continue
            stacks = body.get("strategy", {}).get("matrix", {}).get("stack", [None])
            ended[job] = all(self.job(body, known | {"matrix.stack": one}) for one in stacks)
        assert ended, "no job wants this event"
        return all(ended.values())

    def job(self, body: dict[str, Any], known: dict[str, Any]) -> bool:
        """Run one job; return whether it went well."""
        machine = self.place.machine()
        environment = fill(body["environment"], known)
        for name, value in self.place.secrets[environment].items():
            known |= {f"secrets.{name}": value, f"vars.{name}": value}
        variables = {name: fill(value, known) for name, value in body["env"].items()}
        known |= {f"env.{name}": value for name, value in variables.items()}
        well = True
        for step in body["steps"]:
            condition = step.get("if", "success()")
            if not ((well and truth(condition, known)) or condition == "always()"):
                continue
            if "uses" in step:
                given = {name: fill(value, known) for name, value in step.get("with", {}).items()}
                self.action(step["uses"], given, machine)
                continue
            output = machine.folder / "output"
            output.write_text("")
            own = {name: fill(value, known) for name, value in step.get("env", {}).items()}
            own |= {
                "GITHUB_OUTPUT": str(output),
                "GITHUB_REPOSITORY": "acme/elements",
                "PATH": f"{self.place.kept}{os.pathsep}{self.place.path}",
            }
            well &= machine.run(fill(step["run"], known), variables | own, "bash", "-e") == 0
            for line in output.read_text().splitlines():
                name, _, value = line.partition("=")
                known[f"steps.{step['id']}.outputs.{name}"] = value
        return well

    def action(self, name: str, given: dict[str, str], machine: Machine) -> None:
        """Play one of GitHub's actions. Tools that others install are on the PATH already."""
        journal = machine.home / given.get("path", "").removeprefix("~/")
        match name.partition("@")[0]:
            case "actions/checkout":
                machine.checkout()
            case "astral-sh/setup-uv" | "pulumi/actions":
                assert not given
            case "actions/cache/restore":
                caches = [*self.place.kept.glob(f"cache/{given['restore-keys']}*")]
                if caches:
                    keep(max(caches, key=lambda path: path.stat().st_mtime), journal)
            case "actions/cache/save":
                assert not (self.place.kept / "cache" / given["key"]).exists()
                keep(journal, self.place.kept / "cache" / given["key"])
            case _:
                raise AssertionError(name)


class GitLab:
    """Jobs of a pipeline, as GitLab runs them; manual ones are started at once."""

    EVENTS: ClassVar = GitHub.EVENTS | {"pull request": "merge_request_event"}

    def __init__(self, file: Path, place: Place) -> None:
        self.place = place
        self.pipeline = yaml.safe_load(file.read_text())

    def event(self, name: str) -> bool:
        """Run what an event sets off; return whether all jobs went well."""
        told = {
            "CI_PIPELINE_SOURCE": self.EVENTS[name],
            "CI_DEFAULT_BRANCH": "main",
            "CI_API_V4_URL": f"{self.place.api.address}/api/v4",
            "CI_PROJECT_ID": "42",
        }
        merge_request = {"CI_MERGE_REQUEST_IID": "7"}
        told |= merge_request if name == "pull request" else {"CI_COMMIT_BRANCH": "main"}
        jobs = [
            self.extended(one)
            for one in self.pipeline
            if one != "stages" and not one.startswith(".")
        ]
        wanted = [one for one in jobs if any(holds(rule["if"], told) for rule in one["rules"])]
        assert wanted, "no job wants this event"
        wanted.sort(key=lambda one: self.pipeline["stages"].index(one["stage"]))
        return all(self.job(one, told) for one in wanted)

    def extended(self, name: str) -> dict[str, Any]:
        """Return a job with what it extends."""
        own = dict(self.pipeline[name])
        parent = self.extended(own.pop("extends")) if "extends" in own else {}
        for key, value in own.items():
            both = isinstance(value, dict) and isinstance(parent.get(key), dict)
            parent[key] = parent[key] | value if both else value
        return parent

    def job(self, job: dict[str, Any], told: dict[str, str]) -> bool:
        """Run one job; return whether it went well."""
        machine = self.place.machine()
        machine.checkout()
        variables = told | {"CI_PROJECT_DIR": str(machine.clone)}
        for name, value in job["variables"].items():
            variables[name] = expand(str(value), variables)
        for _ in range(2):  # one variable may stand in another
            variables = {name: expand(value, variables) for name, value in variables.items()}
        where = job["environment"]
        environment = expand(where if isinstance(where, str) else where["name"], variables)
        cache = self.place.kept / "cache" / expand(job["cache"]["key"], variables)
        [path] = job["cache"]["paths"]
        keep(cache, machine.clone / path)
        script = "\n".join(["set -eo pipefail", *job["before_script"], *job["script"]])
        code = machine.run(script, variables | self.place.secrets[environment])
        if "push" in job["cache"]["policy"] and (code == 0 or job["cache"]["when"] == "always"):
            keep(machine.clone / path, cache)
        return code == 0


class Azure:
    """Stages of a pipeline, as Azure runs them."""

    EVENTS: ClassVar = {
        "pull request": "PullRequest",
        "merge": "IndividualCI",
        "schedule": "Schedule",
    }

    def __init__(self, file: Path, place: Place) -> None:
        self.place = place
        self.pipeline = expanded(yaml.safe_load(file.read_text()))
        self.runs: list[tuple[Path, set[str]]] = []
        """The artifacts and the tags of each run."""

    def event(self, name: str) -> bool:
        """Run what an event sets off; return whether all stages went well."""
        artifacts = self.place.kept / "artifacts" / str(len(self.runs))
        self.runs.append((artifacts, set()))
        ended: dict[str, str] = {}
        above = []
        for stage in self.pipeline["stages"]:
            before = stage.get("dependsOn", above)
            above = [stage["stage"]]
            succeeded = all(ended[one] == "succeeded" for one in before)
            if azure_truth(stage["condition"], self.EVENTS[name], succeeded=succeeded):
                ended[stage["stage"]] = "succeeded" if self.stage(stage) else "failed"
            else:
                ended[stage["stage"]] = "skipped"
        assert {*ended.values()} != {"skipped"}, "no stage wants this event"
        return "failed" not in ended.values()

    def stage(self, stage: dict[str, Any]) -> bool:
        """Run the one job of a stage; return whether it went well."""
        [job] = stage["jobs"]
        [group] = stage["variables"]
        machine = self.place.machine()
        machine.checkout()
        environment = group["group"].removeprefix("element-instances-")
        assert job.get("environment", f"{environment}") == environment
        known = self.place.secrets[environment] | {
            "System.AccessToken": "azure-token",
            "System.TeamProjectId": "team",
            "System.DefinitionId": "3",
            "Build.SourceBranch": "refs/heads/main",
            "Agent.TempDirectory": str(machine.folder / "temp"),
        }
        told = {
            "SYSTEM_COLLECTIONURI": f"{self.place.api.address}/acme/",
            "SYSTEM_TEAMPROJECTID": "team",
            "BUILD_REPOSITORY_ID": "elements",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
        }
        steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        well = True
        for step in steps:
            if not well and step.get("condition") != "always()":
                continue
            if "bash" in step:
                given = {name: macros(value, known) for name, value in step.get("env", {}).items()}
                before = len(self.place.said)
                well &= machine.run(macros(step["bash"], known), told | given) == 0
                said = self.place.said[before:]
                self.runs[-1][1].update(re.findall(r"##vso\[build.addbuildtag\](\S+)", said))
            elif "task" in step:
                given = {name: macros(value, known) for name, value in step["inputs"].items()}
                done = self.task(step["task"], given)
                well &= done or step.get("continueOnError", False)
            else:
                assert step == {"checkout": "self"}
        return well

    def task(self, name: str, given: dict[str, str]) -> bool:
        """Play one of Azure's tasks; return whether it went well."""
        match name:
            case "PublishPipelineArtifact@1":
                target = self.runs[-1][0] / given["artifact"]
                keep(Path(given["targetPath"]), target)
                return target.exists()
            case "DownloadPipelineArtifact@2":
                fitting = [folder for folder, tags in self.runs if given["tags"] in tags]
                if fitting:
                    keep(fitting[-1] / given["artifactName"], Path(given["targetPath"]))
                return bool(fitting)
        raise AssertionError(name)


def truth(condition: str, known: dict[str, Any]) -> bool:
    """Return what a condition of GitHub's comes to."""
    python = condition.replace("&&", " and ").replace("always()", "True")
    python = python.replace("success()", "True")
    names = r"\b(?:github|steps|matrix)\.[\w.]+"
    return bool(eval(re.sub(names, lambda found: repr(known.get(found[0])), python), {}))


def fill(text: Any, known: dict[str, Any]) -> str:
    """Return a text of a workflow with its expressions filled in; what is not set is empty."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        assert name in known or name.startswith(("secrets.", "vars.")), name
        return str(known.get(name, ""))

    return re.sub(r"\$\{\{ (.+?) \}\}", value, str(text))


def expand(text: str, variables: dict[str, str]) -> str:
    """Return a text with variables as GitLab puts them in; what is not set stays."""
    return re.sub(r"\$(\w+)", lambda found: variables.get(found[1], found[0]), text)


def holds(rule: str, told: dict[str, str]) -> bool:
    """Return whether a rule of GitLab's holds."""
    python = rule.replace("&&", " and ")
    return bool(eval(re.sub(r"\$(\w+)", lambda found: repr(told.get(found[1])), python), {}))


def macros(text: Any, known: dict[str, str]) -> str:
    """Return a text of Azure's with `$(name)` filled in; what is not set stays."""
    return re.sub(r"\$\(([\w.]+)\)", lambda found: known.get(found[1], found[0]), str(text))


def expanded(value: Any, parameters: dict[str, Any] | None = None) -> Any:
    """Return an Azure pipeline with its `each` expanded for the parameters' defaults."""
    if isinstance(value, dict):
        if "parameters" in value:
            parameters = {one["name"]: one["default"] for one in value["parameters"]}
        return {key: expanded(one, parameters) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    found = []
    for one in value:
        loop = isinstance(one, dict) and re.fullmatch(
            r"\$\{\{ each (\w+) in parameters\.(\w+) \}\}", next(iter(one), "")
        )
        if not loop:
            found.append(expanded(one, parameters))
            continue
        text = json.dumps(next(iter(one.values())))
        for each in (parameters or {})[loop[2]]:
            found += json.loads(text.replace(f"${{{{ {loop[1]} }}}}", each))
    return found


def azure_truth(condition: str, reason: str, *, succeeded: bool) -> bool:
    """Return what a condition of Azure's comes to."""
    python = re.sub(r"\b(and|in)\(", r"\1_(", condition)
    functions = {
        "eq": lambda one, other: one == other,
        "in_": lambda one, *others: one in others,
        "and_": lambda *all_of: all(all_of),
        "succeeded": lambda: succeeded,
        "variables": {"Build.Reason": reason},
    }
    return bool(eval(python, functions))
