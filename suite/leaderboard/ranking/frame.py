"""Results to rows of one tidy table: a row per result, cell and boundary; and the rows to a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from suite.energy import MeterClass
from suite.grade import Letter, grade
from suite.normalise import Score, boundaries_of, idle_powers_w, idle_reasons, net_joules_per_unit, score
from suite.record import CellResult, Result
from suite.roofline import Bound, Calibration, Meters, Roofline, calibrations, roofline
from suite.statistics import Summary
from suite.trace import Boundary

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one cell of one result cost within one boundary. None is unknown; `reasons` say why."""

    workload: str
    mode: str
    size: str
    version: int
    unit: str
    boundary: Boundary
    meter_class: MeterClass
    system: str
    system_name: str
    result: str
    date: str
    cell: int  # the cell's place in its result, from 1
    backend: str
    framework: str
    framework_version: str | None
    precision: str
    batch: int
    technique: str
    joules_per_unit: float | None
    joules_low: float | None
    joules_high: float | None
    repeats: int
    spread: float | None
    joules_calibration: float | None = None  # of the interval's half-width: the meter's scale, alike in all its rows
    joules_range: float | None = None  # and an estimate's range
    units_per_s: float
    units_per_s_low: float | None
    units_per_s_high: float | None
    mean_power_w: float | None
    net_joules_per_unit: float | None  # above idle; shown beside gross, never ranked
    net_low: float | None
    net_high: float | None
    joules_per_flop: float | None
    mfu: float | None  # of this machine's best matrix products at the same precision, by its own calibration
    mbu: float | None  # of its best copy
    bound: Bound | None
    floor_joules_per_unit: float | None
    floor_excess: float | None  # measured over floor
    floor_excess_low: float | None
    floor_excess_high: float | None
    why: str | None  # all of this in one sentence
    domains: tuple[str, ...]
    reasons: tuple[str, ...]
    grade: Letter | None = None  # of the measurement, by its own file; None where joules are unknown
    weakest: str | None = None  # the aspect that limits it; None for an A

    @property
    def energy(self) -> Summary | None:
        """Joules per unit with their interval; None when unknown."""
        if self.joules_per_unit is None:
            return None
        return Summary(
            median=self.joules_per_unit,
            low=self.joules_low,
            high=self.joules_high,
            repeats=self.repeats,
            spread=self.spread,
        )


COLUMNS = tuple(field.name for field in fields(Row))


def rows_of(result: Result, limits: Mapping[Meters, Calibration] | None = None) -> Iterator[Row]:
    """The rows of one result: cells that ended well, within each boundary they have windows for.

    `limits` are the result's own `calibrations`, where they are known already.
    """
    limits = calibrations(result) if limits is None else limits
    for number, cell in enumerate(result.cells, start=1):
        for boundary in boundaries_of(cell):
            scored = score(cell, boundary)
            if scored is not None:
                line = roofline(cell, scored, limits[boundary, scored.meter_class])
                yield _row(result, cell, number, scored, line)


def _row(result: Result, cell: CellResult, number: int, scored: Score, line: Roofline | None) -> Row:
    ran, energy, rate, graded = cell.cell, scored.joules_per_unit, scored.units_per_s, grade(result, cell, scored)
    net = net_joules_per_unit(cell, scored.boundary, list(idle_powers_w(result, scored.boundary).values()))
    return Row(
        workload=ran.workload,
        mode=ran.mode,
        size=ran.size,
        version=ran.version,
        unit=cell.work.unit,
        boundary=scored.boundary,
        meter_class=scored.meter_class,
        system=result.system.slug,
        system_name=result.system.name,
        result=result.id,
        date=result.date,
        cell=number,
        backend=ran.backend,
        framework=ran.framework,
        framework_version=result.software.packages.get(ran.framework),
        precision=ran.precision,
        batch=ran.batch,
        technique=ran.technique,
        joules_per_unit=energy.median if energy else None,
        joules_low=energy.low if energy else None,
        joules_high=energy.high if energy else None,
        repeats=energy.repeats if energy else rate.repeats,
        spread=energy.spread if energy else None,
        joules_calibration=energy.parts.calibration if energy and energy.parts else None,
        joules_range=energy.parts.range if energy and energy.parts else None,
        units_per_s=rate.median,
        units_per_s_low=rate.low,
        units_per_s_high=rate.high,
        mean_power_w=scored.mean_power_w,
        net_joules_per_unit=net.median if net else None,
        net_low=net.low if net else None,
        net_high=net.high if net else None,
        joules_per_flop=joules_per_flop(cell, energy.median if energy else None),
        mfu=line.mfu if line else None,
        mbu=line.mbu if line else None,
        bound=line.bound if line else None,
        floor_joules_per_unit=line.floor_joules_per_unit if line else None,
        floor_excess=line.excess if line else None,
        floor_excess_low=line.excess_low if line else None,
        floor_excess_high=line.excess_high if line else None,
        why=line.sentence if line else None,
        domains=scored.domains,
        reasons=tuple(sorted({*scored.reasons, *idle_reasons(result, scored.boundary)})),
        grade=graded.letter if graded else None,
        weakest=graded.weakest.aspect if graded and graded.weakest else None,
    )


def joules_per_flop(cell: CellResult, joules_per_unit: float | None) -> float | None:
    """Energy per floating-point operation of the workload's own count."""
    work = cell.work
    if joules_per_unit is None or not work.flops_per_step:
        return None
    return joules_per_unit * work.units_per_step / work.flops_per_step


def to_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """The tidy table, in an order that does not depend on how the files were found."""
    import pandas as pd  # which takes as long to load as all else that reads a result

    records = [[getattr(row, name) for name in COLUMNS] for row in rows]
    frame = pd.DataFrame(records, columns=list(COLUMNS))
    return frame.sort_values(["workload", "mode", "size", "version", "boundary", "result", "cell"], ignore_index=True)
