"""`examples/`: each as its page tells, by the real engine against a sandbox."""

import base64
import hmac
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from provider.shards import shard_of
from tests.ports import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(new_project):
    """Return a function that makes a project of an example as it stands in a clone."""

    def make(name, backend=None):
        project = new_project(stack="unused")
        folder = project.folder / "examples" / name
        shutil.copytree(EXAMPLES / name, folder)
        project.folder = folder  # where its commands run from now on
        here = Path(sys.executable).parent  # as in an environment that is activated
        project.env["PATH"] = f"{here}{os.pathsep}{project.env['PATH']}"
        project.env["PULUMI_BACKEND_URL"] = backend or project.env["PULUMI_BACKEND_URL"]
        project.init("dev")
        return project

    return make


def named(sandbox):
    return {one["name"]: one for one in sandbox.instances()}


def test_program(new_project, sandbox):
    """A component makes both of a customer's instances, one after the other."""
    project = new_project(program=(EXAMPLES / "program" / "__main__.py").read_text())
    for key in ("acmeDeskPassword", "acmeShopPassword"):
        project.config_set(key, f"{key}-4711", secret=True)

    project.up()

    desk, shop = sandbox.instances()
    assert (desk["name"], shop["name"]) == ("acme-desk", "acme-shop")
    assert shop["configuration"]["password"] == "acmeShopPassword-4711"
    assert project.outputs(show_secrets=True)["acmeDeskToken"] == desk["token"]
    assert "-4711" not in project.everything_said()


def test_customers(example, sandbox):
    """Rows become instances; a new row, a changed one and a removed one touch no other."""
    project = example("customers")
    for name in ("acme", "birch", "cobalt", "dune"):
        project.config_set(f"{name}Password", f"{name}-4711", secret=True)
    project.up()
    first = named(sandbox)
    assert {name: one["disabled"] for name, one in first.items()} == {
        "acme": False,
        "birch": False,
        "cobalt": True,
    }
    assert first["birch"]["configuration"]["password"] == "birch-4711"

    table = project.folder / "customers.csv"
    table.write_text("customer,subdomain,active\ndune,dune,yes\ncobalt,cobalt,yes\nacme,acme,yes\n")
    project.up()

    second = named(sandbox)
    assert set(second) == {"acme", "cobalt", "dune"}
    assert second["acme"]["id"] == first["acme"]["id"]
    assert second["cobalt"]["id"] == first["cobalt"]["id"]
    assert second["cobalt"]["disabled"] is False
    assert sandbox.counters()["creates"] == 4
    assert "-4711" not in project.everything_said()

    table.write_text("customer,subdomain,active\nacme,a,yes\nacme,b,yes\nember,e,true\n")
    said = project.preview(expect=1).stdout
    for problem in (
        "'acme' stands in 2 rows",
        "'ember': active must be yes or no",
        "'ember': pulumi config set --secret emberPassword",
    ):
        assert problem in said
    assert "Traceback" not in said


def test_stack_reference(new_project, example, sandbox):
    """Another project's stack has the token, as a secret."""
    keeper = new_project(stack="prod")
    declare_desk(keeper)
    keeper.up()
    reader = example("stack-reference", backend=keeper.env["PULUMI_BACKEND_URL"])
    reader.config_set("instances", "organization/cloud-elements/prod")

    reader.up()

    [desk] = sandbox.instances()
    shown = reader.outputs(show_secrets=True)["environment"]
    assert shown == {"DESK_ID": str(desk["id"]), "DESK_TOKEN": desk["token"]}
    assert desk["token"] not in reader.everything_said()


def test_mocks():
    """Its tests pass with no engine on the PATH, no home and no settings of ours."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_program.py"],
        cwd=EXAMPLES / "mocks",
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.fixture
def application(example):
    """Start the application of `examples/events`; return its project, address and what it logs."""
    project = example("events")
    port = free_port()
    log = project.home / "application.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)],
            cwd=project.folder,
            env=project.env | {"EVENTS_SIGNATURE_KEY": "the-key-4711"},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    while "Application startup complete" not in log.read_text():
        assert process.poll() is None, log.read_text()
    yield project, f"http://127.0.0.1:{port}/events", log
    process.terminate()
    process.wait()


@pytest.mark.parametrize("kind", ["sha256", "sha1"])
def test_events(application, sandbox, kind):
    """The platform tells of an event, signed; the application believes it, and nobody else."""
    project, address, log = application
    sandbox.set_switch("webhook_signature", kind)
    project.config_set("address", address)
    for key in ("closeKey", "signatureKey"):
        project.config_set(key, "the-key-4711", secret=True)
    project.up()
    [leads] = sandbox.instances()

    told = httpx.post(
        f"{sandbox.base_url}/events/closeio",
        json={"objectType": "contacts", "id": "7"},
        headers={"Element-Instances": str(leads["id"])},
    )

    assert told.is_success
    assert f"{leads['id']}: contacts 7" in log.read_text()
    assert "the-key-4711" not in project.everything_said() + log.read_text()
    project.preview("--expect-no-changes")
    body = b'{"message": {"instanceId": 1, "events": []}}'
    digest = base64.b64encode(hmac.digest(b"the-key-4711", body, kind)).decode()
    refused = {
        "": body,
        digest: body,
        f"md5={digest}": body,
        f"{kind}={digest[:-2]}": body,
        f"{kind}={digest.lower()}": body,
        f"{kind}={digest}": body + b" ",
    }
    for signature, sent in refused.items():
        answer = httpx.post(
            address, content=sent, headers={"Elements-Webhook-Signature": signature}
        )
        assert answer.status_code == 401, signature
    right = {"Elements-Webhook-Signature": f"{kind}={digest}"}
    assert httpx.post(address, content=body, headers=right).status_code == 204
    assert httpx.post(address, content=b"x" * (1 << 20) + b"x", headers=right).status_code == 413


def test_refresh_token(project, sandbox):
    """No code and nobody is asked; a new token authenticates the same instance anew."""
    entry(project, "refresh-token", drive={"oauth.api.secret": "s-1", TOKEN: "first-4711"})
    project.up()
    [first] = sandbox.instances()
    project.preview("--expect-no-changes")

    entry(project, "refresh-token", drive={"oauth.api.secret": "s-1", TOKEN: "second-4711"})
    project.up()

    [second] = sandbox.instances()
    assert second["id"] == first["id"]
    assert second["token"] == first["token"]
    assert not [one for one in sandbox.journal() if one["carries_code"]]
    assert "-4711" not in project.everything_said()


def test_oauth1(project, sandbox):
    """`elements authorize` brings request token, verifier and secret; they are sent once."""
    entry(project, "oauth1", posts={"oauth.api.secret": "s-1"})
    script = project.home / "browser.py"
    script.write_text(
        "import sys, httpx\n"
        "back = httpx.post(sys.argv[1], data={'decision': 'allow'}).headers['location']\n"
        "httpx.get(back)\n"
    )
    env = project.env | {"BROWSER": f"{sys.executable} {script} %s &"}
    command = [sys.executable, "-m", "provider", "authorize", "posts"]
    done = subprocess.run(
        command, cwd=project.folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    project.up()
    project.up("--expect-no-changes")

    [posts] = sandbox.instances()
    assert posts["name"] == "posts"
    assert "marketing" in posts["tags"]
    assert sandbox.counters()["codes_spent"] == 1
    assert sandbox.counters()["codes_resent"] == 0


@pytest.fixture
def packs(new_project):
    """Return a project with a stack `prod` that can run policy packs, and a copy of the pack."""
    project = new_project(stack="prod")
    pack = project.folder / "examples" / "policy"
    shutil.copytree(EXAMPLES / "policy", pack)
    # An engine that was built here lacks the script that starts packs in Python.
    start = project.home / "bin" / "pulumi-analyzer-policy-python"
    start.parent.mkdir()
    start.write_text(
        f'#!/bin/sh\nshift $(($# - 2))\nexec {sys.executable} -u -m pulumi.policy "$@"\n'
    )
    start.chmod(0o755)
    project.env["PATH"] += f"{os.pathsep}{start.parent}"
    declare_desk(project)
    return project, pack


def declare_desk(project):
    """Declare an instance in the current stack."""
    path = "cloud-elements:instances.desk"
    project.config_set(f"{path}.element", "freshservice", path=True)
    for key, value in (("subdomain", "acme"), ("username", "i"), ("password", "p-4711")):
        secret = key == "password"
        project.config_set(f"{path}.configuration.{key}", value, secret=secret, path=True)


def test_policy(packs, sandbox):
    """Production needs `protect`, at preview already; other stacks don't."""
    project, pack = packs
    refused = project.preview("--policy-pack", str(pack), expect=1)
    assert "set protect for 'desk'" in refused.stdout
    project.up("--policy-pack", str(pack), expect=1)
    assert sandbox.instances() == []

    project.config_set("cloud-elements:instances.desk.protect", "true", path=True)
    project.up("--policy-pack", str(pack))
    assert len(sandbox.instances()) == 1
    project.init("dev")
    declare_desk(project)
    project.preview("--policy-pack", str(pack))
    assert "p-4711" not in project.everything_said()


def test_what_a_policy_pack_sees_is_in_clear(packs):
    """So the page says."""
    project, pack = packs
    seen = project.home / "seen"
    text = (pack / "__main__.py").read_text()
    spy = f"    open({str(seen)!r}, 'a').write(str(dict(args.props.get('configuration', {{}}))))\n"
    head, line, rest = text.partition("    stack = ")
    assert line
    (pack / "__main__.py").write_text(head + spy + line + rest)

    project.preview("--policy-pack", str(pack), expect=1)

    assert "p-4711" in seen.read_text()


TOKEN = "oauth.user.refresh_token"


def entry(project, name, **secrets):
    """Paste an entry into the stack file, then set its secrets as the page tells."""
    text = (EXAMPLES / "entries" / f"{name}.yaml").read_text()
    kept = [line for line in project.stack_file().read_text().splitlines() if "encr" in line]
    project.stack_file().write_text("\n".join([text, *kept, ""]))
    done = subprocess.run(
        [sys.executable, "-m", "provider", "secrets"],
        cwd=project.folder,
        env=project.env,
        input=json.dumps(secrets),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_sharding(example, sandbox):
    """Each instance in one stack and no other; what moves to another moves without a request."""
    project = example("sharding")
    project.init("prod")
    project.config_set("password", "the-password", secret=True)

    def elements(*arguments):
        """Run a command as the page does; return what it says."""
        done = subprocess.run(
            [Path(sys.executable).with_name("elements"), *arguments],
            cwd=project.folder,
            env=project.env | {"PATH": f"{project.engine.path.parent}:{project.env['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    declaration = project.folder / "instances.yaml"
    declared = yaml.safe_load(declaration.read_text())
    elements("up", "--yes")
    assert set(named(sandbox)) == set(declared)
    for number in (1, 2, 3):
        state = project.run("stack", "export", "--stack", f"prod-shard-{number}").stdout
        here = {name for name in declared if f"ElementInstance::{name}" in state}
        assert here == {name for name in declared if shard_of(name, 3) == number}
        assert here, "a stack without instances shows nothing"
    assert named(sandbox)["acme"]["configuration"]["password"] == "the-password"

    declaration.write_text(declaration.read_text() + "off: { subdomain: 007 }\n")
    said = elements("up", "--skip-preview", "--shard", str(shard_of("off", 3)))
    assert "1 created" in said
    assert named(sandbox)["off"]["configuration"]["subdomain"] == "007"

    manifest = project.folder / "Pulumi.yaml"
    manifest.write_text(manifest.read_text().replace("value: 3", "value: 2"))
    before = len(sandbox.journal())
    elements("rebalance", "--yes")
    assert len(sandbox.journal()) == before
    assert f"{len(declared) + 1} instances: {len(declared) + 1} deleted" in elements(
        "destroy", "--skip-preview"
    )
    assert sandbox.instances() == []
    assert "the-password" not in project.everything_said()
