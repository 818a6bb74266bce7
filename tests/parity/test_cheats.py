"""A program that does less inside its windows than it shows outside them is caught: one test for each way to do so.

Each cheat is honest until its quality has been read, then changes what its steps do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import workloads
from suite.audit import holds, witnessed
from workloads.base import Program

GPT = workloads.specs("gpt")
LAST_LAYER = ("projection_weight", "down_weight", "projection_bias", "down_bias")
"""What a layer adds to the residual stream goes through these."""

Build = Callable[..., Program]
in_both = pytest.mark.parametrize("framework", workloads.FRAMEWORKS)


def is_caught(program: Program, mode: str, steps: int = 4) -> bool:
    program.prepare(steps)
    for step in range(steps):
        program.step(witnessed=step == steps - 1)
    return not holds(witnessed(program, GPT[mode].proof_limits["fp32"]))


def honest(build: Build, framework: str, mode: str) -> Any:
    program = build(GPT[mode], framework)
    if mode != "train":
        assert GPT[mode].band("xs", "fp32").holds(program.quality())
    return program


@in_both
@pytest.mark.parametrize("mode", GPT)
def test_an_honest_program_is_not_accused(build: Build, framework: str, mode: str) -> None:
    assert not is_caught(honest(build, framework, mode), mode)


@in_both
@pytest.mark.fault("program that leaves a layer out inside its windows", "audit fails")
@pytest.mark.parametrize("mode", ["prefill", "decode"])
def test_a_program_that_skips_a_layer_is_caught(build: Build, framework: str, mode: str) -> None:
    program = honest(build, framework, mode)
    program._weights = skipping(framework, program._weights)
    assert is_caught(program, mode)


@in_both
@pytest.mark.fault("training that leaves a layer out inside its windows", "audit fails")
def test_training_that_skips_a_layer_is_caught(build: Build, framework: str) -> None:
    program = honest(build, framework, "train")
    loss = program._loss_of

    def cheating(weights: Any, *rest: Any) -> Any:
        return loss(skipping(framework, weights), *rest)

    program._loss_of = cheating
    program.prepare(1)
    program.step()  # JAX traces its step once, with the loss as it is now
    program.prepare(1)
    program.step(witnessed=True)
    program._loss_of = loss
    assert not holds(witnessed(program, GPT["train"].proof_limits["fp32"]))


@in_both
@pytest.mark.fault("program that gives its first answer again", "audit fails")
@pytest.mark.parametrize("mode", ["prefill", "decode"])
def test_a_program_that_remembers_its_answers_is_caught(build: Build, framework: str, mode: str) -> None:
    program = honest(build, framework, mode)
    program.prepare(1)
    program.step(witnessed=True)
    first = program._witness

    def step(*, witnessed: bool = False) -> None:
        number = program._inputs.popleft()[0]
        program._witness = (number, *first[1:])

    program.step = step
    assert is_caught(program, mode)


@in_both
@pytest.mark.fault("program that feeds zeros", "audit fails")
@pytest.mark.parametrize("mode", GPT)
def test_a_program_that_feeds_zeros_is_caught(build: Build, framework: str, mode: str) -> None:
    program = honest(build, framework, mode)
    prepare = program.prepare

    def zeros(steps: int, *, constant: bool = False) -> None:
        prepare(steps, constant=constant)
        emptied = [(number, _zeroed(inputs)) for number, inputs in program._inputs]
        program._inputs.clear()
        program._inputs.extend(emptied)

    program.prepare = zeros
    assert is_caught(program, mode)


def _zeroed(inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return {name: value * 0 for name, value in inputs.items()}
    return inputs * 0


@pytest.mark.fault("decoding that stops half way", "audit fails")
def test_decoding_that_stops_early_is_caught(build: Build) -> None:
    program = honest(build, "torch", "decode")
    program._places = program._places[: len(program._places) // 2]
    assert is_caught(program, "decode")


@in_both
@pytest.mark.fault("training that stops learning", "audit fails")
def test_training_that_leaves_its_optimiser_out_is_caught(build: Build, framework: str) -> None:
    program = honest(build, framework, "train")
    program.prepare(1)
    program.step(witnessed=True)
    program._witness.after = program._witness.before
    assert not holds(witnessed(program, GPT["train"].proof_limits["fp32"]))


def skipping(framework: str, weights: dict[str, Any]) -> dict[str, Any]:
    """The weights with those of the last layer that reach the residual stream at zero."""
    kept = {}
    for name, value in weights.items():
        mask = np.ones((value.shape[0], *[1] * (len(value.shape) - 1)), np.float32)
        mask[-1] = 0
        kept[name] = value * _array(framework, mask, value) if name in LAST_LAYER else value
    return kept


def _array(framework: str, mask: np.ndarray, like: Any) -> Any:
    if framework == "torch":
        import torch

        return torch.from_numpy(mask).to(like.dtype)
    return mask.astype(like.dtype)
