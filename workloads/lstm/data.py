"""Weights and Markov text of `lstm`, from the seed. numpy only.

Axes in comments: B sequences, T tokens, H width, V vocabulary, G generated tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from workloads.base import Arrays
from workloads.common import markov
from workloads.common.streams import generator

LAYERS = 2

Shapes = dict[str, tuple[int, ...]]


def shapes(*, width: int, vocabulary: int) -> Shapes:
    """Every weight's name and shape, in order. Matrices are (out, in); gates stand in the order i, f, g, o."""
    found: Shapes = {"embedding_weight": (vocabulary, width)}
    for layer in range(LAYERS):
        found |= {
            f"input_weight_{layer}": (4 * width, width),
            f"recurrent_weight_{layer}": (4 * width, width),
            f"bias_{layer}": (4 * width,),
        }
    return found | {"head_weight": (vocabulary, width), "head_bias": (vocabulary,)}


def initial_weights(seed: int, *, width: int, vocabulary: int) -> Arrays:
    """Normal weights, float32, such that gates move over most of their range in both layers.

    Biases are random too: a program that drops one must be seen.
    """
    weights = {}
    for name, shape in shapes(width=width, vocabulary=vocabulary).items():
        weights[name] = generator(seed, "weights", name).standard_normal(shape, dtype=np.float32)
        weights[name] *= np.float32(_deviation(name, width))
    return weights


def _deviation(name: str, width: int) -> float:
    """Hidden states have a deviation of about 0.3, so what reads them multiplies by more than 1/sqrt(H)."""
    if "bias" in name:
        return 0.1
    if name == "embedding_weight":
        return 1.0
    return (1.0 if name.startswith("recurrent") else 2.0) / sqrt(width)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """What learning and writing have in common."""

    seed: int
    width: int
    vocabulary: int
    batch: int

    def weights(self) -> Arrays:
        return initial_weights(self.seed, width=self.width, vocabulary=self.vocabulary)

    def statistics(self) -> Arrays:
        return {}

    def constants(self) -> Arrays:
        return {}

    def _text(self, stream: str, first: int, steps: int, length: int) -> np.ndarray:
        """(steps, B, length)."""
        return markov.text(
            self.vocabulary, self.seed, stream=stream, first=first, steps=steps, batch=self.batch, length=length
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning(_Text):
    """Sequences of T + 1 tokens: each of the last T is to be told from those before it."""

    context: int

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"tokens": tokens} for tokens in self._text("train", first, steps, self.context + 1)]

    def audit(self) -> Arrays:
        return {"tokens": self._text("audit", 0, 1, self.context + 1)[0]}

    def floor(self) -> float:
        """The chain's entropy rate, for the first token of a sequence is given, never told."""
        return markov.chain(self.vocabulary, self.seed).floor_nats()


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing(_Text):
    """Texts that start from one token each and nothing before it; the audit's have all G tokens, fed one by one."""

    generated: int

    def constants(self) -> Arrays:
        return {"prompt": np.empty((self.batch, 0), np.int32)}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"token": tokens[:, 0]} for tokens in self._text("start", first, steps, 1)]

    def audit(self) -> Arrays:
        return {"text": self._text("audit", 0, 1, self.generated)[0]}

    def floor(self) -> float:
        return 0.0
