"""What metered a result, what measuring cost, and what the check had to say, as text."""

from __future__ import annotations

from dataclasses import dataclass

from suite.record import Result, Throughput
from suite.trace import Meter
from suite.units import memory, percent, quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """A meter as text. None is unknown, or does not apply."""

    domain: str
    role: str | None
    boundary: str
    scope: str | None
    method: str
    source: str
    period: str
    tick_width: str
    step: str | None
    calibration: str | None
    note: str | None


def meters(result: Result) -> tuple[MeterView, ...]:
    return tuple(map(_meter, result.meters))


def _meter(meter: Meter) -> MeterView:
    return MeterView(
        domain=meter.domain,
        role="second opinion" if meter.check else f"{meter.bound} end of the range" if meter.bound else None,
        boundary=meter.boundary,
        scope=meter.scope,
        method=meter.method,
        source=meter.source,
        period=quantity(meter.update_period_s, "s"),
        tick_width=quantity(meter.tick_width_s, "s", 2),
        step=None if meter.resolution_uj is None else quantity(meter.resolution_uj / 1e6, "J", 2),
        calibration=None if meter.calibration is None else f"± {percent(meter.calibration)}",
        note=meter.note,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What measuring cost, as text."""

    sampler: str
    controller: str
    memory: str
    throughput: str | None


def overhead(result: Result) -> Overhead | None:
    cost = result.overhead
    if cost is None:
        return None
    return Overhead(
        sampler=percent(cost.sampler_share),
        controller=percent(cost.controller_share),
        memory=memory(cost.peak_memory_bytes),
        throughput=None if cost.throughput is None else _ratio(cost.throughput),
    )


def _ratio(found: Throughput) -> str:
    return f"{found.ratio:.4f} ({found.low:.4f} to {found.high:.4f}, {found.pairs} pairs of windows)"
