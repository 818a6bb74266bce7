"""pyRAPL as the reader of a RAPL counter: its Sensor alone, one for each counter."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class PyRaplCounter:
    """One counter behind a pyRAPL Sensor that was asked for one device of one socket."""

    source = "pyrapl"

    def __init__(self, sensor: Any, position: int) -> None:
        self._sensor, self._position = sensor, position

    def read_uj(self) -> int:
        return int(self._sensor.energy()[self._position])

    def close(self) -> None:
        """Close what pyRAPL opened: it never does so itself."""
        for file in _files(self._sensor):
            file.close()


def open_counter(domain: str, socket: int, energy_file: Path) -> PyRaplCounter | None:
    """pyRAPL's counter for the domain; None where it has none or would read another file than `energy_file`.

    It counts zones from 0 until one is missing and takes a socket for one zone, so dies and gaps are beyond it.
    """
    with _quiet():
        try:
            import pyRAPL
        except ImportError:
            return None
        device = pyRAPL.Device.DRAM if domain.startswith("dram") else pyRAPL.Device.PKG
        try:
            sensor = pyRAPL.Sensor(devices=[device], socket_ids=[socket])
        except (pyRAPL.PyRAPLException, OSError, ValueError):
            return None
    counter = PyRaplCounter(sensor, 2 * socket + device)
    if all(energy_file.samefile(file.name) for file in _files(sensor)):
        return counter
    counter.close()
    return None


def _files(sensor: Any) -> Iterator[Any]:
    for device in sensor._device_api.values():
        yield from device._sys_files


@contextmanager
def _quiet() -> Iterator[None]:
    """pyRAPL warns about its own source on new Pythons, leaves files to the collector, and logs a lack of pymongo.

    Its outputs also import pandas, 58 MB in a process that only reads counters: that import is turned away.
    """
    refused = [name for name in ("pandas", "pymongo") if "pyRAPL" not in sys.modules and name not in sys.modules]
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    sys.modules.update(dict.fromkeys(refused))  # type: ignore[arg-type]  # None makes an import fail at once
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", ResourceWarning)
            yield
    finally:
        logging.disable(disabled)
        for name in refused:
            del sys.modules[name]
