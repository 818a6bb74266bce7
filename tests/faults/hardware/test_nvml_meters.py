"""NVIDIA meters on a driver whose every answer is known; nvidia-ml-py is the real one."""

from __future__ import annotations

from typing import Any

import pytest

from backends import nvml
from backends.base import BackendUnavailable, Metering
from backends.meters import nvml as meters
from backends.meters.base import CounterReset, MeterLost

LOST = 15
NOT_SUPPORTED = 3


def board(index: int = 0) -> nvml.Board:
    return nvml.boards({})[index]


def opened(index: int = 0) -> Metering:
    return meters.open_meters(board(index), f"gpu{index}")


def descriptions(metering: Metering) -> list[tuple[str, str, bool]]:
    return [(one.description.source, one.description.method, one.description.check) for one in metering.meters]


def test_a_board_has_its_counter_and_a_second_opinion_that_is_not_added(driver: Any) -> None:
    assert descriptions(opened()) == [
        ("nvml.total_energy", "counter", False),
        ("nvml.power_instant", "integrated", True),
    ]


def test_both_methods_give_power_times_time(driver: Any) -> None:
    driver.set(gpu1_power_mw=437_500)
    counter = meters.EnergyCounterMeter(board(1).uuid, "gpu1", clock=driver.now_ns)
    power = meters.InstantPowerMeter(board(1).uuid, "gpu1", check=True, clock=driver.now_ns)
    starts = [meter.read() for meter in (counter, power)]
    for now_ms in range(100, 4_001, 100):
        driver.set(now_ms=now_ms)
        ends = [meter.read() for meter in (counter, power)]
    for start, end in zip(starts, ends, strict=True):
        assert (end.at_ns - start.at_ns) == 4_000_000_000
        assert end.energy_uj - start.energy_uj == pytest.approx(437.5 * 4.0 * 1e6, rel=0.005)


def test_the_meters_of_one_board_do_not_see_the_other(driver: Any) -> None:
    driver.set(gpu0_power_mw=100_000, gpu1_power_mw=700_000)
    meter = meters.EnergyCounterMeter(board(0).uuid, "gpu0", clock=driver.now_ns)
    start = meter.read()
    driver.set(now_ms=1_000)
    assert meter.read().energy_uj - start.energy_uj == 100_000_000


def test_without_a_counter_the_integrated_power_is_the_measurement_and_says_so(driver: Any) -> None:
    driver.set(gpu0_energy_return=NOT_SUPPORTED)
    metering = opened()
    assert descriptions(metering) == [("nvml.power_instant", "integrated", False)]
    assert "no energy counter" in (metering.meters[0].description.note or "")


def test_without_instant_power_the_counter_stands_alone(driver: Any) -> None:
    driver.set(gpu0_field_return=NOT_SUPPORTED)
    assert descriptions(opened()) == [("nvml.total_energy", "counter", False)]


def test_a_board_that_answers_neither_has_no_meter_and_no_zero(driver: Any) -> None:
    driver.set(gpu0_field_return=NOT_SUPPORTED, gpu0_energy_return=NOT_SUPPORTED)
    metering = opened()
    assert metering.meters == ()
    assert [one.code for one in metering.missing] == ["no_meter"]


def test_a_board_lost_since_it_was_listed_has_no_meter_and_says_why(driver: Any) -> None:
    listed = board()
    driver.set(gpu0_return=LOST)
    (missing,) = meters.open_meters(listed, "gpu0").missing
    assert (missing.code, "GPU is lost" in missing.reason) == ("no_meter", True)


def test_a_board_split_by_mig_has_no_meter(driver: Any) -> None:
    driver.set(gpu0_mig=1)
    metering = opened()
    assert metering.meters == ()
    assert [one.code for one in metering.missing] == ["mig_enabled"]


def test_a_counter_that_falls_is_reported_once_and_counts_on(driver: Any) -> None:
    driver.set(gpu0_energy_mj=5_000_000)
    meter = meters.EnergyCounterMeter(board().uuid, "gpu0", clock=driver.now_ns)
    start = meter.read()
    driver.set(gpu0_energy_mj=10)
    with pytest.raises(CounterReset):
        meter.read()
    driver.set(gpu0_energy_mj=110)
    assert meter.read().energy_uj - start.energy_uj == 100_000


@pytest.mark.parametrize("index", [0, 1])
def test_a_lost_board_is_a_lost_meter(driver: Any, index: int) -> None:
    meter = opened().meters[index]
    meter.read()
    driver.set(gpu0_return=LOST)
    with pytest.raises(MeterLost, match="lost"):
        meter.read()


def test_a_field_that_fails_inside_a_call_that_succeeds_is_a_lost_meter(driver: Any) -> None:
    meter = meters.InstantPowerMeter(board().uuid, "gpu0", check=True)
    driver.set(gpu0_field_return=LOST)
    with pytest.raises(MeterLost):
        meter.read()


def test_a_module_with_a_cpu_on_it_is_noted(driver: Any) -> None:
    driver.set(gpu0_module_return=0)
    assert "module" in (opened().meters[0].description.note or "")
    assert opened(1).meters[0].description.note is None


def test_a_board_that_shares_the_hosts_memory_has_none_of_its_own(driver: Any) -> None:
    driver.set(gpu0_memory_return=NOT_SUPPORTED, gpu0_mig_return=NOT_SUPPORTED)
    assert board().memory_bytes is None
    assert not board().mig
    assert board(1).memory_bytes == 80 * 2**30


def test_a_board_lost_before_the_start_makes_the_backend_unavailable(driver: Any) -> None:
    driver.set(gpu1_return=LOST)
    with pytest.raises(BackendUnavailable, match="GPU is lost"):
        nvml.boards({})


def test_a_driver_that_does_not_start_is_named_with_its_cure(driver: Any) -> None:
    driver.set(init=9)
    with pytest.raises(BackendUnavailable, match=r"Driver Not Loaded.*Install the NVIDIA driver"):
        nvml.boards({})


def test_a_driver_without_a_board_is_no_gpu(driver: Any) -> None:
    driver.set(count=0)
    with pytest.raises(BackendUnavailable, match="no GPU"):
        nvml.boards({})


def test_the_meters_close_what_they_opened(driver: Any) -> None:
    import pynvml

    before = pynvml._nvmlLib_refcount
    metering = opened()
    assert pynvml._nvmlLib_refcount == before + 2
    for meter in metering.meters:
        meter.close()
    assert pynvml._nvmlLib_refcount == before
