"""`copy` and `launch`: numbers that stay in the device's memory and are multiplied in place. Knows no framework."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from workloads.base import Arrays, Spec
from workloads.golden import relative_l2

SAMPLES = 4096
"""So many positions show with 98 % certainty that a thousandth of the memory was left out."""


class Held(Protocol):
    """A framework's (rows, columns) float32 numbers."""

    @property
    def multiply(self) -> Callable[[Any], Any]:
        """Queue one kernel that reads every number, multiplies it by a `factor()` and writes it back."""
        ...

    def factor(self, value: float) -> Any:
        """`value` as `multiply` wants it, so that no launch has to convert it."""
        ...

    def read(self, rows: np.ndarray, columns: np.ndarray) -> Any:
        """Queue a copy of the numbers at these positions; the copy keeps them when the numbers change."""
        ...


class Scaling:
    """Each step multiplies all numbers so many times, by quotients of the levels that its inputs name."""

    def __init__(self, spec: Spec, size: str, held: Held) -> None:
        self._config, self._source, self._held = spec.sizes[size], spec.source_at(size), held
        self._factors: dict[float, Any] = {}
        self._level = np.float32(1)  # of all numbers once the steps prepared are done
        self._steps: deque[tuple[int, list[Any]]] = deque()
        self._prepared = 0
        self._newest: int | None = None
        self._witness: tuple[int, np.ndarray, Any] | None = None
        self._sample()  # whatever must be compiled for it is, before any window

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        made = self._source.inputs(self._prepared, 1 if constant else steps) * (steps if constant else 1)
        for index, factors in enumerate(self._quotients(np.array([inputs["levels"] for inputs in made]))):
            self._steps.append((self._prepared + (0 if constant else index), factors))
        self._prepared += steps

    def _quotients(self, levels: np.ndarray) -> list[list[Any]]:
        """What to multiply by to come from each of these levels (steps, launches) to the next."""
        before = np.concatenate([[self._level], levels.ravel()[:-1]])
        self._level = levels[-1, -1]
        values, places = np.unique(levels.ravel() / before, return_inverse=True)
        factors = [self._factor(value) for value in values.tolist()]
        rows: Any = places.reshape(levels.shape).tolist()
        return [[factors[place] for place in row] for row in rows]

    def _factor(self, value: float) -> Any:
        if value not in self._factors:
            self._factors[value] = self._held.factor(value)
        return self._factors[value]

    def step(self, *, witnessed: bool = False) -> None:
        self._newest, factors = self._steps.popleft()
        multiply = self._held.multiply
        for factor in factors:
            multiply(factor)
        if witnessed:
            self._witness = self._newest, *self._sample()

    def _sample(self) -> tuple[np.ndarray, Any]:
        """Columns and numbers of positions that nobody can know before."""
        random = np.random.default_rng()
        rows, columns = (random.integers(0, end, SAMPLES) for end in (self._config.rows, self._config.columns))
        return columns, self._held.read(rows, columns)

    def proof(self) -> float:
        return math.nan if self._witness is None else self._distance(*self._witness)

    def quality(self) -> float:
        """Distance of numbers all over the memory from what they must be after the newest step."""
        return math.nan if self._newest is None else self._distance(self._newest, *self._sample())

    def _distance(self, number: int, columns: np.ndarray, found: Any) -> float:
        level = self._source.inputs(number, 1)[0]["levels"][-1]
        return relative_l2(np.asarray(found), level * self._source.weights()["tile"][columns])

    def loss(self) -> float:
        return math.nan

    def outputs(self) -> Arrays:
        """The first row as it is now: the audit asks no more of it than a step."""
        return {"logits": self.weights()["tile"][None]}

    def weights(self) -> Arrays:
        columns = np.arange(self._config.columns)
        return {"tile": np.array(self._held.read(np.zeros_like(columns), columns), dtype=np.float32)}
