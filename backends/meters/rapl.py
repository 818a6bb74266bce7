"""RAPL: the energy counters of CPU packages and their memory, as Linux shows them under powercap.

pyRAPL reads a counter wherever it can open it; the files are read directly where it cannot. Both give the same
microjoules, so only `Description.source` tells them apart. What pyRAPL leaves to its caller is done here: wraps,
dies, gaps in the numbers of zones, twins of one counter, and a message in place of a PermissionError. A sum of
those packages that answer would pass for all of them, so they are counted all or none; and so is their memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backends.base import Metering
from backends.meters import pyrapl, rapl_missing
from backends.meters.base import Boundary, Description, MeterLost, Reading, now_ns
from backends.meters.unwrapped import Unwrapped, lies_between

ROOT = Path("/sys/class/powercap")

# The mmio interface repeats the package counter of the msr interface on many laptops: what comes first is kept.
_INTERFACES = ("intel-rapl", "intel-rapl-mmio")
_PACKAGE = re.compile(r"package-(?P<socket>\d+)(-die-\d+)?")
_PSYS = re.compile(r"psys(-(?P<socket>\d+))?")  # one for each package where several have a counter of the platform

# The kernel states no step, but the register has 32 bits (Intel SDM, volume 3B, "RAPL Interfaces") and the range is all
# of it: 262 kJ in steps of 61 uJ on Intel since Haswell, 66 kJ in steps of 15 uJ before it, on AMD and for some memory.
_REGISTER_STEPS = 2**32
_TWIN_UJ = 1_000_000  # two dies of one package this close in what they counted since boot are one counter, shown twice
_AROUND = "Lies around the packages, their memory and more of the machine: a second look, added to nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One counter worth reading: a package, a die of it, the memory beside it, or the platform around them all."""

    domain: str  # "package-0", "package-0-die-1", "dram-0", "psys"
    socket: int
    path: Path

    @property
    def energy_file(self) -> Path:
        return self.path / "energy_uj"

    @property
    def around(self) -> bool:
        """Whether this counter holds those of the packages: it is shown beside them and never added."""
        return self.domain.startswith("psys")

    @property
    def memory(self) -> bool:
        return self.domain.startswith("dram")

    def read_range_uj(self) -> int:
        """Past this value the counter starts again from 0. OSError or ValueError when that cannot be known."""
        range_uj = int((self.path / "max_energy_range_uj").read_text())
        if range_uj <= 0:
            raise ValueError(f"{self.domain}: a range of {range_uj} uJ")
        return range_uj


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


class RaplMeter:
    """The counter of one zone, wraps taken out. OSError or ValueError when the zone does not say where it wraps."""

    def __init__(
        self, zone: Zone, counter: Counter, boundary: Boundary, clock: Callable[[], int] = now_ns, note: str = ""
    ) -> None:
        range_uj = zone.read_range_uj()
        self.description = Description(
            domain=zone.domain,
            boundary="machine" if zone.around else boundary,
            method="counter",
            source=counter.source,
            check=zone.around,
            resolution_uj=max(1, round(range_uj / _REGISTER_STEPS)),
            note=(_AROUND if zone.around else note) or None,
        )
        self._counter, self._clock = counter, clock
        self._unwrapped = Unwrapped(range_uj)

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
    meter: RaplMeter
    raw_uj: int  # what its counter said when it was opened


def open_meters(boundary: Boundary = "device", *, root: Path = ROOT, clock: Callable[[], int] = now_ns) -> Metering:
    """A meter for each package, die and memory, and one reason for all whose counter may not be read.

    Where one package does not answer none is opened; where it is one package's memory, no memory. The platform's own
    counter comes with them where there is one: always of the boundary "machine", always a check.
    """
    opened: list[_Opened] = []
    denied: list[str] = []
    silent: list[str] = _nameless(root)
    for zone in zones(root):
        try:
            opened.append(_open(zone, boundary, clock))
        except PermissionError:
            denied.append(zone.domain)
        except (OSError, ValueError):
            silent.append(zone.domain)
    kept = _whole(opened, [*denied, *silent])
    left_out = [one for one in opened if one not in kept]
    for one in left_out:
        one.meter.close()
    found = rapl_missing.Found(kept=_domains(kept), left_out=_domains(left_out), denied=denied, silent=silent)
    return Metering(meters=tuple(_without_twins(kept)), missing=tuple(rapl_missing.reasons(found, root)))


def _domains(several: list[_Opened]) -> list[str]:
    return [one.zone.domain for one in several]


def _whole(opened: list[_Opened], refused: list[str]) -> list[_Opened]:
    """What may be summed, and what stands around it: the packages where all answer, their memory where all of it does.

    Dies of one package may share a counter of its memory, so each package needs one and not each die.
    """
    if any(map(_may_be_package, refused)):
        return [one for one in opened if one.zone.around]
    packages = {one.zone.socket for one in opened if not (one.zone.around or one.zone.memory)}
    of_memory = {one.zone.socket for one in opened if one.zone.memory}
    whole = packages == of_memory and not any(map(_may_be_memory, refused))
    return [one for one in opened if whole or not one.zone.memory]


def _may_be_package(refused: str) -> bool:
    """By its domain, or its folder where it has no name: "intel-rapl:1" stands where packages do."""
    return refused.startswith("package") or refused.count(":") == 1


def _may_be_memory(refused: str) -> bool:
    """Likewise: "intel-rapl:1:0" stands where the memory does."""
    return refused.startswith("dram") or refused.count(":") > 1


def _open(zone: Zone, boundary: Boundary, clock: Callable[[], int]) -> _Opened:
    counter, note = _reader(zone)
    try:
        return _Opened(zone=zone, meter=RaplMeter(zone, counter, boundary, clock, note), raw_uj=counter.read_uj())
    except (OSError, ValueError):
        counter.close()
        raise


def _reader(zone: Zone) -> tuple[Counter, str]:
    """pyRAPL where it says what the file says, else the file itself; and why, where pyRAPL was turned down."""
    direct = PowercapCounter(zone.energy_file)
    through = None if zone.around else pyrapl.open_counter(zone.domain, zone.socket, zone.energy_file)
    if through is None:
        return direct, ""
    if _agree(direct, through):
        direct.close()
        return through, ""
    through.close()
    return direct, "pyRAPL said something else than the file at the opening, so the file is read directly."


def _agree(direct: Counter, through: Counter) -> bool:
    try:
        return lies_between(direct.read_uj(), through.read_uj(), direct.read_uj())
    except (OSError, ValueError):
        return False


def zones(root: Path = ROOT) -> tuple[Zone, ...]:
    """The counters worth reading, each once: packages, their memory, and the platform.

    Left out: "core" and "uncore", which lie inside a package.
    """
    found: dict[str, Zone] = {}
    for interface in _INTERFACES:
        for path in _numbered(root, interface):
            for zone in _zones_of(root, path):
                found.setdefault(zone.domain, zone)
    return tuple(found.values())


def _zones_of(root: Path, path: Path) -> Iterator[Zone]:
    name = _name(path)
    if psys := _PSYS.fullmatch(name):
        yield Zone(domain=name, socket=int(psys["socket"] or 0), path=path)
    if package := _PACKAGE.fullmatch(name):
        socket = int(package["socket"])
        yield Zone(domain=name, socket=socket, path=path)
        for inner in _numbered(root, path.name):
            if _name(inner) == "dram":
                yield Zone(domain=name.replace("package", "dram"), socket=socket, path=inner)


def _numbered(root: Path, prefix: str) -> list[Path]:
    """ "<prefix>:0", "<prefix>:1" and so on, whatever numbers are there, lowest first."""
    pattern = re.compile(re.escape(prefix) + r":\d+")
    matches = [path for path in root.glob(f"{prefix}:*") if pattern.fullmatch(path.name)]
    shown = [path for path in matches if (path / "energy_uj").exists()]  # a container may mask what links lead to
    return sorted(shown, key=lambda path: int(path.name.rpartition(":")[2]))


def _name(path: Path) -> str:
    """Empty where the zone does not say what it is: what cannot be told from "core" must not be added."""
    try:
        return (path / "name").read_text(errors="replace").strip()
    except OSError:
        return ""


def _nameless(root: Path) -> list[str]:
    zone_paths = sorted(path for interface in _INTERFACES for path in root.glob(f"{interface}:*"))
    return [path.name for path in zone_paths if (path / "energy_uj").exists() and not _name(path)]


def _without_twins(opened: list[_Opened]) -> Iterator[RaplMeter]:
    """Some kernels list each chiplet of an AMD package as a die and give every one the package's counter."""
    seen_uj: dict[tuple[int, str], list[int]] = {}
    for one in opened:
        others_uj = seen_uj.setdefault((one.zone.socket, one.zone.domain.partition("-")[0]), [])
        if any(abs(one.raw_uj - other_uj) < _TWIN_UJ for other_uj in others_uj):
            one.meter.close()
        else:
            others_uj.append(one.raw_uj)
            yield one.meter
