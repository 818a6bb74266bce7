"""A window's joules are the counter's difference, or unknown with a reason. Never a guess."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.energy import Meter, Ticks, Window, boundaries, counter_uj, thin, window_energy

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


def test_the_calibration_and_the_edges_are_listed_apart() -> None:
    energy = window_energy([meter()], [constant_power(100.0)], WINDOW, "device")
    assert energy.calibration_j == pytest.approx(50.0)
    assert energy.standard_j == pytest.approx(100.0 * 0.01 / 6**0.5)


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


@given(st.lists(st.integers(0, 19), min_size=2, max_size=6, unique=True).map(sorted))
def test_thinning_leaves_every_windows_joules_as_they_were(edges: list[int]) -> None:
    windows = [Window(start * SECOND + 1, end * SECOND, 1) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    ticks = constant_power(80.0)
    thinned = thin(ticks, windows)
    assert len(thinned.at_ns) < len(ticks.at_ns)
    for window in windows:
        before = window_energy([meter()], [ticks], window, "device")
        assert window_energy([meter()], [thinned], window, "device") == before
