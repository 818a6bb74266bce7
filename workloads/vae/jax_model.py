"""The autoencoder in JAX: functions of a flat dict of weights. Images are [n, h, w, c].

Layers are found by the names of their weights: a network's depth is written in its weights alone.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from workloads.common.jax_engine import Tree
from workloads.common.jax_transposed import double, halve
from workloads.vae.data import SIGMA


def images(inputs: Tree) -> Array:
    """What the step shows, in float32."""
    white, patterns, shift = inputs["white"], inputs["patterns"], inputs["shift"]
    signal = inputs["factors"] @ patterns.reshape(len(patterns), -1)
    return signal.reshape(white.shape) + SIGMA * jnp.roll(white, (shift[0], shift[1]), axis=(1, 2))


def _linear(weights: Tree, name: str, x: Array) -> Array:
    return _biased(x @ weights[f"{name}.weight"], weights[f"{name}.bias"])


def _biased(x: Array, bias: Array) -> Array:
    """The bias is float32, so that its gradient is added up in float32: XLA would add up bfloat16 in bfloat16."""
    return (x + bias.astype(jnp.float32)).astype(x.dtype)


def encode(weights: Tree, x: Array) -> tuple[Array, Array]:
    """Means and log variances of the latents, float32 [n, latents]."""
    index = 0
    while f"encoder.convolution{index}.kernel" in weights:
        name = f"encoder.convolution{index}"
        x = jax.nn.relu(_biased(halve(x, weights[f"{name}.kernel"]), weights[f"{name}.bias"]))
        index += 1
    x = x.reshape(len(x), -1)
    for index in range(2):
        x = jax.nn.relu(_linear(weights, f"encoder.linear{index}", x))
    mean, log_variance = jnp.split(_linear(weights, "encoder.posterior", x).astype(jnp.float32), 2, axis=1)
    return mean, log_variance


def decode(weights: Tree, x: Array) -> Array:
    """Means of the pixels, float32, of latents [n, latents]."""
    for index in range(3):
        x = jax.nn.relu(_linear(weights, f"decoder.linear{index}", x))
    channels = weights["decoder.convolution0.transposed"].shape[2]
    side = math.isqrt(x.shape[1] // channels)
    x = x.reshape(-1, side, side, channels)
    index = 0
    while f"decoder.convolution{index}.transposed" in weights:
        name = f"decoder.convolution{index}"
        x = double(jax.nn.relu(x) if index else x, weights[f"{name}.transposed"])
        x = _biased(x, weights[f"{name}.bias"])
        index += 1
    return x.astype(jnp.float32)


def reconstruct(weights: Tree, inputs: Tree, dtype: Any) -> tuple[Array, Array, Array, Array]:
    """The images, their reconstructions, means and log variances."""
    cast = {name: value if name.endswith("bias") else value.astype(dtype) for name, value in weights.items()}
    shown = images(inputs)
    mean, log_variance = encode(cast, shown.astype(dtype))
    latents = mean + jnp.exp(0.5 * log_variance) * inputs["noise"]
    return shown, decode(cast, latents.astype(dtype)), mean, log_variance


def negative_elbo(weights: Tree, inputs: Tree, dtype: Any) -> Array:
    """Mean over images and dimensions, in nats."""
    shown, found, mean, log_variance = reconstruct(weights, inputs, dtype)
    squares = jnp.square(shown - found).mean() / (2 * SIGMA**2)
    divergence = 0.5 * (jnp.square(mean) + jnp.exp(log_variance) - 1 - log_variance).sum(axis=1).mean()
    return 0.5 * math.log(2 * math.pi * SIGMA**2) + squares + divergence / shown[0].size
