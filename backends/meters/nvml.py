"""NVIDIA boards: the driver's energy counter, and beside it the instant power integrated as a second opinion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from backends import nvml
from backends.base import Metering, Missing
from backends.meters.base import CounterReset, Description, Meter, MeterLost, PowerIntegrator, Reading, now_ns

# Seven recordings of five boards beside a shunt meter, 10 to 14 s each, put the boards' own reading between -6.1 % and
# +3.0 % of the truth. The error belongs to the board: no repeat removes it.
CALIBRATION = 0.05

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


class EnergyCounterMeter:
    """Energy since the driver was loaded; it does not wrap."""

    def __init__(self, uuid: str, domain: str, clock: Callable[[], int] = now_ns) -> None:
        self._pynvml, self._handle = _open(uuid)
        self._clock = clock
        note = "may cover the whole module, its CPU included" if self._has_module_power() else None
        self.description = Description(
            domain=domain,
            boundary="device",
            method="counter",
            source="nvml.total_energy",
            calibration=CALIBRATION,
            note=note,
        )
        self._last_mj: int | None = None
        self._energy_mj = 0

    def read(self) -> Reading:
        try:
            raw_mj = self._pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
        except self._pynvml.NVMLError as error:
            raise MeterLost(f"{self.description.domain}: {error}") from error
        at_ns = self._clock()
        step_mj = raw_mj - (raw_mj if self._last_mj is None else self._last_mj)
        self._last_mj = raw_mj
        if step_mj < 0:
            raise CounterReset(f"{self.description.domain}: the counter fell by {-step_mj} mJ")
        self._energy_mj += step_mj
        return Reading(at_ns, self._energy_mj * 1_000)

    def close(self) -> None:
        self._pynvml.nvmlShutdown()

    def _has_module_power(self) -> bool:
        """On a module that holds a CPU beside the GPU the driver tells the module's power apart."""
        try:
            _instant_power_w(self._pynvml, self._handle, self._pynvml.NVML_POWER_SCOPE_MODULE)
        except self._pynvml.NVMLError:
            return False
        return True


class InstantPowerMeter:
    """The newest power sample of the GPU, integrated. nvmlDeviceGetPowerUsage would be a mean of the last second."""

    def __init__(self, uuid: str, domain: str, *, check: bool, clock: Callable[[], int] = now_ns) -> None:
        self._pynvml, self._handle = _open(uuid)
        self._clock = clock
        self._integrator = PowerIntegrator()
        self.description = Description(
            domain=domain,
            boundary="device",
            method="integrated",
            source="nvml.power_instant",
            check=check,
            calibration=CALIBRATION,
            note=None if check else "this GPU has no energy counter: its power is sampled and integrated",
        )

    def read(self) -> Reading:
        try:
            power_w = _instant_power_w(self._pynvml, self._handle, self._pynvml.NVML_POWER_SCOPE_GPU)
        except self._pynvml.NVMLError as error:
            raise MeterLost(f"{self.description.domain}: {error}") from error
        return self._integrator.add(self._clock(), power_w)

    def close(self) -> None:
        self._pynvml.nvmlShutdown()


def open_meters(board: nvml.Board, domain: str) -> Metering:
    """The board's counter and its check; the integrated power alone where there is no counter.

    BackendUnavailable when the driver has gone since the board was listed.
    """
    if board.mig:
        return Metering(missing=(MIG,))
    with nvml.session() as pynvml:
        try:
            handle = pynvml.nvmlDeviceGetHandleByUUID(board.uuid)
        except pynvml.NVMLError as error:
            return Metering(missing=(replace(NO_COUNTER, reason=f"{board.name} does not answer ({error})."),))
        counter = _answers(pynvml, lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        power = _answers(pynvml, lambda: _instant_power_w(pynvml, handle, pynvml.NVML_POWER_SCOPE_GPU))
        meters: list[Meter] = []
        if counter:
            meters.append(EnergyCounterMeter(board.uuid, domain))
        if power:
            meters.append(InstantPowerMeter(board.uuid, domain, check=counter))
    return Metering(meters=tuple(meters), missing=() if meters else (NO_COUNTER,))


def _answers(pynvml: Any, question: Callable[[], object]) -> bool:
    try:
        question()
    except pynvml.NVMLError:
        return False
    return True


def _open(uuid: str) -> tuple[Any, Any]:
    """The library, started for one meter, and its handle of the board."""
    pynvml = nvml.start()
    return pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid)


def _instant_power_w(pynvml: Any, handle: Any, scope: int) -> float:
    """Field 186 of one scope. The call succeeds even when the field does not: its own code is what counts."""
    (field,) = pynvml.nvmlDeviceGetFieldValues(handle, [(pynvml.NVML_FI_DEV_POWER_INSTANT, scope)])
    if field.nvmlReturn != pynvml.NVML_SUCCESS:
        raise pynvml.NVMLError(field.nvmlReturn)
    return float(field.value.uiVal / 1_000)
