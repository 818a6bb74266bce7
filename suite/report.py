"""Results as text for a terminal: the summary of one, the comparison of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from suite.compare import Ratio, Versus
from suite.consoles import Output
from suite.energy import boundaries
from suite.grade import grade, unsteady
from suite.normalise import Score, boundaries_of, idle_powers_w, idle_reasons, net_joules_per_unit, score
from suite.record import CellResult, Result
from suite.roofline import explained
from suite.statistics import Summary
from suite.trace import Boundary
from suite.units import digits_for, percent, quantity, rate, significant, symbol

PLAIN_WIDTH = 130
"""Columns of a table that goes to a file or a pipe, where there is no window to fit."""


def console(kind: type[Console] = Output) -> Console:
    """Standard output, as wide as its window, or wide enough for a table where it has none."""
    plain = kind()
    return plain if plain.is_terminal else kind(width=PLAIN_WIDTH)


def interval(summary: Summary | None, unit: str) -> str:
    """A median with its half-width, in the digits the interval supports."""
    if summary is None:
        return "—"
    if summary.low is None or summary.high is None:
        return f"{quantity(summary.median, unit)} (one repeat)"
    half = (summary.high - summary.low) / 2
    median = quantity(summary.median, unit, digits_for(summary.median, half))
    if half >= abs(summary.median):  # a share of next to nothing says nothing
        return f"{median} ± {quantity(half, unit, 2)}"
    return f"{median} ± {percent(half / abs(summary.median))}"


def summary_table(result: Result, boundary: Boundary = "device") -> Table:
    """One row a cell: what it cost, how fast it was, and what its number is worth. A line where no cell ended."""
    if not result.cells:
        return _line("No cell was finished, so there is no number yet.")
    table = Table(title=f"{result.system.name}, boundary: {boundary}", title_justify="left")
    table.add_column("cell", no_wrap=True)
    for heading in ("energy per unit (95 %)", "rate", "power", "repeats", "class", "grade", "outcome"):
        table.add_column(heading, overflow="fold")
    for cell in result.cells:
        table.add_row(*_row(result, cell, score(cell, boundary)))
    return table


def _line(text: str) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row(text)
    return table


def _row(result: Result, cell: CellResult, found: Score | None) -> tuple[str, ...]:
    outcome = cell.outcome if cell.outcome == "ok" else f"{cell.outcome}: {cell.attempts[-1].detail or ''}"
    if found is None:
        return cell.cell.key, "—", "—", "—", "0", "—", "—", outcome
    return (
        cell.cell.key,
        interval(found.joules_per_unit, f"J/{symbol(cell.work.unit)}"),
        rate(found.units_per_s.median, cell.work.unit),
        quantity(found.mean_power_w, "W"),
        str(found.units_per_s.repeats),
        found.meter_class,
        _graded(result, cell, found),
        outcome,
    )


def _graded(result: Result, cell: CellResult, found: Score) -> str:
    """The letter and the aspect that limits it."""
    graded = grade(result, cell, found)
    if graded is None:
        return "—"
    return f"{graded.letter} {graded.weakest.aspect if graded.weakest else ''}".rstrip()


def unsteady_lines(result: Result) -> list[str]:
    """A line for each cell whose number another run might well not repeat, within any boundary."""
    lines = []
    for cell in result.cells:
        scores = [score(cell, boundary) for boundary in boundaries_of(cell)]
        grades = [grade(result, cell, one) for one in scores if one is not None]
        found = {f"{mark.aspect}: {mark.found}" for one in grades if one is not None for mark in unsteady(one)}
        lines += [f"{cell.cell.key}: {'; '.join(sorted(found))}"] if found else []
    return lines


def why_table(result: Result, boundary: Boundary = "device") -> Table | str:
    """One row a cell: its shares of what this machine can do, how far above its energy floor it is, and why.

    What to run, where the result holds nothing to compare with; nothing, where no cell is to be compared.
    """
    lines = [(cell, line) for cell, line in explained(result, boundary) if line is not None]
    if not lines:
        return ""
    if not any(line.sentence for _, line in lines):
        return "Why it costs this is not known: a run of five minutes or more also finds what this machine can do."
    table = Table(title="Why it costs this", title_justify="left")
    for heading in ("cell", "MFU", "MBU", "over floor"):
        table.add_column(heading, overflow="fold", justify="left" if heading == "cell" else "right")
    table.add_column("why", ratio=1)
    for cell, line in lines:
        over = line.over or "—"
        table.add_row(cell.cell.key, percent(line.mfu), percent(line.mbu), over, line.sentence or "—")
    return table


def why_values(result: Result, boundary: Boundary) -> list[dict[str, Any]]:
    """The same for programs. Unknown is None."""
    return [
        {"cell": cell.cell.key, "boundary": boundary} | asdict(line) | {"sentence": line.sentence}
        for cell, line in explained(result, boundary)
        if line is not None
    ]


def parts_table(result: Result, boundary: Boundary = "device") -> Table:
    """One row a cell: what its interval is made of, each part as a share of the number."""
    table = Table(title="What the intervals are made of (95 % half-widths)", title_justify="left")
    for heading in ("cell", "repeats", "counter's steps", "edges", "calibration", "estimate's range", "net of idle"):
        table.add_column(heading, overflow="fold")
    idle_w = list(idle_powers_w(result, boundary).values())
    for cell in result.cells:
        found = score(cell, boundary)
        summary = found.joules_per_unit if found else None
        net = interval(net_joules_per_unit(cell, boundary, idle_w), f"J/{symbol(cell.work.unit)}")
        table.add_row(cell.cell.key, *_parts(summary), net)
    return table


def _parts(summary: Summary | None) -> tuple[str, ...]:
    if summary is None or summary.parts is None:
        return ("—",) * 5
    parts = summary.parts
    shares = (parts.repeats, parts.quantisation, parts.edges, parts.calibration, parts.range)
    return tuple(percent(one / summary.median) if one else "0" for one in shares)


def reasons(result: Result) -> tuple[str, ...]:
    """The reason codes on any row of any boundary."""
    found = [score(cell, boundary) for cell in result.cells for boundary in boundaries_of(cell)]
    codes = {code for one in found if one is not None for code in one.reasons}
    drifts = {code for boundary in boundaries(result.meters) for code in idle_reasons(result, boundary)}
    return tuple(sorted(codes | drifts))


def comparison_table(first: Result, second: Result, found: Sequence[Versus], boundary: Boundary = "device") -> Table:
    """One row for each piece of work in both: the second's energy and speed over the first's, or why they stand apart.

    A line that says what to do where there is none.
    """
    if not found:
        return _line("The two have no work in common: no cell of the same workload, mode and size stands in both.")
    table = Table(title=f"{second.system.name} over {first.system.name}, boundary: {boundary}", title_justify="left")
    table.add_column("cell", no_wrap=True)
    for heading in ("first", "second", "energy, second over first", "speed", "verdict"):
        table.add_column(heading, overflow="fold")
    for one in found:
        table.add_row(one.first.key, *_versus(one))
    return table


def _versus(one: Versus) -> tuple[str, ...]:
    first, second = (interval(summary, f"J/{symbol(one.unit)}") for summary in one.joules_per_unit)
    said = {"less": "costs less", "more": "costs more", "no difference": "no difference: the intervals overlap"}
    verdict = f"not comparable: {one.why}" if one.why else said.get(one.verdict, "undecided: no interval")
    told = "; ".join((verdict, *one.differences))
    return first, second, _ratio(one.energy), "—" if one.speed is None else f"{significant(one.speed.value, 3)}x", told


def _ratio(found: Ratio | None) -> str:
    if found is None:
        return "—"
    value = f"{significant(found.value, 3)}x"
    if found.low is None or found.high is None:
        return value
    return f"{value} ({significant(found.low, 3)} to {significant(found.high, 3)})"
