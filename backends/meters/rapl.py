"""RAPL: the energy counters of CPU packages and their memory, as Linux shows them under powercap.

pyRAPL reads a counter wherever it can open it; the files are read directly where it cannot. Both give the same
microjoules, so only `Description.source` tells them apart. What pyRAPL leaves to its caller is done here: wraps,
dies, gaps in the numbers of zones, twins of one counter, and a message in place of a PermissionError.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backends.base import Metering, Missing
from backends.meters import pyrapl
from backends.meters.base import Boundary, CounterReset, Description, Meter, MeterLost, Reading, now_ns

ROOT = Path("/sys/class/powercap")

# The mmio interface repeats the package counter of the msr interface on many laptops: what comes first is kept.
_INTERFACES = ("intel-rapl", "intel-rapl-mmio")
_PACKAGE = re.compile(r"package-(?P<socket>\d+)(-die-\d+)?")

MOST_POWER_W = 2_000.0  # no socket or its memory draws more; a counter that claims so did not simply count
_UPDATE_SLACK_S = 0.01  # the counter moves each millisecond or so: a step may hold energy from before the last reading
_TWIN_UJ = 1_000_000  # two dies of one package this close in what they counted since boot are one counter, shown twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One counter worth adding: a package, a die of it, or the memory beside it."""

    domain: str  # "package-0", "package-0-die-1", "dram-0"
    socket: int
    path: Path
    range_uj: int  # the counter starts again from 0 past this value

    @property
    def energy_file(self) -> Path:
        return self.path / "energy_uj"


class Counter(Protocol):
    """The raw counter behind a meter."""

    source: str

    def read_uj(self) -> int:
        """Microjoules, wrapping. OSError or ValueError when it does not answer."""
        ...

    def close(self) -> None: ...


class PowercapCounter:
    """A counter read straight from its file, through one descriptor that stays open."""

    source = "powercap"

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)

    def read_uj(self) -> int:
        return int(os.pread(self._descriptor, 32, 0))

    def close(self) -> None:
        os.close(self._descriptor)


class Unwrapped:
    """Turns a counter that wraps into one that only rises, from 0 at its first reading."""

    def __init__(self, range_uj: int) -> None:
        self._range_uj = range_uj
        self._energy_uj = 0
        self._last: tuple[int, int] | None = None

    def add(self, at_ns: int, raw_uj: int) -> Reading:
        """The next reading. CounterReset when the step is no energy that a machine could have drawn meanwhile, or
        when the counter was left alone so long that it may have wrapped unseen; the reading after goes on from here.
        """
        last_ns, last_uj = self._last or (at_ns, raw_uj)
        self._last = (at_ns, raw_uj)
        plausible_uj = MOST_POWER_W * ((at_ns - last_ns) * 1e-3 + _UPDATE_SLACK_S * 1e6)
        step_uj = (raw_uj - last_uj) % self._range_uj  # at a wrap short by one unit of the register, 61 uJ at most
        if step_uj > plausible_uj:
            raise CounterReset(f"the counter moved by {step_uj} uJ, more than {MOST_POWER_W:.0f} W could explain")
        if plausible_uj > self._range_uj:
            raise CounterReset("the counter was not read for so long that it may have wrapped unseen")
        self._energy_uj += step_uj
        return Reading(at_ns, self._energy_uj)


class RaplMeter:
    """The counter of one zone, wraps taken out."""

    def __init__(self, zone: Zone, counter: Counter, boundary: Boundary, clock: Callable[[], int] = now_ns) -> None:
        self.description = Description(domain=zone.domain, boundary=boundary, method="counter", source=counter.source)
        self._counter, self._clock = counter, clock
        self._unwrapped = Unwrapped(zone.range_uj)

    def read(self) -> Reading:
        try:
            raw_uj = self._counter.read_uj()
        except (OSError, ValueError) as error:
            raise MeterLost(f"{self.description.domain}: {error}") from error
        return self._unwrapped.add(self._clock(), raw_uj)

    def close(self) -> None:
        self._counter.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    zone: Zone
    counter: Counter
    raw_uj: int  # what it said when it was opened


def open_meters(boundary: Boundary = "device", *, root: Path = ROOT, clock: Callable[[], int] = now_ns) -> Metering:
    """A meter for each package, die and memory whose counter may be read, and one reason for all that may not."""
    opened: list[_Opened] = []
    denied: list[str] = []
    silent: list[str] = []
    for zone in zones(root):
        try:
            opened.append(_open(zone))
        except PermissionError:
            denied.append(zone.domain)
        except (OSError, ValueError):
            silent.append(zone.domain)
    meters = tuple(RaplMeter(one.zone, one.counter, boundary, clock) for one in _without_twins(opened))
    return Metering(meters=meters, missing=tuple(_missing(meters, denied, silent, root)))


def _open(zone: Zone) -> _Opened:
    counter: Counter = PowercapCounter(zone.energy_file)
    through_pyrapl = pyrapl.open_counter(zone.domain, zone.socket, zone.energy_file)
    if through_pyrapl is not None:
        counter.close()
        counter = through_pyrapl
    try:
        return _Opened(zone=zone, counter=counter, raw_uj=counter.read_uj())
    except (OSError, ValueError):
        counter.close()
        raise


def zones(root: Path = ROOT) -> tuple[Zone, ...]:
    """The counters that may be added up: packages and their memory, each once.

    Left out: "core" and "uncore", which lie inside a package, and "psys", which lies around it.
    """
    found: dict[str, Zone] = {}
    for interface in _INTERFACES:
        for path in _numbered(root, interface):
            for zone in _package_and_memory(root, path):
                found.setdefault(zone.domain, zone)
    return tuple(found.values())


def _package_and_memory(root: Path, path: Path) -> Iterator[Zone]:
    package = _PACKAGE.fullmatch(_name(path))
    if package is None:
        return
    socket = int(package["socket"])
    yield Zone(domain=package[0], socket=socket, path=path, range_uj=_range_uj(path))
    for inner in _numbered(root, path.name):
        if _name(inner) == "dram":
            domain = package[0].replace("package", "dram")
            yield Zone(domain=domain, socket=socket, path=inner, range_uj=_range_uj(inner))


def _numbered(root: Path, prefix: str) -> list[Path]:
    """ "<prefix>:0", "<prefix>:1" and so on, whatever numbers are there, lowest first."""
    pattern = re.compile(re.escape(prefix) + r":\d+")
    matches = [path for path in root.glob(f"{prefix}:*") if pattern.fullmatch(path.name)]
    shown = [path for path in matches if (path / "energy_uj").exists()]  # a container may mask what links lead to
    return sorted(shown, key=lambda path: int(path.name.rpartition(":")[2]))


def _name(path: Path) -> str:
    return (path / "name").read_text().strip()


def _range_uj(path: Path) -> int:
    return int((path / "max_energy_range_uj").read_text())


def _without_twins(opened: list[_Opened]) -> Iterator[_Opened]:
    """Some kernels list each chiplet of an AMD package as a die and give every one the package's counter."""
    seen_uj: dict[tuple[int, str], list[int]] = {}
    for one in opened:
        others_uj = seen_uj.setdefault((one.zone.socket, one.zone.domain.partition("-")[0]), [])
        if any(abs(one.raw_uj - other_uj) < _TWIN_UJ for other_uj in others_uj):
            one.counter.close()
        else:
            others_uj.append(one.raw_uj)
            yield one


def _missing(meters: tuple[Meter, ...], denied: list[str], silent: list[str], root: Path) -> Iterator[Missing]:
    if denied:
        yield Missing(
            code="rapl_permission_denied",
            reason=f"This user may not read the energy counters of {', '.join(denied)}.",
            cure=f"Run: sudo chmod a+r {root}/intel-rapl*/energy_uj (lasts until the next boot).",
        )
    if silent:
        yield Missing(
            code="no_meter",
            reason=f"The energy counters of {', '.join(silent)} do not answer.",
            cure="Look into the kernel's log for intel_rapl.",
        )
    if not meters and not denied and not silent:
        yield Missing(
            code="rapl_absent",
            reason="This machine shows no RAPL energy counters: a virtual machine, a container or a CPU without them.",
            cure="Run on the bare machine; on Linux try: sudo modprobe intel_rapl_msr.",
        )
    shown = [*denied, *silent, *(meter.description.domain for meter in meters)]
    if shown and not any(domain.startswith("dram") for domain in shown):
        yield Missing(
            code="dram_missing",
            reason="The packages have a counter but their memory has none: its energy is not in the number.",
            cure="None on this machine.",
        )
