"""The convolutions of strided.py in torch. Images are [n, c, h, w], channels last."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from workloads.common.layout import Layout
from workloads.common.strided import PADDING, STRIDE


def halve(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    return functional.conv2d(x, kernel, bias, stride=STRIDE, padding=PADDING)


def double(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    return functional.conv_transpose2d(x, kernel, bias, stride=STRIDE, padding=PADDING)


def _into(name: str, weight: Tensor) -> Tensor:
    """[h, w, in, out] -> [out, in, h, w], or [in, out, h, w] for a transpose."""
    if weight.ndim != 4:
        return weight
    moved = weight.permute(2, 3, 0, 1) if name.endswith(".transposed") else weight.permute(3, 2, 0, 1)
    return moved.contiguous(memory_format=torch.channels_last)


def _back(name: str, weight: Tensor) -> Tensor:
    if weight.ndim != 4:
        return weight
    return weight.permute(2, 3, 0, 1) if name.endswith(".transposed") else weight.permute(2, 3, 1, 0)


LAYOUT = Layout(into=_into, back=_back)
