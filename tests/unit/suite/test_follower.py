"""Whatever a meter does, its ticks are true and what is lost is told with its instants."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from backends.meters.base import CounterReset, Description, MeterLost, PowerIntegrator, Reading
from suite.follower import RETRY_NS, Follower
from suite.trace import Window
from suite.tracker import BEAT_NS, Tracker

SECOND, MS = 1_000_000_000, 1_000_000

Answer = Reading | MeterLost | CounterReset


class ScriptedMeter:
    """Answers as it was told to, one answer a reading."""

    def __init__(self, answers: Sequence[Answer], method: Any = "counter") -> None:
        self.description = Description(domain="gpu0", boundary="device", method=method, source="script")
        self._answers = iter(answers)

    def read(self) -> Reading:
        answer = next(self._answers)
        if isinstance(answer, Reading):
            return answer
        raise answer

    def close(self) -> None:
        """Nothing is held open."""


def told(answers: Sequence[tuple[float, Answer]], *, method: str = "counter") -> tuple[list[dict[str, Any]], Follower]:
    """The events of a meter read at these seconds with these answers."""
    tracker = Tracker(0.001, steady=method == "integrated")
    follower = Follower(3, ScriptedMeter([answer for _, answer in answers], method), tracker)
    return [event for at_s, _ in answers for event in follower.read(int(at_s * SECOND))], follower


def counted(at_s: float, energy_uj: int) -> tuple[float, Answer]:
    return at_s, Reading(int(at_s * SECOND), energy_uj)


def powered(integrator: PowerIntegrator, at_s: float, power_w: float) -> tuple[float, Answer]:
    return at_s, integrator.add(int(at_s * SECOND), power_w)


def spans(events: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    return [(event["code"], event["start_ns"] / SECOND, event["end_ns"] / SECOND) for event in events]


def test_readings_become_ticks_and_no_events() -> None:
    events, follower = told([counted(0.1, 5), counted(0.2, 6), counted(0.3, 9)])
    assert events == []
    assert follower.take_ticks() == ([SECOND // 10, SECOND // 5, 3 * SECOND // 10], [5, 6, 9])
    assert follower.take_ticks() == ([], [])


@pytest.mark.fault("counter does not answer once", "right joules")
def test_a_counter_that_does_not_answer_once_loses_nothing() -> None:
    events, follower = told([counted(0.1, 5), (0.2, MeterLost("busy")), counted(0.25, 7)])
    assert events == []
    assert follower.take_ticks()[1] == [5, 7]


def test_a_counter_that_did_not_answer_is_asked_again_soon_then_seldom() -> None:
    _, once = told([counted(0.1, 5), (0.2, MeterLost("busy"))])
    assert once.due_ns == SECOND // 5 + BEAT_NS
    _, twice = told([counted(0.1, 5), (0.2, MeterLost("busy")), (0.3, MeterLost("busy"))])
    assert twice.due_ns == int(0.3 * SECOND) + RETRY_NS


@pytest.mark.fault("power sensor does not answer once", "meter_lost")
def test_an_integrating_meter_that_does_not_answer_once_has_lost_that_stretch() -> None:
    watts = PowerIntegrator()
    answers = [powered(watts, 0.1, 50), (0.15, MeterLost("busy")), powered(watts, 0.2, 50)]
    events, _ = told(answers, method="integrated")
    assert spans(events) == [("meter_lost", 0.1, 0.15), ("meter_lost", 0.1, 0.2)]


@pytest.mark.fault("counter lost for seconds", "meter_lost")
def test_a_meter_lost_for_longer_is_lost_from_its_last_good_reading_to_the_next() -> None:
    answers = [counted(0.1, 5), *((at_s, MeterLost("gone")) for at_s in (0.2, 0.25, 0.75)), counted(1.25, 90)]
    events, _ = told(answers)
    assert spans(events) == [("meter_lost", 0.1, 0.25), ("meter_lost", 0.1, 0.75), ("meter_lost", 0.1, 1.25)]
    assert {event["meter"] for event in events} == {3}


@pytest.mark.fault("counter falls", "counter_fell")
def test_a_reset_is_told_from_the_last_good_reading_on() -> None:
    events, follower = told([counted(0.1, 5), (0.2, CounterReset("fell")), counted(0.3, 6)])
    assert spans(events) == [("counter_fell", 0.1, 0.2)]
    assert follower.take_ticks()[1] == [5, 6]


@pytest.mark.fault("power sensor read over a second late", "meter_lost")
@pytest.mark.parametrize(("gap_s", "lost"), [(0.9, False), (1.1, True), (60.0, True)])
def test_a_power_that_nobody_read_for_over_a_second_was_not_integrated(gap_s: float, lost: bool) -> None:
    watts = PowerIntegrator()
    answers = [powered(watts, 0.1, 50), powered(watts, 0.1 + gap_s, 50), powered(watts, 0.2 + gap_s, 50)]
    events, _ = told(answers, method="integrated")
    assert [event["code"] for event in events] == ["meter_lost"] * lost
    assert [event["end_ns"] - event["start_ns"] for event in events] == pytest.approx([gap_s * SECOND] * lost)


def test_a_slow_power_sensor_may_be_read_as_seldom_as_three_of_its_periods() -> None:
    watts = PowerIntegrator()
    meter = ScriptedMeter([powered(watts, at_s, 50)[1] for at_s in (1.0, 3.9, 7.0)], "integrated")
    follower = Follower(0, meter, Tracker(1.0, steady=True))
    assert list(follower.read(0)) == []
    assert list(follower.read(0)) == []
    assert [event["code"] for event in follower.read(0)] == ["meter_lost"]


def test_a_counter_may_be_read_late_for_it_counts_meanwhile() -> None:
    assert told([counted(0.1, 5), counted(5.1, 5_000_000)])[0] == []


@pytest.mark.fault("counter stands still", "counter_stuck")
def test_a_counter_that_stood_still_is_told_until_it_moves_again() -> None:
    answers = [counted(step / 10, 5 if step < 50 else 6) for step in range(1, 53)]
    events, _ = told(answers)
    assert {event["code"] for event in events} == {"counter_stuck"}
    assert {event["start_ns"] for event in events} == {SECOND // 10}
    assert events[-1]["end_ns"] == 5 * SECOND
    assert events[-1]["detail"] == "moves again"


@pytest.mark.fault("answers that a shared service stamped long ago", "right joules")
def test_a_meter_that_answers_of_the_past_is_not_asked_without_pause() -> None:
    _, follower = told([(10.0, Reading(SECOND, 5))])
    assert follower.due_ns > 10 * SECOND


def window(start_s: float, end_s: float) -> Window:
    return Window(int(start_s * SECOND), int(end_s * SECOND), 1)


@pytest.mark.parametrize(
    ("kind", "at_s", "length_s", "reason"),
    [
        pytest.param("late", 3.0, 0.4, None, marks=pytest.mark.fault("late reader in a window", "right joules")),
        pytest.param("late", 3.0, 4.0, None, marks=pytest.mark.fault("hung read in a window", "right joules")),
        pytest.param("late", 0.5, 2.0, "trace_gap", marks=pytest.mark.fault("late reader at an edge", "trace_gap")),
        pytest.param("lost", 3.0, 0.02, None, marks=pytest.mark.fault("driver busy for 20 ms", "right joules")),
        pytest.param("lost", 3.0, 2.0, "meter_lost", marks=pytest.mark.fault("driver gone for 2 s", "meter_lost")),
        pytest.param("reset", 3.0, 0.0, "counter_fell", marks=pytest.mark.fault("driver reloaded", "counter_fell")),
        pytest.param("stuck", 3.0, 5.0, "counter_stuck", marks=pytest.mark.fault("register frozen", "counter_stuck")),
    ],
)
@pytest.mark.parametrize("period_ms", [1, 20, 100])
def test_a_mishap_ends_in_the_right_joules_or_the_right_reason(
    virtual: SimpleNamespace, period_ms: int, kind: str, at_s: float, length_s: float, reason: str | None
) -> None:
    mishap = virtual.Fault(kind, int(at_s * SECOND), int(length_s * SECOND))
    power = virtual.Power([(SECOND, 40.0), (11 * SECOND, 300.0), (20 * SECOND, 40.0)])
    board = virtual.Board(power, period_ms * MS, phase_ns=period_ms * MS // 3, faults=[mishap])
    energy = virtual.follow(board, 12 * SECOND).energy(window(1, 12))
    if reason is None:
        assert energy.joules == pytest.approx(3300, rel=1e-3)
    else:
        assert energy.joules is None
        assert reason in energy.reasons


@pytest.mark.fault("register wraps three times in a window", "right joules")
def test_a_register_that_wraps_within_the_window_loses_nothing(virtual: SimpleNamespace) -> None:
    board = virtual.Board(virtual.Power([(30 * SECOND, 700.0)]), MS, range_uj=2_000_000_000, start_uj=1_999_000_000)
    assert virtual.follow(board, 12 * SECOND).energy(window(2, 12)).joules == pytest.approx(7000, rel=1e-3)


@pytest.mark.fault("register left alone for longer than a wrap may take", "counter_fell")
def test_a_register_that_may_have_wrapped_unseen_has_no_joules(virtual: SimpleNamespace) -> None:
    late = virtual.Fault("late", 5 * SECOND, 2 * SECOND)
    board = virtual.Board(virtual.Power([(30 * SECOND, 700.0)]), MS, range_uj=2_000_000_000, faults=[late])
    energy = virtual.follow(board, 12 * SECOND).energy(window(2, 12))
    assert (energy.joules, "counter_fell" in energy.reasons) == (None, True)


@pytest.mark.fault("power sensor's reader asleep for 3 s of a window", "meter_lost")
def test_a_window_in_which_the_power_was_not_read_has_no_joules(virtual: SimpleNamespace) -> None:
    power = virtual.Power([(2 * SECOND, 40.0), (20 * SECOND, 300.0)])
    board = virtual.Board(power, 20 * MS, integrates=True, faults=[virtual.Fault("late", 4 * SECOND, 3 * SECOND)])
    followed = virtual.follow(board, 20 * SECOND)
    hit, whole = followed.energy(window(3, 9)), followed.energy(window(8, 20))
    assert (hit.joules, "meter_lost" in hit.reasons) == (None, True)
    assert whole.joules == pytest.approx(3600, rel=1e-3)
