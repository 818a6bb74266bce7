"""`llm`: a decoder language model of Llama's shape that reads (prefill) and writes (decode) Markov text. No training.

Blocks with RMSNorm first, rotary positions in the half-split convention, grouped-query attention, SwiGLU, no biases, a
head of its own. The residual stream is float32. Size `m` is TinyLlama 1.1B; size `l` is Llama 3.1 8B, whose scaling of
the rotary frequencies for long contexts is left out: it would change numbers in a table, not the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from workloads.base import FP32_DISTANCE, Band, Source, Spec
from workloads.llm import data

NORM_EPSILON = 1e-5
SEED = 20262
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size: the model, the texts and the batch."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    theta: float = 10_000.0  # base of the rotary frequencies
    prompt: int  # tokens read in prefill, and standing in the cache before a decode step
    generated: int  # tokens written per sequence in a decode step
    batch: int  # sequences

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def kv_width(self) -> int:
        """Elements of one token's keys, or values, in one layer."""
        return self.kv_heads * self.head_width

    def shapes(self) -> data.Shapes:
        return data.shapes(
            layers=self.layers,
            width=self.width,
            kv_width=self.kv_width,
            feed_forward=self.feed_forward,
            vocabulary=self.vocabulary,
        )


def _sizes(batch: int) -> dict[str, Config]:
    return {
        "xs": Config(
            layers=2, width=64, heads=4, kv_heads=2, feed_forward=176, vocabulary=256,
            prompt=16, generated=8, batch=batch,
        ),
        "s": Config(
            layers=8, width=512, heads=8, kv_heads=2, feed_forward=1408, vocabulary=8192,
            prompt=128, generated=32, batch=batch,
        ),
        "m": Config(
            layers=22, width=2048, heads=32, kv_heads=4, feed_forward=5632, vocabulary=32_000,
            prompt=512, generated=64, batch=batch,
        ),
        "l": Config(
            layers=32, width=4096, heads=32, kv_heads=8, feed_forward=14_336, vocabulary=128_256, theta=500_000.0,
            prompt=512, generated=64, batch=batch,
        ),
    }  # fmt: skip


def parameters(config: Config) -> int:
    return sum(prod(shape) for shape in config.shapes().values())


def _layer_weights(config: Config) -> int:
    """Weights of the matrices in the layers: queries and their way back, keys and values, gate, up and down."""
    attention = 2 * config.width * (config.width + config.kv_width)
    return config.layers * (attention + 3 * config.width * config.feed_forward)


def _head_weights(config: Config) -> int:
    return config.vocabulary * config.width


def prefill_flops(config: Config) -> float:
    """2 (N + L T D) per token, N the matrices of the layers; the head once per sequence."""
    attention = config.layers * config.prompt * config.width
    per_sequence = config.prompt * (_layer_weights(config) + attention) + _head_weights(config)
    return 2.0 * config.batch * per_sequence


def decode_flops(config: Config) -> float:
    """2 N + 4 L t D per token, t the keys it sees: prompt + 1 for the first, prompt + generated for the last. Sharing
    keys among queries saves traffic, not arithmetic."""
    matrix = config.generated * (_layer_weights(config) + _head_weights(config))
    attention = 2 * config.layers * config.width * _keys_seen(config)
    return 2.0 * config.batch * (matrix + attention)


def _keys_seen(config: Config) -> int:
    """Keys seen by all tokens of one sequence in one decode step together."""
    return config.generated * config.prompt + config.generated * (config.generated + 1) // 2


def prefill_bytes(config: Config, precision: str) -> float:
    """Matrices read once, with one row of the token table for each token. Activations, keys and values are left out:
    at best they never leave the chip."""
    rows = config.batch * config.prompt * config.width
    return _width_bytes(precision) * float(_layer_weights(config) + _head_weights(config) + rows)


def decode_bytes(config: Config, precision: str) -> float:
    """Matrices read once for every token of the batch, each sequence's keys and values read as far as the cache is
    filled."""
    matrix = config.generated * (_layer_weights(config) + _head_weights(config))
    cache = 2 * config.layers * config.kv_width * config.batch * _keys_seen(config)
    return _width_bytes(precision) * float(matrix + cache)


def _width_bytes(precision: str) -> int:
    return {"fp32": 4, "bf16": 2}[precision]


def _weight_bytes(config: Config, precision: str) -> float:
    """The weights as cast, and beside them in float32 when they are placed and when a step is proven."""
    return parameters(config) * (4.0 if precision == "fp32" else 2.0 + 4.0)


def prefill_memory(config: Config, precision: str) -> float:
    """Weights, and for each token of the batch what lives at once in a block: the residual stream before and after it
    in float32, and the widest activation, gate and up with their product."""
    per_token = 2 * 4 * config.width + 3 * config.feed_forward * _width_bytes(precision)
    return _weight_bytes(config, precision) + config.batch * config.prompt * per_token


def decode_memory(config: Config, precision: str) -> float:
    """Weights; keys and values twice, for the proof fills a float32 cache of its own while the step's stands; one
    step's logits in float32 twice, the audit's and those on the way; reading the prompt as in prefill."""
    places = config.prompt + config.generated
    cache = 2 * config.layers * config.kv_width * config.batch * places * (_width_bytes(precision) + 4.0)
    logits = 2 * 4.0 * config.batch * config.generated * config.vocabulary
    return prefill_memory(config, precision) + cache + logits


_BF16_DISTANCE = Band(low=1e-4, high=2e-2)
"""Measured on a CPU, prefill and decode, torch and JAX: 0.0035 to 0.0042 at size xs, 0.0046 to 0.0049 at s. Nothing was
measured at m and l, whose layers are three and four times as many: the upper end leaves room for four times the error.
"""


def band(size: str, precision: str) -> Band:
    """How far the audit logits may lie from the golden ones. bfloat16 has a lower end: nearer is not bfloat16."""
    return FP32_DISTANCE if precision == "fp32" else _BF16_DISTANCE


def _spec(
    mode: str,
    batch: int,
    *,
    source: Callable[[Config, int], Source],
    units: Callable[[Config], int],
    flops: Callable[[Config], float],
    traffic: Callable[[Config, str], float],
    memory: Callable[[Config, str], float],
    batches: tuple[int, ...] = (),
) -> Spec:
    return Spec(
        workload="llm",
        mode=mode,
        version=VERSION,
        unit="token",
        seed=SEED,
        sizes=_sizes(batch),
        source=source,
        batches=batches,
        units_per_step=units,
        parameters=parameters,
        flops_per_step=flops,
        bytes_per_step=traffic,
        memory_bytes=memory,
        quality_name="relative distance of the logits",
        band=band,
        quality_steps=lambda config: 0,
    )


_PREFILL: dict[str, Any] = {
    "source": data.Reading,
    "units": lambda config: config.batch * config.prompt,
    "flops": prefill_flops,
    "traffic": prefill_bytes,
    "memory": prefill_memory,
}
_DECODE: dict[str, Any] = {
    "source": data.Writing,
    "units": lambda config: config.batch * config.generated,
    "flops": decode_flops,
    "traffic": decode_bytes,
    "memory": decode_memory,
}

SPECS = {
    "prefill": _spec("prefill", 8, batches=(1, 2, 4, 8, 16, 32), **_PREFILL),
    "decode": _spec("decode", 32, batches=(1, 8, 16, 32, 64, 128, 256), **_DECODE),
    **{f"decode-{batch}": _spec(f"decode-{batch}", batch, **_DECODE) for batch in (1, 8, 32)},
}
