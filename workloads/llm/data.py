"""What `llm` reads and starts from: Markov text, random weights and the tables of the rotary positions. numpy only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from workloads.base import Arrays
from workloads.common import markov
from workloads.common.streams import generator

Shapes = dict[str, tuple[int, ...]]

GAIN_DEVIATION = 0.1


def shapes(*, layers: int, width: int, kv_width: int, feed_forward: int, vocabulary: int) -> Shapes:
    """Every weight's name and shape, in order. A matrix is (out, in); those of the layers are stacked along the first
    axis. Queries, keys and values are one matrix, and so are gate and up."""
    return {
        "token_embedding": (vocabulary, width),
        "attention_norm_gain": (layers, width),
        "qkv_weight": (layers, width + 2 * kv_width, width),
        "projection_weight": (layers, width, width),
        "mlp_norm_gain": (layers, width),
        "gate_up_weight": (layers, 2 * feed_forward, width),
        "down_weight": (layers, width, feed_forward),
        "final_norm_gain": (width,),
        "head_weight": (vocabulary, width),
    }


RESIDUAL = ("projection_weight", "down_weight")
"""What adds to the residual stream is smaller by sqrt(layers), so that the stream stays of order one."""


def initial_weights(seed: int, wanted: Shapes) -> Arrays:
    """Normal, float32: matrices of deviation 1/sqrt(inputs), the token table of 1, gains of GAIN_DEVIATION about 1."""
    return {name: _weight(seed, name, shape) for name, shape in wanted.items()}


def _weight(seed: int, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Drawn in place and layer by layer at once on all cores: at eight billion weights both are felt."""
    weight = np.empty(shape, dtype=np.float32)
    parts = weight if len(shape) > 2 else weight[None]
    scale, shift = _scale_and_shift(name, shape)

    def draw(part: int) -> None:
        generator(seed, "weights", name, part).standard_normal(dtype=np.float32, out=parts[part])
        parts[part] *= scale
        parts[part] += shift

    with ThreadPoolExecutor() as pool:
        list(pool.map(draw, range(len(parts))))
    return weight


def _scale_and_shift(name: str, shape: tuple[int, ...]) -> tuple[np.float32, np.float32]:
    if name.endswith("gain"):
        return np.float32(GAIN_DEVIATION), np.float32(1)
    if name == "token_embedding":
        return np.float32(1), np.float32(0)
    inputs = shape[-1] * (shape[0] if name in RESIDUAL else 1)
    return np.float32(inputs**-0.5), np.float32(0)


def rotary(places: int, head_width: int, theta: float) -> Arrays:
    """Float32 "cosines", "sines" of place * theta^(-2 i / head_width), i = 0, 1, ...; (places, head_width / 2) each."""
    frequencies = theta ** (-np.arange(0, head_width, 2, dtype=np.float64) / head_width)
    angles = np.arange(places, dtype=np.float64)[:, None] * frequencies
    return {"cosines": np.cos(angles).astype(np.float32), "sines": np.sin(angles).astype(np.float32)}


@dataclass(frozen=True, slots=True)
class _Texts:
    """What both sources share."""

    config: Any
    seed: int

    def weights(self) -> Arrays:
        return initial_weights(self.seed, self.config.shapes())

    def statistics(self) -> Arrays:
        return {}

    def floor(self) -> float:
        return 0.0

    def _text(self, stream: str, length: int, first: int = 0, steps: int = 1) -> np.ndarray:
        """Tokens (steps, batch, length), int32."""
        return markov.text(
            self.config.vocabulary,
            self.seed,
            stream=stream,
            first=first,
            steps=steps,
            batch=self.config.batch,
            length=length,
        )


class Reading(_Texts):
    """Prefill: each step reads "tokens" (B, P)."""

    def constants(self) -> Arrays:
        return {}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"tokens": tokens} for tokens in self._text("prefill", self.config.prompt, first, steps)]

    def audit(self) -> Arrays:
        return {"tokens": self._text("audit", self.config.prompt)[0]}


class Writing(_Texts):
    """Decode: each step writes behind the constant "prompt" (B, P), beginning with its own "token" (B,)."""

    def constants(self) -> Arrays:
        return {"prompt": self._text("prompt", self.config.prompt)[0]}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"token": text[:, 0]} for text in self._text("decode", 1, first, steps)]

    def audit(self) -> Arrays:
        """The "text" (B, P + G) that is read, then fed token by token."""
        return {"text": self._text("audit", self.config.prompt + self.config.generated)[0]}
