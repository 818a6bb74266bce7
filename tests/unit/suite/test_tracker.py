"""A counter is read no oftener than it takes to know when it moves, and its ticks are where it moved."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.meters.base import Reading
from suite.trace import Window
from suite.tracker import BEAT_NS, TICK_WIDTH_NS, Tracker, next_beat_ns, spacing_ns

SECOND, MS = 1_000_000_000, 1_000_000


@dataclass(frozen=True)
class Run:
    ticks: list[Reading]
    readings: int


def run(tracker: Tracker, moves_ns: list[float], *, until_ns: int, seed: int = 0, delay_ns: int = MS) -> Run:
    """Reads a counter that rises by 1 mJ at each move until `until_ns`; each wake-up is up to `delay_ns` late."""
    draw, now_ns, ticks, readings = random.Random(seed), 0, list[Reading](), 0
    while now_ns < until_ns:
        now_ns = max(now_ns + 20_000, tracker.due_ns) + int(draw.uniform(0, delay_ns))
        ticks += tracker.take(Reading(now_ns, 1000 * bisect_left(moves_ns, now_ns)))
        readings += 1
    return Run(ticks, readings)


def moves(period_ns: float, *, phase_ns: int = 0, jitter_ns: int = 0, drift: float = 0.0, seed: int = 0) -> list[float]:
    draw = random.Random(seed)
    return [
        phase_ns + step * period_ns * (1 + drift * step) + draw.uniform(-jitter_ns, jitter_ns)
        for step in range(int(60 * SECOND / period_ns))
    ]


def worst_ns(ticks: list[Reading], moves_ns: list[float]) -> float:
    """How far a tick lies from the move that gave it its energy."""
    return max(abs(tick.at_ns - moves_ns[tick.energy_uj // 1000 - 1]) for tick in ticks)


@pytest.mark.fault("counter's updates jitter by 2 ms, its reader wakes up 1 ms late", "right joules")
@given(
    phase_ns=st.integers(1, 100 * MS),
    jitter_ns=st.integers(0, 2 * MS),
    drift=st.floats(-5e-6, 5e-6),
    probed=st.floats(0.97, 1.03),
    seed=st.integers(0, 2**32),
)
def test_a_100_ms_counter_costs_six_readings_a_tick_and_its_ticks_are_within_their_width(
    phase_ns: int, jitter_ns: int, drift: float, probed: float, seed: int
) -> None:
    tracker = Tracker(0.1 * probed)
    moves_ns = moves(100 * MS, phase_ns=phase_ns, jitter_ns=jitter_ns, drift=drift, seed=seed)
    run(tracker, moves_ns, until_ns=5 * SECOND, seed=seed)
    locked = run(tracker, moves_ns, until_ns=30 * SECOND, seed=seed)
    assert len(locked.ticks) >= 0.95 * 250
    assert locked.readings <= 6 * 250
    assert worst_ns(locked.ticks, moves_ns) <= TICK_WIDTH_NS / 2


def test_a_counter_of_20_ms_is_caught_about_ten_times_a_second() -> None:
    tracker = Tracker(0.02)
    ticks = run(tracker, moves(20 * MS, jitter_ns=MS), until_ns=20 * SECOND).ticks
    assert 150 <= len(ticks) <= 250
    assert worst_ns(ticks, moves(20 * MS, jitter_ns=MS)) <= TICK_WIDTH_NS / 2


@pytest.mark.fault("period that was probed wrong by a fifth", "right joules")
@pytest.mark.parametrize("probed", [0.8, 1.2])
def test_a_period_probed_wrong_is_learnt(probed: float) -> None:
    tracker = Tracker(0.1 * probed)
    moves_ns = moves(100 * MS)
    run(tracker, moves_ns, until_ns=20 * SECOND)
    assert tracker.period_s == pytest.approx(0.1, rel=0.02)


@pytest.mark.fault("reader asleep for two seconds", "right joules")
def test_ticks_come_again_after_a_pause_and_none_is_invented_for_it() -> None:
    tracker, moves_ns = Tracker(0.1), moves(100 * MS, phase_ns=3 * MS)
    run(tracker, moves_ns, until_ns=5 * SECOND)
    tracker.due_ns = 7 * SECOND
    ticks = run(tracker, moves_ns, until_ns=9 * SECOND).ticks
    assert worst_ns(ticks, moves_ns) <= TICK_WIDTH_NS / 2
    assert 7 * SECOND < ticks[0].at_ns < 7.3 * SECOND


@pytest.mark.fault("counter that moves when it likes", "right joules")
@given(seed=st.integers(0, 2**32))
def test_an_irregular_counter_ticks_too(seed: int) -> None:
    draw, at_ns, moves_ns = random.Random(seed), 0.0, []
    while at_ns < 22 * SECOND:
        at_ns += draw.uniform(0.03, 0.25) * SECOND
        moves_ns.append(at_ns)
    ticks = run(Tracker(0.1), moves_ns, until_ns=20 * SECOND, seed=seed).ticks
    assert len(ticks) >= 20
    assert worst_ns(ticks, moves_ns) <= TICK_WIDTH_NS / 2


@pytest.mark.fault("reader always 6 ms late", "trace_gap")
def test_a_reader_too_late_for_every_move_gives_no_ticks_rather_than_vague_ones() -> None:
    tracker = Tracker(0.1)
    readings = [Reading(step * 6 * MS, step * 6 // 100) for step in range(2000)]
    assert [tick for reading in readings for tick in tracker.take(reading)] == []


def test_a_fast_counter_is_read_on_a_common_beat() -> None:
    tracker = Tracker(0.001)
    ticks = run(tracker, moves(MS), until_ns=10 * SECOND, delay_ns=100_000).ticks
    assert len(ticks) == pytest.approx(10 * SECOND // BEAT_NS, abs=3)
    early, late = Tracker(0.001), Tracker(0.002)
    early.take(Reading(20 * SECOND, 1)), late.take(Reading(20 * SECOND + MS, 1))
    assert early.due_ns == late.due_ns
    assert tracker.width_s == pytest.approx(0.001)


def test_a_steady_meter_is_read_twice_a_period_within_bounds() -> None:
    for period_s, beat_ns in ((0.01, BEAT_NS), (0.4, 200 * MS), (5.0, 500 * MS)):
        tracker = Tracker(period_s, steady=True)
        tracker.take(Reading(0, 0))
        assert 0 < tracker.due_ns <= 2 * beat_ns


def still(tracker: Tracker, *, from_s: float, to_s: float, energy_uj: int) -> list[Reading]:
    ticks: list[Reading] = []
    at_ns = int(from_s * SECOND)
    while at_ns < to_s * SECOND:
        ticks += tracker.take(Reading(at_ns, energy_uj))
        at_ns = max(at_ns + MS, tracker.due_ns)
    return ticks


@pytest.mark.parametrize("period_s", [0.001, 0.1])
def test_a_counter_that_stands_still_is_stuck_after_three_seconds(period_s: float) -> None:
    tracker = Tracker(period_s)
    tracker.take(Reading(1, 1))
    still(tracker, from_s=0.1, to_s=3.0, energy_uj=7)
    assert tracker.stuck_since_ns is None
    still(tracker, from_s=3.0, to_s=3.3, energy_uj=7)
    assert tracker.stuck_since_ns == pytest.approx(0.1 * SECOND, abs=MS)


def test_a_slow_counter_may_rest_for_twenty_of_its_periods() -> None:
    tracker = Tracker(1.0)
    still(tracker, from_s=1, to_s=20.5, energy_uj=7)
    assert tracker.stuck_since_ns is None
    still(tracker, from_s=20.5, to_s=21.6, energy_uj=7)
    assert tracker.stuck_since_ns == SECOND


@pytest.mark.fault("reader asleep for five seconds", "no false counter_stuck")
def test_a_counter_that_was_not_looked_at_is_not_called_stuck() -> None:
    tracker = Tracker(0.1)
    tracker.take(Reading(SECOND, 1))
    for at_ns in (6 * SECOND, 6 * SECOND + 3 * MS):
        assert tracker.take(Reading(at_ns, 50)) == ()
        assert tracker.stuck_since_ns is None


def test_a_keepalive_marks_both_ends_of_the_standstill_so_that_no_line_is_bent() -> None:
    tracker, moves_ns = Tracker(0.1), moves(100 * MS)[:30]
    run(tracker, moves_ns, until_ns=2.85 * SECOND)
    ticks = still(tracker, from_s=2.95, to_s=4.2, energy_uj=30_000)
    assert [tick.energy_uj for tick in ticks] == [30_000] * len(ticks)
    assert ticks[0].at_ns == pytest.approx(2.95 * SECOND, abs=5 * MS)
    assert ticks[1].at_ns == pytest.approx(3.45 * SECOND, abs=5 * MS)


def test_the_first_reading_of_a_slow_counter_is_no_tick_for_nobody_saw_it_move() -> None:
    assert Tracker(0.1).take(Reading(SECOND, 5)) == ()


@pytest.mark.parametrize("forgotten", [False, True])
def test_what_a_meter_says_after_it_was_lost_has_no_before(forgotten: bool) -> None:
    tracker = Tracker(0.1)
    assert tracker.take(Reading(SECOND, 5)) == tracker.take(Reading(SECOND + 2 * MS, 5)) == ()
    if forgotten:
        tracker.forget()
    assert (tracker.take(Reading(SECOND + 4 * MS, 6)) == ()) == forgotten


@pytest.mark.fault("counter that stops between two ticks while the window ends", "counter_stuck")
@given(stop_ms=st.integers(100, 400), phase_ns=st.integers(0, 20 * MS - 1))
def test_a_counter_that_stops_before_the_window_ends_leaves_it_unknown(
    virtual: SimpleNamespace, stop_ms: int, phase_ns: int
) -> None:
    window = Window(SECOND, 4 * SECOND, 1)
    stop = virtual.Fault("stuck", window.end_ns - stop_ms * MS, 6 * SECOND)
    board = virtual.Board(virtual.Power([(20 * SECOND, 300.0)]), 20 * MS, phase_ns=phase_ns, faults=[stop])
    energy = virtual.follow(board, window.end_ns).energy(window)
    assert (energy.joules, "counter_stuck" in energy.reasons) == (None, True)


@pytest.mark.fault("reader up to 4 ms late at every wake-up", "right joules, no more readings")
def test_a_late_reader_does_not_read_more_for_being_late() -> None:
    tracker, moves_ns = Tracker(0.1), moves(100 * MS, jitter_ns=MS)
    run(tracker, moves_ns, until_ns=5 * SECOND, delay_ns=4 * MS)
    late = run(tracker, moves_ns, until_ns=30 * SECOND, delay_ns=4 * MS)
    assert late.readings <= 5 * 250
    assert worst_ns(late.ticks, moves_ns) <= TICK_WIDTH_NS / 2


def test_eight_counters_together_are_caught_as_often_as_two() -> None:
    assert [spacing_ns(count) // MS for count in (0, 1, 2, 4, 8)] == [100, 100, 100, 200, 400]
    alone, crowded = Tracker(0.1), Tracker(0.1, spacing_ns=spacing_ns(8))
    many = run(alone, moves(100 * MS), until_ns=20 * SECOND, delay_ns=100_000).readings
    few = run(crowded, moves(100 * MS), until_ns=20 * SECOND, delay_ns=100_000).readings
    assert few <= many / 3


@pytest.mark.fault("work that repeats exactly on the sampler's beat", "right joules")
@pytest.mark.parametrize("share", [1, 2, 5])
def test_a_power_that_repeats_with_the_beat_is_met_at_every_phase(share: int) -> None:
    at_ns, met = 0, []
    for _ in range(400):
        at_ns = next_beat_ns(at_ns, BEAT_NS)
        met.append(at_ns * share % BEAT_NS < BEAT_NS // 2)
    assert sum(met) == pytest.approx(200, abs=4)
