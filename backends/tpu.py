"""TPUs, driven by JAX. They have no public energy counter, so their joules stay unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from backends import frameworks
from backends.base import BackendUnavailable, Device, Metering, Missing, Runtime, Support
from backends.jax_runtime import JaxRuntime, open_device
from backends.meters import rapl

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
    reason="TPUs have no public energy counter: joules stay unknown and chip-seconds are shown.",
    cure="None today for joules; rates are still comparable.",
)


class TpuBackend:
    """One device for each chip. `platform`, `root` and `runtime` are other than the default in tests alone."""

    name = "tpu"

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
        return JaxRuntime(open_device(platforms, self._platform, index))

    def meters(self, index: int) -> Metering:
        """The host's counters: they say what feeding the chip costs, never what the chip itself draws."""
        beside = rapl.open_meters("machine", root=self._powercap)
        return Metering(meters=beside.meters, missing=(NO_METER, *beside.missing))

    def describe(self) -> Mapping[str, str]:
        version = frameworks.installed(self._runtime)
        return {} if version is None else {self._runtime: version}


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
