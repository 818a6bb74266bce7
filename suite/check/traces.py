"""What a trace shows of a window without the formula that joules come from. Pure.

A counter rose by no less than between the first and the last tick within a window, and by no more than between the
ticks around it. Whoever writes joules into a file, or moves a window, has this to meet beside the formula.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from suite.check.findings import Finding, error, warning
from suite.energy import Energy
from suite.record import Attempt, Result
from suite.trace import Boundary, Conditions, Event, Meter, Ticks, Window

TOLERANCE = 1e-9
LEAST_GAP_S, GAP_PERIODS = 2.0, 10
"""Kept ticks of a meter that answers are a quarter of a second apart, or a few of its periods: five times that."""

SILENCING = frozenset({"meter_lost", "counter_stuck", "counter_fell", "suspended", "clock_stepped", "clock_unsteady"})
"""Events that say why a meter has no tick."""

ODD_RATE = 1.3
"""Windows of one attempt do the same steps: one that is so much faster or slower was disturbed, or is not its own."""

RANGES = {
    "temperature_c": (-40.0, 150.0),
    "sm_clock_mhz": (0.0, 7000.0),
    "cpu_clock_mhz": (0.0, 10000.0),
    "utilisation": (0.0, 1.0),
}
"""Quantity -> what a sensor in order can say."""

_REMAKE = "Submit the file as the suite wrote it."


def traces(result: Result) -> Iterator[Finding]:
    """Findings about the traces of a result whose series are well-formed."""
    for number, cell in enumerate(result.cells):
        for index, attempt in enumerate(cell.attempts):
            here = f"/cells/{number}/attempts/{index}"
            yield from _bounds(result.meters, attempt, here)
            yield from _gaps(result.meters, attempt, here)
            yield from _odd(attempt, here)
            yield from _conditions(attempt.conditions, f"{here}/conditions")


def _bounds(meters: Sequence[Meter], attempt: Attempt, pointer: str) -> Iterator[Finding]:
    for index, (window, energies) in enumerate(zip(attempt.windows, attempt.energies, strict=True)):
        for energy in energies:
            bounds = _bounds_j(meters, attempt.ticks, window, energy)
            if bounds is None or energy.joules is None:
                continue
            low_j, high_j = bounds
            if not low_j * (1 - TOLERANCE) - 1e-6 <= energy.joules <= high_j * (1 + TOLERANCE) + 1e-6:
                told = f"{energy.joules:.6g} J, but the counters rose by {low_j:.6g} J to {high_j:.6g} J"
                yield error("energy-bounds", f"{pointer}/energies/{index}", told, _REMAKE)


def _bounds_j(
    meters: Sequence[Meter], ticks: Sequence[Ticks], window: Window, energy: Energy
) -> tuple[float, float] | None:
    """The least and the most that the domains took; None where one has no trace, which the formula speaks of."""
    low_j = high_j = 0.0
    for domain in energy.domains:
        spans = [
            _span_j(series, window)
            for series in ticks
            if not meters[series.meter].check
            and meters[series.meter].domain == domain
            and _inside(meters[series.meter].boundary, energy.boundary)
        ]
        if not spans:
            return None
        low_j += sum(low for low, _ in spans) / len(spans)
        high_j += sum(high for _, high in spans) / len(spans)
    return low_j, high_j


def _inside(meter: Boundary, wanted: Boundary) -> bool:
    return meter == wanted or (wanted == "machine" and meter == "device")


def _span_j(series: Ticks, window: Window) -> tuple[float, float]:
    """Joules between the ticks within the window, and between those around it."""
    first, last = bisect_left(series.at_ns, window.start_ns), bisect_right(series.at_ns, window.end_ns) - 1
    before = bisect_right(series.at_ns, window.start_ns) - 1
    after = bisect_left(series.at_ns, window.end_ns)
    inside_uj = series.energy_uj[last] - series.energy_uj[first] if first <= last else 0
    if before < 0 or after >= len(series.at_ns):
        return inside_uj / 1e6, math.inf
    return inside_uj / 1e6, (series.energy_uj[after] - series.energy_uj[before]) / 1e6


def _gaps(meters: Sequence[Meter], attempt: Attempt, pointer: str) -> Iterator[Finding]:
    """Stretches within windows for which a meter has no tick, and no event says why."""
    for index, series in enumerate(attempt.ticks):
        meter = meters[series.meter]
        if meter.method == "rails":
            continue
        longest_ns = 1e9 * max(LEAST_GAP_S, GAP_PERIODS * meter.update_period_s)
        gaps = [Window(*ends, 0) for ends in pairwise(series.at_ns) if ends[1] - ends[0] > longest_ns]
        silent = next((gap for gap in gaps if _unexplained(gap, attempt.windows, attempt.events)), None)
        if silent is not None:
            told = f"no reading for {silent.duration_s:.3g} s within a window, and no event says why"
            yield warning("trace-sparse", f"{pointer}/ticks/{index}", told, "Run again on a machine at rest.")


def _unexplained(gap: Window, windows: Sequence[Window], events: Sequence[Event]) -> bool:
    within = any(gap.start_ns < window.end_ns and window.start_ns < gap.end_ns for window in windows)
    return within and not any(event.code in SILENCING and event.touches(gap) for event in events)


def _odd(attempt: Attempt, pointer: str) -> Iterator[Finding]:
    rates = [window.units / window.duration_s for window in attempt.windows]
    middle = median(rates) if len(rates) > 2 else 0.0
    for index, rate in enumerate(rates):
        if middle and not 1 / ODD_RATE <= rate / middle <= ODD_RATE:
            told = f"{rate / middle:.3g} times the rate of the attempt's other windows"
            yield warning("window-odd", f"{pointer}/windows/{index}", told, "Run again on a machine at rest.")


def _conditions(conditions: Sequence[Conditions], pointer: str) -> Iterator[Finding]:
    for index, one in enumerate(conditions):
        for name, (low, high) in RANGES.items():
            told = [value for value in one.values.get(name, ()) if value is not None]
            if any(not low <= value <= high for value in told):
                here = f"{pointer}/{index}/values/{name}"
                yield warning("conditions-range", here, f"beyond {low:g} to {high:g}", "Look at the sensor.")
