"""Machine and budget to the list of cells, and which of them is next. Pure.

Time buys certainty: every cell gets three repeats before another is added, and what is left goes where the interval is
widest. The workloads themselves never change with the budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import backends
import workloads
from suite.energy import PERIODS_PER_WINDOW
from suite.forecast import AUDIT_S, REPEATS, estimate, needed_s
from suite.record import Cell, Plan, PlannedCell
from suite.roofline import CALIB
from suite.trace import Meter
from workloads.base import Spec

MOST_REPEATS = 12
"""More repeats of one cell than this would narrow its interval by little."""

PLANNED_SHARE = 0.85
"""The share of the budget the first round may fill: estimates err, and the end of a run costs time too."""

FEW = 3
"""Where fewer cells would fit, the smallest are planned: they tell more than a large one that may not end in time."""

WAITING_MARGIN = 1.2
"""How much more than its plan is kept for a cell that waits."""

PATIENCE = 2.0
"""How many times its plan a cell may take where waiting cells lose half of the time for it at most."""

COLD_S = 30.0
"""What the first worker of a framework may take longer: its files come from the disk, and some installers leave it to
Python to compile them. Seen on two slow threads: 17 s of plan and over 30 s until the first step."""

ENDING_S = 3.0
"""What it may take to end a worker that does not go by itself."""

DEFAULT_SIZES = ("s",)

CALIBRATION_SHARE = 0.2
"""Calibration goes before everything else where it takes no more of the budget than this."""

WALL_SHARE = 0.2
"""The share of the budget that windows long enough for a slow wall meter may take; else they stay short."""


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


def make_plan(
    cells: Sequence[Cell], budget_s: float, slowest_period_s: float, cores: int, calibration: Sequence[Cell] = ()
) -> Plan:
    """As many cells as the budget pays for with three repeats each, in order; a dear one leaves room for later ones.

    What of `calibration` explains them goes first where it is cheap; where it is not, no cell of its workload is
    planned, for a part of it explains nothing, unless nothing else was asked for. One cell is always planned: a budget
    that is too small for it ends it by deadline rather than doing nothing.
    """
    length_s = window_s(budget_s, slowest_period_s)
    quiet_s = idle_s(budget_s, slowest_period_s)
    left_s = PLANNED_SHARE * budget_s - 2 * quiet_s
    offered = [estimate(cell, length_s, cores) for cell in cells]
    limits = [estimate(cell, length_s, cores) for cell in calibration]
    wanted = [one for one in offered if one.cell.workload != CALIB] or offered
    planned = _explained(offered, limits, left_s, CALIBRATION_SHARE * budget_s) or _that_fit(wanted, left_s)
    if len(planned) < FEW:
        planned = _that_fit(sorted(wanted, key=needed_s), left_s) or [min(wanted, key=needed_s)]
    return Plan(budget_s=budget_s, idle_s=quiet_s, cells=tuple(planned))


def _explained(
    offered: Sequence[PlannedCell], limits: Sequence[PlannedCell], left_s: float, most_s: float
) -> list[PlannedCell]:
    """The limits of memory and of each precision in use, and what fits after them; empty where they need over `most_s`.

    Those of the first precision alone where those of the others would be too dear.
    """
    used = {offered[0].cell.precision}
    planned: list[PlannedCell] = []
    for _ in range(2):  # what fits beside the limits of the first precision tells which others are in use
        first = [one for one in limits if one.cell.mode != "matmul" or one.cell.precision in used]
        if not first or sum(map(needed_s, first)) > min(left_s, most_s):
            return planned
        rest = [one for one in offered if one not in first]
        planned = [*first, *_that_fit(rest, left_s - sum(map(needed_s, first)))]
        used |= {one.cell.precision for one in planned if one.cell.workload != CALIB}
    return planned


def _that_fit(wanted: Sequence[PlannedCell], left_s: float) -> list[PlannedCell]:
    planned: list[PlannedCell] = []
    for one in wanted:
        if needed_s(one) <= left_s:
            planned.append(one)
            left_s -= needed_s(one)
    return planned


def allowance_s(plan: Plan, done: Mapping[Cell, Progress], chosen: PlannedCell, left_s: float) -> float:
    """How long an attempt may take: all the time that no untried cell is waiting for, and its plan at least.

    A cell that hangs thus costs its own share and the spare time, not the others. On a machine that is slower than
    foretold it may take more, for one cell that is finished tells more than two that were broken off.
    """
    waiting = [one for one in plan.cells if one.cell not in done and one.cell != chosen.cell]
    spare_s = left_s - WAITING_MARGIN * sum(map(needed_s, waiting)) - (ENDING_S if waiting else 0.0)
    cold_s = 0.0 if any(cell.framework == chosen.cell.framework for cell in done) else COLD_S
    slow_s = min(PATIENCE * needed_s(chosen) + cold_s, left_s / 2)
    return min(left_s, max(needed_s(chosen), spare_s, slow_s))


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
