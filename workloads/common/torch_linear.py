"""A layer of weights and biases in torch."""

from __future__ import annotations

import torch
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """x (..., in), weight (in, out), bias (out,) -> (..., out), multiplied and given in `dtype`, or else x's type.

    The bias is added behind the product's change of shape: to the compiler it then belongs to what follows, which reads
    the product anyhow, while a product that takes the bias in writes it to the whole output beforehand.
    """
    x = x if dtype is None else x.to(dtype)
    product = x.flatten(0, -2) @ weight.to(x.dtype)
    return product.unflatten(0, x.shape[:-1]) + bias.to(x.dtype)
