"""`elements up` and `destroy` against `pulumi`'s own: `python -m benchmarks.elements`.

Whole commands, in one run: ours looks at the stack, asks the platform for its list, runs the engine
with its state at the end, and tells what came of it. They are compared with `pulumi`'s by an
earlier build, of before there were any commands of ours. Where this clone has not got it, by the
build of today, which the table then says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure, comparison, faster, write
from benchmarks.stacks import Memory, Stack, Timed, declared, processor, run_elements
from benchmarks.standin import Platform
from tools.engine import ensure_engine
from tools.pulumi_project import LINKED, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.engine import Engine

EARLIER = "d41e8b9"
"""The last build without commands that run `pulumi`."""
AT_END = {"PULUMI_SKIP_CHECKPOINTS": "true"}
FOUR = {"CLOUD_ELEMENTS_CONCURRENCY": "4"}
AT_ONCE = 64
GOALS = {"up": "≤ 0.4", "no-op": "≤ 1", "destroy": "≤ 0.35"}
ROUNDS = 3
"""Of what is short, in turn; the least counts."""


class ByElements(Stack):
    """A stack that our own commands run."""

    def _timed(self, *arguments: str) -> Timed:
        with Memory(self.project) as memory:
            start, before = time.perf_counter(), processor()
            run_elements(self.project, *arguments)
            seconds = time.perf_counter() - start
        return Timed(seconds, memory.peak, processor() - before)

    def by_pulumi(self) -> Timed:
        """Run an `up` of pulumi's own."""
        return super()._timed("up", "--skip-preview")


@contextmanager
def earlier() -> Iterator[Path | None]:
    """Have the earlier build in a folder of its own, ready to run; None where it is not known."""
    with tempfile.TemporaryDirectory(prefix="cloud-elements-earlier-") as name:
        folder = Path(name)
        archive = folder / "build.tar"
        known = subprocess.run(
            ["git", "archive", "--output", archive, EARLIER],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
            check=False,  # a clone may be without it
        )
        if known.returncode:
            yield None
            return
        with tarfile.open(archive) as build:
            build.extractall(folder, filter="data")
        subprocess.run(["make", "-s", "install"], cwd=folder, check=True)
        yield folder


class Comparison:
    """Everything that is compared, in one run.

    Args:
        engine: The engine, the same for all.
        count: Instances on a slow platform.
        seconds: What each of them takes there.
        many: Instances of which nothing changes.
        before: Folder of the earlier build; None for today's.
        measure: `seconds`, or on a machine with other work `processor`.
        say: Tells how far it is.
    """

    def __init__(
        self,
        engine: Engine,
        count: int,
        seconds: float,
        say: Callable[[str], None],
        *,
        many: int = 0,
        before: Path | None = None,
        measure: str = "seconds",
    ) -> None:
        self.engine = engine
        self.count = count
        self.seconds = seconds
        self.many = many
        self.before = before
        self.measure = measure
        self.say = say

    def slow(self) -> list[Figure]:
        """Measure each command on a slow platform, against pulumi's own."""
        theirs = self._commands(self._before, "pulumi", ("up", "destroy"))
        ours = self._commands(self._ours, "elements", ("up", "no-op", "destroy"))
        return [
            self._figure(command, ours[command], theirs.get(command, ours.get("by pulumi", 0.0)))
            for command in GOALS
        ]

    def _figure(self, command: str, ours: float, theirs: float) -> Figure:
        same = command == "no-op"
        what = "up" if same else command
        of = "nothing to change" if same else f"{self.seconds:g} s each"
        against = f"`pulumi {what}`" + ("" if same else self._by)
        title = f"`elements {what}` of {self.count}, {of}"
        return Figure(title, ours, against, theirs, goal=GOALS[command])

    def limits(self, ours: float) -> list[Figure]:
        """Measure what an `up` without a provider's work takes, and one of four at once."""
        ideal = -(-self.count // AT_ONCE) * self.seconds
        with Platform() as platform:
            with self._stack(Stack, platform, 1) as one:
                one.up()
                outputs = one.outputs_of_first()
            inputs = declared(platform, self.count)
            with Stack(self.engine, inputs, outputs=outputs, environment=AT_END) as bare:
                self.say("bare engine up, state at the end")
                ideal += bare.up().seconds
        with (
            Platform(self.seconds) as platform,
            self._stack(Stack, platform, self.count, FOUR) as four,
        ):
            self.say("up, four at once")
            stock = four.up().seconds
        what = f"`elements up` of {self.count}, {self.seconds:g} s each"
        return [
            faster(what, ours, "four at once", stock, goal="≥ 9"),
            Figure(what, ours, "ideal + bare engine, state at the end", ideal, goal="≤ 1"),
        ]

    def same(self) -> list[Figure]:
        """Measure an `up` of many of which nothing changes, and the provider's memory."""
        with (
            Platform() as platform,
            self._before(platform, self.many, AT_END, name="before") as theirs,
            self._ours(platform, self.many, name="ours") as ours,
        ):
            for stack in (theirs, ours):
                self.say(f"{self.many} instances")
                made = stack.up()
            theirs.project.env.pop(*AT_END)
            found: list[list[Timed]] = [[], []]
            for _ in range(ROUNDS):
                for stack, times in zip((theirs, ours), found, strict=True):
                    self.say(f"{self.many} instances, nothing to change")
                    times.append(stack.up())
        before, now = ([getattr(one, self.measure) for one in times] for times in found)
        what = f"`elements up` of {self.many:,}, nothing to change"
        memory = max(one.memory for one in (made, *found[1])) / 1e6
        return [
            Figure(what, min(now), f"`pulumi up`{self._by}", min(before), goal="≤ 0.75"),
            Figure(
                f"memory of the provider, {self.many:,} instances",
                memory,
                "at most",
                75.0,
                unit="MB",
                goal="≤ 1",
            ),
        ]

    def _commands(
        self, kind: Callable[..., Stack], name: str, commands: tuple[str, ...]
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        with Platform(self.seconds) as platform, kind(platform, self.count) as stack:
            for command in commands:
                self.say(f"{name} {command}, {self.count} at {self.seconds:g} s")
                if isinstance(stack, ByElements) and command == "no-op":
                    found |= self._in_turn(stack)
                else:
                    found[command] = getattr(getattr(stack, command)(), self.measure)
        return found

    def _in_turn(self, stack: ByElements) -> dict[str, float]:
        """Measure an `up` with nothing to change by either command, on one stack."""
        pairs = [(stack.up(), stack.by_pulumi()) for _ in range(ROUNDS)]
        ours, theirs = zip(*pairs, strict=True)
        return {
            "no-op": min(getattr(one, self.measure) for one in ours),
            "by pulumi": min(getattr(one, self.measure) for one in theirs),
        }

    @property
    def _by(self) -> str:
        return f" of {EARLIER}" if self.before else " of today"

    def _stack(
        self,
        kind: type[Stack],
        platform: Platform,
        count: int,
        extra: dict[str, str] | None = None,
        **options: Any,
    ) -> Stack:
        environment = platform.environment | (extra or {})
        return kind(self.engine, declared(platform, count), environment=environment, **options)

    def _ours(self, *arguments: Any, **options: Any) -> Stack:
        return self._stack(ByElements, *arguments, **options)

    def _before(self, *arguments: Any, **options: Any) -> Stack:
        """Return a stack whose program and provider are the earlier build's."""
        return of_build(self.before, self._stack(Stack, *arguments, **options))


def of_build(before: Path | None, stack: Stack) -> Stack:
    """Return a stack with the program and the provider of the build in a folder; None: today's."""
    if before:
        folder = stack.project.folder
        for name in LINKED:
            (folder / name).unlink()
            if (before / name).exists():
                (folder / name).symlink_to(before / name)
        copy(before / "Pulumi.yaml", folder)
    return stack


def measured(
    engine: Engine, count: int, seconds: float, say: Callable[[str], None]
) -> list[Figure]:
    """Return the figures of `count` instances that take `seconds` each, by the build of today."""
    return Comparison(engine, count, seconds, say).slow()


def main() -> None:
    """Measure, print, and put the table into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.elements", description=__doc__)
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--many", type=int, default=1000, help="of which nothing changes; 0: none")
    parser.add_argument("--no-limits", action="store_true", help="neither four at once nor ideal")
    parser.add_argument(
        "--processor",
        action="store_true",
        help="processor time, not seconds, for a machine with other work",
    )
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    given = parser.parse_args()
    began = time.perf_counter()

    def say(text: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {text}", file=sys.stderr, flush=True)

    with earlier() as before:
        compared = Comparison(
            ensure_engine(),
            given.count,
            given.seconds,
            say,
            many=given.many,
            before=before,
            measure="processor" if given.processor else "seconds",
        )
        figures = compared.slow()
        if not (given.no_limits or given.processor):
            figures += compared.limits(figures[0].ours)
        if given.many:
            figures += compared.same()
    print(comparison(figures))
    if given.write:
        write(ROOT / "docs" / "performance.md", "command", comparison(figures))


if __name__ == "__main__":
    main()
