"""At a window's edges the counter is followed from inside, and what is not known of it there is stated."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.edges import Edge, edges
from suite.trace import Meter, Ticks, Window, counter_uj

SECOND, MS = 1_000_000_000, 1_000_000
SEEN_NS = 3 * MS  # a tick lies between two readings: 2 ms apart, the later one's wake-up up to 1 ms late
MakeMeter = Callable[..., Meter]


def ticks_of(power: Any, period_ns: int, phase_ns: int, seed: int, width_ns: int = SEEN_NS) -> Ticks:
    """Ticks of a counter, each seen within a stretch of `width_ns` around the instant it happened."""
    draw = random.Random(seed)
    moves_ns = [phase_ns + step * period_ns for step in range(int(15 * SECOND // period_ns))]
    at_ns = tuple(round(instant + draw.uniform(-width_ns / 2, width_ns / 2)) for instant in moves_ns)
    return Ticks(0, at_ns, tuple(round(power.energy_uj(instant)) for instant in moves_ns))


def relative_error(found: tuple[Edge, Edge] | None, power: Any, window: Window) -> float:
    assert found is not None
    truth_uj = power.energy_uj(window.end_ns) - power.energy_uj(window.start_ns)
    return abs(found[1].energy_uj - found[0].energy_uj - truth_uj) / truth_uj


def step(virtual: SimpleNamespace, window: Window, idle_w: float, busy_w: float) -> Any:
    length_ns = window.end_ns - window.start_ns
    return virtual.Power([(window.start_ns, idle_w), (length_ns, busy_w), (5 * SECOND, idle_w)])


TEN = Window(2 * SECOND, 12 * SECOND, 1)
TWO = Window(2 * SECOND, 4 * SECOND, 1)


@pytest.mark.fault("power steps exactly at the window's edges", "right joules")
@given(
    phase_ns=st.integers(0, 100 * MS - 1),
    busy_w=st.floats(1, 2000),
    idle_share=st.floats(0.01, 1),
    seed=st.integers(0, 2**32),
)
def test_a_step_at_the_edges_costs_a_100_ms_counter_no_thousandth_of_10_s(
    virtual: SimpleNamespace, make_meter: MakeMeter, phase_ns: int, busy_w: float, idle_share: float, seed: int
) -> None:
    power = step(virtual, TEN, idle_share * busy_w, busy_w)
    meter = make_meter(update_period_s=0.1, tick_width_s=0.004)
    assert relative_error(edges(meter, ticks_of(power, 100 * MS, phase_ns, seed), TEN), power, TEN) <= 1e-3


def test_a_straight_line_across_the_edge_would_cost_ten_times_as_much(
    virtual: SimpleNamespace, make_meter: MakeMeter
) -> None:
    power = step(virtual, TEN, 50.0, 400.0)
    ticks = ticks_of(power, 100 * MS, 50 * MS, seed=1, width_ns=0)
    ends = counter_uj(ticks, TEN.end_ns), counter_uj(ticks, TEN.start_ns)
    assert None not in ends
    straight_j = ((ends[0] or 0) - (ends[1] or 0)) / 1e6
    assert abs(straight_j - 4000) / 4000 > 4e-3
    assert relative_error(edges(make_meter(update_period_s=0.1), ticks, TEN), power, TEN) < 1e-6


@given(
    phase_ns=st.integers(0, 20 * MS - 1),
    half_ms=st.integers(30, 900),
    low_w=st.floats(1, 1000),
    seed=st.integers(0, 2**32),
)
def test_a_square_wave_of_work_is_known_to_a_hundredth_in_2_s_by_a_20_ms_counter(
    virtual: SimpleNamespace, make_meter: MakeMeter, phase_ns: int, half_ms: int, low_w: float, seed: int
) -> None:
    halves = [(half_ms * MS, 1000.0 if turn % 2 else low_w) for turn in range(2000 // half_ms + 1)]
    window = Window(2 * SECOND, 2 * SECOND + sum(length_ns for length_ns, _ in halves), 1)
    power = virtual.Power([(window.start_ns, low_w / 2), *halves, (5 * SECOND, low_w / 2)])
    meter = make_meter(update_period_s=0.02, tick_width_s=0.004)
    assert relative_error(edges(meter, ticks_of(power, 20 * MS, phase_ns, seed), window), power, window) <= 0.01


@given(
    energies_uj=st.lists(st.integers(0, 10**9), min_size=8, max_size=30).map(
        lambda steps: [sum(steps[:n]) for n in range(len(steps))]
    ),
    start_ns=st.integers(SECOND // 10, 3 * SECOND),
    length_ns=st.integers(1, 3 * SECOND),
)
def test_an_edge_lies_between_the_ticks_on_either_side(
    make_meter: MakeMeter, energies_uj: list[int], start_ns: int, length_ns: int
) -> None:
    ticks = Ticks(0, tuple(step * SECOND // 10 for step in range(len(energies_uj))), tuple(energies_uj))
    window = Window(start_ns, start_ns + length_ns, 1)
    found = edges(make_meter(), ticks, window)
    inside = any(window.start_ns <= at_ns <= window.end_ns for at_ns in ticks.at_ns)
    assert (found is not None) == (inside and window.end_ns <= ticks.at_ns[-1])
    for edge, at_ns in zip(found or (), (window.start_ns, window.end_ns), strict=found is not None):
        below = max(value for instant, value in zip(ticks.at_ns, energies_uj, strict=True) if instant <= at_ns)
        above = min(value for instant, value in zip(ticks.at_ns, energies_uj, strict=True) if instant >= at_ns)
        assert below <= edge.energy_uj <= above


@pytest.mark.parametrize("period_ms", [20, 100])
@pytest.mark.parametrize("dwell_s", [0.01, 0.05, 0.2, 1.0, 5.0, 60.0])
def test_the_true_error_is_within_three_stated_uncertainties_in_95_of_100_cases(
    virtual: SimpleNamespace, make_meter: MakeMeter, period_ms: int, dwell_s: float
) -> None:
    draw, inside = random.Random(7), []
    meter = make_meter(update_period_s=period_ms / 1e3, tick_width_s=0.004)
    for seed in range(120):
        power = walk(virtual, draw, dwell_s)
        start_ns = int(draw.uniform(1, 1.2) * SECOND)
        window = Window(start_ns, start_ns + 100 * period_ms * MS, 1)
        found = edges(meter, ticks_of(power, period_ms * MS, draw.randrange(period_ms * MS), seed), window)
        assert found is not None
        standard_uj = math.hypot(found[0].standard_uj, found[1].standard_uj)
        truth_uj = power.energy_uj(window.end_ns) - power.energy_uj(window.start_ns)
        inside.append(abs(found[1].energy_uj - found[0].energy_uj - truth_uj) <= 3 * standard_uj)
    assert sum(inside) >= 0.95 * len(inside)


def walk(virtual: SimpleNamespace, draw: random.Random, dwell_s: float) -> Any:
    """Powers that last `dwell_s` on average, however the counter ticks."""
    stretches = [
        (max(100_000, int(draw.expovariate(1 / dwell_s) * SECOND)), draw.uniform(1, 2000))
        for _ in range(int(20 / dwell_s) + 1)
    ]
    return virtual.Power([*stretches, (60 * SECOND, draw.uniform(1, 2000))])


def test_a_tick_at_the_edge_itself_is_known_no_better_than_any_tick(make_meter: MakeMeter) -> None:
    ticks = Ticks(0, tuple(step * SECOND for step in range(10)), tuple(step * 10**8 for step in range(10)))
    found = edges(make_meter(tick_width_s=0.004), ticks, Window(2 * SECOND, 5 * SECOND, 1))
    assert found is not None
    assert found[0].energy_uj == 2 * 10**8
    assert found[0].standard_uj == pytest.approx(100e6 * 0.004 / math.sqrt(12))


def test_power_that_varies_from_tick_to_tick_widens_the_edge(make_meter: MakeMeter) -> None:
    def standard_uj(steps_uj: list[int]) -> float:
        at_ns = tuple(step * SECOND // 10 for step in range(len(steps_uj)))
        ticks = Ticks(0, at_ns, tuple(sum(steps_uj[:step]) for step in range(len(steps_uj))))
        found = edges(make_meter(update_period_s=0.1), ticks, Window(SECOND + 50 * MS, 2 * SECOND, 1))
        assert found is not None
        return found[0].standard_uj

    steady, unsteady = [10**7] * 31, [10**7] * 12 + [4 * 10**7, 10**7] * 9
    assert standard_uj(steady) == 0
    assert standard_uj(unsteady) > 10**7


def first_edge_uj(make_meter: MakeMeter, at_ms: tuple[int, ...], energy_uj: tuple[int, ...]) -> float:
    """The counter 50 ms before the tick at 1 s, as ticks known to 4 ms tell it."""
    ticks = Ticks(0, tuple(instant * MS for instant in at_ms), energy_uj)
    meter = make_meter(update_period_s=0.1, tick_width_s=0.004)
    found = edges(meter, ticks, Window(950 * MS, 1_500 * MS, 1))
    assert found is not None
    return found[0].energy_uj


def test_four_ticks_of_one_power_tell_it_better_than_two(make_meter: MakeMeter) -> None:
    energy_uj = tuple(10**7 * step for step in range(8))
    late = (900, 1000, 1098, 1200, 1300, 1400, 1500, 1600)  # 100 W, the second tick within seen 2 ms early
    assert first_edge_uj(make_meter, late, energy_uj) == pytest.approx(5 * 10**6, abs=100)


def test_a_power_that_changes_after_the_edge_is_told_by_the_two_ticks_beside_it(make_meter: MakeMeter) -> None:
    energy_uj = (0, 10**7, 2 * 10**7, 6 * 10**7, 10 * 10**7, 14 * 10**7, 18 * 10**7, 22 * 10**7)
    at_ms = tuple(range(900, 1700, 100))
    assert first_edge_uj(make_meter, at_ms, energy_uj) == pytest.approx(5 * 10**6, abs=100)


def test_a_tick_beside_the_edge_may_hold_the_power_from_before_it(make_meter: MakeMeter) -> None:
    at_ns = tuple(step * SECOND // 10 for step in range(30))
    energy_uj = tuple(10**8 * min(step, 10) + 10**5 * max(0, step - 10) for step in range(30))
    window = Window(SECOND - 1, 2 * SECOND, 1)
    found = edges(make_meter(tick_width_s=0.005), Ticks(0, at_ns, energy_uj), window)
    assert found is not None
    assert found[0].standard_uj >= 1e9 * 0.005 / math.sqrt(12)


def test_a_window_with_one_tick_in_it_is_between_its_neighbours_and_says_so(make_meter: MakeMeter) -> None:
    ticks = Ticks(0, (0, SECOND // 2, SECOND), (0, 10**6, 10**6 * 4))
    found = edges(make_meter(), ticks, Window(SECOND // 4, 3 * SECOND // 4, 1))
    assert found is not None
    assert [edge.energy_uj for edge in found] == [500_000, 2_500_000]
    assert [edge.standard_uj for edge in found] == pytest.approx([1e6 / math.sqrt(12), 3e6 / math.sqrt(12)])


@pytest.mark.fault("no reading within a short window", "trace_gap")
def test_a_window_without_a_tick_in_it_is_unknown(make_meter: MakeMeter) -> None:
    ticks = Ticks(0, (0, SECOND // 2), (0, 10**6))
    assert edges(make_meter(update_period_s=0.001), ticks, Window(SECOND // 4, SECOND // 3, 1)) is None


@pytest.mark.parametrize(
    ("gap_s", "period_s", "known"),
    [
        pytest.param(1.0, 0.01, True, marks=pytest.mark.fault("second without a reading at an edge", "right joules")),
        pytest.param(1.001, 0.01, False, marks=pytest.mark.fault("gap of over a second at an edge", "trace_gap")),
        (2.9, 1.0, True),
        (3.1, 1.0, False),
    ],
)
def test_ticks_too_far_apart_around_an_edge_leave_it_unknown(
    make_meter: MakeMeter, gap_s: float, period_s: float, known: bool
) -> None:
    at_s = [0.0, 0.5, 0.5 + gap_s, 0.5 + gap_s + 0.5, 0.5 + gap_s + 1.0]
    ticks = Ticks(0, tuple(int(one * SECOND) for one in at_s), tuple(int(one * 10**7) for one in at_s))
    window = Window(int((0.5 + gap_s / 2) * SECOND), ticks.at_ns[-1] - 1, 1)
    assert (edges(make_meter(update_period_s=period_s), ticks, window) is not None) == known
