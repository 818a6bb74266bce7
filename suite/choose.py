"""Which backend, frameworks and cells a run will use here, from what the user asked and what is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import backends
import workloads
from backends import meters as named_meters
from backends.base import Backend, BackendUnavailable, Device, Support
from backends.meters import csvfile, wall
from suite.forecast import memory_bytes_of
from suite.join import is_log
from suite.plan import DEFAULT_SIZES, Driver, Request, calibration, candidates
from suite.record import Cell
from suite.units import memory

INSTALL = 'python -m pip install -c constraints.txt -e ".[torch,jax]"'
NEVER_BY_DEFAULT = ("simulated",)
NOT_OFFERED = {
    "fp16": " Processors only emulate fp16, and it cannot be trained in without changing the work.",
    **dict.fromkeys(("prefill", "decode", "sample"), " All modes but train run with infer."),
}
AT_A_HOST = ("shelly", "tasmota")


class NothingToRun(Exception):
    """No hardware or no framework is here. The message says what would help, in one line."""


class Unknown(Exception):
    """The user named something that does not exist. The message names the choices, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The command line's words, unchecked; None where the user said nothing."""

    backend: str | None = None
    device: int = 0
    framework: str | None = None
    workload: str | None = None
    mode: str | None = None
    size: str | None = None
    precision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What will run, and where."""

    name: str
    backend: Backend
    device: Device
    cells: tuple[Cell, ...]
    calibration: tuple[Cell, ...]  # what explains the others; goes first where the budget allows
    notes: tuple[str, ...]


def choose(wish: Wish, budget_s: float) -> Choice:
    """Unknown for a word that is no choice, NothingToRun where nothing here can run it."""
    _known(wish)
    name, backend, device = _backend(wish.backend, wish.device)
    supports = _supports(name, backend, wish)
    drivers = [_driver(support, wish.precision) for support in supports]
    request = Request(
        budget_s=budget_s,
        mode=wish.mode,
        workload=wish.workload,
        sizes=(wish.size,) if wish.size else DEFAULT_SIZES,
    )
    cells, too_large = _that_fit(candidates(request, name, device.index, drivers), device)
    limits = [cell for cell in calibration(request, name, device.index, drivers) if _fits(cell, device)]
    notes = tuple(f"{support.framework}: {support.note}" for support in supports if support.note)
    return Choice(
        name=name,
        backend=backend,
        device=device,
        cells=cells,
        calibration=tuple(limits),
        notes=(*notes, *too_large),
    )


def _that_fit(cells: Sequence[Cell], device: Device) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """The cells the device's memory has room for, and a line for each that it has not. NothingToRun if none fits."""
    fitting = tuple(cell for cell in cells if _fits(cell, device))
    there = memory(device.memory_bytes)
    lines = tuple(
        f"{cell.key} needs about {memory(round(memory_bytes_of(cell)))} of memory; this device has {there}: left out"
        for cell in cells
        if cell not in fitting
    )
    if cells and not fitting:
        raise NothingToRun(f"{lines[0]}. Choose a smaller --size.")
    return fitting, lines


def _fits(cell: Cell, device: Device) -> bool:
    return device.memory_bytes is None or memory_bytes_of(cell) <= device.memory_bytes


def known_meters(names: Sequence[str]) -> None:
    """Unknown for a meter that no name of the table fits, a log whose settings say nothing, or no host."""
    for name in names:
        kind, _, argument = name.partition(":")
        if kind not in named_meters.names():
            raise Unknown(f"No meter {name!r}: choose from {', '.join(named_meters.names())} (docs/meters.md).")
        try:
            if is_log(name):
                csvfile.parse(name)
            elif kind in AT_A_HOST:
                wall.check_host(argument, kind)
        except named_meters.UnknownMeter as unknown:
            raise Unknown(str(unknown)) from unknown


def _known(wish: Wish) -> None:
    for word, value, choices in (
        ("backend", wish.backend, backends.names()),
        ("framework", wish.framework, workloads.FRAMEWORKS),
        ("workload", wish.workload, workloads.names()),
        ("mode", wish.mode, ("train", "infer")),
        ("size", wish.size, workloads.SIZES),
        ("precision", wish.precision, workloads.PRECISIONS),
    ):
        if value is not None and value not in choices:
            why = NOT_OFFERED.get(value, "")
            raise Unknown(f"No {word} {value!r}: choose from {', '.join(choices)}.{why}")


def _backend(name: str | None, index: int) -> tuple[str, Backend, Device]:
    wanted = [name] if name else [known for known in backends.names() if known not in NEVER_BY_DEFAULT]
    refusals = []
    for candidate in wanted:
        backend = backends.load(candidate)
        try:
            return candidate, backend, _device(candidate, backend, index)
        except BackendUnavailable as unavailable:
            refusals.append(f"{candidate}: {unavailable}")
    # Without a wish the last refusal is the CPU's, which every machine has: what it lacks is what would help.
    raise NothingToRun(refusals[-1])


def _device(name: str, backend: Backend, index: int) -> Device:
    devices = backend.devices()
    if index >= len(devices):
        names = ", ".join(f"{device.index}: {device.name}" for device in devices)
        raise Unknown(f"No device {index} of {name}: choose from {names}.")
    return devices[index]


def _supports(name: str, backend: Backend, wish: Wish) -> list[Support]:
    found = [support for support in backend.frameworks() if wish.framework in (None, support.framework)]
    if not found:
        what = wish.framework or "Neither torch nor jax"
        raise NothingToRun(f"{what} is not installed for the {name} backend. Install: {INSTALL}")
    able = [support for support in found if wish.precision in (None, *support.precisions, *support.emulated)]
    if not able:
        offers = "; ".join(f"{support.framework}: {', '.join(support.precisions)}" for support in found)
        raise NothingToRun(f"{wish.precision} does not run well on {name} here. It offers {offers}.")
    return able


def _driver(support: Support, precision: str | None) -> Driver:
    return Driver(
        framework=support.framework,
        precision=precision or support.precisions[0],
        compiled=support.compiled or support.framework == "jax",  # JAX has no other way
    )
