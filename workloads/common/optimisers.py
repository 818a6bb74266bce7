"""The optimisers' equations as plain numbers; each framework carries them out in its own way. No arrays, no framework.

AdamW, with g the gradient and t = 1, 2, ... the step:

    m <- b1 m + (1 - b1) g             v <- b2 v + (1 - b2) g^2
    w <- (1 - r d) w - r (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + e)

Sgd, with Nesterov's momentum:

    m <- b m + (g + d w)               w <- w - r (g + d w + b m)

where r is the rate of the step and d the decay, 0 for weights that `decays` does not name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamW:
    """`rate` takes the number of the step, from 1."""

    rate: Callable[[int], float]
    decays: Callable[[str], bool]
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    weight_decay: float = 0.1

    def taken(self, before: Any, after: Any) -> Any:
        """The gradient that moved the first moment from `before` to `after`."""
        return (after - self.betas[0] * before) / (1 - self.betas[0])

    def given(self, name: str, weight: Any, gradient: Any) -> Any:
        """What the first moment takes in."""
        return gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd:
    """`rate` takes the number of the step, from 1."""

    rate: Callable[[int], float]
    decays: Callable[[str], bool]
    momentum: float = 0.9
    weight_decay: float = 1e-4

    def taken(self, before: Any, after: Any) -> Any:
        """The gradient with its decay that moved the momentum from `before` to `after`."""
        return after - self.momentum * before

    def given(self, name: str, weight: Any, gradient: Any) -> Any:
        """What the momentum takes in."""
        return gradient + self.weight_decay * weight if self.decays(name) else gradient


Optimiser = AdamW | Sgd


def warmed_up(rate: float, steps: int) -> Callable[[int], float]:
    """Linear over the first steps, then constant."""
    return lambda number: rate * min(1.0, number / steps)
