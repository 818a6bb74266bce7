"""What happened is told with its time, its place, the windows it touches and what follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import pytest

from suite.leaderboard.result.happened import MOST_EVENTS, Happened, happened
from suite.record import Attempt
from suite.trace import Event, Meter, Window

Tell = Callable[..., Happened]

METER = Meter(
    domain="gpu0", boundary="device", method="counter", source="nvml.total_energy", bound=None, check=False,
    calibration=0.05, note=None, update_period_s=0.1, tick_width_s=0.004, resolution_uj=1000, scope="gpu",
)  # fmt: skip

WINDOWS = tuple(Window(round(start * 1e9), round((start + 10) * 1e9), 1) for start in (10, 21, 32))


def event(start_s: float, end_s: float, code: str = "foreign_cpu", **where: object) -> Event:
    return Event(code=code, start_ns=round(start_s * 1e9), end_ns=round(end_s * 1e9), **where)  # type: ignore[arg-type]


@pytest.fixture
def tell(synthetic: ModuleType) -> Tell:
    """Events to lines, of an attempt with three windows."""
    attempts = (attempt for cell in synthetic.result(0, 1).cells for attempt in cell.attempts)
    plain: Attempt = next(attempt for attempt in attempts if attempt.outcome == "ok")

    def told(*events: Event, windows: Sequence[Window] = WINDOWS) -> Happened:
        return happened((METER,), plain.model_copy(update={"events": events, "windows": tuple(windows)}))

    return told


@pytest.mark.parametrize(
    ("start_s", "end_s", "windows"),
    [(1, 2, "outside the windows"), (12, 13, "window 1"), (12, 22, "windows 1–2"), (0, 99, "windows 1–3")],
)
def test_an_event_names_the_windows_it_touches(tell: Tell, start_s: float, end_s: float, windows: str) -> None:
    (line,) = tell(event(start_s, end_s)).lines
    assert line.windows == windows
    assert line.when == f"{start_s:.1f}–{end_s:.1f} s"


def test_an_event_of_an_instant_has_one_time(tell: Tell) -> None:
    (line,) = tell(event(12, 12)).lines
    assert line.when == "12.0 s"


def test_an_attempt_without_windows_says_nothing_of_them(tell: Tell) -> None:
    (line,) = tell(event(1, 2), windows=()).lines
    assert line.windows is None


@pytest.mark.parametrize(
    ("where", "concerns"),
    [({"meter": 0}, "gpu0, nvml.total_energy"), ({"domain": "host"}, "host"), ({}, "whole machine")],
)
def test_an_event_says_what_it_concerns(tell: Tell, where: dict[str, object], concerns: str) -> None:
    (line,) = tell(event(12, 13, **where)).lines
    assert line.concerns == concerns


@pytest.mark.parametrize(
    ("code", "word"), [("sw_power_cap", "Recorded"), ("foreign_cpu", "Flagged"), ("meter_lost", "No joules")]
)
def test_an_event_says_what_follows_from_its_policy(tell: Tell, code: str, word: str) -> None:
    (line,) = tell(event(12, 13, code)).lines
    assert line.follows.startswith(word)


def test_events_that_touch_a_window_come_first_and_then_in_order_of_time(tell: Tell) -> None:
    lines = tell(event(1, 2), event(23, 24), event(12, 13)).lines
    assert [line.when for line in lines] == ["12.0–13.0 s", "23.0–24.0 s", "1.0–2.0 s"]


def test_a_flood_of_events_is_cut_and_counted(tell: Tell) -> None:
    told = tell(*(event(number, number + 0.5) for number in range(MOST_EVENTS + 7)))
    assert (len(told.lines), told.hidden) == (MOST_EVENTS, 7)
