"""Activations in torch that compile to something slower than they need be."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_SLOPE = math.sqrt(8 / math.pi)
_CUBIC = 0.044715


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU by its tanh formula (Hendrycks and Gimpel 2016), in x's type.

    (1 + tanh(z)) / 2 is the logistic function of 2z: compiled for a CPU that takes half the time (docs/performance.md).
    Not compiled it would be six passes over memory, and torch's own is one.
    """
    if not torch.compiler.is_compiling():
        return F.gelu(x, approximate="tanh")
    wide = x.float()
    return (wide * torch.sigmoid(wide * (_SLOPE + _SLOPE * _CUBIC * wide * wide))).to(x.dtype)
