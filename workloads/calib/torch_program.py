"""The four calibrations in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workloads.base import Program, Spec
from workloads.calib.idle import Idle
from workloads.calib.scaling import Scaling
from workloads.common.torch_engine import Engine, Tensors, open_engine
from workloads.common.torch_inference import Inference


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in torch. `copy` and `launch` are never compiled: they are one kernel of
    torch's own."""
    if spec.mode == "idle":
        return Idle(spec, size, torch.ones(1, device=device))
    if spec.mode in ("copy", "launch"):
        return Scaling(spec, size, Held(spec, size, device))
    return Inference(spec, size, forward=_forward, engine=open_engine(device, precision, compiled=compiled))


def _forward(weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return engine.fuse(chain)(weights, inputs["start"], inputs["scale"], engine.dtype)


def chain(matrices: Tensors, start: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """start (B, N), its columns scaled, times one matrix (N, N) after another; rounded to `dtype` between them."""
    x = (start * scale).to(dtype)
    for matrix in matrices.values():
        x = x @ matrix
    return x


class Held:
    """The numbers of Scaling in one tensor."""

    def __init__(self, spec: Spec, size: str, device: torch.device) -> None:
        tile = torch.from_numpy(spec.source_at(size).weights()["tile"]).to(device)
        self._numbers = tile.repeat(spec.sizes[size].rows, 1)

    @property
    def multiply(self) -> Callable[[Tensor], Any]:
        return self._numbers.mul_

    def factor(self, value: float) -> Tensor:
        """On the host, whatever the device: torch makes it an argument of the kernel."""
        return torch.tensor(value)

    def read(self, rows: np.ndarray, columns: np.ndarray) -> _Copy:
        device = self._numbers.device
        return _Copy(self._numbers[torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)])


class _Copy:
    """A tensor of any device that numpy can read, and waits for only then."""

    def __init__(self, values: Tensor) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._values.cpu().numpy(), dtype=dtype)
