"""Counts of everything that was tried and that must not happen, told at the end of the run."""

import os
from collections import Counter

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings

from sandbox import Sandbox
from tests.chaos.world import Clock

LONG = os.environ.get("CLOUD_ELEMENTS_CHAOS") == "long"
_COUNTS = pytest.StashKey[Counter]()
MUST_BE_ZERO = ("duplicates", "orphans", "codes sent twice", "secrets in plain text")

settings.register_profile(
    "chaos",
    deadline=None,
    print_blob=True,
    derandomize=not LONG,
    database=None,
    max_examples=1500 if LONG else 200,
    stateful_step_count=60 if LONG else 40,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


def pytest_configure(config):
    config.stash[_COUNTS] = Counter()


@pytest.fixture(scope="session")
def counts(pytestconfig):
    """Everything that is counted, over all tests of the run."""
    return pytestconfig.stash[_COUNTS]


@pytest.fixture(scope="module")
def ground():
    """One sandbox, clock and way to it for a module's tests: each starts by a reset."""
    clock = Clock()
    transport = httpx.HTTPTransport(verify=False, limits=httpx.Limits(max_connections=64))
    with Sandbox(clock=clock.now, sleep=clock.nap) as sandbox, transport:
        yield sandbox, clock, transport


def pytest_sessionfinish(session):
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # a worker of pytest-xdist: the controller adds them up
        output["chaos"] = dict(session.config.stash[_COUNTS])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[_COUNTS].update(getattr(node, "workeroutput", {}).get("chaos", {}))


def pytest_terminal_summary(terminalreporter, config):
    counts = config.stash[_COUNTS]
    if not counts["operations"]:
        return
    terminalreporter.section("chaos")
    width = max(map(len, counts))
    shown = [name for name in sorted(counts) if name not in MUST_BE_ZERO]
    for name in [*shown, *MUST_BE_ZERO]:
        terminalreporter.write_line(f"{name:<{width}} {counts[name]:>9,}")
