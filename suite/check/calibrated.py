"""Is a cell better than what the same machine showed of itself in the same run? Pure.

A device table bounds a kind of device; the cells of `calib` bound this one. Matrix products alone are the most
operations per second and per joule that a machine has, so that a model beyond them has other work, time or energy than
it states. Only products of the cell's own precision are held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from suite.check.findings import Finding, error
from suite.check.physics import DENSE, FEWER_OPERATIONS
from suite.energy import MeterClass
from suite.normalise import Score, score
from suite.record import CellResult, Result
from suite.roofline import CALIB, Products, calibrate, flops_per_s
from suite.units import quantity

BEYOND, BEYOND_ANOTHER = 2.0, 20.0
"""Products of one shape are not the best of all, but near it. Another framework may lack the instructions."""

NEIGHBOURS = 4.0
"""A virtual machine shares its processors: its products may have met a busy hour, and its models a quiet one."""

_WORK = "Submit the file as the suite wrote it, or run again on a machine at rest."


def calibrated(result: Result) -> Iterator[Finding]:
    """Cells that are faster or thriftier than the machine's own matrix products can explain."""
    if {meter.method for meter in result.meters if not meter.check} == {"simulated"}:
        return
    sharing = NEIGHBOURS if result.system.virtual else 1.0
    products = [one.cell for one in result.cells if one.cell.mode == "matmul" and one.outcome == "ok"]
    made = {(cell.framework, cell.precision) for cell in products if cell.workload == CALIB}
    limits: dict[MeterClass, Mapping[str, Products]] = {}
    for number, cell in enumerate(result.cells):
        scored = None if cell.cell.workload == CALIB else score(cell, "device")
        if scored is None or not cell.work.units_per_step or not made:
            continue
        if scored.meter_class not in limits:
            limits[scored.meter_class] = calibrate(result, "device", scored.meter_class).products
        own = limits[scored.meter_class].get(cell.cell.precision)
        beyond = sharing * (BEYOND if (cell.cell.framework, cell.cell.precision) in made else BEYOND_ANOTHER)
        if own is not None:
            yield from _against(own, cell, scored, beyond, f"/cells/{number}")


def _against(limits: Products, cell: CellResult, scored: Score, beyond: float, pointer: str) -> Iterator[Finding]:
    margin = beyond * (1.0 if cell.cell.workload in DENSE else FEWER_OPERATIONS)
    rate = flops_per_s((cell, scored))
    if rate > margin * limits.flops_per_s:
        told = f"{_text(rate, 'FLOP/s')}; this machine's matrix products made {_text(limits.flops_per_s, 'FLOP/s')}"
        yield error("rate-over-calibration", pointer, told, _WORK)
    flops = cell.work.flops_per_step / cell.work.units_per_step
    energy, each = scored.joules_per_unit, limits.joules_per_flop
    if scored.meter_class != "measured" or energy is None or not each or not flops:
        return
    if (energy.median if energy.high is None else energy.high) < each * flops / margin:
        cost = _text(energy.median / flops, "J/FLOP")
        told = f"{cost}; this machine's matrix products cost {_text(each, 'J/FLOP')} each above its idle power"
        yield error("energy-under-calibration", pointer, told, _WORK)


def _text(value: float, unit: str) -> str:
    return quantity(min(value, 1e24), unit)
