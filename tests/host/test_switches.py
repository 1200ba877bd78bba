"""Whatever the platform does where its documentation is silent, what was created is no change."""

import pytest
from conftest import APPLICATION, BASIC, marked

from sandbox.switches import GROUPS

NUMBERS = {
    "rate_limit": ("50",),
    "list_page_size": ("1",),
    "list_page_max": ("1",),
    "list_delay_requests": ("2",),
    "list_delay_seconds": ("1",),
    "name_limit": ("9",),
    "tag_limit": ("9",),
    "latency": ("0.001",),
    "create_seconds": ("0.001",),
    "code_seconds": ("1",),
}
"""For the switches that take any number, some that make a difference."""
POSITIONS = [
    (switch.name, value)
    for _, switches in GROUPS
    for switch in switches
    for value in switch.values or NUMBERS[switch.name]
]
