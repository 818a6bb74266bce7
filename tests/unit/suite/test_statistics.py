"""An interval says what is known; without repeats nothing is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.statistics import Summary, rank_bands, summarise, t95

VALUES = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=30)


def test_the_interval_is_students() -> None:
    summary = summarise([9.0, 10.0, 11.0])
    assert summary.median == 10.0
    assert summary.low == pytest.approx(10.0 - 4.303 / math.sqrt(3))
    assert summary.high == pytest.approx(10.0 + 4.303 / math.sqrt(3))
    assert summary.spread == pytest.approx(0.1)


def test_one_repeat_has_no_interval() -> None:
    summary = summarise([3.0])
    assert (summary.low, summary.high, summary.spread) == (None, None, None)
    assert summary.relative_width == math.inf


def test_repeats_cannot_remove_the_calibration() -> None:
    few, many = summarise([10.0] * 3, calibration=0.5), summarise([10.0] * 30, calibration=0.5)
    assert few.low == many.low == pytest.approx(10.0 - 1.959964 * 0.5)


def test_an_estimates_range_widens_the_interval_as_it_stands() -> None:
    assert summarise([10.0, 10.0], half_range=4.0).low == pytest.approx(6.0)


def test_no_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        summarise([])


@given(VALUES, st.floats(0.1, 100))
def test_the_unit_does_not_matter(values: list[float], scale: float) -> None:
    plain, scaled = summarise(values), summarise([value * scale for value in values])
    assert plain.low is not None
    assert scaled.low == pytest.approx(plain.low * scale, rel=1e-6, abs=1e-6)


def test_the_quantile_falls_towards_the_normal_one() -> None:
    assert [t95(n) for n in range(1, 40)] == sorted((t95(n) for n in range(1, 40)), reverse=True)


def row(median: float, half: float | None) -> Summary:
    low, high = (None, None) if half is None else (median - half, median + half)
    return Summary(median=median, low=low, high=high, repeats=3, spread=0.0)


def test_rows_whose_intervals_overlap_share_a_rank() -> None:
    assert rank_bands([row(1, 0.1), row(2, 0.6), row(2.5, 0.3), row(9, 1)]) == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_equal_rows_share_all_ranks_and_an_unknown_interval_ranks_nowhere_in_particular() -> None:
    assert rank_bands([row(1, 0.1), row(1, 0.1)]) == [(1, 2), (1, 2)]
    assert rank_bands([row(1, 0.1), row(5, None), row(9, 0.1)]) == [(1, 2), (1, 3), (2, 3)]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), min_size=1, max_size=12))
def test_a_band_always_holds_the_rank_by_median(pairs: list[tuple[float, float]]) -> None:
    rows = [row(median, half) for median, half in pairs]
    for one, (best, worst) in zip(rows, rank_bands(rows), strict=True):
        rank = 1 + sum(other.median < one.median for other in rows)
        assert best <= rank <= worst
