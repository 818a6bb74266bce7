"""What befalls a RAPL counter while it is being read, through pyRAPL as it is published and through its file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

RANGE_UJ = 262_143_328_850
Start = Callable[..., Any]
both_readers = pytest.mark.parametrize("reader", ["pyrapl", "powercap"])


def one_package(powercap: Any, reader: str, energy_uj: int = 1_000_000_000) -> None:
    """pyRAPL needs to know of sockets; without them the file is read directly."""
    if reader == "pyrapl":
        powercap.sockets(1)
    powercap.zone("0", "package-0", energy_uj)


def opened(powercap: Any, rapl_child: Start, reader: str, energy_uj: int = 1_000_000_000) -> Any:
    one_package(powercap, reader, energy_uj)
    child = rapl_child()
    assert child.meters == {"package-0": reader}
    assert child.read(0) == {"package-0": 0}
    return child


@both_readers
@pytest.mark.fault("counter wraps between two reads", "right joules")
def test_a_wrap_costs_nothing(powercap: Any, rapl_child: Start, reader: str) -> None:
    child = opened(powercap, rapl_child, reader, RANGE_UJ - 400)
    powercap.set("0", 600)
    assert child.read(100) == {"package-0": 1_000}


@both_readers
@pytest.mark.fault("counter falls without wrapping", "counter_fell")
def test_a_fall_that_is_no_wrap_is_reported_and_counting_goes_on(powercap: Any, rapl_child: Start, reader: str) -> None:
    child = opened(powercap, rapl_child, reader, 100_000_000_000)
    powercap.set("0", 5)
    assert child.read(100) == {"package-0": "CounterReset"}
    powercap.set("0", 25)
    assert child.read(200) == {"package-0": 20}


@pytest.mark.fault("counter jumps further than any machine draws", "counter_fell")
def test_a_jump_is_no_energy(powercap: Any, rapl_child: Start) -> None:
    child = opened(powercap, rapl_child, "powercap")
    powercap.set("0", 1_000_000_000 + 2_000_000_000)  # 2 kJ in 0.1 s
    assert child.read(100) == {"package-0": "CounterReset"}


@both_readers
@pytest.mark.fault("counter wraps twice between two reads", "counter_fell")
def test_a_wrap_that_may_have_passed_unseen_is_no_energy(powercap: Any, rapl_child: Start, reader: str) -> None:
    """At 800 W the counter comes round each 328 s and stands 10 J further after the second time."""
    child = opened(powercap, rapl_child, reader)
    powercap.set("0", 1_010_000_000)
    assert child.read(655_370) == {"package-0": "CounterReset"}
    powercap.set("0", 1_010_000_007)
    assert child.read(655_470) == {"package-0": 7}


@both_readers
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("eio", marks=pytest.mark.fault("one read fails with EIO", "right joules")),
        pytest.param("empty", marks=pytest.mark.fault("one read is empty", "right joules")),
    ],
)
def test_a_read_that_fails_once_loses_no_energy(powercap: Any, rapl_child: Start, reader: str, fault: str) -> None:
    child = opened(powercap, rapl_child, reader)
    powercap.set("0", 1_000_000_500)
    powercap.fault("0", **{fault: 1})
    assert child.read(50) == {"package-0": "MeterLost"}
    powercap.fault("0")
    powercap.set("0", 1_000_000_900)
    assert child.read(100) == {"package-0": 900}


@both_readers
@pytest.mark.fault("zone goes while it is open (driver unloaded)", "meter_lost")
def test_a_zone_that_goes_is_lost(powercap: Any, rapl_child: Start, reader: str) -> None:
    child = opened(powercap, rapl_child, reader)
    powercap.remove("0")
    assert child.read(50) == child.read(100) == {"package-0": "MeterLost"}


@both_readers
@pytest.mark.fault("packages renumbered while they are open", "meter_lost")
def test_a_package_never_counts_on_with_anothers_counter(powercap: Any, rapl_child: Start, reader: str) -> None:
    child = opened(powercap, rapl_child, reader)
    powercap.remove("0")
    powercap.zone("0", "package-1", 1_000_000_700)
    assert child.read(50) == {"package-0": "MeterLost"}


def watched(child: Any, for_ms: int) -> dict[str, list[Any]]:
    seen: dict[str, list[Any]] = child.watch(50, for_ms)
    return seen


def off_j(readings: list[Any], truth: Any, start_ns: int) -> float:
    """How far the energy between the first and the last reading is from the truth."""
    (first_ns, first_uj), (last_ns, last_uj) = readings[0], readings[-1]
    true_j = truth.energy_j((first_ns - start_ns) / 1e9, (last_ns - start_ns) / 1e9)
    return float((last_uj - first_uj) / 1e6 - true_j)


@pytest.mark.fault("counter wraps in ten seconds of a changing power, in real time", "right joules")
def test_ten_seconds_over_a_wrap_are_within_a_thousandth(
    powercap: Any, rapl_child: Start, profiles: ModuleType
) -> None:
    """Through both readers at once: the gap in the zones' numbers hides the second package from pyRAPL."""
    wave = profiles.Profile.parsed("0:90000,300:310000,900:150000", repeat_ms=1_000)
    powercap.sockets(2)
    powercap.zone("0", "package-0", RANGE_UJ - 700_000_000)
    powercap.zone("2", "package-1", RANGE_UJ - 1_500_000_000)
    starts_ns = [powercap.profile(number, wave) for number in ("0", "2")]
    child = rapl_child()
    assert child.meters == {"package-0": "pyrapl", "package-1": "powercap"}
    for start_ns, readings in zip(starts_ns, watched(child, 10_000).values(), strict=True):
        span_s = [(at_ns - start_ns) / 1e9 for at_ns, _ in readings]
        assert wave.energy_j(0, span_s[0]) < 700 < 1_500 < wave.energy_j(0, span_s[-1])  # both wrapped meanwhile
        assert abs(off_j(readings, wave, start_ns)) < 0.001 * wave.energy_j(span_s[0], span_s[-1])


UNTIL_IT_FALLS = """
import pyRAPL, time
pyRAPL.setup()
seen = [pyRAPL._sensor.energy()[0]]
while seen[-1] >= seen[0] and len(seen) < 1_000:
    time.sleep(0.01)
    seen.append(pyRAPL._sensor.energy()[0])
print(int(seen[0]), int(seen[-2]), int(seen[-1]))
"""


def test_plain_pyrapl_sees_the_running_counter_fall_at_its_wrap(
    powercap: Any, sysfs_shim: Path, profiles: ModuleType
) -> None:
    """What the meters are for: pyRAPL leaves the fall to its caller."""
    one_package(powercap, "pyrapl", RANGE_UJ - 600_000_000)
    powercap.profile("0", profiles.Profile.constant(200.0))
    environ = os.environ | {"FAKE_SYSFS": str(powercap.sysfs), "LD_PRELOAD": str(sysfs_shim)}
    command = [sys.executable, "-W", "ignore", "-c", UNTIL_IT_FALLS]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    first_uj, last_uj, fallen_uj = (int(word) for word in done.stdout.split())
    assert RANGE_UJ - 600_000_000 < first_uj < last_uj < RANGE_UJ
    assert fallen_uj < 50_000_000


@pytest.mark.fault("faults of several packages in one run, in real time", "each its own")
def test_what_befalls_one_package_leaves_the_others_alone(
    powercap: Any, rapl_child: Start, profiles: ModuleType
) -> None:
    power = profiles.Profile.constant(200.0)
    faults: tuple[dict[str, str], ...] = (
        {},
        {"eio": "@1500 1\neio@1700 0"},
        {"reset": "@1500 0"},
        {"hang_ms": "@1500 60\nhang_ms@1700 0"},
    )
    powercap.sockets(len(faults))
    starts_ns = []
    for number, fault in enumerate(faults):
        powercap.zone(str(number), f"package-{number}", (number + 1) * 10_000_000_000)
        starts_ns.append(powercap.profile(str(number), power, **fault))
    child = rapl_child()
    assert set(child.meters.values()) == {"pyrapl"}
    time.sleep(max(0.0, (starts_ns[-1] - time.monotonic_ns()) / 1e9 + 1.4))
    whole, failing, reset, hanging = watched(child, 1_000).values()
    assert abs(off_j(whole, power, starts_ns[0])) < 3.0
    assert {energy for _, energy in failing if isinstance(energy, str)} == {"MeterLost"}
    answered = [(at_ns, energy) for at_ns, energy in failing if isinstance(energy, int)]
    assert abs(off_j(answered, power, starts_ns[1])) < 3.0
    assert [energy for _, energy in reset if isinstance(energy, str)] == ["CounterReset"]
    assert max(at_ns - before_ns for (at_ns, _), (before_ns, _) in zip(hanging, reset, strict=True)) > 60_000_000
    assert abs(off_j(hanging, power, starts_ns[3])) < 3.0
