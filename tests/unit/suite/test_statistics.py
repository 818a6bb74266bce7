"""An interval says what is known; without repeats nothing is."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.keep import energies
from suite.normalise import idle_powers_w, idle_reasons, net_joules_per_unit, score
from suite.record import CellResult, Idle, Result, loads
from suite.statistics import Parts, Summary, rank_bands, summarise, t95
from suite.trace import Event, Meter, Ticks, Window

VALUES = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=30)


def test_the_interval_is_students_and_wider_for_a_median() -> None:
    summary = summarise([9.0, 10.0, 11.0])
    assert summary.median == 10.0
    assert summary.low == pytest.approx(10.0 - 1.03 * 4.303 / math.sqrt(3))
    assert summary.high == pytest.approx(10.0 + 1.03 * 4.303 / math.sqrt(3))
    assert summary.spread == pytest.approx(0.1)


@pytest.mark.parametrize("count", [3, 4, 5, 8, 9, 12, 20])
def test_the_interval_holds_the_truth_as_often_as_it_says(count: int) -> None:
    source = random.Random(count)
    drawn = (summarise([source.gauss(10.0, 1.0) for _ in range(count)]) for _ in range(20_000))
    held = sum((one.low or 0) <= 10.0 <= (one.high or 0) for one in drawn) / 20_000
    assert 0.945 <= held <= 0.965


@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0])
def test_windows_of_a_few_processes_hold_it_too_however_alike_those_of_one_are(spread: float) -> None:
    source, processes = random.Random(7), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]

    def windows() -> list[float]:
        middles = [source.gauss(10.0, 1.0) for _ in range(4)]
        return [source.gauss(middles[process], spread) for process in processes]

    drawn = (summarise(windows(), processes=processes) for _ in range(4_000))
    assert sum((one.low or 0) <= 10.0 <= (one.high or 0) for one in drawn) / 4_000 >= 0.945


def test_two_processes_do_not_tell_how_far_processes_lie_apart() -> None:
    values = [1.0, 1.1, 2.0, 2.1]
    assert summarise(values, processes=[0, 0, 1, 1]) == summarise(values)


@given(VALUES)
def test_the_spread_is_that_of_the_standard_library(values: list[float]) -> None:
    assert summarise(values).spread == pytest.approx(statistics.stdev(values) / statistics.fmean(values), rel=1e-12)


@given(st.floats(1e-12, 1e12), st.integers(2, 30))
def test_equal_repeats_have_no_spread_at_all(value: float, count: int) -> None:
    assert summarise([value] * count).spread == 0


def test_one_repeat_has_no_interval() -> None:
    summary = summarise([3.0])
    assert (summary.low, summary.high, summary.spread) == (None, None, None)
    assert summary.relative_width == math.inf


def test_repeats_cannot_remove_the_calibration() -> None:
    few, many = summarise([10.0] * 3, calibration=0.5), summarise([10.0] * 30, calibration=0.5)
    assert few.low == many.low == pytest.approx(10.0 - 1.959964 * 0.5)


def test_an_estimates_range_widens_the_interval_as_it_stands() -> None:
    assert summarise([10.0, 10.0], half_range=4.0).low == pytest.approx(6.0)


def test_the_parts_of_an_interval_are_told_apart_and_add_up() -> None:
    summary = summarise([9.0, 10.0, 11.0], quantisation=0.3, edges=0.6, calibration=0.5, half_range=0.25)
    parts = summary.parts
    assert parts == Parts(
        repeats=pytest.approx(1.03 * 4.303 / math.sqrt(3)),
        quantisation=pytest.approx(1.959964 * 0.3 / math.sqrt(3)),
        edges=pytest.approx(1.959964 * 0.6 / math.sqrt(3)),
        calibration=pytest.approx(1.959964 * 0.5),
        range=0.25,
    )
    assert summary.high == pytest.approx(summary.median + parts.half_width)
    in_squares = math.hypot(parts.repeats, parts.quantisation, parts.edges, parts.calibration)
    assert parts.half_width == pytest.approx(0.25 + in_squares)


@given(VALUES, st.floats(0, 10), st.floats(0, 10), st.floats(0, 10), st.floats(0, 10))
def test_no_part_is_wider_than_the_whole(
    values: list[float], one: float, two: float, three: float, four: float
) -> None:
    parts = summarise(values, quantisation=one, edges=two, calibration=three, half_range=four).parts
    assert parts is not None
    assert parts.half_width >= max(parts.repeats, parts.quantisation, parts.edges, parts.calibration, parts.range)


def test_more_repeats_shrink_all_but_the_calibration_and_an_estimates_range() -> None:
    def parts(repeats: int) -> Parts:
        found = summarise([9.0, 11.0] * repeats, quantisation=1, edges=1, calibration=1, half_range=1).parts
        assert found is not None
        return found

    few, many = parts(2), parts(20)
    assert many.repeats < few.repeats
    assert many.quantisation < few.quantisation
    assert many.edges < few.edges
    assert (many.calibration, many.range) == (few.calibration, few.range)


def test_one_repeat_has_no_parts() -> None:
    assert summarise([3.0], edges=1.0).parts is None


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


SECOND = 1_000_000_000
IDLE = Window(SECOND, 11 * SECOND, 1)
WORK = (
    Window(SECOND, 11 * SECOND, 1000),
    Window(12 * SECOND, 22 * SECOND, 1000),
    Window(23 * SECOND, 33 * SECOND, 1000),
)
MakeMeter = Callable[..., Meter]
MakeResult = Callable[..., Result]


def ticks(power_w: float, seconds: int = 40) -> Ticks:
    at_ns = tuple(step * SECOND // 10 for step in range(seconds * 10))
    return Ticks(0, at_ns, tuple(round(power_w * instant * 1e-3) for instant in at_ns))


@pytest.fixture
def make_result(make_meter: MakeMeter) -> MakeResult:
    """A result of one cell at 100 W, between stretches of idling at these powers."""
    root = Path(__file__).resolve().parents[3] / "results"
    plain = loads(next(root.glob("*/*.json")).read_bytes())
    meters = (make_meter(calibration=0.01),)

    def make(before_w: float | None, after_w: float | None, events: tuple[Event, ...] = ()) -> Result:
        idle = [
            Idle(when=when, window=IDLE, ticks=(ticks(power_w),), events=events)
            for when, power_w in (("before", before_w), ("after", after_w))
            if power_w is not None
        ]
        attempt = (
            plain.cells[0]
            .attempts[0]
            .model_copy(
                update={
                    "outcome": "ok",
                    "windows": WORK,
                    "ticks": (ticks(100.0),),
                    "energies": energies(meters, (ticks(100.0),), WORK, ()),
                }
            )
        )
        cell = plain.cells[0].model_copy(update={"attempts": (attempt,)})
        return plain.model_copy(update={"meters": meters, "idle": tuple(idle), "cells": (cell,)})

    return make


def only(result: Result) -> CellResult:
    (cell,) = result.cells
    return cell


@pytest.mark.parametrize(
    ("after_w", "reasons"),
    [
        (20.0, ()),
        (21.9, ()),
        (18.1, ()),
        pytest.param(22.1, ("idle_drift",), marks=pytest.mark.fault("idle power rose by a tenth", "idle_drift")),
        pytest.param(17.9, ("idle_drift",), marks=pytest.mark.fault("idle power fell by a tenth", "idle_drift")),
    ],
)
def test_an_idle_machine_that_changed_by_a_tenth_is_flagged(
    make_result: MakeResult, after_w: float, reasons: tuple[str, ...]
) -> None:
    assert idle_reasons(make_result(20.0, after_w), "device") == reasons


def test_an_idle_power_known_once_is_no_drift_and_known_never_is_unknown(make_result: MakeResult) -> None:
    assert idle_powers_w(make_result(20.0, 22.0), "device") == pytest.approx({"before": 20.0, "after": 22.0})
    assert idle_powers_w(make_result(20.0, None), "device") == pytest.approx({"before": 20.0})
    assert idle_reasons(make_result(20.0, None), "device") == ()
    assert idle_powers_w(make_result(None, None), "device") == {}


@pytest.mark.fault("meter lost while the machine idled", "meter_lost")
def test_idle_joules_that_an_event_made_worthless_are_not_used(make_result: MakeResult) -> None:
    lost = (Event(code="meter_lost", start_ns=2 * SECOND, end_ns=3 * SECOND, meter=0),)
    assert idle_powers_w(make_result(20.0, 20.0, lost), "device") == {}


def test_net_is_gross_less_idle_and_its_interval_holds_what_is_not_known_of_idle(make_result: MakeResult) -> None:
    result = make_result(20.0, 24.0)
    scored = score(only(result), "device")
    assert scored is not None
    gross = scored.joules_per_unit
    net = net_joules_per_unit(only(result), "device", list(idle_powers_w(result, "device").values()))
    assert gross is not None
    assert net is not None
    assert gross.parts is not None
    assert net.low is not None
    assert net.high is not None
    assert gross.median == pytest.approx(1.0)
    assert net.median == pytest.approx(0.78)
    idle = 12.706 * (4.0 / 2) * 0.01  # Student's t of two values, on half of how far they are apart
    rest = replace(gross.parts, calibration=gross.parts.calibration * 0.78)  # one scale for gross and idle
    assert net.high - net.median == pytest.approx(math.hypot(rest.half_width, idle))
    assert net.median - net.low == pytest.approx(net.high - net.median)


def test_net_has_no_interval_where_the_idle_power_is_known_only_once(make_result: MakeResult) -> None:
    net = net_joules_per_unit(only(make_result(20.0, None)), "device", [20.0])
    assert net is not None
    assert net.median == pytest.approx(0.8)
    assert (net.low, net.high) == (None, None)


def test_net_is_unknown_without_an_idle_power(make_result: MakeResult) -> None:
    assert net_joules_per_unit(only(make_result(None, None)), "device", []) is None
