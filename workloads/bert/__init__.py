"""`bert`: an encoder of BERT's shape that learns to fill, and fills, isolated gaps in Markov text.

Blocks with LayerNorm behind each sum, exact GELU, learned positions and token types, biases everywhere, a head of
dense, GELU and LayerNorm before a decoder tied to the token table; no pooler, no dropout. The head works at the
masked positions only, whose number is fixed: nothing else is asked for, in training as in inference.

Training is AdamW with BERT's constants. The loss is the mean cross entropy at the masks, in float32.
"""

from __future__ import annotations

from functools import partial
from math import log, prod

from workloads.base import FP32_DISTANCE, Band, Source, Spec
from workloads.bert.data import Gaps, shapes
from workloads.bert.sizes import INFER, TRAIN, Config
from workloads.common.optimisers import AdamW, warmed_up

BETAS = (0.9, 0.999)
EPSILON = 1e-6
WEIGHT_DECAY = 0.01
NORM_EPSILON = 1e-12
SEED = 20260
VERSION = 1


def decays(name: str) -> bool:
    """Whether AdamW decays this weight: matrices and tables yes, biases and gains no."""
    return name.endswith(("weight", "embedding"))


def optimiser(config: Config) -> AdamW:
    return AdamW(
        rate=warmed_up(config.learning_rate, config.warmup_steps),
        decays=decays, betas=BETAS, epsilon=EPSILON, weight_decay=WEIGHT_DECAY,
    )  # fmt: skip


def source(config: Config, seed: int, *, mode: str) -> Source:
    return Gaps(config=config, seed=seed, stream=mode)


def parameters(config: Config) -> int:
    return sum(prod(shape) for shape in shapes(config).values())


def infer_flops(config: Config) -> float:
    """2 * 12 L D^2 S + 4 L S^2 D in the layers, where every token sees all, and 2 (D^2 + D V) M in the head, which is
    counted at the M masked positions only; per sequence."""
    width, length = config.width, config.length
    matrices = 2 * 12 * config.layers * width**2 * length
    attention = 4 * config.layers * length**2 * width
    head = 2 * (width**2 + width * config.vocabulary) * config.masked
    return float(config.batch * (matrices + attention + head))


def train_flops(config: Config) -> float:
    """Three times the forward pass: the way back multiplies each matrix twice. The head at masked positions only."""
    return 3 * infer_flops(config)


def train_bytes(config: Config, precision: str) -> float:
    """Weights read forward and backward, and AdamW in float32: read weight, gradient and two moments, write
    weight, gradient and moments. Activations are left out: at best they never leave the chip."""
    return parameters(config) * (2.0 * _width_bytes(precision) + 8 * 4)


def infer_bytes(config: Config, precision: str) -> float:
    """Weights read once, float32 logits written once."""
    return float(parameters(config) * _width_bytes(precision) + 4 * _logits(config))


def train_memory(config: Config, precision: str) -> float:
    """Weights, gradients and two moments in float32, and the weights once more as cast.
    Of each layer and token, for the way back: 17 widths (input, queries, keys and values, mixed, two sums, a norm,
    two times four of the MLP, one to spare) and the attention weights where they are kept.
    Logits, their gradient and a copy in float32."""
    optimiser_bytes = parameters(config) * (4 * 4 + _width_bytes(precision))
    per_token = 17 * config.width + config.heads * config.length
    kept = config.layers * config.batch * config.length * per_token * _width_bytes(precision)
    return float(optimiser_bytes + kept + 3 * 4 * _logits(config))


def infer_memory(config: Config, precision: str) -> float:
    """The weights, and of one layer at a time 13 widths a token (input, queries, keys and values, mixed, two times four
    of the MLP) with the attention weights in float32 where they are kept; logits in float32 and once in the cast type.
    """
    per_token = 13 * config.width * _width_bytes(precision) + 4 * config.heads * config.length
    working = config.batch * config.length * per_token
    logits = _logits(config) * (4 + _width_bytes(precision))
    return float(parameters(config) * _width_bytes(precision) + working + logits)


def _logits(config: Config) -> int:
    return config.batch * config.masked * config.vocabulary


def _width_bytes(precision: str) -> int:
    return {"fp32": 4, "bf16": 2}[precision]


_EXCESS_NATS = {"xs": (4.4213, 0.0012), "s": (7.2675, 0.002), "m": (8.9429, 0.005)}
"""Excess loss and how far from it a run may end, from training on a CPU as many steps as the size says.

xs: 4.4215 in float32 with torch and JAX, 4.4216 in bfloat16 with torch and 4.4210 with JAX; one layer less gives
4.4233, half the rate 4.405, twice the rate 4.478, frozen weights 4.871.
s: 7.2674 in float32 with torch and JAX, 7.2676 in bfloat16 with torch and 7.2675 with JAX; frozen weights give 8.565.
So few steps teach how frequent each token is and little of its neighbours, hence the distance from the floor.
m: 8.9429 in float32 with torch and JAX, 8.9428 in bfloat16 with torch; frozen weights give 9.929.
"""
_BF16_HIGH = {"xs": 2e-2, "s": 2e-2, "m": 4e-2, "l": 4e-2}
"""Measured on a CPU: 0.0052 to 0.0059 at xs, 0.0086 to 0.0092 at s. m and l were not measured: each norm rounds once
more and they have two and four times the layers of s."""


def train_band(size: str, precision: str) -> Band:
    """Where the excess loss must fall; the same for every precision, for training must not depend on it.

    l was never measured: anything from the floor to the loss of a model that knows nothing, ln V.
    """
    if size not in _EXCESS_NATS:
        return Band(low=0.0, high=log(TRAIN[size].vocabulary) - source(TRAIN[size], SEED, mode="train").floor())
    reference, tolerance = _EXCESS_NATS[size]
    return Band.around(reference, tolerance)


def infer_band(size: str, precision: str) -> Band:
    """How far the audit logits may lie from the golden ones. bfloat16 has a lower end: nearer is not bfloat16."""
    return FP32_DISTANCE if precision == "fp32" else Band(low=1e-4, high=_BF16_HIGH[size])


def _sequences(config: Config) -> int:
    return int(config.batch)


SPECS = {
    "train": Spec(
        workload="bert",
        mode="train",
        version=VERSION,
        unit="sequence",
        seed=SEED,
        sizes=TRAIN,
        source=partial(source, mode="train"),
        units_per_step=_sequences,
        parameters=parameters,
        flops_per_step=train_flops,
        bytes_per_step=train_bytes,
        memory_bytes=train_memory,
        quality_name="excess loss, nats",
        band=train_band,
        quality_steps=lambda config: int(config.quality_steps),
    ),
    "infer": Spec(
        workload="bert",
        mode="infer",
        version=VERSION,
        unit="sequence",
        seed=SEED,
        sizes=INFER,
        source=partial(source, mode="infer"),
        batches=(1, 8, 16, 32, 64, 128),
        units_per_step=_sequences,
        parameters=parameters,
        flops_per_step=infer_flops,
        bytes_per_step=infer_bytes,
        memory_bytes=infer_memory,
        quality_name="relative distance of the logits",
        band=infer_band,
        quality_steps=lambda config: 0,
    ),
}
