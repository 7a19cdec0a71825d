# SPDX-License-Identifier: MIT
"""A run as a picture: one bar per ratio, its range, and where the limits are. SVG, by hand: see
docs/adr/0016-plots-are-written-by-hand.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from xsc.bench import stats
from xsc.bench.goals import GOALS, Kind
from xsc.bench.report import Run, headline
from xsc.bench.stats import Figure

LEFT, WIDTH, RIGHT = 150, 560, 90
ROW, BAR, TOP, BOTTOM = 22, 12, 100, 40
COLOURS = {"bell": "#b8860b", "ring": "#2f6f9f"}
STYLE = "text{font:12px sans-serif}.small{font-size:10px;fill:#555}"


@dataclass(frozen=True)
class Bar:
    """One bar: a ratio to the trap, with the limit it must keep if there is one."""

    measure: str
    lane: str
    value: Figure
    must: float | None


def bars(run: Run) -> list[Bar]:
    """Return the bars of a run, in the order in which it measured."""
    limits = {
        (goal.measure, goal.over): goal.must
        for goal in GOALS
        if goal.kind is Kind.COST and goal.under == "trap"
    }
    found = []
    for measure in dict.fromkeys(sample.measure for sample in run.output.samples):
        for lane in COLOURS:
            value = stats.ratio(run.output.typical, measure, lane, "trap")
            if value is not None:
                found.append(Bar(measure, lane, value, limits.get((measure, lane))))
    return found


def _step(top: float) -> float:
    """Return a round distance that makes at most ten marks up to `top`."""
    return next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if top / step <= 10), top / 10)


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{css}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"/>'


def _draw(bar: Bar, y: float, scale: float) -> list[str]:
    """Return the elements of one bar whose upper edge is at `y`."""
    value, middle = bar.value, y + BAR / 2
    end = LEFT + value.median * scale
    parts = [
        _text(LEFT - 8, y + BAR - 2, f"{bar.measure} {bar.lane}", "end"),
        _rectangle(LEFT, y, value.median * scale, BAR, COLOURS[bar.lane]),
        _line(LEFT + value.low * scale, middle, LEFT + value.high * scale, middle, "#000"),
    ]
    for edge in (value.low, value.high):
        x = LEFT + edge * scale
        parts.append(_line(x, middle - 3, x, middle + 3, "#000"))
    if bar.must is not None:
        x = LEFT + bar.must * scale
        parts.append(_line(x, y - 3, x, y + BAR + 3, "#c00", 2))
    label = max(end, LEFT + value.high * scale) + 6
    return [*parts, _text(label, y + BAR - 2, f"{value.median:.2f}", kind="small")]


def svg(run: Run, picked: Sequence[Bar] | None = None) -> str:
    """Return the picture. A run without a ratio gives one without bars that says so."""
    shown = bars(run) if picked is None else list(picked)
    height = TOP + ROW * len(shown) + BOTTOM
    tops = [max(bar.value.high, bar.must or 0) for bar in shown]
    top = max([1.2, *tops]) * 1.05
    scale = WIDTH / top
    total = LEFT + WIDTH + RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}">',
        f"<style>{STYLE}</style>",
        _rectangle(0, 0, total, height, "#fff"),
        _text(8, 20, "cost / cost of a trap: bar = median, whisker = min - max, red = must"),
    ]
    parts += [_text(8, 36 + 14 * n, text, kind="small") for n, text in enumerate(headline(run)[:4])]
    bottom = TOP + ROW * len(shown)
    for number in range(int(top / _step(top)) + 1):
        mark = number * _step(top)
        x = LEFT + mark * scale
        parts.append(_line(x, TOP - 4, x, bottom, "#000" if mark == 1 else "#ddd"))
        parts.append(_text(x, bottom + 14, f"{mark:g}", "middle", "small"))
    for number, bar in enumerate(shown):
        parts += _draw(bar, TOP + ROW * number + (ROW - BAR) / 2, scale)
    if not shown:
        parts.append(_text(LEFT, TOP, "no ratio was measured"))
    return "\n".join([*parts, "</svg>", ""])
