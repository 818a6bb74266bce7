"""What is kept of a stretch tells what happened, gives the joules, and tells nothing of when the machine started."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suite.energy import window_energy
from suite.keep import UNTOLD, energies, rail_ticks, thinned, what_happened
from suite.tape import Tape
from suite.trace import Event, Meter, Ticks, Window

SECOND = 1_000_000_000
WELL = {"boottime_s": 0.5, "realtime_s": 1.7e9, "raw_s": 0.25, "cpu_busy_s": 900.0, "temperature_c": 50.0}


def tape(looks: dict[int, dict[str, float]]) -> Tape:
    return Tape(looks=[("host", second * SECOND, WELL | changed) for second, changed in sorted(looks.items())])


@pytest.mark.fault("machine suspended for nine seconds", "suspended")
def test_what_happened_since_the_look_before_the_origin_began_at_the_origin() -> None:
    slept = tape({4: {}, 5: {}, 6: {"boottime_s": 9.5}, 7: {"boottime_s": 9.5}})
    origin_ns = 5 * SECOND + SECOND // 2
    events, _ = what_happened(slept, origin_ns, 7 * SECOND, origin_ns, workers=1)
    assert events == (Event(code="suspended", start_ns=0, end_ns=SECOND // 2),)


@pytest.mark.fault("wall clock set by an hour", "clock_stepped")
def test_a_step_of_the_wall_clock_is_on_record_and_costs_no_joules(make_meter: Callable[..., Meter]) -> None:
    events, _ = what_happened(
        tape({0: {}, 1: {}, 2: {"realtime_s": 1.7e9 + 3600}, 3: {"realtime_s": 1.7e9 + 3600}}),
        0,
        3 * SECOND,
        0,
        workers=1,
    )
    assert [event.code for event in events] == ["clock_stepped"]
    ticks = Ticks(0, tuple(step * SECOND // 10 for step in range(60)), tuple(step * 10**7 for step in range(60)))
    energy = window_energy([make_meter()], [ticks], Window(SECOND, 4 * SECOND, 1), "device", events)
    assert (energy.joules, energy.reasons) == (pytest.approx(300), ("clock_stepped",))


@pytest.mark.fault("clock slewed by 2 % for good", "clock_unsteady")
def test_a_slew_that_lasts_is_one_event() -> None:
    slewed = {second: {"raw_s": 0.25 + 0.02 * second} for second in range(6)}
    events, _ = what_happened(tape(slewed), SECOND, 4 * SECOND, 0, workers=1)
    assert [(event.code, event.start_ns, event.end_ns) for event in events] == [("clock_unsteady", 0, 5 * SECOND)]


def test_what_counts_from_boot_is_not_told_and_a_zero_is_no_gap() -> None:
    _, (host,) = what_happened(tape({0: {"on_battery": 0.0}, 1: {"on_battery": 0.0}}), 0, SECOND, 0, workers=1)
    assert set(host.values) == {"on_battery", "temperature_c"}
    assert not set(host.values) & set(UNTOLD)


def test_looks_before_the_origin_are_not_told() -> None:
    _, (host,) = what_happened(tape({4: {}, 5: {}, 6: {}}), 5 * SECOND, 6 * SECOND, 5 * SECOND, workers=1)
    assert host.at_ns == (0, SECOND)


@pytest.mark.fault("CPU throttled before the attempt began", "right joules")
def test_what_ended_before_the_origin_is_not_told() -> None:
    made = tape({3: {"cpu_throttle_count": 1.0}, 4: {"cpu_throttle_count": 2.0}, 5: {"cpu_throttle_count": 2.0}})
    assert what_happened(made, 5 * SECOND, 6 * SECOND, 5 * SECOND, workers=1)[0] == ()


def test_rails_tick_at_the_edges_of_their_windows(make_meter: Callable[..., Meter]) -> None:
    windows = [Window(SECOND, 2 * SECOND, 1), Window(3 * SECOND, 5 * SECOND, 1)]
    (ticks,) = rail_ticks([(0, list(zip(windows, [100.0, 40.0], strict=True))), (1, [])])
    meter = make_meter(method="rails", update_period_s=0.0)
    assert [window_energy([meter], [ticks], window, "device").joules for window in windows] == [100.0, 80.0]


@pytest.mark.fault("profiler showed no rails in one window", "trace_gap")
def test_a_window_whose_rails_were_not_shown_is_unknown_and_not_zero(make_meter: Callable[..., Meter]) -> None:
    shown = [(Window(SECOND, 2 * SECOND, 1), 100.0), (Window(3 * SECOND + 1, 5 * SECOND, 1), 40.0)]
    meter = make_meter(method="rails", update_period_s=0.0)
    energy = window_energy([meter], rail_ticks([(0, shown)]), Window(2 * SECOND + 1, 3 * SECOND, 1), "device")
    assert (energy.joules, energy.reasons) == (None, ("trace_gap",))


def test_energies_come_for_each_window_and_boundary(make_meter: Callable[..., Meter]) -> None:
    meters = [make_meter("gpu0"), make_meter("package-0", boundary="machine")]
    at_ns = tuple(step * SECOND // 10 for step in range(100))
    ticks = thinned([Ticks(n, at_ns, tuple(step * 10**6 for step in range(100))) for n in (0, 1)], [])
    windows = [Window(2 * SECOND, 4 * SECOND, 1), Window(4 * SECOND, 8 * SECOND, 1)]
    found = energies(meters, ticks, windows, [])
    assert [[(one.boundary, one.joules) for one in row] for row in found] == [
        [("device", pytest.approx(20)), ("machine", pytest.approx(40))],
        [("device", pytest.approx(40)), ("machine", pytest.approx(80))],
    ]
