"""What every workload owes in every mode: both frameworks do the same, and nothing less passes for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import workloads
from workloads.base import Arrays, Program, Source, Spec
from workloads.golden import relative_l2

STRICT = 1e-5
BF16 = 2e-2
STEPS = 60
Build = Callable[..., Program]

SPECS = [
    pytest.param(spec, id=f"{name}-{mode}")
    for name in workloads.names()
    for mode, spec in workloads.specs(name).items()
    if mode.split("-")[0] == mode or mode.split("-")[0] not in workloads.specs(name)
    if name != "calib" or mode == "matmul"
]
"""Modes that differ from another in their batch alone are the same program: the other stands for them. The other modes
of `calib` have no weights, batch or precision to be tested: `test_calib.py` says what they owe."""
TRAINING = [param for param in SPECS if param.values[0].mode == "train"]
INFERENCE = [param for param in SPECS if param.values[0].mode != "train"]
each = pytest.mark.parametrize("spec", SPECS)
each_training = pytest.mark.parametrize("spec", TRAINING)
each_inference = pytest.mark.parametrize("spec", INFERENCE)
in_both = pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
in_each_precision = pytest.mark.parametrize("precision", workloads.PRECISIONS)


@dataclass(frozen=True)
class Noisy:
    """A source one of whose weights is off by a thousandth of its own size."""

    source: Source
    name: str

    def weights(self) -> Arrays:
        weights = self.source.weights()
        noise = np.random.default_rng(7).standard_normal(weights[self.name].shape)
        size = np.sqrt(np.square(weights[self.name]).mean()) or 1.0
        weights[self.name] = (weights[self.name] + 1e-3 * size * noise).astype(np.float32)
        return weights

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)


def noisy(spec: Spec, name: str) -> Spec:
    return replace(spec, source=lambda config, seed: Noisy(spec.source(config, seed), name))


def largest_weights(spec: Spec) -> Iterator[str]:
    """The three weights with the most elements: each carries a good part of the work."""
    weights = spec.source_at("xs").weights()
    yield from sorted(weights, key=lambda name: -weights[name].size)[:3]


def losses(program: Program, steps: int) -> list[float]:
    program.prepare(steps)
    found = []
    for _ in range(steps):
        program.step()
        found.append(program.loss())
    return found


def warmed_up(program: Program, spec: Spec) -> Program:
    steps = max(1, spec.quality_steps(spec.sizes["xs"]))
    program.prepare(steps)
    for _ in range(steps):
        program.step()
    return program


@each
def test_both_frameworks_give_the_same_outputs_and_gradients(build: Build, spec: Spec) -> None:
    ours, theirs = (build(spec, framework).outputs() for framework in workloads.FRAMEWORKS)
    assert ours.keys() == theirs.keys()
    assert max(relative_l2(theirs[name], ours[name]) for name in ours if np.abs(ours[name]).max() > 1e-7) < STRICT


@each
def test_a_weight_off_by_a_thousandth_breaks_parity(build: Build, spec: Spec) -> None:
    ours = build(spec, "torch").outputs()["logits"]
    for name in largest_weights(spec):
        assert relative_l2(build(noisy(spec, name), "jax").outputs()["logits"], ours) > 2 * STRICT, name


@each_training
def test_sixty_training_steps_give_the_same_losses(build: Build, spec: Spec) -> None:
    ours, theirs = (losses(build(spec, framework), STEPS) for framework in workloads.FRAMEWORKS)
    np.testing.assert_allclose(theirs, ours, rtol=STRICT)


@each_training
def test_training_on_a_perturbed_weight_gives_other_losses(build: Build, spec: Spec) -> None:
    name = next(largest_weights(spec))
    ours, theirs = losses(build(spec, "torch"), STEPS), losses(build(noisy(spec, name), "jax"), STEPS)
    assert np.abs(np.array(theirs) / np.array(ours) - 1).max() > STRICT


@each
@in_both
def test_bfloat16_stays_near_float32_and_is_not_float32(build: Build, spec: Spec, framework: str) -> None:
    exact, rounded = (build(spec, framework, precision=precision).outputs() for precision in workloads.PRECISIONS)
    items = zip(rounded["logits"], exact["logits"], strict=True)
    # The middle one: with random weights a single image may lie where rounding is made large.
    assert 1e-4 < np.median([relative_l2(near, item) for near, item in items]) < BF16


@each
@in_both
@in_each_precision
def test_quality_falls_in_its_band(build: Build, spec: Spec, framework: str, precision: str) -> None:
    program = warmed_up(build(spec, framework, precision=precision), spec)
    assert spec.band("xs", precision).holds(program.quality())


@each_training
@pytest.mark.parametrize("share", [0.0, 0.5], ids=["frozen weights", "half the learning rate"])
def test_less_training_falls_out_of_the_band(
    build: Build, spec: Spec, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = build(spec, "torch")
    optimiser = program._optimiser  # type: ignore[attr-defined]  # a cheat changes what is inside
    slower = replace(optimiser, rate=lambda step: share * optimiser.rate(step))
    monkeypatch.setattr(program, "_optimiser", slower)
    assert not spec.band("xs", "fp32").holds(warmed_up(program, spec).quality())


@each
@in_both
@in_each_precision
def test_a_witnessed_step_is_proven(build: Build, spec: Spec, framework: str, precision: str) -> None:
    program = build(spec, framework, precision=precision)
    program.prepare(4)
    for step in range(4):
        program.step(witnessed=step == 2)
    assert program.proof() < spec.proof_limit("xs", precision)


@each
@in_both
def test_what_no_step_was_watched_for_is_not_proven(build: Build, spec: Spec, framework: str) -> None:
    program = build(spec, framework)
    program.prepare(1)
    program.step()
    assert np.isnan(program.proof())


@each
@in_both
def test_one_input_can_be_given_to_all_steps_and_fresh_ones_after(build: Build, spec: Spec, framework: str) -> None:
    program = build(spec, framework)
    program.prepare(2, constant=True)
    program.step()
    program.step()
    program.prepare(1)
    program.step(witnessed=True)
    assert program.proof() < spec.proof_limits["fp32"]


@each
@in_both
def test_a_programs_first_weights_are_the_specs(build: Build, spec: Spec, framework: str) -> None:
    initial = spec.source_at("xs").weights()
    weights = build(spec, framework).weights()
    assert weights.keys() == initial.keys()
    assert all(np.array_equal(weights[name], value) for name, value in initial.items())


@each_inference
@in_both
def test_the_first_answer_does_not_depend_on_the_batch(build: Build, spec: Spec, framework: str) -> None:
    batch = spec.sizes["xs"].batch
    ours = build(spec, framework).outputs()["logits"]
    theirs = build(spec.with_batch("xs", batch + 1), framework).outputs()["logits"]
    assert relative_l2(theirs[0], ours[0]) < STRICT


@each
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The .grad attribute of a Tensor:UserWarning")
def test_compiled_torch_gives_what_eager_torch_gives(build: Build, spec: Spec) -> None:
    eager, compiled = (build(spec, "torch", compiled=compiled).outputs() for compiled in (False, True))
    assert max(relative_l2(compiled[name], eager[name]) for name in eager if np.abs(eager[name]).max() > 1e-7) < STRICT
