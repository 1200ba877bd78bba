"""Measures the structure of `provider/`: `python -m tools.structure` prints a row a figure."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config

from provider.instance.markers import MARKERS, markers
from provider.lifecycle import ElementInstanceProvider
from sandbox import Sandbox

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parents[1]
PROVIDER = ROOT / "provider"
APART = ("cli", "consent")
"""Parts of `provider/` that the figures leave out: the command line and the way to a code."""


@dataclass(frozen=True)
class Figure:
    """One row: what is measured, what it is now, and what it may be at most."""

    name: str
    value: int
    goal: int


def sources() -> list[Path]:
    """Return the modules of `provider/` that run with Pulumi."""
    found = [path.relative_to(PROVIDER) for path in sorted(PROVIDER.rglob("*.py"))]
    return [PROVIDER / path for path in found if path.parts[0] not in APART]


def lines() -> int:
    """Return how many lines the modules have."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources())


def longest(kind: type[ast.ClassDef | ast.FunctionDef]) -> int:
    """Return the lines of the longest definition of a kind."""
    return max(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, kind)
    )


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
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "PULUMI_HOME": home,
            "CLOUD_ELEMENTS_BASE_URL": sandbox.base_url,
            "CLOUD_ELEMENTS_USER_SECRET": sandbox.user_secret,
            "CLOUD_ELEMENTS_ORGANIZATION_SECRET": sandbox.organization_secret,
        }
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


def figures() -> list[Figure]:
    """Return every figure with its goal."""
    return [
        Figure("crossings between modules in one create", crossings().total(), 90),
        Figure("modules that refuse a code", refusing(), 1),
        Figure("lines without cli/ and consent/", lines(), 5000),
        Figure("lines of the longest class", longest(ast.ClassDef), 200),
        Figure("lines of the longest function", longest(ast.FunctionDef), 40),
    ]


def main() -> int:
    """Print the figures."""
    for figure in figures():
        print(f"{figure.name:40} {figure.value:6,} (goal: {figure.goal:,} at most)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
