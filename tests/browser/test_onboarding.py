"""`examples/onboarding` in a real browser: a customer presses Connect and comes back connected."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.common.by import By

from sandbox import Sandbox
from tests.ports import free_port
from tools.engine import ensure_engine
from tools.pulumi_project import Project

SESSIONS = "/v1alpha1/elements/normalized-instances/applications/{id}/sessions"
EXAMPLE = Path(__file__).parents[2] / "examples" / "onboarding"


class Service:
    """The service, started, with a platform of its own."""

    def __init__(self, project: Project, sandbox: Sandbox) -> None:
        self.project, self.sandbox = project, sandbox
        folder = project.folder / "examples" / "onboarding"
        shutil.copytree(EXAMPLE, folder)
        project.folder = folder
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        here = Path(sys.executable).parent  # as in an environment that is activated
        self.arguments = project.home / "arguments"
        engine = project.home / "bin" / "pulumi"
        engine.parent.mkdir()
        engine.write_text(
            f'#!/bin/sh\necho "$@" >> {self.arguments}\nexec {project.engine.path} "$@"\n'
        )
        engine.chmod(0o755)
        self.log = project.home / "service.log"
        with self.log.open("w") as written:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)],
                cwd=folder,
                env=project.env
                | {
                    "PATH": f"{engine.parent}:{here}:{project.env['PATH']}",
                    "PUBLIC_ADDRESS": self.address,
                    "APPLICATION_KEY": "application-key",
                    "APPLICATION_SECRET": "application-secret-7731",
                },
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        while "Application startup complete" not in self.log.read_text():
            assert self._process.poll() is None, self.log.read_text()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def service():
    """Start the service."""
    with Sandbox() as sandbox:
        environment = {
            "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
        with Project(ensure_engine(), environment=environment) as project:
            service = Service(project, sandbox)
            yield service
            service.stop()


def connect(browser, decision):
    """Press Connect, then a button of the consent page; wait for what comes of it."""
    browser.follow("form button")
    browser.press(decision)
    browser.wait_for("form button")


def test_a_customer_connects_and_connects_again(browser, service):
    """Each has a stack and an instance; the second consent renews the same instance."""
    browser.open(f"{service.address}/acme")
    browser.picture("onboarding-before")
    assert browser.heading == "Not connected yet"

    connect(browser, "allow")

    assert browser.heading == "Connected", service.log.read_text()
    browser.picture("onboarding")
    [acme] = service.sandbox.instances()
    assert acme["name"] == "acme-drive"
    assert browser.driver.current_url == f"{service.address}/acme"

    connect(browser, "allow")

    assert browser.heading == "Connected", service.log.read_text()
    [again] = service.sandbox.instances()
    assert (again["id"], again["token"]) == (acme["id"], acme["token"])
    browser.open(f"{service.address}/birch")
    connect(browser, "allow")
    assert {one["name"] for one in service.sandbox.instances()} == {"acme-drive", "birch-drive"}
    counters = service.sandbox.counters()
    assert (counters["codes_spent"], counters["codes_resent"]) == (3, 0)
    listed = service.project.run("stack", "ls", "--json").stdout
    assert {one["name"] for one in json.loads(listed)} == {"acme", "birch"}
    assert "config set --secret code --stack acme" in service.arguments.read_text()
    said = service.log.read_text() + service.project.everything_said()
    said += service.arguments.read_text()
    for secret in ("application-secret-7731", acme["token"], "code=", "code-"):
        assert secret not in said


def test_a_customer_says_no_and_others_are_refused(browser, service):
    """A denial makes nothing; an answer that nobody asked for, or from elsewhere, is refused."""
    browser.open(f"{service.address}/acme")
    connect(browser, "deny")
    assert browser.heading == "Access was not granted"

    asked = httpx.post(f"{service.address}/acme/connect")
    back = httpx.post(asked.headers["location"], data={"decision": "allow"}).headers["location"]
    assert httpx.get(back).status_code == 400, "another browser than the one that was asked"
    assert httpx.get(f"{service.address}/callback?code=x&state=").status_code == 400
    right = {"consent": asked.cookies["consent"]}
    assert httpx.get(back.replace("code=", "nothing="), cookies=right).status_code == 303
    assert httpx.get(back, cookies=right).status_code == 400, "answered already"
    assert httpx.get(f"{service.address}/nobody").status_code == 404
    assert service.sandbox.instances() == []


def test_the_platforms_own_page_makes_the_instance_and_the_stack_adopts_it(browser, service):
    """No code passes through the service; the stack keeps what the platform made."""
    browser.open(f"{service.address}/acme")
    browser.driver.find_elements(By.CSS_SELECTOR, "form button")[1].click()
    browser.wait_for("button[value=allow]")
    browser.press("allow")
    [made] = service.sandbox.instances()
    assert browser.heading == f"Connected: instance {made['id']}."
    browser.open(f"{service.address}/acme")
    browser.wait_for("form button")

    assert browser.heading == "Connected", service.log.read_text()
    [acme] = service.sandbox.instances()
    assert (acme["id"], acme["name"]) == (made["id"], "acme-drive")
    service.project.stack = "acme"
    service.project.run("stack", "select", "acme")
    assert service.project.outputs(show_secrets=True)["token"] == made["token"]
    assert service.sandbox.counters()["codes_resent"] == 0
    assert httpx.post(f"{service.address}/finished/guessed", json={}).status_code == 404
    assert "application-secret-7731" not in service.log.read_text()
    service.project.destroy()
    assert service.sandbox.instances() == []


@pytest.mark.parametrize("way", ["connect", "session"])
def test_a_platform_that_refuses_is_told_of_without_the_address(service, way):
    path = "/elements/{key}/oauth/url" if way == "connect" else SESSIONS
    service.sandbox.add_fault("status", path=path, status=403)

    answer = httpx.post(f"{service.address}/acme/{way}")

    assert answer.status_code == 502
    assert "the platform answered 403" in service.log.read_text()
    assert "application-secret-7731" not in service.log.read_text()
    assert "Traceback" not in service.log.read_text()
