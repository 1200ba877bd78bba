"""A folder of documented requests, answers and element files, and what became of each line.

The folder is read where it lies and is no part of the project. Its setting is the environment
variable `CLOUD_ELEMENTS_CORPUS`; without the folder, the tier says so in one line and passes.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / (os.environ.get("CLOUD_ELEMENTS_CORPUS") or "../shared/api")
PROPERTY = "corpus"


@dataclass
class Account:
    """What became of one kind of documents."""

    kind: str
    seen: int = 0
    passed: int = 0
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Well-formed documents that the product got wrong."""

    def leave_out(self, place, why):
        """Note a document that could not be tried."""
        self.left_out.append(f"{place}: {why}")

    def lines(self, name):
        """Yield (place, object) for each line of a file that holds one."""
        path = FOLDER / "corpus" / name
        if not path.is_file():
            if FOLDER.is_dir():
                self.leave_out(name, "the folder has no such file")
            return
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(file, 1):
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
        """Yield (place, JSON) for each element file."""
        for path in sorted((FOLDER / "elements").glob("*.json")):
            self.seen += 1
            try:
                yield path.name, json.loads(path.read_text(encoding="utf-8-sig"))
            except (OSError, ValueError, RecursionError):
                self.leave_out(path.name, "is not one JSON document")


@pytest.fixture
def corpus_folder():
    return FOLDER


@pytest.fixture
def account(request, record_property):
    """Return the account of a test, which the summary shows."""
    made = Account(request.function.__name__.removeprefix("test_every_").replace("_", " "))
    yield made
    record_property(PROPERTY, vars(made))


def pytest_terminal_summary(terminalreporter):
    """Show what became of every document; reports also bring it over from xdist's workers."""
    if not FOLDER.is_dir():
        terminalreporter.write_line(f"corpus: did not run, for there is no folder {FOLDER}")
        return
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "teardown":
                continue
            for name, found in report.user_properties:
                if name == PROPERTY:
                    _show(terminalreporter, found)


def _show(terminalreporter, found):
    counts = ", ".join(
        f"{len(found[what])} {what.replace('_', ' ')}" for what in ("left_out", "failures")
    )
    terminalreporter.section(f"corpus: {found['kind']}")
    terminalreporter.write_line(f"{found['seen']} seen, {found['passed']} passed, {counts}")
    for what in ("notes", "left_out", "failures"):
        for line in found[what]:
            terminalreporter.write_line(f"{what.replace('_', ' ')}: {line}")
