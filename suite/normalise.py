"""A cell's attempts to energy and time per unit of work. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median

from suite.energy import Boundary, Energy, MeterClass, Window, window_energy
from suite.record import CellResult, Result
from suite.statistics import Summary, summarise


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


def measured_windows(cell: CellResult, boundary: Boundary) -> list[tuple[Window, Energy]]:
    """The windows of all attempts that ended well, each with its energy within the boundary."""
    return [
        (window, energy)
        for attempt in cell.attempts
        if attempt.outcome == "ok"
        for window, energies in zip(attempt.windows, attempt.energies, strict=True)
        for energy in energies
        if energy.boundary == boundary
    ]


def score(cell: CellResult, boundary: Boundary) -> Score | None:
    """Joules and seconds per unit; None when the cell has no window within this boundary."""
    pairs = measured_windows(cell, boundary)
    if not pairs:
        return None
    energies = [energy for _, energy in pairs]
    known = [(window, energy, energy.joules) for window, energy in pairs if energy.joules is not None]
    return Score(
        boundary=boundary,
        meter_class=energies[0].meter_class,
        joules_per_unit=_joules_per_unit([(window.units, energy, joules) for window, energy, joules in known]),
        units_per_s=summarise([window.units / window.duration_s for window, _ in pairs]),
        mean_power_w=median(joules / window.duration_s for window, _, joules in known) if known else None,
        domains=energies[0].domains,
        reasons=tuple(sorted({reason for energy in energies for reason in energy.reasons})),
    )


def _joules_per_unit(known: list[tuple[int, Energy, float]]) -> Summary | None:
    if not known:
        return None
    return summarise(
        [joules / units for units, _, joules in known],
        standard=median(energy.standard_j / units for units, energy, _ in known),
        calibration=median(energy.calibration_j / units for units, energy, _ in known),
        half_range=median(energy.range_j / units for units, energy, _ in known),
    )


def idle_power_w(result: Result, boundary: Boundary) -> float | None:
    """Mean power of the machine with nothing to do, before and after the work; None when no idle window has joules."""
    watched = [(one, window_energy(result.meters, one.ticks, one.window, boundary).joules) for one in result.idle]
    powers_w = [joules / one.window.duration_s for one, joules in watched if joules is not None]
    return fmean(powers_w) if powers_w else None


def net_joules_per_unit(cell: CellResult, boundary: Boundary, idle_w: float | None) -> float | None:
    """Joules per unit above what the idle machine draws in the same time: shown beside gross, never ranked."""
    net = [
        (energy.joules - idle_w * window.duration_s) / window.units
        for window, energy in measured_windows(cell, boundary)
        if energy.joules is not None and idle_w is not None
    ]
    return median(net) if net else None


def boundaries_of(cell: CellResult) -> tuple[Boundary, ...]:
    """The boundaries in which this cell has windows."""
    found = {energy.boundary: None for attempt in cell.attempts for energies in attempt.energies for energy in energies}
    return tuple(found)
