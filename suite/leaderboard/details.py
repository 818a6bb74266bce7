"""One result to what its page shows: cells, windows, traces, stages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from suite.check import Checked
from suite.leaderboard.chart import Trace, trace
from suite.leaderboard.frame import joules_per_flop
from suite.leaderboard.words import reasons
from suite.normalise import Score, boundaries_of, idle_powers_w, idle_reasons, net_joules_per_unit, score
from suite.reasons import Reason
from suite.record import Attempt, CellResult, Result, Throughput
from suite.statistics import Summary
from suite.trace import Window
from suite.units import column, grouped, half_width, memory, percent, quantity, significant


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a cell costs within one boundary, as text."""

    boundary: str
    meter_class: str
    domains: tuple[str, ...]
    energy: str | None
    energy_unit: str
    interval: str | None
    parts: tuple[tuple[str, str], ...]  # what the interval is made of
    net: str | None
    rate: str
    power: str | None
    per_flop: str | None
    spread: str | None
    repeats: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLine:
    """One window: when, how much work, and its joules within each boundary."""

    start: str
    length: str
    units: str
    rate: str
    joules: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One worker process from start to end."""

    attempt: Attempt
    trace: Trace | None
    stages: tuple[tuple[str, str], ...]
    windows: tuple[WindowLine, ...]
    boundaries: tuple[str, ...]
    quality: tuple[str, str, str] | None  # value, low, high
    peak_memory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """One cell of the plan and all that came of it."""

    number: int
    result: CellResult
    costs: tuple[Cost, ...]
    attempts: tuple[AttemptView, ...]
    flops_per_unit: str
    command: str

    @property
    def device_cost(self) -> Cost | None:
        return next((cost for cost in self.costs if cost.boundary == "device"), None)


def cells(result: Result) -> tuple[CellView, ...]:
    return tuple(_cell(result, cell, number) for number, cell in enumerate(result.cells, start=1))


def _cell(result: Result, cell: CellResult, number: int) -> CellView:
    work = cell.work
    per_unit = work.flops_per_step / work.units_per_step if work.units_per_step else None
    return CellView(
        number=number,
        result=cell,
        costs=tuple(_costs(result, cell)),
        attempts=tuple(_attempt(result, attempt) for attempt in cell.attempts),
        flops_per_unit=quantity(per_unit, "FLOP"),
        command=command(result, cell),
    )


def _costs(result: Result, cell: CellResult) -> Iterator[Cost]:
    for boundary in boundaries_of(cell):
        scored = score(cell, boundary)
        if scored is not None:
            idle_w = list(idle_powers_w(result, boundary).values())
            yield _cost(cell, scored, net_joules_per_unit(cell, boundary, idle_w), idle_reasons(result, boundary))


def _cost(cell: CellResult, scored: Score, net: Summary | None, drift: tuple[str, ...]) -> Cost:
    energy, unit = scored.joules_per_unit, cell.work.unit
    scale = column([energy.median if energy else None])
    per_flop = joules_per_flop(cell, energy.median if energy else None)
    return Cost(
        boundary=scored.boundary,
        meter_class=scored.meter_class,
        domains=scored.domains,
        energy=scale.number(energy.median, half_width(energy)) if energy else None,
        energy_unit=f"{scale.prefix}J/{unit}",
        interval=scale.interval(energy) if energy else None,
        net=None if net is None else _with_interval(net, f"J/{unit}"),
        parts=_parts(energy),
        rate=f"{grouped(scored.units_per_s.median)} {unit}s/s",
        power=None if scored.mean_power_w is None else f"{grouped(scored.mean_power_w)} W",
        per_flop=None if per_flop is None else quantity(per_flop, "J/FLOP"),
        spread=percent(energy.spread) if energy else None,
        repeats=(energy or scored.units_per_s).repeats,
        reasons=reasons(tuple(sorted({*scored.reasons, *drift}))),
    )


def _with_interval(summary: Summary, unit: str) -> str:
    half = half_width(summary)
    return quantity(summary.median, unit) + ("" if half is None else f" ± {percent(half / abs(summary.median))}")


def _parts(energy: Summary | None) -> tuple[tuple[str, str], ...]:
    """What the interval is made of, each as a share of the number."""
    if energy is None or energy.parts is None:
        return ()
    parts = energy.parts
    named = (
        ("repeats", parts.repeats),
        ("counter's steps", parts.quantisation),
        ("edges", parts.edges),
        ("calibration", parts.calibration),
        ("estimate's range", parts.range),
    )
    return tuple((name, percent(half / energy.median)) for name, half in named if half)


def _attempt(result: Result, attempt: Attempt) -> AttemptView:
    quality = attempt.quality
    return AttemptView(
        attempt=attempt,
        trace=trace(result, attempt),
        stages=tuple((stage.name, quantity((stage.end_ns - stage.start_ns) / 1e9, "s", 2)) for stage in attempt.stages),
        windows=tuple(_window(attempt, index, window) for index, window in enumerate(attempt.windows)),
        boundaries=tuple(energy.boundary for energy in attempt.energies[0]) if attempt.energies else (),
        quality=None if quality is None else _three(quality.value, quality.low, quality.high),
        peak_memory=memory(attempt.peak_memory_bytes),
    )


def _three(*values: float) -> tuple[str, str, str]:
    value, low, high = (_plain(one) for one in values)
    return value, low, high


def _plain(value: float) -> str:
    """A bare number, in powers of ten where it is small. Bands can be narrow: five digits tell their ends apart."""
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else significant(value, 5)


def _window(attempt: Attempt, index: int, window: Window) -> WindowLine:
    return WindowLine(
        start=f"{window.start_ns / 1e9:.2f}",
        length=f"{window.duration_s:.3f}",
        units=f"{window.units:,}",
        rate=grouped(window.units / window.duration_s, 4),
        joules=tuple(None if one.joules is None else grouped(one.joules, 4) for one in attempt.energies[index]),
    )


def command(result: Result, cell: CellResult) -> str:
    """What to type to run this cell again. Every part is a slug or a number, so nothing needs quoting."""
    ran = cell.cell
    mode = "train" if ran.mode == "train" else "infer"
    return (
        f"python -m suite run --backend {ran.backend} --framework {ran.framework} --workload {ran.workload} "
        f"--mode {mode} --size {ran.size} --precision {ran.precision} --budget {result.plan.budget_s:.0f}s --fresh"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """A meter as text."""

    domain: str
    boundary: str
    method: str
    source: str
    role: str
    period: str
    calibration: str
    note: str | None


def meters(result: Result) -> tuple[MeterView, ...]:
    return tuple(
        MeterView(
            domain=meter.domain,
            boundary=meter.boundary,
            method=meter.method,
            source=meter.source,
            role="second opinion" if meter.check else f"{meter.bound} end" if meter.bound else "counts",
            period=quantity(meter.update_period_s, "s"),
            calibration=percent(meter.calibration),
            note=meter.note,
        )
        for meter in result.meters
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What measuring cost, as text."""

    sampler: str
    controller: str
    memory: str
    throughput: str | None


def overhead(result: Result) -> Overhead | None:
    cost = result.overhead
    if cost is None:
        return None
    return Overhead(
        sampler=percent(cost.sampler_share),
        controller=percent(cost.controller_share),
        memory=memory(cost.peak_memory_bytes),
        throughput=None if cost.throughput is None else _ratio(cost.throughput),
    )


def _ratio(found: Throughput) -> str:
    return f"{found.ratio:.4f} ({found.low:.4f} to {found.high:.4f}, {found.pairs} pairs of windows)"


def warnings(checked: Checked) -> tuple[str, ...]:
    """What the check found worth a word in a file it accepted."""
    return tuple(f"{finding.message} ({finding.rule}). {finding.cure}" for finding in checked.findings)
