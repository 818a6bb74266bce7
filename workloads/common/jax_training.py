"""Training in JAX: the course that every workload's steps share. One compiled function a step, memory given back."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from workloads.base import Arrays, Spec
from workloads.common.jax_engine import Engine, Tree, to_numpy
from workloads.common.optimisers import AdamW, Optimiser, Sgd
from workloads.common.proofs import Squares, distance

Loss = Callable[[Tree, Tree, Tree, Engine], tuple[Array, Tree]]
"""(weights in float32, statistics, inputs with the constants among them, engine) -> mean loss, new statistics."""
Forward = Callable[[Tree, Tree, Tree, Engine], Array]
"""The same arguments -> what the audit compares, (B, ...)."""


class State(NamedTuple):
    """All that a step changes. `second` is empty for Sgd."""

    weights: Tree
    first: Tree
    second: Tree
    statistics: Tree


@dataclass(slots=True, kw_only=True)
class _Witness:
    """A step that was watched: its number, the weights and first moments before, the first moments and loss after."""

    number: int
    weights: Tree
    before: Tree
    after: Tree
    loss: Array


class Training:
    """One optimiser step per step. Inputs are made ahead and wait on the device."""

    def __init__(
        self,
        spec: Spec,
        size: str,
        *,
        loss: Loss,
        forward: Forward,
        optimiser: Optimiser,
        engine: Engine,
    ) -> None:
        self._source, self._optimiser, self._engine = spec.source_at(size), optimiser, engine
        self._steady = spec.steady.get((size, engine.precision), ())
        self._quality_steps = spec.quality_steps(spec.sizes[size])
        weights: Tree = engine.place(self._source.weights())
        zeros = {name: jnp.zeros_like(value) for name, value in weights.items()}
        second = {name: jnp.zeros_like(value) for name, value in weights.items()} if _adaptive(optimiser) else {}
        self._state = State(weights, zeros, second, engine.place(self._source.statistics()))
        self._constants: Tree = engine.place(self._source.constants())
        self._loss_of, self._forward = loss, forward
        self._update = engine.jit(self._one_step, 0)
        self._inputs: deque[tuple[int, Tree]] = deque()
        self._prepared = self._steps = 0
        self._first: list[Array] = []
        self._newest: Array | float = math.nan
        self._witness: _Witness | None = None

    def _one_step(
        self, state: State, constants: Tree, inputs: Tree, schedule: Array, engine: Engine
    ) -> tuple[State, Array]:
        differentiate = jax.value_and_grad(self._loss_of, has_aux=True)
        (loss, statistics), gradients = differentiate(state.weights, state.statistics, constants | inputs, engine)
        weights, first, second = descend(self._optimiser, state, gradients, schedule)
        return State(weights, first, second, statistics), loss

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        made = self._source.inputs(self._prepared, 1 if constant else steps)
        placed = self._engine.place(made) * (steps if constant else 1)
        self._inputs.extend((self._prepared + index, inputs) for index, inputs in enumerate(placed))
        self._prepared += steps

    def step(self, *, witnessed: bool = False) -> None:
        number, inputs = self._inputs.popleft()
        self._steps += 1
        # The state's memory is given to the step: what a witness keeps must be copies.
        before = jax.tree.map(jnp.copy, (self._state.weights, self._state.first)) if witnessed else None
        schedule = np.array([self._optimiser.rate(self._steps), self._steps], np.float32)
        self._state, self._newest = self._update(self._state, self._constants, inputs, schedule)
        if len(self._first) < self._quality_steps:
            self._first.append(self._newest)
        if before is not None:
            after = jax.tree.map(jnp.copy, self._state.first)
            self._witness = _Witness(number=number, weights=before[0], before=before[1], after=after, loss=self._newest)

    def proof(self) -> float:
        witness = self._witness
        if witness is None:
            return math.nan
        inputs = self._engine.place(self._source.constants() | self._source.inputs(witness.number, 1)[0])
        differentiate = self._engine.reference().jit(jax.value_and_grad(self._loss_of, has_aux=True))
        (loss, _), gradients = differentiate(witness.weights, self._state.statistics, inputs)
        weights = witness.weights
        apart = {
            name: _squares(
                self._optimiser.taken(witness.before[name], witness.after[name]),
                self._optimiser.given(name, weights[name], gradients[name]),
            )
            for name in weights
        }
        return max(distance({"loss": _squares(witness.loss, loss)}), distance(apart, self._steady))

    def quality(self) -> float:
        """The mean loss of the last quarter of the quality steps, less the floor."""
        newest = self._first[-max(1, self._quality_steps // 4) :]
        return float(jnp.stack(newest).mean()) - self._source.floor()

    def loss(self) -> float:
        return float(self._newest)

    def outputs(self) -> Arrays:
        inputs = self._constants | self._engine.place(self._source.audit())
        weights, statistics = self._state.weights, self._state.statistics
        differentiate = self._engine.jit(jax.value_and_grad(self._loss_of, has_aux=True))
        (loss, _), gradients = differentiate(weights, statistics, inputs)
        logits = self._engine.jit(self._forward)(weights, statistics, inputs)
        named = {f"gradient/{name}": gradient for name, gradient in gradients.items()}
        return to_numpy(named | {"logits": logits, "loss": loss})

    def weights(self) -> Arrays:
        return to_numpy(self._state.weights)

    def statistics(self) -> Arrays:
        """The running averages as they are now."""
        return to_numpy(self._state.statistics)


def _squares(found: Any, expected: Any) -> Squares:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return Squares(*(float(np.square(each).sum()) for each in (found, expected, found - expected)))


def _adaptive(optimiser: Optimiser) -> bool:
    return isinstance(optimiser, AdamW)


def descend(optimiser: Optimiser, state: State, gradients: Tree, schedule: Array) -> tuple[Tree, Tree, Tree]:
    """Weights and moments after one step; schedule is (rate, number of the step)."""
    if isinstance(optimiser, Sgd):
        return _sgd(optimiser, state, gradients, schedule[0])
    return _adamw(optimiser, state, gradients, schedule[0], schedule[1])


def _adamw(optimiser: AdamW, state: State, gradients: Tree, rate: Array, number: Array) -> tuple[Tree, Tree, Tree]:
    b1, b2 = optimiser.betas
    first = {name: b1 * state.first[name] + (1 - b1) * g for name, g in gradients.items()}
    second = {name: b2 * state.second[name] + (1 - b2) * g * g for name, g in gradients.items()}
    scale, power = 1 / (1 - b1**number), 1 / (1 - b2**number)

    def moved(name: str, weight: Array) -> Array:
        decayed = weight * (1 - rate * optimiser.weight_decay) if optimiser.decays(name) else weight
        return decayed - rate * (first[name] * scale) / (jnp.sqrt(second[name] * power) + optimiser.epsilon)

    return {name: moved(name, weight) for name, weight in state.weights.items()}, first, second


def _sgd(optimiser: Sgd, state: State, gradients: Tree, rate: Array) -> tuple[Tree, Tree, Tree]:
    given = {name: optimiser.given(name, weight, gradients[name]) for name, weight in state.weights.items()}
    first = {name: optimiser.momentum * state.first[name] + g for name, g in given.items()}
    weights = {
        name: weight - rate * (given[name] + optimiser.momentum * first[name]) for name, weight in state.weights.items()
    }
    return weights, first, {}
