"""Drawings of an attempt say what its readings say."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.leaderboard.drawing.strips import DRAWN
from suite.leaderboard.drawing.traces import Trace, counts_uj, idle_power_w, trace
from suite.record import Attempt, Result
from suite.trace import HOLE_NS, Conditions, Ticks, counter_uj


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


@given(st.data())
def test_many_instants_are_told_as_each_alone(data: st.DataObject) -> None:
    steps_ns = data.draw(st.lists(st.sampled_from((1, 7, HOLE_NS // 2, HOLE_NS, HOLE_NS + 1)), min_size=1, max_size=8))
    at_ns = tuple(accumulate(steps_ns, initial=10))
    energy_uj = tuple(sorted(data.draw(st.lists(st.integers(0, 10**9), min_size=len(at_ns), max_size=len(at_ns)))))
    ticks = Ticks(0, at_ns, energy_uj)
    instants_ns = data.draw(st.lists(st.sampled_from(at_ns) | st.integers(0, at_ns[-1] + 20), min_size=1))
    alone = [counter_uj(ticks, instant_ns) for instant_ns in instants_ns]
    expected = [math.nan if one is None else one for one in alone]
    assert counts_uj(ticks, np.array(instants_ns, dtype=np.float64)) == pytest.approx(expected, nan_ok=True)


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


def seconds(
    *values: float | None, domain: str = "gpu0", name: str = "temperature_c", every_s: float = 1.0
) -> Conditions:
    at_ns = tuple(round(every_s * 1e9 * index) for index in range(len(values)))
    return Conditions(domain, at_ns, {name: values})


def drawn_with(synthetic: ModuleType, *conditions: Conditions) -> Trace:
    result, attempt = good(synthetic, "H100")
    made = trace(result, attempt.model_copy(update={"conditions": conditions}))
    assert made is not None
    return made


def test_clocks_and_temperatures_have_a_strip_each_below_the_power(synthetic: ModuleType) -> None:
    result, attempt = good(synthetic, "H100")
    made = trace(result, attempt)
    assert made is not None
    assert [strip.title for strip in made.strips] == ["SM clock", "Temperature"]
    assert len(made.strips) == len(DRAWN)
    lowest_watt = max(tick.at for tick in made.watts)
    assert lowest_watt < made.strips[0].top < made.strips[1].top < made.bottom < made.height
    for strip in made.strips:
        heights = [
            float(point.split(",")[1]) for line in strip.lines for one in line.stretches for point in one.split()
        ]
        assert strip.top < min(heights) < max(heights) < made.bottom


def test_without_conditions_the_drawing_is_power_alone(synthetic: ModuleType) -> None:
    bare, watched = drawn_with(synthetic), drawn_with(synthetic, seconds(*[50.0] * 40))
    assert bare.strips == ()
    assert bare.height < watched.height
    assert bare.lines == watched.lines


def test_a_domain_has_one_colour_in_power_and_strips(synthetic: ModuleType) -> None:
    made = drawn_with(synthetic, seconds(*[50.0] * 40), seconds(*[60.0] * 40, domain="host"))
    (strip,) = made.strips
    colours = {line.domain: line.colour for line in strip.lines}
    assert colours["gpu0"] == next(line.colour for line in made.lines if line.name == "gpu0")
    assert colours["host"] not in {line.colour for line in made.lines}
    assert made.others == (("host", colours["host"]),)


def test_a_watched_domain_without_a_line_is_not_in_the_legend(synthetic: ModuleType) -> None:
    assert drawn_with(synthetic, seconds(*[1.0] * 40, domain="host", name="cpu_clock_mhz")).others == ()


def test_samples_that_did_not_answer_break_the_strips_line(synthetic: ModuleType) -> None:
    made = drawn_with(synthetic, seconds(*[50.0] * 10, *[None] * 8, *[50.0] * 10))
    assert len(made.strips[0].lines[0].stretches) == 2


def test_a_strip_names_its_greatest_and_its_least_value_only_where_they_differ(synthetic: ModuleType) -> None:
    rising = drawn_with(synthetic, seconds(*[40.0] * 10, *[70.0] * 10)).strips[0]
    steady = drawn_with(synthetic, seconds(*[70.0] * 20)).strips[0]
    assert [text for _, text in rising.marks] == ["70 °C", "40 °C"]
    assert rising.marks[0][0] < rising.marks[1][0]
    assert [text for _, text in steady.marks] == ["70 °C"]


@pytest.mark.parametrize("values", [(5e-324,) * 20, (0.0,) * 20, (-40.0,) * 20, (1.7e308, 50.0) * 20, (50.0,), ()])
def test_no_value_of_a_strangers_file_stops_the_drawing(synthetic: ModuleType, values: tuple[float, ...]) -> None:
    for strip in drawn_with(synthetic, seconds(*values)).strips:
        assert all("nan" not in stretch and "inf" not in stretch for one in strip.lines for stretch in one.stretches)


def test_ticks_before_the_origin_have_no_drawing(synthetic: ModuleType) -> None:
    result, attempt = good(synthetic, "desktop")
    assert trace(result, attempt.model_copy(update={"ticks": (Ticks(0, (-9, -5), (1, 2)),)})) is None
