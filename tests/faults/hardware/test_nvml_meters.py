"""NVIDIA meters over time, on a driver whose every answer is known; nvidia-ml-py is the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backends.meters import nvml as meters
from backends.meters.base import CounterReset, Meter, MeterLost, Reading

NOT_SUPPORTED, TIMEOUT, LOST, RESET_REQUIRED, UNKNOWN = 3, 10, 15, 16, 999
UUIDS = ("GPU-0-0000-0000-0000", "GPU-1-0000-0000-0000")


def counting(driver: Any, index: int = 0) -> meters.EnergyCounterMeter:
    return meters.EnergyCounterMeter(UUIDS[index], f"gpu{index}", clock=driver.now_ns)


def integrating(driver: Any, index: int = 0) -> meters.InstantPowerMeter:
    return meters.InstantPowerMeter(UUIDS[index], f"gpu{index}", check=True, clock=driver.now_ns)


def read_until(driver: Any, meter: Meter, end_ms: int, step_ms: int = 100) -> list[Reading | None]:
    """A reading at 0 and after each step, None where the meter was lost."""
    readings: list[Reading | None] = []
    for now_ms in range(0, end_ms + 1, step_ms):
        driver.set(now_ms=now_ms)
        try:
            readings.append(meter.read())
        except MeterLost:
            readings.append(None)
    return readings


def total_j(readings: list[Reading | None]) -> float:
    first, last = readings[0], readings[-1]
    assert first is not None
    assert last is not None
    return (last.energy_uj - first.energy_uj) / 1e6


@pytest.mark.parametrize("make", [counting, integrating])
def test_both_methods_give_power_times_time(driver: Any, make: Callable[..., Meter]) -> None:
    driver.set(gpu1_power_mw=437_500)
    readings = read_until(driver, make(driver, 1), 4_000)
    assert total_j(readings) == pytest.approx(437.5 * 4.0, rel=1e-6)
    assert [one.at_ns for one in readings if one is not None] == [ms * 1_000_000 for ms in range(0, 4_001, 100)]


def test_the_integrating_meter_shows_the_power_behind_each_reading(driver: Any) -> None:
    driver.set(gpu0_power_mw=123_456)
    assert integrating(driver).read().power_w == pytest.approx(123.456)
    assert counting(driver).read().power_w is None


def test_the_meters_of_one_board_do_not_see_the_other(driver: Any) -> None:
    driver.set(gpu0_power_mw=100_000, gpu1_power_mw=700_000, **{"gpu1_return@100": LOST})
    assert total_j(read_until(driver, counting(driver, 0), 1_000)) == 100
    assert total_j(read_until(driver, integrating(driver, 0), 1_000)) == pytest.approx(100)


@pytest.mark.fault("energy counter reset", "counter_fell")
def test_a_counter_that_falls_is_reported_once_and_counts_on(driver: Any) -> None:
    driver.set(gpu0_energy_mj=5_000_000, **{"gpu0_energy_offset_mj@500": -4_999_990})
    meter = counting(driver)
    before = read_until(driver, meter, 400)
    driver.set(now_ms=500)
    with pytest.raises(CounterReset, match="fell by"):
        meter.read()
    driver.set(now_ms=600)
    assert meter.read().energy_uj / 1e6 == pytest.approx(total_j(before) + 30)


@pytest.mark.fault("energy counter that stands still", "counter_stuck")
def test_a_counter_that_stands_still_is_repeated_as_it_is(driver: Any) -> None:
    driver.set(**{"gpu0_energy_stuck_mj@1000": 301_000})
    readings = read_until(driver, counting(driver), 3_000)
    assert total_j(readings[:11]) == 300
    assert {one.energy_uj for one in readings[10:] if one} == {300_000_000}


@pytest.mark.fault("energy counter with coarse steps", "right joules")
def test_a_coarse_counter_is_right_to_one_of_its_steps(driver: Any) -> None:
    driver.set(gpu0_energy_quantum_mj=10_000)
    assert total_j(read_until(driver, counting(driver), 7_000, 70)) == pytest.approx(2_100, abs=10)


GONE = [
    pytest.param(LOST, "lost", marks=pytest.mark.fault("GPU lost in a window and back", "meter_lost")),
    pytest.param(RESET_REQUIRED, "restart", marks=pytest.mark.fault("GPU that wants a reset", "meter_lost")),
    pytest.param(TIMEOUT, "Timeout", marks=pytest.mark.fault("driver that times out", "meter_lost")),
    pytest.param(UNKNOWN, "Unknown", marks=pytest.mark.fault("driver with an unknown error", "meter_lost")),
]


@pytest.mark.parametrize(("code", "said"), GONE)
def test_a_counter_counts_on_while_its_board_is_lost(driver: Any, code: int, said: str) -> None:
    driver.set(**{"gpu0_return@400": code, "gpu0_return@1000": 0})
    meter = counting(driver)
    readings = read_until(driver, meter, 2_000)
    assert [index for index, one in enumerate(readings) if one is None] == list(range(4, 10))
    assert total_j(readings) == 600
    driver.set(now_ms=500)
    with pytest.raises(MeterLost, match=said):
        meter.read()


@pytest.mark.parametrize(("code", "said"), GONE)
def test_no_power_is_made_up_for_the_time_a_board_was_lost(driver: Any, code: int, said: str) -> None:
    driver.set(**{"gpu0_return@400": code, "gpu0_return@1000": 0})
    readings = read_until(driver, integrating(driver), 2_000)
    before, after = readings[3], readings[10]
    assert before is not None
    assert after is not None
    assert after.energy_uj == before.energy_uj
    assert total_j(readings) == pytest.approx(300 * (0.3 + 1.0))


@pytest.mark.fault("field that fails inside a call that succeeds", "meter_lost")
def test_a_field_that_fails_inside_a_call_that_succeeds_is_a_lost_meter(driver: Any) -> None:
    driver.set(**{"gpu0_field_return@100": UNKNOWN, "gpu0_field_return@200": 0})
    assert [one is None for one in read_until(driver, integrating(driver), 300)] == [False, True, False, False]


@pytest.mark.parametrize(
    ("glitch_mw", "limit_return"),
    [
        pytest.param(0, 0, marks=pytest.mark.fault("power glitch of 0 W", "meter_lost")),
        pytest.param(2_100_001, 0, marks=pytest.mark.fault("power glitch above thrice the limit", "meter_lost")),
        pytest.param(2**32 - 1, NOT_SUPPORTED, marks=pytest.mark.fault("power glitch of all ones", "meter_lost")),
    ],
)
def test_an_implausible_power_is_never_integrated(driver: Any, glitch_mw: int, limit_return: int) -> None:
    glitch = {"gpu0_reported_power_mw@500": glitch_mw, "gpu0_reported_power_mw@600": 300_000}
    driver.set(gpu0_power_limit_mw_return=limit_return, **glitch)
    meter = integrating(driver)
    readings = read_until(driver, meter, 1_000)
    assert [index for index, one in enumerate(readings) if one is None] == [5]
    assert total_j(readings) == pytest.approx(300 * 0.8)
    driver.set(now_ms=500)
    with pytest.raises(MeterLost, match="implausible"):
        meter.read()


def test_a_power_within_a_limit_raised_meanwhile_is_believed(driver: Any) -> None:
    driver.set(gpu0_power_limit_mw=100_000, gpu0_power_mw=100_000)
    meter = integrating(driver)
    read_until(driver, meter, 100)
    driver.set(gpu0_power_limit_mw=700_000, gpu0_power_mw=650_000)
    assert meter.read().power_w == 650


@pytest.mark.fault("driver that answers too slowly", "meter_lost")
@pytest.mark.parametrize("kind", [meters.EnergyCounterMeter, meters.InstantPowerMeter])
def test_an_answer_that_cannot_be_placed_in_time_is_none(driver: Any, kind: Any) -> None:
    meter = kind(UUIDS[0], "gpu0", **({"check": True} if kind is meters.InstantPowerMeter else {}))
    meter.read()
    driver.set(gpu0_hang_ms=120)
    with pytest.raises(MeterLost, match=r"took 0\.1 s"):
        meter.read()
    driver.set(gpu0_hang_ms=0)
    assert meter.read().at_ns > 0
