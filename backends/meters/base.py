"""The contract of a meter: one rising joule counter for one domain."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Boundary = Literal["device", "machine", "wall"]
Method = Literal["counter", "integrated", "rails", "estimate", "simulated"]


class Reading(NamedTuple):
    """A counter at an instant of CLOCK_MONOTONIC. `energy_uj` never falls: wraps are taken out by the meter."""

    at_ns: int
    energy_uj: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a meter is; goes into the result file as it stands."""

    domain: str  # "gpu0", "package-0", "dram-0"; the domains of one boundary are disjoint
    boundary: Boundary
    method: Method
    source: str  # who gave the number: "nvml.total_energy", "pyrapl", "powercap"
    bound: Literal["low", "high"] | None = None  # an estimate comes as two meters, one for each end of its range
    check: bool = False  # True: a second opinion on a domain another meter already counts; never summed
    calibration: float | None = None  # relative standard uncertainty of the reading; None where nobody states one
    note: str | None = None  # one line for the reader: coverage, origin of coefficients


class Meter(Protocol):
    """One rising counter of energy, opened once and read often."""

    description: Description

    def read(self) -> Reading:
        """The counter now. MeterLost when it can no longer be read; CounterReset when it fell without wrapping."""
        ...

    def close(self) -> None: ...


class MeterLost(Exception):
    """The meter stopped answering: windows after this instant have no energy from it."""


class CounterReset(Exception):
    """The counter fell for a reason other than a wrap: the window it happened in has no energy from it."""


class PowerIntegrator:
    """Turns a power reading into the rising counter of a Meter, by the trapezoid rule between readings."""

    def __init__(self) -> None:
        self._at_ns: int | None = None
        self._power_w = 0.0
        self._energy_uj = 0.0

    def add(self, at_ns: int, power_w: float) -> Reading:
        if self._at_ns is not None:
            mean_w = (self._power_w + power_w) / 2
            self._energy_uj += mean_w * (at_ns - self._at_ns) * 1e-3  # W * ns = 1e-9 J = 1e-3 uJ
        self._at_ns, self._power_w = at_ns, power_w
        return Reading(at_ns, round(self._energy_uj))


def now_ns() -> int:
    """CLOCK_MONOTONIC, the clock that workers and meters share."""
    return time.monotonic_ns()
