# SPDX-License-Identifier: MIT
"""A run, and the difference of two, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from xsc.bench import beside, stats
from xsc.bench.compare import Change
from xsc.bench.goals import Goal, Kind, Row, Verdict, default_lane
from xsc.bench.report import Run, headline
from xsc.bench.samples import LANES
from xsc.bench.stats import Figure
from xsc.bench.toolchain import LIMIT, Cost

COLOURS = {
    Verdict.AIM: "green",
    Verdict.OK: "green",
    Verdict.MISSED: "red",
    Verdict.NONE: "yellow",
}
BOOTS = ("xsc", "off", "stock")


def print_wide(item: RenderableType, console: Console | None = None) -> None:
    """Print without wrapping when no terminal sets the width."""
    target = console or Console(highlight=False)
    if not target.is_terminal:
        target.width = 200
    target.print(item)


def _time(value: Figure | None) -> str:
    if value is None:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if value.median >= size:
            return f"{value.median / size:.3g} {unit}"
    return f"{value.median:.0f} ns"


def _number(value: float, kind: Kind) -> str:
    return f"{value:.3%}" if kind is Kind.SHARE else f"{value:.2f}"


def _limit(value: float, goal: Goal) -> str:
    """Write a limit with its direction; 0.999 stands for less than one."""
    if goal.kind is Kind.SHARE:
        text = f"{value:.4g}" if value == 0 else f"{value:.1%}"
    else:
        text = "< 1" if value == 0.999 else f"{value:g}"
    if text.startswith("<"):
        return text
    return f"{'>=' if goal.more_is_better else '<='} {text}"


def _measures(run: Run) -> list[str]:
    return list(dict.fromkeys(sample.measure for sample in run.output.samples))


def cost_table(run: Run) -> Table:
    """Return the cost of each measure in each lane, and their ratios with spread.

    `mean` is the same ratio over everything, stalls included, where the median leaves them out.
    """
    table = Table(title="cost of one operation, median", title_justify="left")
    lanes = [lane for lane in LANES if lane in run.output.lanes]
    table.add_column("measure")
    for lane in lanes:
        table.add_column(lane, justify="right")
    for lane in lanes[1:]:
        for title in (f"{lane} / trap", "min - max", "mean"):
            table.add_column(title, justify="right")
    typical = run.output.typical
    for measure in _measures(run):
        if measure == "boot":
            continue
        cells = [_time(stats.cost(typical, measure, lane)) for lane in lanes]
        for lane in lanes[1:]:
            found = stats.ratio(typical, measure, lane, "trap")
            every = stats.ratio(run.output.samples, measure, lane, "trap")
            cells += ["-"] * 3 if found is None or every is None else _ratio_cells(found, every)
        table.add_row(measure, *cells)
    return table


def _ratio_cells(found: Figure, every: Figure) -> list[str]:
    spread = f"{found.low:.2f} - {found.high:.2f}"
    return [f"{found.median:.2f}", spread, f"{every.median:.2f}"]


def boot_table(run: Run) -> Table:
    """Return the boots to multi-user by kernel."""
    table = Table(title="boot to multi-user, seconds of the host", title_justify="left")
    for name in ("kernel", "median", "min", "max", "boots"):
        table.add_column(name, justify="left" if name == "kernel" else "right")
    for lane in BOOTS:
        found = stats.cost(run.output.samples, "boot", lane)
        if found is not None:
            values = (found.median, found.low, found.high)
            table.add_row(lane, *(f"{value / 1e9:.1f}" for value in values), str(found.count))
    return table


def system_table(run: Run) -> Table:
    """Return what was measured in XSC and in Debian's system, booted in turns."""
    table = Table(title="whole systems, one operation, median", title_justify="left")
    for name in ("measure", "XSC", "Debian", "XSC / Debian", "min - max", "boots"):
        table.add_column(name, justify="left" if name == "measure" else "right")
    for measure in beside.MEASURES:
        found = stats.ratio(run.output.samples, measure, *beside.SYSTEMS)
        if found is not None:
            cells = [_time(stats.cost(run.output.samples, measure, s)) for s in beside.SYSTEMS]
            spread = f"{found.low:.2f} - {found.high:.2f}"
            table.add_row(measure, *cells, f"{found.median:.2f}", spread, str(found.count))
    return table


def counter_table(run: Run) -> Table:
    """Return what the kernel counted per operation in the default lane: it explains a figure."""
    lane = default_lane(run)
    rows = {
        measure: stats.per_call(run.output.samples, run.output.counters, measure, lane)
        for measure in _measures(run)
    }
    names = list(dict.fromkeys(name for moved in rows.values() for name in moved))
    table = Table(title=f"counted per operation, lane {lane}", title_justify="left")
    table.add_column("measure")
    for name in names:
        table.add_column(name, justify="right")
    for measure, moved in rows.items():
        if moved:
            cells = [f"{moved[name]:.3g}" if name in moved else "-" for name in names]
            table.add_row(measure, *cells)
    return table


def goal_table(rows: Sequence[Row]) -> Table:
    """Return what was to be reached and what was."""
    table = Table(title="goals", title_justify="left")
    for name in ("figure", "median", "min", "max", "must", "aim", "verdict"):
        table.add_column(name, justify="left" if name in ("figure", "verdict") else "right")
    for row in rows:
        goal, found = row.goal, row.figure
        cells = ["-", "-", "-"]
        if found is not None:
            values = (found.median, found.low, found.high)
            cells = [_number(value, goal.kind) for value in values]
        verdict = f"{row.verdict}: {row.why}" if row.why else str(row.verdict)
        limits = [_limit(goal.must, goal), _limit(goal.aim, goal)]
        table.add_row(goal.title, *cells, *limits, Text(verdict, style=COLOURS[row.verdict]))
    return table


def run_report(run: Run, rows: Sequence[Row]) -> RenderableType:
    """Return everything about one run."""
    parts: list[RenderableType] = [Text("\n".join(headline(run))), cost_table(run)]
    if "boot" in _measures(run):
        parts.append(boot_table(run))
    if any(sample.lane == "stock" and sample.measure != "boot" for sample in run.output.samples):
        parts.append(system_table(run))
    if run.output.counters:
        parts.append(counter_table(run))
    return Group(*parts, goal_table(rows))


def change_report(first: Run, second: Run, changes: Iterable[Change]) -> RenderableType:
    """Return how a second run differs from a first one."""
    table = Table(title="B compared with A", title_justify="left")
    for name in ("figure", "A", "B", "change", ""):
        table.add_column(name, justify="left" if name in ("figure", "") else "right")
    for change in changes:
        a, b = change.first, change.second
        note = "ranges overlap" if a.overlaps(b) else ("better" if change.better else "worse")
        style = "" if a.overlaps(b) else ("green" if change.better else "red")
        cells = (f"{a.median:.3g}", f"{b.median:.3g}", f"{change.relative:+.1%}")
        table.add_row(change.title, *cells, Text(note, style=style))
    heads = [f"A: {line}" for line in headline(first)] + [f"B: {line}" for line in headline(second)]
    if first.guest.accel != second.guest.accel:
        heads.append("different accelerators: nothing below says anything about the kernel")
    return Group(Text("\n".join(heads)), table)


def toolchain_report(costs: Sequence[Cost]) -> RenderableType:
    """Show what building with the toolchain costs, beside plain GCC."""
    table = Table(title=f"compile and link, limit {LIMIT:g}")
    for heading in ("program", "gcc", "toolchain", "ratio", "least", "greatest", "samples", ""):
        table.add_column(heading)
    for cost in costs:
        verdict = Verdict.OK if cost.kept else Verdict.MISSED
        table.add_row(
            cost.case,
            f"{cost.plain.median * 1e3:.1f} ms",
            f"{cost.checked.median * 1e3:.1f} ms",
            f"{cost.ratio.median:.3f}",
            f"{cost.ratio.low:.3f}",
            f"{cost.ratio.high:.3f}",
            str(cost.ratio.count),
            Text(verdict.value, COLOURS[verdict]),
        )
    return table
