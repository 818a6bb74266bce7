"""Trace and windows to joules, uncertainty and reason codes. Pure: no clock, no file, no process.

A meter's counter is read at instants (ticks) by a process that knows nothing of the work; a worker stamps the start
and end of its windows on the same clock. The energy of a window is the interpolated counter at its end minus at its
start. Everything here can be computed again later from the stored ticks alone.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

Boundary = Literal["device", "machine", "wall"]
Method = Literal["counter", "integrated", "rails", "estimate", "simulated"]
MeterClass = Literal["measured", "rails", "estimated", "simulated", "none"]

PERIODS_PER_WINDOW = 100
"""A window spans at least this many update periods of the slowest meter; a shorter one has no joules."""

EDGE_GAP_S = 1.0
"""Ticks further apart than this around a window's edge leave the counter there unknown."""

DISAGREEMENT = 0.05
"""Two methods on one domain that differ by more than this are flagged."""

HOST_DOMAINS = ("cpu", "package", "dram")
"""Domains of the host itself: where the device is the CPU, the device boundary and the machine boundary are one."""

_CLASSES: dict[Method, MeterClass] = {
    "counter": "measured",
    "integrated": "measured",
    "rails": "rails",
    "estimate": "estimated",
    "simulated": "simulated",
}
_WORST_FIRST: tuple[MeterClass, ...] = ("none", "simulated", "estimated", "rails", "measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What a meter is and how often its counter moves."""

    domain: str
    boundary: Boundary
    method: Method
    source: str
    bound: Literal["low", "high"] | None
    check: bool
    calibration: float | None
    note: str | None
    update_period_s: float


@dataclass(frozen=True, slots=True)
class Ticks:
    """One meter's readings: nanoseconds from the attempt's origin, microjoules from an arbitrary zero."""

    meter: int
    at_ns: tuple[int, ...]
    energy_uj: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """What a worker did between two synchronised instants."""

    start_ns: int
    end_ns: int
    units: int

    @property
    def duration_s(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy of one window within one boundary. `joules` is None when unknown, and `reasons` say why.

    standard_j     standard uncertainty from the counter's steps at the two edges; independent from window to window
    calibration_j  standard uncertainty of the meters' own scale; the same in every window, no repeat removes it
    range_j        half the width of an estimate's range; 0 for a measurement
    """

    boundary: Boundary
    meter_class: MeterClass
    joules: float | None
    standard_j: float = 0.0
    calibration_j: float = 0.0
    range_j: float = 0.0
    domains: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def counter_uj(ticks: Ticks, at_ns: int) -> float | None:
    """The counter at an instant, interpolated between its neighbours; None where the ticks do not reach."""
    index = bisect_left(ticks.at_ns, at_ns)
    if index < len(ticks.at_ns) and ticks.at_ns[index] == at_ns:
        return float(ticks.energy_uj[index])
    if index == 0 or index == len(ticks.at_ns):
        return None
    before_ns, after_ns = ticks.at_ns[index - 1], ticks.at_ns[index]
    if after_ns - before_ns > EDGE_GAP_S * 1e9:
        return None
    before_uj, after_uj = ticks.energy_uj[index - 1], ticks.energy_uj[index]
    return before_uj + (after_uj - before_uj) * (at_ns - before_ns) / (after_ns - before_ns)


def _during(ticks: Ticks, window: Window) -> tuple[int, ...]:
    """The readings within a window and the one on either side of it."""
    first = max(0, bisect_left(ticks.at_ns, window.start_ns) - 1)
    return ticks.energy_uj[first : bisect_right(ticks.at_ns, window.end_ns) + 1]


def rises(values: Sequence[int]) -> bool:
    return all(later >= earlier for earlier, later in pairwise(values))


def meter_energy(meter: Meter, ticks: Ticks, window: Window) -> Energy:
    """One meter over one window; refuses with a reason code where the answer would be a guess."""
    unknown = Energy(boundary=meter.boundary, meter_class=_CLASSES[meter.method], joules=None, domains=(meter.domain,))
    if window.duration_s < PERIODS_PER_WINDOW * meter.update_period_s:
        return _because(unknown, "window_short")
    if not rises(_during(ticks, window)):
        return _because(unknown, "counter_fell")
    start_uj, end_uj = counter_uj(ticks, window.start_ns), counter_uj(ticks, window.end_ns)
    if start_uj is None or end_uj is None:
        return _because(unknown, "trace_gap")
    joules = (end_uj - start_uj) / 1e6
    # Each edge lies anywhere within one update period: a uniform error of period/sqrt(12), twice.
    standard_j = joules / window.duration_s * meter.update_period_s / math.sqrt(6)
    return Energy(
        boundary=meter.boundary,
        meter_class=_CLASSES[meter.method],
        joules=joules,
        standard_j=standard_j,
        calibration_j=joules * (meter.calibration or 0.0),
        domains=(meter.domain,),
    )


def _because(energy: Energy, *reasons: str) -> Energy:
    return replace(energy, reasons=tuple(dict.fromkeys(energy.reasons + reasons)))


def domain_energy(pairs: Sequence[tuple[Meter, Ticks]], window: Window) -> Energy:
    """One domain, all its meters: the counting one, an estimate's two ends, or a second opinion beside it."""
    primary = [meter_energy(meter, ticks, window) for meter, ticks in pairs if not meter.check]
    bounds = [meter.bound for meter, _ in pairs if not meter.check]
    energy = _between(primary) if sorted(filter(None, bounds)) == ["high", "low"] else primary[0]
    if energy.joules is None:
        return energy
    for meter, ticks in pairs:
        if meter.check:
            second = meter_energy(meter, ticks, window).joules
            if second is not None and abs(second - energy.joules) > DISAGREEMENT * energy.joules:
                energy = _because(energy, "methods_disagree")
        elif meter.calibration is None and meter.method != "estimate":
            energy = _because(energy, "calibration_unknown")
    return energy


def _between(ends: Sequence[Energy]) -> Energy:
    """The middle of an estimate's range, with half its width."""
    values = [end.joules for end in ends]
    if any(value is None for value in values):
        return next(end for end in ends if end.joules is None)
    low_j, high_j = sorted(value for value in values if value is not None)
    return Energy(
        boundary=ends[0].boundary,
        meter_class="estimated",
        joules=(low_j + high_j) / 2,
        standard_j=max(end.standard_j for end in ends),
        range_j=(high_j - low_j) / 2,
        domains=ends[0].domains,
        reasons=("estimate",),
    )


def window_energy(meters: Sequence[Meter], ticks: Iterable[Ticks], window: Window, boundary: Boundary) -> Energy:
    """All domains within a boundary, summed; unknown as soon as one of them is."""
    by_domain: dict[str, list[tuple[Meter, Ticks]]] = {}
    for series in ticks:
        meter = meters[series.meter]
        if _inside(meter.boundary, boundary):
            by_domain.setdefault(meter.domain, []).append((meter, series))
    parts = [
        domain_energy(pairs, window)
        for _, pairs in sorted(by_domain.items())
        if any(not meter.check for meter, _ in pairs)
    ]
    summed = total(parts, boundary)
    counts_packages = any(domain.startswith("package") for domain in summed.domains)
    if counts_packages and not any(domain.startswith("dram") for domain in summed.domains):
        return _because(summed, "dram_missing")
    return summed


def _inside(meter: Boundary, wanted: Boundary) -> bool:
    return meter == wanted or (wanted == "machine" and meter == "device")


def total(parts: Sequence[Energy], boundary: Boundary) -> Energy:
    """Sum over disjoint domains. Scales are taken as wholly correlated, edges as independent."""
    if not parts:
        return Energy(boundary=boundary, meter_class="none", joules=None, reasons=("no_meter",))
    known = [part.joules for part in parts if part.joules is not None]
    return Energy(
        boundary=boundary,
        meter_class=min((part.meter_class for part in parts), key=_WORST_FIRST.index),
        joules=sum(known) if len(known) == len(parts) else None,
        standard_j=math.hypot(*(part.standard_j for part in parts)),
        calibration_j=sum(part.calibration_j for part in parts),
        range_j=sum(part.range_j for part in parts),
        domains=tuple(domain for part in parts for domain in part.domains),
        reasons=tuple(sorted({reason for part in parts for reason in part.reasons})),
    )


def boundaries(meters: Sequence[Meter]) -> tuple[Boundary, ...]:
    """The boundaries these meters can speak for; `device` always, if only to say that nothing is known of it."""
    found: list[Boundary] = ["device"]
    device = [meter for meter in meters if meter.boundary == "device"]
    host_only = bool(device) and all(meter.domain.startswith(HOST_DOMAINS) for meter in device)
    if device and (host_only or any(meter.boundary == "machine" for meter in meters)):
        found.append("machine")
    if any(meter.boundary == "wall" for meter in meters):
        found.append("wall")
    return tuple(found)


def thin(ticks: Ticks, windows: Sequence[Window], *, edge_s: float = 0.5, between_s: float = 0.25) -> Ticks:
    """Every tick near a window's edge, and one per `between_s` elsewhere: the joules stay, the file shrinks."""
    edges_ns = sorted(edge for window in windows for edge in (window.start_ns, window.end_ns))
    keep: list[int] = []
    for index, at_ns in enumerate(ticks.at_ns):
        nearest = bisect_left(edges_ns, at_ns)
        near = any(abs(edge - at_ns) <= edge_s * 1e9 for edge in edges_ns[max(0, nearest - 1) : nearest + 1])
        last = index == len(ticks.at_ns) - 1
        if near or last or not keep or at_ns - ticks.at_ns[keep[-1]] >= between_s * 1e9:
            keep.append(index)
    return Ticks(ticks.meter, tuple(ticks.at_ns[i] for i in keep), tuple(ticks.energy_uj[i] for i in keep))
