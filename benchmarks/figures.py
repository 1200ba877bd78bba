"""Figures as tables: what was measured, against what, and whether the goal was met."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WITHIN = {"≤": operator.le, "≥": operator.ge}


@dataclass(frozen=True)
class Figure:
    """One line of a table.

    Args:
        what: What was measured.
        ours: With this project.
        against: What it is compared with.
        theirs: The same, with that.
        unit: Unit of both.
        ratio: The figure that counts; ours by theirs unless given.
        goal: Such as `≤ 1.15`; about the ratio.
    """

    what: str
    ours: float
    against: str
    theirs: float
    unit: str = "s"
    ratio: float | None = None
    goal: str = ""

    @property
    def counted(self) -> float:
        return self.ours / self.theirs if self.ratio is None else self.ratio

    @property
    def met(self) -> bool:
        """Whether the goal was met; true where there is none."""
        if not self.goal:
            return True
        sign, limit = self.goal.split()
        return _WITHIN[sign](self.counted, float(limit))

    def cells(self) -> list[str]:
        verdict = "" if not self.goal else f"{self.goal} {'✓' if self.met else '✗'}"
        return [
            self.what,
            f"{shown(self.ours)} {self.unit}",
            self.against,
            f"{shown(self.theirs)} {self.unit}",
            f"{self.counted:.2f}",
            verdict,
        ]


def faster(what: str, ours: float, against: str, theirs: float, goal: str = "") -> Figure:
    """Return a figure whose ratio says how many times faster ours is."""
    return Figure(what, ours, against, theirs, ratio=theirs / ours, goal=goal)


def shown(value: float) -> str:
    """Return a number with three digits that count; a count as it is."""
    if isinstance(value, int):
        return f"{value:,}"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; columns of numbers are right-aligned."""
    numbers = [all(re.match(r"[\d≤≥+-]|$", row[i]) for row in rows) for i in range(len(head))]
    rule = ["---:" if number and i else "---" for i, number in enumerate(numbers)]
    lines = [head, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def comparison(figures: list[Figure]) -> str:
    """Return figures as a table."""
    head = ["", "ours", "against", "", "ratio", "goal"]
    return table(head, [figure.cells() for figure in figures])


def write(path: Path, name: str, text: str) -> None:
    """Put text between `<!-- name -->` and `<!-- /name -->` of a document."""
    document = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    assert document.count(begin) == document.count(end) == 1, f"{path} has no place for {name}"
    before, rest = document.split(begin)
    path.write_text(f"{before}{begin}\n{text.strip()}\n{end}{rest.split(end)[1]}")
