"""The contract of a meter: one rising joule counter for one domain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Boundary = Literal["device", "machine", "wall"]
Method = Literal["counter", "integrated", "rails", "estimate", "simulated"]
Scope = Literal["gpu", "module"]


class Reading(NamedTuple):
    """A counter at an instant of CLOCK_MONOTONIC. `energy_uj` never falls: wraps are taken out by the meter.

    `power_w` is the sample behind the reading of a meter that integrates power: its changes mark the meter's updates,
    for the integral itself moves on every reading.
    """

    at_ns: int
    energy_uj: int
    power_w: float | None = None


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
    resolution_uj: int | None = None  # the counter's least step; None where it has none or nobody states one
    scope: Scope | None = None  # what of a GPU the number covers: the board itself, or the module with the CPU on it
    note: str | None = None  # one line for the reader: coverage, origin of coefficients


class Meter(Protocol):
    """One rising counter of energy, opened once and read often."""

    description: Description

    def read(self) -> Reading:
        """The counter now. MeterLost when it can no longer be read; CounterReset when it fell without wrapping."""
        ...

    def close(self) -> None: ...


class Gauge(Protocol):
    """Reads what surrounds the energy of one domain, about once a second: clocks, temperatures, limits, other load.

    Quantities carry their unit in the name. Those that `suite.conditions` turns into reason codes:
      of a GPU    hw_slowdown, hw_thermal_slowdown, power_brake, sw_thermal_slowdown, sw_power_cap, clocks_set (0 or 1);
                  power_limit_w; ecc_uncorrected (errors since the driver was loaded); compute_processes,
                  graphics_processes, process_memory_bytes
      of the host cpu_busy_s, cpu_steal_s, swapped_pages, cpu_throttle_count, on_battery (0 or 1),
                  boottime_s, realtime_s, raw_s (the other clocks, read together with CLOCK_MONOTONIC)
    Everything else (sm_clock_mhz, memory_clock_mhz, temperature_c, utilisation, driver_lag_s ...) is kept as it is.
    """

    domain: str  # "gpu0", "host"

    def read(self) -> Mapping[str, float]:
        """The quantities that answer now; one that does not is left out, never 0. MeterLost when nothing answers."""
        ...

    def close(self) -> None: ...


class MeterLost(Exception):
    """The meter does not answer now. It may again: the caller tries later, and knows the time between as a gap."""


class CounterReset(Exception):
    """The counter fell for a reason other than a wrap: the window it happened in has no energy from it.

    The reading after it goes on from the last good one.
    """


class PowerIntegrator:
    """Turns a power reading into the rising counter of a Meter, by the trapezoid rule between readings."""

    def __init__(self) -> None:
        self._at_ns: int | None = None
        self._power_w = 0.0
        self._energy_uj = 0.0

    def interrupt(self) -> None:
        """The power was not read for a while: nothing is made up for it, and the next reading begins a new stretch."""
        self._at_ns = None

    def add(self, at_ns: int, power_w: float) -> Reading:
        if self._at_ns is not None:
            mean_w = (self._power_w + power_w) / 2
            self._energy_uj += mean_w * (at_ns - self._at_ns) * 1e-3  # W * ns = 1e-9 J = 1e-3 uJ
        self._at_ns, self._power_w = at_ns, power_w
        return Reading(at_ns, round(self._energy_uj), power_w)


def now_ns() -> int:
    """CLOCK_MONOTONIC, the clock that workers and meters share."""
    return time.monotonic_ns()
