"""RAPL counters that are absent, refused, broken or contradicted: never a zero, always a reason or another way."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from backends.cpu import CpuBackend
from backends.meters import rapl, rapl_missing

RULES = Path(__file__).parents[3] / "docs/70-joulemark-rapl.rules"
Start = Callable[..., Any]


@pytest.mark.fault("no RAPL (virtual machine)", "rapl_absent")
def test_no_tree_is_absent(powercap: Any, rapl_child: Start) -> None:
    child = rapl_child()
    assert child.meters == {}
    assert list(child.missing) == ["rapl_absent"]


@pytest.mark.fault("counters masked by a container", "rapl_absent")
def test_links_into_nothing_are_absent(powercap: Any) -> None:
    """What a container sees whose runtime masks the counters."""
    (powercap.root / "intel-rapl:0").symlink_to("/nowhere/intel-rapl:0")
    assert [one.code for one in rapl.open_meters(root=powercap.root).missing] == ["rapl_absent"]


@pytest.mark.fault("counter for root alone (mode 0400)", "rapl_permission_denied")
def test_a_refused_counter_is_no_zero_but_a_command(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.lock("0")
    child = rapl_child(unprivileged=True)
    assert child.meters == {}
    reason, cure = child.missing["rapl_permission_denied"]
    assert "package-0" in reason
    assert "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj;" in cure
    assert len(cure) <= 290


@pytest.mark.fault("counter of the memory for root alone", "rapl_permission_denied")
def test_a_refused_memory_leaves_the_package(powercap: Any, rapl_child: Start) -> None:
    powercap.sockets(1)
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("0:0", "dram", 1_000_000_000)
    powercap.lock("0:0")
    child = rapl_child(unprivileged=True)
    assert child.meters == {"package-0": "pyrapl"}
    assert list(child.missing) == ["rapl_permission_denied"]


def test_every_command_of_the_cure_stands_in_the_rules_file(powercap: Any) -> None:
    lines = RULES.read_text().splitlines()
    commands = [line.removeprefix("#   ") for line in lines if line.startswith("#   ")]
    assert [command for command in commands if command in rapl_missing.grant(powercap.root)] == commands
    assert len(commands) == 5


@pytest.mark.fault("counters for root alone, the udev rule installed", "right joules")
def test_the_udev_rule_opens_every_counter_to_its_group(powercap: Any) -> None:
    """Its own commands, run for each zone whose name it matches, with a group that is there."""
    powercap.zone("0", "package-0", 1_000_000_000)
    powercap.zone("0:0", "dram", 2_000_000_000)
    powercap.zone("intel-rapl-mmio:0", "package-0", 6_000_000_000)
    (rule,) = (line for line in RULES.read_text().splitlines() if line and not line.startswith("#"))
    pattern = re.search(r'KERNEL=="([^"]+)"', rule)
    assert pattern is not None
    for link in powercap.root.glob("intel-rapl*:*"):
        (link / "energy_uj").chmod(0o400)
        assert fnmatch(link.name, pattern[1])
        for command in re.findall(r'RUN\+="([^"]+)"', rule):
            run = command.replace("/sys%p", str(link.resolve())).replace(" rapl ", f" {os.getgid()} ")
            subprocess.run(run.split(), check=True)
    modes = {path.stat().st_mode & 0o777 for path in powercap.root.glob("intel-rapl*:*/energy_uj")}
    assert modes == {0o440}
    assert not fnmatch("intel-rapl", pattern[1])


def two_sockets(powercap: Any) -> None:
    for socket in range(2):
        powercap.zone(f"{socket}", f"package-{socket}", (socket + 1) * 10_000_000_000)
        powercap.zone(f"{socket}:0", "dram", (socket + 1) * 20_000_000_000)


def broken(name: str, content: str | None, fault: str) -> Any:
    return pytest.param(name, content, marks=pytest.mark.fault(fault, "rapl_unreadable"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        broken("energy_uj", "", "counter empty at the opening"),
        broken("energy_uj", "0x12", "counter that is no number"),
        broken("max_energy_range_uj", "0", "range of zero"),
        broken("max_energy_range_uj", "-5", "range below zero"),
        broken("max_energy_range_uj", "many", "range that is no number"),
        broken("max_energy_range_uj", None, "no range"),
        broken("name", None, "zone without a name"),
        broken("name", "", "zone with an empty name"),
    ],
)
def test_one_package_that_does_not_say_all_leaves_none_counted(powercap: Any, file: str, content: str | None) -> None:
    """The other package alone would rank with half the machine's energy. psys is beside them and stays."""
    powercap.zone("0", "package-0", 5)
    powercap.zone("1", "package-1", 5)
    powercap.zone("2", "psys", 5)
    path = powercap.root / "intel-rapl:1" / file
    path.unlink() if content is None else path.write_text(content)
    metering = rapl.open_meters(root=powercap.root)
    assert [meter.description.domain for meter in metering.meters] == ["psys"]
    (unreadable,) = metering.missing
    assert unreadable.code == "rapl_unreadable"
    assert ("intel-rapl:1" if file == "name" else "package-1") in unreadable.reason
    assert "must not pass for all of the CPU, so package-0 is not counted either" in unreadable.reason


@pytest.mark.fault("counter of one package for root alone", "rapl_permission_denied")
def test_one_refused_package_leaves_none_counted(powercap: Any, rapl_child: Start) -> None:
    two_sockets(powercap)
    powercap.lock("1")
    child = rapl_child(unprivileged=True)
    assert child.meters == {}
    (reason, _cure) = child.missing["rapl_permission_denied"]
    assert "of package-1. A part" in reason
    assert "so package-0, dram-0, dram-1 is not counted either" in reason


def test_one_refused_package_leaves_an_estimate_on_the_cpu(powercap: Any) -> None:
    two_sockets(powercap)
    (powercap.root / "intel-rapl:1/energy_uj").write_text("")
    metering = CpuBackend(powercap=powercap.root).meters(0)
    assert {meter.description.method for meter in metering.meters} == {"estimate"}
    assert [one.code for one in metering.missing] == ["rapl_unreadable"]


@pytest.mark.fault("counter of one package's memory for root alone", "rapl_permission_denied")
def test_one_refused_memory_leaves_the_packages(powercap: Any, rapl_child: Start) -> None:
    two_sockets(powercap)
    powercap.lock("1:0")
    child = rapl_child(unprivileged=True)
    assert list(child.meters) == ["package-0", "package-1"]
    (reason, _cure) = child.missing["rapl_permission_denied"]
    assert "must not pass for all of the memory, so dram-0 is not counted either" in reason
    assert list(child.missing) == ["rapl_permission_denied"]


@pytest.mark.parametrize(
    ("removed", "code"),
    [
        pytest.param("", "dram_missing", marks=pytest.mark.fault("memory of one package alone", "dram_missing")),
        pytest.param("name", "rapl_unreadable", marks=pytest.mark.fault("memory without a name", "rapl_unreadable")),
    ],
)
def test_memory_that_one_package_does_not_show_is_not_counted_of_the_other(
    powercap: Any, removed: str, code: str
) -> None:
    two_sockets(powercap)
    (powercap.root / "intel-rapl:1:0" / removed).unlink()
    metering = rapl.open_meters(root=powercap.root)
    assert [meter.description.domain for meter in metering.meters] == ["package-0", "package-1"]
    (missing,) = metering.missing
    assert missing.code == code
    assert "so dram-0 is not counted either" in missing.reason


def test_a_platforms_counter_that_is_refused_costs_the_packages_nothing(powercap: Any) -> None:
    two_sockets(powercap)
    powercap.zone("2", "psys", 5)
    (powercap.root / "intel-rapl:2/energy_uj").write_text("")
    metering = rapl.open_meters(root=powercap.root)
    assert {meter.description.domain for meter in metering.meters} == {"package-0", "dram-0", "package-1", "dram-1"}


def test_what_is_not_counted_is_not_held_open(powercap: Any) -> None:
    two_sockets(powercap)
    (powercap.root / "intel-rapl:1/energy_uj").write_text("")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a descriptor of the listing itself, in both counts
    rapl.open_meters(root=powercap.root)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.fault("no counter of 32 dies answers", "rapl_unreadable")
def test_a_long_list_stays_one_line(powercap: Any) -> None:
    for die in range(32):
        powercap.zone(str(die), f"package-{die // 4}-die-{die % 4}", 5)
        (powercap.root / f"intel-rapl:{die}/energy_uj").write_text("")
    reason = rapl.open_meters(root=powercap.root).missing[0].reason
    assert "package-0-die-0, package-0-die-1" in reason
    assert reason.endswith(" and 24 more.")
    assert len(reason) < 290


FOREIGN_PYRAPL = """
from pathlib import Path
class PyRAPLException(Exception): pass
class Device: PKG, DRAM = 0, 1
class Files:
    def __init__(self): self._sys_files = [open("/sys/class/powercap/intel-rapl:0/energy_uj")]
class Sensor:
    def __init__(self, devices, socket_ids): self._device_api = {0: Files()}
    def energy(self): return ANSWER
"""


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("[1_000.0, -1]", marks=pytest.mark.fault("pyRAPL answers in another unit", "right joules")),
        pytest.param("[-1, -1]", marks=pytest.mark.fault("pyRAPL answers -1", "right joules")),
        pytest.param("[float('')]", marks=pytest.mark.fault("pyRAPL fails after its opening", "right joules")),
    ],
)
def test_a_pyrapl_that_contradicts_the_file_is_turned_down(
    powercap: Any, rapl_child: Start, tmp_path: Path, answer: str
) -> None:
    powercap.zone("0", "package-0", 1_000_000_000)
    (tmp_path / "pyRAPL.py").write_text(FOREIGN_PYRAPL.replace("ANSWER", answer))
    child = rapl_child(path=str(tmp_path))
    assert child.meters == {"package-0": "powercap"}
    assert "the file is read directly" in child.notes["package-0"]
    child.read(0)
    powercap.set("0", 1_000_000_500)
    assert child.read(10) == {"package-0": 500}
