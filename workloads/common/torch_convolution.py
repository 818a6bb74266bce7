"""Convolutions in torch with what follows them in inference: bias, a sum, the rectifier."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def convolve(x: Tensor, kernel: Tensor, stride: int, bias: Tensor | None = None) -> Tensor:
    """Padded so that at stride 1 the image keeps its size; the kernel is square and odd."""
    return F.conv2d(x, kernel, bias, stride=stride, padding=(kernel.shape[-1] - 1) // 2)


def rectified(x: Tensor, kernel: Tensor, bias: Tensor, stride: int) -> Tensor:
    """relu(convolution)."""
    return F.relu(convolve(x, kernel, stride, bias), inplace=True)


def rectified_sum(x: Tensor, kernel: Tensor, bias: Tensor, stride: int, other: Tensor) -> Tensor:
    """relu(convolution + other)."""
    return F.relu(convolve(x, kernel, stride, bias).add_(other), inplace=True)
