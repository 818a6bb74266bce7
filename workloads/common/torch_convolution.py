"""Convolutions in torch with what follows them in inference: bias, a sum, the rectifier."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def convolve(x: Tensor, kernel: Tensor, stride: int, bias: Tensor | None = None) -> Tensor:
    """Padded so that at stride 1 the image keeps its size; the kernel is square and odd."""
    return F.conv2d(x, kernel, bias, stride=stride, padding=_padding(kernel))


def rectified(x: Tensor, kernel: Tensor, bias: Tensor, stride: int) -> Tensor:
    """relu(convolution)."""
    if _in_onednn(x):
        sides = _sides(kernel, stride)
        return torch.ops.mkldnn._convolution_pointwise(x, kernel, bias, *sides, 1, "relu", [], "")
    return F.relu(convolve(x, kernel, stride, bias), inplace=True)


def rectified_sum(x: Tensor, kernel: Tensor, bias: Tensor, stride: int, other: Tensor) -> Tensor:
    """relu(convolution + other). `other` may be overwritten."""
    if _in_onednn(x):
        sides = _sides(kernel, stride)
        return torch.ops.mkldnn._convolution_pointwise_.binary(
            other, x, kernel, bias, *sides, 1, "add", 1.0, "relu", [], ""
        )
    return F.relu(convolve(x, kernel, stride, bias).add_(other), inplace=True)


def _padding(kernel: Tensor) -> int:
    return (kernel.shape[-1] - 1) // 2


def _sides(kernel: Tensor, stride: int) -> tuple[list[int], list[int], list[int]]:
    """Padding, stride and dilation of both sides."""
    return [_padding(kernel)] * 2, [stride] * 2, [1, 1]


def _in_onednn(x: Tensor) -> bool:
    """On a CPU oneDNN does the rest in the convolution's own pass, by the operators torch's compiler uses: 8 % faster.

    They have no gradient, and torch may be built without them.
    """
    return x.device.type == "cpu" and not x.requires_grad and torch.backends.mkldnn.is_available()
