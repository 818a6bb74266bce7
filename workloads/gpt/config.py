"""The sizes of `gpt`. No arrays."""

from __future__ import annotations

from dataclasses import dataclass

NORM_EPSILON = 1e-5
BETAS = (0.9, 0.95)
EPSILON = 1e-8
WEIGHT_DECAY = 0.1


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
        """Rows of the token table where it is multiplied: a multiple of 128 suits the matrix units."""
        return -(-self.vocabulary // 128) * 128

    @property
    def prompt(self) -> int:
        """Tokens that stand in the cache before a decode step."""
        return self.context // 2

    @property
    def generated(self) -> int:
        """Tokens written per sequence in a decode step."""
        return min(64, self.prompt)


SIZES = {
    "xs": Config(
        layers=2, width=64, heads=2, vocabulary=256, context=32, batch=4,
        learning_rate=3e-3, warmup_steps=5, quality_steps=50,
    ),
    "s": Config(
        layers=6, width=384, heads=6, vocabulary=8192, context=256, batch=8,
        learning_rate=1e-3, warmup_steps=5, quality_steps=8,
    ),
    "m": Config(
        layers=12, width=768, heads=12, vocabulary=50257, context=1024, batch=8,
        learning_rate=6e-4, warmup_steps=3, quality_steps=4,
    ),
    "l": Config(
        layers=24, width=2048, heads=16, vocabulary=50257, context=2048, batch=4,
        learning_rate=2e-4, warmup_steps=3, quality_steps=4,
    ),
}  # fmt: skip
"""`m` is GPT-2's smallest model. `l` has the shape of GPT-Neo 1.3B, but biases on queries, keys and values too and full
attention in every layer, as in GPT-2."""
