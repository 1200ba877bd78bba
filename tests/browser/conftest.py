"""A headless Chromium, the sandbox's consent page, and `elements authorize` waiting behind it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from sandbox import Sandbox
from tools.engine import ensure_engine
from tools.pulumi_project import Project

FILES = """\
config:
  cloud-elements:instances:
    files:
      element: onedrivebusiness
      configuration:
        oauth.api.key: application-key
        oauth.api.secret: application-secret-7731
    posts:
      element: twitter
      configuration:
        oauth.api.key: application-key
        oauth.api.secret: application-secret-7731
"""


class Running:
    """`elements authorize`, started; it waits for the browser.

    Args:
        project: Where it runs.
        arguments: Its command line.
    """

    def __init__(self, project: Project, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "provider", "authorize", *arguments, "--no-browser"],
            cwd=project.folder,
            env=project.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        self.address = ""
        """The address of the consent page."""
        while not self.address:
            line = self._process.stdout.readline()
            assert line, f"the command ended early:\n{self.said}"
            self.said += line
            found = re.fullmatch(r"  (http\S+)\n", line)
            self.address = found[1] if found else ""

    def end(self) -> int:
        """Wait for its end; return the exit code."""
        rest, _ = self._process.communicate(timeout=120)
        self.said += rest
        return self._process.returncode

    def kill(self) -> None:
        """End it, however far it came."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Browser:
    """A headless Chromium as a person uses it.

    Args:
        driver: Selenium's.
        pictures: Folder for screenshots.
    """

    def __init__(self, driver: webdriver.Chrome, pictures: Path) -> None:
        self.driver = driver
        self._pictures = pictures

    def open(self, address: str) -> None:
        """Open an address in the current tab."""
        self.driver.get(address)

    def new_tab(self, address: str) -> None:
        """Open an address in another tab."""
        self.driver.switch_to.new_window("tab")
        self.driver.get(address)

    def press(self, decision: str) -> None:
        """Press a button of the consent page, and wait for the page behind it."""
        self.follow(f"button[value={decision}]")

    def follow(self, selector: str) -> None:
        """Press a button that leads to another page, and wait for that."""
        button = self.driver.find_element(By.CSS_SELECTOR, selector)
        button.click()
        self._until(staleness_of(button))

    def wait_for(self, selector: str) -> None:
        """Wait until the page has such an element."""
        self._until(lambda driver: driver.find_elements(By.CSS_SELECTOR, selector))

    @property
    def heading(self) -> str:
        """Heading of the page."""
        return self._until(lambda driver: driver.find_element(By.TAG_NAME, "h1").text)

    def _until(self, condition):
        # Between two pages Chromium has errors of its own for what is on neither.
        waiting = WebDriverWait(self.driver, 120, ignored_exceptions=(WebDriverException,))
        return waiting.until(condition)

    def picture(self, name: str) -> None:
        """Keep a screenshot."""
        self.driver.save_screenshot(str(self._pictures / f"{name}.png"))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Run one Chromium for all tests."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert binary, "chromium is not installed: run `make browser`"
    assert driver, "chromedriver is not installed: run `make browser`"
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    profile = tmp_path_factory.mktemp("profile")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-proxy-server",
        "--window-size=900,600",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    running.set_page_load_timeout(60)
    yield running
    running.quit()


@pytest.fixture
def browser(chromium, tmp_path):
    """Return a Chromium with one empty tab."""
    first, *others = chromium.window_handles
    for other in others:
        chromium.switch_to.window(other)
        chromium.close()
    chromium.switch_to.window(first)
    chromium.get("about:blank")
    chromium.get_log("browser")
    folder = os.environ.get("ELEMENTS_SCREENSHOTS")
    return Browser(chromium, Path(folder) if folder else tmp_path)


@pytest.fixture(scope="session")
def shared():
    """Run one sandbox and one project for all tests."""
    with Sandbox() as sandbox:
        environment = {
            "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
        with Project(ensure_engine(), environment=environment) as project:
            project.init()
            yield project


@pytest.fixture
def project(shared):
    """Return a project whose stack declares an OAuth 2 and an OAuth 1 instance."""
    salt = [
        line for line in shared.stack_file().read_text().splitlines() if "encryptionsalt" in line
    ]
    shared.stack_file().write_text(FILES + "".join(f"{line}\n" for line in salt))
    return shared


@pytest.fixture
def authorize(project):
    """Return a function that starts `elements authorize`."""
    running = []

    def start(*arguments):
        running.append(Running(project, *arguments))
        return running[-1]

    yield start
    for one in running:
        one.kill()
