"""Trace and windows to joules, uncertainty and reason codes. Pure: no clock, no file, no process.

A meter's counter is read at instants (ticks) by a process that knows nothing of the work; a worker stamps the start
and end of its windows on the same clock. The energy of a window is the counter at its end minus at its start.
Everything here can be computed again later from the stored ticks alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from suite.edges import edges, stands_still, unread
from suite.reasons import REASONS
from suite.trace import Boundary, Event, Meter, Method, Ticks, Window, during, rises

MeterClass = Literal["measured", "rails", "estimated", "simulated", "none"]

PERIODS_PER_WINDOW = 100
"""A window spans at least this many update periods of the slowest meter; a shorter one has no joules."""

DISAGREEMENT = 0.05
"""Two methods on one domain that differ by more than this are flagged."""

HOST = "host"
"""The domain of events that bear on whatever is counted of the host."""

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
class Energy:
    """Energy of one window within one boundary. `joules` is None when unknown, and `reasons` say why.

    quantisation_j  standard uncertainty from the counter's least step, read twice
    edge_j          standard uncertainty from what is not known of the counter at the window's two ends
    calibration_j   standard uncertainty of the meters' own scale; the same in every window, no repeat removes it
    range_j         half the width of an estimate's range; 0 for a measurement
    second_j        the second opinion: the same energy by another method, where every domain has one
    """

    boundary: Boundary
    meter_class: MeterClass
    joules: float | None
    quantisation_j: float = 0.0
    edge_j: float = 0.0
    calibration_j: float = 0.0
    range_j: float = 0.0
    second_j: float | None = None
    domains: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def meter_energy(meter: Meter, ticks: Ticks, window: Window) -> Energy:
    """One meter over one window; refuses with a reason code where the answer would be a guess."""
    if window.duration_s < PERIODS_PER_WINDOW * meter.update_period_s:
        return _unknown(meter, "window_short")
    if not rises(during(ticks, window)):
        return _unknown(meter, "counter_fell")
    found = edges(meter, ticks, window)
    if found is None:
        return _unknown(meter, "trace_gap")
    if meter.method == "integrated" and unread(meter, ticks, window):
        return _unknown(meter, "trace_gap")
    if meter.method == "counter" and stands_still(ticks, window):
        return _unknown(meter, "counter_stuck")
    start, end = found
    joules = (end.energy_uj - start.energy_uj) / 1e6
    return Energy(
        boundary=meter.boundary,
        meter_class=_CLASSES[meter.method],
        joules=joules,
        quantisation_j=(meter.resolution_uj or 0) / 1e6 / math.sqrt(12) * math.hypot(start.weight, end.weight),
        edge_j=math.hypot(start.standard_uj, end.standard_uj) / 1e6,
        calibration_j=joules * (meter.calibration or 0.0),
        domains=(meter.domain,),
    )


def _unknown(meter: Meter, reason: str) -> Energy:
    return Energy(
        boundary=meter.boundary,
        meter_class=_CLASSES[meter.method],
        joules=None,
        domains=(meter.domain,),
        reasons=(reason,),
    )


def _because(energy: Energy, *reasons: str) -> Energy:
    if not reasons:
        return energy
    return replace(energy, reasons=tuple(sorted({*energy.reasons, *reasons})))


def domain_energy(pairs: Sequence[tuple[Meter, Ticks]], window: Window) -> Energy:
    """One domain, all its meters: the counting one, an estimate's two ends, or a second opinion beside it."""
    counting = [(meter, ticks) for meter, ticks in pairs if not meter.check]
    found = [meter_energy(meter, ticks, window) for meter, ticks in counting]
    bounds = sorted(meter.bound for meter, _ in counting if meter.bound)
    energy = _between(found) if bounds == ["high", "low"] else found[0]
    if energy.joules is None:
        return energy
    codes = {*energy.reasons, *(code for meter, _ in counting for code in _standing(meter))}
    seconds = [meter_energy(meter, ticks, window).joules for meter, ticks in pairs if meter.check]
    if any(_disagree(energy.joules, joules) for joules in seconds):
        codes.add("methods_disagree")
    second_j = next((joules for joules in seconds if joules is not None), None)
    if second_j is None and not codes:
        return energy
    return replace(energy, second_j=second_j, reasons=tuple(sorted(codes)))


def _disagree(first_j: float | None, second_j: float | None) -> bool:
    if first_j is None or second_j is None:
        return False
    return abs(second_j - first_j) > DISAGREEMENT * first_j


def _standing(meter: Meter) -> Iterable[str]:
    """What holds for all that this meter says."""
    if meter.method == "estimate":
        yield "estimate"
    elif meter.calibration is None:
        yield "calibration_unknown"
    if meter.scope == "module":
        yield "module_scope"
    if meter.method == "integrated":
        yield "power_integrated"
    if meter.method == "rails":
        yield "rails_sampled"


def _between(ends: Sequence[Energy]) -> Energy:
    """The middle of an estimate's range, with half its width."""
    values = [end.joules for end in ends]
    if any(value is None for value in values):
        return next(end for end in ends if end.joules is None)
    low_j, high_j = sorted(value for value in values if value is not None)
    return replace(
        ends[0],
        joules=(low_j + high_j) / 2,
        edge_j=max(end.edge_j for end in ends),
        range_j=(high_j - low_j) / 2,
    )


def window_energy(
    meters: Sequence[Meter], ticks: Iterable[Ticks], window: Window, boundary: Boundary, events: Sequence[Event] = ()
) -> Energy:
    """All domains within a boundary, summed; unknown as soon as one of them is, or an event makes the sum worthless."""
    return window_energies(meters, ticks, window, (boundary,), events)[0]


def window_energies(
    meters: Sequence[Meter],
    ticks: Iterable[Ticks],
    window: Window,
    wanted: Sequence[Boundary],
    events: Sequence[Event] = (),
) -> tuple[Energy, ...]:
    """`window_energy` within each of these boundaries. A domain that counts in several is computed once."""
    series, known = tuple(ticks), dict[tuple[object, ...], Energy]()
    touching = [event for event in events if event.touches(window)]
    return tuple(_window_energy(meters, series, window, boundary, touching, known) for boundary in wanted)


def _window_energy(
    meters: Sequence[Meter],
    ticks: Sequence[Ticks],
    window: Window,
    boundary: Boundary,
    touching: Sequence[Event],
    known: dict[tuple[object, ...], Energy],
) -> Energy:
    """`known` are the domains' energies in this window so far, by their numbers in `ticks`."""
    by_domain: dict[str, list[int]] = {
        meter.domain: [] for meter in meters if _inside(meter.boundary, boundary) and not meter.check
    }
    for number, one in enumerate(ticks):
        meter = meters[one.meter]
        if _inside(meter.boundary, boundary) and meter.domain in by_domain:
            by_domain[meter.domain].append(number)
    for domain, numbers in by_domain.items():
        if (domain, *numbers) not in known:
            pairs = [(meters[ticks[number].meter], ticks[number]) for number in numbers]
            known[domain, *numbers] = _domain(meters, domain, pairs, window, boundary)
    summed = total([known[domain, *numbers] for domain, numbers in sorted(by_domain.items())], boundary)
    counts_packages = any(domain.startswith("package") for domain in summed.domains)
    if counts_packages and not any(domain.startswith("dram") for domain in summed.domains):
        summed = _because(summed, "dram_missing")
    return _judged(summed, meters, touching)


def _domain(
    meters: Sequence[Meter], domain: str, pairs: Sequence[tuple[Meter, Ticks]], window: Window, boundary: Boundary
) -> Energy:
    """A domain that should have been counted; one that never ticked is unknown, not left out of the sum."""
    if any(not meter.check for meter, _ in pairs):
        return domain_energy(pairs, window)
    method = next(meter.method for meter in meters if meter.domain == domain and not meter.check)
    reason = "rails_absent" if method == "rails" else "trace_gap"
    return Energy(boundary=boundary, meter_class=_CLASSES[method], joules=None, domains=(domain,), reasons=(reason,))


def _inside(meter: Boundary, wanted: Boundary) -> bool:
    return meter == wanted or (wanted == "machine" and meter == "device")


def _judged(energy: Energy, meters: Sequence[Meter], events: Sequence[Event]) -> Energy:
    """The energy with the codes of what happened meanwhile; without joules where the policy of one says so."""
    if not events:
        return energy
    bearing = [event for event in events if _bears_on(event, energy, meters)]
    energy = _because(energy, *(event.code for event in bearing))
    if any(_invalidates(event, energy) for event in bearing):
        return replace(energy, joules=None, quantisation_j=0.0, edge_j=0.0, calibration_j=0.0, range_j=0.0)
    return energy


def _bears_on(event: Event, energy: Energy, meters: Sequence[Meter]) -> bool:
    if event.meter is not None:
        meter = meters[event.meter]
        return meter.domain in energy.domains and not meter.check
    if energy.boundary == "wall":  # counts every part of the machine, whichever the event is about
        return True
    if event.domain == HOST:
        return any(domain.startswith(HOST_DOMAINS) for domain in energy.domains)
    return event.domain is None or event.domain in energy.domains


def _invalidates(event: Event, energy: Energy) -> bool:
    """An estimate is a range that already holds whatever else the host does; a counted number is not."""
    if event.domain == HOST and energy.meter_class == "estimated":
        return False
    return REASONS[event.code].policy == "invalidate"


def total(parts: Sequence[Energy], boundary: Boundary) -> Energy:
    """Sum over disjoint domains. Scales are taken as wholly correlated, edges and steps as independent."""
    if not parts:
        return Energy(boundary=boundary, meter_class="none", joules=None, reasons=("no_meter",))
    known = [part.joules for part in parts if part.joules is not None]
    seconds = [part.second_j for part in parts if part.second_j is not None]
    return Energy(
        boundary=boundary,
        meter_class=min((part.meter_class for part in parts), key=_WORST_FIRST.index),
        joules=sum(known) if len(known) == len(parts) else None,
        quantisation_j=math.hypot(*(part.quantisation_j for part in parts)),
        edge_j=math.hypot(*(part.edge_j for part in parts)),
        calibration_j=sum(part.calibration_j for part in parts),
        range_j=sum(part.range_j for part in parts),
        second_j=sum(seconds) if len(seconds) == len(parts) else None,
        domains=tuple(domain for part in parts for domain in part.domains),
        reasons=tuple(sorted({reason for part in parts for reason in part.reasons})),
    )


def boundaries(meters: Sequence[Meter]) -> tuple[Boundary, ...]:
    """The boundaries these meters can speak for; `device` always, if only to say that nothing is known of it."""
    found: list[Boundary] = ["device"]
    device = [meter for meter in meters if meter.boundary == "device"]
    host_only = bool(device) and all(meter.domain.startswith(HOST_DOMAINS) for meter in device)
    beside = any(meter.boundary == "machine" and not meter.check for meter in meters)
    if device and (host_only or beside):
        found.append("machine")
    if any(meter.boundary == "wall" for meter in meters):
        found.append("wall")
    return tuple(found)
