"""`elements up` over shards against one stack by `pulumi up`: `python -m benchmarks.fleet`.

The same program with the same instances on one platform each, as whole commands in one run: ours
makes the shards' stacks, looks at all of them, asks the platform for its list, and runs them side
by side with their state at the end. With the defaults the one stack alone takes a quarter of an
hour and more.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, comparison, write
from benchmarks.stacks import OURS, Stack, declared, run_elements
from benchmarks.standin import Platform
from tools.engine import ensure_engine
from tools.pulumi_project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.engine import Engine

PROGRAM = OURS.replace("import ElementInstance", "import ElementInstance, belongs_here").replace(
    ".read_text()):\n    configuration",
    '.read_text()):\n    if not belongs_here(inputs["name"]):\n        continue\n    configuration',
)
PATIENCE = 7200.0
GOALS = {"up": "≤ 0.2"}
TITLES = {"no-op": "`elements up`, nothing to change"}


def measured(
    engine: Engine, count: int, shards: int, seconds: float, say: Callable[[str], None]
) -> list[Figure]:
    """Return the figures of `count` instances that take `seconds` each."""
    took: dict[str, dict[str, float]] = {"pulumi": {}, "elements": {}}
    for name, found in took.items():
        with (
            Platform(seconds) as platform,
            Stack(engine, declared(platform, count), environment=platform.environment) as stack,
        ):
            stack.project.write_program(PROGRAM)
            if name == "elements":
                stack.project.config_set("cloud-elements:shards", str(shards))
            for command in ("up", "no-op", "destroy"):
                say(f"{name} {command}, {count} at {seconds:g} s")
                what = "up" if command == "no-op" else command
                started = time.perf_counter()
                if name == "pulumi":
                    more = ("--parallel", str(stack.parallel), "--skip-preview", "--yes")
                    stack.project.run(what, *more, timeout=PATIENCE)
                else:
                    run_elements(stack.project, what, "--skip-preview")
                found[command] = time.perf_counter() - started
                _see(platform, 0 if command == "destroy" else count)
    title = f"of {count:,} in {shards} shards, {seconds:g} s each"
    return [
        Figure(
            f"{TITLES.get(command, f'`elements {command}`')} {title}",
            took["elements"][command],
            f"`pulumi {'up' if command == 'no-op' else command}` of one stack",
            took["pulumi"][command],
            goal=GOALS.get(command, ""),
        )
        for command in took["elements"]
    ]


def _see(platform: Platform, count: int) -> None:
    """See that the platform has as many instances as it should."""
    found = platform.count()
    assert found == count, f"{found} instances, and not {count}"


def main() -> None:
    """Measure, print, and put the table into the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    figures = measured(ensure_engine(), given.count, given.shards, given.seconds, say)
    print(comparison(figures))
    if given.write:
        write(ROOT / "docs" / "performance.md", "fleet", comparison(figures))


if __name__ == "__main__":
    main()
