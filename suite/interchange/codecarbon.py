"""Attempts as lines of CodeCarbon's emissions.csv. Pure.

Columns, order and units are those of CodeCarbon 3.3.2 (`codecarbon/output_methods/emissions_data.py`, class
EmissionsData, written by `file.py` beside it): s, kg of CO2 equivalent, kg/s, W, kWh, litres, GB of 2**30 bytes.

How class and boundary are said. CodeCarbon writes "machine" or "process" into `tracking_mode`: how much it tracked.
It has no word for how a number came about, and under "machine" its own numbers can be counters or an assumed share of
a chip's rated power. So `tracking_mode` here says both, as "device:measured": a reader that knows two words stops at
a third one instead of taking it for a number of CodeCarbon's. `project_name` says it once more, so that what is summed
project by project never adds classes or boundaries. There is no column for an interval: an estimate's range stands in
its project name, which nobody can take for one number.

What a line holds. The windows of one attempt that have joules, and their seconds: not start, compilation and warm-up,
which CodeCarbon would count too. Unknown is empty, never 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from suite.energy import MeterClass, window_energy
from suite.record import Attempt, CellResult, Result
from suite.trace import Boundary, Meter, Window

COLUMNS = (
    "timestamp",
    "project_name",
    "run_id",
    "experiment_id",
    "duration",
    "emissions",
    "emissions_rate",
    "cpu_power",
    "gpu_power",
    "ram_power",
    "cpu_energy",
    "gpu_energy",
    "ram_energy",
    "energy_consumed",
    "water_consumed",
    "country_name",
    "country_iso_code",
    "region",
    "cloud_provider",
    "cloud_region",
    "os",
    "python_version",
    "codecarbon_version",
    "cpu_count",
    "cpu_model",
    "gpu_count",
    "gpu_model",
    "longitude",
    "latitude",
    "ram_total_size",
    "tracking_mode",
    "cpu_utilization_percent",
    "gpu_utilization_percent",
    "ram_utilization_percent",
    "ram_used_gb",
    "on_cloud",
    "pue",
    "wue",
)

JOULES_PER_KWH = 3.6e6
GRAMS_PER_KG = 1e3

PARTS = {"cpu": ("package", "cpu"), "gpu": ("gpu",), "ram": ("dram",)}
"""CodeCarbon's part -> how the names of its domains begin. A TPU or a socket is none of them."""

NO_OVERHEAD = 1
"""The factor for what a data centre draws beside its machines: nothing was multiplied."""

Value = str | float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One attempt within one boundary: its class, and its values by column; None is unknown."""

    meter_class: MeterClass
    values: dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    """What the windows with joules took. A part is None where no domain says so."""

    meter_class: MeterClass
    seconds: float
    joules: float
    range_j: float
    parts_j: dict[str, float | None]


def lines(result: Result, boundary: Boundary, grid_g_per_kwh: float | None) -> Iterator[Line]:
    """A line for each attempt that ended well and has windows with joules within the boundary.

    `grid_g_per_kwh` is what the grid emits, in g of CO2 equivalent; without it emissions are unknown.
    """
    for number, cell in enumerate(result.cells, start=1):
        for attempt_number, attempt in enumerate(cell.attempts, start=1):
            spent = _spent(result.meters, attempt, boundary)
            if attempt.outcome == "ok" and spent is not None:
                run = f"{result.id}-{number}-{attempt_number}"
                values = {
                    **_said(result, cell, run, _project(cell, spent, boundary)),
                    **_energies(spent, grid_g_per_kwh),
                    "tracking_mode": f"{boundary}:{spent.meter_class}",
                }
                yield Line(meter_class=spent.meter_class, values={name: values.get(name) for name in COLUMNS})


def _spent(meters: tuple[Meter, ...], attempt: Attempt, boundary: Boundary) -> _Spent | None:
    pairs = zip(attempt.windows, attempt.energies, strict=True)
    found = [(window, energy) for window, energies in pairs for energy in energies if energy.boundary == boundary]
    known = [(window, energy, energy.joules) for window, energy in found if energy.joules is not None]
    if not known:
        return None
    windows, energies = [window for window, _, _ in known], [energy for _, energy, _ in known]
    return _Spent(
        meter_class=energies[0].meter_class,
        seconds=sum(window.duration_s for window in windows),
        joules=sum(joules for _, _, joules in known),
        range_j=sum(energy.range_j for energy in energies),
        parts_j={part: _part_j(meters, attempt, windows, names, boundary) for part, names in PARTS.items()},
    )


def _part_j(
    meters: tuple[Meter, ...],
    attempt: Attempt,
    windows: list[Window],
    names: tuple[str, ...],
    boundary: Boundary,
) -> float | None:
    """Joules of the domains with such names, from the same ticks; None where there is none, or one is unknown."""
    own = [meter if meter.domain.startswith(names) else replace(meter, check=True) for meter in meters]
    found = [window_energy(own, attempt.ticks, window, boundary, attempt.events).joules for window in windows]
    known = [joules for joules in found if joules is not None]
    return sum(known) if len(known) == len(found) else None


def _project(cell: CellResult, spent: _Spent, boundary: Boundary) -> str:
    ran = cell.cell
    name = f"{ran.workload} {ran.mode} {ran.size} v{ran.version} {ran.framework} {ran.precision}"
    low, high = (max(0.0, spent.joules + way * spent.range_j) / JOULES_PER_KWH for way in (-1, 1))
    between = f", {low:.3g} to {high:.3g} kWh" if spent.range_j else ""
    return f"joulemark {name} [{boundary}, {spent.meter_class}{between}]"


def _energies(spent: _Spent, grid_g_per_kwh: float | None) -> dict[str, Value]:
    kwh = spent.joules / JOULES_PER_KWH
    kg = None if grid_g_per_kwh is None else kwh * grid_g_per_kwh / GRAMS_PER_KG
    found: dict[str, Value] = {
        "duration": spent.seconds,
        "energy_consumed": kwh,
        "emissions": kg,
        "emissions_rate": None if kg is None else kg / spent.seconds,
        "pue": NO_OVERHEAD,
    }
    for part, joules in spent.parts_j.items():
        found[f"{part}_energy"] = None if joules is None else joules / JOULES_PER_KWH
        found[f"{part}_power"] = None if joules is None else joules / spent.seconds
    return found


def _said(result: Result, cell: CellResult, run: str, project: str) -> dict[str, Value]:
    """Who, where and when, as far as the file says. A CPU run lists no accelerators, and there may be some."""
    system, boards = result.system, [one.name for one in result.system.accelerators]
    return {
        "timestamp": result.date,
        "project_name": project,
        "run_id": run,
        "experiment_id": result.id,
        "os": result.software.system,
        "python_version": result.software.python,
        "cpu_count": system.logical_cores,
        "cpu_model": system.cpu,
        "gpu_count": len(boards) or None,
        "gpu_model": ", ".join(f"{boards.count(name)} x {name}" for name in dict.fromkeys(boards)) or None,
        "ram_total_size": system.memory_bytes / 2**30,
    }
