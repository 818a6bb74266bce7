"""A result among all of the same cell on the same device: how far it lies from their middle. Pure.

Whoever lies far off is asked for a second run; nothing is refused for it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from suite.check.findings import Finding, warning
from suite.energy import HOST_DOMAINS
from suite.normalise import Score, boundaries_of, score
from suite.record import CellResult, Result
from suite.trace import Boundary

ENOUGH = 5
"""Others of the same cell that it takes to say how far a result lies from them."""

FAR = 3.5
"""Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC Quality Press, 1993: a modified z-score of a greater
magnitude is that of a potential outlier."""

CONSISTENT = 1.4826
"""1 / 0.6745: times this, the median absolute deviation of normal values is their standard deviation.
Source: Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 88 (1993), pages 1273 to 1283."""

LEAST_SPREAD = 0.05
"""Of ln(J per unit): as far apart as the meters of two boards may stand by their calibration alone. Without a least
spread, results that happen to be equal would make an outlier of every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one cell of a result costs within one boundary: at least 0 exclusive. Equal keys can be compared."""

    key: str
    cell: int  # its place in its result, from 1
    boundary: Boundary
    joules_per_unit: float


def costs_of(result: Result) -> tuple[Cost, ...]:
    """Every cell with known joules, within each boundary."""
    return tuple(_costs(result))


def _costs(result: Result) -> Iterator[Cost]:
    for number, cell in enumerate(result.cells, start=1):
        for boundary in boundaries_of(cell):
            found = score(cell, boundary)
            energy = found.joules_per_unit if found is not None else None
            if found is not None and energy is not None and energy.median > 0:
                key = _key(result, cell, found)
                yield Cost(key=key, cell=number, boundary=boundary, joules_per_unit=energy.median)


def _key(result: Result, cell: CellResult, found: Score) -> str:
    """A name for what has to agree before two results are of the same cell: the work, how it was run, on what device,
    and what was counted. Versions of software and the batch are free, as they are on a board."""
    ran = cell.cell
    work = (ran.workload, ran.mode, ran.size, ran.version, cell.work.unit)
    how = (ran.framework, ran.precision, ran.technique)
    counted = (found.boundary, found.meter_class)
    return hashlib.sha256(repr((work, how, counted, _hardware(result, found))).encode()).hexdigest()[:32]


def _hardware(result: Result, found: Score) -> tuple[object, ...]:
    """The accelerator by its name; the host too where it was counted, or where it is all there is."""
    system = result.system
    boards = tuple(sorted({one.name for one in system.accelerators}))
    on_host = any(domain.startswith(HOST_DOMAINS) for domain in found.domains)
    host = (system.cpu, system.logical_cores, system.virtual)
    return (*boards, *(host if on_host or not boards or found.boundary != "device" else ()))


def robust_z(joules_per_unit: Sequence[float]) -> tuple[float | None, ...]:
    """How many standard deviations each ln(J per unit) lies from the median of all, the deviation taken from the MAD.

    Above zero costs more. None for all where fewer than `ENOUGH` others stand beside each; every value above zero.
    """
    if len(joules_per_unit) <= ENOUGH:
        return (None,) * len(joules_per_unit)
    logs = [math.log(one) for one in joules_per_unit]
    middle = median(logs)
    spread = max(LEAST_SPREAD, CONSISTENT * median(abs(one - middle) for one in logs))
    return tuple((one - middle) / spread for one in logs)


def is_far(z: float | None) -> bool:
    """Whether a second run is asked for; unknown is not far."""
    return z is not None and abs(z) > FAR


def far(files: Sequence[Sequence[Cost]]) -> list[tuple[Finding, ...]]:
    """For each file's costs the warnings that its place among all the files' costs gives."""
    together: dict[str, list[tuple[int, Cost]]] = {}
    for number, costs in enumerate(files):
        for cost in costs:
            together.setdefault(cost.key, []).append((number, cost))
    found: list[list[Finding]] = [[] for _ in files]
    for members in together.values():
        for (number, cost), z in zip(members, robust_z([one.joules_per_unit for _, one in members]), strict=True):
            if z is not None and is_far(z):
                found[number].append(_finding(cost, z, len(members)))
    return [tuple(sorted(one, key=lambda finding: finding.pointer)) for one in found]


def _finding(cost: Cost, z: float, members: int) -> Finding:
    told = (
        f"{cost.joules_per_unit:.4g} J per unit within {cost.boundary} lies at robust z {z:+.2f} among {members} "
        "results of this cell on this device"
    )
    cure = "Run it again and submit that too; nothing is refused for this."
    return warning("population-far", f"/cells/{cost.cell - 1}", told, cure)
