"""The fake NVIDIA driver in real time: what it draws is its profile, and what befalls it befalls its readers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from backends import nvml
from backends.meters import nvml as meters

PACKAGES = Path(meters.__file__).parents[2]
UUID = "GPU-0-0000-0000-0000"


def counter_mj(driver: Any, now_ms: float) -> int:
    driver.set(now_ms=now_ms)
    with nvml.session() as pynvml:
        return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByIndex(0))) - 1_000


def test_the_counter_is_the_integral_of_the_profile(driver: Any, profiles: ModuleType) -> None:
    wave = profiles.Profile.parsed("0:100000,250:500000", repeat_ms=1_000)
    driver.draw(0, wave)
    for now_ms in (0, 1, 249, 250, 251, 999, 1_000, 1_250, 61_333):
        assert counter_mj(driver, now_ms) == pytest.approx(1_000 * wave.energy_j(0, now_ms / 1_000), abs=1)


def test_a_counter_that_ticks_shows_what_was_drawn_until_its_last_tick(driver: Any, profiles: ModuleType) -> None:
    driver.draw(0, profiles.Profile.constant(100), update_ms=100, phase_ms=30)
    assert [counter_mj(driver, now_ms) for now_ms in (29, 30, 129, 130, 229, 1_030)] == [
        0, 3_000, 3_000, 13_000, 13_000, 103_000,
    ]  # fmt: skip


def test_jittered_ticks_stray_by_no_more_than_told_and_the_same_in_every_run(driver: Any, profiles: ModuleType) -> None:
    driver.draw(0, profiles.Profile.constant(100), update_ms=100, jitter_ms=40)
    runs = [[counter_mj(driver, now_ms) / 100 for now_ms in range(50, 3_000, 5)] for _ in range(2)]
    strays = {(tick_ms % 100) for tick_ms in runs[0]}
    assert runs[0] == runs[1]
    assert len(strays) > 10
    assert 0 <= min(strays) < max(strays) <= 40


def test_meters_in_real_time_give_the_joules_of_the_profile(driver: Any, profiles: ModuleType) -> None:
    wave = profiles.Profile.parsed("0:100000,130:400000", repeat_ms=200)
    driver.draw(0, wave)
    start_ns = driver.start()
    counter, power = meters.EnergyCounterMeter(UUID, "gpu0"), meters.InstantPowerMeter(UUID, "gpu0", check=True)
    firsts = [counter.read(), power.read()]
    while time.monotonic_ns() < start_ns + 1_500_000_000:
        lasts = [counter.read(), power.read()]
        time.sleep(0.002)
    for first, last, within in zip(firsts, lasts, (0.001, 0.03), strict=True):
        truth_j = wave.energy_j((first.at_ns - start_ns) / 1e9, (last.at_ns - start_ns) / 1e9)
        assert (last.energy_uj - first.energy_uj) / 1e6 == pytest.approx(truth_j, rel=within)
    counter.close()
    power.close()


CHILD = f"""
import ctypes, os, time
import pynvml
from backends.meters.nvml import EnergyCounterMeter
pynvml.nvmlLib = ctypes.CDLL(os.environ["FAKE_NVML"])
meter = EnergyCounterMeter("{UUID}", "gpu0")
end = time.monotonic() + 10
while time.monotonic() < end:
    print(meter.read().at_ns, flush=True)
    time.sleep(0.01)
"""


def child(library: Path, scenario: Path) -> subprocess.Popen[str]:
    environ = os.environ | {"FAKE_NVML": str(library), "FAKE_NVML_SCENARIO": str(scenario), "PYTHONPATH": str(PACKAGES)}
    return subprocess.Popen([sys.executable, "-c", CHILD], env=environ, stdout=subprocess.PIPE, text=True)


@pytest.mark.fault("driver that crashes the process that asks it", "SIGSEGV of that process alone")
def test_a_driver_that_crashes_takes_only_its_reader_along(driver: Any, nvml_library: Path) -> None:
    process = child(nvml_library, driver.scenario)
    assert process.stdout is not None
    assert process.stdout.readline()
    driver.set(gpu0_segfault=1)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGSEGV


@pytest.mark.fault("driver that never answers", "reader hangs until it is killed")
def test_a_driver_that_hangs_holds_its_reader_until_it_is_killed(driver: Any, nvml_library: Path) -> None:
    process = child(nvml_library, driver.scenario)
    assert process.stdout is not None
    assert process.stdout.readline()
    driver.set(gpu0_hang_ms=3_600_000)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    process.kill()
    rest, _ = process.communicate(timeout=10)
    assert len(rest.splitlines()) < 40
