"""Weights and text of `gpt` from the seed. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.common import markov
from workloads.common.streams import generator
from workloads.gpt.config import Config

Shapes = dict[str, tuple[int, ...]]

RESIDUAL = ("projection_weight", "down_weight")
"""What adds to the residual stream starts smaller by sqrt(2 layers), as in GPT-2."""


def shapes(config: Config) -> Shapes:
    """Every weight's name and shape, in order. Those of the layers are stacked along the first axis."""
    layers, width = config.layers, config.width
    return {
        "token_embedding": (config.vocabulary, width),
        "position_embedding": (config.context, width),
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


def initial_weights(config: Config, seed: int) -> Arrays:
    """Normal weights, of GPT-2's deviation 0.02 at width 768 and in proportion to 1/sqrt(width) elsewhere, float32.

    Biases and gains are random too: a program that drops one must be seen.
    """
    deviation = 0.02 * (768 / config.width) ** 0.5
    weights = {}
    for name, shape in shapes(config).items():
        scale = deviation / (2 * config.layers) ** 0.5 if name in RESIDUAL else deviation
        values = generator(seed, "weights", name).standard_normal(shape, dtype=np.float32)
        values *= np.float32(scale)
        values += np.float32(name.endswith("gain"))
        weights[name] = values
    return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """What the three modes share."""

    config: Config
    seed: int

    def weights(self) -> Arrays:
        return initial_weights(self.config, self.seed)

    def statistics(self) -> Arrays:
        return {}

    def constants(self) -> Arrays:
        return {}

    def floor(self) -> float:
        return 0.0

    def _tokens(self, stream: str, length: int, first: int = 0, steps: int = 1) -> np.ndarray:
        """(steps, B, length), int32."""
        config = self.config
        return markov.text(
            config.vocabulary, self.seed, stream=stream, first=first, steps=steps, batch=config.batch, length=length
        )


class Training(_Text):
    """Each step gets "tokens" (B, context + 1): all but the last are read, all but the first are told."""

    __slots__ = ()

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"tokens": tokens} for tokens in self._tokens("train", self.config.context + 1, first, steps)]

    def audit(self) -> Arrays:
        return {"tokens": self._tokens("audit", self.config.context + 1)[0]}

    def floor(self) -> float:
        return markov.chain(self.config.vocabulary, self.seed).floor_nats()


class Prefill(_Text):
    """Each step gets "tokens" (B, context)."""

    __slots__ = ()

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"tokens": tokens} for tokens in self._tokens("prefill", self.config.context, first, steps)]

    def audit(self) -> Arrays:
        return {"tokens": self._tokens("audit", self.config.context)[0]}


class Decode(_Text):
    """One "prompt" (B, prompt) for all steps, and for each the "token" (B,) behind it; the audit has a "text" (B,
    prompt + generated) of its own."""

    __slots__ = ()

    def constants(self) -> Arrays:
        return {"prompt": self._tokens("prompt", self.config.prompt)[0]}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"token": tokens[:, 0]} for tokens in self._tokens("decode", 1, first, steps)]

    def audit(self) -> Arrays:
        return {"text": self._tokens("audit", self.config.prompt + self.config.generated)[0]}
