"""The fake hardware of tests/faults/hardware, built and written for programs that are started beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HARDWARE = ROOT / "tests" / "faults" / "hardware"
RANGE_UJ = 262_143_328_850
"""Where Intel's package counters start again from 0."""

# CodeCarbon resolves the links of the tree; ours and Zeus do not.
READLINK = "FORWARD(ssize_t, readlink, (const char *path, char *target, size_t size), (path, target, size))"

BACKEND = '''
"""Every board and every zone that this process is shown, as one device."""

import os

from backends import nvml
from backends.base import BackendUnavailable, Metering
from backends.meters import nvml as nvml_meters
from backends.meters import rapl
from backends.meters.nvml_gauge import NvmlGauge
from backends.simulated import SimulatedBackend


class FakeBackend(SimulatedBackend):
    name = "fake"

    def meters(self, index):
        parts = os.environ["FAKE_PARTS"].split()
        meters, missing, gauges = [], [], []
        if "rapl" in parts:
            zones = rapl.open_meters("device")
            meters, missing = [*zones.meters], [*zones.missing]
        if "counter" in parts or "power" in parts:
            for number, board in enumerate(nvml.boards({})):
                own = nvml_meters.open_meters(board, f"gpu{number}")
                meters += [one for one in own.meters if not one.description.check or "power" in parts]
                missing += own.missing
                gauges += [NvmlGauge(board.uuid, f"gpu{number}")] if "gauge" in parts else []
        return Metering(meters=tuple(meters), missing=tuple(missing), gauges=tuple(gauges))
'''


@dataclass(frozen=True, slots=True)
class Library:
    """Where the built fakes stand. `folder` holds the driver's library; `shim` shows a tree as the kernel's."""

    folder: Path
    shim: Path
    packages: Path

    def environ(self, scene: Path, parts: str) -> dict[str, str]:
        """What a process needs to see the hardware written under `scene` as its machine's; `parts` of it for us."""
        modules = os.pathsep.join([str(self.packages), str(ROOT)])
        return {
            "PYTHONPATH": modules,
            "LD_LIBRARY_PATH": str(self.folder),
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "LD_PRELOAD": str(self.shim),
            "FAKE_SYSFS": str(scene),
            "FAKE_NVML_SCENARIO": str(scene / "scenario.txt"),
            "FAKE_PARTS": parts,
        }


def build(folder: Path) -> Library:
    """SystemExit with one line where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        sys.exit("No C compiler (gcc or cc): the fake hardware cannot be built. Debian, Ubuntu: apt-get install gcc")
    library = Library(folder / "driver", folder / "sysfs_shim.so", folder / "packages")
    library.folder.mkdir(parents=True)
    shim = folder / "shim.c"
    shim.write_text(f'#include "{HARDWARE / "sysfs_shim.c"}"\n{READLINK}\n')
    for source, target in ((HARDWARE / "fake_nvml.c", library.folder / "libnvidia-ml.so.1"), (shim, library.shim)):
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(target), str(source), "-ldl"]
        subprocess.run(command, check=True)
    shown = library.folder / "nvidia-smi"  # some look for it before they ask the driver
    shown.write_text("#!/bin/sh\nexit 0\n")
    shown.chmod(0o755)
    _install(library.packages)
    return library


def _install(folder: Path) -> None:
    """The backend of the fakes, as any third party's would be."""
    information = folder / "fake-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "fake_backend.py").write_text(BACKEND)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: fake\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[joulemark.backends]\nfake = fake_backend:FakeBackend\n")


def write_boards(scene: Path, start_ns: int, boards: list[list[str]]) -> None:
    """Each board is lines of the driver's scenario without their "gpuN."; see fake_board.h."""
    lines = [f"gpu{number}.{line}" for number, board in enumerate(boards) for line in board]
    told = scene / "scenario.told"
    told.write_text("\n".join([f"start_ns {start_ns}", f"count {len(boards)}", *lines]) + "\n")
    told.rename(scene / "scenario.txt")


def write_zone(scene: Path, path: str, name: str, start_ns: int, lines: list[str], offset_uj: int = 0) -> None:
    """A powercap zone, "0" or "0:1" inside one that exists, with a profile of its own; see sysfs_shim.c."""
    root, numbers = scene / "sys/class/powercap", path.split(":")
    names = [":".join(["intel-rapl", *numbers[: depth + 1]]) for depth in range(len(numbers))]
    zone = root / "intel-rapl" / "/".join(names)
    zone.mkdir(parents=True)
    own = {"name": name, "max_energy_range_uj": RANGE_UJ, "energy_uj": offset_uj}
    for file, value in own.items():
        (zone / file).write_text(f"{value}\n")
    head = [f"start_ns {start_ns}", "update_us 1000", f"range_uj {RANGE_UJ}", f"offset_uj {offset_uj}"]
    (zone / "profile").write_text("\n".join([*head, *lines]) + "\n")
    (root / names[-1]).symlink_to(zone)
    if not (root / "intel-rapl/subsystem").is_symlink():
        (root / "intel-rapl/subsystem").symlink_to(root)


def write_sockets(scene: Path, count: int) -> None:
    """The CPU topology that goes with the zones: pyRAPL counts sockets from it."""
    cpus = scene / "sys/devices/system/cpu"
    for index in range(count):
        (cpus / f"cpu{index}/topology").mkdir(parents=True)
        (cpus / f"cpu{index}/topology/physical_package_id").write_text(f"{index}\n")
    (cpus / "present").write_text(f"0-{count - 1}\n" if count > 1 else "0\n")
