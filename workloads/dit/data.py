"""Latents with a known least loss, and the weights. numpy only, from the seed.

A latent is a class's mean pattern plus a stationary Gaussian field on a torus: white noise through a fixed smoothing
filter, so that its power spectrum is known exactly. Noise is mixed in as in DDPM. For such latents the best possible
predictions of the noise and of the clean latent are Wiener filters, whose errors have a closed form.

Only additions, products and one square root stand between the generator and a latent: no library's FFT or cosine can
change a bit of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workloads.base import Arrays
from workloads.common.streams import generator
from workloads.common.textures import uniform

CHANNELS = 4
PATCH = 2
PATCH_VALUES = CHANNELS * PATCH**2
TIMES = 1000
TIME_FEATURES = 256
CALLS = 20
"""Calls of the model for one sample."""
PATTERN = 0.5
"""Size of every value of a class's pattern; the field's standard deviation is 1."""

_TAPS = np.array([1, 4, 6, 4, 1]) / 16
_UNSMOOTHED = 0.25  # share of the white noise that stays: the spectrum is nowhere 0
_FIXED_POINT = 10_000.0  # the longest wave of sinusoidal embeddings, over 2 pi

Shapes = Mapping[str, tuple[int, ...]]


class Sized(Protocol):
    """What data and weights depend on; the workload's configuration has more."""

    @property
    def side(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def classes(self) -> int: ...
    @property
    def batch(self) -> int: ...
    def shapes(self) -> Shapes: ...


def kernel(side: int) -> np.ndarray:
    """The filter's response to one point, float64 [side, side], centred on [0, 0]; its squares add up to 1."""
    taps = np.zeros((side, side))
    for row, weight in enumerate(_TAPS):
        taps[(row - 2) % side, np.arange(-2, 3) % side] = weight * _TAPS
    taps[0, 0] += _UNSMOOTHED
    unit: np.ndarray = taps / np.sqrt(np.square(taps).sum())
    return unit


def spectrum(side: int) -> np.ndarray:
    """Variance of the field in each Fourier mode, float64 [side, side]; the mean is 1."""
    power: np.ndarray = np.abs(np.fft.fft2(kernel(side))) ** 2
    return power


def field(white: np.ndarray) -> np.ndarray:
    """Filtered white noise, float32 [..., side, side], of variance 1."""
    taps = kernel(white.shape[-1]).astype(np.float32)
    filtered = np.zeros_like(white)
    for down in range(-2, 3):
        for right in range(-2, 3):
            filtered += taps[down, right] * np.roll(white, (down, right), (-2, -1))
    return filtered


def patterns(seed: int, classes: int, side: int) -> np.ndarray:
    """Mean latents, float32 [classes + 1, CHANNELS, side, side]: one random tile per class, repeated over all patches.

    The last one belongs to "no class" and is 0.
    """
    signs = generator(seed, "patterns").integers(0, 2, (classes + 1, CHANNELS, PATCH, PATCH)).astype(np.float32)
    tiles = np.float32(PATTERN) * (signs * 2 - 1)
    tiles[-1] = 0
    return np.tile(tiles, (side // PATCH, side // PATCH))


def kept_variance() -> np.ndarray:
    """How much of the latent's variance is left at each time, float64 [TIMES]: DDPM's linear schedule."""
    kept: np.ndarray = np.cumprod(1 - np.linspace(1e-4, 0.02, TIMES))
    return kept


def floor(power: np.ndarray) -> float:
    """Least mean squared error of the noise plus that of the clean latent, averaged over all times.

    In a mode of power s at kept variance a, the noise has a s / (a s + 1 - a) left that nobody can know, the latent
    s (1 - a) / (a s + 1 - a).
    """
    a = kept_variance()[:, None]
    s = power.reshape(1, -1)
    return float((s / (a * s + 1 - a)).mean())


def ignorance() -> float:
    """The loss of predicting 0 for the noise and for the latent, the pattern's square counted in."""
    return 2 + PATTERN**2


def time_features(times: np.ndarray) -> np.ndarray:
    """Cosines, then sines, of 128 rates each, float32 [times, TIME_FEATURES]."""
    half = TIME_FEATURES // 2
    angles = times[:, None] * _FIXED_POINT ** (-np.arange(half) / half)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def positions(side: int, width: int) -> np.ndarray:
    """Fixed embedding of each patch, float32 [patches, width]: half for its column, half for its row."""
    quarter, along = width // 4, np.arange(side // PATCH)
    angles = along[:, None] * _FIXED_POINT ** (-np.arange(quarter) / quarter)
    line = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    rows, columns = np.repeat(line, along.size, axis=0), np.tile(line, (along.size, 1))
    return np.concatenate([columns, rows], axis=1).astype(np.float32)


def weights(seed: int, shapes: Shapes) -> Arrays:
    """Uniform, scaled so that activations stay of order one through all layers. Nothing starts at 0, unlike in training
    for real: a part that is left out must be seen.

    Both halves of the output start near the patch that came in, so that sampling neither forgets its noise nor
    amplifies a rounding error.
    """
    made = {name: _uniform(seed, name, shape) for name, shape in shapes.items()}
    fan_in, width = shapes["patch_weight"]
    returned = made["patch_weight"].T * np.float32(fan_in / width)
    made["output_weight"] += np.concatenate([returned, np.float32(0.5) * returned], axis=1)
    return made


def _uniform(seed: int, name: str, shape: tuple[int, ...]) -> np.ndarray:
    reach = 3**0.5 * _deviation(name, shape)
    return uniform(generator(seed, "weights", name), -reach, reach, shape)


def _deviation(name: str, shape: tuple[int, ...]) -> float:
    """Standard deviation of a weight's random part. A gain is meant for inputs of variance 1."""
    if name.endswith("bias"):
        return 0.05
    gains = {"time_out_weight": 2.0, "output_weight": 0.3, "final_modulation_weight": 0.5}
    return 0.7 if name == "class_table" else gains.get(name, 1.0) / shape[-2] ** 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Latents:
    """What both modes share. Streams are named after the mode, so training and sampling meet other numbers."""

    config: Sized
    seed: int

    def weights(self) -> Arrays:
        return weights(self.seed, self.config.shapes())

    def statistics(self) -> Arrays:
        return {}

    def _normal(self, *path: str | int) -> np.ndarray:
        shape = (self.config.batch, CHANNELS, self.config.side, self.config.side)
        return generator(self.seed, *path).standard_normal(shape, dtype=np.float32)

    def _whole(self, below: int, *path: str | int) -> np.ndarray:
        return generator(self.seed, *path).integers(0, below, self.config.batch).astype(np.int32)


class Training(_Latents):
    """Clean latents, noise, times and labels; the program mixes them."""

    def constants(self) -> Arrays:
        """ "positions" [patches, width], "time_features" [TIMES, ...], and "signal" and "noise_level" [TIMES]: the
        factors of latent and noise at each time."""
        kept = kept_variance()
        return {
            "positions": positions(self.config.side, self.config.width),
            "time_features": time_features(np.arange(TIMES)),
            "signal": np.sqrt(kept).astype(np.float32),
            "noise_level": np.sqrt(1 - kept).astype(np.float32),
        }

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [self._drawn("train", step) for step in range(first, first + steps)]

    def audit(self) -> Arrays:
        return self._drawn("train audit", 0)

    def _drawn(self, stream: str, step: int) -> Arrays:
        """ "latent" and "noise" float32 [batch, CHANNELS, side, side], "time" and "label" int32 [batch]."""
        config = self.config
        label = self._whole(config.classes + 1, stream, "label", step)
        means = patterns(self.seed, config.classes, config.side)[label]
        return {
            "latent": means + field(self._normal(stream, "latent", step)),
            "noise": self._normal(stream, "noise", step),
            "time": self._whole(TIMES, stream, "time", step),
            "label": label,
        }

    def floor(self) -> float:
        return floor(spectrum(self.config.side))


class Sampling(_Latents):
    """Noise and labels; times are the same on every step: 950, 900, ... 0."""

    def constants(self) -> Arrays:
        """ "positions", "time_features" [CALLS, ...], and "signal" and "noise_level" [CALLS]: the factors that each
        call's outcome is mixed with, those of the next call's time. The last is the clean latent alone."""
        times = np.arange(0, TIMES, TIMES // CALLS)[::-1]
        kept = np.append(kept_variance()[times[1:]], 1.0)
        return {
            "positions": positions(self.config.side, self.config.width),
            "time_features": time_features(times),
            "signal": np.sqrt(kept).astype(np.float32),
            "noise_level": np.sqrt(1 - kept).astype(np.float32),
        }

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [self._drawn("sample", step) for step in range(first, first + steps)]

    def audit(self) -> Arrays:
        return self._drawn("sample audit", 0)

    def _drawn(self, stream: str, step: int) -> Arrays:
        """ "noise" float32 [batch, CHANNELS, side, side] and "label" int32 [batch]."""
        label = self._whole(self.config.classes + 1, stream, "label", step)
        return {"noise": self._normal(stream, "noise", step), "label": label}

    def floor(self) -> float:
        return 0.0
