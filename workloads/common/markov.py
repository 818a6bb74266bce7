"""Text with a known entropy: a first-order Markov chain. numpy only, from the seed.

With probability 1 - NOISE a token is followed by one of its own SUCCESSORS, else by any token, with Zipf's frequencies.
Successors are themselves frequent tokens, so single tokens are far from equally likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from workloads.common.streams import generator

SUCCESSORS = 8
NOISE = 0.1
"""Share of tokens drawn from the noise distribution, whatever stood before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain over V tokens."""

    successors: np.ndarray  # (V, SUCCESSORS) tokens, distinct within a row
    weights: np.ndarray  # (SUCCESSORS,) how likely each is, the same for every token; sums to 1
    noise: np.ndarray  # (V,) Zipf's frequencies; sums to 1
    stationary: np.ndarray  # (V,) long-run frequency of each token; sums to 1

    def floor_nats(self) -> float:
        """The entropy rate, in nats per token: the least mean cross entropy any model can reach that reads forward."""
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
    random = generator(seed, "chain")
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


def text(vocabulary: int, seed: int, *, stream: str, first: int, steps: int, batch: int, length: int) -> np.ndarray:
    """Tokens for steps first .. first+steps-1 of a stream, shape (steps, batch, length), int32.

    A step's tokens depend on its number and the seed alone, and its first sequences not on how many there are.
    """
    source = chain(vocabulary, seed)
    drawn = [generator(seed, "text", stream, first + step).random((batch, length)) for step in range(steps)]
    uniform = np.concatenate(drawn).T
    is_noise = uniform < NOISE
    noise = _draw(source.noise, uniform / NOISE)
    rank = _draw(source.weights, (uniform - NOISE) / (1 - NOISE))
    tokens = np.empty((length, steps * batch), dtype=np.int32)
    tokens[0] = _draw(source.stationary, uniform[0])
    for i in range(1, length):
        tokens[i] = np.where(is_noise[i], noise[i], source.successors[tokens[i - 1], rank[i]])
    return np.ascontiguousarray(tokens.T.reshape(steps, batch, length))


def _draw(probability: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Inverse of the cumulated distribution; numbers outside 0..1 give the first or last value."""
    index: np.ndarray = np.searchsorted(np.cumsum(probability), uniform, side="right").clip(max=probability.size - 1)
    return index
