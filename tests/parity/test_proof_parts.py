"""A training step's proof may take the batch in parts: it says the same, and holds a part's activations at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import workloads
from workloads.base import Program, Spec
from workloads.common.torch_training import PROOF_PARTS
from workloads.golden import relative_l2

STRICT = 1e-5
Build = Callable[..., Program]
in_parts = pytest.mark.parametrize("workload", ["gpt", "bert"])


def training(build: Build, workload: str, batch: int) -> Any:
    """The program, to be looked into."""
    spec: Spec = workloads.specs(workload)["train"]
    return build(replace(spec, sizes={"xs": replace(spec.sizes["xs"], batch=batch)}), "torch")


def again(program: Any) -> Any:
    weights = {name: value.detach().clone().requires_grad_() for name, value in program._weights.items()}
    return program._again(0, weights)


@in_parts
@pytest.mark.parametrize("batch", [1, 5, 8])
def test_parts_give_the_loss_and_gradients_of_the_whole_batch(build: Build, workload: str, batch: int) -> None:
    program = training(build, workload, batch)
    loss, gradients = again(program)
    program._separable = False
    whole_loss, whole_gradients = again(program)
    assert float(loss) == pytest.approx(float(whole_loss), rel=STRICT)
    for found, expected in zip(gradients, whole_gradients, strict=True):
        assert relative_l2(found.numpy(), expected.numpy()) < STRICT


@in_parts
def test_no_part_is_larger_than_its_share_of_the_batch(build: Build, workload: str) -> None:
    program = training(build, workload, 2 * PROOF_PARTS)
    loss, seen = program._loss_of, []

    def counting(weights: Any, statistics: Any, inputs: Any, engine: Any) -> Any:
        seen.append(inputs["tokens"].shape[0])
        return loss(weights, statistics, inputs, engine)

    program._loss_of = counting
    again(program)
    assert seen == [2] * PROOF_PARTS
