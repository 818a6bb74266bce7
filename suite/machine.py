"""What this machine is, by what shapes its energy. Nothing here names its owner or the single specimen."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata

import psutil

from backends import host
from backends.base import Device
from suite import __version__
from suite.code import ROOT, code_here
from suite.record import Accelerator, Software, System
from suite.slugs import slug

PACKAGES = ("torch", "jax", "jaxlib", "numpy", "nvidia-ml-py", "pyRAPL", "triton", "libtpu")


def describe_system(devices: list[Device]) -> System:
    """The machine whose accelerators are `devices`; for a CPU run pass none."""
    processor = host.processor()
    cpu = _tidy(processor.name)
    logical = os.cpu_count() or 1
    names = [_tidy(device.name) for device in devices]
    name = names[0] if names else f"{cpu}, {logical} threads"
    virtual = processor.hypervisor
    return System(
        slug=slug(name),
        name=f"{name} (virtual)" if virtual else name,
        cpu=cpu,
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=logical,
        memory_bytes=psutil.virtual_memory().total,
        accelerators=tuple(
            Accelerator(name=name, memory_bytes=device.memory_bytes)
            for name, device in zip(names, devices, strict=True)
        ),
        virtual=virtual,
        governor=host.governor(),
    )


def describe_software(drivers: dict[str, str]) -> Software:
    commit, modified = _commit()
    return Software(
        joulemark=__version__,
        commit=commit,
        modified=modified,
        code_sha256=_code(),
        python=platform.python_version(),
        system=host.kernel(),
        packages={name: version for name in PACKAGES if (version := _version(name)) is not None},
        drivers=drivers,
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _code() -> str | None:
    try:
        return code_here()
    except OSError:
        return None  # a file that vanishes while it is read: what ran is then unknown


def _commit() -> tuple[str | None, bool | None]:
    """The checkout's commit and whether tracked files differ from it; None for what git does not tell."""
    # An installed copy may lie inside another project's checkout, whose commit says nothing of it.
    commit = _git("rev-parse", "HEAD") if (ROOT / ".git").exists() else None
    if commit is None:
        return None, None
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return commit, None if changes is None else bool(changes)


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
