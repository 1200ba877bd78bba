"""A folder of documented requests, answers and element files, and what became of each line.

The folder is read where it lies and is no part of the project. Its setting is the environment
variable `CLOUD_ELEMENTS_CORPUS`; without the folder, the tier says so in one line and passes.
"""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from provider.api.client import CloudElementsClient
from provider.api.retry import Time
from provider.config import Settings
from provider.doors.dynamic import host
from provider.instance.context import Context
from provider.lifecycle import ElementInstanceProvider
from sandbox import Sandbox

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / (os.environ.get("CLOUD_ELEMENTS_CORPUS") or "../shared/api")
ELEMENTS = FOLDER / "elements"
PROPERTY = "corpus"


@dataclass
class Account:
    """What became of one kind of documents."""

    kind: str
    seen: int = 0
    passed: int = 0
    lacking: list[str] = field(default_factory=list)
    """Files and folders that are not there."""
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Well-formed documents that the product got wrong."""

    def leave_out(self, place, why):
        """Note a document that could not be tried."""
        self.left_out.append(f"{place}: {why}")

    @contextmanager
    def judging(self, place):
        """Yield the verdict of one document; what breaks is wrong, and the next one follows."""
        verdict = Verdict(self, place)
        try:
            yield verdict
        except Exception as error:  # noqa: BLE001 - one document must not end the others
            verdict.wrong.append(f"ends in {type(error).__name__}: {error}")
        self.failures += [f"{place}: {what}" for what in verdict.wrong]
        self.passed += not (verdict.wrong or verdict.left_out)

    def lines(self, name):
        """Yield (place, object) for each line of a file that holds one."""
        try:
            text = (FOLDER / "corpus" / name).read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            self.lacking.append(f"corpus/{name}")
            return
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            self.seen += 1
            place = f"{name}:{number}"
            try:
                document = json.loads(line)
            except (ValueError, RecursionError):
                self.leave_out(place, "is not JSON")
                continue
            if isinstance(document, dict):
                yield place, document
            else:
                self.leave_out(place, "is JSON, but no object")

    def files(self):
        """Yield (place, text) for each element file."""
        paths = sorted(ELEMENTS.glob("*.json"))
        if not paths:
            self.lacking.append("elements/*.json")
        for path in paths:
            self.seen += 1
            try:
                yield path.name, path.read_text(encoding="utf-8-sig")
            except (OSError, ValueError) as error:
                self.leave_out(path.name, f"can't be read ({error})")


@dataclass
class Verdict:
    """What one document showed."""

    account: Account
    place: str
    wrong: list[str] = field(default_factory=list)
    left_out: bool = False

    def leave_out(self, why):
        """Note that the document could not be tried."""
        self.left_out = True
        self.account.leave_out(self.place, why)


@pytest.fixture
def account(request, record_property):
    """Return the account of a test, which the summary shows."""
    made = Account(request.function.__name__.removeprefix("test_every_").replace("_", " "))
    yield made
    record_property(PROPERTY, vars(made))


@pytest.fixture
def sandbox():
    """Return a sandbox that knows the folder's elements alone, and makes up the others."""
    elements = ELEMENTS if ELEMENTS.is_dir() else None
    with Sandbox(elements=elements, builtin=False, lenient=True) as running:
        yield running


@pytest.fixture
def refusal(sandbox):
    """Return what asks the platform itself for an instance: its refusal, None if it takes it."""
    secrets = f"User {sandbox.user_secret}, Organization {sandbox.organization_secret}"
    headers = {"Authorization": secrets}
    with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False) as platform:

        def ask(body):
            answer = platform.post("/instances", json=body)
            return None if answer.is_success else (answer.status_code, answer.json())

        yield ask


@pytest.fixture
def settings(sandbox):
    return Settings(
        base_url=sandbox.base_url,
        user_secret=sandbox.user_secret,
        organization_secret=sandbox.organization_secret,
    )


@pytest.fixture
def clock():
    """Return a clock that moves only when somebody sleeps."""
    seconds = [0.0]

    def sleep(wait):
        seconds[0] += wait

    return Time(now=lambda: seconds[0], sleep=sleep)


@pytest.fixture
def client(settings, clock):
    made = CloudElementsClient(settings, clock=clock)
    yield made
    made.close()


@pytest.fixture
def provider(settings, client, clock):
    made = ElementInstanceProvider()
    made.door.operations.connect(Context.of(settings, host(), client=client, clock=clock))
    return made


def pytest_terminal_summary(terminalreporter):
    """Show what became of every document; reports also bring it over from xdist's workers."""
    if not FOLDER.is_dir():
        terminalreporter.write_line(f"corpus: did not run, for there is no folder {FOLDER}")
        return
    accounts = [
        found
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, found in report.user_properties
        if name == PROPERTY
    ]
    for found in accounts:
        _show(terminalreporter, found)
    if lacking := [name for found in accounts for name in found["lacking"]]:
        terminalreporter.write_line(f"corpus: {FOLDER} lacks {', '.join(sorted(set(lacking)))}")


def _show(terminalreporter, found):
    counts = ", ".join(
        f"{len(found[what])} {what.replace('_', ' ')}" for what in ("left_out", "failures")
    )
    terminalreporter.section(f"corpus: {found['kind']}")
    terminalreporter.write_line(f"{found['seen']} seen, {found['passed']} passed, {counts}")
    for what in ("notes", "left_out", "failures"):
        for line in found[what]:
            terminalreporter.write_line(f"{what.replace('_', ' ')}: {line}")
