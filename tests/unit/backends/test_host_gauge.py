"""The host's gauge says what answers, leaves out what does not, and costs next to nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import FrameType

import psutil
import pytest

from backends.meters.host_gauge import HostGauge, offset_s

CLOCKS = {"boottime_s", "realtime_s", "raw_s"}
CONTRACT = {"cpu_busy_s", "cpu_steal_s", *CLOCKS}


def write(root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(f"{content}\n".encode("latin-1"))


def processor(root: Path, number: int, *, package: int, threads: str) -> None:
    write(
        root / f"sys/devices/system/cpu/cpu{number}",
        {
            "topology/physical_package_id": package,
            "topology/thread_siblings_list": threads,
            "thermal_throttle/core_throttle_count": 10,
            "thermal_throttle/package_throttle_count": 1_000,
            "cpufreq/scaling_cur_freq": 1_000_000 + 1_000 * number,
        },
    )


def calls(gauge: HostGauge) -> int:
    """How often a reading calls into the interpreter or the system: what it costs, on whatever machine."""
    seen = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal seen
        seen += event in ("call", "c_call")

    gauge.read()  # what is found out once is none of a reading's cost
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        gauge.read()
    finally:
        sys.setprofile(before)
    return seen


def test_this_machine_gives_what_the_contract_names() -> None:
    gauge = HostGauge()
    before, after = gauge.read(), gauge.read()
    assert gauge.domain == "host"
    assert set(before) >= CONTRACT
    assert after["cpu_busy_s"] >= before["cpu_busy_s"] > 0
    gauge.close()


def test_what_is_absent_is_left_out_and_not_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    assert set(HostGauge(tmp_path).read()) == CLOCKS


@pytest.mark.parametrize("content", ["", "garbage", "-1 -1", "\x00", "\xff"])
def test_files_of_nonsense_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    processor(tmp_path, 0, package=0, threads="0")
    names = ("proc/vmstat", "proc/pressure/cpu", "sys/class/thermal/thermal_zone0/temp")
    cpu = "sys/devices/system/cpu/cpu0/"
    counts = ("thermal_throttle/core_throttle_count", "thermal_throttle/package_throttle_count")
    write(tmp_path, dict.fromkeys([*names, *(cpu + name for name in (*counts, "cpufreq/scaling_cur_freq"))], content))
    assert set(HostGauge(tmp_path).read()) == CLOCKS


def test_one_thread_of_each_core_and_one_of_each_package_are_counted(tmp_path: Path) -> None:
    for number in range(8):  # two packages of two cores of two threads
        processor(tmp_path, number, package=number % 4 // 2, threads=f"{number % 4},{number % 4 + 4}")
    assert HostGauge(tmp_path).read()["cpu_throttle_count"] == 4 * 10 + 2 * 1_000


def test_the_clock_is_the_mean_of_processors_from_all_over_the_machine(tmp_path: Path) -> None:
    for number in range(16):
        processor(tmp_path, number, package=0, threads=str(number))
    assert HostGauge(tmp_path).read()["cpu_clock_mhz"] == pytest.approx(1_000 + (0 + 4 + 8 + 12) / 4)


def test_a_reading_costs_the_same_however_many_processors_there_are(tmp_path: Path) -> None:
    costs = []
    for processors in (32, 512):
        root = tmp_path / str(processors)
        for number in range(processors):
            processor(root, number, package=number * 2 // processors, threads=str(number))
        write(root, {"sys/class/thermal/thermal_zone0/type": "x86_pkg_temp", "proc/vmstat": "pswpin 1\npswpout 2"})
        costs.append(calls(HostGauge(root)))
    assert costs[0] == costs[1] < 1000


def test_the_hottest_package_is_told(tmp_path: Path) -> None:
    zones = "sys/class/thermal/thermal_zone"
    write(tmp_path, {f"{zones}0/type": "acpitz", f"{zones}0/temp": 99_000})
    write(tmp_path, {f"{zones}1/type": "x86_pkg_temp", f"{zones}1/temp": 61_000})
    write(tmp_path, {f"{zones}10/type": "x86_pkg_temp", f"{zones}10/temp": 72_500})
    assert HostGauge(tmp_path).read()["temperature_c"] == 72.5


def test_amds_sensor_is_told_where_no_thermal_zone_is(tmp_path: Path) -> None:
    hwmon = "sys/class/hwmon/hwmon"
    write(tmp_path, {f"{hwmon}0/name": "nvme", f"{hwmon}0/temp1_input": 80_000})
    write(tmp_path, {f"{hwmon}1/name": "k10temp", f"{hwmon}1/temp1_input": 55_125})
    assert HostGauge(tmp_path).read()["temperature_c"] == 55.125


def test_pressure_is_the_time_some_task_waited(tmp_path: Path) -> None:
    lines = "some avg10=1.00 avg60=0.50 avg300=0.10 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7"
    write(tmp_path, {"proc/pressure/cpu": lines.format(4_936_670), "proc/pressure/memory": lines.format(0)})
    answers = HostGauge(tmp_path).read()
    assert (answers["cpu_pressure_s"], answers["memory_pressure_s"]) == (4.93667, 0.0)


def test_clocks_are_paired_to_microseconds() -> None:
    assert abs(offset_s(time.monotonic_ns)) < 20e-6


def test_being_interrupted_between_two_clocks_spoils_nothing() -> None:
    """The clock passes 5 s in the first pairing, after the other clock was read, and 2 us in each of the others."""
    instants = iter([0, 5_000_000_000, 6_000_000_000, 6_000_002_000, 7_000_000_000, 7_000_002_000])
    others = iter([1_000, 6_000_001_000, 7_000_001_000])
    assert offset_s(lambda: next(others), lambda: next(instants)) == 0.0
