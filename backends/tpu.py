"""TPUs, driven by JAX. They have no public energy counter: their runtime's profiler may show the power of two rails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import frameworks
from backends.base import BackendUnavailable, Device, Metering, Missing, Runtime, Support
from backends.jax_runtime import JaxRuntime, open_device, profiled
from backends.meters import rapl, xprof

_GOOGLE = "0x1ae0"
# PCI device ids, as JAX's hardware_utils lists them.
_CHIPS = {
    "0x0027": "TPU v3",
    "0x005e": "TPU v4",
    "0x0062": "TPU v5p",
    "0x0063": "TPU v5e",
    "0x006f": "TPU v6e",
    "0x0076": "TPU v7x",
}

NO_TPU = Missing(
    code="no_device",
    reason="No TPU is attached: there is no /dev/accel* and no Google chip behind /dev/vfio.",
    cure="Run on a Cloud TPU machine.",
)
NO_LIBTPU = Missing(
    code="no_framework",
    reason="A TPU is attached, but JAX and libtpu are not both installed.",
    cure='Install them: python -m pip install -e ".[tpu]"',
)
NO_METER = Missing(
    code="tpu_no_meter",
    reason="TPUs have no public energy counter, and this libtpu cannot record the power of their rails.",
    cure='Update libtpu: python -m pip install -U "jax[tpu]"',
)

FIRST_WITH_RAILS = (0, 0, 30)
"""The oldest libtpu seen to know the option for power: 0.0.21 has the meters but not the option, 0.0.17 neither."""

# The second has its old name, which new runtimes know too and old ones know alone.
POWER_TRACE: Mapping[str, int | bool] = {"tpu_power_trace_level": 1, "e2e_enable_fw_power_level_event": True}


class TpuBackend:
    """One device for each chip. `platform`, `root` and `runtime` are other than the default in tests alone."""

    name = "tpu"
    on_host = False

    def __init__(
        self,
        *,
        platform: str = "tpu",
        root: Path = Path("/"),
        runtime: str = "libtpu",
        powercap: Path = rapl.ROOT,
    ) -> None:
        self._platform, self._root, self._runtime, self._powercap = platform, root, runtime, powercap

    def devices(self) -> Sequence[Device]:
        chips = attached_chips(self._root)
        if not chips:
            raise BackendUnavailable(NO_TPU)
        if not self.frameworks():
            raise BackendUnavailable(NO_LIBTPU)
        return tuple(Device(index=index, name=name) for index, name in enumerate(chips))

    def frameworks(self) -> Sequence[Support]:
        version = frameworks.installed("jax")
        if version is None or frameworks.installed(self._runtime) is None:
            return ()
        return (Support(framework="jax", version=version, precisions=("bf16", "fp32"), compiled=True),)

    def attach(self, framework: str, index: int) -> Runtime:
        platforms = self._platform if self._platform == "cpu" else f"{self._platform},cpu"
        return TpuRuntime(open_device(platforms, self._platform, index), index)

    def meters(self, index: int) -> Metering:
        """The chip's rails, for the worker to measure, and the host's counters, which never count the chip.

        The chip's domains stay unknown when its profile shows no rails: that is learnt only once it has run.
        """
        beside = rapl.open_meters("machine", root=self._powercap)
        if _records_rails(frameworks.installed(self._runtime)):
            return replace(beside, rails=xprof.descriptions(index))
        return replace(beside, missing=(NO_METER, *beside.missing))

    def describe(self) -> Mapping[str, str]:
        version = frameworks.installed(self._runtime)
        return {} if version is None else {self._runtime: version}


class TpuRuntime(JaxRuntime):
    """One chip through JAX, which can also tell the power of its rails."""

    def __init__(self, device: Any, index: int) -> None:
        super().__init__(device)
        self._index = index

    def measure_rails(self, run: Callable[[], None]) -> tuple[xprof.Rail, ...]:
        """The rails of this chip while `run` ran once; none when the runtime shows none or the profiler fails.

        `run` is not called when the profiler does not start, and its own errors pass through.
        """
        profile = profiled(lambda: self._to_the_end(run), POWER_TRACE)
        if profile is None:
            return ()
        own = [rail for rail in xprof.rails(profile) if rail.device == self.device.local_hardware_id]
        return tuple(replace(rail, device=self._index) for rail in own)

    def _to_the_end(self, run: Callable[[], None]) -> None:
        self.synchronize()
        run()
        self.synchronize()


def _records_rails(version: str | None) -> bool:
    return version is not None and tuple(map(int, re.findall(r"\d+", version)[:3])) >= FIRST_WITH_RAILS


def attached_chips(root: Path = Path("/")) -> tuple[str, ...]:
    """The chips this process may open, by name. Device files say how many, the PCI bus says what they are."""
    named = _chips_on_pci(root / "sys/bus/pci/devices")
    files = len(list((root / "dev").glob("accel[0-9]*")))
    if not files and named:  # vfio serves other devices too: its groups count only where a Google chip is on the bus
        files = len(list((root / "dev/vfio").glob("[0-9]*")))
    return tuple(named[:files]) if len(named) >= files else ("TPU",) * files


def _chips_on_pci(devices: Path) -> list[str]:
    makers = [device for device in sorted(devices.glob("*")) if _read(device / "vendor") == _GOOGLE]
    return [_CHIPS[chip] for chip in (_read(device / "device") for device in makers) if chip in _CHIPS]


def _read(path: Path) -> str:
    return path.read_text().strip()
