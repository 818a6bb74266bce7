"""What the cells of a result cost, for a look at all that are of the same cell on the same device. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from suite.check.population import Cost
from suite.energy import HOST_DOMAINS
from suite.normalise import Score, boundaries_of, score
from suite.record import CellResult, Result


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
