"""Meters on the hardware they were made for. Each test runs only where its marker is chosen."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

import backends
from backends.base import Metering
from backends.meters.base import Meter

HELD_BACK = ("hw_slowdown", "hw_thermal_slowdown", "power_brake", "sw_thermal_slowdown", "sw_power_cap", "clocks_set")


def spin(seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        sum(range(10_000))


def energies_j(meters: list[Meter], work: Callable[[float], None], seconds: float) -> tuple[list[float], float]:
    """What each meter counted over `seconds` of work, read every 20 ms of it, and how long that was."""
    starts = [meter.read() for meter in meters]
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        work(0.02)
        ends = [meter.read() for meter in meters]
    joules = [(end.energy_uj - start.energy_uj) / 1e6 for start, end in zip(starts, ends, strict=True)]
    return joules, (ends[0].at_ns - starts[0].at_ns) / 1e9


def measured(metering: Metering) -> list[Meter]:
    return [meter for meter in metering.meters if meter.description.method in ("counter", "integrated")]


@pytest.mark.rapl
def test_a_busy_package_draws_a_plausible_power_and_more_than_an_idle_one() -> None:
    meters = [one for one in measured(backends.load("cpu").meters(0)) if one.description.domain.startswith("package")]
    idle_j, idle_s = energies_j(meters, time.sleep, 5)
    busy_j, busy_s = energies_j(meters, spin, 5)
    assert 0.1 < sum(idle_j) / idle_s < sum(busy_j) / busy_s < 1_000 * len(meters)


@pytest.mark.rapl
def test_both_readers_of_a_package_agree() -> None:
    from backends.meters import rapl

    zone = rapl.zones()[0]
    (through,) = [one for one in rapl.open_meters().meters if one.description.domain == zone.domain]
    direct = rapl.RaplMeter(zone, rapl.PowercapCounter(zone.energy_file), "device")
    (one_j, other_j), _ = energies_j([through, direct], spin, 5)
    assert one_j == pytest.approx(other_j, rel=0.01)


@pytest.mark.cuda
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_loaded_gpu_draws_what_both_methods_say(framework: str) -> None:
    backend = backends.load("cuda")
    if framework not in [support.framework for support in backend.frameworks()]:
        pytest.skip(f"{framework} cannot drive this GPU")
    runtime = backend.attach(framework, 0)
    load = gpu_load(framework, runtime.device, runtime.synchronize)
    counter, power = measured(backend.meters(0))[:2]
    assert power.description.check
    load(2.0)
    (counter_j, power_j), seconds = energies_j([counter, power], load, 10)
    assert counter_j == pytest.approx(power_j, rel=0.05)
    assert 20 < counter_j / seconds < 2_000
    peak = runtime.peak_memory_bytes()
    assert peak is not None
    assert peak >= 3 * 4096 * 4096 * 4


@pytest.mark.cuda
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_the_gauge_of_a_gpu_tells_a_loaded_board_from_an_idle_one(framework: str) -> None:
    backend = backends.load("cuda")
    if framework not in [support.framework for support in backend.frameworks()]:
        pytest.skip(f"{framework} cannot drive this GPU")
    (gauge,) = backend.meters(0).gauges
    runtime = backend.attach(framework, 0)
    load = gpu_load(framework, runtime.device, runtime.synchronize)
    load(3.0)
    busy = gauge.read()
    time.sleep(5)
    idle = gauge.read()
    gauge.close()
    assert 0 <= idle["utilisation"] < 0.5 < busy["utilisation"] <= 1
    assert idle["temperature_c"] <= busy["temperature_c"] + 1
    for values in (idle, busy):
        assert 100 < values["sm_clock_mhz"] < 5_000
        assert 100 < values["memory_clock_mhz"] < 20_000
        assert 0 < values["temperature_c"] < 110
        assert 20 < values["power_limit_w"] < 3_000
        assert {values[name] for name in HELD_BACK} <= {0, 1}
        assert abs(values["driver_lag_s"]) < 2
    assert busy["hw_slowdown"] == busy["hw_thermal_slowdown"] == busy["power_brake"] == 0


@pytest.mark.cuda
def test_a_reading_of_a_gpu_is_quick_enough_to_be_placed_in_time_and_its_power_is_plausible() -> None:
    metering = backends.load("cuda").meters(0)
    for meter in [one for one in measured(metering) if one.description.domain == "gpu0"]:
        took_s = []
        for _ in range(200):
            start_s = time.monotonic()
            reading = meter.read()
            took_s.append(time.monotonic() - start_s)
        assert statistics.median(took_s) < 0.005
        assert reading.power_w is None or 5 < reading.power_w < 3_000
        assert meter.description.scope in ("gpu", "module")
    assert [one.code for one in metering.missing if one.code == "no_meter"] == []


def gpu_load(framework: str, device: object, synchronize: Callable[[], None]) -> Callable[[float], None]:
    """Multiplies matrices for about as long as it is told."""
    if framework == "torch":
        import torch

        x = torch.randn(4096, 4096, device=device)
        multiply: Callable[[], object] = lambda: x @ x  # noqa: E731
    else:
        import jax

        y = jax.device_put(jax.random.normal(jax.random.key(0), (4096, 4096)), device)
        multiply = lambda: y @ y  # noqa: E731

    def load(seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            multiply()
            synchronize()

    return load
