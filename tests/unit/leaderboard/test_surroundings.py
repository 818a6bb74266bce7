"""Conditions as a reader sees them: in readable units, unknown where nothing answered."""

from __future__ import annotations

from types import ModuleType

import pytest

from suite.leaderboard.drawing.quantities import described
from suite.leaderboard.result.surroundings import QuantityLine, surroundings
from suite.record import Attempt
from suite.trace import Conditions, Window


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("sm_clock_mhz", 1912.0, "1,912 MHz"),
        ("temperature_c", 66.54, "66.5 °C"),
        ("temperature_c", 0.0, "0 °C"),
        ("power_limit_w", 700.0, "700 W"),
        ("utilisation", 0.99, "99 %"),
        ("process_memory_bytes", 2.0**31, "2 GiB"),
        ("driver_lag_s", 0.016, "16.0 ms"),
        ("compute_processes", 2.0, "2"),
        ("on_battery", 1.0, "yes"),
        ("on_battery", 0.0, "no"),
        ("something_else", 3.0, "3"),
        ("_mhz", 3.0, "3"),
        ("", 3.0, "3"),
    ],
)
def test_a_quantity_is_written_in_its_unit(name: str, value: float, text: str) -> None:
    assert described(name).text(value) == text


@pytest.mark.parametrize(
    ("name", "label"),
    [("sm_clock_mhz", "SM clock"), ("memory_clock_mhz", "Memory clock"), ("fan_speed", "Fan speed"), ("", "")],
)
def test_a_quantity_is_called_by_a_name_without_its_unit(name: str, label: str) -> None:
    assert described(name).label == label


def lines(synthetic: ModuleType, windows: tuple[Window, ...], *values: float | None) -> tuple[QuantityLine, ...]:
    """One sample a second, from second 0 on."""
    attempts = (attempt for cell in synthetic.result(0, 1).cells for attempt in cell.attempts)
    plain: Attempt = next(attempt for attempt in attempts if attempt.outcome == "ok")
    seen = Conditions("gpu0", tuple(10**9 * second for second in range(len(values))), {"temperature_c": values})
    (made,) = surroundings(plain.model_copy(update={"windows": windows, "conditions": (seen,)}))
    assert made.domain == "gpu0"
    return made.lines


def test_samples_count_while_a_window_is_open(synthetic: ModuleType) -> None:
    open_from_second_1_to_3 = (Window(10**9, 3 * 10**9, 1),)
    (line,) = lines(synthetic, open_from_second_1_to_3, 20.0, 50.0, 52.0, 60.0, 99.0)
    assert line == QuantityLine(label="Temperature", span=("50 °C", "52 °C", "60 °C"), answers="3")


def test_without_a_window_every_sample_counts(synthetic: ModuleType) -> None:
    (line,) = lines(synthetic, (), 20.0, 50.0, 99.0)
    assert line.span == ("20 °C", "50 °C", "99 °C")


def test_a_sample_that_did_not_answer_is_not_zero(synthetic: ModuleType) -> None:
    (line,) = lines(synthetic, (), None, 50.0, None, 60.0)
    assert line.span == ("50 °C", "55 °C", "60 °C")
    assert line.answers == "2 of 4"


def test_a_quantity_that_never_answered_is_unknown(synthetic: ModuleType) -> None:
    (line,) = lines(synthetic, (), None, None)
    assert line.span is None
    assert line.answers == "0 of 2"


def test_a_value_beyond_all_reason_is_no_answer(synthetic: ModuleType) -> None:
    (line,) = lines(synthetic, (), 1.7e308, -1.7e308, 50.0)
    assert line.span == ("50 °C", "50 °C", "50 °C")
    assert line.answers == "1 of 3"
