"""Numbers to text, without inventing digits."""

from __future__ import annotations

import pytest

from suite.units import digits_for, duration, memory, percent, quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "12.3 mJ"),
        (1234.0, "1.23 kJ"),
        (1.0, "1.00 J"),
        (0.0, "0 J"),
        (None, "—"),
        (-5.5e6, "-5.50 MJ"),
        (3e-14, "0.0300 pJ"),
    ],
)
def test_a_quantity_carries_a_prefix_and_three_digits(value: float | None, text: str) -> None:
    assert quantity(value, "J") == text


@pytest.mark.parametrize(("half", "digits"), [(None, 3), (0.0, 3), (50.0, 2), (5.0, 3), (0.001, 5)])
def test_no_more_digits_than_the_interval_supports(half: float | None, digits: int) -> None:
    assert digits_for(100.0, half) == digits


@pytest.mark.parametrize(
    ("seconds", "text"), [(42, "42 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3720, "1 h 02 min")]
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_unknown_is_a_dash() -> None:
    assert percent(None) == "—"
    assert memory(None) == "—"


def test_memory_is_binary() -> None:
    assert memory(80 * 2**30) == "80.0 GiB"
    assert memory(300 * 2**20) == "300 MiB"
