"""The sizes of `bert`, plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

TOKEN_TYPES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size: the model, the batch and how training goes."""

    layers: int
    width: int
    heads: int
    vocabulary: int  # the last one is the mask
    positions: int  # rows of the position table, of which the first `length` are used
    length: int  # tokens of a sequence
    batch: int  # sequences
    learning_rate: float
    warmup_steps: int
    quality_steps: int

    @property
    def masked(self) -> int:
        """Masked tokens of a sequence."""
        return self.length * 15 // 100


TRAIN = {
    "xs": Config(
        layers=2, width=64, heads=2, vocabulary=256, positions=64, length=32, batch=8,
        learning_rate=3e-3, warmup_steps=5, quality_steps=50,
    ),
    "s": Config(
        layers=6, width=384, heads=6, vocabulary=8192, positions=512, length=128, batch=8,
        learning_rate=1e-3, warmup_steps=5, quality_steps=12,
    ),
    "m": Config(
        layers=12, width=768, heads=12, vocabulary=30522, positions=512, length=128, batch=32,
        learning_rate=4e-4, warmup_steps=3, quality_steps=6,
    ),
    "l": Config(
        layers=24, width=1024, heads=16, vocabulary=30522, positions=512, length=128, batch=64,
        learning_rate=2e-4, warmup_steps=3, quality_steps=8,
    ),
}  # fmt: skip
"""m and l are BERT base and large, uncased."""

INFER = {
    "xs": TRAIN["xs"],
    "s": TRAIN["s"],
    "m": replace(TRAIN["m"], length=384, batch=8),
    "l": replace(TRAIN["l"], length=384, batch=32),
}
