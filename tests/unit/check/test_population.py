"""How far a result lies from others of its cell: it is asked about, and never refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suite.check.batch import check_all
from suite.check.costs import costs_of
from suite.check.population import ENOUGH, FAR, LEAST_SPREAD, Cost, far, is_far, robust_z
from suite.energy import Energy
from suite.record import CellResult, Result, dumps

logs = st.lists(st.floats(-3.0, 3.0), min_size=ENOUGH + 1, max_size=20)


def z_of(logarithms: Sequence[float]) -> list[float]:
    found = robust_z([math.exp(one) for one in logarithms])
    assert None not in found
    return [one for one in found if one is not None]


@given(logs, st.floats(-5.0, 5.0))
def test_another_unit_of_energy_changes_no_z(values: list[float], shift: float) -> None:
    assert z_of([one + shift for one in values]) == pytest.approx(z_of(values), abs=1e-6)


@given(logs, st.floats(1.0, 3.0))
def test_twice_as_wide_a_field_changes_no_z(values: list[float], scale: float) -> None:
    middle = sorted(values)[len(values) // 2]
    assume(sorted(abs(one - middle) for one in values)[len(values) // 4] > 0.2)  # wider than the least spread
    assert z_of([scale * one for one in values]) == pytest.approx(z_of(values), abs=1e-6)


@given(logs)
def test_too_little_is_as_far_as_too_much(values: list[float]) -> None:
    assert z_of([-one for one in values]) == pytest.approx([-one for one in z_of(values)], abs=1e-6)


@given(st.lists(st.floats(-0.05, 0.05), min_size=ENOUGH, max_size=20), st.floats(3.0, 20.0), st.floats(3.0, 20.0))
def test_how_far_one_lies_off_moves_no_other(values: list[float], off: float, further: float) -> None:
    seen, again = z_of([*values, off]), z_of([*values, further])
    assert is_far(seen[-1])
    assert again[:-1] == pytest.approx(seen[:-1], abs=1e-6)
    assert not any(map(is_far, seen[:-1]))


@given(st.floats(1e-9, 1e9), st.floats(1.0, math.exp(FAR * LEAST_SPREAD) - 1e-9))
def test_results_that_happen_to_be_equal_make_no_outlier_of_one_a_little_off(joules: float, ratio: float) -> None:
    assert not any(map(is_far, robust_z([joules] * 9 + [joules * ratio])))


def test_z_is_the_distance_to_the_median_in_standard_deviations_by_the_mad() -> None:
    found = z_of([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 2.0])  # median 0.3; distances 0.3 0.2 0.1 0 0.1 0.2 1.7, median 0.2
    assert found[-1] == pytest.approx(1.7 / (1.4826 * 0.2))
    assert found[0] == pytest.approx(-0.3 / (1.4826 * 0.2))


def test_among_fewer_than_five_others_nothing_is_known() -> None:
    assert robust_z([1.0, 1.0, 1.0, 1.0, 99.0]) == (None,) * 5
    assert robust_z([1.0, 1.0, 1.0, 1.0, 1.0, 99.0])[-1] is not None
    assert robust_z([]) == ()
    assert not is_far(None)
    assert [is_far(z) for z in (3.5, -3.5, 3.51, -3.51)] == [False, False, True, True]


def cost(key: str, joules: float, cell: int = 1) -> Cost:
    return Cost(key=key, cell=cell, boundary="device", joules_per_unit=joules)


def test_only_what_has_the_same_key_stands_beside_each_other() -> None:
    files = [(cost("a", 1.0), cost("b", 9.0, 2)) for _ in range(ENOUGH)]
    assert far([*files, (cost("a", 9.0, 3),)])[-1][0].pointer == "/cells/2"
    assert far([*files, (cost("b", 9.0, 3),)]) == [()] * (ENOUGH + 1)
    (found,) = far([*files, (cost("a", 0.1),)])[-1]
    assert (found.rule, found.severity) == ("population-far", "warning")
    assert "0.1 J per unit within device lies at robust z -46.05 among 6 results" in found.message


@pytest.fixture(scope="module")
def plain(synthetic: ModuleType) -> Result:
    """A result of a laptop, whose host is its device."""
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if "laptop" in machine.name)
    made: Result = synthetic.result(index, 1)
    return made


def keys(result: Result) -> set[str]:
    return {one.key for one in costs_of(result)}


def test_costs_are_the_known_joules_of_cells_that_ended_well(plain: Result) -> None:
    found = costs_of(plain)
    assert found
    assert len({(one.key, one.cell, one.boundary) for one in found}) == len(found)
    assert {one.cell for one in found} <= {n for n, cell in enumerate(plain.cells, 1) if cell.outcome == "ok"}
    assert all(one.joules_per_unit > 0 for one in found)


def test_another_machine_of_the_same_processor_is_the_same_device(plain: Result) -> None:
    other = plain.system.model_copy(update={"name": "Mine", "slug": "mine", "memory_bytes": 1, "governor": None})
    assert keys(plain.model_copy(update={"system": other})) == keys(plain)


@pytest.mark.parametrize("change", [{"cpu": "Another"}, {"logical_cores": 2}, {"virtual": True}])
def test_another_processor_or_another_share_of_it_is_another_device(plain: Result, change: dict[str, object]) -> None:
    other = plain.model_copy(update={"system": plain.system.model_copy(update=change)})
    assert not keys(other) & keys(plain)


@pytest.mark.parametrize("boundary", ["machine", "wall"])
def test_the_host_of_a_board_matters_only_where_it_is_counted(synthetic: ModuleType, boundary: str) -> None:
    result = synthetic.result(0, 1) if boundary == "machine" else at_the_wall(synthetic.result(0, 1))
    other = result.model_copy(update={"system": result.system.model_copy(update={"cpu": "Another"})})
    changed = {one.boundary for one in costs_of(other) if one.key not in keys(result)}
    assert changed == {boundary}


def at_the_wall(result: Result) -> Result:
    """What the host's counters said, as if a socket had said it."""

    def told(one: Energy) -> Energy:
        return replace(one, boundary="wall", domains=("plug",)) if one.boundary == "machine" else one

    def moved(cell: CellResult) -> CellResult:
        attempts = [
            one.model_copy(update={"energies": tuple(tuple(map(told, row)) for row in one.energies)})
            for one in cell.attempts
        ]
        return cell.model_copy(update={"attempts": tuple(attempts)})

    return result.model_copy(update={"cells": tuple(map(moved, result.cells))})


OTHER_CELLS: list[dict[str, object]] = [
    {"precision": "bf8"},
    {"framework": "other"},
    {"technique": "other"},
    {"version": 9},
]


@pytest.mark.parametrize("change", OTHER_CELLS)
def test_another_way_to_run_is_another_cell_and_another_batch_is_not(plain: Result, change: dict[str, object]) -> None:
    def changed(**fields: object) -> Result:
        cells = tuple(one.model_copy(update={"cell": one.cell.model_copy(update=fields)}) for one in plain.cells)
        return plain.model_copy(update={"cells": cells})

    assert not keys(changed(**change)) & keys(plain)
    assert keys(changed(batch=12345)) == keys(plain)


def test_a_file_far_from_the_others_is_warned_of_and_accepted(synthetic: ModuleType, tmp_path: Path) -> None:
    (index,) = [number for number, machine in enumerate(synthetic.MACHINES) if machine.backend == "simulated"]
    turns = [index + turn * len(synthetic.MACHINES) for turn in range(ENOUGH + 1)]
    with pytest.MonkeyPatch.context() as patch:
        for number in turns:
            if number == turns[-1]:
                patch.setattr(synthetic, "MACHINES", tuple(map(thirsty, synthetic.MACHINES)))
            (tmp_path / f"{number:03}.json").write_bytes(dumps(synthetic.result(number, 1)))
    rows = check_all([tmp_path])
    assert all(row.acceptable for row in rows)
    warned = [{found.rule for found in row.findings} for row in rows]
    assert "population-far" in warned[-1]
    assert not any("population-far" in one for one in warned[:-1])


def thirsty(machine: object) -> object:
    """The same machine with three times the power."""
    domains = tuple(replace(part, busy_w=3 * part.busy_w) for part in machine.domains)  # type: ignore[attr-defined]
    return replace(machine, domains=domains)  # type: ignore[type-var]
