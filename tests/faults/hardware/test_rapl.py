"""Trees of every shape known, as RAPL meters open them, through pyRAPL as it is published and through the files."""

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
    assert child.meters == dict.fromkeys(("package-0", "dram-0", "package-1", "dram-1"), "pyrapl") | {
        "psys": "powercap"
    }
    assert (child.missing, list(child.notes)) == ({}, ["psys"])
    assert set(child.read(0).values()) == {0}
    powercap.set("0", 1_000_000_000 + 11)
    powercap.set("0:1", 2_000_000_000 + 12)
    powercap.set("1", 3_000_000_000 + 13)
    powercap.set("1:1", 4_000_000_000 + 14)
    powercap.set("2", 9_000_000_000 + 15)
    assert child.read(100) == {"package-0": 11, "dram-0": 12, "package-1": 13, "dram-1": 14, "psys": 15}


def added(metering: Any) -> list[str]:
    """The domains whose energy is summed."""
    return [one.description.domain for one in metering.meters if not one.description.check]


@pytest.mark.fault("package counter repeated by the mmio interface", "right joules")
def test_what_is_inside_or_beside_a_counter_is_not_counted_again(powercap: Any) -> None:
    server(powercap)
    assert added(rapl.open_meters(root=powercap.root)) == ["package-0", "dram-0", "package-1", "dram-1"]


@pytest.mark.fault("platform counter around the packages", "kept apart")
@pytest.mark.parametrize("name", ["psys", "psys-1"])
def test_the_platforms_counter_is_kept_and_never_added(powercap: Any, name: str) -> None:
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("1", name, 9_000_000_000)
    package, around = rapl.open_meters("device", root=powercap.root).meters
    assert (package.description.check, package.description.boundary) == (False, "device")
    assert (around.description.domain, around.description.check) == (name, True)
    assert around.description.boundary == "machine"
    assert "around the packages" in str(around.description.note)


def test_a_platforms_counter_alone_measures_nothing(powercap: Any) -> None:
    powercap.zone("0", "psys", 9_000_000_000)
    metering = rapl.open_meters(root=powercap.root)
    assert added(metering) == []
    assert [one.code for one in metering.missing] == ["rapl_absent"]


@pytest.mark.parametrize(("range_uj", "step_uj"), [(RANGE_UJ, 61), (65_532_610_987, 15), (65_712_999_613, 15)])
def test_counters_state_their_step_and_no_scope(powercap: Any, range_uj: int, step_uj: int) -> None:
    """2^-14 J on Intel since Haswell; 2^-16 J on AMD, and on the memory of Intel's servers."""
    powercap.zone("0", "package-0", 5, range_uj)
    (meter,) = rapl.open_meters(root=powercap.root).meters
    assert meter.description.resolution_uj == step_uj
    assert meter.description.scope is None


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


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param((), marks=pytest.mark.fault("memory without a counter", "dram_missing")),
        pytest.param(("core",), marks=pytest.mark.fault("AMD processor: package and cores alone", "dram_missing")),
        pytest.param(
            ("core", "uncore"), marks=pytest.mark.fault("laptop: package, cores and graphics", "dram_missing")
        ),
    ],
)
def test_one_socket_without_memory_is_flagged(powercap: Any, rapl_child: Start, inner: tuple[str, ...]) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 1_000_000_000)
    for number, name in enumerate(inner):
        powercap.zone(f"0:{number}", name, 7)
    child = rapl_child()
    assert child.meters == {"package-0": "pyrapl"}
    assert list(child.missing) == ["dram_missing"]


@pytest.mark.fault("several dies in one package", "right joules")
def test_dies_are_read_from_their_files_and_added(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0-die-0", 1_000_000_000)
    powercap.zone("1", "package-0-die-1", 5_000_000_000)
    powercap.zone("1:0", "dram", 8_000_000_000)
    child = rapl_child()
    assert child.meters == dict.fromkeys(("package-0-die-0", "package-0-die-1", "dram-0-die-1"), "powercap")
    child.read(0)
    for number, energy_uj in (("0", 1_000_000_001), ("1", 5_000_000_020), ("1:0", 8_000_000_300)):
        powercap.set(number, energy_uj)
    assert sum(child.read(10).values()) == 321


@pytest.mark.fault("gap in the numbers of zones", "right joules")
def test_a_socket_behind_a_gap_is_read_from_its_file(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(2)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("2", "package-1", 3_000_000_000)
    child = rapl_child()
    assert child.meters == {"package-0": "pyrapl", "package-1": "powercap"}
    child.read(0)
    powercap.set("2", 3_000_000_500)
    assert child.read(10) == {"package-0": 0, "package-1": 500}


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


@pytest.mark.fault("chiplets that repeat their package's counter", "right joules")
def test_chiplets_that_repeat_one_counter_are_counted_once(powercap: Any) -> None:
    for die in range(4):
        powercap.zone(str(die), f"package-0-die-{die}", 50_000_000_000 + die)
    powercap.zone("4", "package-1-die-0", 50_000_000_000)
    metering = rapl.open_meters(root=powercap.root)
    assert [one.description.domain for one in metering.meters] == ["package-0-die-0", "package-1-die-0"]


def test_a_counter_only_the_mmio_interface_shows_is_taken(powercap: Any) -> None:
    powercap.zone("intel-rapl-mmio:0", "package-0", 5)
    assert [one.description.domain for one in rapl.open_meters(root=powercap.root).meters] == ["package-0"]


@pytest.mark.fault("twelve sockets", "all read")
def test_zones_past_ten_are_found_in_their_order(powercap: Any) -> None:
    for socket in range(12):
        powercap.zone(str(socket), f"package-{socket}", socket * 10_000_000)
    assert [zone.domain for zone in rapl.zones(powercap.root)] == [f"package-{socket}" for socket in range(12)]


def test_counters_of_a_host_are_part_of_the_machine(powercap: Any) -> None:
    powercap.zone("0", "package-0", 5)
    (meter,) = rapl.open_meters("machine", root=powercap.root).meters
    assert (meter.description.boundary, meter.description.method) == ("machine", "counter")
