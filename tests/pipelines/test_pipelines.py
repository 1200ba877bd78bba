"""`examples/pipelines`: each file is what its CI system reads, and its commands do the job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from sandbox import Sandbox
from tests.pipelines.machines import Api, Azure, GitHub, GitLab, Place, expanded
from tools.engine import ensure_engine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "pipelines"
SYSTEMS = {"github-actions": GitHub, "gitlab-ci": GitLab, "azure-pipelines": Azure}
PROJECTS = {"github-actions": "template", "gitlab-ci": "clone", "azure-pipelines": "template"}
"""What lies in the repository: a project that `pulumi new` made, or all that a clone holds."""
SCHEMAS = {
    "github-actions": ("vendor.github-workflows",),
    "gitlab-ci": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    "azure-pipelines": ("vendor.azure-pipelines", "--regex-variant", "nonunicode"),
}
DESK = """\
    desk:
      element: freshservice
      configuration:
        subdomain: acme
        username: integration
        password: {secure: PASSWORD}
"""
FILES = """\
    files:
      element: onedrivebusiness
      configuration:
        oauth.api.key: application-key
        oauth.api.secret: application-secret
        oauth.callback.url: http://127.0.0.1:8080/callback
      code: CODE
"""


def test_every_file_is_tried():
    assert {path.stem for path in FOLDER.glob("*.yml")} == set(SYSTEMS)


def steps_of(document):
    """Return all steps of the deployments of an Azure pipeline."""
    jobs = [stage["jobs"][0] for stage in document["stages"]]
    return [step for job in jobs if "strategy" in job for step in deployed(job)]


def deployed(job):
    """Return the steps of one."""
    return job["strategy"]["runOnce"]["deploy"]["steps"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_schema_of_its_ci_system_takes_it(name, tmp_path):
    file = FOLDER / f"{name}.yml"
    if name == "azure-pipelines":
        document = expanded(yaml.safe_load(file.read_text()))
        # That schema takes these two as text in some places and as booleans in others.
        document["schedules"][0]["always"] = "true"
        for step in steps_of(document):
            step.pop("continueOnError", None)
        file = tmp_path / file.name
        file.write_text(yaml.safe_dump(document))

    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", *SCHEMAS[name], file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


@pytest.fixture(scope="session")
def engine():
    """Return the Pulumi engine."""
    return ensure_engine()


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """Return what a fresh clone holds."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    clone = tmp_path_factory.mktemp("repository")
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    return clone


@pytest.fixture
def sandbox():
    """Run a sandbox."""
    with Sandbox() as sandbox:
        yield sandbox


class Team:
    """People with a repository, two stacks in it, and a CI system that was set up.

    Args:
        place: Where its pipelines run.
        folder: Where a person works; the engine's home lies there too.
        sandbox: The platform.
    """

    def __init__(self, place, folder, sandbox):
        self.place, self.folder, self.sandbox = place, folder, sandbox
        (folder / "state").mkdir()
        (folder / "home").mkdir()
        self.reach = {
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "of the team",
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
        for stack in ("dev", "prod"):
            for environment in (stack, f"{stack}-preview"):
                # What is not used: empty, because Azure leaves the name of what is not set.
                more = {"PULUMI_ACCESS_TOKEN": "", "COMMENT_TOKEN": "gitlab-token"}
                place.secrets[environment] = self.reach | more

    def pulumi(self, *arguments, stdin=""):
        """Run a command as a person does, in the repository."""
        env = self.reach | {"PATH": self.place.path, "HOME": str(self.folder / "home")}
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.place.repository,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def use_a_key(self):
        """Have a key of the cloud encrypt the stacks' secrets, instead of a passphrase."""
        for known in (self.reach, *self.place.secrets.values()):
            del known["PULUMI_CONFIG_PASSPHRASE"]
            known["VAULT_SERVER_URL"] = self.place.api.address
            known["VAULT_SERVER_TOKEN"] = "vault-token"

    def declare(self, stack, entries, *options):
        """Make a stack and write its entries."""
        file = self.place.repository / "stacks" / f"Pulumi.{stack}.yaml"
        file.write_text("config: {}\n")
        self.pulumi("stack", "init", stack, *options)
        kept = {
            name: value
            for name, value in yaml.safe_load(file.read_text()).items()
            if name.startswith("encr") or name == "secretsprovider"
        }
        if "PASSWORD" in entries:
            self.pulumi("config", "set", "--secret", "--stack", stack, "x:x", stdin="pass-4711")
            secret = yaml.safe_load(file.read_text())["config"]["x:x"]["secure"]
            entries = entries.replace("PASSWORD", secret)
        head = f"config:\n  cloud-elements:baseUrl: {self.sandbox.base_url}\n"
        text = f"{head}  cloud-elements:instances:\n{entries}{yaml.safe_dump(kept)}"
        file.write_text(text)


@pytest.fixture(scope="session")
def wheels(clean, tmp_path_factory):
    """Return a folder with this project's package, as a registry would have it."""
    folder = tmp_path_factory.mktemp("wheels")
    command = ["uv", "build", "--quiet", "--wheel", "--out-dir", folder, clean]
    subprocess.run(command, env=ensure_engine().env, check=True)
    return folder


@pytest.fixture(scope="session")
def machines(tmp_path_factory):
    """Return where the machines of all tests lie."""
    return tmp_path_factory.mktemp("machines")


@pytest.fixture
def repository(request, clean, tmp_path):
    """Return what lies in the repository."""
    repository = tmp_path / "repository"
    if PROJECTS[request.node.callspec.params["name"]] == "clone":
        shutil.copytree(clean, repository)
    else:
        shutil.copytree(clean / "templates" / "element-instances", repository)
        (repository / "stacks").mkdir()
        about = repository / "Pulumi.yaml"
        about.write_text(about.read_text().replace("${PROJECT}", "accounts"))
    return repository


@pytest.fixture
def place(repository, wheels, machines, engine):
    """Return where pipelines run."""
    # The machines have their Python of /usr; what this test runs in must not be on their PATH.
    own = str(Path(sys.executable).parent)
    path = ":".join(part for part in engine.env["PATH"].split(":") if part != own)
    api = Api()
    place = Place(repository, path, api, {}, wheels, machines)
    yield place
    place.close()
    api.close()


@pytest.fixture
def team(place, sandbox, tmp_path):
    """Return a team that has not set up any stack yet."""
    return Team(place, tmp_path, sandbox)


@pytest.mark.parametrize("name", SYSTEMS)
def test_preview_up_and_drift(name, team):
    """A pull request is told, a merge makes both stacks' instances, drift becomes an issue."""
    team.declare("dev", DESK)
    team.declare("prod", DESK)
    system = SYSTEMS[name](FOLDER / f"{name}.yml", team.place)

    assert system.event("pull request"), team.place.said
    comments = comments_of(name, team)
    assert [one.count("+ 2 to create") for one in comments] == [1, 1], comments
    assert "`dev`" in comments[0]
    assert "`prod`" in comments[1]
    assert team.sandbox.instances() == []

    assert system.event("merge"), team.place.said
    first, second = team.sandbox.instances()
    assert first["configuration"]["password"] == second["configuration"]["password"] == "pass-4711"
    [packages] = team.place.machines.glob("machine/clone/.venv/lib/*")
    installed = {path.name for path in (packages / "site-packages").iterdir()}
    assert {"pulumi", "httpx"} <= installed
    assert not {"pytest", "starlette", "mypy"} & installed, "run-time packages alone"

    team.sandbox.update_instance(second["id"], name="renamed by hand")
    assert system.event("schedule"), team.place.said
    [issue] = issues_of(name, team)  # and none for dev, where all is well
    assert "Element instances of prod need attention" in issue
    assert "drifted" in issue
    everything = team.place.said + issue + "".join(comments_of(name, team))
    for secret in ("pass-4711", first["token"], team.sandbox.user_secret, "gitlab-token"):
        assert secret not in everything


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_a_failed_run_sent_is_remembered_by_the_next(name, team):
    """The answer to a create with a code is lost, and nothing was made: no machine sends it again.

    Without the journal's file on the next machine, the code would go once more.
    """
    entry = FILES.replace(
        "CODE", team.sandbox.new_code("onedrivebusiness", apiKey="application-key")
    )
    team.declare("dev", entry)
    team.declare("prod", DESK)
    system = SYSTEMS[name](FOLDER / f"{name}.yml", team.place)
    team.sandbox.add_fault("drop", method="POST", path="/instances", when="before")

    assert not system.event("merge")
    assert "its code counts as spent" in team.place.said
    assert not system.event("merge")

    assert "its code was already sent" in team.place.said
    assert team.sandbox.counters()["codes_resent"] == 0
    posts = [one for one in team.sandbox.journal() if one["carries_code"]]
    assert len(posts) == 1


@pytest.mark.parametrize("name", ["gitlab-ci"])
def test_a_key_of_the_cloud_opens_the_stacks(name, team):
    """There is no passphrase; what decrypts is the cloud, for whom it knows."""
    team.use_a_key()
    for stack in ("dev", "prod"):
        team.declare(stack, DESK, "--secrets-provider=hashivault://pulumi")
    before = len(team.place.api.keyed)

    assert GitLab(FOLDER / f"{name}.yml", team.place).event("merge"), team.place.said

    assert {one["configuration"]["password"] for one in team.sandbox.instances()} == {"pass-4711"}
    assert set(team.place.api.keyed[before:]) == {"decrypt"}


def comments_of(name, team):
    """Return what was said in the pull request."""
    if name == "github-actions":
        state = json.loads((team.place.kept / "github.json").read_text())
        return [one["body"] for one in state["comments"]]
    posts = team.place.api.posts
    if name == "gitlab-ci":
        found = [one for one in posts if one[0] == "/api/v4/projects/42/merge_requests/7/notes"]
        assert {one[1]["private-token"] for one in found} == {"gitlab-token"}
        return [parse_qs(body.decode())["body"][0] for _, _, body in found]
    path = "/acme/team/_apis/git/repositories/elements/pullRequests/7/threads?api-version=7.1"
    found = [one for one in posts if one[0] == path]
    assert {one[1]["authorization"] for one in found} == {"Bearer azure-token"}
    return [json.loads(body)["comments"][0]["content"] for _, _, body in found]


def issues_of(name, team):
    """Return the issues that were opened: title and text."""
    if name == "github-actions":
        return team.place.issues()
    posts = team.place.api.posts
    if name == "gitlab-ci":
        found = [parse_qs(body.decode()) for path, _, body in posts if path.endswith("/issues")]
        return [f"{one['title'][0]}\n{one['description'][0]}" for one in found]
    found = [json.loads(body) for path, _, body in posts if "/workitems/$Issue?" in path]
    return ["\n".join(each["value"] for each in one) for one in found]
