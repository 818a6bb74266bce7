"""What this machine is, by what shapes its energy. Nothing here names its owner or the single specimen."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

import psutil

from backends.base import Device
from suite import __version__
from suite.record import Accelerator, Software, System

PACKAGES = ("torch", "jax", "jaxlib", "numpy", "nvidia-ml-py", "pyRAPL", "triton", "libtpu")
ROOT = Path(__file__).resolve().parents[1]


def describe_system(devices: list[Device], *, cpu_root: Path = Path("/sys/devices/system/cpu")) -> System:
    """The machine whose accelerators are `devices`; for a CPU run pass none."""
    cpu = _tidy(cpu_name())
    logical = os.cpu_count() or 1
    names = [_tidy(device.name) for device in devices]
    virtual = is_virtual()
    name = f"{len(names)}x {names[0]}" if names else f"{cpu}, {logical} threads"
    return System(
        slug=slug(names[0] if len(names) == 1 else name),
        name=(names[0] if len(names) == 1 else name) + (" (virtual)" if virtual else ""),
        cpu=cpu,
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=logical,
        memory_bytes=psutil.virtual_memory().total,
        accelerators=tuple(
            Accelerator(name=name, memory_bytes=device.memory_bytes)
            for name, device in zip(names, devices, strict=True)
        ),
        virtual=virtual,
        governor=_read(cpu_root / "cpu0/cpufreq/scaling_governor"),
    )


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", _read(cpuinfo) or "", re.MULTILINE)
    return match.group(1) if match else platform.processor() or platform.machine()


def is_virtual(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool | None:
    """Whether a hypervisor announces itself in the CPU's flags; None where there are no flags to read."""
    match = re.search(r"^flags\s*:(.+)$", _read(cpuinfo) or "", re.MULTILINE)
    return "hypervisor" in match.group(1).split() if match else None


def slug(name: str) -> str:
    """A folder's name: lower-case words of letters and digits joined by hyphens, at most 80 characters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-") or "machine"


def describe_software(drivers: dict[str, str]) -> Software:
    commit, modified = _commit()
    return Software(
        joulemark=__version__,
        commit=commit,
        modified=modified,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
        packages={name: version for name in PACKAGES if (version := _version(name)) is not None},
        drivers=drivers,
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> tuple[str | None, bool | None]:
    """The checkout's commit and whether tracked files differ from it; None, None outside a checkout."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None, None
    return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git, or no checkout: the result then says that the commit is unknown
    return done.stdout.strip()


def _tidy(name: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\((?:R|TM|C)\)", "", name)).strip()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
