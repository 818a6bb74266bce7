"""Text with a known entropy and the initial weights, both from counter-based seeds. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from workloads.base import Arrays

SUCCESSORS = 8
NOISE = 0.1
"""Share of tokens drawn from the noise distribution, whatever stood before."""
AUDIT, TRAIN, PREFILL, DECODE = 3, 4, 5, 6
"""Streams of text. Streams 1 and 2 make the chain and the weights."""

Shapes = dict[str, tuple[int, ...]]


def _generator(seed: int, stream: int, part: int = 0) -> np.random.Generator:
    """Random numbers of their own for each (seed, stream, part), in any order of asking."""
    return np.random.Generator(np.random.Philox(key=[seed, stream], counter=[0, 0, 0, part]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A first-order Markov chain over V tokens.

    With probability 1 - NOISE a token is followed by one of its own SUCCESSORS, else by any token, with
    Zipf's frequencies. Successors are themselves frequent tokens, so single tokens are far from equally likely.
    """

    successors: np.ndarray  # (V, SUCCESSORS) tokens, distinct within a row
    weights: np.ndarray  # (SUCCESSORS,) how likely each is, the same for every token; sums to 1
    noise: np.ndarray  # (V,) Zipf's frequencies; sums to 1
    stationary: np.ndarray  # (V,) long-run frequency of each token; sums to 1

    def floor_nats(self) -> float:
        """The entropy rate, in nats per token: the least mean cross entropy any model can reach."""
        base = NOISE * self.noise
        with_successor = base[self.successors] + (1 - NOISE) * self.weights
        row_nats = (
            _surprise(base).sum() - _surprise(base[self.successors]).sum(axis=1) + _surprise(with_successor).sum(axis=1)
        )
        return float(self.stationary @ row_nats)


def _surprise(probability: np.ndarray) -> np.ndarray:
    """-p ln p, elementwise."""
    nats: np.ndarray = -probability * np.log(probability)
    return nats


@cache
def chain(vocabulary: int, seed: int) -> Chain:
    """The chain of this size and seed; a second or less, also for 50,257 tokens."""
    random = _generator(seed, 1)
    noise = 1.0 / np.arange(1, vocabulary + 1)
    noise /= noise.sum()
    names = random.permutation(vocabulary)
    first = np.searchsorted(np.cumsum(noise), random.random(vocabulary)).clip(max=vocabulary - 1)
    offsets = random.choice(vocabulary, SUCCESSORS, replace=False)
    successors = names[(first[:, None] + offsets) % vocabulary]
    weights = 0.1 + random.random(SUCCESSORS)
    weights /= weights.sum()
    return Chain(
        successors=successors,
        weights=weights,
        noise=noise,
        stationary=_stationary(successors, weights, noise),
    )


def _stationary(successors: np.ndarray, weights: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Power iteration. NOISE of every row is the same, so each round shrinks the error by 1 - NOISE or more."""
    frequency = noise
    change = 1.0
    while change > 1e-13:
        moved = (frequency[:, None] * weights).ravel()
        after = NOISE * noise + (1 - NOISE) * np.bincount(successors.ravel(), moved, noise.size)
        change = float(np.abs(after - frequency).sum())
        frequency = after
    return frequency


def text(vocabulary: int, seed: int, *, stream: int, first: int, steps: int, batch: int, length: int) -> np.ndarray:
    """Tokens for steps first .. first+steps-1, shape (steps, batch, length), int32.

    A step's tokens depend on its number and the seed alone. All sequences advance together.
    """
    source = chain(vocabulary, seed)
    uniform = np.stack([_generator(seed, stream, first + i).random((length, batch)) for i in range(steps)], axis=1)
    uniform = uniform.reshape(length, steps * batch)
    is_noise = uniform < NOISE
    drawn = _draw(source.noise, uniform / NOISE)
    rank = _draw(source.weights, (uniform - NOISE) / (1 - NOISE))
    tokens = np.empty((length, steps * batch), dtype=np.int32)
    tokens[0] = _draw(source.stationary, uniform[0])
    for i in range(1, length):
        tokens[i] = np.where(is_noise[i], drawn[i], source.successors[tokens[i - 1], rank[i]])
    return np.ascontiguousarray(tokens.reshape(length, steps, batch).transpose(1, 2, 0))


def _draw(probability: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Inverse of the cumulated distribution; numbers outside 0..1 give the first or last value."""
    index: np.ndarray = np.searchsorted(np.cumsum(probability), uniform, side="right").clip(max=probability.size - 1)
    return index


def shapes(*, layers: int, width: int, vocabulary: int, context: int) -> Shapes:
    """Every weight's name and shape, in order. Those of the layers are stacked along the first axis."""
    return {
        "token_embedding": (vocabulary, width),
        "position_embedding": (context, width),
        "attention_norm_gain": (layers, width),
        "attention_norm_bias": (layers, width),
        "qkv_weight": (layers, width, 3 * width),
        "qkv_bias": (layers, 3 * width),
        "projection_weight": (layers, width, width),
        "projection_bias": (layers, width),
        "mlp_norm_gain": (layers, width),
        "mlp_norm_bias": (layers, width),
        "up_weight": (layers, width, 4 * width),
        "up_bias": (layers, 4 * width),
        "down_weight": (layers, 4 * width, width),
        "down_bias": (layers, width),
        "final_norm_gain": (width,),
        "final_norm_bias": (width,),
    }


RESIDUAL = ("projection_weight", "down_weight")
"""What adds to the residual stream starts smaller by sqrt(2 layers), as in GPT-2."""


def initial_weights(seed: int, *, layers: int, width: int, vocabulary: int, context: int) -> Arrays:
    """Normal weights, of GPT-2's deviation 0.02 at width 768 and in proportion to 1/sqrt(width) elsewhere, float32.

    Biases and gains are random too: a program that drops one must be seen.
    """
    deviation = 0.02 * (768 / width) ** 0.5
    weights = {}
    for part, (name, shape) in enumerate(
        shapes(layers=layers, width=width, vocabulary=vocabulary, context=context).items()
    ):
        scale = deviation / (2 * layers) ** 0.5 if name in RESIDUAL else deviation
        values = _generator(seed, 2, part).standard_normal(shape, dtype=np.float32)
        weights[name] = values * np.float32(scale) + np.float32(name.endswith("gain"))
    return weights
