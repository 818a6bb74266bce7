"""Results as text for a terminal: the summary of one, the comparison of two."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from suite import exits
from suite.energy import boundaries
from suite.grade import grade
from suite.normalise import Score, boundaries_of, idle_powers_w, idle_reasons, net_joules_per_unit, score
from suite.record import CellResult, Result
from suite.roofline import explained
from suite.statistics import Summary
from suite.trace import Boundary
from suite.units import digits_for, percent, quantity, rate, significant, symbol, times

PLAIN_WIDTH = 130
"""Columns of a table that goes to a file or a pipe, where there is no window to fit."""


class _Output(Console):
    """Standard output, which ends the program quietly where nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(exits.CANNOT_WRITE) from None


def console() -> Console:
    """Standard output, as wide as its window, or wide enough for a table where it has none."""
    plain = _Output()
    return plain if plain.is_terminal else _Output(width=PLAIN_WIDTH)


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
        over = "—" if line.excess is None else times(line.excess)
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


def comparison_table(first: Result, second: Result, boundary: Boundary = "device") -> Table:
    """The cells both hold, of one workload version: the second's energy over the first's, or why they stand apart."""
    table = Table(title=f"{second.system.name} over {first.system.name}, boundary: {boundary}", title_justify="left")
    for heading in ("cell", "first", "second", "ratio", "verdict"):
        table.add_column(heading, overflow="fold")
    others = {cell.cell.key: cell for cell in second.cells}
    for cell in first.cells:
        other = others.get(cell.cell.key)
        if other is not None:
            table.add_row(cell.cell.key, *_versus(cell, other, boundary))
    return table


def _versus(cell: CellResult, other: CellResult, boundary: Boundary) -> tuple[str, str, str, str]:
    ours, theirs = score(cell, boundary), score(other, boundary)
    mine = ours.joules_per_unit if ours else None
    its = theirs.joules_per_unit if theirs else None
    unit = f"J/{symbol(cell.work.unit)}"
    shown = interval(mine, unit), interval(its, unit)
    if cell.cell.version != other.cell.version:
        return *shown, "—", "not comparable: other workload version"
    if mine is None or its is None or ours is None or theirs is None:
        return *shown, "—", "not comparable: joules unknown"
    if ours.meter_class != theirs.meter_class:
        return *shown, "—", f"not comparable: {ours.meter_class} against {theirs.meter_class}"
    verdict = "no difference: the intervals overlap" if mine.overlaps(its) else "different"
    return *shown, f"{significant(its.median / mine.median, 3)}x", verdict
