"""A machine that draws a known power: for tests of everything above the meters. Never chosen by default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from backends import cpu
from backends.base import Device, Metering, Runtime, Support
from backends.meters.base import Description, PowerIntegrator, Reading, now_ns

POWER_VARIABLE = "JOULEMARK_SIMULATED_POWER_W"
_UPDATE_NS = 1_000_000  # the counter moves in steps of a millisecond, as real ones do


class SimulatedMeter:
    """Integrates a power that is a function of time; `power_w` takes seconds since the meter was opened."""

    def __init__(self, power_w: Callable[[float], float], clock: Callable[[], int] = now_ns) -> None:
        self.description = Description(
            domain="simulated0", boundary="device", method="simulated", source="simulated", calibration=0.0
        )
        self._power_w, self._clock = power_w, clock
        self._start_ns = clock()
        self._integrator = PowerIntegrator()
        self._integrator.add(0, power_w(0.0))

    def read(self) -> Reading:
        at_ns = self._clock()
        since_ns = at_ns - self._start_ns
        updated_ns = since_ns - since_ns % _UPDATE_NS
        energy = self._integrator.add(updated_ns, self._power_w(updated_ns / 1e9))
        return Reading(at_ns, energy.energy_uj)

    def close(self) -> None:
        """Nothing is held open."""


class SimulatedBackend:
    """Does the work on the host's processors and meters a machine that is not there."""

    name = "simulated"
    on_host = True

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._mean_w = float(environ.get(POWER_VARIABLE, "100"))

    def devices(self) -> Sequence[Device]:
        (host,) = cpu.CpuBackend().devices()
        return (Device(index=0, name=f"simulated {self._mean_w:g} W machine", memory_bytes=host.memory_bytes),)

    def frameworks(self) -> Sequence[Support]:
        return cpu.CpuBackend().frameworks()

    def attach(self, framework: str, index: int) -> Runtime:
        return cpu.attach(framework)

    def meters(self, index: int) -> Metering:
        return Metering(meters=(SimulatedMeter(lambda _: self._mean_w),))

    def describe(self) -> Mapping[str, str]:
        return {"power": f"{self._mean_w:g} W"}
