"""MobileNetV3 in JAX: functions of a flat dict of weights, images as [n, h, w, c]."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from workloads.common.jax_engine import Engine, Tree
from workloads.common.jax_images import images
from workloads.mobilenetv3.jax_convolution import convolve
from workloads.mobilenetv3.network import NORM_EPSILON, NORM_MOMENTUM, Activation, Block, Convolution, Network

Unit = Callable[[Convolution, Array], Array]
"""A convolution with its normalisation and activation."""


def loss(layers: Network, weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
    """Mean cross entropy in nats, and the running statistics after this batch."""
    logits, running = _train(layers, weights, statistics, inputs, engine)
    of_labels = jnp.take_along_axis(jax.nn.log_softmax(logits), inputs["labels"][:, None], axis=1)
    return -of_labels.mean(), running


def train_logits(layers: Network, weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> Array:
    """(B, outputs), float32, normalised by the statistics of the batch."""
    return _train(layers, weights, statistics, inputs, engine)[0]


def _train(layers: Network, weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
    """Logits, and the running statistics, whose variance is the unbiased one."""
    running = dict(statistics)

    def unit(convolution: Convolution, x: Array) -> Array:
        name = convolution.name
        wide = convolve(convolution, x, weights[f"{name}.kernel"].astype(engine.dtype)).astype(jnp.float32)
        wide, mean, variance = _normalise(wide, weights[f"{name}.scale"], weights[f"{name}.shift"])
        n_values = wide.size // wide.shape[-1]
        for kind, newest in (("mean", mean), ("variance", variance * (n_values / (n_values - 1)))):
            running[f"{name}.{kind}"] += NORM_MOMENTUM * (newest - running[f"{name}.{kind}"])
        return _activate(wide, convolution.activation).astype(engine.dtype)

    return _forward(layers, weights, images(inputs["pool"], inputs["view"], engine.dtype), unit), running


def _normalise(x: Array, scale: Array, shift: Array) -> tuple[Array, Array, Array]:
    """x by its batch statistics, and these: mean and biased variance of each channel. float32."""
    mean = x.mean(axis=(0, 1, 2))
    variance = jnp.square(x - mean).mean(axis=(0, 1, 2))
    return (x - mean) * (scale * lax.rsqrt(variance + NORM_EPSILON)) + shift, mean, variance


def infer_logits(layers: Network, weights: Tree, inputs: Tree, engine: Engine) -> Array:
    """(B, outputs), float32, by weights with the normalisation folded in."""

    def unit(convolution: Convolution, x: Array) -> Array:
        name = convolution.name
        wide = convolve(convolution, x, weights[f"{name}.kernel"]).astype(jnp.float32)
        wide = wide + weights[f"{name}.bias"].astype(jnp.float32)
        return _activate(wide, convolution.activation).astype(x.dtype)

    return _forward(layers, weights, images(inputs["pool"], inputs["view"], engine.dtype), unit)


def _activate(x: Array, activation: Activation) -> Array:
    if activation == "HS":
        return jax.nn.hard_swish(x)
    return jax.nn.relu(x) if activation == "RE" else x


def _forward(layers: Network, weights: Tree, x: Array, unit: Unit) -> Array:
    x = unit(layers.stem, x)
    for block in layers.blocks:
        x = _block(block, weights, x, unit)
    features = _means(unit(layers.last, x))
    features = jax.nn.hard_swish(_dense("hidden", weights, features)).astype(x.dtype)
    return _dense("head", weights, features)


def _block(block: Block, weights: Tree, x: Array, unit: Unit) -> Array:
    middle = x if block.expand is None else unit(block.expand, x)
    middle = unit(block.depthwise, middle)
    if block.squeeze is not None:
        middle = middle * _gains(block.squeeze[0].name, block.squeeze[1].name, weights, middle)
    projected = unit(block.project, middle)
    return x + projected if block.residual else projected


def _gains(squeeze: str, excite: str, weights: Tree, x: Array) -> Array:
    """[n, 1, 1, c] of x [n, h, w, c]."""
    squeezed = jax.nn.relu(_dense(squeeze, weights, _means(x))).astype(x.dtype)
    return jax.nn.hard_sigmoid(_dense(excite, weights, squeezed)).astype(x.dtype)[:, None, None, :]


def _means(x: Array) -> Array:
    """[n, c] of x [n, h, w, c], added up in float32."""
    return x.astype(jnp.float32).mean(axis=(1, 2)).astype(x.dtype)


def _dense(name: str, weights: Tree, x: Array) -> Array:
    """float32 of x in the working type."""
    product = (x @ weights[f"{name}.weight"].astype(x.dtype)).astype(jnp.float32)
    return product + weights[f"{name}.bias"].astype(jnp.float32)
