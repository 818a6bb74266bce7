"""NVIDIA boards: the driver's energy counter, and beside it the instant power integrated as a second opinion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from backends import nvml
from backends.base import Metering, Missing
from backends.meters.base import CounterReset, Description, Meter, MeterLost, PowerIntegrator, Reading, Scope, now_ns

# Seven recordings of five boards beside a shunt meter, 10 to 14 s each, put the boards' own reading between -6.1 % and
# +3.0 % of the truth. The error belongs to the board: no repeat removes it.
CALIBRATION = 0.05

SLOWEST_NS = 100_000_000
"""An answer is from some instant of the time it took: one that took longer than this cannot be placed."""

MOST_TIMES_LIMIT, MOST_POWER_W = 3, 5_000
"""No board draws more than this over its power limit, nor, where none is told, than the latter: so much is a glitch."""

MIG = Missing(
    code="mig_enabled",
    reason="MIG is enabled: power and energy exist for the whole GPU only, not for one of its slices.",
    cure="Run on a GPU with MIG off.",
)
NO_COUNTER = Missing(
    code="no_meter",
    reason="This GPU has neither an energy counter nor an instant power reading.",
    cure="Update the NVIDIA driver; before Volta there is no counter.",
)

T = TypeVar("T", int, float)
Question = Callable[[Any, Any], T]
"""Asks (pynvml, handle); NVMLError where there is no answer."""


def _field(pynvml: Any, handle: Any, field_id: int, scope: int) -> Any:
    """One field of one scope. The call succeeds even when the field does not: its own code is what counts."""
    (field,) = pynvml.nvmlDeviceGetFieldValues(handle, [(field_id, scope)])
    if field.nvmlReturn != pynvml.NVML_SUCCESS:
        raise pynvml.NVMLError(field.nvmlReturn)
    return field


def _gpu_power_w(pynvml: Any, handle: Any) -> float:
    field = _field(pynvml, handle, pynvml.NVML_FI_DEV_POWER_INSTANT, pynvml.NVML_POWER_SCOPE_GPU)
    return float(field.value.uiVal / 1_000)


def _power_usage_w(pynvml: Any, handle: Any) -> float:
    """nvml.h: instantaneous up to GA100, a mean of the last second on every later board."""
    return float(pynvml.nvmlDeviceGetPowerUsage(handle) / 1_000)


def _module_power_w(pynvml: Any, handle: Any) -> float:
    field = _field(pynvml, handle, pynvml.NVML_FI_DEV_POWER_INSTANT, pynvml.NVML_POWER_SCOPE_MODULE)
    return float(field.value.uiVal / 1_000)


def _gpu_energy_mj(pynvml: Any, handle: Any) -> int:
    field = _field(pynvml, handle, pynvml.NVML_FI_DEV_ENERGY, pynvml.NVML_POWER_SCOPE_GPU)
    return int(field.value.ullVal)


def _total_energy_mj(pynvml: Any, handle: Any) -> int:
    return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One of the driver's energy counters, in mJ since it was loaded; none of them wraps."""

    source: str
    read_mj: Question[int]
    scope: Scope = "gpu"
    note: str | None = None


TOTAL = Counter(source="nvml.total_energy", read_mj=_total_energy_mj)
# Where a CPU shares the module, the old counter may hold its energy too: drivers differ. The field asks for the GPU's.
GPU_SCOPE = Counter(source="nvml.energy", read_mj=_gpu_energy_mj)
MODULE = replace(TOTAL, scope="module", note="may cover the whole module, its CPU included")


class _Timed:
    """A link whose answers come with their instant: the middle of the time they took."""

    def __init__(self, uuid: str, domain: str, clock: Callable[[], int]) -> None:
        self._link, self._domain, self._clock = nvml.Link(uuid), domain, clock

    def ask(self, question: Question[T]) -> tuple[int, T]:
        """MeterLost when there is no answer, or one too slow to be of use."""
        start_ns = self._clock()
        try:
            answer = self._link.ask(question)
        except self._link.pynvml.NVMLError as error:
            raise MeterLost(f"{self._domain}: {error}") from error
        end_ns = self._clock()
        if end_ns - start_ns > SLOWEST_NS:
            raise MeterLost(f"{self._domain}: the driver took {(end_ns - start_ns) / 1e9:.1f} s to answer")
        return (start_ns + end_ns) // 2, answer

    def close(self) -> None:
        self._link.close()


class EnergyCounterMeter:
    """Energy since the driver was loaded; it does not wrap, and counts on while nobody can read it."""

    def __init__(self, uuid: str, domain: str, counter: Counter = TOTAL, clock: Callable[[], int] = now_ns) -> None:
        self._link = _Timed(uuid, domain, clock)
        self._read_mj = counter.read_mj
        self.description = Description(
            domain=domain,
            boundary="device",
            method="counter",
            source=counter.source,
            calibration=CALIBRATION,
            resolution_uj=1_000,
            scope=counter.scope,
            note=counter.note,
        )
        self._last_mj: int | None = None
        self._energy_mj = 0

    def read(self) -> Reading:
        at_ns, raw_mj = self._link.ask(self._read_mj)
        step_mj = raw_mj - (raw_mj if self._last_mj is None else self._last_mj)
        self._last_mj = raw_mj
        if step_mj < 0:
            raise CounterReset(f"{self.description.domain}: the counter fell by {-step_mj} mJ")
        self._energy_mj += step_mj
        return Reading(at_ns, self._energy_mj * 1_000)

    def close(self) -> None:
        self._link.close()


@dataclass(frozen=True, slots=True)
class Power:
    """A question for the power of this instant."""

    source: str
    read_w: Question[float]


INSTANT = Power("nvml.power_instant", _gpu_power_w)
USAGE = Power("nvml.power_usage", _power_usage_w)  # for boards whose driver does not know the field
NEWEST_INSTANT_USAGE = (8, 0)


class InstantPowerMeter:
    """The newest power sample of the GPU, integrated. nvmlDeviceGetPowerUsage would be a mean of the last second.

    Over the time in which it was lost nothing is integrated: its energy stands still until it answers again.
    """

    def __init__(
        self,
        uuid: str,
        domain: str,
        *,
        check: bool,
        scope: Scope = "gpu",
        power: Power = INSTANT,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._link = _Timed(uuid, domain, clock)
        self._read_w = _module_power_w if scope == "module" else power.read_w
        self._integrator = PowerIntegrator()
        self._most_w = 0.0
        self.description = Description(
            domain=domain,
            boundary="device",
            method="integrated",
            source=power.source,
            check=check,
            calibration=CALIBRATION,
            scope=scope,
            note=None if check else "this GPU has no energy counter: its power is sampled and integrated",
        )

    def read(self) -> Reading:
        try:
            at_ns, power_w = self._plausible()
        except MeterLost:
            self._integrator.interrupt()
            raise
        return self._integrator.add(at_ns, power_w)

    def close(self) -> None:
        self._link.close()

    def _plausible(self) -> tuple[int, float]:
        at_ns, power_w = self._link.ask(self._read_w)
        if power_w > self._most_w:
            self._most_w = self._ceiling_w()
        if not 0 < power_w <= self._most_w:
            raise MeterLost(f"{self.description.domain}: implausible power of {power_w:g} W")
        return at_ns, power_w

    def _ceiling_w(self) -> float:
        """Asked for again by every power above it: the limit may be raised while the meter is open."""
        try:
            _, limit_mw = self._link.ask(lambda pynvml, handle: int(pynvml.nvmlDeviceGetEnforcedPowerLimit(handle)))
        except MeterLost:
            return MOST_POWER_W
        return MOST_TIMES_LIMIT * limit_mw / 1_000 or MOST_POWER_W


def open_meters(board: nvml.Board, domain: str) -> Metering:
    """The board's counter and its check; the integrated power alone where there is no counter.

    BackendUnavailable when the driver has gone since the board was listed.
    """
    if board.mig:
        return Metering(missing=(MIG,))
    said: list[str] = []
    with closing(nvml.Link(board.uuid)) as link:
        kinds = (GPU_SCOPE, MODULE) if _has_module(link) else (TOTAL,)
        counter = _first_answering((EnergyCounterMeter(board.uuid, domain, kind) for kind in kinds), said)
        scope = counter.description.scope if counter else "gpu"
        powers = (INSTANT, USAGE) if board.capability <= NEWEST_INSTANT_USAGE and scope != "module" else (INSTANT,)
        candidates = (
            InstantPowerMeter(board.uuid, domain, check=counter is not None, scope=scope or "gpu", power=power)
            for power in powers
        )
        checked = _first_answering(candidates, said)
    meters = tuple(meter for meter in (counter, checked) if meter is not None)
    return Metering(meters=meters, missing=() if meters else (_no_counter(board, said),))


def _has_module(link: nvml.Link) -> bool:
    """On a module that holds a CPU beside the GPU the driver tells the module's power apart."""
    try:
        link.ask(_module_power_w)
    except link.pynvml.NVMLError:
        return False
    return True


def _first_answering(meters: Iterable[Meter], said: list[str]) -> Meter | None:
    """The first that answers when asked twice, for the first answer of a sleeping board is slow; the others close."""
    for meter in meters:
        for _ in range(2):
            try:
                meter.read()
            except MeterLost as lost:
                reason = str(lost)
            else:
                return meter
        said.append(reason)
        meter.close()
    return None


def _no_counter(board: nvml.Board, said: list[str]) -> Missing:
    return replace(NO_COUNTER, reason=f"{board.name} gives neither energy nor power ({'; '.join(said)}).")
