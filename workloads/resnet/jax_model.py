"""ResNet in JAX: functions of a flat dict of weights, images as [n, h, w, c]."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from workloads.common.jax_engine import Engine, Tree
from workloads.common.jax_images import images
from workloads.resnet.network import (
    NORM_EPSILON,
    NORM_MOMENTUM,
    POOL_KERNEL,
    POOL_PADDING,
    POOL_STRIDE,
    Convolution,
    Network,
)

Unit = Callable[[Convolution, Array], Array]
"""One convolution with its normalisation."""

SMALL_SIDE = 8  # pixels: on a CPU, convolutions to images no larger than this are done as matrix products


def convolve(convolution: Convolution, x: Array, kernel: Array) -> Array:
    """XLA's convolutions for the CPU fall to a few GFLOP/s on 1x1 kernels and small images; its products do not."""
    window = partial(_window, convolution)
    small = convolution.kernel == 1 or convolution.side_out <= SMALL_SIDE
    on_cpu = partial(_product, convolution) if small else window
    return lax.platform_dependent(x, kernel, cpu=on_cpu, default=window)


def _product(convolution: Convolution, x: Array, kernel: Array) -> Array:
    """The convolution as one matrix product over the patches that the kernel sees."""
    size, pad, stride, side = convolution.kernel, convolution.padding, convolution.stride, convolution.side_out
    x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    reach = stride * (side - 1) + 1
    taps = [
        x[:, row : row + reach : stride, column : column + reach : stride] for row, column in np.ndindex(size, size)
    ]
    return jnp.concatenate(taps, axis=3) @ kernel.reshape(-1, convolution.outputs)


def _window(convolution: Convolution, x: Array, kernel: Array) -> Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(convolution.stride,) * 2,
        padding=((convolution.padding,) * 2,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _max_pool(x: Array) -> Array:
    """On a CPU over shifted copies: XLA's gradient of a pooling window is ten times as slow there."""
    return lax.platform_dependent(x, cpu=_max_of_shifts, default=_max_of_windows)


def _max_of_shifts(x: Array) -> Array:
    """The first of equals wins, as in a window."""
    h, w = (POOL_STRIDE * ((side + 2 * POOL_PADDING - POOL_KERNEL) // POOL_STRIDE) + 1 for side in x.shape[1:3])
    padded = jnp.pad(
        x, ((0, 0), (POOL_PADDING,) * 2, (POOL_PADDING,) * 2, (0, 0)), constant_values=np.array(-np.inf, x.dtype)
    )
    shifts = [
        padded[:, row : row + h : POOL_STRIDE, column : column + w : POOL_STRIDE]
        for row, column in np.ndindex(POOL_KERNEL, POOL_KERNEL)
    ]
    return reduce(lambda best, shift: jnp.where(shift > best, shift, best), shifts)


def _max_of_windows(x: Array) -> Array:
    return lax.reduce_window(
        x,
        np.array(-np.inf, x.dtype),
        lax.max,
        (1, POOL_KERNEL, POOL_KERNEL, 1),
        (1, POOL_STRIDE, POOL_STRIDE, 1),
        ((0, 0), (POOL_PADDING,) * 2, (POOL_PADDING,) * 2, (0, 0)),
    )


def _logits(layers: Network, weights: Tree, x: Array, unit: Unit) -> Array:
    """Logits [n, outputs], float32, of images [n, h, w, c]."""
    x = _max_pool(jax.nn.relu(unit(layers.stem, x)))
    for block in layers.blocks:
        branch = x
        for convolution in block.branch[:-1]:
            branch = jax.nn.relu(unit(convolution, branch))
        shortcut = x if block.shortcut is None else unit(block.shortcut, x)
        x = jax.nn.relu(unit(block.branch[-1], branch) + shortcut)
    features = x.astype(jnp.float32).mean(axis=(1, 2)).astype(x.dtype)
    product = features @ weights["head.weight"].astype(x.dtype)
    return product.astype(jnp.float32) + weights["head.bias"].astype(jnp.float32)


def _normalise(x: Array, scale: Array, shift: Array) -> tuple[Array, Array, Array]:
    """x by its batch statistics, and these: mean and biased variance of each channel, in float32."""
    wide = x.astype(jnp.float32)
    mean = wide.mean(axis=(0, 1, 2))
    variance = jnp.square(wide - mean).mean(axis=(0, 1, 2))
    gain = scale * lax.rsqrt(variance + NORM_EPSILON)
    return ((wide - mean) * gain + shift).astype(x.dtype), mean, variance


def _train(layers: Network, weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
    """Logits with batch statistics, and the running ones after this batch; their variance is the unbiased one."""
    running = dict(statistics)

    def unit(convolution: Convolution, x: Array) -> Array:
        name = convolution.name
        x = convolve(convolution, x, weights[f"{name}.kernel"].astype(engine.dtype))
        values = x.size // x.shape[-1]
        x, mean, variance = _normalise(x, weights[f"{name}.scale"], weights[f"{name}.shift"])
        unbiased = variance * (values / (values - 1))
        for kind, newest in (("mean", mean), ("variance", unbiased)):
            running[f"{name}.{kind}"] += NORM_MOMENTUM * (newest - running[f"{name}.{kind}"])
        return x

    return _logits(layers, weights, images(inputs["pool"], inputs["view"], engine.dtype), unit), running


def train_logits(layers: Network, weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> Array:
    return _train(layers, weights, statistics, inputs, engine)[0]


def loss(layers: Network, weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
    """Mean cross entropy in nats and the running statistics."""
    logits, running = _train(layers, weights, statistics, inputs, engine)
    of_labels = jnp.take_along_axis(jax.nn.log_softmax(logits), inputs["labels"][:, None], axis=1)
    return -of_labels.mean(), running


def infer_logits(layers: Network, weights: Tree, inputs: Tree, engine: Engine) -> Array:
    def unit(convolution: Convolution, x: Array) -> Array:
        return convolve(convolution, x, weights[f"{convolution.name}.kernel"]) + weights[f"{convolution.name}.bias"]

    return _logits(layers, weights, images(inputs["pool"], inputs["view"], engine.dtype), unit)
