"""The simulated machine draws exactly what it is told to."""

from __future__ import annotations

import pytest

from backends.meters.base import Reading
from backends.simulated import SimulatedBackend, SimulatedMeter


class Clock:
    def __init__(self) -> None:
        self.at_ns = 777_123_456_789

    def __call__(self) -> int:
        return self.at_ns


@pytest.mark.parametrize("power_w", [100.0, 0.5, 700.0])
def test_energy_is_power_times_time_to_the_microjoule(power_w: float) -> None:
    clock = Clock()
    meter = SimulatedMeter(lambda _: power_w, clock)
    clock.at_ns += 2_000_000_000
    start = meter.read()
    for _ in range(1_000):
        clock.at_ns += 10_000_000
        end = meter.read()
    assert end.energy_uj - start.energy_uj == pytest.approx(power_w * 10 * 1e6, abs=1)
    assert end.at_ns - start.at_ns == 10_000_000_000


def test_a_changing_power_is_integrated() -> None:
    clock = Clock()
    meter = SimulatedMeter(lambda at_s: 50 * at_s, clock)
    for _ in range(100):
        clock.at_ns += 100_000_000
        energy_uj = meter.read().energy_uj
    assert energy_uj == pytest.approx(50 * 10**2 / 2 * 1e6, rel=1e-6)


def test_the_counter_moves_in_steps_of_a_millisecond() -> None:
    clock = Clock()
    meter = SimulatedMeter(lambda _: 100.0, clock)
    clock.at_ns += 999_999
    assert meter.read() == Reading(clock.at_ns, 0)
    clock.at_ns += 1
    assert meter.read() == Reading(clock.at_ns, 100_000)
    clock.at_ns += 900_000
    assert meter.read() == Reading(clock.at_ns, 100_000)


def test_the_power_may_be_set_from_outside() -> None:
    backend = SimulatedBackend(environ={"JOULEMARK_SIMULATED_POWER_W": "250"})
    assert backend.devices()[0].name == "simulated 250 W machine"
    assert backend.describe() == {"power": "250 W"}


def test_it_is_a_hundred_watt_machine_with_one_meter_that_is_never_wrong() -> None:
    backend = SimulatedBackend(environ={})
    assert backend.devices()[0].name == "simulated 100 W machine"
    (meter,) = backend.meters(0).meters
    description = meter.description
    assert (description.method, description.boundary, description.domain) == ("simulated", "device", "simulated0")
    assert description.calibration == 0.0
    meter.close()


def test_it_drives_what_the_cpu_drives() -> None:
    backend = SimulatedBackend(environ={})
    assert [support.framework for support in backend.frameworks()] == ["torch", "jax"]
    backend.attach("torch", 0).synchronize()


def test_the_integrator_gives_nothing_before_its_second_reading() -> None:
    from backends.meters.base import PowerIntegrator

    integrator = PowerIntegrator()
    assert integrator.add(5_000, 300.0).energy_uj == 0
    assert integrator.add(1_000_005_000, 100.0).energy_uj == 200_000_000
