"""NVIDIA GPUs, driven by torch and by JAX, metered by NVML; the host's RAPL counters stand beside."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import frameworks, nvml
from backends.base import BackendUnavailable, Device, Metering, Missing, Rail, Runtime, Support
from backends.jax_runtime import JaxRuntime, open_device
from backends.meters import nvml as nvml_meters
from backends.meters import rapl
from backends.meters.nvml_gauge import NvmlGauge

NO_FRAMEWORK = Missing(
    code="no_framework",
    reason="A GPU is here, but neither torch for CUDA nor JAX's CUDA plugin is installed.",
    cure='Install one: python -m pip install torch, or python -m pip install -e ".[cuda]"',
)


class CudaBackend:
    """Each GPU that CUDA_VISIBLE_DEVICES leaves visible is one device."""

    name = "cuda"
    on_host = False

    def __init__(self, *, environ: Mapping[str, str] = os.environ, powercap: Path = rapl.ROOT) -> None:
        self._environ, self._powercap = environ, powercap

    def devices(self) -> Sequence[Device]:
        boards = nvml.boards(self._environ)
        if not _installed():
            raise BackendUnavailable(NO_FRAMEWORK)
        return tuple(
            Device(index=index, name=board.name, memory_bytes=board.memory_bytes) for index, board in enumerate(boards)
        )

    def frameworks(self) -> Sequence[Support]:
        """BackendUnavailable when no GPU answers: the precisions depend on it."""
        oldest = min(board.capability for board in nvml.boards(self._environ))
        precisions = ("bf16", "fp32") if oldest >= (8, 0) else ("fp32",)
        return tuple(_support(framework, precisions) for framework in _installed())

    def attach(self, framework: str, index: int) -> Runtime:
        """Hides every other GPU from this process, which must not have started CUDA yet."""
        board = self._board(index)
        os.environ["CUDA_VISIBLE_DEVICES"] = board.uuid
        if framework == "jax":
            return JaxRuntime(open_device("cuda,cpu", "cuda", 0))
        return CudaTorchRuntime(board)

    def meters(self, index: int) -> Metering:
        """BackendUnavailable when the GPU or its driver has gone since it was listed."""
        board, domain = self._board(index), f"gpu{index}"
        own = nvml_meters.open_meters(board, domain)
        beside = rapl.open_meters("machine", root=self._powercap)
        return Metering(
            meters=own.meters + beside.meters,
            missing=own.missing + beside.missing,
            gauges=(NvmlGauge(board.uuid, domain),),
        )

    def _board(self, index: int) -> nvml.Board:
        boards = nvml.boards(self._environ)
        if index >= len(boards):
            raise BackendUnavailable(replace(nvml.NO_BOARD, reason=f"GPU {index} is gone: {len(boards)} answer."))
        return boards[index]

    def describe(self) -> Mapping[str, str]:
        with nvml.session() as pynvml:
            major, minor = divmod(pynvml.nvmlSystemGetCudaDriverVersion_v2() // 10, 100)
            facts = {
                "nvidia driver": pynvml.nvmlSystemGetDriverVersion(),
                "cuda driver": f"{major}.{minor}",
                "torch cuda": frameworks.torch_cuda(),
                "jax cuda": frameworks.jax_cuda(),
            }
        return {name: str(value) for name, value in facts.items() if value}


class CudaTorchRuntime:
    """The one GPU this process sees, through torch."""

    def __init__(self, board: nvml.Board) -> None:
        import torch

        self._cuda: Any = torch.cuda
        self.device: Any = torch.device("cuda", 0)
        opened = f"GPU-{self._cuda.get_device_properties(self.device).uuid}"
        if opened != board.uuid and not board.mig:  # a slice has a UUID of its own
            raise RuntimeError(f"torch opened {opened}, not {board.uuid}: CUDA was started before the GPU was chosen")

    def synchronize(self) -> None:
        self._cuda.synchronize(self.device)

    def peak_memory_bytes(self) -> int | None:
        return int(self._cuda.max_memory_allocated(self.device))

    def forget_peak_memory(self) -> None:
        self._cuda.reset_peak_memory_stats(self.device)

    def release_memory(self) -> None:
        """torch gives cached blocks back by itself when the GPU has no others, and its peak counts none of them."""

    def compilations(self) -> int:
        return frameworks.torch_compilations()

    def measure_rails(self, run: Callable[[], None]) -> Sequence[Rail]:
        """A GPU has meters of its own: `run` is not called."""
        return ()


def _installed() -> tuple[str, ...]:
    """The frameworks here that can drive a GPU, best first."""
    torch = ("torch",) if frameworks.torch_cuda() else ()
    jax = ("jax",) if frameworks.jax_cuda() and frameworks.installed("jax") else ()
    return torch + jax


def _support(framework: str, precisions: tuple[str, ...]) -> Support:
    version = frameworks.installed(framework) or "unknown"
    note = _why_eager() if framework == "torch" else ""
    return Support(framework=framework, version=version, precisions=precisions, compiled=not note, note=note)


def _why_eager() -> str:
    """Why torch.compile cannot serve the GPU here; empty when it can."""
    if frameworks.installed("triton") is None:
        return "no Triton: runs eagerly"
    if frameworks.c_compiler() is None:
        return "no C compiler: runs eagerly"
    if not frameworks.python_headers():
        return "no Python headers (python3-dev): runs eagerly"
    return ""
