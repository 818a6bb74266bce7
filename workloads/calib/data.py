"""What `calib` works on, from the seed: matrices, numbers in memory and what they are multiplied by. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workloads.base import Arrays
from workloads.common.streams import generator

EXPONENTS = 8
"""How many powers of two a launch may choose from: odd ones at even launches, even ones at odd launches."""

BLOCK = 2**14
"""Launches whose levels are drawn at once: a step may be so short that a generator of its own took longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """So many products of square matrices, each of what the last one gave."""

    width: int  # N
    products: int  # K
    batch: int  # rows of what is multiplied; as many as the matrices have


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """float32 numbers, (rows, columns), and how often a step goes over all of them. Every row starts alike."""

    rows: int
    columns: int
    launches: int
    batch: int = 1

    @property
    def elements(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """How long a step does nothing."""

    milliseconds: int
    batch: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """What has neither averages, constants nor a loss."""

    seed: int

    def statistics(self) -> Arrays:
        return {}

    def constants(self) -> Arrays:
        return {}

    def floor(self) -> float:
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Products(_Drawn):
    """Each step gets "scale" (N,), one factor for each column of "start" (B, N): it is small, and changes every
    element of every product. The matrices' variance of 1/N keeps them all of order one."""

    config: Chain

    def weights(self) -> Arrays:
        width, deviation = self.config.width, np.float32(self.config.width**-0.5)
        return {
            f"matrix{index}": deviation * self._normal("matrix", index, rows=width)
            for index in range(self.config.products)
        }

    def constants(self) -> Arrays:
        return {"start": self._normal("start", rows=self.config.batch)}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{"scale": self._scale("scale", step)} for step in range(first, first + steps)]

    def audit(self) -> Arrays:
        return {"scale": self._scale("audit")}

    def _normal(self, *path: str | int, rows: int) -> np.ndarray:
        return generator(self.seed, *path).standard_normal((rows, self.config.width), dtype=np.float32)

    def _scale(self, *path: str | int) -> np.ndarray:
        """(N,) of either sign, 0.5 to 1.5 in size."""
        random = generator(self.seed, *path)
        sizes = 0.5 + random.random(self.config.width, dtype=np.float32)
        return np.where(random.random(self.config.width) < 0.5, -sizes, sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiples(_Drawn):
    """Each step gets "levels" (launches,): what the numbers in memory are times their first values after each launch.

    Levels are powers of two of either sign, so that float32 holds every product exactly, however many there are. None
    is 1, and none is the one before it, so that a launch that was left out is seen. The same step may be given again
    and again: what a launch multiplies by is the quotient of its level and the last.
    """

    config: Memory

    def weights(self) -> Arrays:
        """One row."""
        random = generator(self.seed, "tile")
        sizes = 0.5 + random.random(self.config.columns, dtype=np.float32)
        return {"tile": np.where(random.random(self.config.columns) < 0.5, -sizes, sizes)}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        per_block = max(1, BLOCK // self.config.launches)
        numbers = range(first // per_block, (first + steps - 1) // per_block + 1)
        blocks = [self._levels(number * per_block, per_block, "levels", number) for number in numbers]
        return [{"levels": levels} for levels in np.concatenate(blocks)[first % per_block :][:steps]]

    def audit(self) -> Arrays:
        return {"levels": self._levels(0, 1, "audit")[0]}

    def _levels(self, first: int, steps: int, *path: str | int) -> np.ndarray:
        """(steps, launches)"""
        launches = first * self.config.launches + np.arange(steps * self.config.launches)
        random = generator(self.seed, *path)
        exponents = 2 * random.integers(0, EXPONENTS, launches.size) + 1 + launches % 2
        signs = 1 - 2 * random.integers(0, 2, launches.size)
        return np.ldexp(signs, exponents).astype(np.float32).reshape(steps, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing(_Drawn):
    """Steps without work get nothing."""

    config: Pause

    def weights(self) -> Arrays:
        return {}

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        return [{} for _ in range(steps)]

    def audit(self) -> Arrays:
        return {}
