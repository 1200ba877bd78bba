"""A sandbox whose clock passes only in sleeps, and the way to it that a machine keeps."""

import httpx
import pytest

from sandbox import Sandbox
from tests.chaos.world import Clock


@pytest.fixture(scope="module")
def transport():
    with httpx.HTTPTransport(verify=False) as transport:
        yield transport


@pytest.fixture(scope="module")
def running():
    clock = Clock()
    with Sandbox(clock=clock.now, sleep=clock.nap) as sandbox:
        yield sandbox, clock


@pytest.fixture
def sandbox(running):
    running[0].reset()
    running[1].set_back = 0.0
    return running[0]


@pytest.fixture
def clock(running):
    return running[1]
