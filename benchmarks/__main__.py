"""Measure everything and write it down: `make bench`.

Every ratio is of figures from the same run. `--quick` takes small numbers and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import platform as machine
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks import elements, loading, native, reads, servers
from benchmarks.bare import SleepingProvider, WidenedProvider
from benchmarks.figures import Figure, comparison, faster, shown, table, write
from benchmarks.plot import COLOURS, Bars, Line, picture
from benchmarks.stacks import Stack, Timed, declared
from benchmarks.standin import Platform
from tools.engine import ensure_engine
from tools.pulumi_project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.engine import Engine

DOCUMENT, PICTURE = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.svg"
COMMANDS = ("up", "refresh", "destroy")
AT_THE_END = ", state at the end"
AT_ONCE = 64
STOCK = {"CLOUD_ELEMENTS_CONCURRENCY": "4"}
AT_END = {"PULUMI_SKIP_CHECKPOINTS": "true"}


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int = 3
    same: int = 100
    growth: tuple[int, ...] = (1, 10, 100)
    growth_at_end: tuple[int, ...] = (10, 100, 1000)
    slow: tuple[tuple[int, float], ...] = ((256, 1.0), (64, 5.0))
    operations: int = 100
    shards: int = 5
    shared: int = 500
    reads: int = 256
    native: native.Sizes = field(default_factory=native.Sizes)


QUICK = Sizes(
    rounds=1,
    same=5,
    growth=(1, 3),
    growth_at_end=(3, 6),
    slow=((16, 0.5), (8, 1.0)),
    operations=5,
    shards=2,
    shared=6,
    reads=32,
    native=native.QUICK,
)


@dataclass
class Growth:
    """One stack's whole figures by number of instances."""

    up: dict[int, float] = field(default_factory=dict)
    same: dict[int, float] = field(default_factory=dict)
    memory: dict[int, int] = field(default_factory=dict)
    state: dict[int, float] = field(default_factory=dict)


class Run:
    """One run of everything."""

    def __init__(self, engine: Engine, sizes: Sizes) -> None:
        self.engine = engine
        self.sizes = sizes
        self.began = time.perf_counter()
        self.load = os.getloadavg()[0]
        self.outputs: dict[str, Any] = {}
        self.texts: dict[str, str] = {}
        self.headline: list[Figure] = []
        self.grown = {"ours": Growth(), "bare engine": Growth()}
        self.grown_at_end = {"ours": Growth(), "bare engine": Growth()}
        self.commands: dict[tuple[int, float], dict[str, dict[str, float]]] = {}

    def say(self, what: str) -> None:
        elapsed = time.perf_counter() - self.began
        print(f"{elapsed:5.0f} s  {what}", file=sys.stderr, flush=True)

    def show(self, name: str, text: str) -> None:
        self.texts[name] = text
        print(f"\n{text}\n", flush=True)

    # What each part needs of the engine.

    def ours(
        self,
        platform: Platform,
        count: int,
        extra: dict[str, str] | None = None,
        name: str = "bench",
    ) -> Stack:
        environment = platform.environment | (extra or {})
        return Stack(self.engine, declared(platform, count), environment=environment, name=name)

    def bare(self, platform: Platform, count: int, extra: dict[str, str] | None = None) -> Stack:
        inputs = declared(platform, count)
        return Stack(self.engine, inputs, outputs=self.outputs, environment=extra)

    def best(self, measure: Callable[[], float]) -> float:
        """Return the shortest of several rounds: the others were disturbed by something else."""
        return min(measure() for _ in range(self.sizes.rounds))

    # The parts.

    def starting(self) -> None:
        self.say("loading")
        took = loading.seconds(self.sizes.rounds + 2)
        base = took["import pulumi"]
        rows = [
            [
                name,
                f"{took[name] * 1000:.0f} ms",
                f"{(took[name] - base) * 1000:+.0f} ms",
                f"{took[name] / base:.2f}",
                "≤ +100 ms" if name == "import provider" else "",
            ]
            for name in loading.WAYS
        ]
        self.show(
            "loading", table(["", "time", "more than `import pulumi`", "ratio", "goal"], rows)
        )

    def serving(self) -> None:
        self.say("the server alone")
        stock = servers.sleeping(SleepingProvider, warm=True)
        wide = self.best(lambda: servers.sleeping(WidenedProvider, warm=True))
        first = self.best(lambda: servers.sleeping(WidenedProvider, warm=False))
        bare = self.best(servers.asynchronous)
        figures = [
            faster("64 operations of 100 ms", wide, "stock, four threads", stock),
            Figure("64 operations of 100 ms", wide, "bare grpc.aio servicer", bare, goal="≤ 1.5"),
            Figure("the same as the first call", first, "bare grpc.aio servicer", bare),
        ]

        def fresh(burst: Callable[[Platform], float]) -> float:
            with Platform(servers.WORK) as platform:  # an old one has instances to take over
                return burst(platform)

        raw = self.best(lambda: fresh(servers.raw_burst))
        real = self.best(lambda: fresh(servers.real_burst))
        self.headline.append(figures[0])
        figures.append(Figure("64 real creates, platform at 100 ms", real, "raw httpx", raw))
        self.show("server", comparison(figures))
        self.say("operations one by one")
        with Platform() as platform:
            found = servers.per_operation(platform, self.sizes.operations)
        rows = [
            [
                name,
                f"{one['raw']:.1f} ms" if one["raw"] else "",
                f"{one['ours']:.1f} ms",
                f"{one['ours'] - one['raw']:.1f} ms",
                f"{one['cpu']:.1f} ms",
            ]
            for name, one in found.items()
        ]
        head = ["", "raw httpx", "through the server", "more", "processor time of the server"]
        self.show("operations", table(head, rows))
        command = [sys.executable, "-m", "benchmarks.checking"]
        self.show("checking", subprocess.check_output(command, cwd=ROOT, text=True).rstrip())

    def growing(self, count: int, *, rounds: int, at_end: bool = False) -> int:
        """Measure `up`, then some that change nothing; return the last one's instance requests."""
        extra = AT_END if at_end else None
        with (
            Platform() as platform,
            self.bare(platform, count, extra) as bare,
            self.ours(platform, count, extra) as ours,
        ):
            stacks = {"bare engine": bare, "ours": ours}
            times: dict[str, list[Timed]] = {}
            empty = bare.state_size()
            for name, stack in stacks.items():
                self.say(f"{name}, {count} instances{AT_THE_END if at_end else ''}")
                times[name] = [stack.up()]
            for _ in range(rounds):  # in turn, so that a disturbance meets both
                before = platform.requests()
                for name, stack in stacks.items():
                    times[name].append(stack.up("--expect-no-changes"))
            for name, (made, *same) in times.items():
                grown = (self.grown_at_end if at_end else self.grown)[name]
                grown.up[count] = made.seconds
                grown.same[count] = min(one.seconds for one in same)
                grown.memory[count] = max(one.memory for one in (made, *same))
                grown.state[count] = (stacks[name].state_size() - empty) / count
            return platform.requests() - before

    def path(self) -> None:
        with Platform() as platform, self.ours(platform, 1) as stack:
            stack.up()  # warms every cache as well
            self.outputs = stack.outputs_of_first()
        requests = 0
        singles: dict[str, list[float]] = {name: [] for name in self.grown}
        for _ in range(self.sizes.rounds):
            self.growing(1, rounds=1)
            for name, grown in self.grown.items():
                singles[name].append(grown.up[1])
        for name, times in singles.items():
            self.grown[name].up[1] = min(times)
        for count in self.sizes.growth[1:]:
            # The ratio that has a goal is of times close to each other: it takes more rounds.
            rounds = self.sizes.rounds * (3 if count == self.sizes.same else 1)
            requests = self.growing(count, rounds=rounds)
        ours, bare, count = self.grown["ours"], self.grown["bare engine"], self.sizes.same
        if count not in ours.up:
            requests = self.growing(count, rounds=self.sizes.rounds)
        figures = [
            Figure("`up` of one instance", ours.up[1], "bare engine", bare.up[1]),
            Figure(
                f"`up` of {count}, nothing to change",
                ours.same[count],
                "bare engine",
                bare.same[count],
                goal="≤ 1.15",
            ),
            Figure(
                "state for each instance",
                ours.state[count],
                "bare resource",
                bare.state[count],
                "bytes",
                goal="≤ 1.3",
            ),
        ]
        self.headline += figures
        said = f"Requests to `/instances` by that `up` of {count}: {requests}."
        self.show("path", f"{comparison(figures)}\n\n{said}")

    def timed(
        self, stack: Stack, what: str, commands: tuple[str, ...] = COMMANDS
    ) -> dict[str, float]:
        """Return the seconds of up, refresh and destroy."""
        found = {}
        for command in commands:
            self.say(f"{what}: {command}")
            timed: Timed = getattr(stack, command)()
            found[command] = timed.seconds
        return found

    def slow(self) -> None:
        for count, seconds in self.sizes.slow:
            ideal = -(-count // AT_ONCE) * seconds
            found = self.commands[count, seconds] = {}
            for name, extra in (("", {}), (AT_THE_END, AT_END)):
                with Platform() as platform, self.bare(platform, count, extra) as stack:
                    floor = self.timed(stack, f"bare engine, {count}{name}")
                with Platform(seconds) as platform, self.ours(platform, count, extra) as stack:
                    found[f"ours{name}"] = self.timed(
                        stack, f"ours, {count} at {seconds:g} s{name}"
                    )
                found[f"ideal{name}"] = {command: ideal + floor[command] for command in COMMANDS}

    def stock(self) -> None:
        """Measure four threads: all cases side by side, for they do little but wait."""
        parts = [
            (*case, commands) for case in self.sizes.slow for commands in (COMMANDS[:1], COMMANDS)
        ]
        with ThreadPoolExecutor(len(parts)) as pool:
            for (count, seconds, _), found in zip(
                parts, pool.map(lambda part: self.four(*part), parts), strict=True
            ):
                self.commands[count, seconds].setdefault("stock", {}).update(found)

    def four(self, count: int, seconds: float, commands: tuple[str, ...]) -> dict[str, float]:
        """Return the seconds of these commands with four threads.

        What has to be there before them is made quickly.
        """
        what = f"four at once, {count} at {seconds:g} s"
        with Platform(seconds) as platform, self.ours(platform, count, STOCK) as stack:
            if commands == COMMANDS:
                stack.project.env.pop(*STOCK)
                stack.up()
                stack.project.env |= STOCK
                commands = COMMANDS[1:]
            return self.timed(stack, what, commands)

    def command(self) -> None:
        """Measure our own commands against pulumi's, on the first of the slow platforms."""
        figures = elements.measured(self.engine, *self.sizes.slow[0], self.say)
        self.headline.append(figures[0])
        self.show("command", comparison(figures))

    def slow_tables(self) -> None:
        goals = ("≥ 7.5", "≥ 12")
        for table_name, name in (("slow", ""), ("slow_at_end", AT_THE_END)):
            figures = []
            for goal, ((count, seconds), found) in zip(goals, self.commands.items(), strict=True):
                for command in COMMANDS:
                    what = f"`{command}` of {count}, {seconds:g} s each{name}"
                    ours, ideal = found[f"ours{name}"][command], found[f"ideal{name}"][command]
                    figures += [
                        faster(what, ours, "four at once", found["stock"][command], goal),
                        Figure(what, ours, "ideal + engine", ideal, goal="≤ 0.8"),
                    ]
            self.headline.append(figures[0])
            self.show(table_name, comparison(figures))

    def growth_tables(self) -> None:
        for name, grown in (("growth", self.grown), ("growth_at_end", self.grown_at_end)):
            ours, bare = grown["ours"], grown["bare engine"]
            rows = [
                [
                    f"{count:,}",
                    f"{shown(ours.up[count])} s",
                    f"{shown(bare.up[count])} s",
                    f"{shown(ours.same[count])} s",
                    f"{shown(bare.same[count])} s",
                    f"{ours.memory[count] / 1e6:.0f} MB",
                    f"{ours.state[count]:,.0f}",
                    f"{bare.state[count]:,.0f}",
                ]
                for count in sorted(ours.up)
            ]
            head = ["instances", "`up`", "bare engine", "no change", "bare engine"]
            head += ["provider's memory", "state bytes each", "bare resource"]
            self.show(name, table(head, rows))

    def sharding(self) -> None:
        count, shards = self.sizes.shared, self.sizes.shards
        share = count // shards
        took = []
        for extra in ({}, AT_END):
            self.say(f"{count} instances in one stack")
            with Platform() as platform, self.ours(platform, count, extra) as stack:
                took.append(stack.up().seconds)
        self.say(f"{count} instances in {shards} stacks, two at once")
        with Platform() as platform:
            stacks = [
                self.ours(platform, share, name=f"shard-{number}") for number in range(shards)
            ]
            start = time.perf_counter()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(Stack.up, stacks))
            parted = time.perf_counter() - start
            for stack in stacks:
                stack.project.close()
        self.say("compressed state")
        plain, packed = [], []
        with Platform() as platform:
            for into, extra in ((plain, {}), (packed, {"PULUMI_DIY_BACKEND_ZSTD": "true"})):
                with self.bare(platform, share, extra) as stack:
                    into.append(stack.up().seconds)
        one, at_end = took
        figures = [
            faster(f"{count:,} instances in {shards} stacks", parted, "in one stack", one),
            faster(f"{count:,} instances in one stack{AT_THE_END}", at_end, "as usual", one),
            faster(f"{share} bare resources, state compressed", packed[0], "plain", plain[0]),
        ]
        self.show("sharding", comparison(figures))

    def reading(self) -> None:
        self.say("reads by lists")
        with Platform() as platform:
            found = reads.ways(platform, self.sizes.reads, 0.3)
        rows = [
            [name, f"{seconds:.1f} s", str(requests)] for name, (seconds, requests) in found.items()
        ]
        self.show("reads", table([f"{self.sizes.reads} reads", "time", "requests"], rows))

    def native(self) -> None:
        self.show("native", native.Comparison(self.engine, self.sizes.native, self.say).text())

    def circumstances(self) -> str:
        minutes = (time.perf_counter() - self.began) / 60
        return (
            f"Measured on {datetime.now(UTC):%Y-%m-%d} in {minutes:.0f} minutes: "
            f"{os.cpu_count()} cores, load {self.load:.1f} before, Python "
            f"{machine.python_version()}, Pulumi {self.engine.version} with SDK "
            f"{version('pulumi')}, `--parallel {AT_ONCE}`, state in files."
        )

    def picture(self) -> str:
        lines = [
            Line(f"{name}{suffix}", COLOURS[name + suffix], sorted(grown[name].up.items()), dashed)
            for suffix, grown, dashed in (
                ("", self.grown, True),
                (AT_THE_END, self.grown_at_end, False),
            )
            for name in grown
        ]
        (count, seconds), found = next(iter(self.commands.items()))
        ideal = -(-count // AT_ONCE) * seconds
        bars = [
            Bars(
                command,
                {
                    "four at once": found["stock"][command],
                    "ours": found["ours"][command],
                    "ours, state at the end": found[f"ours{AT_THE_END}"][command],
                    "bare engine": found["ideal"][command] - ideal,
                },
            )
            for command in COMMANDS
        ]
        title = f"{count} instances, {seconds:g} s each: seconds"
        return picture(lines, bars, title=title)


def main() -> None:
    """Run all parts, print their tables, and put them into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, nothing is written")
    quick = parser.parse_args().quick
    run = Run(ensure_engine(), QUICK if quick else Sizes())
    run.starting()
    run.serving()
    run.path()
    run.slow()
    run.stock()
    run.slow_tables()
    run.command()
    for count in run.sizes.growth_at_end:
        run.growing(count, rounds=1, at_end=True)
    run.growth_tables()
    run.sharding()
    run.reading()
    run.native()
    run.show("circumstances", run.circumstances())
    drawing = run.picture()
    if not quick:
        for name, text in run.texts.items():
            write(DOCUMENT, name, text)
        write(DOCUMENT, "figures", comparison(run.headline))
        PICTURE.write_text(drawing)
        written = (DOCUMENT, PICTURE)
        run.say(f"written to {', '.join(str(path.relative_to(ROOT)) for path in written)}")


if __name__ == "__main__":
    main()
