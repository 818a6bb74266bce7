"""RAPL meters on trees of every shape known, through pyRAPL as it is published and through the files themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backends
from backends.meters import rapl
from backends.meters.base import MeterLost

PACKAGES = Path(backends.__file__).parents[1]
RANGE_UJ = 262_143_328_850
Start = Callable[..., Any]


def server(powercap: Any) -> None:
    """Two sockets with memory, and every counter that must not be added."""
    powercap.sockets(2)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("0:0", "core", 7)
    powercap.zone("0:1", "dram", 2_000_000_000)
    powercap.zone("1", "package-1", 3_000_000_000)
    powercap.zone("1:0", "core", 7)
    powercap.zone("1:1", "dram", 4_000_000_000)
    powercap.zone("2", "psys", 9_000_000_000)
    powercap.zone("intel-rapl-mmio:0", "package-0", 6_000_000_000)


def test_two_sockets_with_memory_are_read_by_pyrapl(powercap: Any, rapl_child: Start) -> None:
    server(powercap)
    child = rapl_child()
    assert child.meters == dict.fromkeys(("package-0", "dram-0", "package-1", "dram-1"), "pyrapl")
    assert child.missing == {}
    assert set(child.read(0).values()) == {0}
    powercap.set("0", 1_000_000_000 + 11)
    powercap.set("0:1", 2_000_000_000 + 12)
    powercap.set("1", 3_000_000_000 + 13)
    powercap.set("1:1", 4_000_000_000 + 14)
    assert child.read(100) == {"package-0": 11, "dram-0": 12, "package-1": 13, "dram-1": 14}


def test_what_is_inside_around_or_beside_a_counter_is_not_counted_again(powercap: Any) -> None:
    server(powercap)
    opened = [meter.description.domain for meter in rapl.open_meters(root=powercap.root).meters]
    assert opened == ["package-0", "dram-0", "package-1", "dram-1"]


def test_a_tree_that_is_not_the_machines_own_is_never_read_through_pyrapl(
    powercap: Any, rapl_child: Start, tmp_path: Path
) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 1_000_000_000)
    other = tmp_path / "intel-rapl:0"
    other.mkdir()
    for name, text in (("name", "package-0"), ("energy_uj", "5"), ("max_energy_range_uj", str(RANGE_UJ))):
        (other / name).write_text(f"{text}\n")
    child = rapl_child(str(tmp_path))
    assert child.meters == {"package-0": "powercap"}
    child.read(0)
    (other / "energy_uj").write_text("12\n")
    assert child.read(10) == {"package-0": 7}


def test_one_socket_without_memory_is_flagged(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("0:0", "core", 7)
    child = rapl_child()
    assert child.meters == {"package-0": "pyrapl"}
    assert list(child.missing) == ["dram_missing"]


def test_dies_are_read_from_their_files(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0-die-0", 1_000_000_000)
    powercap.zone("1", "package-0-die-1", 5_000_000_000)
    powercap.zone("1:0", "dram", 8_000_000_000)
    child = rapl_child()
    assert child.meters["package-0-die-0"] == "powercap"
    assert child.meters["package-0-die-1"] == "powercap"
    assert set(child.meters) == {"package-0-die-0", "package-0-die-1", "dram-0-die-1"}


def test_a_socket_behind_a_gap_is_read_from_its_file(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(2)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("2", "package-1", 3_000_000_000)
    child = rapl_child()
    assert child.meters == {"package-0": "pyrapl", "package-1": "powercap"}
    child.read(0)
    powercap.set("2", 3_000_000_500)
    assert child.read(10) == {"package-0": 0, "package-1": 500}


@pytest.mark.parametrize("sockets", [1, 0])
def test_a_wrap_costs_nothing_through_either_reader(powercap: Any, rapl_child: Start, sockets: int) -> None:
    if sockets:
        powercap.sockets(sockets)
    powercap.zone("0", "package-0", RANGE_UJ - 400)
    child = rapl_child()
    assert child.meters == {"package-0": "pyrapl" if sockets else "powercap"}
    child.read(0)
    powercap.set("0", 600)
    assert child.read(100) == {"package-0": 1_000}


def test_a_fall_that_is_no_wrap_is_reported_and_counting_goes_on(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 100_000_000_000)
    child = rapl_child()
    child.read(0)
    powercap.set("0", 5)
    assert child.read(100) == {"package-0": "CounterReset"}
    powercap.set("0", 25)
    assert child.read(200) == {"package-0": 20}


def test_a_known_power_gives_its_energy(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", RANGE_UJ - 123_456_789)
    child = rapl_child()
    child.read(0)
    for at_ms in range(20, 10_001, 20):  # 123.4 W, over a wrap
        powercap.set("0", (RANGE_UJ - 123_456_789 + at_ms * 123_400) % RANGE_UJ)
        energies = child.read(at_ms)
    assert energies["package-0"] == pytest.approx(123.4 * 10 * 1e6, rel=0.005)


def test_a_refused_counter_is_no_zero_but_a_command(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.lock("0")
    child = rapl_child(unprivileged=True)
    assert child.meters == {}
    reason, cure = child.missing["rapl_permission_denied"]
    assert "package-0" in reason
    assert "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj" in cure


def test_a_refused_memory_leaves_the_package(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("0:0", "dram", 1_000_000_000)
    powercap.lock("0:0")
    child = rapl_child(unprivileged=True)
    assert child.meters == {"package-0": "pyrapl"}
    assert list(child.missing) == ["rapl_permission_denied"]


def test_pyrapl_brings_no_noise_and_no_pandas(powercap: Any) -> None:
    """With warnings as errors and from source, as on its first import."""
    powercap.zone("0", "package-0", 5)
    code = f"""
import sys
from pathlib import Path
from backends.meters import rapl
rapl.open_meters(root=Path({str(powercap.root)!r}))
assert "pyRAPL" in sys.modules
print("pandas" in sys.modules)
import logging, pandas
logging.warning("loggers speak again")
"""
    command = [sys.executable, "-W", "error", "-X", f"pycache_prefix={powercap.root}", "-c", code]
    environ = os.environ | {"PYTHONPATH": str(PACKAGES)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "WARNING:root:loggers speak again\n")


def test_no_tree_is_absent(powercap: Any, rapl_child: Start) -> None:
    child = rapl_child()
    assert child.meters == {}
    assert list(child.missing) == ["rapl_absent"]


def test_links_into_nothing_are_absent(powercap: Any) -> None:
    """What a container sees whose runtime masks the counters."""
    (powercap.root / "intel-rapl:0").symlink_to("/nowhere/intel-rapl:0")
    assert [one.code for one in rapl.open_meters(root=powercap.root).missing] == ["rapl_absent"]


def test_chiplets_that_repeat_one_counter_are_counted_once(powercap: Any) -> None:
    for die in range(4):
        powercap.zone(str(die), f"package-0-die-{die}", 50_000_000_000 + die)
    powercap.zone("4", "package-1-die-0", 50_000_000_000)
    metering = rapl.open_meters(root=powercap.root)
    assert [one.description.domain for one in metering.meters] == ["package-0-die-0", "package-1-die-0"]


def test_a_counter_only_the_mmio_interface_shows_is_taken(powercap: Any) -> None:
    powercap.zone("intel-rapl-mmio:0", "package-0", 5)
    assert [one.description.domain for one in rapl.open_meters(root=powercap.root).meters] == ["package-0"]


def test_zones_past_ten_are_found_in_their_order(powercap: Any) -> None:
    for socket in range(12):
        powercap.zone(str(socket), f"package-{socket}", socket * 10_000_000)
    assert [zone.domain for zone in rapl.zones(powercap.root)] == [f"package-{socket}" for socket in range(12)]


def test_a_counter_that_does_not_answer_is_named(powercap: Any) -> None:
    powercap.zone("0", "package-0", 5)
    (powercap.root / "intel-rapl:0/energy_uj").write_text("")
    metering = rapl.open_meters(root=powercap.root)
    assert metering.meters == ()
    assert metering.missing[0].code == "no_meter"
    assert "package-0" in metering.missing[0].reason


def test_a_counter_that_falls_silent_is_lost(powercap: Any) -> None:
    powercap.zone("0", "package-0", 5)
    (meter,) = rapl.open_meters(root=powercap.root).meters
    meter.read()
    (powercap.root / "intel-rapl:0/energy_uj").write_text("")
    with pytest.raises(MeterLost, match="package-0"):
        meter.read()
    meter.close()
    with pytest.raises(MeterLost):
        meter.read()


def test_counters_of_a_host_are_part_of_the_machine(powercap: Any) -> None:
    powercap.zone("0", "package-0", 5)
    (meter,) = rapl.open_meters("machine", root=powercap.root).meters
    assert (meter.description.boundary, meter.description.method) == ("machine", "counter")
