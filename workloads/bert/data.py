"""Text with gaps whose best guess is known, and the initial weights. numpy only, from the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.bert.sizes import TOKEN_TYPES, Config
from workloads.common import markov
from workloads.common.streams import generator

Shapes = dict[str, tuple[int, ...]]


def shapes(config: Config) -> Shapes:
    """Every weight's name and shape. Those of the layers are stacked along the first axis."""
    layers, width, vocabulary = config.layers, config.width, config.vocabulary
    return {
        "token_embedding": (vocabulary, width),
        "position_embedding": (config.positions, width),
        "type_embedding": (TOKEN_TYPES, width),
        "embedding_norm_gain": (width,),
        "embedding_norm_bias": (width,),
        "qkv_weight": (layers, width, 3 * width),
        "qkv_bias": (layers, 3 * width),
        "projection_weight": (layers, width, width),
        "projection_bias": (layers, width),
        "attention_norm_gain": (layers, width),
        "attention_norm_bias": (layers, width),
        "up_weight": (layers, width, 4 * width),
        "up_bias": (layers, 4 * width),
        "down_weight": (layers, 4 * width, width),
        "down_bias": (layers, width),
        "mlp_norm_gain": (layers, width),
        "mlp_norm_bias": (layers, width),
        "head_weight": (width, width),
        "head_bias": (width,),
        "head_norm_gain": (width,),
        "head_norm_bias": (width,),
        "vocabulary_bias": (vocabulary,),
    }


def initial_weights(config: Config, seed: int) -> Arrays:
    """Normal weights, of BERT's deviation 0.02 at width 768 and in proportion to 1/sqrt(width) elsewhere, float32.

    Biases and gains are random too: a program that drops one must be seen.
    """
    deviation = np.float32(0.02 * (768 / config.width) ** 0.5)
    weights = {}
    for name, shape in shapes(config).items():
        drawn = generator(seed, "weights", name).standard_normal(shape, dtype=np.float32)
        weights[name] = drawn * deviation + np.float32(name.endswith("gain"))
    return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Sequences with isolated masks. Inputs: tokens (B, S); positions and labels (B, M) of the masks, ascending."""

    config: Config
    seed: int
    stream: str

    def weights(self) -> Arrays:
        return initial_weights(self.config, self.seed)

    def statistics(self) -> Arrays:
        return {}

    def constants(self) -> Arrays:
        """The second half of every sequence is of the second type: types (S,)."""
        half = self.config.length // 2
        return {"types": (np.arange(self.config.length) >= half).astype(np.int32)}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return self._drawn(self.stream, first, steps)

    def audit(self) -> Arrays:
        return self._drawn("audit", 0, 1)[0]

    def floor(self) -> float:
        return posterior_nats(self._chain()) if self.stream == "train" else 0.0

    def _chain(self) -> markov.Chain:
        return markov.chain(self.config.vocabulary - 1, self.seed)

    def _drawn(self, stream: str, first: int, steps: int) -> list[Arrays]:
        config = self.config
        texts = markov.text(
            config.vocabulary - 1, self.seed,
            stream=stream, first=first, steps=steps, batch=config.batch, length=config.length,
        )  # fmt: skip
        return [self._masked(text, stream, first + step) for step, text in enumerate(texts)]

    def _masked(self, text: np.ndarray, stream: str, step: int) -> Arrays:
        batch, length = text.shape
        positions = isolated(generator(self.seed, "masks", stream, step), batch, length, self.config.masked)
        tokens = text.copy()
        np.put_along_axis(tokens, positions, np.int32(self.config.vocabulary - 1), axis=1)
        return {"tokens": tokens, "positions": positions, "labels": np.take_along_axis(text, positions, axis=1)}


def isolated(random: np.random.Generator, batch: int, length: int, count: int) -> np.ndarray:
    """`count` ascending positions in each of `batch` sequences, (batch, count) int32, no two adjacent, neither the
    first nor the last; every such set is equally likely.

    Any `count` of length - 1 - count places, moved apart by one each, make such a set, and each is made once.
    """
    places = random.random((batch, length - 1 - count)).argsort(axis=1)[:, :count]
    return (np.sort(places, axis=1) + np.arange(1, count + 1)).astype(np.int32)


def posterior_nats(chain: markov.Chain) -> float:
    """H(B | A, C) of three neighbours A, B, C, in nats: the least mean loss in an isolated gap, all else being read.

    The chain has no memory beyond one token, so further neighbours tell nothing, and

        H(B | A, C) = H(A, B, C) - H(A, C)
                    = H(A) + H(B | A) + H(C | B) - H(A) - H(C | A)
                    = 2 h - h2

    with h the entropy of one step, h2 that of two, text being stationary.
    """
    return 2 * chain.floor_nats() - two_step_nats(chain)


def two_step_nats(chain: markov.Chain) -> float:
    """H(C | A) of tokens two apart, in nats; exact, in memory for V * SUCCESSORS^2 numbers.

    With n the noise distribution, e its share and S the successors' matrix, a step is P = e 1n' + (1 - e) S, and two
    are P P = 1b' + (1 - e)^2 S S, where b = e n + e (1 - e) S'n is the same in each row and S S has but
    SUCCESSORS^2 entries in a row, some of them of one token.
    """
    rows, tokens, extra = _two_successors(chain)
    base = _two_step_base(chain)
    gained = _surprise(base[tokens] + extra) - _surprise(base[tokens])
    row_nats = _surprise(base).sum() + np.bincount(rows, gained, base.size)
    return float(chain.stationary @ row_nats)


def _two_step_base(chain: markov.Chain) -> np.ndarray:
    moved = (chain.noise[:, None] * chain.weights).ravel()
    followed = np.bincount(chain.successors.ravel(), moved, chain.noise.size)
    base: np.ndarray = markov.NOISE * (chain.noise + (1 - markov.NOISE) * followed)
    return base


def _two_successors(chain: markov.Chain) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entries of (1 - e)^2 S S that are not zero: row, column and value, each pair of row and column once."""
    tokens = chain.successors[chain.successors].reshape(chain.noise.size, -1)
    order = tokens.argsort(axis=1)
    tokens = np.take_along_axis(tokens, order, axis=1)
    values = ((1 - markov.NOISE) ** 2 * np.outer(chain.weights, chain.weights).ravel())[order]
    begins = np.diff(tokens, axis=1, prepend=-1).ravel() != 0
    starts = np.flatnonzero(begins)
    return starts // tokens.shape[1], tokens.ravel()[starts], np.add.reduceat(values.ravel(), starts)


def _surprise(probability: np.ndarray) -> np.ndarray:
    """-p ln p, elementwise."""
    nats: np.ndarray = -probability * np.log(probability)
    return nats
