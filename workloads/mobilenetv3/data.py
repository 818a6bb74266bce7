"""Weights and inputs from a seed. numpy only, and bit-identical on every machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.common.streams import generator
from workloads.common.textures import Textures, uniform
from workloads.mobilenetv3.network import NORM_EPSILON, Activation, Block, Config, Convolution, Dense, Network, network

PASSED: dict[Activation, float] = {"RE": 0.5, "HS": 0.3315, "none": 1.0}
"""Mean square that an activation leaves of a standard normal variable."""
EXCITED = 0.3
"""Mean square of a channel's gain, about: hard-sigmoid lies around one half."""


def textures(config: Config, seed: int) -> Textures:
    return Textures(
        side=config.image,
        classes=config.classes,
        label_noise=config.label_noise,
        batches=config.batches,
        batch=config.batch,
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class TrainSource:
    """Images with noisy labels, and the weights that training starts from."""

    config: Config
    seed: int

    def weights(self) -> Arrays:
        """<convolution>.kernel, .scale and .shift; <dense>.weight and .bias."""
        layers = network(self.config)
        weights: Arrays = {}
        for convolution in layers.convolutions:
            random = generator(self.seed, convolution.name, "normalisation")
            weights[f"{convolution.name}.kernel"] = kernel(convolution, self.seed)
            weights[f"{convolution.name}.scale"] = uniform(random, 0.8, 1.2, (convolution.outputs,))
            weights[f"{convolution.name}.shift"] = uniform(random, -0.2, 0.2, (convolution.outputs,))
        return weights | _denses(layers, self.seed)

    def statistics(self) -> Arrays:
        """<convolution>.mean and .variance."""
        statistics: Arrays = {}
        for convolution in network(self.config).convolutions:
            statistics[f"{convolution.name}.mean"] = np.zeros(convolution.outputs, np.float32)
            statistics[f"{convolution.name}.variance"] = np.ones(convolution.outputs, np.float32)
        return statistics

    def constants(self) -> Arrays:
        return textures(self.config, self.seed).pool()

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return textures(self.config, self.seed).inputs(first, steps)

    def audit(self) -> Arrays:
        return textures(self.config, self.seed).audit()

    def floor(self) -> float:
        return textures(self.config, self.seed).floor_nats()


@dataclass(frozen=True, slots=True)
class InferSource(TrainSource):
    """The same images without labels, and weights with the normalisation folded into the convolutions."""

    def weights(self) -> Arrays:
        """<convolution>.kernel and .bias; <dense>.weight and .bias.

        The running statistics are about those that random weights would have gathered, each channel with an error of
        its own, so that activations stay of order one through all blocks and every block moves the logits.
        """
        layers = network(self.config)
        expected = second_moments(layers)
        weights: Arrays = {}
        for convolution in layers.convolutions:
            name, channels = convolution.name, (convolution.outputs,)
            random = generator(self.seed, name, "inference")
            folded, bias = fold(
                kernel(convolution, self.seed),
                mean=uniform(random, -0.2, 0.2, channels) * np.float32(math.sqrt(expected[name])),
                variance=uniform(random, 0.8, 1.25, channels) * np.float32(expected[name]),
                scale=uniform(random, 0.8, 1.2, channels),
                shift=uniform(random, -0.2, 0.2, channels),
            )
            weights |= {f"{name}.kernel": folded, f"{name}.bias": bias}
        return weights | _denses(layers, self.seed)

    def statistics(self) -> Arrays:
        return {}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"view": inputs["view"]} for inputs in TrainSource.inputs(self, first, steps)]

    def audit(self) -> Arrays:
        return {"view": TrainSource.audit(self)["view"]}

    def floor(self) -> float:
        return 0.0


def kernel(convolution: Convolution, seed: int) -> np.ndarray:
    """He's initialisation, uniform: variance 2 / fan-in. [kernel, kernel, inputs of one output, outputs]."""
    size, _, inputs, _ = convolution.shape
    bound = math.sqrt(6 / (size**2 * inputs))
    return uniform(generator(seed, convolution.name), -bound, bound, convolution.shape)


def _denses(layers: Network, seed: int) -> Arrays:
    weights: Arrays = {}
    for dense in layers.denses:
        weights |= _dense(dense, seed, gain=1.0 if dense is layers.head else 2.0)
    return weights


def _dense(dense: Dense, seed: int, *, gain: float) -> Arrays:
    """Variance gain / inputs: 2 keeps the mean square through a rectifier. [inputs, outputs]."""
    random, bound = generator(seed, dense.name), math.sqrt(3 * gain / dense.inputs)
    return {
        f"{dense.name}.weight": uniform(random, -bound, bound, (dense.inputs, dense.outputs)),
        f"{dense.name}.bias": uniform(random, -0.2, 0.2, (dense.outputs,)),
    }


def second_moments(layers: Network) -> dict[str, float]:
    """Mean square of each convolution's output under random weights, were every normalised output of unit variance.

    He's weights double the mean square of their input; an activation leaves PASSED of it, a squeeze EXCITED.
    """
    moments = {layers.stem.name: 2.0}
    stream = PASSED[layers.stem.activation]
    for block in layers.blocks:
        moments |= _block_moments(block, stream)
        stream = stream + 1 if block.residual else 1.0
    return moments | {layers.last.name: 2 * stream}


def _block_moments(block: Block, stream: float) -> dict[str, float]:
    passed = PASSED[block.depthwise.activation]
    middle = stream if block.expand is None else passed
    excited = passed if block.squeeze is None else passed * EXCITED
    expand = {} if block.expand is None else {block.expand.name: 2 * stream}
    return expand | {block.depthwise.name: 2 * middle, block.project.name: 2 * excited}


def fold(
    kernel: np.ndarray, *, mean: np.ndarray, variance: np.ndarray, scale: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias, float32, of a convolution that normalises its output by these running statistics."""
    gain = scale / np.sqrt(variance.astype(np.float64) + NORM_EPSILON)
    return (kernel * gain).astype(np.float32), (shift - mean * gain).astype(np.float32)
