"""Hardware: what drives a device and what meters it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from backends.base import Backend

BUILTIN = {
    "cuda": "backends.cuda:CudaBackend",
    "tpu": "backends.tpu:TpuBackend",
    "cpu": "backends.cpu:CpuBackend",
    "simulated": "backends.simulated:SimulatedBackend",
}
"""Name -> "module:class", in the order `python -m suite` looks for hardware. `simulated` is never chosen by default."""

GROUP = "joulemark.backends"


def _table() -> dict[str, str]:
    """Built-in backends first; a package from outside adds a name but cannot replace a built-in one."""
    outside = {point.name: point.value for point in entry_points(group=GROUP)}
    return BUILTIN | {name: value for name, value in sorted(outside.items()) if name not in BUILTIN}


def names() -> tuple[str, ...]:
    return tuple(_table())


def load(name: str) -> Backend:
    """The backend of that name, not yet opened. KeyError when there is none."""
    # Installed packages are asked for names of others only: looking through them takes 10 ms, and a plan asks often.
    module, _, attribute = (BUILTIN.get(name) or _table()[name]).partition(":")
    backend: Backend = getattr(import_module(module), attribute)()
    return backend
