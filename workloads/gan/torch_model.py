"""DCGAN in torch: functions of a flat dict of weights. Images are [n, c, h, w] inside, channels last.

Layers are found by the names of their weights: a network's depth is written in its weights alone.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from workloads.common.torch_engine import Tensors
from workloads.common.torch_images import images
from workloads.common.torch_transposed import double, halve
from workloads.gan.data import CONTRAST
from workloads.gan.network import FIRST_SIDE, NORM_EPSILON, NORM_MOMENTUM, SLOPE

Norm = Callable[[str, Tensor], Tensor]
"""(name of a layer, its output) -> the same, normalised."""


def _unchanged(name: str, x: Tensor) -> Tensor:
    return x


def normalise(weights: Tensors, statistics: Tensors, name: str, x: Tensor) -> Tensor:
    """By the batch's own statistics, which enter the running ones in place where such are kept."""
    return functional.batch_norm(
        x,
        statistics.get(f"{name}.mean"),
        statistics.get(f"{name}.variance"),
        weights[f"{name}.scale"],
        weights[f"{name}.shift"],
        training=True,
        momentum=NORM_MOMENTUM,
        eps=NORM_EPSILON,
    )


def generate(weights: Tensors, latents: Tensor, norm: Norm = _unchanged) -> Tensor:
    """Images, float32 [n, c, h, w] in [-1, 1], of latents [n, latents]. Biases are those of folded layers."""
    x = latents @ weights["generator.project.weight"]
    if "generator.project.bias" in weights:
        x = x + weights["generator.project.bias"]
    x = norm("generator.project", x.view(len(x), FIRST_SIDE, FIRST_SIDE, -1).permute(0, 3, 1, 2))
    index = 0
    while f"generator.double{index}.transposed" in weights:
        name = f"generator.double{index}"
        x = double(functional.relu(x), weights[f"{name}.transposed"], weights.get(f"{name}.bias"))
        index += 1
        x = norm(name, x) if f"generator.double{index}.transposed" in weights else x
    return torch.tanh(x.float())


def discriminate(weights: Tensors, x: Tensor) -> Tensor:
    """How real images [n, c, h, w] look: float32 logits [n]."""
    index = 0
    while f"discriminator.halve{index}.kernel" in weights:
        name = f"discriminator.halve{index}"
        x = halve(x, weights[f"{name}.kernel"])
        x = functional.leaky_relu(normalise(weights, {}, name, x) if index else x, SLOPE)
        index += 1
    return (x.permute(0, 2, 3, 1).flatten(1) @ weights["discriminator.answer.weight"]).float().squeeze(1)


def _pictures(weights: Tensors, statistics: Tensors, inputs: Tensors, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The step's real images and those that the generator makes, in `dtype`."""

    def norm(name: str, x: Tensor) -> Tensor:
        return normalise(weights, statistics, name, x)

    real = images(inputs["pool"], inputs["view"], torch.float32) * CONTRAST
    return real.to(dtype), generate(weights, inputs["latents"].to(dtype), norm).to(dtype)


def cast(weights: Tensors, dtype: torch.dtype) -> Tensors:
    """What multiplies in `dtype`; scales and shifts as they are."""
    return {name: value if value.ndim == 1 else value.to(dtype) for name, value in weights.items()}


def game(weights: Tensors, statistics: Tensors, inputs: Tensors, dtype: torch.dtype) -> Tensor:
    """The losses of both networks added up, each with no gradient for the other."""
    weights = cast(weights, dtype)
    real, made = _pictures(weights, statistics, inputs, dtype)
    fixed = {name: value.detach() for name, value in weights.items()}
    on_real = functional.softplus(-discriminate(weights, real))
    on_made = functional.softplus(discriminate(weights, made.detach()))
    fooling = functional.softplus(-discriminate(fixed, made))
    return (on_real + on_made + fooling).mean()


def answers(weights: Tensors, statistics: Tensors, inputs: Tensors, dtype: torch.dtype) -> Tensor:
    """Logits [n, 2] of the real images and of the made ones."""
    weights = cast(weights, dtype)
    shown = _pictures(weights, statistics, inputs, dtype)
    return torch.stack([discriminate(weights, x) for x in shown], dim=1)


def sample(weights: Tensors, latents: Tensor) -> Tensor:
    """Images, float32 [n, h, w, c]."""
    return generate(weights, latents).permute(0, 2, 3, 1)
