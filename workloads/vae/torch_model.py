"""The autoencoder in torch: functions of a flat dict of weights. Images are [n, c, h, w] inside, channels last.

Layers are found by the names of their weights: a network's depth is written in its weights alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from workloads.common.torch_transposed import double, halve
from workloads.vae.data import SIGMA

Tensors = dict[str, Tensor]


def images(inputs: Tensors) -> Tensor:
    """What the step shows: float32 [n, h, w, c]."""
    white, patterns, shift = inputs["white"], inputs["patterns"], inputs["shift"]
    _, h, w, _ = white.shape
    rows = (torch.arange(h, device=white.device) - shift[0]) % h
    columns = (torch.arange(w, device=white.device) - shift[1]) % w
    signal = inputs["factors"] @ patterns.flatten(1)
    return signal.view_as(white) + SIGMA * white[:, rows[:, None], columns]


def _linear(weights: Tensors, name: str, x: Tensor) -> Tensor:
    return torch.addmm(weights[f"{name}.bias"], x, weights[f"{name}.weight"])


def encode(weights: Tensors, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log variances of the latents, float32 [n, latents], of images [n, c, h, w]."""
    index = 0
    while f"encoder.convolution{index}.kernel" in weights:
        name = f"encoder.convolution{index}"
        x = functional.relu(halve(x, weights[f"{name}.kernel"], weights[f"{name}.bias"]))
        index += 1
    x = x.permute(0, 2, 3, 1).flatten(1)
    for index in range(2):
        x = functional.relu(_linear(weights, f"encoder.linear{index}", x))
    mean, log_variance = _linear(weights, "encoder.posterior", x).float().chunk(2, dim=1)
    return mean, log_variance


def decode(weights: Tensors, x: Tensor) -> Tensor:
    """Means of the pixels, float32 [n, h, w, c], of latents [n, latents]."""
    for index in range(3):
        x = functional.relu(_linear(weights, f"decoder.linear{index}", x))
    channels = weights["decoder.convolution0.transposed"].shape[0]
    side = math.isqrt(x.shape[1] // channels)
    x = x.view(-1, side, side, channels).permute(0, 3, 1, 2)
    index = 0
    while f"decoder.convolution{index}.transposed" in weights:
        name = f"decoder.convolution{index}"
        x = double(functional.relu(x) if index else x, weights[f"{name}.transposed"], weights[f"{name}.bias"])
        index += 1
    return x.permute(0, 2, 3, 1).float()


def reconstruct(weights: Tensors, inputs: Tensors, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The images, their reconstructions, means and log variances."""
    cast = {name: value.to(dtype) for name, value in weights.items()}
    shown = images(inputs)
    mean, log_variance = encode(cast, shown.to(dtype).permute(0, 3, 1, 2))
    latents = mean + torch.exp(0.5 * log_variance) * inputs["noise"]
    return shown, decode(cast, latents.to(dtype)), mean, log_variance


def negative_elbo(weights: Tensors, inputs: Tensors, dtype: torch.dtype) -> Tensor:
    """Mean over images and dimensions, in nats."""
    shown, found, mean, log_variance = reconstruct(weights, inputs, dtype)
    squares = (shown - found).square().mean() / (2 * SIGMA**2)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
    return 0.5 * math.log(2 * math.pi * SIGMA**2) + squares + divergence / shown[0].numel()
