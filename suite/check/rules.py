"""Does a well-formed result hold together? Every joule is computed again from its trace."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from operator import lt

from suite.check.calibrated import calibrated
from suite.check.coherence import coherence
from suite.check.findings import Finding, error, warning
from suite.check.physics import physics
from suite.check.replays import replays
from suite.check.traces import traces
from suite.check.work import work
from suite.energy import Energy, boundaries, window_energies
from suite.reasons import REASONS
from suite.record import Attempt, CellResult, Idle, Result
from suite.trace import Conditions, Event, Meter, Ticks, Window, rises

RELATIVE_TOLERANCE = 1e-9
"""Joules are computed again by the same formula; only the last bits may differ between machines."""

STRUCTURE = {
    *("meter-domain", "meter-range", "attempt-none", "window", "window-overlap", "units-none", "energy-count"),
    *("ticks-twice", "ticks-meter", "ticks-length", "ticks-time", "event-code", "event-meter", "event-time"),
    *("conditions-length", "conditions-time"),
}
"""Rules about the form of traces and windows: what they break cannot be computed with."""

PLAUSIBILITY = {
    *("date", "power-over-limit", "power-under-idle", "flops-over-peak", "bytes-over-bandwidth"),
    *("memory-over-capacity", "pj-per-flop", "rate-over-calibration", "energy-under-calibration"),
    *("name-device", "cores-over", "replayed"),
}
"""Rules that a machine can break without a defect of the suite: by its clock, its meters or what it says of itself."""

LONGEST_NS = 7 * 86_400 * 10**9
"""No budget is longer than two days."""

SLOWEST_S = 3600.0
"""A meter whose counter moves less often has nothing to say of a window."""

_REMAKE = "Submit the file as the suite wrote it."


def examine(result: Result, today: date | None = None) -> tuple[Finding, ...]:
    """All findings about a result. Used before a result is written, by `check`, and when the site is built.

    What follows from traces and windows, physics among it, is asked only where these are well-formed.
    """
    found = (*_findings(result), *coherence(result))
    if any(one.rule in STRUCTURE for one in found if one.severity == "error"):
        return found
    return (*found, *traces(result), *replays(result), *calibrated(result), *physics(result, today))


def _findings(result: Result) -> Iterator[Finding]:
    keys = [cell.cell for cell in result.cells]
    if len(set(keys)) != len(keys):
        yield error("cell-twice", "/cells", "a cell is listed twice", _REMAKE)
    yield from _meters(result.meters)
    for index, idle in enumerate(result.idle):
        yield from _idle(result, idle, f"/idle/{index}")
    for index, cell in enumerate(result.cells):
        yield from _cell(result, cell, f"/cells/{index}")


def _meters(meters: tuple[Meter, ...]) -> Iterator[Finding]:
    """Each domain is counted once: by one meter, or by the two ends of an estimate."""
    bounds: dict[tuple[str, str], list[str | None]] = {}
    for meter in meters:
        if not meter.check:
            bounds.setdefault((meter.boundary, meter.domain), []).append(meter.bound)
    for index, meter in enumerate(meters):
        widths = (meter.update_period_s, meter.tick_width_s, meter.resolution_uj or 0, meter.calibration or 0.0)
        if min(widths) < 0 or max(meter.update_period_s, meter.tick_width_s) > SLOWEST_S or widths[-1] > 1:
            yield error("meter-range", f"/meters/{index}", "no meter has such a period, step or accuracy", _REMAKE)
    for (_, domain), found in bounds.items():
        if found != [None] and sorted(filter(None, found)) != ["high", "low"]:
            yield error("meter-domain", "/meters", f"{domain} is not counted exactly once", _REMAKE)


def _idle(result: Result, idle: Idle, pointer: str) -> Iterator[Finding]:
    yield from _windows((idle.window,), pointer)
    if idle.window.units:
        yield error("units", f"{pointer}/window", "the idle machine did no work", _REMAKE)
    yield from _ticks(result.meters, idle.ticks, f"{pointer}/ticks")
    yield from _events(result.meters, idle.events, f"{pointer}/events")


def _cell(result: Result, cell: CellResult, pointer: str) -> Iterator[Finding]:
    if cell.cell.backend != result.backend:
        yield error("backend", f"{pointer}/cell", "the cell ran on another backend than the file says", _REMAKE)
    if not cell.attempts:
        yield error("attempt-none", pointer, "a cell without an attempt", _REMAKE)
    yield from work(cell, pointer)
    for index, attempt in enumerate(cell.attempts):
        yield from _attempt(result, cell, attempt, f"{pointer}/attempts/{index}")


def _attempt(result: Result, cell: CellResult, attempt: Attempt, pointer: str) -> Iterator[Finding]:
    broken = [
        *_windows(attempt.windows, f"{pointer}/windows"),
        *_ticks(result.meters, attempt.ticks, f"{pointer}/ticks"),
        *_events(result.meters, attempt.events, f"{pointer}/events"),
    ]
    yield from _conditions(attempt.conditions, f"{pointer}/conditions")
    yield from broken
    if not broken:
        yield from _energies(result.meters, attempt, f"{pointer}/energies")
    for index, window in enumerate(attempt.windows):
        if window.units <= 0:
            yield error("units-none", f"{pointer}/windows/{index}", "a window without work", _REMAKE)
        elif window.units % max(1, cell.work.units_per_step):
            yield error("units", f"{pointer}/windows/{index}", "not a whole number of steps", _REMAKE)
    yield from _outcome(attempt, pointer)


def _windows(windows: tuple[Window, ...], pointer: str) -> Iterator[Finding]:
    for index, window in enumerate(windows):
        if not 0 <= window.start_ns < window.end_ns:
            yield error("window", f"{pointer}/{index}", "the window does not end after its start", _REMAKE)
        if window.end_ns > LONGEST_NS:
            yield error("window", f"{pointer}/{index}", "the window ends a week after its attempt began", _REMAKE)
    for index, (earlier, later) in enumerate(pairwise(windows)):
        if later.start_ns < earlier.end_ns:
            yield error(
                "window-overlap", f"{pointer}/{index + 1}", "the window starts before the last one ended", _REMAKE
            )


def _ticks(meters: tuple[Meter, ...], ticks: tuple[Ticks, ...], pointer: str) -> Iterator[Finding]:
    if len({series.meter for series in ticks}) != len(ticks):
        yield error("ticks-twice", pointer, "two series of one meter", _REMAKE)
    for index, series in enumerate(ticks):
        here = f"{pointer}/{index}"
        if not 0 <= series.meter < len(meters):
            yield error("ticks-meter", here, "no such meter in this file", _REMAKE)
        if len(series.at_ns) != len(series.energy_uj):
            yield error("ticks-length", here, "as many instants as readings are needed", _REMAKE)
        if any(at_ns < 0 for at_ns in series.at_ns[:1]):
            yield error("ticks-time", here, "the first instant lies before the origin", _REMAKE)
        if any(energy_uj < 0 for energy_uj in series.energy_uj[:1]):
            yield error("ticks-negative", here, "the counter begins below zero", _REMAKE)
        if not _ascend(series.at_ns):
            yield error("ticks-time", here, "the instants do not rise", _REMAKE)
        if not rises(series.energy_uj):
            yield warning("counter-fell", here, "the counter falls: windows around it have no joules", "Run again.")


def _events(meters: tuple[Meter, ...], events: tuple[Event, ...], pointer: str) -> Iterator[Finding]:
    for index, event in enumerate(events):
        here = f"{pointer}/{index}"
        if event.code not in REASONS:
            yield error("event-code", here, f"no reason code {event.code!r} is known", "Update, or submit as written.")
        if event.meter is not None and not 0 <= event.meter < len(meters):
            yield error("event-meter", here, "no such meter in this file", _REMAKE)
        if not 0 <= event.start_ns <= event.end_ns:
            yield error("event-time", here, "the event does not end after its start", _REMAKE)


def _conditions(conditions: tuple[Conditions, ...], pointer: str) -> Iterator[Finding]:
    for index, one in enumerate(conditions):
        here = f"{pointer}/{index}"
        if any(len(column) != len(one.at_ns) for column in one.values.values()):
            yield error("conditions-length", here, "as many instants as values are needed", _REMAKE)
        if not _ascend(one.at_ns):
            yield error("conditions-time", here, "the instants do not rise", _REMAKE)


def _ascend(instants: Sequence[int]) -> bool:
    return all(map(lt, instants, instants[1:]))


def _energies(meters: tuple[Meter, ...], attempt: Attempt, pointer: str) -> Iterator[Finding]:
    if len(attempt.energies) != len(attempt.windows):
        yield error("energy-count", pointer, "as many energies as windows are needed", _REMAKE)
        return
    wanted = boundaries(meters)
    for index, (window, stated) in enumerate(zip(attempt.windows, attempt.energies, strict=True)):
        computed = window_energies(meters, attempt.ticks, window, wanted, attempt.events)
        if len(computed) != len(stated):
            yield error("energy-count", f"{pointer}/{index}", "as many energies as boundaries are needed", _REMAKE)
            continue
        for number, pair in enumerate(zip(computed, stated, strict=True)):
            yield from _differences(*pair, f"{pointer}/{index}/{number}")


def _differences(computed: Energy, stated: Energy, pointer: str) -> Iterator[Finding]:
    """Joules, what is not known of them, and what they are called: equal to the last bits."""
    if not _equal(computed, stated, ("joules", "second_j", "range_j")):
        yield error("energy", pointer, "the trace gives other joules than the file states", _REMAKE)
    if not _equal(computed, stated, ("quantisation_j", "edge_j", "calibration_j")):
        yield error("energy-uncertainty", pointer, "the trace gives another uncertainty than the file states", _REMAKE)
    labels = ("boundary", "meter_class", "domains", "reasons")
    if any(getattr(computed, name) != getattr(stated, name) for name in labels):
        yield error("energy-label", pointer, "meters and events give another class, domains or reasons", _REMAKE)


def _equal(computed: Energy, stated: Energy, names: tuple[str, ...]) -> bool:
    return all(_close(getattr(computed, name), getattr(stated, name)) for name in names)


def _close(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return math.isclose(first, second, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)


def _outcome(attempt: Attempt, pointer: str) -> Iterator[Finding]:
    quality = attempt.quality
    if attempt.outcome == "ok":
        if not attempt.windows:
            yield error("outcome", pointer, "an attempt that went well has windows", _REMAKE)
        if quality is None:
            yield error("quality", pointer, "an attempt that went well states its quality", _REMAKE)
    judged = (*(() if quality is None else (quality,)), *attempt.audits)
    holds = all(one.holds for one in judged)
    if judged and holds != (attempt.outcome != "quality"):
        yield error("quality", f"{pointer}/quality", "the outcome contradicts the quality band or an audit", _REMAKE)
    if attempt.outcome == "ok" and not attempt.audits:
        yield warning("audit-none", pointer, "no step inside its windows was audited", "Run again with more time.")
