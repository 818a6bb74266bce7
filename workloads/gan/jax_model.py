"""DCGAN in JAX: functions of a flat dict of weights. Images are [n, h, w, c].

Layers are found by the names of their weights: a network's depth is written in its weights alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from workloads.common.jax_engine import Tree
from workloads.common.jax_images import images
from workloads.common.jax_transposed import double, halve
from workloads.gan.data import CONTRAST
from workloads.gan.network import FIRST_SIDE, NORM_EPSILON, NORM_MOMENTUM, SLOPE

Norm = Callable[[str, Array], Array]
"""(name of a layer, its output) -> the same, normalised."""


def normalise(weights: Tree, name: str, x: Array) -> tuple[Array, Array, Array]:
    """x by its batch statistics, and these: mean and biased variance of each channel, in float32."""
    wide = x.astype(jnp.float32)
    mean = wide.mean(axis=(0, 1, 2))
    variance = jnp.square(wide - mean).mean(axis=(0, 1, 2))
    gain = weights[f"{name}.scale"] * lax.rsqrt(variance + NORM_EPSILON)
    return ((wide - mean) * gain + weights[f"{name}.shift"]).astype(x.dtype), mean, variance


def _averaged(running: Tree, name: str, mean: Array, variance: Array, values: int) -> None:
    """Put a batch of so many values a channel into the running averages; their variance is the unbiased one."""
    newest = {f"{name}.mean": mean, f"{name}.variance": variance * (values / (values - 1))}
    for key, value in newest.items():
        running[key] += NORM_MOMENTUM * (value - running[key])


def _biased(weights: Tree, name: str, x: Array) -> Array:
    """The bias of a layer with folded normalisation."""
    key = f"{name}.bias"
    return (x + weights[key].astype(jnp.float32)).astype(x.dtype) if key in weights else x


def generate(weights: Tree, latents: Array, norm: Norm = lambda name, x: x) -> Array:
    """Images, float32 in [-1, 1], of latents [n, latents]."""
    x = _biased(weights, "generator.project", latents @ weights["generator.project.weight"])
    x = norm("generator.project", x.reshape(len(x), FIRST_SIDE, FIRST_SIDE, -1))
    index = 0
    while f"generator.double{index}.transposed" in weights:
        name = f"generator.double{index}"
        x = _biased(weights, name, double(jax.nn.relu(x), weights[f"{name}.transposed"]))
        index += 1
        x = norm(name, x) if f"generator.double{index}.transposed" in weights else x
    return jnp.tanh(x.astype(jnp.float32))


def discriminate(weights: Tree, x: Array) -> Array:
    """How real images look: float32 logits [n]."""
    index = 0
    while f"discriminator.halve{index}.kernel" in weights:
        name = f"discriminator.halve{index}"
        x = halve(x, weights[f"{name}.kernel"])
        x = jax.nn.leaky_relu(normalise(weights, name, x)[0] if index else x, SLOPE)
        index += 1
    return (x.reshape(len(x), -1) @ weights["discriminator.answer.weight"]).astype(jnp.float32)[:, 0]


def _pictures(weights: Tree, statistics: Tree, inputs: Tree, dtype: Any) -> tuple[Array, Array, Tree]:
    """The step's real images and those that the generator makes, in `dtype`, and the new statistics."""
    running = dict(statistics)

    def norm(name: str, x: Array) -> Array:
        normal, mean, variance = normalise(weights, name, x)
        _averaged(running, name, mean, variance, x.size // x.shape[-1])
        return normal

    real = images(inputs["pool"], inputs["view"], jnp.float32) * CONTRAST
    made = generate(weights, inputs["latents"].astype(dtype), norm)
    return real.astype(dtype), made.astype(dtype), running


def cast(weights: Tree, dtype: Any) -> Tree:
    """What multiplies in `dtype`; scales and shifts as they are."""
    return {name: value if value.ndim == 1 else value.astype(dtype) for name, value in weights.items()}


def game(weights: Tree, statistics: Tree, inputs: Tree, dtype: Any) -> tuple[Array, Tree]:
    """The losses of both networks added up, each with no gradient for the other; and the new statistics."""
    weights = cast(weights, dtype)
    real, made, running = _pictures(weights, statistics, inputs, dtype)
    on_real = jax.nn.softplus(-discriminate(weights, real))
    on_made = jax.nn.softplus(discriminate(weights, lax.stop_gradient(made)))
    fooling = jax.nn.softplus(-discriminate(lax.stop_gradient(weights), made))
    return (on_real + on_made + fooling).mean(), running


def answers(weights: Tree, statistics: Tree, inputs: Tree, dtype: Any) -> Array:
    """Logits [n, 2] of the real images and of the made ones."""
    weights = cast(weights, dtype)
    real, made, _ = _pictures(weights, statistics, inputs, dtype)
    return jnp.stack([discriminate(weights, x) for x in (real, made)], axis=1)
