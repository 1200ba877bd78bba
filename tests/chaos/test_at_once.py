"""Many creates at once through one provider process, as the widened server runs them."""

import random
import tempfile
from pathlib import Path

import pytest

from tests.chaos.conftest import LONG
from tests.chaos.pocket_engine import Declared, Engine
from tests.chaos.test_lifecycles import CONFIGURATION, WITH_CODE
from tests.chaos.world import DOORS, Machine

RESOURCES, THREADS = 24, 16
FAULTS = [
    {"kind": "drop", "when": "after"},
    {"kind": "drop", "when": "before"},
    {"kind": "status", "status": 429, "retry_after": "1"},
    {"kind": "status", "status": 429, "when": "after"},
    {"kind": "status", "status": 502, "when": "after", "body": "html"},
    {"kind": "status", "status": 503},
    {"kind": "truncated"},
    {"kind": "empty"},
]


def credentials(sandbox, element):
    return {"code": sandbox.new_code(element)} if element in WITH_CODE else {}


@pytest.mark.timeout(1800 if LONG else 300)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("seed", range(20 if LONG else 2))
def test_many_at_once_are_made_once_each(ground, counts, seed, door):
    sandbox, clock, transport = ground
    sandbox.reset()
    dice = random.Random(f"{door} {seed}")
    program = {}
    for number in range(RESOURCES):
        element = dice.choice(["onedrivebusiness", "hubspot", "closeio", "sendgrid"])
        inputs = {
            "element_key": element,
            "name": f"r{number}",
            "configuration": CONFIGURATION[element],
        }
        program[f"r{number}"] = Declared(inputs | credentials(sandbox, element))
    for fault in dice.sample(FAULTS, 4):
        method, path = dice.choice([("POST", "/instances"), ("GET", "/instances"), (None, None)])
        sandbox.add_fault(
            **fault, method=method, path=path, times=dice.randint(1, 12), after=dice.randint(0, 8)
        )
    forgotten = set()
    with tempfile.TemporaryDirectory() as folder:
        remembers = Path(folder) if dice.random() < 0.5 else None
        engine = Engine(Machine(sandbox, clock, transport, remembers, door), counts)
        for attempt in range(8):
            if attempt == 6:  # the platform is well again
                sandbox.clear_faults()
            killed_at = dice.randint(5, 60) if attempt < 2 else None
            done = engine.up(program, threads=THREADS, killed_at=killed_at)
            if engine.machine.line.dead and remembers is None:  # a known limit: nobody else knows
                forgotten |= {entry["code_hash"] for entry in sandbox.journal()}
            for name, message in engine.errors.items():
                if "new code" in message:
                    inputs = program[name].inputs
                    inputs["code"] = sandbox.new_code(inputs["element_key"])
            if done and attempt >= 2:
                break
    for entry in sandbox.journal():
        if entry["fault"]:
            counts[f"fault: {entry['fault'].split(';')[0]}"] += 1
    counters = sandbox.counters()
    ids = [resource.instance for resource in engine.state.resources.values()]
    live = [str(instance["id"]) for instance in sandbox.instances()]
    counts["requests"] += len(sandbox.journal())
    counts["instances"] += counters["creates"]
    counts["codes"] += counters["codes_spent"]
    counts["duplicates"] += counters["doubles"]
    again = [one["code_hash"] for one in sandbox.journal() if one["code_resent"]]
    twice = sum(code not in forgotten for code in again)
    counts["codes sent twice"] += twice
    counts["codes sent by a killed run and forgotten"] += len(again) - twice
    counts["orphans"] += len(set(live) - set(ids))
    assert not engine.errors
    assert sorted(ids) == sorted(live)
    assert len(ids) == RESOURCES
    assert counters["doubles"] == 0
    assert twice == 0
