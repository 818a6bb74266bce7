"""What a cell will need of time and memory, before anything was measured. Pure but for the workloads' own formulas."""

from __future__ import annotations

import backends
import workloads
from suite import sweep
from suite.record import Cell, PlannedCell, Work
from suite.roofline import CALIB

REPEATS = 3
"""Windows of a cell before another cell is added."""

AUDIT_S = 5.0
"""What it takes to prove an attempt's work once its windows are closed."""

SWEEP_S = 3.0
SWEEP_STEPS = 7
"""A sweep that finds that its second batch gains nothing: two programs built, two and five steps' worth of work."""

REFERENCE_CORES = 4
# Seconds to start, build and compile on 4 CPU cores: twice what docs/performance.md says, for few machines are quiet.
_SETUP_S = {
    ("torch", "compiled"): {"train": 20.0, "prefill": 11.0, "decode": 13.0, "infer": 11.0},
    ("torch", "eager"): {"train": 4.0, "prefill": 4.0, "decode": 4.0, "infer": 4.0},
    ("jax", "compiled"): {"train": 6.0, "prefill": 4.0, "decode": 5.0, "infer": 4.0},
}
_CALIBRATION_S = {"torch": 5.0, "jax": 3.0}  # there is next to nothing to compile
_SIZE_FACTOR = {"xs": 0.5, "s": 1.0, "m": 2.5, "l": 6.0}
# Sustained FLOP/s to expect before anything was measured: per core of a CPU, per accelerator.
_CPU_FLOPS_PER_CORE = {"fp32": 30e9, "bf16": 100e9}
_ACCELERATOR_FLOPS = {"fp32": 10e12, "bf16": 60e12}
# Likewise for bytes/s, so that work which only moves memory is not taken for nothing.
_CPU_BYTES_PER_CORE, _ACCELERATOR_BYTES = 5e9, 500e9


def work_of(cell: Cell) -> Work:
    """What one step of the cell is worth, by the workload's own formulas."""
    spec = workloads.specs(cell.workload)[cell.mode].with_batch(cell.size, cell.batch)
    size = spec.sizes[cell.size]
    return Work(
        unit=spec.unit,
        units_per_step=spec.units_per_step(size),
        parameters=spec.parameters(size),
        flops_per_step=float(spec.flops_per_step(size)),
        bytes_per_step=float(spec.bytes_per_step(size, cell.precision)),
    )


def memory_bytes_of(cell: Cell) -> float:
    """About what the cell needs of its device's memory, by the workload's own formula.

    Training needs what float32 does: the proof does a step of the same batch again in it.
    """
    spec = workloads.specs(cell.workload)[cell.mode]
    precisions = {cell.precision, "fp32"} if cell.mode == "train" else {cell.precision}
    return float(max(spec.memory_bytes(spec.sizes[cell.size], precision) for precision in precisions))


def batches_of(cell: Cell, memory_bytes: int | None) -> tuple[int, ...]:
    """What a sweep may choose from; empty where the batch is fixed."""
    return sweep.batches(workloads.specs(cell.workload)[cell.mode], cell.size, cell.precision, memory_bytes)


def estimate(cell: Cell, length_s: float, cores: int) -> PlannedCell:
    """A cell with the time it will probably need for REPEATS windows of `length_s`."""
    spec = workloads.specs(cell.workload)[cell.mode]
    size = spec.sizes[cell.size]
    on_host = backends.load(cell.backend).on_host
    rate = _CPU_FLOPS_PER_CORE[cell.precision] * cores if on_host else _ACCELERATOR_FLOPS[cell.precision]
    bandwidth = _CPU_BYTES_PER_CORE * cores if on_host else _ACCELERATOR_BYTES
    step_s = max(spec.flops_per_step(size) / rate, spec.bytes_per_step(size, cell.precision) / bandwidth)
    warm_up_s = (spec.quality_steps(size) + 2) * step_s
    sweep_s = SWEEP_S + SWEEP_STEPS * step_s if spec.batches else 0.0
    setup_s = _compile_s(cell, cores) + sweep_s + warm_up_s
    return PlannedCell(cell=cell, setup_s=setup_s, window_s=max(length_s, step_s), repeats=REPEATS)


def _compile_s(cell: Cell, cores: int) -> float:
    """Seconds to start, build and compile."""
    if cell.workload == CALIB:
        return _CALIBRATION_S[cell.framework]
    by_mode = _SETUP_S[cell.framework, cell.technique]
    seconds = by_mode.get(cell.mode.split("-")[0], by_mode["infer"]) * _SIZE_FACTOR[cell.size]
    return seconds * (max(1.0, REFERENCE_CORES / cores) if cell.technique == "compiled" else 1.0)


def needed_s(planned: PlannedCell) -> float:
    return planned.setup_s + planned.repeats * (1.1 * planned.window_s + 0.2) + AUDIT_S
