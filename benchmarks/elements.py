"""`elements up` and `elements destroy` against `pulumi`'s own: `python -m benchmarks.elements`.

Whole commands, in one run and on one platform: ours looks at the stack, asks the platform for its
list, runs the engine with its state at the end, and tells what came of it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, comparison, write
from benchmarks.stacks import Stack, declared
from benchmarks.standin import Platform
from tools.engine import ensure_engine
from tools.pulumi_project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.engine import Engine

GOALS = {"up": "≤ 0.4", "destroy": "≤ 0.35"}


def measured(
    engine: Engine, count: int, seconds: float, say: Callable[[str], None]
) -> list[Figure]:
    """Return the figures of `count` instances that take `seconds` each."""
    took: dict[str, dict[str, float]] = {"pulumi": {}, "elements": {}}
    for name, found in took.items():
        with (
            Platform(seconds) as platform,
            Stack(engine, declared(platform, count), environment=platform.environment) as stack,
        ):
            for command in ("up", "no-op", "destroy"):
                say(f"{name} {command}, {count} at {seconds:g} s")
                what = "up" if command == "no-op" else command
                if name == "pulumi":
                    found[command] = getattr(stack, what)().seconds
                else:
                    found[command] = _elements(stack, what)
    ours, theirs = took["elements"], took["pulumi"]
    titles = {"no-op": f"`elements up` of {count}, nothing to change"}
    return [
        Figure(
            titles.get(command, f"`elements {command}` of {count}, {seconds:g} s each"),
            ours[command],
            f"`pulumi {'up' if command == 'no-op' else command}`",
            theirs[command],
            goal=GOALS.get(command, ""),
        )
        for command in ours
    ]


def _elements(stack: Stack, command: str) -> float:
    """Run a command of ours to its end; return its seconds."""
    project = stack.project
    path = f"{project.engine.path.parent}{os.pathsep}{project.env['PATH']}"
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "provider", command, "--skip-preview", "--stack", project.stack],
        cwd=project.folder,
        env=project.env | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


def main() -> None:
    """Measure, print, and put the table into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.elements", description=__doc__)
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    figures = measured(ensure_engine(), given.count, given.seconds, say)
    print(comparison(figures))
    if given.write:
        write(ROOT / "docs" / "performance.md", "command", comparison(figures))


if __name__ == "__main__":
    main()
