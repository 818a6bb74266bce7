"""Labelled images with a known floor. numpy only, from the seed, bit-identical on every machine.

An image shows one of `classes` textures: a sum of gratings whose wave vectors and colours belong to the class and
whose phases do not, plus pixel noise. Waves fit an image a whole number of times, so that a circular shift keeps the
class. Pixels come from integer arithmetic on a rounded cosine table: no library's cosine can change one.

A pool of base batches stays on the device; every step meets one of them at a new shift and with new label noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.common.streams import generator

COLOURS = 3
GRATINGS = 3
AMPLITUDE = 48  # of a grating, in pixel values, before its colour
NOISE = 24  # pixel noise is uniform in [-NOISE, NOISE]
MOST_WAVES = 8  # along one axis of an image
PIXEL_MEAN = 127.5
PIXEL_STD = 36.0

_ONE = 1 << 10  # the fixed-point one of cosines and colours
_STRIDE = 7919  # a prime that divides no image area: stepping by it visits every shift once


@dataclass(frozen=True, slots=True, kw_only=True)
class Textures:
    """A task: `batch` images of `side` x `side` pixels a step, drawn from `batches` base batches."""

    side: int
    classes: int
    label_noise: float  # probability that a label is wrong
    batches: int
    batch: int
    seed: int

    def floor_nats(self) -> float:
        """Bayes cross entropy: what remains when the texture is always recognised and label noise never guessed."""
        p, others = self.label_noise, self.classes - 1
        return -(1 - p) * math.log(1 - p) - p * math.log(p / others)

    def pool(self) -> Arrays:
        """The images, as "pool": uint8 [batches, batch, side, side, COLOURS]."""
        images = np.stack([self._batch(index) for index in range(self.batches)])
        return {"pool": images}

    def classes_of(self, index: int) -> np.ndarray:
        """True classes of a base batch, int32 [batch]."""
        return generator(self.seed, "classes", index).integers(0, self.classes, self.batch, dtype=np.int32)

    def _batch(self, index: int) -> np.ndarray:
        waves, colours = self.textures()
        cosines, along = _cosines(self.side), np.arange(self.side)
        phases = generator(self.seed, "phases", index).integers(0, self.side, (self.batch, GRATINGS))
        shape = (self.batch, self.side, self.side, COLOURS)
        images = generator(self.seed, "pixels", index).integers(-NOISE, NOISE + 1, shape, dtype=np.int16)
        for image, kind, phase in zip(images, self.classes_of(index), phases, strict=True):
            k = waves[kind]
            turns = k[:, 0, None, None] * along[:, None] + k[:, 1, None, None] * along + phase[:, None, None]
            gratings = cosines[turns % self.side]
            image += 128 + (np.tensordot(gratings, colours[kind], axes=(0, 0)) // _ONE**2).astype(np.int16)
        return np.clip(images, 0, 255).astype(np.uint8)

    def textures(self) -> tuple[np.ndarray, np.ndarray]:
        """Wave vectors int [classes, GRATINGS, 2] and fixed-point colours int [classes, GRATINGS, COLOURS]."""
        random = generator(self.seed, "textures")
        most = min(MOST_WAVES, self.side // 4)
        half_plane = np.array([(y, x) for y in range(1, most + 1) for x in range(-most, most + 1)])
        chosen = random.permutation(len(half_plane))[: self.classes * GRATINGS]
        waves = half_plane[chosen].reshape(self.classes, GRATINGS, 2)
        return waves, random.integers(-_ONE, _ONE, (self.classes, GRATINGS, COLOURS))

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        """For each step "view", int32 [3]: base batch, shift down, shift right; and "labels", int32 [batch].

        Base batches take turns; each meets every circular shift once before it meets one again, but never stays in
        place: that is the audit's. Labels are wrong with the configured probability, anew at each step.
        """
        return [self._inputs(step) for step in range(first, first + steps)]

    def _inputs(self, step: int) -> Arrays:
        turn, index = divmod(step, self.batches)
        places = self.side**2
        shift = divmod((1 + turn % (places - 1)) * _STRIDE % places, self.side)
        wrong = generator(self.seed, "wrong", step).random(self.batch) < self.label_noise
        away = generator(self.seed, "away", step).integers(1, self.classes, self.batch)
        labels = (self.classes_of(index) + wrong * away) % self.classes
        return {"view": np.array([index, *shift], np.int32), "labels": labels.astype(np.int32)}

    def audit(self) -> Arrays:
        """The first base batch, not shifted, with true labels."""
        return {"view": np.zeros(3, np.int32), "labels": self.classes_of(0)}


def _cosines(side: int) -> np.ndarray:
    return np.array([round(AMPLITUDE * _ONE * math.cos(2 * math.pi * n / side)) for n in range(side)])


def uniform(random: np.random.Generator, low: float, high: float, shape: Sequence[int]) -> np.ndarray:
    """float32 in [low, high). Uniform draws are exact products of integers; normal ones go through a library's log."""
    scale, offset = np.float32(high - low), np.float32(low)
    drawn: np.ndarray = random.random(tuple(shape), dtype=np.float32) * scale + offset
    return drawn
