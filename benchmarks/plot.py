"""The figures as a picture: growth with the number of instances, and slow platforms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 380
LEFT, TOP, BOTTOM = 60, 50, 300
COLOURS = {
    "ours": "#1f6feb",
    "ours, state at the end": "#54aeff",
    "bare engine": "#8b949e",
    "bare engine, state at the end": "#c4cbd2",
    "four at once": "#d29922",
}
STYLE = (
    "text{font:12px sans-serif;fill:#57606a}.title{font-weight:bold}"
    ".axis{stroke:#8b949e;stroke-width:1}.grid{stroke:#8b949e;stroke-opacity:.25}"
)


@dataclass(frozen=True)
class Line:
    """Seconds by number of instances."""

    name: str
    colour: str
    points: list[tuple[int, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Bars:
    """One command: seconds by way of running it."""

    name: str
    values: dict[str, float]


def picture(lines: list[Line], bars: list[Bars], *, title: str) -> str:
    """Return both panels as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<style>{STYLE}</style>",
        *_growth(lines),
        *_bars(bars, title),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, anchor: str = "middle", kind: str = "") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>'
    )


def _growth(lines: list[Line]) -> list[str]:
    right = 400
    counts = sorted({count for line in lines for count, _ in line.points})
    times = [seconds for line in lines for _, seconds in line.points]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def x(count: float) -> float:
        return LEFT + (right - LEFT) * math.log10(count) / math.log10(counts[-1])

    def y(seconds: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (math.log10(seconds) - low) / (high - low)

    parts = [_text((LEFT + right) / 2, 24, "seconds by number of instances", kind="title")]
    for power in range(low, high + 1):
        level = y(10**power)
        parts.append(f'<path class="grid" d="M{LEFT} {level:.0f}H{right}"/>')
        parts.append(_text(LEFT - 8, level + 4, f"{10**power:g} s", "end"))
    parts.append(f'<path class="axis" d="M{LEFT} {BOTTOM}H{right}"/>')
    parts += [_text(x(count), BOTTOM + 18, f"{count:,}") for count in counts]
    for index, line in enumerate(lines):
        path = "L".join(f"{x(count):.1f} {y(seconds):.1f}" for count, seconds in line.points)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        stroke = f'fill="none" stroke="{line.colour}" stroke-width="2"{dash}'
        parts.append(f'<path d="M{path}" {stroke}/>')
        level, start = TOP + 8 + 16 * index, LEFT + 12
        parts.append(f'<path d="M{start} {level}h24" {stroke}/>')
        parts.append(_text(start + 30, level + 4, line.name, "start"))
    return parts


def _bars(bars: list[Bars], title: str) -> list[str]:
    left, right, width = 470, WIDTH - 20, 26
    highest = max(value for bar in bars for value in bar.values.values())
    parts = [_text((left + right) / 2, 24, title, kind="title")]
    parts.append(f'<path class="axis" d="M{left} {BOTTOM}H{right}"/>')
    step = (right - left) / len(bars)
    for index, bar in enumerate(bars):
        middle = left + step * (index + 0.5)
        start = middle - width * len(bar.values) / 2
        for place, (name, value) in enumerate(bar.values.items()):
            tall = (BOTTOM - TOP - 20) * value / highest
            x, y = start + width * place, BOTTOM - tall
            size = f'width="{width - 4}" height="{tall:.1f}"'
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{COLOURS[name]}"/>')
            parts.append(_text(x + width / 2 - 2, y - 4, f"{value:.0f}"))
        parts.append(_text(middle, BOTTOM + 18, bar.name))
    for place, name in enumerate(bars[0].values):
        x, y = left + 60 + place % 2 * 170, BOTTOM + 34 + place // 2 * 20
        parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{COLOURS[name]}"/>')
        parts.append(_text(x + 18, y + 10, name, "start"))
    return parts
