"""What ResNet starts from and is shown. numpy only, and bit-identical on every machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.common.streams import generator
from workloads.common.textures import Textures, uniform
from workloads.resnet.network import NORM_EPSILON, Config, Convolution, Network, network


def textures(config: Config, seed: int) -> Textures:
    """The task of this size."""
    return Textures(
        side=config.image,
        classes=config.classes,
        label_noise=config.label_noise,
        batches=config.base_batches,
        batch=config.batch,
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class _Images:
    """Inputs alike in both modes: "pool" on the device, then "view" and "labels" for each step."""

    config: Config
    seed: int

    def constants(self) -> Arrays:
        return textures(self.config, self.seed).pool()

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return textures(self.config, self.seed).inputs(first, steps)

    def audit(self) -> Arrays:
        return textures(self.config, self.seed).audit()


class Lessons(_Images):
    """The Source of training."""

    __slots__ = ()

    def weights(self) -> Arrays:
        return initial_weights(self.config, self.seed)

    def statistics(self) -> Arrays:
        return initial_statistics(self.config)

    def floor(self) -> float:
        return textures(self.config, self.seed).floor_nats()


class Questions(_Images):
    """The Source of inference."""

    __slots__ = ()

    def weights(self) -> Arrays:
        return inference_weights(self.config, self.seed)

    def statistics(self) -> Arrays:
        return {}

    def floor(self) -> float:
        return 0.0


def _kernel(convolution: Convolution, seed: int) -> np.ndarray:
    """He's initialisation, uniform: variance 2 / fan-in. [kernel, kernel, inputs, outputs]."""
    bound = math.sqrt(6 / (convolution.kernel**2 * convolution.inputs))
    shape = (convolution.kernel, convolution.kernel, convolution.inputs, convolution.outputs)
    return uniform(generator(seed, convolution.name), -bound, bound, shape)


def _head(layers: Network, seed: int) -> Arrays:
    bound = math.sqrt(1 / layers.features)
    shape = (layers.features, layers.config.outputs)
    random = generator(seed, "head")
    return {
        "head.weight": uniform(random, -bound, bound, shape),
        "head.bias": uniform(random, -bound, bound, shape[1:]),
    }


def initial_weights(config: Config, seed: int) -> Arrays:
    """What training starts from: <convolution>.kernel, .scale and .shift, head.weight and head.bias.

    Scales and shifts are random: a program that leaves one out must be seen.
    """
    layers = network(config)
    weights: Arrays = {}
    for convolution in layers.convolutions:
        name, channels = convolution.name, (convolution.outputs,)
        random = generator(seed, name, "normalisation")
        weights[f"{name}.kernel"] = _kernel(convolution, seed)
        weights[f"{name}.scale"] = uniform(random, 0.8, 1.2, channels)
        weights[f"{name}.shift"] = uniform(random, -0.2, 0.2, channels)
    return weights | _head(layers, seed)


def initial_statistics(config: Config) -> Arrays:
    """The running averages that training starts from: <convolution>.mean and .variance."""
    statistics: Arrays = {}
    for convolution in network(config).convolutions:
        statistics[f"{convolution.name}.mean"] = np.zeros(convolution.outputs, np.float32)
        statistics[f"{convolution.name}.variance"] = np.ones(convolution.outputs, np.float32)
    return statistics


def decays(name: str) -> bool:
    """Whether weight decay acts on this weight: on matrices and kernels, not on biases or normalisation."""
    return name.endswith((".kernel", ".weight"))


def _second_moments(layers: Network) -> dict[str, float]:
    """Mean square of each convolution's output under random weights, were every normalised output of unit variance.

    He's weights double the mean square of their input; a rectifier halves it.
    """
    moments = {"stem": 2.0}
    stream = 1.0
    for block in layers.blocks:
        moments |= {convolution.name: 1.0 for convolution in block.branch[1:]}
        moments[block.branch[0].name] = 2 * stream
        if block.shortcut is not None:
            moments[block.shortcut.name] = 2 * stream
        stream = 1.0 if block.shortcut is not None else stream + 0.5
    return moments


def fold(
    kernel: np.ndarray, *, mean: np.ndarray, variance: np.ndarray, scale: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias, float32, of a convolution that normalises its output by these running statistics."""
    gain = scale / np.sqrt(variance.astype(np.float64) + NORM_EPSILON)
    return (kernel * gain).astype(np.float32), (shift - mean * gain).astype(np.float32)


def inference_weights(config: Config, seed: int) -> Arrays:
    """What inference runs on: <convolution>.kernel and .bias with batch normalisation folded in, and the head.

    The running statistics are those random weights would have gathered, each channel with an error of its own, so that
    activations stay of order one through all blocks and every block moves the logits.
    """
    layers = network(config)
    moments = _second_moments(layers)
    weights: Arrays = {}
    for convolution in layers.convolutions:
        name, channels = convolution.name, (convolution.outputs,)
        random = generator(seed, name, "inference")
        kernel, bias = fold(
            _kernel(convolution, seed),
            mean=uniform(random, -0.2, 0.2, channels) * np.float32(math.sqrt(moments[name])),
            variance=uniform(random, 0.8, 1.25, channels) * np.float32(moments[name]),
            scale=uniform(random, 0.8, 1.2, channels),
            shift=uniform(random, -0.2, 0.2, channels),
        )
        weights |= {f"{name}.kernel": kernel, f"{name}.bias": bias}
    return weights | _head(layers, seed)
