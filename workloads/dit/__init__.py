"""`dit`: a diffusion transformer (Peebles and Xie, arXiv 2212.09748) that learns to denoise latents, and samples them.

Patches of 2 x 2, fixed sine and cosine positions, blocks whose two LayerNorms (without gain and bias, epsilon 1e-6) are
shifted, scaled and gated by the time and the class (adaLN), biases on queries, keys and values, tanh-GELU of four times
the width, a final modulated LayerNorm. One row of the class table stands for "no class". No guidance: one call of the
model per sampling step.

The model gives twice the latent's channels, as published. There the second half is a variance; here it is the clean
latent, so that it too has a known optimum. The loss is the mean squared error of the noise plus that of the clean
latent. Sampling is DDIM's deterministic step with the model's own clean latent,

    x <- signal(next time) * latent + noise_level(next time) * noise

which uses all channels and never divides by the small signal of an early time.

Training is AdamW (workloads.common.optimisers) on matrices and the table with decay, on biases without.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from workloads.base import FP32_DISTANCE, Band, Source, Spec
from workloads.common.optimisers import AdamW, warmed_up
from workloads.dit import data
from workloads.dit.data import CALLS, PATCH, PATCH_VALUES, TIME_FEATURES

NORM_EPSILON = 1e-6
SEED = 20264
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size: the model, the batch and how training goes."""

    layers: int
    width: int
    heads: int
    side: int  # of a latent
    classes: int
    batch: int  # latents
    learning_rate: float
    warmup_steps: int
    quality_steps: int

    @property
    def patches(self) -> int:
        return (self.side // PATCH) ** 2

    def shapes(self) -> data.Shapes:
        """Every weight's name and shape; matrices are (in, out), those of the blocks stacked along the first axis."""
        deep, d = self.layers, self.width
        return {
            "patch_weight": (PATCH_VALUES, d), "patch_bias": (d,),
            "time_in_weight": (TIME_FEATURES, d), "time_in_bias": (d,),
            "time_out_weight": (d, d), "time_out_bias": (d,),
            "class_table": (self.classes + 1, d),
            "modulation_weight": (deep, d, 6 * d), "modulation_bias": (deep, 6 * d),
            "qkv_weight": (deep, d, 3 * d), "qkv_bias": (deep, 3 * d),
            "projection_weight": (deep, d, d), "projection_bias": (deep, d),
            "up_weight": (deep, d, 4 * d), "up_bias": (deep, 4 * d),
            "down_weight": (deep, 4 * d, d), "down_bias": (deep, d),
            "final_modulation_weight": (d, 2 * d), "final_modulation_bias": (2 * d,),
            "output_weight": (d, 2 * PATCH_VALUES), "output_bias": (2 * PATCH_VALUES,),
        }  # fmt: skip


_XS = Config(
    layers=2, width=64, heads=2, side=8, classes=4, batch=4, learning_rate=2e-3, warmup_steps=5, quality_steps=30
)
_S = Config(
    layers=6, width=384, heads=6, side=16, classes=16, batch=8, learning_rate=1e-3, warmup_steps=3, quality_steps=12
)
_SMALL_2 = Config(
    layers=12, width=384, heads=6, side=32, classes=1000, batch=8, learning_rate=5e-4, warmup_steps=3, quality_steps=6
)
_BASE_2 = replace(_SMALL_2, width=768, heads=12, batch=4)
_XL_2 = replace(_SMALL_2, layers=28, width=1152, heads=16, batch=32, learning_rate=1e-4)

TRAIN_SIZES = {"xs": _XS, "s": _S, "m": _SMALL_2, "l": _XL_2}
SAMPLE_SIZES = {"xs": _XS, "s": _S, "m": _BASE_2, "l": _XL_2}


def optimiser(config: Config) -> AdamW:
    return AdamW(
        rate=warmed_up(config.learning_rate, config.warmup_steps),
        decays=lambda name: name.endswith(("weight", "table")),
    )


def parameters(config: Config) -> int:
    """All that is trained. The published counts have the fixed positions among them: patches * width more."""
    return sum(prod(shape) for shape in config.shapes().values())


def _conditioning_products(config: Config) -> int:
    """Multiplications per image and call that see its time and class, not its patches."""
    d = config.width
    return TIME_FEATURES * d + d * d + 6 * config.layers * d * d + 2 * d * d


def _patch_products(config: Config) -> int:
    """Multiplications per image and call on patches: embedding, blocks with their attention, output."""
    n, d = config.patches, config.width
    return n * PATCH_VALUES * d + config.layers * (12 * n * d * d + 2 * n * n * d) + 2 * n * d * PATCH_VALUES


def train_flops(config: Config) -> float:
    """Three times the forward pass, less the gradients of the patches and the time features, which nobody needs."""
    unneeded = config.patches * PATCH_VALUES * config.width + TIME_FEATURES * config.width
    return 2.0 * config.batch * (3 * (_conditioning_products(config) + _patch_products(config)) - unneeded)


def sample_flops(config: Config) -> float:
    """The forward pass, once per call; the embedding of a time is the same for the whole batch."""
    time = (TIME_FEATURES + config.width) * config.width
    per_image = _conditioning_products(config) - time + _patch_products(config)
    return 2.0 * CALLS * (config.batch * per_image + time)


def train_bytes(config: Config, precision: str) -> float:
    """Weights read forward and backward, and AdamW in float32: read weight, gradient and two moments, write
    weight, gradient and moments. Activations are left out: at best they never leave the chip."""
    return parameters(config) * (2.0 * _width_bytes(precision) + 8 * 4)


def sample_bytes(config: Config, precision: str) -> float:
    """Weights that meet patches read in every call, those that meet time and class once for all calls."""
    shapes = config.shapes()
    once = sum(prod(shapes[name]) for name in shapes if name.startswith(("time", "modulation", "final_modulation")))
    table = prod(shapes["class_table"])
    rows = min(config.batch, config.classes + 1) * config.width
    each = parameters(config) - once - table
    return float(_width_bytes(precision) * (CALLS * each + once + rows))


def train_memory(config: Config, precision: str) -> float:
    """Weight, gradient and two moments in float32; the weights once more as they multiply; and what each block keeps
    for the way back: two residual streams and two normalised ones in float32; queries, keys, values, what attention
    and its projection give, both modulated norms, twice the hidden layer, and its projection as they multiply."""
    kept = 4 * 4 + (3 + 2 + 2 + 8 + 1) * _width_bytes(precision)
    activations = config.batch * config.patches * config.width * config.layers * kept
    return float(parameters(config) * (16 + _width_bytes(precision)) + activations)


def sample_memory(config: Config, precision: str) -> float:
    """The weights; all calls' modulations; and one block's activations: two streams in float32, hidden layer, queries,
    keys and values and their results as they multiply."""
    modulations = CALLS * config.batch * (6 * config.layers + 2) * config.width
    tokens = config.batch * config.patches * config.width
    return float(_width_bytes(precision) * (parameters(config) + modulations + 16 * tokens) + 8 * tokens)


def _width_bytes(precision: str) -> int:
    return {"fp32": 4, "bf16": 2}[precision]


_EXCESS = {"xs": (0.4851, 0.02), "s": (0.7272, 0.01), "m": (1.086, 0.01)}
"""Excess loss and how far from it a run may end, from training on a CPU as many steps as the size says.

xs: 0.4851 in float32 and 0.4850 in bfloat16 with torch, 0.4851 and 0.4851 with JAX; one layer less gives 0.441, half
the rate 0.592, twice the rate 0.399, frozen weights 1.089.
s: 0.7272 in float32 and 0.7269 in bfloat16 with torch, 0.7272 in float32 with JAX.
m: 1.0863 in float32 with torch and JAX, 1.0857 in bfloat16 with torch; frozen weights give 1.194.
"""
_BF16_DISTANCE = Band(low=1e-4, high=2e-2)
"""Measured on a CPU at size xs, over the whole audit: 0.0053 with torch, 0.0088 with JAX."""


def train_band(size: str, precision: str) -> Band:
    """Where the excess loss must fall, whatever the precision. Where nobody could measure it yet (l): between the
    floor and what predicting nothing costs."""
    if size not in _EXCESS:
        return Band(low=0.0, high=data.ignorance() - data.floor(data.spectrum(TRAIN_SIZES[size].side)))
    reference, tolerance = _EXCESS[size]
    return Band.around(reference, tolerance)


def sample_band(size: str, precision: str) -> Band:
    """How far the audit samples may lie from the golden ones. bfloat16 has a lower end: nearer is not bfloat16."""
    return FP32_DISTANCE if precision == "fp32" else _BF16_DISTANCE


def _training(config: Config, seed: int) -> Source:
    return data.Training(config=config, seed=seed)


def _sampling(config: Config, seed: int) -> Source:
    return data.Sampling(config=config, seed=seed)


def _images(config: Config) -> int:
    return config.batch


SPECS = {
    "train": Spec(
        workload="dit",
        mode="train",
        version=VERSION,
        unit="image",
        seed=SEED,
        sizes=TRAIN_SIZES,
        source=_training,
        units_per_step=_images,
        parameters=parameters,
        flops_per_step=train_flops,
        bytes_per_step=train_bytes,
        memory_bytes=train_memory,
        quality_name="excess squared error",
        band=train_band,
        quality_steps=lambda config: int(config.quality_steps),
    ),
    "sample": Spec(
        workload="dit",
        mode="sample",
        version=VERSION,
        unit="image",
        seed=SEED,
        sizes=SAMPLE_SIZES,
        source=_sampling,
        batches=(1, 4, 8, 16, 32, 64),
        units_per_step=_images,
        parameters=parameters,
        flops_per_step=sample_flops,
        bytes_per_step=sample_bytes,
        memory_bytes=sample_memory,
        quality_name="relative distance of the samples",
        band=sample_band,
        quality_steps=lambda config: 0,
    ),
}
