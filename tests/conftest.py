"""What holds for every tier."""

import os
import signal

import pytest

from tests.gate import Gate

# The engine's commands are short here, and a third of their time went into collecting garbage.
os.environ.setdefault("GOGC", "off")
os.environ.setdefault("GOMEMLIMIT", "512MiB")

# A shell starts background jobs with Ctrl-C ignored, nohup with SIGHUP, and all that they start
# inherits it: the tests that interrupt something would wait for ever.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture
def gate():
    """The one place where a sandbox waits: `Sandbox(sleep=gate.sleep)`."""
    gate = Gate()
    yield gate
    gate.open.set()
