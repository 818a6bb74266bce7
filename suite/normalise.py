"""A cell's attempts to energy and time per unit of work. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from suite.energy import Energy, MeterClass, window_energy
from suite.record import Attempt, CellResult, Idle, Result
from suite.remembered import remembered
from suite.statistics import Summary, summarise
from suite.trace import Boundary, Meter, Window

IDLE_DRIFT = 0.10
"""The idle machine may draw this much more or less after the work than before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a cell costs within one boundary. `joules_per_unit` is None when no window has known joules."""

    boundary: Boundary
    meter_class: MeterClass
    joules_per_unit: Summary | None
    units_per_s: Summary
    mean_power_w: float | None
    domains: tuple[str, ...]
    reasons: tuple[str, ...]


def measured_windows(cell: CellResult, boundary: Boundary) -> list[tuple[int, Window, Energy]]:
    """Windows of the attempts that ended well, each with its attempt's number and its energy within the boundary."""
    return [
        (number, window, energy)
        for number, attempt in enumerate(cell.attempts)
        if attempt.outcome == "ok"
        for window, energies in zip(attempt.windows, attempt.energies, strict=True)
        for energy in energies
        if energy.boundary == boundary
    ]


@remembered
def score(cell: CellResult, boundary: Boundary) -> Score | None:
    """Joules and seconds per unit; None when the cell has no window within this boundary."""
    pairs = measured_windows(cell, boundary)
    if not pairs:
        return None
    energies = [energy for _, _, energy in pairs]
    known = [(window, energy.joules) for _, window, energy in pairs if energy.joules is not None]
    return Score(
        boundary=boundary,
        meter_class=energies[0].meter_class,
        joules_per_unit=_joules_per_unit(pairs),
        units_per_s=summarise(
            [window.units / window.duration_s for _, window, _ in pairs], processes=[number for number, _, _ in pairs]
        ),
        mean_power_w=median(joules / window.duration_s for window, joules in known) if known else None,
        domains=energies[0].domains,
        reasons=tuple(sorted({reason for energy in energies for reason in energy.reasons})),
    )


def _joules_per_unit(windows: Sequence[tuple[int, Window, Energy]]) -> Summary | None:
    known = [(number, window.units, energy) for number, window, energy in windows if energy.joules is not None]
    if not known:
        return None
    return summarise(
        [(energy.joules or 0.0) / units for _, units, energy in known],
        quantisation=median(energy.quantisation_j / units for _, units, energy in known),
        edges=median(energy.edge_j / units for _, units, energy in known),
        calibration=median(energy.calibration_j / units for _, units, energy in known),
        half_range=median(energy.range_j / units for _, units, energy in known),
        processes=[number for number, _, _ in known],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a stage outside the windows took: compiling, building, warming up. `joules` is None when unknown."""

    stage: str
    seconds: float
    joules: float | None


def spent(meters: Sequence[Meter], attempt: Attempt, boundary: Boundary) -> tuple[Spent, ...]:
    """Time and energy of each stage, from the same ticks as the windows' own."""
    return tuple(
        Spent(
            stage=stage.name,
            seconds=(stage.end_ns - stage.start_ns) / 1e9,
            joules=window_energy(
                meters, attempt.ticks, Window(stage.start_ns, stage.end_ns, 0), boundary, attempt.events
            ).joules,
        )
        for stage in attempt.stages
    )


@remembered
def idle_powers_w(result: Result, boundary: Boundary) -> Mapping[str, float]:
    """Mean power of the machine with nothing to do, "before" and "after" the work, where it is known."""
    known = {one.when: _idle_power_w(result.meters, one, boundary) for one in result.idle}
    return {when: power_w for when, power_w in known.items() if power_w is not None}


def _idle_power_w(meters: tuple[Meter, ...], idle: Idle, boundary: Boundary) -> float | None:
    joules = window_energy(meters, idle.ticks, idle.window, boundary, idle.events).joules
    return None if joules is None else joules / idle.window.duration_s


def idle_reasons(result: Result, boundary: Boundary) -> tuple[str, ...]:
    """`idle_drift` when the idle machine changed its draw in the course of the run."""
    powers_w = idle_powers_w(result, boundary)
    if len(powers_w) < 2:
        return ()
    apart_w = abs(powers_w["after"] - powers_w["before"])
    return ("idle_drift",) if apart_w > IDLE_DRIFT * powers_w["before"] else ()


def net_joules_per_unit(cell: CellResult, boundary: Boundary, idle_powers_w: Sequence[float]) -> Summary | None:
    """Joules per unit above what the idle machine draws in the same time: shown beside gross, never ranked.

    Its interval also holds what is not known of the idle power, and there is none where that was measured only once.
    The meter's scale is wrong for both alike, and so in proportion to what is left.
    """
    windows = measured_windows(cell, boundary)
    gross = _joules_per_unit(windows)
    if gross is None or not idle_powers_w:
        return None
    seconds = [window.duration_s / window.units for _, window, energy in windows if energy.joules is not None]
    idle = summarise([power_w * median(seconds) for power_w in idle_powers_w])
    middle = gross.median - idle.median
    half = _net_half_width(gross, idle, middle / gross.median) if gross.parts and gross.median else None
    return Summary(
        median=middle,
        low=None if half is None else middle - half,
        high=None if half is None else middle + half,
        repeats=gross.repeats,
        spread=gross.spread,
    )


def _net_half_width(gross: Summary, idle: Summary, share: float) -> float | None:
    if gross.parts is None or idle.parts is None:
        return None
    parts = gross.parts
    scale = parts.calibration * abs(share)
    return parts.range + math.hypot(parts.repeats, parts.quantisation, parts.edges, scale, idle.parts.half_width)


def boundaries_of(cell: CellResult) -> tuple[Boundary, ...]:
    """The boundaries in which this cell has windows."""
    found = {energy.boundary: None for attempt in cell.attempts for energies in attempt.energies for energy in energies}
    return tuple(found)
