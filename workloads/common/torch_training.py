"""Training in torch: the course that every workload's steps share."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workloads.base import Arrays, Spec
from workloads.common.layout import UNCHANGED, Layout
from workloads.common.optimisers import AdamW, Optimiser
from workloads.common.proofs import Squares, distance
from workloads.common.torch_engine import Engine, Tensors, to_numpy

Loss = Callable[[Tensors, Tensors, Tensors, Engine], Tensor]
"""(weights in float32, statistics, inputs and constants, engine) -> mean loss. May change statistics."""
Forward = Callable[[Tensors, Tensors, Tensors, Engine], Tensor]
"""The same arguments -> what the audit compares, (B, ...)."""

PROOF_PARTS = 4
"""A proof takes a batch in so many parts: a quarter of its activations lie well under the rest, and are still large
enough to be multiplied well."""

PIECE = 2**22
"""Elements."""


@dataclass(slots=True, kw_only=True)
class _Witness:
    """A step that was watched: its number, the weights and first moments before, the first moments and loss after."""

    number: int
    weights: Tensors
    before: Tensors
    after: Tensors
    loss: Tensor


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
        layout: Layout = UNCHANGED,
        separable: bool = False,
    ) -> None:
        """`separable`: the loss is the mean over the batch's items, none of which changes what another gives."""
        self._source = spec.source_at(size)
        self._loss_of, self._forward, self._engine = loss, forward, engine
        self._optimiser, self._layout, self._separable = optimiser, layout, separable
        self._steady = spec.steady.get((size, engine.precision), ())
        self._quality_steps = spec.quality_steps(spec.sizes[size])
        placed = engine.place(self._source.weights())
        self._weights = {name: layout.into(name, value).requires_grad_() for name, value in placed.items()}
        self._statistics = engine.place(self._source.statistics())
        self._constants = engine.place(self._source.constants())
        self._stepper = _torch_optimiser(optimiser, self._weights)
        self._inputs: deque[tuple[int, Tensors]] = deque()
        self._prepared = self._steps = 0
        self._first: list[Tensor] = []
        self._newest = torch.full((), math.nan)
        self._witness: _Witness | None = None

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        made = self._source.inputs(self._prepared, 1 if constant else steps)
        placed = [self._engine.place(inputs) for inputs in made] * (steps if constant else 1)
        self._inputs.extend((self._prepared + index, inputs) for index, inputs in enumerate(placed))
        self._prepared += steps

    def step(self, *, witnessed: bool = False) -> None:
        number, inputs = self._inputs.popleft()
        self._steps += 1
        if witnessed:
            self._witness = None  # an older one makes room first
        before = self._kept() if witnessed else None
        loss = self._loss_of(self._weights, self._statistics, self._constants | inputs, self._engine)
        loss.backward()
        for group in self._stepper.param_groups:
            group["lr"] = self._optimiser.rate(self._steps)
        self._stepper.step()
        self._stepper.zero_grad()
        self._newest = loss.detach()
        if len(self._first) < self._quality_steps:
            self._first.append(self._newest)
        if before is not None:
            weights, moments = before
            self._witness = _Witness(
                number=number, weights=weights, before=moments, after=self._kept()[1], loss=self._newest
            )

    def _kept(self) -> tuple[Tensors, Tensors]:
        """Copies of the weights and of their first moments, zeros before the first step."""
        moment = "exp_avg" if isinstance(self._optimiser, AdamW) else "momentum_buffer"
        weights = {name: value.detach().clone() for name, value in self._weights.items()}
        states = {name: self._stepper.state.get(value, {}).get(moment) for name, value in self._weights.items()}
        moments = {
            name: torch.zeros_like(weights[name]) if state is None else state.clone() for name, state in states.items()
        }
        return weights, moments

    def proof(self) -> float:
        witness = self._witness
        if witness is None:
            return math.nan
        weights = {name: value.detach().requires_grad_() for name, value in witness.weights.items()}
        loss, gradients = self._again(witness.number, weights)
        apart = {
            name: _squares(
                self._optimiser.taken(witness.before[name], witness.after[name]),
                self._optimiser.given(name, value.detach(), gradient),
            )
            for (name, value), gradient in zip(weights.items(), gradients, strict=True)
        }
        return max(distance({"loss": _squares(witness.loss, loss)}), distance(apart, self._steady))

    def _again(self, number: int, weights: Tensors) -> tuple[Tensor, list[Tensor]]:
        """The loss and gradients of step `number` in strict float32, on inputs made anew.

        A part of the batch after the other where that gives the same: not compiled, all of it would take more memory
        than the step did.
        """
        constants, inputs = map(self._engine.place, (self._source.constants(), self._source.inputs(number, 1)[0]))
        statistics = {name: value.clone() for name, value in self._statistics.items()}
        parts = _parts(inputs) if self._separable else [(1.0, inputs)]
        whole = torch.zeros((), device=self._engine.device)
        for share, part in parts:
            loss = share * self._loss_of(weights, statistics, constants | part, self._engine.reference())
            loss.backward()
            whole += loss.detach()
        return whole, [value.grad for value in weights.values()]

    def quality(self) -> float:
        """The mean loss of the last quarter of the quality steps, less the floor."""
        newest = self._first[-max(1, self._quality_steps // 4) :]
        return float(torch.stack(newest).mean()) - self._source.floor()

    def loss(self) -> float:
        return float(self._newest)

    def outputs(self) -> Arrays:
        inputs = self._constants | self._engine.place(self._source.audit())
        statistics = [{name: value.clone() for name, value in self._statistics.items()} for _ in range(2)]
        loss = self._loss_of(self._weights, statistics[0], inputs, self._engine)
        gradients = torch.autograd.grad(loss, list(self._weights.values()))
        with torch.no_grad():
            logits = self._forward(self._weights, statistics[1], inputs, self._engine)
        named = {
            f"gradient/{name}": to_numpy(self._layout.back(name, gradient))
            for name, gradient in zip(self._weights, gradients, strict=True)
        }
        return named | {"logits": to_numpy(logits), "loss": to_numpy(loss)}

    def weights(self) -> Arrays:
        return {name: to_numpy(self._layout.back(name, value)) for name, value in self._weights.items()}

    def statistics(self) -> Arrays:
        """The running averages as they are now."""
        return {name: to_numpy(value) for name, value in self._statistics.items()}


def _parts(inputs: Tensors) -> list[tuple[float, Tensors]]:
    """The batch in PROOF_PARTS parts or fewer, each with its share of it."""
    items = next(iter(inputs.values())).shape[0]
    chunks = zip(*(value.chunk(PROOF_PARTS) for value in inputs.values()), strict=True)
    parts = [dict(zip(inputs, chunk, strict=True)) for chunk in chunks]
    return [(next(iter(part.values())).shape[0] / items, part) for part in parts]


def _squares(found: Tensor, expected: Tensor) -> Squares:
    """Added up in double precision, piece by piece: whole arrays in it would take more memory than the gradients."""
    sums = torch.zeros(3, dtype=torch.float64, device=found.device)
    for one, other in zip(found.flatten().split(PIECE), expected.flatten().split(PIECE), strict=True):
        sums += torch.stack([each.square().sum() for each in (one.double(), other.double(), one.double() - other)])
    return Squares(*sums.tolist())


def _torch_optimiser(optimiser: Optimiser, weights: Tensors) -> torch.optim.Optimizer:
    """torch's own fused one, with decayed and other weights in groups of their own."""
    groups = [
        {"params": [value for name, value in weights.items() if optimiser.decays(name) == decayed], "weight_decay": d}
        for decayed, d in ((True, optimiser.weight_decay), (False, 0.0))
    ]
    groups = [group for group in groups if group["params"]]
    if isinstance(optimiser, AdamW):
        return torch.optim.AdamW(groups, lr=0.0, betas=optimiser.betas, eps=optimiser.epsilon, fused=True)
    return torch.optim.SGD(groups, lr=0.0, momentum=optimiser.momentum, nesterov=True, fused=True)
