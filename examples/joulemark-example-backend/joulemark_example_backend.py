"""A backend from outside: the host's processors, metered by whatever writes watt-hours into a file.

The file, named by JOULEMARK_LOGGED_WH, holds one number: the watt-hours counted so far, as plug-in wall meters and
their loggers give it. It is read afresh each time, so the logger may replace it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from backends.base import BackendUnavailable, Device, Metering, Missing, Runtime, Support
from backends.cpu import CpuBackend
from backends.meters.base import CounterReset, Description, MeterLost, Reading, now_ns

VARIABLE = "JOULEMARK_LOGGED_WH"
UJ_PER_WH = 3_600_000_000


class LoggedMeter:
    description = Description(domain="wall", boundary="wall", method="counter", source="logged watt-hours")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first_uj = self._last_uj = self._counted_uj()

    def read(self) -> Reading:
        counted_uj = self._counted_uj()
        if counted_uj < self._last_uj:
            self._first_uj += counted_uj - self._last_uj  # go on from here: the next reading must not fall
            self._last_uj = counted_uj
            raise CounterReset(f"{self._path} fell")
        self._last_uj = counted_uj
        return Reading(now_ns(), counted_uj - self._first_uj)

    def close(self) -> None:
        """The file is opened for each reading."""

    def _counted_uj(self) -> int:
        try:
            return round(float(self._path.read_text()) * UJ_PER_WH)
        except (OSError, ValueError) as error:
            raise MeterLost(f"{self._path}: {error}") from error


class LoggedBackend:
    """Works as the cpu backend does, and meters at the wall."""

    name = "logged"
    on_host = True

    def __init__(self) -> None:
        self._cpu = CpuBackend()

    def devices(self) -> Sequence[Device]:
        if VARIABLE not in os.environ:
            raise BackendUnavailable(
                Missing(code="no_meter", reason=f"{VARIABLE} is not set.", cure="Name the file your logger writes.")
            )
        return self._cpu.devices()

    def frameworks(self) -> Sequence[Support]:
        return self._cpu.frameworks()

    def attach(self, framework: str, index: int) -> Runtime:
        return self._cpu.attach(framework, index)

    def meters(self, index: int) -> Metering:
        return Metering(meters=(LoggedMeter(Path(os.environ[VARIABLE])),))

    def describe(self) -> Mapping[str, str]:
        return {"wall meter": "watt-hours from a file"}
