"""One result to what its pages show: cells, windows, traces, stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from suite.grade import Grade, grade
from suite.leaderboard.drawing.traces import Trace, trace
from suite.leaderboard.ranking.frame import joules_per_flop
from suite.leaderboard.result.happened import Happened, happened
from suite.leaderboard.result.interval import Source, sources
from suite.leaderboard.result.limits import Floor, floor
from suite.leaderboard.result.surroundings import Surroundings, surroundings
from suite.leaderboard.result.windows import BoundaryColumn, WindowLine, boundary_columns, window_lines
from suite.leaderboard.words import reasons
from suite.normalise import (
    Score,
    Spent,
    boundaries_of,
    idle_powers_w,
    idle_reasons,
    net_joules_per_unit,
    score,
    spent,
)
from suite.reasons import Reason
from suite.record import Attempt, CellResult, Quality, Result
from suite.roofline import CALIB, Calibration, Meters, Roofline, calibrations, roofline
from suite.statistics import Summary
from suite.units import column, grouped, half_width, memory, percent, quantity, rate, significant, symbol

MOST_WINDOWS = 40
"""In a table: more than any plan asks for, and a page of two such attempts has at most 3,000 elements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a cell costs within one boundary, as text."""

    boundary: str
    meter_class: str
    domains: tuple[str, ...]
    energy: str | None
    energy_unit: str
    interval: str | None
    sources: tuple[Source, ...]  # what the interval is made of
    net: str | None
    net_interval: str | None
    rate: str
    power: str | None
    per_flop: str | None
    floor: Floor
    spread: str | None
    repeats: int
    reasons: tuple[Reason, ...]
    grade: Grade | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One worker process from start to end."""

    attempt: Attempt
    trace: Trace | None
    happened: Happened
    surroundings: tuple[Surroundings, ...]
    stages: tuple[tuple[str, str], ...]  # name, what it took
    sweep: tuple[tuple[str, str], ...]  # batch, how fast it went
    windows: tuple[WindowLine, ...]
    columns: tuple[BoundaryColumn, ...]
    judged: tuple[tuple[str, str, str, str], ...]  # quality and audits: name, value, low, high
    peak_memory: str

    @property
    def listed(self) -> tuple[WindowLine, ...]:
        """The windows that stand in a table."""
        return self.windows[:MOST_WINDOWS]

    @property
    def rest(self) -> tuple[WindowLine, ...]:
        """Those that stand below it, as plain text."""
        return self.windows[MOST_WINDOWS:]


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
    def is_calibration(self) -> bool:
        return self.result.cell.workload == CALIB

    @property
    def why(self) -> Floor | None:
        return None if self.main_cost is None else self.main_cost.floor

    @property
    def main_cost(self) -> Cost | None:
        """Of the device boundary, or else of the first."""
        return self.device_cost or next(iter(self.costs), None)

    @property
    def device_cost(self) -> Cost | None:
        return next((cost for cost in self.costs if cost.boundary == "device"), None)


def cells(result: Result, limits: Mapping[Meters, Calibration] | None = None) -> tuple[CellView, ...]:
    """`limits` are the result's own `calibrations`, where they are known already."""
    limits = calibrations(result) if limits is None else limits
    return tuple(_cell(result, cell, number, limits) for number, cell in enumerate(result.cells, start=1))


def _cell(result: Result, cell: CellResult, number: int, limits: Mapping[Meters, Calibration]) -> CellView:
    work = cell.work
    per_unit = work.flops_per_step / work.units_per_step if work.units_per_step else None
    return CellView(
        number=number,
        result=cell,
        costs=tuple(_costs(result, cell, limits)),
        attempts=tuple(_attempt(result, attempt, work.unit) for attempt in cell.attempts),
        flops_per_unit=quantity(per_unit, "FLOP"),
        command=command(result, cell),
    )


def _costs(result: Result, cell: CellResult, limits: Mapping[Meters, Calibration]) -> Iterator[Cost]:
    for boundary in boundaries_of(cell):
        scored = score(cell, boundary)
        if scored is not None:
            net = net_joules_per_unit(cell, boundary, list(idle_powers_w(result, boundary).values()))
            line = roofline(cell, scored, limits[boundary, scored.meter_class])
            codes = idle_reasons(result, boundary)
            yield _cost(cell, scored, net, line, codes, grade(result, cell, scored))


def _cost(
    cell: CellResult,
    scored: Score,
    net: Summary | None,
    line: Roofline | None,
    drift: tuple[str, ...],
    graded: Grade | None,
) -> Cost:
    energy, unit = scored.joules_per_unit, symbol(cell.work.unit)
    scale, net_scale = column([energy.median if energy else None]), column([net.median if net else None])
    per_flop = joules_per_flop(cell, energy.median if energy else None)
    return Cost(
        boundary=scored.boundary,
        meter_class=scored.meter_class,
        domains=scored.domains,
        energy=scale.number(energy.median, half_width(energy)) if energy else None,
        energy_unit=f"{scale.prefix}J/{unit}",
        interval=scale.interval(energy) if energy else None,
        net=f"{net_scale.number(net.median, half_width(net))} {net_scale.prefix}J/{unit}" if net else None,
        net_interval=net_scale.interval(net) if net else None,
        sources=sources(energy),
        rate=rate(scored.units_per_s.median, cell.work.unit),
        power=None if scored.mean_power_w is None else f"{grouped(scored.mean_power_w)} W",
        per_flop=None if per_flop is None else quantity(per_flop, "J/FLOP"),
        floor=floor(line, unit),
        spread=percent(energy.spread) if energy else None,
        repeats=(energy or scored.units_per_s).repeats,
        reasons=reasons(tuple(sorted({*scored.reasons, *drift}))),
        grade=graded,
    )


def _attempt(result: Result, attempt: Attempt, unit: str) -> AttemptView:
    quality = attempt.quality
    return AttemptView(
        attempt=attempt,
        trace=trace(result, attempt),
        happened=happened(result.meters, attempt),
        surroundings=surroundings(attempt),
        stages=tuple((one.stage, _took(one)) for one in spent(result.meters, attempt, "device")),
        sweep=tuple((f"{one.batch:,}", rate(one.units_per_s, unit)) for one in attempt.sweep),
        windows=window_lines(attempt, unit),
        columns=boundary_columns(attempt),
        judged=tuple(_judged(one) for one in (*(() if quality is None else (quality,)), *attempt.audits)),
        peak_memory=memory(attempt.peak_memory_bytes),
    )


def _took(one: Spent) -> str:
    """Seconds, and joules where the meter could tell them."""
    seconds = quantity(one.seconds, "s", 2)
    return seconds if one.joules is None else f"{seconds}, {quantity(one.joules, 'J')}"


def _judged(one: Quality) -> tuple[str, str, str, str]:
    return one.name, _plain(one.value), _plain(one.low), _plain(one.high)


def _plain(value: float) -> str:
    """A bare number, in powers of ten where it is small. Bands can be narrow: five digits tell their ends apart."""
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else significant(value, 5)


def command(result: Result, cell: CellResult) -> str:
    """What to type to run this cell again. Every part is a slug or a number, so nothing needs quoting."""
    ran = cell.cell
    mode = "train" if ran.mode == "train" else "infer"
    return (
        f"python -m suite run --backend {ran.backend} --framework {ran.framework} --workload {ran.workload} "
        f"--mode {mode} --size {ran.size} --precision {ran.precision} --budget {result.plan.budget_s:.0f}s --fresh"
    )
