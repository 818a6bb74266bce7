"""Drawings say what the numbers say."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from suite.leaderboard.chart import MARK_WIDTH, Mark, axis, idle_power_w, mark, trace
from suite.record import Attempt, Result
from suite.statistics import Summary
from suite.trace import Ticks


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


def good(synthetic: ModuleType, word: str) -> tuple[Result, Attempt]:
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if word in machine.name)
    result = synthetic.result(index, 1)
    return result, next(attempt for cell in result.cells for attempt in cell.attempts if attempt.outcome == "ok")


def test_the_trace_has_a_line_for_each_meter_that_counts_and_a_shade_for_each_window(synthetic: ModuleType) -> None:
    result, attempt = good(synthetic, "H100")
    drawn = trace(result, attempt)
    assert drawn is not None
    assert [line.name for line in drawn.lines] == ["gpu0", "package-0", "dram-0"]
    assert len(drawn.shades) == len(attempt.windows)
    assert all(shade.width > 0 for shade in drawn.shades)


def test_a_hole_in_the_ticks_breaks_the_line(synthetic: ModuleType) -> None:
    result, attempt = good(synthetic, "desktop")
    ticks = attempt.ticks[0]
    middle = ticks.at_ns[-1] // 2
    kept = [index for index, at_ns in enumerate(ticks.at_ns) if abs(at_ns - middle) > 4e9]
    holed = Ticks(0, tuple(ticks.at_ns[i] for i in kept), tuple(ticks.energy_uj[i] for i in kept))
    drawn = trace(result, attempt.model_copy(update={"ticks": (holed,)}))
    assert drawn is not None
    assert len(drawn.lines[0].stretches) == 2


def test_an_attempt_without_ticks_has_no_drawing(synthetic: ModuleType) -> None:
    result, attempt = good(synthetic, "TPU")
    assert trace(result, attempt) is None


def test_idle_power_is_energy_over_time(synthetic: ModuleType) -> None:
    result, _ = good(synthetic, "desktop")
    assert idle_power_w(result.idle, 0) == pytest.approx(29, rel=0.03)
    assert idle_power_w(result.idle, 1) is None
    assert idle_power_w((), 0) is None


def test_power_is_drawn_at_its_height(synthetic: ModuleType) -> None:
    result, attempt = good(synthetic, "desktop")
    steady = Ticks(0, tuple(range(0, 30_000_000_000, 100_000_000)), tuple(range(0, 300 * 5_000_000, 5_000_000)))
    drawn = trace(fine_and_without_idle(result), attempt.model_copy(update={"ticks": (steady,)}))
    assert drawn is not None
    (line,) = drawn.lines
    heights = {point.split(",")[1] for point in line.stretches[0].split()}
    fifty = next(tick.at for tick in drawn.watts if tick.label == "50 W")
    assert heights == {str(fifty)}


def fine_and_without_idle(result: Result) -> Result:
    meters = tuple(replace(meter, update_period_s=0.001) for meter in result.meters)
    return result.model_copy(update={"idle": (), "meters": meters})
