"""What gauges see becomes a reason code for the stretch in which it happened, and for no other."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.conditions import events_of, load_events
from suite.energy import window_energy
from suite.trace import Conditions, Event, Meter, Ticks, Window

SECOND = 1_000_000_000
WINDOW = Window(2 * SECOND, 12 * SECOND, 1)


def seen(domain: str, quantity: str, *values: float | None) -> Conditions:
    return Conditions(domain, tuple(second * SECOND for second in range(len(values))), {quantity: values})


def codes(conditions: Conditions, workers: int = 1) -> list[str]:
    return [event.code for event in events_of(conditions, workers=workers)]


RULES = [
    ("gpu0", "hw_slowdown", (0, 0), (0, 1), "hw_slowdown"),
    ("gpu0", "hw_thermal_slowdown", (0, 0), (0, 1), "hw_thermal_slowdown"),
    ("gpu0", "power_brake", (0, 0), (0, 1), "power_brake"),
    ("gpu0", "sw_thermal_slowdown", (0, 0), (0, 1), "sw_thermal_slowdown"),
    ("gpu0", "sw_power_cap", (0, 0), (0, 1), "sw_power_cap"),
    ("gpu0", "clocks_set", (0, 0), (0, 1), "clocks_set"),
    ("gpu0", "power_limit_w", (300, 300), (300, 250), "power_limit_changed"),
    ("gpu0", "ecc_uncorrected", (4, 4), (4, 5), "ecc_uncorrected"),
    ("gpu0", "graphics_processes", (0, 0), (0, 1), "foreign_graphics"),
    ("gpu0", "compute_processes", (1, 1), (1, 2), "foreign_compute"),
    ("host", "swapped_pages", (1000, 1256), (1000, 1257), "swapping"),
    ("host", "cpu_throttle_count", (7, 7), (7, 8), "cpu_throttled"),
    ("host", "on_battery", (0, 0), (0, 1), "on_battery"),
    ("host", "boottime_s", (5.0, 5.09), (5.0, 5.2), "suspended"),
    ("host", "realtime_s", (5.0, 5.09), (5.0, 4.8), "clock_stepped"),
    ("host", "raw_s", (5.0, 5.0009), (5.0, 5.002), "clock_slewed"),
    ("host", "raw_s", (5.0, 5.0005), (5.0, 4.98), "clock_unsteady"),
]


@pytest.mark.parametrize(
    ("domain", "quantity", "well", "ill", "code"),
    [pytest.param(*rule, marks=pytest.mark.fault(f"{rule[1]} goes wrong", rule[4])) for rule in RULES],
)
def test_a_rule_fires_beyond_its_limit_and_not_within_it(
    domain: str, quantity: str, well: tuple[float, float], ill: tuple[float, float], code: str
) -> None:
    assert codes(seen(domain, quantity, *well)) == []
    (event,) = events_of(seen(domain, quantity, *ill), workers=1)
    assert (event.code, event.start_ns, event.end_ns) == (code, 0, SECOND)


def test_every_rule_is_tried_here() -> None:
    from suite.conditions import _RULES

    assert {(quantity, code) for quantity, code, _ in _RULES} | {("compute_processes", "foreign_compute")} == {
        (quantity, code) for _, quantity, _, _, code in RULES
    }


def test_a_slew_has_one_code_by_its_rate_whatever_the_time_between_looks() -> None:
    slow = Conditions("host", (0, 10 * SECOND), {"raw_s": (0.0, 0.05)})
    fast = Conditions("host", (0, 10 * SECOND), {"raw_s": (0.0, 0.5)})
    assert (codes(slow), codes(fast)) == (["clock_slewed"], ["clock_unsteady"])


def test_our_own_workers_are_no_foreigners() -> None:
    assert codes(seen("gpu0", "compute_processes", 2, 2), workers=2) == []
    assert codes(seen("gpu0", "compute_processes", 1, 1), workers=0) == ["foreign_compute"]


def test_stretches_that_follow_each_other_are_one_and_others_are_not() -> None:
    events = events_of(seen("gpu0", "hw_slowdown", 0, 1, 1, 0, 0, 1), workers=1)
    assert [(event.start_ns // SECOND, event.end_ns // SECOND) for event in events] == [(0, 2), (4, 5)]


def test_a_look_that_did_not_answer_is_neither_well_nor_ill() -> None:
    (event,) = events_of(seen("host", "cpu_throttle_count", 3, None, None, 4), workers=1)
    assert (event.start_ns, event.end_ns) == (0, 3 * SECOND)
    assert codes(seen("host", "cpu_throttle_count", None, 4)) == []


def test_clocks_and_sleep_strike_everything_that_is_counted_but_heat_only_what_is_hot() -> None:
    (suspended,) = events_of(seen("host", "boottime_s", 0.0, 9.0), workers=1)
    (throttled,) = events_of(seen("host", "cpu_throttle_count", 0, 1), workers=1)
    assert (suspended.domain, throttled.domain) == (None, "host")


values = st.lists(st.none() | st.floats(0, 1e9), min_size=2, max_size=20)


@given(values, st.sampled_from(sorted({rule[1] for rule in RULES})))
def test_events_lie_within_what_was_seen_in_order_and_never_touch_each_other(
    column: list[float | None], quantity: str
) -> None:
    conditions = seen("host", quantity, *column)
    by_code: dict[str, list[Event]] = {}
    for event in events_of(conditions, workers=1):
        assert 0 <= event.start_ns < event.end_ns <= conditions.at_ns[-1]
        by_code.setdefault(event.code, []).append(event)
    for events in by_code.values():
        assert all(one.end_ns < other.start_ns for one, other in pairwise(events))


@pytest.mark.parametrize(
    ("foreign_s", "stolen_s", "cores", "expected"),
    [
        (0.0, 0.0, 4, []),
        (0.49, 0.39, 4, []),
        pytest.param(0.51, 0.0, 4, ["foreign_cpu"], marks=pytest.mark.fault("others use 5 % of a core", "foreign_cpu")),
        pytest.param(
            2.01,
            0.0,
            4,
            ["foreign_cpu_heavy"],
            marks=pytest.mark.fault("others use 5 % of the machine", "foreign_cpu_heavy"),
        ),
        pytest.param(0.0, 0.41, 4, ["cpu_stolen"], marks=pytest.mark.fault("hypervisor takes CPU time", "cpu_stolen")),
        (6.3, 0.0, 64, []),
        (6.5, 0.0, 64, ["foreign_cpu"]),
        (32.1, 6.5, 64, ["foreign_cpu_heavy", "cpu_stolen"]),
    ],
)
def test_load_of_others_counts_from_its_share_of_the_window(
    foreign_s: float, stolen_s: float, cores: int, expected: list[str]
) -> None:
    events = load_events(WINDOW, foreign_cpu_s=foreign_s, stolen_cpu_s=stolen_s, cores=cores)
    assert [event.code for event in events] == expected
    assert all((event.start_ns, event.end_ns, event.domain) == (2 * SECOND, 12 * SECOND, "host") for event in events)


PLAIN = Meter(
    domain="gpu0",
    boundary="device",
    method="counter",
    source="test",
    bound=None,
    check=False,
    calibration=0.0,
    note=None,
    update_period_s=0.01,
    tick_width_s=0.0,
    resolution_uj=None,
    scope=None,
)
GPU, PACKAGE = PLAIN, replace(PLAIN, domain="package-0", boundary="machine")
ESTIMATE = replace(PLAIN, domain="cpu", method="estimate", calibration=None)


def ticks(index: int = 0) -> Ticks:
    return Ticks(index, tuple(step * SECOND // 20 for step in range(300)), tuple(step * 10**7 for step in range(300)))


HALF_PAST = {"start_ns": 6 * SECOND, "end_ns": 7 * SECOND}


@pytest.mark.parametrize(
    ("event", "known"),
    [
        pytest.param(
            Event(code="suspended", **HALF_PAST), False, marks=pytest.mark.fault("machine slept", "suspended")
        ),
        pytest.param(
            Event(code="hw_slowdown", domain="gpu0", **HALF_PAST),
            False,
            marks=pytest.mark.fault("GPU slowed down in a window", "hw_slowdown"),
        ),
        pytest.param(
            Event(code="foreign_cpu_heavy", domain="host", **HALF_PAST),
            True,
            marks=pytest.mark.fault("busy host beside a GPU that is counted alone", "right joules"),
        ),
        (Event(code="hw_slowdown", domain="gpu1", **HALF_PAST), True),
        (Event(code="sw_thermal_slowdown", domain="gpu0", **HALF_PAST), True),
        (Event(code="suspended", start_ns=13 * SECOND, end_ns=14 * SECOND), True),
        (Event(code="suspended", start_ns=0, end_ns=2 * SECOND - 1), True),
    ],
)
def test_an_event_takes_joules_only_where_it_bears_on_them(event: Event, known: bool) -> None:
    energy = window_energy([GPU], [ticks()], WINDOW, "device", [event])
    assert (energy.joules is not None) == known
    assert energy.joules is not None or (energy.edge_j, energy.calibration_j, energy.reasons) == (0, 0, (event.code,))


def test_a_warning_flags_the_window_and_leaves_its_joules() -> None:
    event = Event(code="sw_thermal_slowdown", domain="gpu0", **HALF_PAST)
    energy = window_energy([GPU], [ticks()], WINDOW, "device", [event])
    assert (energy.joules, energy.reasons) == (pytest.approx(2000.0), ("sw_thermal_slowdown",))


def test_the_hosts_load_bears_on_the_machine_but_not_on_the_device() -> None:
    busy = [Event(code="foreign_cpu_heavy", domain="host", **HALF_PAST)]
    both = [GPU, PACKAGE]
    assert window_energy(both, [ticks(), ticks(1)], WINDOW, "device", busy).joules is not None
    assert window_energy(both, [ticks(), ticks(1)], WINDOW, "machine", busy).joules is None


@pytest.mark.fault("others at work in a machine metered at the wall", "foreign_cpu_heavy")
@pytest.mark.parametrize(("code", "domain"), [("hw_slowdown", "gpu0"), ("foreign_cpu_heavy", "host")])
def test_whatever_happens_in_the_machine_bears_on_its_wall_socket(code: str, domain: str) -> None:
    socket = replace(PLAIN, domain="wall", boundary="wall")
    energy = window_energy([socket], [ticks()], WINDOW, "wall", [Event(code=code, domain=domain, **HALF_PAST)])
    assert (energy.joules, energy.reasons) == (None, (code,))


@pytest.mark.fault("busy host under an estimate", "right joules")
def test_an_estimate_already_holds_the_hosts_load() -> None:
    busy = [Event(code="foreign_cpu_heavy", domain="host", **HALF_PAST)]
    assert window_energy([ESTIMATE], [ticks()], WINDOW, "device", busy).joules is not None


@pytest.mark.fault("second opinion lost", "right joules")
def test_a_check_meters_loss_does_not_take_the_counting_meters_joules() -> None:
    check = replace(GPU, check=True, method="integrated")
    lost = [Event(code="meter_lost", meter=1, **HALF_PAST)]
    assert window_energy([GPU, check], [ticks(), ticks(1)], WINDOW, "device", lost).joules is not None
    counting = [replace(lost[0], meter=0)]
    assert window_energy([GPU, check], [ticks(), ticks(1)], WINDOW, "device", counting).joules is None
