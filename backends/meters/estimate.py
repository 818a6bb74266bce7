"""Where no counter answers: the range a CPU's energy may lie in, from published watts per virtual CPU.

An estimate, never a measurement: two meters, one for each end. CPU only; memory is not in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import psutil

from backends.meters.base import Description, Reading, now_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Watts of one logical CPU; between idle and busy the models are linear in utilisation."""

    idle_w: float
    busy_w: float


# Cloud Carbon Footprint, ccf-coefficients (commit b0032d9, Apache-2.0), output/coefficients-{gcp,aws}-use.csv.
# Left out: its Graviton rows, which repeat the EPYC 2nd Gen row, and EPYC 5th Gen, five times its predecessor at idle.
_INTEL = (
    Draw(idle_w=0.61, busy_w=3.87),  # Skylake
    Draw(idle_w=0.69, busy_w=3.75),  # Cascade Lake
    Draw(idle_w=0.77, busy_w=3.65),  # Ice Lake
    Draw(idle_w=1.04, busy_w=4.06),  # Sapphire Rapids
    Draw(idle_w=0.81, busy_w=4.38),  # Emerald Rapids
)
_AMD = (
    Draw(idle_w=0.47, busy_w=1.58),  # EPYC 2nd Gen
    Draw(idle_w=0.46, busy_w=1.83),  # EPYC 3rd Gen
    Draw(idle_w=0.74, busy_w=2.20),  # EPYC 4th Gen
)
_MODELS: Mapping[str, tuple[Draw, ...]] = {"GenuineIntel": _INTEL, "AuthenticAMD": _AMD}

_ERROR = 0.40  # trackers of this kind were off by up to 40 % beside external meters: arXiv 2509.22092
_BUSY = ("user", "nice", "system", "irq", "softirq")  # guests are inside user; steal is other machines' work


class EstimateMeter:
    """One end of the range. The models are linear, so the CPU time spent busy gives the energy without sampling."""

    def __init__(
        self,
        bound: Literal["low", "high"],
        *,
        vendor: str | None,
        logical_cpus: int,
        clock: Callable[[], int] = now_ns,
        busy_s: Callable[[], float] | None = None,
    ) -> None:
        models = "Intel" if vendor == "GenuineIntel" else "AMD" if vendor == "AuthenticAMD" else "all"
        self.description = Description(
            domain="cpu",
            boundary="device",
            method="estimate",
            source=f"ccf-coefficients ({models} rows)",
            bound=bound,
            note="no counter: estimated from utilisation; CPU only, no DRAM",
        )
        self._draw, self._logical_cpus = draw(vendor, bound), logical_cpus
        self._clock, self._busy_s = clock, busy_s or machine_busy_s
        self._start_ns, self._start_busy_s = self._clock(), self._busy_s()
        self._energy_uj = 0

    def read(self) -> Reading:
        at_ns = self._clock()
        elapsed_s = (at_ns - self._start_ns) / 1e9
        energy_j = energy_j_of(self._draw, self._logical_cpus * elapsed_s, self._busy_s() - self._start_busy_s)
        self._energy_uj = max(self._energy_uj, round(energy_j * 1e6))  # a CPU taken offline takes its busy time along
        return Reading(at_ns, self._energy_uj)

    def close(self) -> None:
        """Nothing is held open."""


def open_meters(vendor: str | None) -> tuple[EstimateMeter, EstimateMeter]:
    """Both ends of the range for this machine; `vendor` as /proc/cpuinfo spells it."""
    logical_cpus = os.cpu_count() or 1
    return (
        EstimateMeter("low", vendor=vendor, logical_cpus=logical_cpus),
        EstimateMeter("high", vendor=vendor, logical_cpus=logical_cpus),
    )


def draw(vendor: str | None, bound: Literal["low", "high"]) -> Draw:
    """The outermost of the vendor's models, widened by the reported error; of all models for another vendor."""
    models = _MODELS.get(vendor or "", _INTEL + _AMD)
    outermost, factor = (min, 1 - _ERROR) if bound == "low" else (max, 1 + _ERROR)
    return Draw(
        idle_w=factor * outermost(model.idle_w for model in models),
        busy_w=factor * outermost(model.busy_w for model in models),
    )


def energy_j_of(draw: Draw, cpu_s: float, busy_cpu_s: float) -> float:
    """Energy of `cpu_s` seconds of CPU existence (CPUs times elapsed time), `busy_cpu_s` of them spent busy."""
    return draw.idle_w * cpu_s + (draw.busy_w - draw.idle_w) * busy_cpu_s


def machine_busy_s() -> float:
    """Seconds all CPUs together have been busy since boot, for whatever process."""
    return busy_s_in(psutil.cpu_times())


def busy_s_in(times: object) -> float:
    """The busy seconds in psutil's account of the CPUs' time; systems name more or fewer kinds."""
    return sum(float(getattr(times, name, 0.0)) for name in _BUSY)
