"""`gpt`: a decoder language model of GPT-2's shape that learns, reads (prefill) and writes (decode) Markov text.

Blocks with LayerNorm first, learned positions, tanh-GELU, biases everywhere, a head tied to the token table, no
dropout.

Training is AdamW: with g the gradient, t = 1, 2, ... the step and r = learning_rate * min(1, t / warmup_steps),

    m <- 0.9 m + 0.1 g                 v <- 0.95 v + 0.05 g^2
    w <- (1 - r d) w - r (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.95^t)) + 1e-8)

where d is WEIGHT_DECAY for matrices and 0 for biases and gains. The loss is the mean cross entropy, in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from workloads.base import Arrays, Band, Spec
from workloads.gpt import data

BETAS = (0.9, 0.95)
EPSILON = 1e-8
WEIGHT_DECAY = 0.1
NORM_EPSILON = 1e-5
SEED = 20260
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size: the model, the batch and how training goes."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    context: int  # tokens of a sequence in training and prefill
    batch: int  # sequences
    learning_rate: float
    warmup_steps: int
    quality_steps: int

    @property
    def padded_vocabulary(self) -> int:
        """Rows of the token table on the device: a multiple of 128 suits the matrix units."""
        return -(-self.vocabulary // 128) * 128

    @property
    def prompt(self) -> int:
        """Tokens that stand in the cache before a decode step."""
        return self.context // 2

    @property
    def generated(self) -> int:
        """Tokens written per sequence in a decode step."""
        return min(64, self.prompt)

    def shapes(self) -> data.Shapes:
        return data.shapes(layers=self.layers, width=self.width, vocabulary=self.vocabulary, context=self.context)

    def initial_weights(self, seed: int) -> Arrays:
        """Every weight before training; bit-identical on every call."""
        return data.initial_weights(
            seed, layers=self.layers, width=self.width, vocabulary=self.vocabulary, context=self.context
        )

    def floor_nats(self, seed: int) -> float:
        """The least loss any model can reach on this size's text."""
        return data.chain(self.vocabulary, seed).floor_nats()


SIZES = {
    "xs": Config(
        layers=2, width=64, heads=2, vocabulary=256, context=32, batch=4,
        learning_rate=3e-3, warmup_steps=5, quality_steps=50,
    ),
    "s": Config(
        layers=6, width=384, heads=6, vocabulary=8192, context=256, batch=8,
        learning_rate=1e-3, warmup_steps=5, quality_steps=12,
    ),
    "m": Config(
        layers=12, width=768, heads=12, vocabulary=50257, context=1024, batch=8,
        learning_rate=6e-4, warmup_steps=3, quality_steps=8,
    ),
}  # fmt: skip


def decays(name: str) -> bool:
    """Whether AdamW decays this weight: matrices and tables yes, biases and gains no."""
    return name.endswith(("weight", "embedding"))


def learning_rate(config: Config, step: int) -> float:
    """The rate of step 1, 2, ..."""
    return config.learning_rate * min(1.0, step / config.warmup_steps)


def parameters(config: Config) -> int:
    return sum(prod(shape) for shape in config.shapes().values())


def _layer_weights(config: Config) -> int:
    """Weights that multiply every token inside the layers: all matrices but the tables."""
    return 12 * config.layers * config.width**2


def _head_weights(config: Config) -> int:
    return config.vocabulary * config.width


def train_flops(config: Config) -> float:
    """6 (N + L T D) per token: N matrix weights with the head, attention over the earlier half on average."""
    matrix = _layer_weights(config) + _head_weights(config)
    attention = config.layers * config.context * config.width
    return 6.0 * (matrix + attention) * config.batch * config.context


def prefill_flops(config: Config) -> float:
    """2 (N + L T D) per token, the head once per sequence."""
    attention = config.layers * config.context * config.width
    per_sequence = config.context * (_layer_weights(config) + attention) + _head_weights(config)
    return 2.0 * config.batch * per_sequence


def decode_flops(config: Config) -> float:
    """2 N + 4 L t D per token, t the keys it sees: prompt + 1 for the first, prompt + generated for the last."""
    matrix = config.generated * (_layer_weights(config) + _head_weights(config))
    attention = 2 * config.layers * config.width * _keys_seen(config)
    return 2.0 * config.batch * (matrix + attention)


def _keys_seen(config: Config) -> int:
    """Keys seen by all tokens of one sequence in one decode step together."""
    return config.generated * config.prompt + config.generated * (config.generated + 1) // 2


def train_bytes(config: Config, precision: str) -> float:
    """Weights read forward and backward, and AdamW in float32: read weight, gradient and two moments, write
    weight, gradient and moments. Activations are left out: at best they never leave the chip."""
    return parameters(config) * (2.0 * _width_bytes(precision) + 8 * 4)


def prefill_bytes(config: Config, precision: str) -> float:
    """Weights read once, the cache written once."""
    cache = 2 * config.layers * config.width * config.context * config.batch
    return _width_bytes(precision) * float(parameters(config) + cache)


def decode_bytes(config: Config, precision: str) -> float:
    """Matrices read for every token of the batch, each sequence's cache read as far as it is filled."""
    matrix = config.generated * (_layer_weights(config) + _head_weights(config))
    cache = 2 * config.layers * config.width * config.batch * _keys_seen(config)
    return _width_bytes(precision) * float(matrix + cache)


def _width_bytes(precision: str) -> int:
    return {"fp32": 4, "bf16": 2}[precision]


_EXCESS_NATS = {"xs": (2.121, 0.03), "s": (4.531, 0.004), "m": (6.034, 0.02)}
"""Excess loss and how far from it a run may end, from training on a CPU as many steps as the size says.

xs: 2.1211 in float32 and 2.1212 in bfloat16 with torch, 2.1211 and 2.1225 with JAX; one layer less gives 2.036.
s: 4.5308 and 4.5307 with torch, 4.5307 in bfloat16 with JAX; one layer less gives 4.525, half the rate 4.904.
m: 6.0344 in bfloat16 with torch alone, hence the wide tolerance: it sees a wrong rate or data, not a missing layer.
"""
_BF16_DISTANCE = Band(low=1e-4, high=2e-2)
"""Measured on a CPU: 0.0050 to 0.0057 at size xs, 0.0060 to 0.0066 at s, 0.0058 to 0.0072 at m."""


def train_band(size: str, precision: str) -> Band:
    """Where the excess loss must fall; the same for every precision, for training must not depend on it."""
    reference, tolerance = _EXCESS_NATS[size]
    return Band(low=reference - tolerance, high=reference + tolerance)


def inference_band(size: str, precision: str) -> Band:
    """How far the audit logits may lie from the golden ones. bfloat16 has a lower end: nearer is not bfloat16."""
    return Band(low=0.0, high=1e-4) if precision == "fp32" else _BF16_DISTANCE


def _context_tokens(config: Config) -> int:
    return config.batch * config.context


def _generated_tokens(config: Config) -> int:
    return config.batch * config.generated


def _spec(
    mode: str,
    units: Callable[[Config], int],
    flops: Callable[[Config], float],
    traffic: Callable[[Config, str], float],
) -> Spec:
    train = mode == "train"
    return Spec(
        workload="gpt",
        mode=mode,
        version=VERSION,
        unit="token",
        seed=SEED,
        sizes=SIZES,
        batch=lambda config: int(config.batch),
        units_per_step=units,
        parameters=parameters,
        flops_per_step=flops,
        bytes_per_step=traffic,
        quality_name="excess loss, nats" if train else "relative distance of the logits",
        band=train_band if train else inference_band,
        quality_steps=lambda config: int(config.quality_steps) if train else 0,
    )


SPECS = {
    "train": _spec("train", _context_tokens, train_flops, train_bytes),
    "prefill": _spec("prefill", _context_tokens, prefill_flops, prefill_bytes),
    "decode": _spec("decode", _generated_tokens, decode_flops, decode_bytes),
}
