"""Machine and budget to the list of cells and how long each may take. Pure but for the workloads' own formulas.

Time buys certainty: every cell gets three repeats before another is added, and what is left goes where the interval is
widest. The workloads themselves never change with the budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import backends
import workloads
from suite import sweep
from suite.energy import PERIODS_PER_WINDOW
from suite.record import Cell, Plan, PlannedCell, Work
from suite.roofline import CALIB
from suite.trace import Meter
from workloads.base import Spec

REPEATS = 3
MOST_REPEATS = 12
"""More repeats of one cell than this would narrow its interval by little."""

PLANNED_SHARE = 0.85
"""The share of the budget the first round may fill: estimates err, and the end of a run costs time too."""

WAITING_MARGIN = 1.2
"""How much more than its plan is kept for a cell that waits."""

AUDIT_S = 5.0
"""What it takes to prove an attempt's work once its windows are closed."""

SWEEP_S = 3.0
SWEEP_STEPS = 7
"""A sweep that finds that its second batch gains nothing: two programs built, two and five steps' worth of work."""

ENDING_S = 3.0
"""What it may take to end a worker that does not go by itself."""

DEFAULT_SIZES = ("s",)

CALIBRATION_SHARE = 0.12
"""Calibration goes before everything else where it takes no more of the budget than this."""

WALL_SHARE = 0.2
"""The share of the budget that windows long enough for a slow wall meter may take; else they stay short."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A framework on this machine's backend, and the precision it will use."""

    framework: str
    precision: str
    compiled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; None leaves the choice to the planner."""

    budget_s: float
    mode: str | None = None  # "train" or "infer", which is every mode that does not train
    workload: str | None = None
    sizes: tuple[str, ...] = DEFAULT_SIZES


@dataclass(frozen=True, slots=True)
class Progress:
    """What a finished cell has shown: its real set-up time, repeats so far, and how wide its interval is."""

    setup_s: float
    repeats: int
    relative_width: float
    failed: bool


def idle_s(budget_s: float, slowest_period_s: float) -> float:
    """How long the machine is watched doing nothing before the work, and again after it.

    Long enough for the slowest meter to tell its energy, unless that took more than a tenth of the budget.
    """
    wanted_s = min(10.0, max(2.0, budget_s / 40))
    metered_s = 1.05 * PERIODS_PER_WINDOW * slowest_period_s
    return max(wanted_s, metered_s) if metered_s <= budget_s / 10 else wanted_s


def window_s(budget_s: float, slowest_period_s: float) -> float:
    """A window's length: longer with the budget, and never under 100 update periods of the slowest meter."""
    return max(min(30.0, max(2.0, budget_s / 200)), PERIODS_PER_WINDOW * slowest_period_s)


def slowest_period_s(meters: Sequence[Meter], budget_s: float) -> float:
    """The update period that windows must suit: that of the slowest that counts; a wall meter's if there is time."""
    counting = [meter for meter in meters if not meter.check]
    inner_s = max((one.update_period_s for one in counting if one.boundary != "wall"), default=0.0)
    wall_s = max((one.update_period_s for one in counting if one.boundary == "wall"), default=0.0)
    return max(inner_s, wall_s) if REPEATS * PERIODS_PER_WINDOW * wall_s <= WALL_SHARE * budget_s else inner_s


def candidates(request: Request, backend: str, device: int, drivers: Sequence[Driver]) -> list[Cell]:
    """Every cell the request allows, the most telling first: modes alternate, and so do frameworks within them."""
    pairs = [
        (name, mode)
        for mode_rank in range(max(len(workloads.specs(name)) for name in workloads.names()))
        for name in workloads.names()
        for mode in list(workloads.specs(name))[mode_rank : mode_rank + 1]
        if _wanted(request, name, mode)
    ]
    return [
        _cell(workloads.specs(name)[mode], size, backend, device, driver)
        for size in request.sizes
        for driver in drivers
        for name, mode in pairs
    ]


def calibration(request: Request, backend: str, device: int, drivers: Sequence[Driver]) -> list[Cell]:
    """What tells why the other cells cost what they do: the best this machine's arithmetic and memory give.

    Products in each precision that a driver uses, memory by the first driver alone: it is the machine's.
    """
    modes = workloads.specs(CALIB)
    size = max(request.sizes, key=workloads.SIZES.index)
    first = {driver.precision: driver for driver in reversed(drivers)}
    products = [driver for driver in drivers if first[driver.precision] == driver]
    wanted = [*(("matmul", driver) for driver in products), ("copy", drivers[0])]
    return [_cell(modes[mode], size, backend, device, driver) for mode, driver in wanted]


def _wanted(request: Request, workload: str, mode: str) -> bool:
    if request.workload not in (None, workload):
        return False
    return request.mode is None or (mode == "train") == (request.mode == "train")


def _cell(spec: Spec, size: str, backend: str, device: int, driver: Driver) -> Cell:
    eager = backends.load(backend).on_host and driver.framework in spec.eager_on_host
    return Cell(
        workload=spec.workload,
        version=spec.version,
        mode=spec.mode,
        size=size,
        backend=backend,
        framework=driver.framework,
        precision=driver.precision,
        batch=spec.sizes[size].batch,
        technique="compiled" if driver.compiled and not eager else "eager",
        device=device,
    )


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
    """About what the cell needs of its device's memory, by the workload's own formula."""
    spec = workloads.specs(cell.workload)[cell.mode]
    return float(spec.memory_bytes(spec.sizes[cell.size], cell.precision))


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


def make_plan(
    cells: Sequence[Cell], budget_s: float, slowest_period_s: float, cores: int, calibration: Sequence[Cell] = ()
) -> Plan:
    """As many cells as the budget pays for with three repeats each, in order; a dear one leaves room for later ones.

    `calibration` goes first where it is cheap. One cell is always planned: a budget that is too small for it ends it by
    deadline rather than doing nothing.
    """
    length_s = window_s(budget_s, slowest_period_s)
    quiet_s = idle_s(budget_s, slowest_period_s)
    left_s = PLANNED_SHARE * budget_s - 2 * quiet_s
    wanted = [estimate(cell, length_s, cores) for cell in cells]
    first = [estimate(cell, length_s, cores) for cell in calibration]
    if sum(map(needed_s, first)) <= CALIBRATION_SHARE * budget_s:
        wanted = [*first, *(one for one in wanted if one not in first)]
    planned = _that_fit(wanted, left_s)
    if len(planned) < 2:  # two small cells tell more than a large one
        small = sorted(wanted, key=lambda one: (one.cell.workload == CALIB, needed_s(one)))
        planned = _that_fit(small, left_s) or [min(wanted, key=needed_s)]
    return Plan(budget_s=budget_s, idle_s=quiet_s, cells=tuple(planned))


def _that_fit(wanted: Sequence[PlannedCell], left_s: float) -> list[PlannedCell]:
    planned: list[PlannedCell] = []
    for one in wanted:
        if needed_s(one) <= left_s:
            planned.append(one)
            left_s -= needed_s(one)
    return planned


def needed_s(planned: PlannedCell) -> float:
    return planned.setup_s + planned.repeats * (1.1 * planned.window_s + 0.2) + AUDIT_S


def allowance_s(plan: Plan, done: Mapping[Cell, Progress], chosen: PlannedCell, left_s: float) -> float:
    """How long an attempt may take: all the time that no untried cell is waiting for, and its plan at least.

    A cell that hangs thus costs its own share and the spare time, not the others.
    """
    waiting = [one for one in plan.cells if one.cell not in done and one.cell != chosen.cell]
    spare_s = left_s - WAITING_MARGIN * sum(map(needed_s, waiting)) - (ENDING_S if waiting else 0.0)
    return min(left_s, max(needed_s(chosen), spare_s))


def pace(plan: Plan, done: Mapping[Cell, Progress]) -> float:
    """How much slower than planned this machine has set its cells up so far; at least 1."""
    ratios = [
        done[planned.cell].setup_s / planned.setup_s
        for planned in plan.cells
        if planned.cell in done and not done[planned.cell].failed
    ]
    return max(1.0, median(ratios)) if ratios else 1.0


def next_attempt(plan: Plan, done: Mapping[Cell, Progress], left_s: float) -> tuple[PlannedCell, int] | None:
    """The next cell and its number of windows, or None when nothing more fits into `left_s`.

    First every planned cell once, if it still fits at the pace seen so far; then, of the cells that went well, the one
    with the widest interval that fits.
    """
    slowness = pace(plan, done)
    for planned in plan.cells:
        if planned.cell not in done and (not done or slowness * needed_s(planned) <= left_s):
            return planned, planned.repeats
    open_cells = [
        (progress.relative_width, planned, progress)
        for planned in plan.cells
        if (progress := done.get(planned.cell)) and not progress.failed and progress.repeats < MOST_REPEATS
    ]
    for _, planned, progress in sorted(open_cells, key=lambda item: -item[0]):
        room = int((left_s - AUDIT_S - 1.2 * progress.setup_s) / (1.2 * planned.window_s + 0.5))
        if room >= 2:
            return planned, min(room, REPEATS, MOST_REPEATS - progress.repeats)
    return None
