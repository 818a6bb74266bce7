"""What is here, which meters answer, what is in the way: a line each, with the cure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import backends
from backends.base import Backend, BackendUnavailable, Device, Metering, Missing, Support
from suite.machine import describe_system
from suite.record import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One backend's state. `missing` is what keeps it from running, or None."""

    name: str
    missing: Missing | None = None
    devices: tuple[Device, ...] = ()
    frameworks: tuple[Support, ...] = ()
    meters: tuple[str, ...] = ()
    missing_meters: tuple[Missing, ...] = field(default=())
    estimated: bool = False  # its meters only guess

    @property
    def runs(self) -> bool:
        return bool(self.devices and self.frameworks)

    def lines(self) -> list[str]:
        """The state in words, the first line with the verdict."""
        if self.missing is not None:
            return [f"{self.name:<10} no    {self.missing.reason} {self.missing.cure}".rstrip()]
        several = len(self.devices) > 1
        names = ", ".join(f"{one.index}: {one.name}" if several else one.name for one in self.devices)
        verdict = "yes" if self.runs else "no "
        described = [f"{self.name:<10} {verdict}   {names}"]
        described += [_framework_line(support) for support in self.frameworks] or [f"{'':<16} no framework: see below"]
        described += [f"{'':<16} meter {meter}" for meter in self.meters]
        described += [f"{'':<16} no {missing.code}: {missing.reason} {missing.cure}" for missing in self.missing_meters]
        if self.estimated:
            described.append(f"{'':<16} so energy is estimated here: it is shown apart and never ranked")
        return described


def _framework_line(support: Support) -> str:
    how = "compiled" if support.compiled else "eager"
    note = f" ({support.note})" if support.note else ""
    return f"{'':<16} {support.framework} {support.version}, {'/'.join(support.precisions)}, {how}{note}"


def diagnose(name: str) -> Diagnosis:
    """Look at one backend: its devices, its frameworks, its meters. Meters are opened and closed again."""
    backend = backends.load(name)
    try:
        devices = tuple(backend.devices())
    except BackendUnavailable as unavailable:
        return Diagnosis(name=name, missing=unavailable.missing)
    metering = _metering(backend)
    return Diagnosis(
        name=name,
        devices=devices,
        frameworks=tuple(backend.frameworks()),
        meters=tuple(
            f"{meter.description.domain}: {meter.description.method} by {meter.description.source}"
            + (f", {meter.description.bound} end" if meter.description.bound else "")
            + (" (second opinion)" if meter.description.check else "")
            for meter in metering.meters
        ),
        missing_meters=metering.missing,
        estimated=bool(metering.meters) and all(one.description.method == "estimate" for one in metering.meters),
    )


def _metering(backend: Backend) -> Metering:
    metering = backend.meters(0)
    for meter in metering.meters:
        meter.close()
    return metering


def diagnoses() -> list[Diagnosis]:
    return [diagnose(name) for name in backends.names()]


def as_json(found: list[Diagnosis]) -> dict[str, object]:
    """The same for a program to read."""
    return {
        "system": system_here().model_dump(mode="json"),
        "backends": [asdict(one) | {"runs": one.runs} for one in found],
    }


def system_here() -> System:
    return describe_system([])
