"""A port that stays free until the test has it taken."""

import random
import socket
from contextlib import suppress


def free_port():
    """Return a port of 127.0.0.1 below those that a machine hands out, from 32768 at the lowest."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_768)  # every worker has the same seed
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
