"""Measures the structure of `provider/`: `python -m tools.structure` prints a row for each figure.

`FIGURES` says what each may be; `tests/tools/test_structure.py` holds them to it.
"""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config

from provider.instance.markers import MARKERS, markers
from provider.lifecycle import ElementInstanceProvider
from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

ROOT = Path(__file__).parents[1]
PROVIDER = ROOT / "provider"
APART = ("cli", "consent")
"""Parts whose lines are counted by themselves: the command line, and the way to a code."""
DECISIONS = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.match_case)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Figure:
    """One row: what is measured, and what it may be."""

    name: str
    measure: Callable[[], int]
    goal: int
    """What it should be at most."""
    ceiling: int
    """What it must not grow beyond: the goal where that is reached, else what it was last."""


def sources(*, apart: bool | None = None) -> list[Path]:
    """Return the modules of `provider/`: all of them, those of `APART`, or the others."""
    found = [path.relative_to(PROVIDER) for path in sorted(PROVIDER.rglob("*.py"))]
    return [PROVIDER / path for path in found if apart is None or apart == (path.parts[0] in APART)]


def definitions(*kinds: type[ast.AST]) -> Iterator[Any]:
    """Yield the definitions of these kinds in all of `provider/`."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                yield node


def lines(*, apart: bool) -> int:
    """Return how many lines the modules have."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources(apart=apart))


def longest(*kinds: type[ast.AST]) -> int:
    """Return the lines of the longest definition of these kinds."""
    return max(int(node.end_lineno - node.lineno) + 1 for node in definitions(*kinds))


def branches(function: ast.AST) -> int:
    """Return in how many places a function goes one way or another.

    Each `if`, loop, `except`, `case`, conditional expression, `and`, `or`, and condition of a
    comprehension. A function inside of it counts by itself.
    """
    found: int = 0
    for node in ast.iter_child_nodes(function):
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            continue
        found += isinstance(node, DECISIONS) + branches(node)
        if isinstance(node, ast.BoolOp):
            found += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            found += len(node.ifs)
    return found


def crossings() -> Counter[tuple[str, str]]:
    """Return the calls and returns between modules in one create with a code, by caller and callee.

    The create runs against the sandbox, in this process.
    """
    application = {
        "oauth.api.key": "application-key",
        "oauth.api.secret": "application-secret",
        "oauth.callback.url": "https://app.example/callback",
    }
    found: Counter[tuple[str, str]] = Counter()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        caller = frame.f_back
        if event in ("call", "return") and caller is not None:
            names = [str(one.f_globals.get("__name__")) for one in (caller, frame)]
            if names[0] != names[1] and all(name.startswith("provider.") for name in names):
                found[names[0], names[1]] += 1

    tags = markers(organization="o", project="p", stack="s", place="invoices").tags
    with ExitStack() as ends:
        sandbox = ends.enter_context(Sandbox())
        environment = {
            "PULUMI_HOME": ends.enter_context(tempfile.TemporaryDirectory()),
            "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
        ends.enter_context(patch.dict(os.environ, environment))
        provider = ElementInstanceProvider()
        provider.configure(ConfigureRequest(Config({}, "p")))
        news = {
            "element_key": "onedrivebusiness",
            "name": "invoices",
            "tags": ["billing"],
            "configuration": application,
            "code": sandbox.new_code("onedrivebusiness"),
            MARKERS: tags,
        }
        provider.check({}, dict(news))
        sys.setprofile(profile)
        try:
            provider.create(news)
        finally:
            sys.setprofile(None)
    return found


def refusing() -> int:
    """Return how many modules refuse a code that was sent before."""
    return sum("SpentError(" in path.read_text(encoding="utf-8") for path in sources()) - 1


FIGURES = (
    Figure("crossings between modules in one create", lambda: crossings().total(), 90, 110),
    Figure("modules that refuse a code", refusing, 1, 1),
    Figure("lines without cli/ and consent/", lambda: lines(apart=False), 5000, 12100),
    Figure("lines of cli/ and consent/", lambda: lines(apart=True), 8000, 9500),
    Figure("lines of the longest class", lambda: longest(ast.ClassDef), 200, 200),
    Figure("lines of the longest function", lambda: longest(*FUNCTIONS), 40, 40),
    Figure("branches of one function", lambda: max(map(branches, definitions(*FUNCTIONS))), 12, 12),
)
"""Every figure, of all of `provider/` but where it says otherwise.

Where one was lowered, its ceiling comes down too: to the goal, or to what it is now, lines to the
next hundred and crossings to the next ten.
"""


def main() -> int:
    """Print the figures."""
    for figure in FIGURES:
        print(f"{figure.name:40} {figure.measure():6,} (goal: {figure.goal:,} at most)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
