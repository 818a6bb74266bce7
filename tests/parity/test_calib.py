"""What is particular to the parity of `calib`: exact numbers in memory, and that nothing of a step can be left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch.utils.flop_counter import FlopCounterMode

import workloads
from suite.audit import holds, witnessed
from workloads.base import Program, Spec
from workloads.golden import relative_l2

SPECS = workloads.specs("calib")
EXACT = [SPECS["copy"], SPECS["launch"]]
Build = Callable[..., Program]
in_both = pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
each_exact = pytest.mark.parametrize("spec", EXACT, ids=lambda spec: str(spec.mode))


def stepped(program: Program, steps: int, watched: int | None = None) -> Any:
    program.prepare(steps)
    for step in range(steps):
        program.step(witnessed=step == watched)
    return program


def is_caught(program: Program, spec: Spec) -> bool:
    return not holds(witnessed(program, spec.proof_limits["fp32"]))


def test_operations_are_those_torch_counts(build: Build) -> None:
    program = build(SPECS["matmul"], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    assert counter.get_total_flops() == SPECS["matmul"].flops_per_step(SPECS["matmul"].sizes["xs"])


@in_both
def test_products_are_those_of_numpy(build: Build, framework: str) -> None:
    source = SPECS["matmul"].source_at("xs")
    x = (source.constants()["start"] * source.audit()["scale"]).astype(np.float64)
    for index in range(SPECS["matmul"].sizes["xs"].products):
        x = x @ source.weights()[f"matrix{index}"]
    assert relative_l2(build(SPECS["matmul"], framework).outputs()["logits"], x) < 1e-5


@in_both
def test_a_chain_that_ends_early_is_caught(build: Build, framework: str) -> None:
    program: Any = build(SPECS["matmul"], framework)
    program._weights.popitem()
    assert is_caught(stepped(program, 2, watched=1), SPECS["matmul"])


@each_exact
@in_both
def test_numbers_are_bit_identical_to_what_they_must_be(build: Build, spec: Spec, framework: str) -> None:
    program = stepped(build(spec, framework), 7)
    level = spec.source_at("xs").inputs(6, 1)[0]["levels"][-1]
    assert np.array_equal(program.outputs()["logits"][0], level * spec.source_at("xs").weights()["tile"])
    assert program.quality() == 0.0


@each_exact
@in_both
def test_an_honest_step_is_proven_after_others_and_after_one_input_for_all(
    build: Build, spec: Spec, framework: str
) -> None:
    program = build(spec, framework)
    assert np.isnan(program.proof())
    assert not is_caught(stepped(program, 4, watched=2), spec)
    program.prepare(3, constant=True)
    for _ in range(3):
        program.step()
    assert program.quality() == 0.0
    assert not is_caught(stepped(program, 2, watched=1), spec)


@each_exact
@in_both
@pytest.mark.fault("calibration that leaves one pass over memory out", "audit fails")
def test_a_step_that_was_left_out_is_caught(build: Build, spec: Spec, framework: str) -> None:
    program: Any = stepped(build(spec, framework), 1)
    program.prepare(1)
    number, _ = program._steps.pop()
    program._steps.append((number, []))
    program.step(witnessed=True)
    assert is_caught(program, spec)


@in_both
@pytest.mark.fault("calibration that starts half of its kernels", "audit fails")
def test_a_step_of_half_its_launches_is_caught(build: Build, framework: str) -> None:
    program: Any = build(SPECS["launch"], framework)
    program.prepare(1)
    number, factors = program._steps.pop()
    program._steps.append((number, factors[: len(factors) // 2]))
    program.step(witnessed=True)
    assert is_caught(program, SPECS["launch"])


@in_both
@pytest.mark.fault("calibration that goes over half of the memory", "audit fails")
def test_a_pass_over_half_of_the_memory_is_caught(
    build: Build, framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if framework == "torch":
        half = property(lambda held: held._numbers[: len(held._numbers) // 2].mul_)
        monkeypatch.setattr("workloads.calib.torch_program.Held.multiply", half)
    else:
        monkeypatch.setattr(
            "workloads.calib.jax_program._multiplied",
            lambda numbers, factor: numbers.at[: len(numbers) // 2].multiply(factor),
        )
    program = build(SPECS["copy"], framework)
    assert is_caught(stepped(program, 1, watched=0), SPECS["copy"])


@in_both
def test_memory_is_worked_on_in_place(build: Build, framework: str) -> None:
    """A second buffer would double what the pass takes, and its traffic would not be counted."""
    program: Any = stepped(build(SPECS["copy"], framework), 1)
    address = "data_ptr" if framework == "torch" else "unsafe_buffer_pointer"
    before = getattr(program._held._numbers, address)()
    stepped(program, 3)
    assert getattr(program._held._numbers, address)() == before


@in_both
def test_the_idle_program_only_sleeps(build: Build, framework: str) -> None:
    program = stepped(build(SPECS["idle"], framework), 2, watched=1)
    assert program.quality() >= 0.0
    assert 0.0 <= program.proof() == program.quality()
    assert program.outputs() == program.weights() == {}
