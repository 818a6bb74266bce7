"""Hardware that is not there: shared libraries and sysfs trees that unmodified readers take for real."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

import backends

HERE = Path(__file__).parent
PACKAGES = Path(backends.__file__).parents[1]  # the checkout, or where its wheel was installed
NOBODY = 65534

Energies = dict[str, int | str]


def built(source: str, target: Path, *options: str) -> Path:
    """The shared library of one C file. Without a compiler the test is skipped, but not where CI says it has one."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a C compiler: the fake hardware is built with it")
        pytest.skip("no C compiler: the fake hardware cannot be built")
    command = [compiler, "-shared", "-fPIC", "-O1", *options, "-o", str(target), str(HERE / source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
    return built("fake_nvml.c", target, "-Wall", "-Werror", "-Wl,-soname,libnvidia-ml.so.1")


@pytest.fixture(scope="session")
def sysfs_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("sysfs_shim.c", tmp_path_factory.mktemp("shim") / "sysfs_shim.so")


class Driver:
    """The fake NVIDIA driver's scenario: `set` changes answers at once, also those of meters that are open."""

    def __init__(self, scenario: Path) -> None:
        self._scenario = scenario
        self._answers: dict[str, object] = {}
        self.set()

    def set(self, **answers: object) -> None:
        """`gpu0_power_mw=250` writes the line "gpu0.power_mw 250"."""
        self._answers |= answers
        lines = (
            f"{key.replace('_', '.', 1) if key[:3] == 'gpu' else key} {self._answers[key]}" for key in self._answers
        )
        self._scenario.write_text("\n".join(lines) + "\n")

    def now_ns(self) -> int:
        """The driver's own time, for meters to stamp their readings with."""
        return int(str(self._answers.get("now_ms", 0))) * 1_000_000


@pytest.fixture
def driver(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """The fake driver in this process, in the place where nvidia-ml-py keeps the real one, and gone afterwards."""
    import pynvml

    scenario = tmp_path / "scenario.txt"
    monkeypatch.setenv("FAKE_NVML_SCENARIO", str(scenario))
    monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(nvml_library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    return Driver(scenario)


class Powercap:
    """A tree as Linux shows it: zones inside their parents, and links to all of them side by side."""

    def __init__(self, root: Path) -> None:
        self.sysfs = root
        self.root = root / "sys/class/powercap"
        self.root.mkdir(parents=True)

    def zone(self, number: str, name: str, energy_uj: int, range_uj: int = 262_143_328_850) -> None:
        """Add "intel-rapl:0" or, inside one that exists, "intel-rapl:0:1"; give other interfaces in full."""
        full = number if number.startswith("intel") else f"intel-rapl:{number}"
        interface, *numbers = full.split(":")
        path = self.root / interface
        for depth in range(len(numbers)):
            path = path / ":".join([interface, *numbers[: depth + 1]])
        path.mkdir(parents=True)
        (path / "name").write_text(f"{name}\n")
        (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
        (path / "energy_uj").write_text(f"{energy_uj:<20d}\n")
        (self.root / full).symlink_to(path)

    def set(self, number: str, energy_uj: int) -> None:
        """In place, as the kernel does: readers hold the file open."""
        with (self.root / f"intel-rapl:{number}" / "energy_uj").open("r+") as file:
            file.write(f"{energy_uj:<20d}\n")

    def lock(self, number: str) -> None:
        (self.root / f"intel-rapl:{number}" / "energy_uj").chmod(0)

    def sockets(self, count: int) -> None:
        """The CPU topology that goes with it: one CPU for each socket."""
        cpus = self.sysfs / "sys/devices/system/cpu"
        for index in range(count):
            (cpus / f"cpu{index}/topology").mkdir(parents=True)
            (cpus / f"cpu{index}/topology/physical_package_id").write_text(f"{index}\n")
        (cpus / "present").write_text(f"0-{count - 1}\n" if count > 1 else "0\n")


@pytest.fixture
def powercap() -> Iterator[Powercap]:
    """Outside pytest's own folder, which no other user may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Powercap(Path(folder))


class RaplChild:
    """A process that is shown a tree as its machine's and reads the meters in it."""

    def __init__(self, process: subprocess.Popen[str], stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout
        first = json.loads(self._line(process))
        self.meters: dict[str, str] = first["meters"]
        self.missing: dict[str, list[str]] = first["missing"]

    def _line(self, process: subprocess.Popen[str]) -> str:
        line = self._stdout.readline()
        assert line, f"the child ended with {process.wait()}"
        return line

    def read(self, at_ms: int) -> Energies:
        self._stdin.write(f"{at_ms}\n")
        self._stdin.flush()
        energies: Energies = json.loads(self._stdout.readline())
        return energies


@pytest.fixture
def rapl_child(powercap: Powercap, sysfs_shim: Path) -> Iterator[Callable[..., RaplChild]]:
    """rapl_child(root="/sys/class/powercap", unprivileged=False) -> the process, shown the tree as it stands."""
    started: list[subprocess.Popen[str]] = []

    def start(root: str = "/sys/class/powercap", *, unprivileged: bool = False) -> RaplChild:
        user = [str(NOBODY)] if unprivileged and os.geteuid() == 0 else []
        environ = os.environ | {"PYTHONPATH": str(PACKAGES), "FAKE_SYSFS": str(powercap.sysfs)}
        process: Any = subprocess.Popen(
            [sys.executable, str(HERE / "rapl_child.py"), root, *user],
            env=environ | {"LD_PRELOAD": str(sysfs_shim)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return RaplChild(process, process.stdin, process.stdout)

    yield start
    for process in started:
        process.communicate()
        assert process.returncode == 0
