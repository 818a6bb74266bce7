"""Can a result be true at all? No device draws, calculates or moves more than its kind can. Pure.

Rules that need joules hold for measured ones only, those that need time and work for all. A simulated machine is told
what to draw and is held to nothing but the calendar. docs/checks.md has every rule with its bound and its source.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from suite.check.devices import find
from suite.check.findings import Finding, error, warning
from suite.check.limits import Limits, limits_of
from suite.energy import Energy, window_energy
from suite.record import Attempt, CellResult, Result
from suite.trace import Window
from suite.units import memory, quantity

POWER_MARGIN, RATE_MARGIN, IDLE_MARGIN = 1.1, 1.05, 0.9
FIRST_YEAR = 2026
"""No suite was there before to write a file."""

FLOOR_W = 0.5
"""No accelerator board that works draws less."""

DENSE = frozenset({"gpt", "bert", "llm", "dit", "lstm", "calib"})
"""Workloads whose operations are matrix products. Others have convolutions, which can be done with fewer."""
FEWER_OPERATIONS = 4.0
"""Winograd's F(4x4, 3x3) against the direct sum. Source: Lavin, Gray, arXiv 1509.09308."""

COUNTED = ("measured",)
BOUNDED = ("measured", "rails")
"""Classes whose joules a rule holds for: rails are a part of what a chip draws, so they bound it from below only."""

_METER = "Look at the meters and at the device's name; submit the file as the suite wrote it."
_WORK = (
    "Submit the file as the suite wrote it; if the device is faster than its table says, mend suite/check/devices.toml."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """One window of a cell, its energy within the device, and what both are held against."""

    cell: CellResult
    window: Window
    energy: Energy | None
    limits: Limits
    idle_w: float | None

    @property
    def seconds(self) -> float:
        return self.window.duration_s

    @property
    def steps(self) -> float:
        each = self.cell.work.units_per_step
        return self.window.units / each if each else 0.0

    @property
    def flops(self) -> float:
        return self.steps * self.cell.work.flops_per_step

    @property
    def fewer(self) -> float:
        return 1.0 if self.cell.cell.workload in DENSE else FEWER_OPERATIONS


def physics(result: Result, today: date | None = None) -> Iterator[Finding]:
    """All that is impossible about a result that holds together; without `today` no date lies in the future."""
    yield from _date(result, today)
    if {meter.method for meter in result.meters if not meter.check} == {"simulated"}:
        return
    used = sorted({cell.cell.device for cell in result.cells})
    limits = {index: limits_of(result.system, index) for index in used}
    yield from _unknown(limits)
    yield from _stated_memory(result, limits)
    idle_w = _idle_w(result)
    for number, cell in enumerate(result.cells):
        for index, attempt in enumerate(cell.attempts):
            here = f"/cells/{number}/attempts/{index}"
            yield from _attempt(cell, attempt, limits[cell.cell.device], idle_w, here)


def _date(result: Result, today: date | None) -> Iterator[Finding]:
    try:
        made = date.fromisoformat(result.date)
    except ValueError:
        yield error("date", "/date", f"{result.date} is no day of the calendar", "Submit the file as written.")
        return
    if made.year < FIRST_YEAR:
        yield error("date", "/date", f"{result.date} lies before the suite", "Set the machine's clock and run again.")
    if today is not None and made > today + timedelta(days=1):
        yield error(
            "date", "/date", f"{result.date} lies after today, {today}", "Set the machine's clock and run again."
        )
    for name in (result.system.cpu, *(board.name for board in result.system.accelerators)):
        device = find(name)
        if device is not None and made.year < device.year:
            told = f"{result.date}, but {device.name} came out in {device.year}"
            yield error("date", "/date", told, "Set the machine's clock and run again.")


def _unknown(limits: dict[int, Limits]) -> Iterator[Finding]:
    for name in sorted({one.name for one in limits.values() if one.device is None}):
        told = f"{name!r} is not in the table of devices: checked by generic bounds only"
        yield warning("device-unknown", "/system", told, "Add a line with its source to suite/check/devices.toml.")


def _stated_memory(result: Result, limits: dict[int, Limits]) -> Iterator[Finding]:
    for index, one in limits.items():
        if one.memory_bytes is None or one.sold_bytes is None or one.memory_bytes <= one.sold_bytes:
            continue
        pointer = "/system/memory_bytes" if one.on_host else f"/system/accelerators/{index}/memory_bytes"
        told = f"{memory(one.memory_bytes)} stated, but {one.name} has {memory(round(one.sold_bytes))} at most"
        yield error("memory-over-capacity", pointer, told, _METER)


def _idle_w(result: Result) -> float | None:
    """The least that the idle machine is sure to have drawn within the device, before the work or after it."""
    found = []
    for idle in result.idle:
        energy = window_energy(result.meters, idle.ticks, idle.window, "device", idle.events)
        if energy.joules is not None and energy.meter_class in COUNTED:
            found.append((energy.joules - _uncertainty_j(energy)) / idle.window.duration_s)
    return min(found, default=None)


def _uncertainty_j(energy: Energy) -> float:
    """Two standard uncertainties of one reading against another of the same meters: their scale cancels."""
    return 2 * math.hypot(energy.quantisation_j, energy.edge_j)


def _attempt(
    cell: CellResult, attempt: Attempt, limits: Limits, idle_w: float | None, pointer: str
) -> Iterator[Finding]:
    """The first window that breaks a rule stands for all that do."""
    first: dict[str, Finding] = {}
    for index, (window, energies) in enumerate(zip(attempt.windows, attempt.energies, strict=True)):
        energy = next((one for one in energies if one.boundary == "device" and one.joules is not None), None)
        span = _Span(cell=cell, window=window, energy=energy, limits=limits, idle_w=idle_w)
        for finding in (*_rates(span, f"{pointer}/windows/{index}"), *_powers(span, f"{pointer}/energies/{index}")):
            first.setdefault(finding.rule, finding)
    yield from first.values()
    yield from _memory(attempt, limits, f"{pointer}/peak_memory_bytes")


def _rates(span: _Span, pointer: str) -> Iterator[Finding]:
    """Work over time: holds whatever the meters are."""
    limits, precision = span.limits, span.cell.cell.precision
    rate, most = span.flops / span.seconds, RATE_MARGIN * span.fewer * limits.flops_per_s(precision)
    if rate > most:
        told = f"{_text(rate, 'FLOP/s')} in {precision}; {limits.name} does {_text(most, 'FLOP/s')} at most"
        yield error("flops-over-peak", pointer, told, _WORK)
    if limits.bytes_per_s is None:
        return
    traffic, widest = span.steps * _least_traffic(span) / span.seconds, RATE_MARGIN * limits.bytes_per_s
    if traffic > widest:
        told = f"{_text(traffic, 'B/s')} at least; {limits.name} moves {_text(widest, 'B/s')} at most"
        yield error("bytes-over-bandwidth", pointer, told, _WORK)


def _least_traffic(span: _Span) -> float:
    """Bytes that one step must fetch from memory: of what it reads again and again, what no cache can hold.

    Known of decoding, where each token reads every weight, and of copies; 0 elsewhere, and where half may be cached.
    """
    cell, work = span.cell.cell, span.cell.work
    passes = {("llm", "decode"): work.units_per_step / max(1, cell.batch), ("calib", "copy"): 2.0}
    again = work.bytes_per_step / max(1.0, passes.get((cell.workload, cell.mode.split("-")[0]), math.inf))
    cached = span.limits.cache_bytes
    return work.bytes_per_step * (1 - cached / again) if again > 2 * cached else 0.0


def _powers(span: _Span, pointer: str) -> Iterator[Finding]:
    """Joules over time and over work."""
    energy, limits = span.energy, span.limits
    if energy is None or energy.joules is None or energy.meter_class not in BOUNDED:
        return
    power_w, most_w = energy.joules / span.seconds, POWER_MARGIN * limits.power_w(energy.domains)
    if power_w > most_w and "module_scope" not in energy.reasons:
        told = f"{_text(power_w, 'W')} on average; {limits.name} draws {_text(most_w, 'W')} at most"
        yield error("power-over-limit", pointer, told, _METER)
    if energy.meter_class in COUNTED:
        yield from _idle(span, energy.joules + _uncertainty_j(energy), pointer)
        yield from _efficiency(span, energy.joules + _uncertainty_j(energy), pointer)


def _idle(span: _Span, most_j: float, pointer: str) -> Iterator[Finding]:
    """Does a machine at work, which drew `most_j` if not less, draw less than one without?"""
    power_w = most_j / span.seconds
    if span.idle_w is not None and span.cell.cell.mode != "idle" and power_w < IDLE_MARGIN * span.idle_w:
        told = f"{_text(power_w, 'W')} at work; the same machine with nothing to do drew {_text(span.idle_w, 'W')}"
        yield error("power-under-idle", pointer, told, _METER)
    elif power_w < FLOOR_W and not span.limits.on_host:
        told = f"{_text(power_w, 'W')} on average; no board that works draws less than {_text(FLOOR_W, 'W')}"
        yield error("power-under-idle", pointer, told, _METER)


def _efficiency(span: _Span, most_j: float, pointer: str) -> Iterator[Finding]:
    """Does an operation cost less than it can?"""
    precision, limits = span.cell.cell.precision, span.limits
    least = limits.joules_per_flop(precision) / span.fewer
    if most_j < least * span.flops:
        each = _text(most_j / span.flops, "J/FLOP")
        told = f"{each} in {precision}; {limits.name} needs {_text(least, 'J/FLOP')} at least"
        yield error("pj-per-flop", pointer, told, _METER)


def _memory(attempt: Attempt, limits: Limits, pointer: str) -> Iterator[Finding]:
    peak, sizes = attempt.peak_memory_bytes, (limits.memory_bytes, limits.sold_bytes)
    most = min((size for size in sizes if size is not None), default=None)
    if peak is not None and most is not None and peak > most:
        told = f"{memory(peak)} at once; {limits.name} has {memory(round(most))}"
        yield error("memory-over-capacity", pointer, told, "Submit the file as the suite wrote it.")


def _text(value: float, unit: str) -> str:
    return quantity(min(value, 1e24), unit)
