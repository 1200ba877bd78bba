"""Each state that an earlier version left, and a sandbox where its instance is."""

import json
from pathlib import Path

import pytest

from tools.stored_states import World

ENTRIES = [
    pytest.param(entry, id=f"{path.stem} {entry['name']}")
    for path in sorted(Path(__file__).parent.glob("*.json"))
    for entry in json.loads(path.read_text(encoding="utf-8"))
]


@pytest.fixture(params=ENTRIES)
def stored(request):
    return request.param


@pytest.fixture
def world(stored):
    """Bring a sandbox to where the stored state's instance is."""
    with World() as world:
        world.replay(stored["steps"])
        stored["outputs"] = world.own(stored["outputs"])
        yield world
