"""AMD GPUs, through amdsmi: the board's energy counter, and beside it the socket's power as a second opinion.

Not yet seen on hardware. The counter is an accumulator times its resolution in microjoules. A card with two dies, such
as MI250, gives the numbers of both on its first die and none on its second.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

from backends.base import Metering, Missing
from backends.meters import UnknownMeter
from backends.meters.base import Boundary, Description, Meter, MeterLost, now_ns
from backends.meters.sampled import MOST_CHIP_POWER_W, CounterMeter, PowerMeter

NO_MODULE = Missing(
    code="amd_absent",
    reason="The module amdsmi is not installed.",
    cure="Run: python -m pip install amdsmi",
)
NO_LIBRARY = Missing(
    code="amd_absent",
    reason="The module amdsmi finds no ROCm library on this machine.",
    cure="Install ROCm, or name its folder: export ROCM_PATH=/opt/rocm",
)

_POWERS = ("current_socket_power", "average_socket_power")  # MI300 and later have the first, all others the second
_ALL_ONES = (2**32 - 1, 2**64 - 1)  # what the library calls unsupported


def open_gpu(argument: str) -> Metering:
    """The GPU that amd-smi lists under this number. UnknownMeter when it is no number."""
    if not (argument.isascii() and argument.isdecimal()):
        raise UnknownMeter("amd needs the number of a GPU as amd-smi lists it, as in amd:0.")
    return open_meters(int(argument))


def open_meters(index: int, boundary: Boundary = "machine") -> Metering:
    """The counter of a GPU and its check; its power alone where there is no counter."""
    try:
        amdsmi = _load()
    except ImportError:
        return Metering(missing=(NO_MODULE,))
    except (KeyError, OSError):  # its import looks into a table that it could not fill
        return Metering(missing=(NO_LIBRARY,))
    try:
        amdsmi.amdsmi_init()
        handles = amdsmi.amdsmi_get_processor_handles()
    except amdsmi.AmdSmiException as error:
        return _absent(f"AMD's driver does not answer ({_in_short(error)}).", "Run: sudo modprobe amdgpu")
    if index >= len(handles):
        amdsmi.amdsmi_shut_down()
        return _absent(f"There is no AMD GPU {index}, but {len(handles)} in all.", "Count them: amd-smi list")
    return _meters(Gpu(amdsmi, handles[index]), index, boundary)


def _load() -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # what it prints would land in our data
        import amdsmi
    return amdsmi


def _absent(reason: str, cure: str) -> Metering:
    return Metering(missing=(Missing(code="amd_absent", reason=reason, cure=cure),))


class Gpu:
    """One GPU behind amdsmi, which is shut down when the last meter on it is closed."""

    def __init__(self, amdsmi: Any, handle: Any) -> None:
        self._amdsmi, self._handle = amdsmi, handle
        self.users = 0

    def counter(self) -> tuple[int, float]:
        """The accumulator and how many microjoules one of its units is. MeterLost when there is none."""
        info = self._ask(self._amdsmi.amdsmi_get_energy_count)
        units, unit_uj = info.get("energy_accumulator"), info.get("counter_resolution")
        if units is None:
            raise MeterLost("amdsmi is older than ROCm 6.3")
        if not isinstance(units, int) or units in _ALL_ONES or units == 0 or not unit_uj > 0:
            raise MeterLost("no energy")
        return units, unit_uj

    def counted(self) -> tuple[int, int]:
        """An instant and the microjoules counted so far. MeterLost when there are none."""
        units, unit_uj = self.counter()
        return now_ns(), round(units * unit_uj)

    def power(self) -> tuple[int, float]:
        """An instant and the watts of the socket. MeterLost when there are none; no GPU that answers draws 0."""
        info = self._ask(self._amdsmi.amdsmi_get_power_info)
        for power_w in map(info.get, _POWERS):
            if isinstance(power_w, int) and 0 < power_w <= MOST_CHIP_POWER_W:
                return now_ns(), float(power_w)
        raise MeterLost("no power")

    def leave(self) -> None:
        self.users -= 1
        if self.users <= 0:
            self._amdsmi.amdsmi_shut_down()

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            return question(self._handle)
        except self._amdsmi.AmdSmiException as error:
            raise MeterLost(_in_short(error)) from error


def _meters(gpu: Gpu, index: int, boundary: Boundary) -> Metering:
    domain = f"amd-gpu{index}"  # NVIDIA's may be on the same machine, as gpu0
    meters: list[Meter] = []
    problems: list[str] = []
    try:
        _, unit_uj = gpu.counter()
        counter = Description(
            domain=domain,
            boundary=boundary,
            method="counter",
            source="amdsmi.energy_count",
            resolution_uj=round(unit_uj),
        )
        meters.append(CounterMeter(counter, gpu.counted, close=gpu.leave))
    except MeterLost as lost:
        problems.append(str(lost))
    try:
        gpu.power()
        power = Description(
            domain=domain, boundary=boundary, method="integrated", source="amdsmi.socket_power", check=bool(meters)
        )
        meters.append(PowerMeter(power, gpu.power, close=gpu.leave))
    except MeterLost as lost:
        problems.append(str(lost))
    gpu.users = len(meters)
    if not meters:
        gpu.leave()
    return Metering(meters=tuple(meters), missing=() if meters else (_silent(index, " and ".join(problems)),))


def _silent(index: int, problem: str) -> Missing:
    return Missing(
        code="amd_no_counter",
        reason=f"AMD GPU {index} gives {problem}: a second die, whose energy the first one counts, or a guest's view.",
        cure=f"On a card with two dies name the first: --meter amd:{index - index % 2}. In a virtual machine: none.",
    )


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())
