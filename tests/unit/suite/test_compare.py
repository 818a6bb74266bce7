"""Two results side by side: the same work only, one ratio with its interval, and a regression where one is meant."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite import exits
from suite.compare import common_ratio, compare, costlier, other_meters, ratio
from suite.identity import sealed
from suite.record import CellResult, Result, dumps
from suite.statistics import Summary, summarise


@pytest.fixture(scope="module")
def before(synthetic: ModuleType) -> Result:
    made: Result = synthetic.result(0, 1)
    return made


def with_units(result: Result, divisor: int) -> Result:
    """The same windows with so many times less work done in them."""
    return sealed(result.model_copy(update={"cells": tuple(_slower(cell, divisor) for cell in result.cells)}))


def _slower(cell: CellResult, divisor: int) -> CellResult:
    step = cell.work.units_per_step
    attempts = tuple(
        one.model_copy(
            update={"windows": tuple(replace(it, units=it.units // divisor // step * step) for it in one.windows)}
        )
        for one in cell.attempts
    )
    return cell.model_copy(update={"attempts": attempts})


def named(result: Result, **changes: object) -> Result:
    """The same cells with other settings."""
    cells = tuple(one.model_copy(update={"cell": one.cell.model_copy(update=changes)}) for one in result.cells)
    return result.model_copy(update={"cells": cells})


def test_a_result_beside_itself_differs_in_nothing(before: Result) -> None:
    for same_meters in (False, True):
        found = compare(before, before, same_meters=same_meters)
        assert [one.first.key for one in found] == [cell.cell.key for cell in before.cells]
        assert {one.verdict for one in found} <= {"no difference", "not comparable"}
        assert not any(one.differences for one in found)
        assert costlier(found) == []


def test_less_work_for_the_same_joules_costs_more_and_goes_slower(before: Result) -> None:
    found = [one for one in compare(before, with_units(before, 2)) if one.energy and one.speed]
    assert found
    for one in found:
        assert one.energy is not None
        assert one.speed is not None
        assert one.verdict == "more"
        assert one.energy.value * one.speed.value == pytest.approx(1.0, rel=0.02)
    assert costlier(found) == found
    assert costlier(found, tolerance=1.5) == []


def test_other_settings_are_compared_and_named_other_work_is_not(before: Result) -> None:
    other = compare(before, named(before, precision="fp8", batch=7))
    assert other
    for one in other:
        assert f"precision: {one.first.precision}, fp8" in one.differences
        assert f"batch: {one.first.batch}, 7" in one.differences
    assert compare(before, named(before, size="xl")) == []
    assert {one.why for one in compare(before, named(before, version=99))} == {
        f"other workload version (99, not {cell.cell.version})" for cell in before.cells
    }


def test_no_cell_is_held_against_two(before: Result) -> None:
    half = before.model_copy(update={"cells": named(before, precision="fp8").cells[:3]})
    found = compare(before, half)
    assert len({id(one.second) for one in found}) == len(found) <= 3


positive = st.floats(1e-6, 1e6)


@given(st.lists(positive, min_size=2, max_size=5), st.lists(positive, min_size=2, max_size=5), st.floats(0, 0.2))
def test_what_the_meters_share_only_ever_narrows_the_ratio(
    first: list[float], second: list[float], share: float
) -> None:
    one, other = (_calibrated(values, share) for values in (first, second))
    apart, together = ratio(other, one), common_ratio(other, one)
    assert apart is not None
    assert together is not None
    assert apart.value == together.value
    if apart.low is not None and apart.high is not None:
        assert together.low is not None
        assert together.high is not None
        assert 0 <= apart.low * (1 - 1e-9) <= together.low <= together.high <= apart.high * (1 + 1e-9)


def _calibrated(values: list[float], share: float) -> Summary:
    return summarise(values, calibration=share * min(values) / 2)


def test_an_estimates_range_is_the_same_on_both_sides_and_drops_out() -> None:
    first, second = (summarise([value, value, value], half_range=0.5 * value) for value in (1.0, 1.2))
    apart, together = ratio(second, first), common_ratio(second, first)
    assert apart is not None
    assert apart.verdict == "no difference"
    assert together is not None
    assert together.low == pytest.approx(1.2)
    assert together.high == pytest.approx(1.2)
    assert together.verdict == "more"


def test_without_an_interval_nothing_is_decided() -> None:
    found = ratio(summarise([2.0]), summarise([1.0]))
    assert found is not None
    assert (found.value, found.verdict) == (2.0, "undecided")


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suite", "compare", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_regression_of_the_same_meters_ends_with_its_code_and_a_line_each(before: Result, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_bytes(dumps(before))
    second.write_bytes(dumps(with_units(before, 2)))
    worse = len(costlier(compare(before, with_units(before, 2), same_meters=True)))
    done = call(str(first), str(second), "--same-meters")
    assert done.returncode == exits.REGRESSION
    assert done.stderr.count("Regression: ") == worse > 0
    assert call(str(first), str(second), "--same-meters", "--tolerance", "1.5").returncode == exits.OK
    assert call(str(second), str(first), "--same-meters").returncode == exits.OK
    assert call(str(first), str(second)).returncode == exits.OK  # two machines: none is the other's past


def test_as_json_unknown_is_none_and_each_ratio_has_its_ends(before: Result, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(dumps(before))
    told = json.loads(call(str(path), str(path), "--json").stdout)
    assert len(told) == len(before.cells)
    for one in told:
        known = one["energy_ratio"] is not None
        assert known == (one["why"] is None)
        assert not known or one["energy_ratio"][0] == 1


def test_two_results_without_common_work_say_so(before: Result, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    for path, mode in ((first, "train"), (second, "infer")):
        cells = tuple(cell for cell in before.cells if cell.cell.mode == mode)
        path.write_bytes(dumps(sealed(before.model_copy(update={"cells": cells}))))
    done = call(str(first), str(second))
    assert done.returncode == exits.OK
    assert "no work in common" in done.stdout


def test_what_cannot_be_told_by_the_same_meters_is_said(before: Result, tmp_path: Path) -> None:
    elsewhere = before.model_copy(update={"system": before.system.model_copy(update={"slug": "elsewhere"})})
    assert "elsewhere" in (other_meters(before, elsewhere) or "")
    others = (*before.meters, replace(before.meters[0], domain="another"))
    assert "another by " in (other_meters(before, before.model_copy(update={"meters": others})) or "")
    assert other_meters(before, before) is None
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    for path, mode in ((first, "train"), (second, "infer")):
        cells = tuple(cell for cell in before.cells if cell.cell.mode == mode)
        path.write_bytes(dumps(sealed(before.model_copy(update={"cells": cells}))))
    done = call(str(first), str(second), "--same-meters")
    assert (done.returncode, done.stderr.count("\n")) == (exits.USAGE, 1), done.stderr
