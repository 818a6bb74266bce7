"""What surrounds the energy of the host: its load, swapping, throttling, supply, clocks and temperature."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil

from backends.meters.estimate import busy_s_in

_MOST_CORES = 16  # a file costs some 15 us; cores share their package's heat, and every package's own count is read
_MOST_CLOCKS = 4  # older kernels may sleep for 10 or 20 ms in each of these reads
_BRACKETS = 3  # the tightest of so many pairings is taken: being preempted spoils one, hardly all

_CLOCKS = {"boottime_s": "CLOCK_BOOTTIME", "realtime_s": "CLOCK_REALTIME", "raw_s": "CLOCK_MONOTONIC_RAW"}
_THERMAL_ZONES = {"x86_pkg_temp"}
_SENSORS = {"k10temp", "coretemp"}


def _clocks() -> dict[str, Callable[[], int]]:
    """Those of the clocks that this system has, in nanoseconds."""
    present = {quantity: getattr(time, name, None) for quantity, name in _CLOCKS.items()}
    return {quantity: partial(time.clock_gettime_ns, clock) for quantity, clock in present.items() if clock is not None}


def offset_s(other: Callable[[], int], monotonic: Callable[[], int] = time.monotonic_ns) -> float:
    """How far another clock is ahead of CLOCK_MONOTONIC, both in ns: good to about a microsecond.

    A step of the wall clock or a suspended machine shows as a change of this number between two readings.
    """
    brackets = [(monotonic(), other(), monotonic()) for _ in range(_BRACKETS)]
    before_ns, other_ns, after_ns = min(brackets, key=lambda bracket: bracket[2] - bracket[0])
    return (other_ns - (before_ns + after_ns) // 2) / 1e9


class HostGauge:
    """Gauge of the domain "host"; see `Gauge` for the contract. A whole reading takes well under a millisecond.

    cpu_busy_s, cpu_steal_s            time of all processors since boot; psutil finds it under psutil.PROCFS_PATH
    cpu_pressure_s, memory_pressure_s  time since boot in which some task waited for a processor or for memory
    swapped_pages                      pages swapped in and out since boot
    cpu_throttle_count                 thermal throttling of a sample of cores and of every package, since boot
    on_battery                         1 while no mains supply is on and a battery discharges
    cpu_clock_mhz, temperature_c       mean clock of a sample of processors; the hottest package
    boottime_s, realtime_s, raw_s      CLOCK_BOOTTIME, _REALTIME and _MONOTONIC_RAW, each minus CLOCK_MONOTONIC
    """

    domain = "host"

    def __init__(self, root: Path = Path("/"), clocks: Mapping[str, Callable[[], int]] | None = None) -> None:
        """`root` leads to proc and sys; files are found once, here. An absent one costs its quantity only."""
        cpus = _numbered(root / "sys/devices/system/cpu", "cpu")
        self._proc = root / "proc"
        self._supplies = root / "sys/class/power_supply"
        self._throttles = _answering(_throttle_files(cpus))
        self._frequencies = _answering(cpu / "cpufreq/scaling_cur_freq" for cpu in _spread(cpus, _MOST_CLOCKS))
        self._temperatures = _answering(_temperature_files(root / "sys/class"))
        self._clocks = _clocks() if clocks is None else clocks

    def read(self) -> Mapping[str, float]:
        answers: dict[str, float | None] = {
            **_processor_time(),
            "cpu_pressure_s": _pressure_s(self._proc / "pressure/cpu"),
            "memory_pressure_s": _pressure_s(self._proc / "pressure/memory"),
            "swapped_pages": _swapped_pages(self._proc / "vmstat"),
            "cpu_throttle_count": self._throttle_count(),
            "on_battery": _on_battery(self._supplies),
            "cpu_clock_mhz": self._clock_mhz(),
            "temperature_c": self._temperature_c(),
            **{quantity: offset_s(clock) for quantity, clock in self._clocks.items()},
        }
        return {quantity: value for quantity, value in answers.items() if value is not None}

    def close(self) -> None:
        """Nothing stays open between two readings."""

    def _throttle_count(self) -> float | None:
        counts = [_number(path) for path in self._throttles]
        if not counts or None in counts:  # without one of its parts the sum would fall, and rise again later
            return None
        return float(sum(count for count in counts if count is not None))

    def _clock_mhz(self) -> float | None:
        clocks_khz = _numbers(self._frequencies)
        return sum(clocks_khz) / len(clocks_khz) / 1e3 if clocks_khz else None

    def _temperature_c(self) -> float | None:
        temperatures = _numbers(self._temperatures)
        return max(temperatures) / 1e3 if temperatures else None


def _processor_time() -> dict[str, float]:
    try:
        times = psutil.cpu_times()
    except OSError:
        return {}
    busy_s = {"cpu_busy_s": busy_s_in(times)}
    return busy_s | ({"cpu_steal_s": times.steal} if hasattr(times, "steal") else {})


def _pressure_s(path: Path) -> float | None:
    total_us = re.search(r"^some .*\btotal=(\d+)", _text(path))
    return int(total_us[1]) / 1e6 if total_us else None


def _swapped_pages(path: Path) -> float | None:
    pages = re.findall(r"^pswp(?:in|out) (\d+)$", _text(path), re.MULTILINE)
    return float(sum(map(int, pages))) if len(pages) == 2 else None


def _on_battery(folder: Path) -> float | None:
    """A battery is asked only when no mains supply is on: asking one can take a laptop's firmware milliseconds."""
    if not folder.is_dir():
        return None
    supplies = [path for path in folder.glob("*") if _text(path / "scope").strip() != "Device"]  # a mouse has one too
    kinds = [(_text(path / "type").strip(), path) for path in supplies]
    if any(_number(path / "online") for kind, path in kinds if kind == "Mains"):
        return 0.0
    batteries = (path for kind, path in kinds if kind == "Battery")
    return float(any(_text(path / "status").strip() == "Discharging" for path in batteries))


def _throttle_files(cpus: Sequence[Path]) -> list[Path]:
    """One thread of each core, of a sample of cores, and one of each package: the others repeat the same counts."""
    cores: dict[str, Path] = {}
    packages: dict[str, Path] = {}
    for cpu in cpus:
        package = _text(cpu / "topology/physical_package_id")
        cores.setdefault(_text(cpu / "topology/thread_siblings_list") or cpu.name, cpu)
        packages.setdefault(package, cpu)
    return [
        *(cpu / "thermal_throttle/core_throttle_count" for cpu in _spread(list(cores.values()), _MOST_CORES)),
        *(cpu / "thermal_throttle/package_throttle_count" for cpu in packages.values()),
    ]


def _temperature_files(folder: Path) -> list[Path]:
    zones = [
        path / "temp" for path in _numbered(folder / "thermal", "thermal_zone") if _is(path / "type", _THERMAL_ZONES)
    ]
    sensors = [path / "temp1_input" for path in _numbered(folder / "hwmon", "hwmon") if _is(path / "name", _SENSORS)]
    return zones or sensors  # where both are there they are the same sensor


def _numbered(folder: Path, prefix: str) -> list[Path]:
    found = [path for path in folder.glob(f"{prefix}*") if path.name.removeprefix(prefix).isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix(prefix)))


def _spread(paths: Sequence[Path], most: int) -> Sequence[Path]:
    """At most so many, from all over the machine."""
    return paths[:: -(-len(paths) // most) or 1]


def _answering(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(path for path in paths if _number(path) is not None)


def _numbers(paths: Iterable[Path]) -> list[int]:
    return [number for number in map(_number, paths) if number is not None]


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _is(path: Path, names: set[str]) -> bool:
    return _text(path).strip() in names


def _text(path: Path) -> str:
    """Empty for a file that is absent or does not answer."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
