"""Marks say what the numbers say."""

from __future__ import annotations

import pytest

from suite.leaderboard.drawing.chart import MARK_WIDTH, Mark, axis, mark
from suite.statistics import Summary


def summary(median: float, half: float | None = 0.1) -> Summary:
    low, high = (None, None) if half is None else (median - half, median + half)
    return Summary(median=median, low=low, high=high, repeats=3, spread=0.01)


def test_a_bar_is_as_long_as_its_value() -> None:
    drawn = axis([summary(1.0), summary(2.0, 0.5)])
    assert drawn is not None
    short, long = mark(summary(1.0), drawn), mark(summary(2.0, 0.5), drawn)
    assert long.is_bar
    assert long.at == pytest.approx(2 * short.at, abs=0.02)
    assert short.low is not None
    assert short.high is not None
    assert short.low < short.at < short.high
    assert long.high == MARK_WIDTH


def test_values_far_apart_stand_on_a_logarithmic_axis_without_bars() -> None:
    values = [summary(1.0), summary(10.0), summary(100.0)]
    drawn = axis(values)
    assert drawn is not None
    first, second, third = (mark(value, drawn) for value in values)
    assert not first.is_bar
    assert second.at - first.at == pytest.approx(third.at - second.at, abs=0.02)
    assert first.low is not None
    assert 0 < first.low < first.at < third.at < MARK_WIDTH


def test_a_single_repeat_has_no_whisker() -> None:
    drawn = axis([summary(1.0, None)])
    assert drawn is not None
    assert mark(summary(1.0, None), drawn) == Mark(MARK_WIDTH, True, None, None)


@pytest.mark.parametrize("largest", [2.0, 200.0])
def test_an_absurdly_wide_interval_neither_squashes_the_board_nor_leaves_the_drawing(largest: float) -> None:
    wide = summary(1.0, 1e6)
    drawn = axis([wide, summary(largest)])
    assert drawn is not None
    assert mark(summary(largest), drawn).at > MARK_WIDTH / 3
    assert mark(wide, drawn).low == 0
    assert mark(wide, drawn).high == MARK_WIDTH


def test_nothing_known_means_no_axis() -> None:
    assert axis([]) is None
    assert axis([summary(0.0, None)]) is None
