"""Hardware that is not there: shared libraries and sysfs trees that unmodified readers take for real."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import pytest

import backends

HERE = Path(__file__).parent
PACKAGES = Path(backends.__file__).parents[1]  # the checkout, or where its wheel was installed
NOBODY = 65534

VERSIONS = count(1)

Energies = dict[str, int | str]
Watched = dict[str, list[tuple[int, int | str]]]


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
def compiled() -> Callable[..., Path]:
    """compiled(source, target, *options) -> the shared library, for tests that bring their own C."""
    return built


@pytest.fixture(scope="session")
def profiles() -> ModuleType:
    """profile.py, by its path: its bare name is the standard library's."""
    spec = spec_from_file_location("power_profile", HERE / "profile.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        self.scenario = scenario
        self._answers: dict[str, object] = {}
        self.set()

    def set(self, **answers: object) -> None:
        """`gpu0_power_mw=250` writes the line "gpu0.power_mw 250"; `**{"gpu0_return@500": 15}` one with its ms."""
        self._answers |= answers
        lines = (
            f"{key.replace('_', '.', 1) if key[:3] == 'gpu' else key} {self._answers[key]}" for key in self._answers
        )
        told = self.scenario.with_suffix(".told")
        told.write_text("\n".join(lines) + "\n", errors="surrogateescape")
        version_ns = next(VERSIONS)  # the driver reads again what has another mtime; the file system's may stand still
        os.utime(told, ns=(version_ns, version_ns))
        told.rename(self.scenario)

    def draw(self, index: int, power: Any, **answers: object) -> None:
        """Let board `index` draw the power of a Profile; answers are those of the board: update_ms=100."""
        told = {"steps": power.text, "repeat_ms": power.repeat_ms or 0} | answers
        self.set(**{f"gpu{index}_{key}": value for key, value in told.items()})

    def start(self) -> int:
        """Real time from now on: the CLOCK_MONOTONIC of the scenario's 0."""
        start_ns = time.monotonic_ns()
        self.set(start_ns=start_ns)
        return start_ns

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

    def profile(self, number: str, power: Any, *, update_us: int = 1_000, **faults: object) -> int:
        """From now on the counter runs by itself: the CLOCK_MONOTONIC of the profile's 0. Read through the shim only.

        It starts from what the zone was made with. Faults as in sysfs_shim.c, `eio="@500 1"` for one with a time.
        """
        folder, start_ns = self.root / f"intel-rapl:{number}", time.monotonic_ns()
        keys = {
            "start_ns": start_ns,
            "steps": power.text,
            "repeat_ms": power.repeat_ms or 0,
            "update_us": update_us,
            "offset_uj": int((folder / "energy_uj").read_text()),
            "range_uj": int((folder / "max_energy_range_uj").read_text()),
        }
        self._tell(folder, [f"{key} {value}" for key, value in keys.items()] + _fault_lines(faults))
        return start_ns

    def fault(self, number: str, **faults: object) -> None:
        """How reads of the counter fail from now on; without any they answer again. Through the shim only."""
        self._tell(self.root / f"intel-rapl:{number}", _fault_lines(faults))

    def _tell(self, folder: Path, lines: list[str]) -> None:
        (folder / "told").write_text("\n".join(lines) + "\n")
        (folder / "told").rename(folder / "profile")  # at once: readers are at it

    def remove(self, number: str) -> None:
        """The zone goes, as with its driver; readers keep a descriptor that leads nowhere."""
        link = self.root / f"intel-rapl:{number}"
        shutil.rmtree(link.resolve())
        link.unlink()

    def lock(self, number: str) -> None:
        (self.root / f"intel-rapl:{number}" / "energy_uj").chmod(0)

    def sockets(self, count: int) -> None:
        """The CPU topology that goes with it: one CPU for each socket."""
        cpus = self.sysfs / "sys/devices/system/cpu"
        for index in range(count):
            (cpus / f"cpu{index}/topology").mkdir(parents=True)
            (cpus / f"cpu{index}/topology/physical_package_id").write_text(f"{index}\n")
        (cpus / "present").write_text(f"0-{count - 1}\n" if count > 1 else "0\n")


def _fault_lines(faults: dict[str, object]) -> list[str]:
    return [f"{key}{value}" if str(value).startswith("@") else f"{key} {value}" for key, value in faults.items()]


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
        self.notes: dict[str, str] = first["notes"]

    def _line(self, process: subprocess.Popen[str]) -> str:
        line = self._stdout.readline()
        assert line, f"the child ended with {process.wait()}"
        return line

    def read(self, at_ms: int) -> Energies:
        energies: Energies = self._ask(f"{at_ms}")
        return energies

    def watch(self, every_ms: int, for_ms: int) -> Watched:
        """In real time: for each meter its readings, (at_ns, energy_uj or the name of the exception)."""
        watched: Watched = self._ask(f"{every_ms} {for_ms}")
        return watched

    def _ask(self, line: str) -> Any:
        self._stdin.write(f"{line}\n")
        self._stdin.flush()
        return json.loads(self._stdout.readline())


@pytest.fixture
def rapl_child(powercap: Powercap, sysfs_shim: Path) -> Iterator[Callable[..., RaplChild]]:
    """rapl_child(root="/sys/class/powercap", unprivileged=False, path="") -> the process, shown the tree as it stands.

    `path` holds modules that come before those installed.
    """
    started: list[subprocess.Popen[str]] = []

    def start(root: str = "/sys/class/powercap", *, unprivileged: bool = False, path: str = "") -> RaplChild:
        user = [str(NOBODY)] if unprivileged and os.geteuid() == 0 else []
        modules = os.pathsep.join(filter(None, (path, str(PACKAGES))))
        environ = os.environ | {"PYTHONPATH": modules, "FAKE_SYSFS": str(powercap.sysfs)}
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
