"""Is a cell's work that of the workload it names: its counts by the formulas, its bands and limits? Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import workloads
from suite.audit import CONSTANT, LEAST_CONSTANT, WITNESSED
from suite.check.files import REMAKE
from suite.check.findings import Finding, error, warning
from suite.record import Cell, CellResult, Work
from suite.sweep import with_batch
from workloads.base import Spec

RELATIVE_TOLERANCE = 1e-9
"""The formulas are the same everywhere; only the last bits may differ between machines."""


def work(cell: CellResult, pointer: str) -> Iterator[Finding]:
    """The unit and the sizes must be the workload's own, for the version this suite knows."""
    modes = workloads.specs(cell.cell.workload) if cell.cell.workload in workloads.names() else {}
    spec = modes.get(cell.cell.mode)
    if spec is None or spec.version != cell.cell.version or cell.cell.size not in spec.sizes:
        yield warning("work-unknown", pointer, *_unknown(cell.cell, spec))
        return
    if cell.cell.precision not in spec.proof_limits:
        yield error("precision", f"{pointer}/cell/precision", f"no precision {cell.cell.precision!r} is known", REMAKE)
        return
    own = spec.sizes[cell.cell.size].batch
    if cell.cell.batch not in (own, *spec.batches) or with_batch(cell.cell, cell.attempts) != cell.cell:
        yield error("batch", f"{pointer}/cell/batch", "no batch of this workload's, or not its sweep's choice", REMAKE)
        return
    if not _is_own(cell.work, _own(cell.cell)):
        told = "unit, size, FLOP or bytes differ from the workload's own formulas"
        yield error("work", f"{pointer}/work", told, REMAKE)
    yield from _limits(cell, spec, pointer)


def _unknown(cell: Cell, spec: Spec | None) -> tuple[str, str]:
    """What is not known of the cell's work, and the cure."""
    if spec is not None and spec.version > cell.version:
        told = f"this is version {cell.version} of {cell.workload} {cell.mode}, today's is {spec.version}: unchecked"
        return told, "Run again with today's suite; rows of two versions are never compared."
    return "no workload, version or size this suite knows: unchecked", "Update."


@lru_cache(maxsize=256)
def _own(cell: Cell) -> Work:
    """By the workload's own formulas: the same for every file."""
    spec = workloads.specs(cell.workload)[cell.mode]
    size = spec.with_batch(cell.size, cell.batch).sizes[cell.size]
    return Work.model_construct(
        unit=spec.unit,
        units_per_step=spec.units_per_step(size),
        parameters=spec.parameters(size),
        flops_per_step=spec.flops_per_step(size),
        bytes_per_step=spec.bytes_per_step(size, cell.precision),
    )


def _is_own(work: Work, own: Work) -> bool:
    counts = (work.unit, work.units_per_step, work.parameters) == (own.unit, own.units_per_step, own.parameters)
    formulas = ((work.flops_per_step, own.flops_per_step), (work.bytes_per_step, own.bytes_per_step))
    return counts and all(math.isclose(stated, computed, rel_tol=RELATIVE_TOLERANCE) for stated, computed in formulas)


def _limits(cell: CellResult, spec: Spec, pointer: str) -> Iterator[Finding]:
    """Bands and limits are the workload's own."""
    band = spec.band(cell.cell.size, cell.cell.precision)
    limits = {WITNESSED: (0.0, spec.proof_limit(cell.cell.size, cell.cell.precision)), CONSTANT: (LEAST_CONSTANT, 1.0)}
    for index, attempt in enumerate(cell.attempts):
        if any((one.low, one.high) != limits.get(one.name) for one in attempt.audits):
            here = f"{pointer}/attempts/{index}/audits"
            yield error("audit-limit", here, "an audit's limits are not the suite's own", REMAKE)
        if attempt.quality and (attempt.quality.low, attempt.quality.high) != (band.low, band.high):
            here = f"{pointer}/attempts/{index}/quality"
            yield error("quality-band", here, "the quality band is not the workload's own", REMAKE)
