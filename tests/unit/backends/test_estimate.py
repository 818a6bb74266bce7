"""Without a counter there is a range, labelled as what it is."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from backends.meters import estimate
from backends.meters.estimate import EstimateMeter


class Machine:
    """Eight CPUs whose time and busyness are set by hand."""

    def __init__(self) -> None:
        self.at_s = 50.0
        self.busy_s = 7.0

    def run(self, seconds: float, busy_cpus: float) -> None:
        self.at_s += seconds
        self.busy_s += seconds * busy_cpus

    def meter(self, bound: str, vendor: str | None) -> EstimateMeter:
        build: Callable[..., EstimateMeter] = EstimateMeter
        return build(
            bound,
            vendor=vendor,
            logical_cpus=8,
            clock=lambda: round(self.at_s * 1e9),
            busy_s=lambda: self.busy_s,
        )


@pytest.mark.parametrize(
    ("bound", "vendor", "busy_cpus", "power_w"),
    [
        ("low", "GenuineIntel", 0, 8 * 0.61 * 0.6),
        ("high", "GenuineIntel", 0, 8 * 1.04 * 1.4),
        ("low", "GenuineIntel", 8, 8 * 3.65 * 0.6),
        ("high", "GenuineIntel", 8, 8 * 4.38 * 1.4),
        ("low", "AuthenticAMD", 0, 8 * 0.46 * 0.6),
        ("high", "AuthenticAMD", 8, 8 * 2.20 * 1.4),
        ("low", None, 8, 8 * 1.58 * 0.6),
        ("high", None, 8, 8 * 4.38 * 1.4),
        ("high", "AuthenticAMD", 4, (8 * 0.74 + 4 * (2.20 - 0.74)) * 1.4),
    ],
)
def test_energy_is_the_models_power_times_time(bound: str, vendor: str | None, busy_cpus: int, power_w: float) -> None:
    machine = Machine()
    meter = machine.meter(bound, vendor)
    machine.run(10, busy_cpus)
    assert meter.read().energy_uj == pytest.approx(power_w * 10 * 1e6, rel=1e-6)


def test_how_often_it_is_read_does_not_change_the_energy() -> None:
    machine = Machine()
    often, once = machine.meter("low", None), machine.meter("low", None)
    for busy_cpus in (0, 8, 3, 5, 0, 1):
        machine.run(0.7, busy_cpus)
        last = often.read()
    assert last == once.read()


def test_a_cpu_taken_offline_does_not_take_its_energy_back() -> None:
    machine = Machine()
    meter = machine.meter("high", None)
    machine.run(10, 8)
    before = meter.read()
    machine.busy_s -= 60
    assert meter.read().energy_uj == before.energy_uj


def test_the_two_ends_are_labelled() -> None:
    low, high = estimate.open_meters("GenuineIntel")
    assert (low.description.bound, high.description.bound) == ("low", "high")
    for meter in (low, high):
        assert meter.description.method == "estimate"
        assert meter.description.note == "no counter: estimated from utilisation; CPU only, no DRAM"
        assert meter.description.calibration is None
        meter.close()


def test_this_machines_range_holds_its_low_end_below_its_high_end() -> None:
    low, high = estimate.open_meters(None)
    sum(range(3_000_000))
    assert 0 < low.read().energy_uj < high.read().energy_uj


def test_busy_is_what_the_machine_did_itself() -> None:
    linux = SimpleNamespace(
        user=1, nice=2, system=4, irq=8, softirq=16, idle=100, iowait=100, steal=100, guest=100, guest_nice=100
    )
    assert estimate.busy_s_in(linux) == 31
    assert estimate.busy_s_in(SimpleNamespace(user=1, nice=2, system=4, idle=100)) == 7
    assert estimate.machine_busy_s() > 0
