"""Inference in JAX: the course that every workload's steps share. One compiled function a step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from workloads.base import Arrays, Spec
from workloads.common.checksums import signs
from workloads.common.jax_engine import Engine, Tree, checksums, to_numpy
from workloads.golden import distance, is_stored, relative_l2

Forward = Callable[[Tree, Tree, Engine], Array]
"""(weights as cast, inputs with the constants among them, engine) -> outputs (B, ...)."""
Cast = Callable[[Tree, Engine], Tree]
"""Weights in the types the forward pass wants them in. Done once."""


def cast_all(weights: Tree, engine: Engine) -> Tree:
    return {name: value.astype(engine.dtype) for name, value in weights.items()}


class Inference:
    """Each step answers one batch. Inputs are made ahead and wait on the device."""

    def __init__(
        self,
        spec: Spec,
        size: str,
        *,
        forward: Forward,
        engine: Engine,
        cast: Cast = cast_all,
    ) -> None:
        self._spec, self._size, self._engine = spec, size, engine
        self._source = spec.source_at(size)
        self._forward, self._cast = forward, cast
        self._weights = cast(engine.place(self._source.weights()), engine)
        self._constants: Tree = engine.place(self._source.constants())
        self._run = engine.jit(self._answer)
        self._inputs: deque[tuple[int, Tree]] = deque()
        self._prepared = 0
        self._newest: tuple[Array, Array] | None = None
        self._witness: tuple[int, Array] | None = None

    def _answer(self, weights: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Array]:
        """The outputs and their checksums."""
        outputs = self._forward(weights, inputs, engine)
        return outputs, checksums(outputs, jnp.asarray(signs(outputs[0].size)))

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        made = self._source.inputs(self._prepared, 1 if constant else steps)
        placed = self._engine.place(made) * (steps if constant else 1)
        self._inputs.extend((self._prepared + index, inputs) for index, inputs in enumerate(placed))
        self._prepared += steps

    def step(self, *, witnessed: bool = False) -> None:
        number, inputs = self._inputs.popleft()
        self._newest = self._run(self._weights, self._constants | inputs)
        if witnessed:
            self._witness = number, self._newest[1]

    def proof(self) -> float:
        if self._witness is None:
            return math.nan
        number, said = self._witness
        inputs = self._engine.place(self._source.constants() | self._source.inputs(number, 1)[0])
        return relative_l2(np.asarray(said), np.asarray(self._exactly(inputs)[1]))

    def quality(self) -> float:
        """Distance from the golden outputs; where none were ever computed, from strict float32 on this device."""
        found = self.outputs()["logits"]
        if is_stored(self._spec.workload, self._spec.mode, self._size):
            return distance(self._spec.workload, self._spec.mode, self._size, found)
        exact = self._exactly(self._constants | self._engine.place(self._source.audit()))[0]
        return relative_l2(found, np.asarray(exact))

    def _exactly(self, inputs: Tree) -> tuple[Array, Array]:
        """Outputs and checksums in strict float32, by the spec's weights, made anew and rounded as the program's."""
        cast = self._cast(self._engine.place(self._source.weights()), self._engine)
        weights = {name: value.astype(jnp.float32) for name, value in cast.items()}
        exact: tuple[Array, Array] = self._engine.reference().jit(self._answer)(weights, inputs)
        return exact

    def loss(self) -> float:
        return math.nan

    def outputs(self) -> Arrays:
        """The audit's "logits", from the very function that step() runs."""
        inputs = self._constants | self._engine.place(self._source.audit())
        return to_numpy({"logits": self._run(self._weights, inputs)[0]})

    def weights(self) -> Arrays:
        return to_numpy(self._weights)
