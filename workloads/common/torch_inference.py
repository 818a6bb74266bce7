"""Inference in torch: the course that every workload's steps share."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

from workloads.base import Arrays, Spec
from workloads.common.checksums import signs
from workloads.common.layout import UNCHANGED, Layout
from workloads.common.torch_engine import Engine, Tensors, checksums, to_numpy
from workloads.golden import distance, is_stored, relative_l2

Forward = Callable[[Tensors, Tensors, Engine], Tensor]
"""(weights as cast, inputs with the constants among them, engine) -> outputs (B, ...)."""
Cast = Callable[[Tensors, Engine], Tensors]
"""Weights in the types the forward pass wants them in. Done once."""


def cast_all(weights: Tensors, engine: Engine) -> Tensors:
    return {name: value.to(engine.dtype) for name, value in weights.items()}


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
        layout: Layout = UNCHANGED,
    ) -> None:
        self._spec, self._size, self._source = spec, size, spec.source_at(size)
        self._forward, self._engine, self._cast, self._layout = forward, engine, cast, layout
        placed = engine.place(self._source.weights())
        self._weights = cast({name: layout.into(name, value) for name, value in placed.items()}, engine)
        self._constants = engine.place(self._source.constants())
        self._signs: Tensor | None = None
        self._inputs: deque[tuple[int, Tensors]] = deque()
        self._prepared = 0
        self._newest: tuple[Tensor, Tensor] | None = None
        self._witness: tuple[int, Tensor] | None = None

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        made = self._source.inputs(self._prepared, 1 if constant else steps)
        placed = [self._engine.place(inputs) for inputs in made] * (steps if constant else 1)
        self._inputs.extend((self._prepared + index, inputs) for index, inputs in enumerate(placed))
        self._prepared += steps

    def step(self, *, witnessed: bool = False) -> None:
        number, inputs = self._inputs.popleft()
        self._newest = self._answer(self._weights, self._constants | inputs, self._engine)
        if witnessed:
            self._witness = number, self._newest[1].clone()

    @torch.inference_mode()
    def _answer(self, weights: Tensors, inputs: Tensors, engine: Engine) -> tuple[Tensor, Tensor]:
        """The outputs and their checksums."""
        outputs = self._forward(weights, inputs, engine)
        if self._signs is None:
            self._signs = torch.from_numpy(signs(outputs[0].numel())).to(outputs.device)
        return outputs, engine.fuse(checksums)(outputs, self._signs)

    def proof(self) -> float:
        if self._witness is None:
            return math.nan
        number, said = self._witness
        inputs = self._engine.place(self._source.constants() | self._source.inputs(number, 1)[0])
        expected = self._answer(self._exact_weights(), inputs, self._engine.reference())[1]
        return relative_l2(to_numpy(said), to_numpy(expected))

    def quality(self) -> float:
        """Distance from the golden outputs; where none were ever computed, from strict float32 on this device."""
        found = self.outputs()["logits"]
        if is_stored(self._spec.workload, self._spec.mode, self._size):
            return distance(self._spec.workload, self._spec.mode, self._size, found)
        inputs = self._constants | self._engine.place(self._source.audit())
        exact = self._answer(self._exact_weights(), inputs, self._engine.reference())[0]
        return relative_l2(found, to_numpy(exact))

    def _exact_weights(self) -> Tensors:
        """The spec's own weights, made anew and rounded as the program's, in float32."""
        placed = self._engine.place(self._source.weights())
        cast = self._cast({name: self._layout.into(name, value) for name, value in placed.items()}, self._engine)
        return {name: value.float() for name, value in cast.items()}

    def loss(self) -> float:
        return math.nan

    def outputs(self) -> Arrays:
        """The audit's "logits", from the very function that step() runs."""
        inputs = self._constants | self._engine.place(self._source.audit())
        return {"logits": to_numpy(self._answer(self._weights, inputs, self._engine)[0])}

    def weights(self) -> Arrays:
        return {name: to_numpy(self._layout.back(name, value)) for name, value in self._weights.items()}
