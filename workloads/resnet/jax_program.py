"""ResNet in JAX: functions of a flat dict of weights, images as [n, h, w, c], one jitted call per step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from workloads.base import Arrays, Program, Spec
from workloads.golden import distance
from workloads.resnet import data
from workloads.resnet.network import (
    NORM_EPSILON,
    NORM_MOMENTUM,
    POOL_KERNEL,
    POOL_PADDING,
    POOL_STRIDE,
    SGD_MOMENTUM,
    WEIGHT_DECAY,
    Config,
    Convolution,
    Network,
    network,
)

Tree = dict[str, Array]
Unit = Callable[[Convolution, Array], Array]
"""One convolution with its normalisation."""

TYPES = {"fp32": jnp.float32, "bf16": jnp.bfloat16}
SMALL_SIDE = 8  # pixels: on a CPU, convolutions to images no larger than this are done as matrix products
EXACT = lax.Precision.HIGHEST  # float32 stays float32 on chips that would round it; bfloat16 is not touched by it


def build(spec: Spec, size: str, *, device: jax.Device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in JAX; always compiled."""
    config = spec.sizes[size]
    if spec.mode == "train":
        weights = data.initial_weights(config, spec.seed)
        return Train(config, weights, seed=spec.seed, device=device, precision=precision)
    weights = data.inference_weights(config, spec.seed)
    return Infer(config, weights, seed=spec.seed, size=size, device=device, precision=precision)


def _to_numpy(tree: Tree) -> Arrays:
    return {name: np.array(values, dtype=np.float32) for name, values in tree.items()}


def _images(pool: Array, inputs: Array, dtype: Any) -> Array:
    """The step's base batch, shifted and normalised."""
    pixels = jnp.roll(pool[inputs[0]], (inputs[1], inputs[2]), axis=(1, 2))
    return ((pixels.astype(jnp.float32) - data.PIXEL_MEAN) / data.PIXEL_STD).astype(dtype)


def _product(convolution: Convolution, x: Array, kernel: Array) -> Array:
    """The convolution as one matrix product over the patches that the kernel sees."""
    size, pad, stride, side = convolution.kernel, convolution.padding, convolution.stride, convolution.side_out
    x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    reach = stride * (side - 1) + 1
    taps = [
        x[:, row : row + reach : stride, column : column + reach : stride] for row, column in np.ndindex(size, size)
    ]
    return jnp.matmul(jnp.concatenate(taps, axis=3), kernel.reshape(-1, convolution.outputs), precision=EXACT)


def _window(convolution: Convolution, x: Array, kernel: Array) -> Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(convolution.stride,) * 2,
        padding=((convolution.padding,) * 2,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=EXACT,
    )


def _convolve(convolution: Convolution, x: Array, kernel: Array) -> Array:
    """XLA's convolutions for the CPU fall to a few GFLOP/s on 1x1 kernels and small images; its products do not."""
    window = partial(_window, convolution)
    small = convolution.kernel == 1 or convolution.side_out <= SMALL_SIDE
    on_cpu = partial(_product, convolution) if small else window
    return lax.platform_dependent(x, kernel, cpu=on_cpu, default=window)


def _max_pool(x: Array) -> Array:
    return lax.reduce_window(
        x,
        np.array(-np.inf, x.dtype),
        lax.max,
        (1, POOL_KERNEL, POOL_KERNEL, 1),
        (1, POOL_STRIDE, POOL_STRIDE, 1),
        ((0, 0), (POOL_PADDING,) * 2, (POOL_PADDING,) * 2, (0, 0)),
    )


def _forward(layers: Network, head: Tree, x: Array, unit: Unit) -> Array:
    """Logits [n, outputs], float32, of images [n, h, w, c]."""
    x = _max_pool(jax.nn.relu(unit(layers.stem, x)))
    for block in layers.blocks:
        branch = x
        for convolution in block.branch[:-1]:
            branch = jax.nn.relu(unit(convolution, branch))
        shortcut = x if block.shortcut is None else unit(block.shortcut, x)
        x = jax.nn.relu(unit(block.branch[-1], branch) + shortcut)
    features = x.astype(jnp.float32).mean(axis=(1, 2)).astype(x.dtype)
    product = jnp.matmul(features, head["head.weight"].astype(x.dtype), precision=EXACT)
    return product.astype(jnp.float32) + head["head.bias"].astype(jnp.float32)


def _normalise(x: Array, scale: Array, shift: Array) -> tuple[Array, Array, Array]:
    """x by its batch statistics, and these: mean and biased variance of each channel, in float32."""
    wide = x.astype(jnp.float32)
    mean = wide.mean(axis=(0, 1, 2))
    variance = jnp.square(wide - mean).mean(axis=(0, 1, 2))
    gain = scale * lax.rsqrt(variance + NORM_EPSILON)
    return ((wide - mean) * gain + shift).astype(x.dtype), mean, variance


def _train_logits(
    layers: Network, dtype: Any, weights: Tree, statistics: Tree, pool: Array, inputs: Array
) -> tuple[Array, Tree]:
    """Logits with batch statistics, and the running ones after this batch; their variance is the unbiased one."""
    running = dict(statistics)

    def unit(convolution: Convolution, x: Array) -> Array:
        name = convolution.name
        x = _convolve(convolution, x, weights[f"{name}.kernel"].astype(dtype))
        n_values = x.size // x.shape[-1]
        x, mean, variance = _normalise(x, weights[f"{name}.scale"], weights[f"{name}.shift"])
        unbiased = variance * (n_values / (n_values - 1))
        for kind, newest in (("mean", mean), ("variance", unbiased)):
            running[f"{name}.{kind}"] += NORM_MOMENTUM * (newest - running[f"{name}.{kind}"])
        return x

    return _forward(layers, weights, _images(pool, inputs, dtype), unit), running


def _loss(
    weights: Tree, layers: Network, dtype: Any, statistics: Tree, pool: Array, inputs: Array
) -> tuple[Array, tuple[Array, Tree]]:
    """Mean cross entropy in nats, the logits and the running statistics."""
    logits, running = _train_logits(layers, dtype, weights, statistics, pool, inputs)
    of_labels = jnp.take_along_axis(jax.nn.log_softmax(logits), inputs[3:, None], axis=1)
    return -of_labels.mean(), (logits, running)


def _descend(name: str, weight: Array, momentum: Array, gradient: Array, rate: Array) -> tuple[Array, Array]:
    """v = momentum v + (g + decay w);  w = w - rate (g + decay w + momentum v)."""
    if data.decays(name):
        gradient = gradient + WEIGHT_DECAY * weight
    momentum = SGD_MOMENTUM * momentum + gradient
    return weight - rate * (gradient + SGD_MOMENTUM * momentum), momentum


def _train_step(
    layers: Network, dtype: Any, state: tuple[Tree, Tree, Tree], pool: Array, inputs: Array, rate: Array
) -> tuple[tuple[Tree, Tree, Tree], Array]:
    weights, momentum, statistics = state
    (loss, (_, running)), gradients = jax.value_and_grad(_loss, has_aux=True)(
        weights, layers, dtype, statistics, pool, inputs
    )
    moved = {name: _descend(name, weights[name], momentum[name], gradients[name], rate) for name in weights}
    return (
        {name: pair[0] for name, pair in moved.items()},
        {name: pair[1] for name, pair in moved.items()},
        running,
    ), loss


def _infer_logits(layers: Network, weights: Tree, pool: Array, inputs: Array) -> Array:
    def unit(convolution: Convolution, x: Array) -> Array:
        return _convolve(convolution, x, weights[f"{convolution.name}.kernel"]) + weights[f"{convolution.name}.bias"]

    return _forward(layers, weights, _images(pool, inputs, weights["stem.kernel"].dtype), unit)


class _Inputs:
    """The pool on the device and the queue of prepared steps: (inputs, learning rate)."""

    def __init__(self, config: Config, seed: int, device: jax.Device) -> None:
        images, self._classes = data.pool(config, seed)
        self._config, self._seed, self._device = config, seed, device
        self._prepared = 0
        self._queue: deque[tuple[Array, Array]] = deque()
        self.pool = jax.device_put(images, device)
        self.audit = jax.device_put(data.audit_inputs(self._classes), device)

    def prepare(self, steps: int) -> None:
        numbers = range(self._prepared, self._prepared + steps)
        prepared = [
            (
                data.step_inputs(self._config, self._seed, self._classes, step),
                np.float32(self._config.learning_rate_at(step)),
            )
            for step in numbers
        ]
        self._queue.extend(jax.device_put(prepared, self._device))
        self._prepared += steps

    def next(self) -> tuple[Array, Array]:
        return self._queue.popleft()


class Train:
    """Training by SGD with Nesterov momentum."""

    def __init__(self, config: Config, weights: Arrays, *, seed: int, device: jax.Device, precision: str) -> None:
        self._config = config
        self._inputs = _Inputs(config, seed, device)
        momentum = {name: np.zeros_like(values) for name, values in weights.items()}
        self._state = jax.device_put((weights, momentum, data.initial_statistics(config)), device)
        layers, dtype = network(config), TYPES[precision]
        self._update = jax.jit(partial(_train_step, layers, dtype), donate_argnums=0)
        self._differentiate = jax.jit(
            lambda weights, *rest: jax.value_and_grad(_loss, has_aux=True)(weights, layers, dtype, *rest)
        )
        self._first: list[Array] = []
        self._newest: Array | float = math.nan

    def prepare(self, steps: int) -> None:
        self._inputs.prepare(steps)

    def step(self) -> None:
        inputs, rate = self._inputs.next()
        self._state, self._newest = self._update(self._state, self._inputs.pool, inputs, rate)
        if len(self._first) < self._config.quality_steps:
            self._first.append(self._newest)

    def quality(self) -> float:
        return data.excess_nats([float(loss) for loss in self._first], self._config)

    def loss(self) -> float:
        return float(self._newest)

    def outputs(self) -> Arrays:
        weights, _, statistics = self._state
        (loss, (logits, _)), gradients = self._differentiate(weights, statistics, self._inputs.pool, self._inputs.audit)
        named = {f"gradient/{name}": gradient for name, gradient in gradients.items()}
        return _to_numpy({"logits": logits, "loss": loss} | named)

    def weights(self) -> Arrays:
        return _to_numpy(self._state[0])

    def statistics(self) -> Arrays:
        """The running averages as they are now."""
        return _to_numpy(self._state[2])


class Infer:
    """Inference with normalisation folded into the convolutions."""

    def __init__(
        self, config: Config, weights: Arrays, *, seed: int, size: str, device: jax.Device, precision: str
    ) -> None:
        self._size = size
        self._inputs = _Inputs(config, seed, device)
        cast = {name: values.astype(TYPES[precision]) for name, values in weights.items()}
        self._weights: Tree = jax.device_put(cast, device)
        self._logits = jax.jit(partial(_infer_logits, network(config)))
        self._newest: Array | None = None

    def prepare(self, steps: int) -> None:
        self._inputs.prepare(steps)

    def step(self) -> None:
        self._newest = self._logits(self._weights, self._inputs.pool, self._inputs.next()[0])

    def quality(self) -> float:
        return distance("resnet", "infer", self._size, self.outputs()["logits"])

    def loss(self) -> float:
        return math.nan

    def outputs(self) -> Arrays:
        """The logits of the audit's images, from the very function that step() runs."""
        return _to_numpy({"logits": self._logits(self._weights, self._inputs.pool, self._inputs.audit)})

    def weights(self) -> Arrays:
        return _to_numpy(self._weights)
