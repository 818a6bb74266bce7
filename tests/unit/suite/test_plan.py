"""The budget is the one knob: coverage first, then repeats where the interval is widest."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workloads
from suite.forecast import REPEATS, estimate, needed_s, work_of
from suite.plan import (
    COLD_S,
    ENDING_S,
    FEW,
    MOST_REPEATS,
    PATIENCE,
    WAITING_MARGIN,
    Driver,
    Progress,
    Request,
    allowance_s,
    calibration,
    candidates,
    make_plan,
    next_attempt,
    window_s,
)
from suite.record import Cell, Plan

DRIVERS = [
    Driver(framework="torch", precision="bf16", compiled=True),
    Driver(framework="jax", precision="fp32", compiled=True),
]


def cells(**fields: object) -> list[Cell]:
    return candidates(Request(budget_s=600, **fields), "cpu", 0, DRIVERS)  # type: ignore[arg-type]


def plan(budget_s: float = 600) -> Plan:
    return make_plan(cells(), budget_s, 0.001, 4, limits())


def limits(drivers: list[Driver] = DRIVERS, sizes: tuple[str, ...] = ("s",)) -> list[Cell]:
    return calibration(Request(budget_s=600, sizes=sizes), "cpu", 0, drivers)


def progress(width: float, *, repeats: int = 3, setup_s: float = 5.0, failed: bool = False) -> Progress:
    return Progress(setup_s=setup_s, repeats=repeats, relative_width=width, failed=failed)


def test_three_hours_hold_every_workload_mode_and_framework() -> None:
    planned = [one.cell for one in plan(3 * 3600).cells]
    assert {(cell.workload, cell.mode, cell.framework) for cell in planned} == {
        (name, mode, framework)
        for name in workloads.names()
        for mode in workloads.specs(name)
        for framework in workloads.FRAMEWORKS
    }
    assert all(one.repeats == REPEATS for one in plan(3 * 3600).cells)


def test_the_default_budget_holds_every_workload_once() -> None:
    assert {one.cell.workload for one in plan().cells} == set(workloads.names())


def test_where_compiling_gains_nothing_on_a_host_the_cell_says_eager() -> None:
    found = {
        (backend, one.workload, one.framework): one.technique
        for backend in ("cpu", "cuda")
        for one in candidates(Request(budget_s=600, mode="train"), backend, 0, DRIVERS)
    }
    assert found["cpu", "resnet", "torch"] == "eager"
    assert (
        found["cpu", "resnet", "jax"] == found["cpu", "gpt", "torch"] == found["cuda", "resnet", "torch"] == "compiled"
    )


@pytest.mark.parametrize("cores", [2, 4, 16])
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_90_seconds_hold_at_least_two_cells(cores: int, precision: str) -> None:
    drivers = [Driver(framework="torch", precision=precision, compiled=True), DRIVERS[1]]
    offered = candidates(Request(budget_s=90), "cpu", 0, drivers)
    made = make_plan(offered, 90, 0.001, cores, limits(drivers)).cells
    assert len(made) >= 2
    assert made[0].cell.workload != "calib"


@given(st.floats(30, 7200), st.integers(1, 64))
def test_a_plan_never_fills_more_than_its_budget(budget_s: float, cores: int) -> None:
    made = make_plan(cells(), budget_s, 0.001, cores)
    assert len(made.cells) == 1 or sum(map(needed_s, made.cells)) + 2 * made.idle_s <= budget_s


@given(st.floats(10, 7200))
def test_more_time_never_changes_the_work(budget_s: float) -> None:
    assert {one.cell for one in make_plan(cells(), budget_s, 0.001, 4).cells} <= set(cells())


def test_a_window_is_never_under_100_update_periods() -> None:
    assert window_s(90, 0.001) == 2.0
    assert window_s(90, 0.1) == 10.0
    assert window_s(36000, 0.001) == 30.0


def test_calibration_holds_each_precision_in_use_once_and_memory_once() -> None:
    assert [(cell.mode, cell.framework, cell.precision) for cell in limits()] == [
        ("matmul", "torch", "bf16"),
        ("matmul", "jax", "fp32"),
        ("copy", "torch", "bf16"),
    ]
    alike = [Driver(framework=name, precision="bf16", compiled=True) for name in ("torch", "jax")]
    assert [(cell.mode, cell.framework) for cell in limits(alike)] == [("matmul", "torch"), ("copy", "torch")]
    assert {cell.size for cell in limits(sizes=("s", "m"))} == {"m"}


def test_calibration_goes_first_where_it_is_cheap_and_nowhere_twice() -> None:
    made = make_plan(cells(), 3600, 0.001, 4, limits())
    planned = [one.cell for one in made.cells]
    assert planned[:3] == limits()
    assert len(set(planned)) == len(planned)


def test_a_short_run_does_not_spend_itself_on_calibration() -> None:
    made = make_plan(cells(), 120, 0.001, 4, limits())
    assert "calib" not in {one.cell.workload for one in made.cells}


def test_five_minutes_calibrate_what_they_run_and_no_other_precision() -> None:
    for cores in (2, 4):
        planned = [one.cell for one in make_plan(cells(), 300, 0.001, cores, limits()).cells]
        assert [(cell.mode, cell.precision) for cell in planned[:2]] == [("matmul", "bf16"), ("copy", "bf16")]
        assert {cell.precision for cell in planned} == {"bf16"}
        assert len({cell.workload for cell in planned}) >= 5


def test_whoever_asks_for_calibration_alone_gets_it() -> None:
    made = make_plan(cells(workload="calib"), 120, 0.001, 4, limits())
    assert {one.cell.workload for one in made.cells} == {"calib"}


def test_a_cell_with_a_choice_of_batches_is_given_time_to_choose() -> None:
    chosen, fixed = (
        next(one for one in plan(7200).cells if (one.cell.workload, one.cell.mode) == key)
        for key in (("llm", "decode"), ("llm", "decode-32"))
    )
    assert chosen.setup_s > fixed.setup_s


def test_filters_leave_only_what_was_asked_for() -> None:
    modes = {mode for name in workloads.names() for mode in workloads.specs(name)}
    assert {cell.mode for cell in cells(mode="infer")} == modes - {"train"}
    assert {cell.mode for cell in cells(mode="train")} == {"train"}
    assert {cell.workload for cell in cells(workload="resnet")} == {"resnet"}
    assert {cell.size for cell in cells(sizes=("xs",))} == {"xs"}


def test_every_cell_comes_once_before_any_comes_twice() -> None:
    made = plan()
    first = made.cells[0].cell
    chosen = next_attempt(made, {first: progress(math.inf)}, 100.0)
    assert chosen is not None
    assert chosen[0] == made.cells[1]
    assert chosen[1] == REPEATS


def test_a_cell_that_no_longer_fits_at_the_pace_seen_is_left_for_one_that_does() -> None:
    made = plan()
    first, *others = made.cells
    twice_as_slow = {first.cell: progress(0.1, setup_s=2 * first.setup_s, repeats=MOST_REPEATS)}
    smallest = min(others, key=needed_s)
    chosen = next_attempt(made, twice_as_slow, 2 * needed_s(smallest) + 0.1)
    assert chosen is not None
    assert needed_s(chosen[0]) <= needed_s(smallest) + 0.05
    assert next_attempt(made, twice_as_slow, 2 * needed_s(smallest) - 0.1) is None


def test_then_the_widest_interval_that_fits_gets_more_repeats() -> None:
    made = plan()
    done = {one.cell: progress(0.01) for one in made.cells}
    widest, second = made.cells[3].cell, made.cells[5].cell
    done |= {widest: progress(0.5), second: progress(0.2)}
    assert next_attempt(made, done, 100.0) == (made.cells[3], 3)
    done[widest] = progress(0.5, setup_s=500.0)
    assert next_attempt(made, done, 100.0) == (made.cells[5], 3)
    assert next_attempt(made, done, 3.0) is None


def test_failed_and_well_known_cells_get_no_more() -> None:
    made = plan()
    done = {one.cell: progress(0.1, failed=True) for one in made.cells}
    done[made.cells[0].cell] = progress(0.1, repeats=MOST_REPEATS)
    assert next_attempt(made, done, 1000.0) is None


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: cell.key)
def test_every_cells_work_is_known_before_it_runs(cell: Cell) -> None:
    work = work_of(cell)
    assert work.units_per_step > 0
    if cell.workload != "calib":  # memory that is moved has no parameters, a pause has no FLOP
        assert min(work.parameters, work.flops_per_step, work.bytes_per_step) > 0


def test_a_hanging_cell_leaves_the_others_their_time() -> None:
    made = plan()
    others_s = WAITING_MARGIN * sum(map(needed_s, made.cells[1:])) + ENDING_S
    assert allowance_s(made, {}, made.cells[0], others_s + 1000) == pytest.approx(1000)
    hanging_s = allowance_s(made, {}, made.cells[0], others_s)
    assert hanging_s <= PATIENCE * needed_s(made.cells[0]) + COLD_S
    assert allowance_s(made, {}, made.cells[0], 5.0) == 5.0


def test_a_cell_slower_than_foretold_is_not_broken_off_while_half_of_the_time_is_left_for_others() -> None:
    made = plan()
    first, *others = made.cells
    left_s = needed_s(first) + sum(map(needed_s, others))
    done = {next(one.cell for one in others if one.cell.framework == first.cell.framework): progress(0.1)}
    assert allowance_s(made, done, first, left_s) == pytest.approx(PATIENCE * needed_s(first))
    assert allowance_s(made, done, first, 3 * needed_s(first)) == pytest.approx(1.5 * needed_s(first))


def test_the_first_cell_of_a_framework_may_take_longer_for_its_files_come_from_the_disk() -> None:
    made = plan()
    first, *others = made.cells
    left_s = needed_s(first) + sum(map(needed_s, others))
    assert allowance_s(made, {}, first, left_s) == pytest.approx(PATIENCE * needed_s(first) + COLD_S)
    of_another = {next(cell for cell in cells() if cell.framework != first.cell.framework): progress(0.1)}
    assert allowance_s(made, of_another, first, left_s) == pytest.approx(PATIENCE * needed_s(first) + COLD_S)


def test_a_run_too_short_for_a_few_cells_in_order_takes_the_smallest() -> None:
    made = make_plan(cells(), 90, 0.001, 2)
    smallest = sorted(
        needed_s(estimate(cell, made.cells[0].window_s, 2)) for cell in cells() if cell.workload != "calib"
    )
    assert len(made.cells) >= FEW
    assert [needed_s(one) for one in made.cells] == smallest[: len(made.cells)]
