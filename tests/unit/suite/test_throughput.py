"""What metering costs the work is the ratio of neighbours, one metered and one not."""

from __future__ import annotations

import pytest

from suite.throughput import Alternate, compared, is_metered
from suite.trace import Window

SECOND = 1_000_000_000


def windows(rates: list[float]) -> list[Window]:
    """Windows of 2 s, one after another."""
    return [
        Window(number * 3 * SECOND, number * 3 * SECOND + 2 * SECOND, round(rate * 2))
        for number, rate in enumerate(rates)
    ]


def test_windows_take_turns_so_that_a_drift_favours_neither() -> None:
    assert [is_metered(number) for number in range(8)] == [True, False, False, True, True, False, False, True]


def test_the_ratio_is_with_over_without() -> None:
    found = compared(windows([990, 1000, 1000, 990, 990, 1000, 1000, 990]))
    assert found is not None
    assert (found.ratio, found.low, found.high) == pytest.approx((0.99, 0.99, 0.99))
    assert found.pairs == 4


def test_a_machine_that_slows_down_steadily_shows_no_cost() -> None:
    found = compared(windows([1000 - 2 * number for number in range(20)]))
    assert found is not None
    assert found.low <= 1.0 <= found.high
    assert found.ratio == pytest.approx(1.0, abs=1e-4)


def test_the_interval_holds_ratios_that_vary() -> None:
    found = compared(windows([980, 1000, 1000, 1000]))
    assert found is not None
    assert found.low < 0.98 < 1.0 < found.high


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_fewer_than_two_pairs_say_nothing(count: int) -> None:
    assert compared(windows([1000] * count)) is None


class FakeRecorder:
    def __init__(self) -> None:
        self.said: list[bool] = []

    def pause(self, *, paused: bool) -> None:
        self.said.append(paused)


def test_meters_are_told_only_when_something_changes_and_read_again_at_the_end() -> None:
    recorder = FakeRecorder()
    turns = Alternate(recorder)  # type: ignore[arg-type]
    for number in range(6):
        turns.open(number)
    assert recorder.said == [True, False, True]
    turns.close()
    turns.close()
    assert recorder.said == [True, False, True, False]
