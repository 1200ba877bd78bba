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

from benchmarks import elements
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


PYTHON = """\
import json
from pathlib import Path

import pulumi
from pulumi_cloud_elements import native

for inputs in json.loads(Path("inputs.json").read_text()):
    configuration = dict(inputs.pop("configuration"))
    configuration["oauth.api.secret"] = pulumi.Output.secret(configuration["oauth.api.secret"])
    native.ElementInstance(inputs["name"], configuration=configuration, **inputs)
"""
PLACES = ("stackTrace", "sourcePosition")
"""Keys of a resource in the state that tell where the program declared it: the language's own."""
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


class ByElements(elements.ByElements, YamlStack):
    """The same by our own commands."""


class PythonStack(Stack):
    """The same instances, declared in Python, by the native provider."""

    def prepare(self, inputs: list[dict[str, Any]]) -> None:
        super().prepare(inputs)
        self.project.write_program(PYTHON)
        manifest = {"name": "bench", "runtime": "python", "plugins": PROJECT["plugins"]}
        (self.project.folder / "Pulumi.yaml").write_text(json.dumps(manifest))


def of_places(stack: Stack) -> int:
    """Return the bytes of a stack's state that tell where the program declares its instances."""
    deployment = json.loads(stack.project.run("stack", "export", keep=False).stdout)["deployment"]
    return sum(
        len(json.dumps({key: one[key] for key in PLACES if key in one}, separators=(",", ":")))
        for one in deployment["resources"]
        if "ElementInstance" in one["type"]
    )


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

    def __init__(
        self,
        engine: Engine,
        sizes: Sizes,
        say: Callable[[str], None],
        *,
        measure: str = "seconds",
    ) -> None:
        self.engine = engine
        self.sizes = sizes
        self.say = say
        self.measure = measure
        """Of the creates: `seconds`, or on a machine with other work `processor`."""

    def text(self) -> str:
        """Measure, and return the table with its circumstances."""
        load = os.getloadavg()[0]
        figures = [*self.same(), self.dependents(), *self.state(), *self.slow()]
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

    def state(self) -> list[Figure]:
        count = self.sizes.state
        sizes: dict[str, tuple[float, float]] = {}
        for name, kind in (("yaml", YamlStack), ("python", PythonStack), ("dynamic", Stack)):
            self.say(f"state of {count} instances, {name}")
            with Platform() as platform:
                environment = platform.environment | AT_END
                with kind(
                    self.engine, declared(platform, count), environment=environment, name=name
                ) as stack:
                    empty = stack.state_size()
                    stack.up()
                    whole = stack.state_size() - empty
                    sizes[name] = whole / count, (whole - of_places(stack)) / count
        whole, alone = sizes["dynamic"]
        by = "dynamic provider, a Python program"
        what = "state for each instance, a {} program"
        aside = ", where it was declared left out"
        return [
            Figure(what.format("YAML"), sizes["yaml"][0], by, whole, "bytes"),
            Figure(what.format("Python"), sizes["python"][0], by, whole, "bytes", goal="≤ 1"),
            Figure(what.format("YAML") + aside, sizes["yaml"][1], by, alone, "bytes", goal="≤ 1"),
        ]

    def slow(self) -> list[Figure]:
        count, seconds = self.sizes.slow, self.sizes.seconds
        with elements.earlier() as before:
            theirs = self._slow(
                lambda *given, **more: elements.of_build(before, Stack(*given, **more))
            )
        by = f"`pulumi up`, dynamic provider of {elements.EARLIER if before else 'today'}"
        of = f"of {count}, {seconds:g} s each"
        ours = f"`elements up` {of}, 256 at once", ByElements, "≤ 0.7"
        stepwise = f"`pulumi up` {of}, 256 at once", YamlStack, ""
        return [
            Figure(what, self._slow(kind, WIDE), by, theirs, goal=goal)
            for what, kind, goal in (ours, stepwise)
        ]

    def _slow(self, kind: Callable[..., Stack], extra: dict[str, str] | None = None) -> float:
        count, seconds = self.sizes.slow, self.sizes.seconds
        self.say(f"{count} creates of {seconds:g} s")
        with Platform(seconds) as platform:
            environment = platform.environment | (extra or {})
            with kind(self.engine, declared(platform, count), environment=environment) as stack:
                stack.parallel = 256 if extra else 64
                return float(getattr(stack.up(), self.measure))


def main() -> None:
    """Run this part alone, and put its table into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.native", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, nothing is written")
    parser.add_argument("--same", type=int, default=Sizes.same, help="instances of the first line")
    parser.add_argument("--slow", type=int, default=Sizes.slow, help="creates of the last lines")
    parser.add_argument("--processor", action="store_true", help="of these the processor's time")
    options = parser.parse_args()
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    sizes = QUICK if options.quick else Sizes(same=options.same, slow=options.slow)
    measure = "processor" if options.processor else "seconds"
    text = Comparison(ensure_engine(), sizes, say, measure=measure).text()
    print(text)
    if not (options.quick or options.processor):
        write(DOCUMENT, "native", text)


if __name__ == "__main__":
    main()
