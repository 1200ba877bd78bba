"""The native provider, driven by a YAML program, against the dynamic one: `-m benchmarks.native`.

`make bench` runs it as a part of its own. Alone it writes its table and no other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure, comparison, write
from benchmarks.stacks import Stack, Timed, declared
from benchmarks.standin import Platform
from tools.engine import ensure_engine
from tools.languages import with_yaml
from tools.pulumi_project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.engine import Engine

DOCUMENT = ROOT / "docs" / "performance.md"
AT_END = {"PULUMI_SKIP_CHECKPOINTS": "true"}
WIDE = {"CLOUD_ELEMENTS_CONCURRENCY": "256"}
PROJECT: dict[str, Any] = {
    "name": "bench",
    "runtime": "yaml",
    "plugins": {"providers": [{"name": "cloud-elements", "path": ".venv/bin"}]},
}
DEPENDENTS = """\
import json
from pathlib import Path

import pulumi

from provider import ElementInstance

DESK = {"subdomain": "acme", "username": "integration"}
given = json.loads(Path("inputs.json").read_text())
first = ElementInstance(
    "first", "freshservice", configuration=DESK | {"password": "first"}, tags=given["tags"]
)
for number in range(given["count"]):
    configuration = DESK | {"password": first.element_token}
    ElementInstance(f"desk-{number}", "freshservice", configuration=configuration)
"""
DESK = {"subdomain": "acme", "username": "integration"}


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    same: int = 1000
    rounds: int = 2
    state: int = 100
    dependents: int = 50
    slow: int = 256
    seconds: float = 1.0


QUICK = Sizes(same=6, rounds=1, state=5, dependents=3, slow=8)


class YamlStack(Stack):
    """The same instances, declared in YAML, by the native provider."""

    def __init__(self, engine: Engine, inputs: list[dict[str, Any]], **options: Any) -> None:
        super().__init__(with_yaml(engine), inputs, **options)

    def prepare(self, inputs: list[dict[str, Any]]) -> None:
        self.write({one["name"]: native(one) for one in inputs})

    def write(self, resources: dict[str, dict[str, Any]]) -> None:
        """Declare resources by name, each with its properties."""
        described = {
            name: {"type": "cloud-elements:ElementInstance", "properties": properties}
            for name, properties in resources.items()
        }
        program = json.dumps(PROJECT | {"resources": described})  # which is YAML too
        (self.project.folder / "Pulumi.yaml").write_text(program)


def native(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what the Python program declares in the words of a YAML program."""
    configuration = dict(inputs["configuration"])
    configuration["oauth.api.secret"] = {"fn::secret": configuration["oauth.api.secret"]}
    return {
        "elementKey": inputs["element_key"],
        "name": inputs["name"],
        "code": {"fn::secret": inputs["code"]},
        "configuration": configuration,
        "tags": inputs["tags"],
    }


def dependents(tags: list[str], count: int) -> dict[str, dict[str, Any]]:
    """Return an instance and `count` others that use its token, for YAML."""
    first = {"elementKey": "freshservice", "configuration": DESK | {"password": "first"}}
    desk = {
        "elementKey": "freshservice",
        "configuration": DESK | {"password": "${first.elementToken}"},
    }
    return {"first": first | {"tags": tags}} | {f"desk-{n}": desk for n in range(count)}


def updates(stack: Stack) -> int:
    """Return how many instances a preview shows as to be updated."""
    told = json.loads(stack.project.run("preview", "--json", "--parallel", "64").stdout)
    return int(told["changeSummary"].get("update", 0))


class Comparison:
    """Everything that is compared, in one run."""

    def __init__(self, engine: Engine, sizes: Sizes, say: Callable[[str], None]) -> None:
        self.engine = engine
        self.sizes = sizes
        self.say = say

    def text(self) -> str:
        """Measure, and return the table with its circumstances."""
        load = os.getloadavg()[0]
        figures = [*self.same(), self.dependents(), self.state(), *self.slow()]
        return (
            f"{comparison(figures)}\n\nMeasured on {datetime.now(UTC):%Y-%m-%d}: "
            f"{os.cpu_count()} cores, load {load:.1f} before, Pulumi {self.engine.version}."
        )

    def stacks(
        self, platform: Platform, count: int, extra: dict[str, str] | None = None
    ) -> tuple[Stack, Stack]:
        """Return the native and the dynamic stack of as many instances."""
        options = {"environment": platform.environment | (extra or {})}
        return (
            YamlStack(self.engine, declared(platform, count), name="native", **options),
            Stack(self.engine, declared(platform, count), name="dynamic", **options),
        )

    def same(self) -> list[Figure]:
        count = self.sizes.same
        with Platform() as platform:
            ours, theirs = self.stacks(platform, count, AT_END)
            with ours, theirs:
                for stack in (ours, theirs):
                    self.say(f"{stack.project.stack} provider, {count} instances")
                    stack.up()
                found: dict[str, list[Timed]] = {"native": [], "dynamic": []}
                for _ in range(self.sizes.rounds):  # in turn: a disturbance meets both
                    for stack in (ours, theirs):
                        self.say(f"{stack.project.stack} provider, nothing to change")
                        found[stack.project.stack].append(stack.up("--expect-no-changes"))

        def least(measure: str) -> list[float]:
            return [min(getattr(one, measure) for one in times) for times in found.values()]

        what = f"`up` of {count:,}, nothing to change"
        seconds, processor = least("seconds"), least("processor")
        return [
            Figure(what, seconds[0], "dynamic provider", seconds[1], goal="≤ 0.6"),
            Figure("the same, processor time", processor[0], "dynamic provider", processor[1]),
        ]

    def dependents(self) -> Figure:
        count = self.sizes.dependents
        self.say(f"{count} instances that use the token of one")
        with Platform() as platform:
            options = {"environment": platform.environment}
            ours = YamlStack(self.engine, [], name="native", **options)
            theirs = Stack(self.engine, [], name="dynamic", **options)
            given = theirs.project.folder / "inputs.json"
            with ours, theirs:
                theirs.project.write_program(DEPENDENTS)
                found = []
                for tags, command in ((["before"], Stack.up), (["after"], updates)):
                    ours.write(dependents(tags, count))
                    given.write_text(json.dumps({"tags": tags, "count": count}))
                    found = [command(ours), command(theirs)]
        what = f"to update, where {count} use the token of an instance whose tags change"
        return Figure(what, found[0], "dynamic provider", found[1], "instances", goal="≤ 0.02")

    def state(self) -> Figure:
        count = self.sizes.state
        self.say(f"state of {count} instances")
        with Platform() as platform:
            ours, theirs = self.stacks(platform, count, AT_END)
            with ours, theirs:
                sizes = []
                for stack in (ours, theirs):
                    empty = stack.state_size()
                    stack.up()
                    sizes.append((stack.state_size() - empty) / count)
        what = "state for each instance"
        return Figure(what, sizes[0], "dynamic provider", sizes[1], "bytes", goal="≤ 1")

    def slow(self) -> list[Figure]:
        count, seconds = self.sizes.slow, self.sizes.seconds
        figures = []
        for name, extra in (("", {}), (", state at the end", AT_END)):
            took = []
            for native_one in (True, False):
                self.say(f"{count} creates of {seconds:g} s, native: {native_one}{name}")
                with Platform(seconds) as platform:
                    environment = platform.environment | extra | (WIDE if native_one else {})
                    kind = YamlStack if native_one else Stack
                    with kind(
                        self.engine, declared(platform, count), environment=environment
                    ) as stack:
                        stack.parallel = 256 if native_one else 64
                        took.append(stack.up().seconds)
            what = f"`up -p 256` of {count}, {seconds:g} s each{name}"
            figures.append(
                Figure(what, took[0], "dynamic provider, 64 at once", took[1], goal="≤ 0.7")
            )
        return figures


def main() -> None:
    """Run this part alone, and put its table into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.native", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, nothing is written")
    parser.add_argument("--same", type=int, default=Sizes.same, help="instances of the first line")
    options = parser.parse_args()
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    sizes = QUICK if options.quick else Sizes(same=options.same)
    text = Comparison(ensure_engine(), sizes, say).text()
    print(text)
    if not options.quick:
        write(DOCUMENT, "native", text)


if __name__ == "__main__":
    main()
