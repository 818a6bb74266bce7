"""The host's processors, driven by torch and by JAX, metered by RAPL or else by a labelled estimate."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from backends import frameworks, host, host_allocator, host_memory
from backends.base import BackendUnavailable, Device, Metering, Missing, Runtime, Support
from backends.jax_runtime import JaxRuntime, open_device
from backends.memory import forget_process_peak, process_peak_bytes
from backends.meters import apple, estimate, rapl

NO_FRAMEWORK = Missing(
    code="no_framework",
    reason="Neither torch nor JAX is installed.",
    cure='Install one: python -m pip install -c constraints.txt -e ".[torch,jax]"',
)

NO_BF16 = "fp32, for this processor only emulates bf16 (it has neither AVX-512 BF16 nor AMX)"


class CpuBackend:
    """All processors of the machine as one device."""

    name = "cpu"
    on_host = True

    def __init__(self, *, cpuinfo: Path = host.CPUINFO, powercap: Path = rapl.ROOT) -> None:
        self._processor = host.processor(cpuinfo)
        self._powercap = powercap

    def devices(self) -> Sequence[Device]:
        if not self.frameworks():
            raise BackendUnavailable(NO_FRAMEWORK)
        return (Device(index=0, name=self._processor.name, memory_bytes=host_memory.usable_bytes()),)

    def frameworks(self) -> Sequence[Support]:
        found = (self._torch(), self._jax())
        return tuple(support for support in found if support is not None)

    def _torch(self) -> Support | None:
        version = frameworks.installed("torch")
        if version is None:
            return None
        note = _why_eager()
        native = self._processor.native_bf16
        return Support(
            framework="torch",
            version=version,
            precisions=("bf16", "fp32") if native else ("fp32",),
            compiled=not note,
            note="; ".join(filter(None, (note, "" if native else NO_BF16))),
            emulated=() if native else ("bf16",),
        )

    def _jax(self) -> Support | None:
        version = frameworks.installed("jax")
        if version is None:
            return None
        # XLA's CPU compiler gains nothing from bfloat16, whatever the chip has: float32 comes first.
        return Support(framework="jax", version=version, precisions=("fp32", "bf16"), compiled=True)

    def attach(self, framework: str, index: int) -> Runtime:
        return attach(framework)

    def meters(self, index: int) -> Metering:
        counted = rapl.open_meters("device", root=self._powercap)
        if any(not meter.description.check for meter in counted.meters):
            return counted
        if sys.platform == "darwin":
            modelled = apple.open_meters("device")
            if modelled.meters:
                return modelled
            counted = modelled
        return Metering(meters=estimate.open_meters(self._processor.vendor), missing=counted.missing)

    def describe(self) -> Mapping[str, str]:
        facts = {
            "cpu": self._processor.name,
            "kernel": host.kernel(),
            "governor": host.governor(),
            "microcode": self._processor.microcode,
        }
        return {name: value for name, value in facts.items() if value}


def attach(framework: str) -> Runtime:
    """The host's processors through `framework`, in this process, which keeps from here on what torch frees."""
    if framework == "jax":
        return CpuJaxRuntime(open_device("cpu", "cpu", 0))
    host_allocator.keep_freed_memory()
    return CpuTorchRuntime()


class CpuTorchRuntime:
    """torch works on the CPU in the caller's own thread: when a call returns, its work is done."""

    def __init__(self) -> None:
        compiler = frameworks.cxx_compiler()
        if compiler is not None:
            os.environ.setdefault("CXX", compiler)  # torch itself looks for g++ alone
        import torch

        self.device: Any = torch.device("cpu")

    def synchronize(self) -> None:
        """Nothing is ever queued."""

    def peak_memory_bytes(self) -> int | None:
        return process_peak_bytes()

    def forget_peak_memory(self) -> None:
        forget_process_peak()

    def release_memory(self) -> None:
        host_allocator.give_freed_memory_back()

    def compilations(self) -> int:
        return frameworks.torch_compilations()

    def measure_rails(self, run: Callable[[], None]) -> tuple[()]:
        """torch has no profiler that shows rails."""
        return ()


class CpuJaxRuntime(JaxRuntime):
    """JAX keeps no account of the host's memory: the process's own is given."""

    def peak_memory_bytes(self) -> int | None:
        return process_peak_bytes()

    def forget_peak_memory(self) -> None:
        forget_process_peak()

    def release_memory(self) -> None:
        host_allocator.give_freed_memory_back()


def _why_eager() -> str:
    """Why torch.compile cannot serve the CPU here; empty when it can."""
    if frameworks.cxx_compiler() is None:
        return "no C++ compiler: runs eagerly"
    if not frameworks.python_headers():
        return "no Python headers (python3-dev): runs eagerly"
    return ""
