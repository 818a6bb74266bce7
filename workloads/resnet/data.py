"""Images, labels and weights from a seed. numpy only, and bit-identical on every machine.

An image shows one of `classes` textures: a sum of gratings whose wave vectors and colours belong to the class and
whose phases do not, plus pixel noise. Waves fit an image a whole number of times, so that a circular shift keeps the
class. Pixels come from integer arithmetic on a rounded cosine table: no library's cosine can change one.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workloads.base import Arrays
from workloads.resnet.network import COLOURS, NORM_EPSILON, Config, Convolution, Network, network

GRATINGS = 3
AMPLITUDE = 48  # of a grating, in pixel values, before its colour
NOISE = 24  # pixel noise is uniform in [-NOISE, NOISE]
MOST_WAVES = 8  # along one axis of an image
PIXEL_MEAN = 127.5
PIXEL_STD = 36.0

_ONE = 1 << 10  # the fixed-point one of cosines and colours
_STRIDE = 7919  # a prime that divides no image area: stepping by it visits every shift once


class Pool(NamedTuple):
    """Base batches: images uint8 [batches, batch, side, side, COLOURS] and true classes int32 [batches, batch]."""

    images: np.ndarray
    classes: np.ndarray


def _random(seed: int, *path: str | int) -> np.random.Generator:
    """A generator of its own for each named thing, so that nothing depends on the order of drawing."""
    return np.random.Generator(np.random.Philox(key=[seed, zlib.crc32(repr(path).encode())]))


def _uniform(random: np.random.Generator, low: float, high: float, shape: Sequence[int]) -> np.ndarray:
    """float32 in [low, high). Uniform draws are exact products of integers; normal ones go through a library's log."""
    scale, offset = np.float32(high - low), np.float32(low)
    return random.random(tuple(shape), dtype=np.float32) * scale + offset


def floor_nats(config: Config) -> float:
    """Bayes cross entropy: what remains when the texture is always recognised and the label noise never guessed."""
    p, others = config.label_noise, config.classes - 1
    return -(1 - p) * math.log(1 - p) - p * math.log(p / others)


def excess_nats(losses: Sequence[float], config: Config) -> float:
    """Mean loss of the last quarter of the quality steps, less the floor. ValueError when steps are missing."""
    if len(losses) != config.quality_steps:
        raise ValueError(f"quality needs the losses of the first {config.quality_steps} steps, not {len(losses)}")
    newest = losses[-max(1, config.quality_steps // 4) :]
    return math.fsum(newest) / len(newest) - floor_nats(config)


def textures(config: Config, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Wave vectors int [classes, GRATINGS, 2] and fixed-point colours int [classes, GRATINGS, COLOURS]."""
    random = _random(seed, "textures")
    most = min(MOST_WAVES, config.image // 4)
    half_plane = np.array([(y, x) for y in range(1, most + 1) for x in range(-most, most + 1)])
    chosen = random.permutation(len(half_plane))[: config.classes * GRATINGS]
    waves = half_plane[chosen].reshape(config.classes, GRATINGS, 2)
    colours = random.integers(-_ONE, _ONE, (config.classes, GRATINGS, COLOURS))
    return waves, colours


def _cosines(side: int) -> np.ndarray:
    return np.array([round(AMPLITUDE * _ONE * math.cos(2 * math.pi * n / side)) for n in range(side)])


def pool(config: Config, seed: int) -> Pool:
    """Draw the base batches."""
    random = _random(seed, "pool")
    side = config.image
    classes = random.integers(0, config.classes, (config.batches, config.batch), dtype=np.int32)
    phases = random.integers(0, side, (*classes.shape, GRATINGS))
    images = random.integers(-NOISE, NOISE + 1, (*classes.shape, side, side, COLOURS), dtype=np.int16)
    waves, colours = textures(config, seed)
    cosines, along = _cosines(side), np.arange(side)
    for at in np.ndindex(classes.shape):
        k = waves[classes[at]]
        turns = k[:, 0, None, None] * along[:, None] + k[:, 1, None, None] * along + phases[at][:, None, None]
        gratings = cosines[turns % side]
        images[at] += 128 + (np.tensordot(gratings, colours[classes[at]], axes=(0, 0)) // _ONE**2).astype(np.int16)
    return Pool(np.clip(images, 0, 255).astype(np.uint8), classes)


def step_inputs(config: Config, seed: int, classes: np.ndarray, step: int) -> np.ndarray:
    """What tells step `step` from all others, int32 [3 + batch]: base batch, shift down, shift right, labels.

    Base batches take turns; each meets every circular shift once before it meets one again. Labels are wrong with the
    configured probability, anew at each step.
    """
    turn, batch = divmod(step, config.batches)
    shift = divmod(turn * _STRIDE % config.image**2, config.image)
    random = _random(seed, "labels", step)
    wrong = random.random(config.batch) < config.label_noise
    away = random.integers(1, config.classes, config.batch)
    labels = (classes[batch] + wrong * away) % config.classes
    return np.array([batch, *shift, *labels], dtype=np.int32)


def audit_inputs(classes: np.ndarray) -> np.ndarray:
    """The inputs of the audit: the first base batch, not shifted, with true labels."""
    return np.array([0, 0, 0, *classes[0]], dtype=np.int32)


def _kernel(convolution: Convolution, seed: int) -> np.ndarray:
    """He's initialisation, uniform: variance 2 / fan-in. [kernel, kernel, inputs, outputs]."""
    bound = math.sqrt(6 / (convolution.kernel**2 * convolution.inputs))
    shape = (convolution.kernel, convolution.kernel, convolution.inputs, convolution.outputs)
    return _uniform(_random(seed, convolution.name), -bound, bound, shape)


def _head(layers: Network, seed: int) -> Arrays:
    bound = math.sqrt(1 / layers.features)
    shape = (layers.features, layers.config.outputs)
    weight = _uniform(_random(seed, "head"), -bound, bound, shape)
    return {"head.weight": weight, "head.bias": np.zeros(layers.config.outputs, np.float32)}


def initial_weights(config: Config, seed: int) -> Arrays:
    """What training starts from: <convolution>.kernel, .scale and .shift, head.weight and head.bias."""
    layers = network(config)
    weights: Arrays = {}
    for convolution in layers.convolutions:
        weights[f"{convolution.name}.kernel"] = _kernel(convolution, seed)
        weights[f"{convolution.name}.scale"] = np.ones(convolution.outputs, np.float32)
        weights[f"{convolution.name}.shift"] = np.zeros(convolution.outputs, np.float32)
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
        random = _random(seed, name, "inference")
        kernel, bias = fold(
            _kernel(convolution, seed),
            mean=_uniform(random, -0.2, 0.2, channels) * np.float32(math.sqrt(moments[name])),
            variance=_uniform(random, 0.8, 1.25, channels) * np.float32(moments[name]),
            scale=_uniform(random, 0.8, 1.2, channels),
            shift=_uniform(random, -0.2, 0.2, channels),
        )
        weights |= {f"{name}.kernel": kernel, f"{name}.bias": bias}
    return weights | _head(layers, seed)
