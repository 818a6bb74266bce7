"""A window's joules are the counter's difference, or unknown with a reason. Never a guess."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.energy import boundaries, window_energy
from suite.trace import Meter, Ticks, Window, counter_uj, thin

SECOND = 1_000_000_000


def meter(domain: str = "gpu0", **fields: object) -> Meter:
    plain = Meter(
        domain=domain,
        boundary="device",
        method="counter",
        source="test",
        bound=None,
        check=False,
        calibration=0.05,
        note=None,
        update_period_s=0.01,
        tick_width_s=0.01,
        resolution_uj=1000,
        scope=None,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def constant_power(power_w: float, *, index: int = 0, seconds: int = 20, per_s: int = 20) -> Ticks:
    at_ns = tuple(step * SECOND // per_s for step in range(seconds * per_s + 1))
    return Ticks(index, at_ns, tuple(round(power_w * instant / 1e3) for instant in at_ns))


WINDOW = Window(2 * SECOND + 7, 12 * SECOND + 7, 100)


def test_energy_is_power_times_time_between_ticks() -> None:
    energy = window_energy([meter()], [constant_power(250.0)], WINDOW, "device")
    assert energy.joules == pytest.approx(2500.0, rel=1e-9)
    assert energy.meter_class == "measured"
    assert energy.reasons == ()


@given(
    power_w=st.floats(0.5, 5000),
    start_ns=st.integers(SECOND, 4 * SECOND),
    length_ns=st.integers(2 * SECOND, 14 * SECOND),
)
def test_energy_of_any_window_at_constant_power_is_exact(power_w: float, start_ns: int, length_ns: int) -> None:
    window = Window(start_ns, start_ns + length_ns, 1)
    energy = window_energy([meter()], [constant_power(power_w)], window, "device")
    assert energy.joules == pytest.approx(power_w * length_ns / 1e9, rel=1e-5)


def test_the_parts_of_the_uncertainty_are_listed_apart() -> None:
    energy = window_energy([meter()], [constant_power(100.0)], Window(2 * SECOND, 12 * SECOND, 1), "device")
    assert energy.calibration_j == pytest.approx(50.0)
    assert energy.quantisation_j == pytest.approx(1e-3 / 6**0.5)
    assert energy.edge_j == pytest.approx(100.0 * 0.01 / 6**0.5)


def test_a_step_of_the_counter_weighs_more_where_it_is_followed_further() -> None:
    near, far = (
        window_energy([meter()], [constant_power(100.0)], Window(start_ns, 12 * SECOND, 1), "device").quantisation_j
        for start_ns in (2 * SECOND - SECOND // 1000, 2 * SECOND - SECOND // 25)
    )
    assert far > 1.1 * near


def test_domains_add_up_and_a_missing_one_makes_the_sum_unknown() -> None:
    meters = [meter("package-0"), meter("dram-0")]
    both = window_energy(meters, [constant_power(60.0), constant_power(5.0, index=1)], WINDOW, "device")
    assert both.joules == pytest.approx(650.0)
    short = Ticks(1, (0, SECOND), (0, 5_000_000))
    broken = window_energy(meters, [constant_power(60.0), short], WINDOW, "device")
    assert broken.joules is None
    assert broken.reasons == ("trace_gap",)


def test_packages_without_dram_are_flagged() -> None:
    energy = window_energy([meter("package-0")], [constant_power(60.0)], WINDOW, "device")
    assert "dram_missing" in energy.reasons


def test_a_window_under_100_update_periods_has_no_joules() -> None:
    slow = meter(update_period_s=0.11)
    assert window_energy([slow], [constant_power(9.0)], WINDOW, "device").reasons == ("window_short",)
    assert window_energy([slow], [constant_power(9.0)], WINDOW, "device").joules is None
    enough = meter(update_period_s=0.1)
    assert window_energy([enough], [constant_power(9.0)], WINDOW, "device").joules is not None


def test_a_falling_counter_and_a_gap_at_an_edge_have_no_joules() -> None:
    ticks = constant_power(9.0)
    fallen = Ticks(0, ticks.at_ns, (*ticks.energy_uj[:-1], 0))
    assert window_energy([meter()], [fallen], Window(2 * SECOND, 20 * SECOND - 7, 1), "device").reasons == (
        "counter_fell",
    )
    assert window_energy([meter()], [fallen], WINDOW, "device").joules == pytest.approx(90.0)
    gap = [i for i, at_ns in enumerate(ticks.at_ns) if not 11.5e9 < at_ns < 12.6e9]
    gappy = Ticks(0, tuple(ticks.at_ns[i] for i in gap), tuple(ticks.energy_uj[i] for i in gap))
    assert window_energy([meter()], [gappy], WINDOW, "device").reasons == ("trace_gap",)


def test_no_meter_is_unknown_and_not_zero() -> None:
    energy = window_energy([], [], WINDOW, "device")
    assert (energy.joules, energy.meter_class, energy.reasons) == (None, "none", ("no_meter",))


def test_a_second_opinion_is_never_added_and_speaks_up_when_it_disagrees() -> None:
    meters = [meter(), meter(check=True, method="integrated")]
    agree = window_energy(meters, [constant_power(100.0), constant_power(104.0, index=1)], WINDOW, "device")
    assert agree.joules == pytest.approx(1000.0)
    assert agree.reasons == ()
    differ = window_energy(meters, [constant_power(100.0), constant_power(106.0, index=1)], WINDOW, "device")
    assert differ.joules == pytest.approx(1000.0)
    assert differ.reasons == ("methods_disagree",)


def test_an_estimate_is_a_range_and_never_measured() -> None:
    low = meter("cpu", method="estimate", bound="low", calibration=None)
    high = meter("cpu", method="estimate", bound="high", calibration=None)
    energy = window_energy([low, high], [constant_power(10.0), constant_power(30.0, index=1)], WINDOW, "device")
    assert energy.meter_class == "estimated"
    assert energy.joules == pytest.approx(200.0)
    assert energy.range_j == pytest.approx(100.0)
    assert energy.reasons == ("estimate",)


def test_a_sum_has_the_class_of_its_weakest_part() -> None:
    meters = [meter(), meter("cpu", boundary="machine", method="estimate", calibration=None)]
    energy = window_energy(meters, [constant_power(100.0), constant_power(30.0, index=1)], WINDOW, "machine")
    assert energy.meter_class == "estimated"


def test_the_machine_boundary_holds_the_device_and_the_host() -> None:
    meters = [meter(), meter("package-0", boundary="machine")]
    ticks = [constant_power(300.0), constant_power(50.0, index=1)]
    assert window_energy(meters, ticks, WINDOW, "device").joules == pytest.approx(3000.0)
    assert window_energy(meters, ticks, WINDOW, "machine").joules == pytest.approx(3500.0)


def test_boundaries_follow_from_the_meters() -> None:
    assert boundaries([]) == ("device",)
    assert boundaries([meter()]) == ("device",)
    assert boundaries([meter("package-0")]) == ("device", "machine")
    assert boundaries([meter(), meter("package-0", boundary="machine")]) == ("device", "machine")
    assert boundaries([meter("package-0", boundary="machine")]) == ("device",)


def test_the_counter_is_unknown_outside_its_ticks() -> None:
    ticks = constant_power(1.0, seconds=1)
    assert counter_uj(ticks, -1) is None
    assert counter_uj(ticks, SECOND + 1) is None
    assert counter_uj(ticks, SECOND) == 1_000_000


@given(
    edges=st.lists(st.integers(1, 18 * SECOND), min_size=2, max_size=6, unique=True).map(sorted),
    steps_uj=st.lists(st.integers(1, 10**8), min_size=400, max_size=400),
)
def test_thinning_leaves_every_windows_joules_and_uncertainty_as_they_were(
    edges: list[int], steps_uj: list[int]
) -> None:
    windows = [Window(start, end, 1) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    ticks = Ticks(0, tuple(step * SECOND // 20 for step in range(400)), tuple(accumulate(steps_uj)))
    thinned = thin(ticks, windows)
    assert len(thinned.at_ns) < len(ticks.at_ns)
    for window in windows:
        before = window_energy([meter()], [ticks], window, "device")
        assert window_energy([meter()], [thinned], window, "device") == before


@pytest.mark.fault("counter at rest across an edge", "counter_stuck")
def test_a_counter_that_rests_across_an_edge_has_no_joules_but_a_power_of_zero_has() -> None:
    moving = constant_power(100.0)
    resting = Ticks(0, moving.at_ns, tuple(min(value, moving.energy_uj[239]) for value in moving.energy_uj))
    energy = window_energy([meter()], [resting], WINDOW, "device")
    assert (energy.joules, energy.reasons) == (None, ("counter_stuck",))
    powerless = window_energy([meter(method="integrated")], [constant_power(0.0)], WINDOW, "device")
    assert powerless.joules == 0.0


@pytest.mark.fault("power not sampled for over a second within a window", "trace_gap")
def test_a_power_that_was_not_sampled_for_a_second_has_no_joules_but_a_counter_has() -> None:
    ticks = constant_power(100.0)
    kept = [index for index, at_ns in enumerate(ticks.at_ns) if not 6 * SECOND < at_ns < 7.2 * SECOND]
    gappy = Ticks(0, tuple(ticks.at_ns[i] for i in kept), tuple(ticks.energy_uj[i] for i in kept))
    assert window_energy([meter(method="integrated")], [gappy], WINDOW, "device").reasons == ("trace_gap",)
    assert window_energy([meter()], [gappy], WINDOW, "device").joules == pytest.approx(1000.0)


MS = 1_000_000
FAST_MS, SLOW_MS = (1, 2, 5), (9, 20, 50, 100)
LENGTHS_S = {
    "late": (0.005, 0.03, 0.2, 0.8, 4.0),
    "lost": (0.01, 0.06, 0.3, 1.5, 4.0),
    "reset": (0.0,),
    "stuck": (5.0, 7.0),
}


@st.composite
def lives(draw: st.DrawFn, virtual: SimpleNamespace) -> tuple[Any, Window, int, float]:
    """A machine with whatever counter, load and mishaps; a window of work; how late its reader wakes up; the period as
    it was probed.
    """
    period_ms = draw(st.sampled_from(FAST_MS + SLOW_MS))
    start_ns = draw(st.integers(800 * MS, 2000 * MS))
    length_ns = int(max(draw(st.floats(1, 1.6)) * period_ms * 0.1, draw(st.sampled_from([0.2, 1, 3]))) * SECOND)
    window = Window(start_ns, start_ns + length_ns, 1)
    faults = draw(mishaps(virtual, window))
    range_uj, start_uj = draw(registers(period_ms, any(fault.kind == "reset" for fault in faults)))
    board = virtual.Board(
        power=draw(powers(virtual, window)),
        period_ns=period_ms * MS,
        phase_ns=draw(st.integers(0, period_ms * MS - 1)),
        jitter_ns=draw(st.sampled_from([0, MS // 2, 2 * MS])) if period_ms in SLOW_MS else 0,
        resolution_uj=draw(st.sampled_from([1, 61, 1000, 100_000])),
        start_uj=start_uj,
        range_uj=range_uj,
        faults=faults,
        seed=draw(st.integers(0, 2**32)),
    )
    delay_ns = draw(st.sampled_from([50_000, 300_000, 900_000, 3_000_000]))
    return board, window, delay_ns, period_ms / 1e3 * draw(st.floats(0.95, 1.05))


@st.composite
def powers(draw: st.DrawFn, virtual: SimpleNamespace, window: Window) -> Any:
    """Work between idle and idle, or a walk that pays no heed to the window."""
    watts = st.floats(1, 2000)
    if draw(st.booleans()):
        ends_ns = (window.start_ns, window.end_ns - window.start_ns, 60 * SECOND)
        return virtual.Power([(length_ns, draw(watts)) for length_ns in ends_ns])
    longest_ns = draw(st.sampled_from([20 * MS, 100 * MS, 400 * MS, 2 * SECOND, 10 * SECOND]))
    pattern = draw(st.lists(st.tuples(st.integers(MS // 10, longest_ns), watts), min_size=1, max_size=12))
    laps = 1 + 60 * SECOND // sum(length_ns for length_ns, _ in pattern)
    return virtual.Power(pattern * min(laps, 2000))


@st.composite
def mishaps(draw: st.DrawFn, virtual: SimpleNamespace, window: Window) -> list[Any]:
    kinds = draw(st.lists(st.sampled_from(sorted(LENGTHS_S)), max_size=3))
    if kinds.count("stuck") > 1 or kinds.count("reset") > 1:  # a register that falls twice may be back where it was
        kinds = kinds[:1]
    found = []
    for kind in kinds:
        at_ns = draw(st.integers(SECOND // 4, window.end_ns + SECOND))
        length_s = draw(st.sampled_from(LENGTHS_S[kind]))
        if "stuck" in kinds and kind != "stuck":
            length_s = min(length_s, 0.6)  # a reader that is away for as long as a counter rests cannot know of it
        found.append(virtual.Fault(kind, at_ns, int(length_s * SECOND)))
    return found


@st.composite
def registers(draw: st.DrawFn, period_ms: int, falls: bool) -> tuple[int | None, int]:
    """Where a register wraps and where it starts. One that falls must do so by more than its reader can explain."""
    if period_ms in SLOW_MS or draw(st.booleans()):
        return None, 10**13
    if falls:
        return 262_143_328_850, draw(st.integers(20 * 10**9, 200 * 10**9))
    range_uj = draw(st.sampled_from([2 * 10**9, 65_532_610_987, 262_143_328_850]))
    return range_uj, range_uj - draw(st.integers(1, min(range_uj, 6 * 10**9)))


@pytest.mark.fault("late reads, lost reads, resets, wraps and standstills at random", "right joules or a reason")
@given(data=st.data())
def test_joules_are_right_within_what_they_state_or_unknown_with_a_reason(
    virtual: SimpleNamespace, data: st.DataObject
) -> None:
    board, window, delay_ns, probed_s = data.draw(lives(virtual))
    followed = virtual.follow(board, window.end_ns, delay_ns=delay_ns, probed_s=probed_s)
    energy = followed.energy(window)
    if energy.joules is None:
        assert energy.reasons
        return
    truth_j = followed.truth_j(window)
    standard_j = math.hypot(energy.edge_j, energy.quantisation_j)
    allowed_j = max(1e-3 * truth_j, 4 * standard_j + followed.edge_bound_j(window))
    assert abs(energy.joules - truth_j) <= allowed_j


@given(data=st.data())
def test_a_machine_without_mishaps_always_has_joules(virtual: SimpleNamespace, data: st.DataObject) -> None:
    board, window, _, probed_s = data.draw(lives(virtual))
    whole = replace(board, faults=(), jitter_ns=0, resolution_uj=1, moves_ns=[])
    window = replace(window, end_ns=window.end_ns + board.period_ns * 10)
    energy = virtual.follow(whole, window.end_ns, delay_ns=500_000, probed_s=probed_s).energy(window)
    assert energy.joules is not None, energy.reasons
