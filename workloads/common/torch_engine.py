"""How a torch program does its arithmetic: where, in which type, compiled or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.base import Arrays
from workloads.common.checksums import PARTS

Tensors = dict[str, Tensor]
Function = TypeVar("Function", bound=Callable[..., Any])

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Handed to every function of a model; what multiplies does so in `dtype`."""

    device: torch.device
    dtype: torch.dtype
    compiled: bool

    @property
    def precision(self) -> str:
        return next(name for name, dtype in TYPES.items() if dtype == self.dtype)

    def fuse(self, function: Function) -> Function:
        """`function` compiled as one graph where this engine compiles, else itself. Compiled once, so give it functions
        of a module, not lambdas or partials. What repeats (a block) costs one compilation if fused by itself."""
        return _compiled(function) if self.compiled else function

    def reference(self) -> Engine:
        """Strict float32, not compiled."""
        return replace(self, dtype=torch.float32, compiled=False)

    def place(self, arrays: Arrays) -> Tensors:
        """On the device in their own types; whole numbers become int64, which torch indexes with."""
        return {name: self._placed(array) for name, array in arrays.items()}

    def _placed(self, array: np.ndarray) -> Tensor:
        wide = array.astype(np.int64) if array.dtype == np.int32 else array
        return torch.from_numpy(wide).to(self.device)


@cache
def _compiled(function: Function) -> Function:
    made: Function = torch.compile(function, fullgraph=True, dynamic=False)
    return made


def open_engine(device: torch.device, precision: str, *, compiled: bool) -> Engine:
    """Sets torch's switches for the whole process: there are none narrower that keep TensorFloat-32 out of "fp32"."""
    torch.set_float32_matmul_precision("highest")
    if device.type == "cuda":
        torch.backends.cudnn.conv.fp32_precision = "ieee"
        torch.backends.cudnn.rnn.fp32_precision = "ieee"
        torch.backends.cudnn.benchmark = True  # shapes never change: the search for the fastest kernels pays
    # A convolutional network has more shapes of blocks than torch would compile one function for.
    torch._dynamo.config.recompile_limit = 64
    return Engine(device=device, dtype=TYPES[precision], compiled=compiled)


def checksums(outputs: Tensor, signs: Tensor) -> Tensor:
    """(B, PARTS) of outputs (B, ...), in float32."""
    flat = outputs.flatten(1).float()
    padded = F.pad(flat, (0, signs.numel() - flat.shape[1]))
    return (padded * signs).unflatten(1, (PARTS, -1)).sum(-1)


def to_numpy(tensor: Tensor) -> np.ndarray:
    """A float32 copy."""
    array: np.ndarray = tensor.detach().float().cpu().numpy().copy()
    return array
