"""Gaussian images whose covariance is known, and the weights, from the seed. numpy only.

An image is x = W f + sigma n: FACTORS smooth patterns W, each with its own standard normal factor f, plus white noise
n (probabilistic PCA; Tipping and Bishop 1999). It is Gaussian with covariance W W' + sigma^2, so its entropy is known,
and no negative ELBO can fall below that in the mean: -ELBO = -log p(x) + KL, and the mean of -log p of any model is at
least the entropy.

Images are put together on the device: factors are new in every step; the white noise is one pool, met at a new
circular shift in every step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.common.streams import generator
from workloads.common.textures import uniform
from workloads.vae.network import COLOURS, POSTERIOR, Config, Layer, decoder, encoder, shapes

FACTORS = 10
SIGMA = 0.5  # of the white noise; the decoder's own, fixed
FIRST_CONTRAST = 0.1
FIRST_LOG_VARIANCE = -6.0
MOST_WAVES = 2  # of a pattern along one axis of an image

_STEPS = 1 << 12  # normal draws are multiples of 1 / _STEPS, so that no library's logarithm can change one
_STRIDE = 7919  # a prime that divides no image area: stepping by it visits every shift once


def gaussian(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal, float32, rounded to 1 / 4096."""
    return (np.rint(random.standard_normal(shape) * _STEPS) / _STEPS).astype(np.float32)


def patterns(side: int, seed: int) -> np.ndarray:
    """W' as float32 [FACTORS, side, side, COLOURS]: plane waves, each with a colour; together of variance about 1."""
    random = generator(seed, "patterns")
    waves = random.integers(-MOST_WAVES, MOST_WAVES + 1, (FACTORS, 2))
    phases = random.random(FACTORS)
    colours = random.integers(-_STEPS, _STEPS, (FACTORS, COLOURS)) / _STEPS
    along = np.arange(side) / side
    turns = waves[:, 0, None, None] * along[:, None] + waves[:, 1, None, None] * along + phases[:, None, None]
    planes = np.rint(np.cos(2 * np.pi * turns) * _STEPS) / _STEPS
    drawn: np.ndarray = (planes[..., None] * colours[:, None, None, :] * 0.75).astype(np.float32)
    return drawn


def entropy_nats(side: int, seed: int) -> float:
    """Differential entropy per dimension: log det (W W' + s^2) = D log s^2 + log det (1 + W' W / s^2)."""
    flat = patterns(side, seed).astype(np.float64).reshape(FACTORS, -1)
    determinant = np.linalg.slogdet(np.eye(FACTORS) + flat @ flat.T / SIGMA**2)[1]
    return 0.5 * math.log(2 * math.pi * math.e * SIGMA**2) + 0.5 * float(determinant) / flat.shape[1]


def ignorant_nats(side: int, seed: int) -> float:
    """Negative ELBO per dimension of a decoder that says the mean of all images, with the prior as posterior."""
    variance = float(np.square(patterns(side, seed).astype(np.float64)).sum(axis=0).mean())
    return 0.5 * math.log(2 * math.pi * SIGMA**2) + (variance + SIGMA**2) / (2 * SIGMA**2)


def _layer_weights(layer: Layer, seed: int) -> Arrays:
    """He's uniform initialisation, variance 2 / fan-in, and biases, so that activations stay of order one."""
    (weight, shape), (bias, outputs) = shapes(layer).items()
    random = generator(seed, layer.name)
    bound = math.sqrt(6 / layer.fan_in)
    return {weight: uniform(random, -bound, bound, shape), bias: uniform(random, -0.1, 0.1, outputs)}


def weights_of(layers: tuple[Layer, ...], seed: int) -> Arrays:
    return {name: value for layer in layers for name, value in _layer_weights(layer, seed).items()}


@dataclass(frozen=True, slots=True)
class Training:
    """Images to learn: see the head of this file."""

    config: Config
    seed: int

    def weights(self) -> Arrays:
        """Reconstructions start faint and posteriors narrow: else the decoder first learns to ignore the latents."""
        layers = encoder(self.config) + decoder(self.config)
        weights = weights_of(layers, self.seed)
        weights[layers[-1].weight] *= np.float32(FIRST_CONTRAST)
        weights[f"{POSTERIOR}.bias"][self.config.latents :] += np.float32(FIRST_LOG_VARIANCE)
        return weights

    def statistics(self) -> Arrays:
        return {}

    def constants(self) -> Arrays:
        """ "patterns" and "white", the noise of one batch [batch, side, side, COLOURS]."""
        side = self.config.image
        white = gaussian(generator(self.seed, "white"), (self.config.batch, side, side, COLOURS))
        return {"patterns": patterns(side, self.seed), "white": white}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        """For each step "factors" [batch, FACTORS], "noise" [batch, latents] for the posterior, "shift" int32 [2]."""
        return [self._drawn(step) for step in range(first, first + steps)]

    def audit(self) -> Arrays:
        return self._drawn("audit")

    def _drawn(self, step: int | str) -> Arrays:
        batch, side = self.config.batch, self.config.image
        turn = step * _STRIDE if isinstance(step, int) else 0
        return {
            "factors": gaussian(generator(self.seed, "factors", step), (batch, FACTORS)),
            "noise": gaussian(generator(self.seed, "noise", step), (batch, self.config.latents)),
            "shift": np.array(divmod(turn % side**2, side), np.int32),
        }

    def floor(self) -> float:
        return entropy_nats(self.config.image, self.seed)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Latents from the prior for the decoder."""

    config: Config
    seed: int

    def weights(self) -> Arrays:
        return weights_of(decoder(self.config), self.seed)

    def statistics(self) -> Arrays:
        return {}

    def constants(self) -> Arrays:
        return {}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        """For each step "latents" [batch, latents]."""
        return [self._drawn(step) for step in range(first, first + steps)]

    def audit(self) -> Arrays:
        return self._drawn("audit")

    def _drawn(self, step: int | str) -> Arrays:
        shape = (self.config.batch, self.config.latents)
        return {"latents": gaussian(generator(self.seed, "latents", step), shape)}

    def floor(self) -> float:
        return 0.0
