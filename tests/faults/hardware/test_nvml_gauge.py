"""What a board's gauge says of a driver whose every answer is known; nvidia-ml-py is the real one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from backends.meters.base import MeterLost
from backends.meters.nvml_gauge import NvmlGauge

NOT_SUPPORTED, TIMEOUT, FUNCTION_NOT_FOUND, LOST, RESET_REQUIRED, UNKNOWN = 3, 10, 13, 15, 16, 999
HELD_BACK = ("hw_slowdown", "hw_thermal_slowdown", "power_brake", "sw_thermal_slowdown", "sw_power_cap", "clocks_set")
QUIET = dict.fromkeys(HELD_BACK, 0)


@pytest.fixture
def gauge(driver: Any) -> Iterator[NvmlGauge]:
    made = NvmlGauge("GPU-0-0000-0000-0000", "gpu0")
    yield made
    made.close()


def flags(values: Mapping[str, float]) -> dict[str, float]:
    return {name: values[name] for name in HELD_BACK}


def test_a_board_that_is_well_tells_all_its_surroundings(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_utilisation=87, gpu0_temperature=61, gpu0_sm_clock=1410, gpu0_compute="7:1000,8:500")
    values = dict(gauge.read())
    assert values.pop("driver_lag_s") == pytest.approx(0, abs=0.5)
    assert values == QUIET | {
        "sm_clock_mhz": 1410,
        "memory_clock_mhz": 2619,
        "temperature_c": 61,
        "power_limit_w": 700,
        "utilisation": 0.87,
        "ecc_uncorrected": 0,
        "compute_processes": 2,
        "graphics_processes": 0,
        "process_memory_bytes": 1500,
    }


@pytest.mark.parametrize(
    ("mask", "name"),
    [
        pytest.param(0x08, "hw_slowdown", marks=pytest.mark.fault("GPU slowed by its hardware", "hw_slowdown")),
        pytest.param(0x40, "hw_thermal_slowdown", marks=pytest.mark.fault("GPU too hot", "hw_thermal_slowdown")),
        pytest.param(0x80, "power_brake", marks=pytest.mark.fault("GPU's power brake pulled", "power_brake")),
        pytest.param(0x20, "sw_thermal_slowdown", marks=pytest.mark.fault("GPU held warm", "sw_thermal_slowdown")),
        pytest.param(0x04, "sw_power_cap", marks=pytest.mark.fault("GPU at its power limit", "sw_power_cap")),
        pytest.param(0x02, "clocks_set", marks=pytest.mark.fault("GPU's clocks locked by a user", "clocks_set")),
    ],
)
def test_what_holds_the_clocks_back_is_told_apart(driver: Any, gauge: NvmlGauge, mask: int, name: str) -> None:
    idle = 0x01
    driver.set(gpu0_clocks_event_reasons=mask | idle)
    assert flags(gauge.read()) == QUIET | {name: 1}


def test_an_idle_or_unknown_reason_holds_nothing_back(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_clocks_event_reasons=0x01 | 0x10 | 0x100 | 1 << 40)
    assert flags(gauge.read()) == QUIET


@pytest.mark.fault("ECC errors rise during a window", "ecc_uncorrected")
def test_memory_errors_are_those_since_the_driver_was_loaded(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_ecc=2)
    assert gauge.read()["ecc_uncorrected"] == 2


@pytest.mark.fault("GPU's power limit changed during a window", "power_limit_changed")
def test_a_new_power_limit_is_seen_at_the_next_reading(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(**{"gpu0_power_limit_mw@1000": 350_000})
    assert gauge.read()["power_limit_w"] == 700
    driver.set(now_ms=1_000)
    assert gauge.read()["power_limit_w"] == 350


@pytest.mark.fault("GPU's clocks locked during a window", "clocks_set")
def test_a_lock_of_the_clocks_is_seen_at_the_next_reading(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(**{"gpu0_sm_clock@1000": 1_200, "gpu0_clocks_event_reasons@1000": 2})
    before = gauge.read()
    driver.set(now_ms=1_000)
    after = gauge.read()
    assert [(one["sm_clock_mhz"], one["clocks_set"]) for one in (before, after)] == [(1_980, 0), (1_200, 1)]


@pytest.mark.fault("foreign process computes on the GPU", "foreign_compute")
def test_a_process_that_computes_is_counted_while_it_does(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_compute="41:1000", **{"gpu0_compute@500": "41:1000,99:2000", "gpu0_compute@900": "41:1000"})
    seen = []
    for now_ms in (0, 500, 900):
        driver.set(now_ms=now_ms)
        values = gauge.read()
        seen.append((values["compute_processes"], values["process_memory_bytes"]))
    assert seen == [(1, 1_000), (2, 3_000), (1, 1_000)]


@pytest.mark.fault("foreign process draws on the GPU", "foreign_graphics")
def test_a_process_that_draws_is_counted_apart_and_its_memory_once(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_compute="41:1000", gpu0_graphics="41:1000,77:50")
    values = gauge.read()
    assert (values["compute_processes"], values["graphics_processes"]) == (1, 2)
    assert values["process_memory_bytes"] == 1_050


@pytest.mark.fault("driver hides the memory of a process", "quantity left out")
def test_memory_that_the_driver_does_not_tell_is_not_taken_for_none(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_compute="41:1000,42:-1")
    values = gauge.read()
    assert values["compute_processes"] == 2
    assert "process_memory_bytes" not in values


def test_the_age_of_a_sample_is_told_by_the_drivers_own_stamp(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_lag_ms=2_500)
    assert gauge.read()["driver_lag_s"] == pytest.approx(2.5, abs=0.5)


@pytest.mark.fault("driver too old for a question about the surroundings", "quantity left out")
@pytest.mark.parametrize(
    ("key", "gone"),
    [
        ("sm_clock", {"sm_clock_mhz"}),
        ("memory_clock", {"memory_clock_mhz"}),
        ("temperature", {"temperature_c"}),
        ("power_limit_mw", {"power_limit_w"}),
        ("utilisation", {"utilisation"}),
        ("ecc", {"ecc_uncorrected"}),
        ("clocks_event_reasons", set(HELD_BACK)),
        ("compute", {"compute_processes"}),
        ("graphics", {"graphics_processes"}),
        ("fields", {"driver_lag_s"}),
        ("field", {"driver_lag_s"}),
    ],
)
@pytest.mark.parametrize("code", [NOT_SUPPORTED, FUNCTION_NOT_FOUND])
def test_a_question_the_driver_does_not_know_costs_its_own_answer_only(
    driver: Any, gauge: NvmlGauge, key: str, gone: set[str], code: int
) -> None:
    everything = set(gauge.read())
    driver.set(**{f"gpu0_{key}_return": code})
    assert set(gauge.read()) == everything - gone


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(LOST, marks=pytest.mark.fault("GPU lost while its surroundings are watched", "meter_lost")),
        pytest.param(RESET_REQUIRED, marks=pytest.mark.fault("GPU that wants a reset while watched", "meter_lost")),
        pytest.param(TIMEOUT, marks=pytest.mark.fault("driver that times out while watched", "meter_lost")),
        pytest.param(UNKNOWN, marks=pytest.mark.fault("driver with an unknown error while watched", "meter_lost")),
    ],
)
def test_a_board_that_is_gone_is_lost_and_may_come_back(driver: Any, gauge: NvmlGauge, code: int) -> None:
    driver.set(**{"gpu0_return@100": code, "gpu0_return@200": 0})
    assert gauge.read()["power_limit_w"] == 700
    driver.set(now_ms=100)
    with pytest.raises(MeterLost, match="gpu0"):
        gauge.read()
    driver.set(now_ms=200)
    assert gauge.read()["power_limit_w"] == 700


def test_the_gauge_of_one_board_does_not_see_the_other(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu1_return=LOST, gpu1_temperature=99)
    assert gauge.read()["temperature_c"] == 45


def test_a_board_lost_halfway_through_a_reading_is_lost(driver: Any, gauge: NvmlGauge) -> None:
    driver.set(gpu0_graphics_return=LOST)
    with pytest.raises(MeterLost, match="GPU is lost"):
        gauge.read()


def test_the_gauge_closes_what_it_opened(driver: Any) -> None:
    import pynvml

    before = pynvml._nvmlLib_refcount
    NvmlGauge("GPU-0", "gpu0").close()
    assert pynvml._nvmlLib_refcount == before
