"""What surrounds the energy of an NVIDIA board: clocks, heat, limits, why it is held back, and who else is on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from backends import nvml
from backends.meters.base import MeterLost

Values = Mapping[str, float]
Question = Callable[[Any, Any], Values]
"""Asks (pynvml, handle) for some quantities; NVMLError where there is no answer."""


def _sm_clock(pynvml: Any, handle: Any) -> Values:
    return {"sm_clock_mhz": pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)}


def _memory_clock(pynvml: Any, handle: Any) -> Values:
    return {"memory_clock_mhz": pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM)}


def _temperature(pynvml: Any, handle: Any) -> Values:
    return {"temperature_c": pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU)}


def _power_limit(pynvml: Any, handle: Any) -> Values:
    return {"power_limit_w": pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1_000}


def _utilisation(pynvml: Any, handle: Any) -> Values:
    return {"utilisation": pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100}


def _ecc(pynvml: Any, handle: Any) -> Values:
    kind, since_load = pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC
    return {"ecc_uncorrected": pynvml.nvmlDeviceGetTotalEccErrors(handle, kind, since_load)}


def _held_back(pynvml: Any, handle: Any) -> Values:
    """Why the clocks are not higher: each reason 0 or 1."""
    reasons = pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    bits = {
        "hw_slowdown": pynvml.nvmlClocksEventReasonHwSlowdown,
        "hw_thermal_slowdown": pynvml.nvmlClocksEventReasonHwThermalSlowdown,
        "power_brake": pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown,
        "sw_thermal_slowdown": pynvml.nvmlClocksEventReasonSwThermalSlowdown,
        "sw_power_cap": pynvml.nvmlClocksEventReasonSwPowerCap,
        "clocks_set": pynvml.nvmlClocksEventReasonApplicationsClocksSetting,
    }
    return {name: float(bool(reasons & bit)) for name, bit in bits.items()}


def _processes(pynvml: Any, handle: Any) -> Values:
    """How many compute here and how many draw; one may do both. Their memory only where the driver tells all of it."""
    lists = {
        "compute_processes": nvml.supported(pynvml, pynvml.nvmlDeviceGetComputeRunningProcesses_v3, handle),
        "graphics_processes": nvml.supported(pynvml, pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3, handle),
    }
    known = {name: processes for name, processes in lists.items() if processes is not None}
    counts = {name: len(processes) for name, processes in known.items()}
    used_bytes = {process.pid: process.usedGpuMemory for processes in known.values() for process in processes}
    if not known or None in used_bytes.values():
        return counts
    return counts | {"process_memory_bytes": sum(used_bytes.values())}


def _driver_lag(pynvml: Any, handle: Any) -> Values:
    """How old the newest power sample is by the driver's own stamp; both clocks are the wall clock."""
    (field,) = pynvml.nvmlDeviceGetFieldValues(handle, [pynvml.NVML_FI_DEV_POWER_INSTANT])
    if field.nvmlReturn != pynvml.NVML_SUCCESS or not field.timestamp:
        return {}
    return {"driver_lag_s": time.time() - field.timestamp / 1e6}


QUESTIONS: tuple[Question, ...] = (
    _sm_clock,
    _memory_clock,
    _temperature,
    _power_limit,
    _utilisation,
    _ecc,
    _held_back,
    _processes,
    _driver_lag,
)


class NvmlGauge:
    """Gauge of one board; see `Gauge` for the contract. `utilisation` is a share of the driver's last interval."""

    def __init__(self, uuid: str, domain: str) -> None:
        """BackendUnavailable when no driver answers."""
        self.domain = domain
        self._link = nvml.Link(uuid)

    def read(self) -> Values:
        """MeterLost when the board is gone, or answers nothing."""
        values: dict[str, float] = {}
        refused: Exception | None = None
        for question in QUESTIONS:
            try:
                values |= self._link.ask(question)
            except self._gone() as error:
                raise MeterLost(f"{self.domain}: {error}") from error
            except self._link.pynvml.NVMLError as error:
                refused = error
        if not values:
            raise MeterLost(f"{self.domain}: {refused}") from refused
        return values

    def close(self) -> None:
        self._link.close()

    def _gone(self) -> tuple[type[Exception], ...]:
        pynvml = self._link.pynvml
        return (pynvml.NVMLError_GpuIsLost, pynvml.NVMLError_ResetRequired, pynvml.NVMLError_NotFound)
