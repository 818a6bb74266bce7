"""What is installed, found without importing it: frameworks, their CUDA parts, a compiler for torch."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

INCLUDE = Path(sysconfig.get_path("include"))


def installed(package: str) -> str | None:
    """The version of an installed package, None when it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def torch_cuda() -> str | None:
    """The CUDA version torch was built for, from the text of its version file; None without torch or for the CPU."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    return cuda_in(Path(spec.origin).with_name("version.py").read_text())


def cuda_in(version_py: str) -> str | None:
    """The CUDA version in the text of torch's version.py."""
    match = re.search(r"^cuda\b[^=\n]*=\s*['\"]([\d.]+)['\"]", version_py, re.MULTILINE)
    return match[1] if match else None


def jax_cuda() -> str | None:
    """The name and version of JAX's CUDA plugin, None when none is installed."""
    for plugin in ("jax-cuda13-plugin", "jax-cuda12-plugin"):
        found = installed(plugin)
        if found is not None:
            return f"{plugin} {found}"
    return None


def torch_compilations() -> int:
    """How many graphs torch has compiled in this process; 0 where its compiler was never loaded."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return 0 if dynamo is None else int(dynamo.counters["stats"]["unique_graphs"])


def cxx_compiler(environ: Mapping[str, str] = os.environ) -> str | None:
    """The C++ compiler torch.compile may use on the CPU: the CXX variable, g++ or clang++, whichever is there first."""
    return _first_found((environ.get("CXX"), "g++", "clang++"), environ)


def c_compiler(environ: Mapping[str, str] = os.environ) -> str | None:
    """The C compiler Triton builds its launchers with."""
    return _first_found((environ.get("CC"), "gcc", "clang"), environ)


def python_headers(include: Path = INCLUDE) -> bool:
    """Whether Python.h is there: what torch.compile builds includes it."""
    return (include / "Python.h").exists()


def _first_found(names: tuple[str | None, ...], environ: Mapping[str, str]) -> str | None:
    found = (shutil.which(name, path=environ.get("PATH")) for name in names if name)
    return next((path for path in found if path), None)
