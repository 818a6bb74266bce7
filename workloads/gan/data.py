"""Real images, latents and the weights, from the seed. numpy only.

Real images are the textures of workloads/common/textures.py, from a pool on the device: each step meets one base batch
of it at a new circular shift. Latents are uniform in [-1, 1), as published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.common.streams import generator as random_for
from workloads.common.textures import PIXEL_MEAN, PIXEL_STD, Textures, uniform
from workloads.gan.network import NORM_EPSILON, Config, Layer, Matrix, channels, discriminator, generator, normalised

CONTRAST = PIXEL_STD / PIXEL_MEAN  # brings normalised pixels to [-1, 1], the range of a tanh
LEAST_NATS = 2 * math.log(2)
FIRST_STD = 0.02  # of the weights, as published

_BOUND = FIRST_STD * math.sqrt(3)  # of a uniform distribution


def textures(config: Config, seed: int) -> Textures:
    """The real images. Nobody asks for their labels."""
    return Textures(
        side=config.image,
        classes=config.classes,
        label_noise=0.0,
        batches=config.base_batches,
        batch=config.batch,
        seed=seed,
    )


def latents(config: Config, seed: int, step: int | str) -> np.ndarray:
    """float32 [batch, latents]."""
    return uniform(random_for(seed, "latents", step), -1, 1, (config.batch, config.latents))


def _multiplying(layer: Layer, seed: int) -> np.ndarray:
    return uniform(random_for(seed, layer.name), -_BOUND, _BOUND, layer.shape)


def _norm(name: str, width: int, seed: int) -> Arrays:
    """Scale and shift, random: a program that leaves one out must be seen."""
    random = random_for(seed, name, "normalisation")
    return {
        f"{name}.scale": uniform(random, 0.8, 1.2, (width,)),
        f"{name}.shift": uniform(random, -0.2, 0.2, (width,)),
    }


@dataclass(frozen=True, slots=True)
class Training:
    """Both networks from their first weights."""

    config: Config
    seed: int

    def weights(self) -> Arrays:
        """What multiplies, of each layer, then <layer>.scale and .shift of those that are normalised."""
        layers = generator(self.config) + discriminator(self.config)
        weights = {layer.weight: _multiplying(layer, self.seed) for layer in layers}
        for name, width in normalised(self.config).items():
            weights |= _norm(name, width, self.seed)
        return weights

    def statistics(self) -> Arrays:
        """<layer>.mean and .variance of the generator: images are drawn from it later, from the discriminator
        nothing."""
        statistics: Arrays = {}
        for layer in generator(self.config)[:-1]:
            statistics[f"{layer.name}.mean"] = np.zeros(channels(layer), np.float32)
            statistics[f"{layer.name}.variance"] = np.ones(channels(layer), np.float32)
        return statistics

    def constants(self) -> Arrays:
        """ "pool", uint8 [base_batches, batch, side, side, COLOURS]."""
        return textures(self.config, self.seed).pool()

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        """For each step "view", int32 [3], of the pool and "latents" [batch, latents]."""
        views = textures(self.config, self.seed).inputs(first, steps)
        return [self._with_latents(view, first + index) for index, view in enumerate(views)]

    def audit(self) -> Arrays:
        return self._with_latents(textures(self.config, self.seed).audit(), "audit")

    def _with_latents(self, shown: Arrays, step: int | str) -> Arrays:
        return {"view": shown["view"], "latents": latents(self.config, self.seed, step)}

    def floor(self) -> float:
        """softplus(a) + softplus(-a), the two losses on a made image, is 2 ln 2 or more for any answer a, and the loss
        on a real one is positive."""
        return LEAST_NATS


@dataclass(frozen=True, slots=True)
class Sampling:
    """Latents for the generator alone."""

    config: Config
    seed: int

    def weights(self) -> Arrays:
        """Normalisation by fixed running averages is folded into each layer: <layer>.bias goes with it."""
        *inner, last = generator(self.config)
        weights = {last.weight: _multiplying(last, self.seed)}
        for layer in inner:
            weights |= _folded(layer, self.seed)
        return weights

    def statistics(self) -> Arrays:
        return {}

    def constants(self) -> Arrays:
        return {}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        """For each step "latents" [batch, latents]."""
        return [{"latents": latents(self.config, self.seed, step)} for step in range(first, first + steps)]

    def audit(self) -> Arrays:
        return {"latents": latents(self.config, self.seed, "audit")}

    def floor(self) -> float:
        return 0.0


def _second_moment(layer: Layer) -> float:
    """About the mean square of the layer's output: latents have a third, a rectifier leaves a half of one."""
    fan_in, given = (layer.inputs, 1 / 3) if isinstance(layer, Matrix) else (layer.fan_in, 1 / 2)
    return FIRST_STD**2 * fan_in * given


def _folded(layer: Layer, seed: int) -> Arrays:
    """What multiplies and a bias, normalised by the running averages that random weights would have gathered, each
    channel with an error of its own: activations stay of order one, and every layer moves the image."""
    moment, width = _second_moment(layer), channels(layer)
    random = random_for(seed, layer.name, "averages")
    mean = uniform(random, -0.2, 0.2, (width,)) * np.float32(math.sqrt(moment))
    variance = uniform(random, 0.8, 1.25, (width,)) * np.float32(moment)
    norm = _norm(layer.name, width, seed)
    gain = norm[f"{layer.name}.scale"] / np.sqrt(variance.astype(np.float64) + NORM_EPSILON)
    bias = norm[f"{layer.name}.shift"] - mean * gain
    pixels = layer.shape[-1] // width
    return {
        layer.weight: (_multiplying(layer, seed) * np.tile(gain, pixels)).astype(np.float32),
        f"{layer.name}.bias": np.tile(bias, pixels).astype(np.float32),
    }
