"""What is particular to the parity of `gan`: two losses in one, running averages, and what training must see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Arrays, Program, Spec
from workloads.common.torch_engine import open_engine
from workloads.common.torch_images import images
from workloads.common.torch_transposed import LAYOUT
from workloads.gan import SAMPLE, SIZES, SPECS, TRAIN, data, torch_model
from workloads.gan.network import discriminator
from workloads.golden import relative_l2

XS = SIZES["xs"]
STRICT = 1e-5
Build = Callable[..., Program]
in_both = pytest.mark.parametrize("framework", workloads.FRAMEWORKS)


def in_torch(arrays: Arrays) -> dict[str, torch.Tensor]:
    engine = open_engine(torch.device("cpu"), "fp32", compiled=False)
    return {name: LAYOUT.into(name, value) for name, value in engine.place(arrays).items()}


def separate_gradients() -> Arrays:
    """By two losses and two backward passes, as the paper has it; in torch, under the names of outputs()."""
    source = data.Training(config=XS, seed=TRAIN.seed)
    weights = {name: value.requires_grad_() for name, value in in_torch(source.weights()).items()}
    inputs = in_torch(source.constants() | source.audit())
    real = images(inputs["pool"], inputs["view"], torch.float32) * data.CONTRAST
    made = torch_model.generate(weights, inputs["latents"], lambda name, x: torch_model.normalise(weights, {}, name, x))
    entropy = torch.nn.BCEWithLogitsLoss()
    on_real, on_made = torch_model.discriminate(weights, real), torch_model.discriminate(weights, made)
    told = entropy(on_real, torch.ones(XS.batch)) + entropy(on_made, torch.zeros(XS.batch))
    losses = {"discriminator": told, "generator": entropy(on_made, torch.ones(XS.batch))}
    gradients = {}
    for network, loss in losses.items():
        own = {name: value for name, value in weights.items() if name.startswith(network)}
        for name, gradient in zip(own, torch.autograd.grad(loss, list(own.values()), retain_graph=True), strict=True):
            gradients[f"gradient/{name}"] = LAYOUT.back(name, gradient).numpy()
    return gradients


@in_both
def test_each_network_gets_the_gradient_of_its_own_loss(build: Build, framework: str) -> None:
    found, expected = build(TRAIN, framework).outputs(), separate_gradients()
    assert {name for name in found if name.startswith("gradient/")} == expected.keys()
    for name, gradient in expected.items():
        assert relative_l2(found[name], gradient) < STRICT, name


@in_both
def test_a_discriminator_without_an_opinion_gives_three_times_ln_2(build: Build, framework: str) -> None:
    spec = replace(TRAIN, source=lambda config, seed: _Undecided(config=config, seed=seed))
    assert float(build(spec, framework).outputs()["loss"]) == pytest.approx(3 * math.log(2), rel=STRICT)


class _Undecided(data.Training):
    def weights(self) -> Arrays:
        last = discriminator(self.config)[-1].weight
        return {name: value * 0 if name == last else value for name, value in data.Training.weights(self).items()}


def test_running_averages_are_the_same_in_both_frameworks(build: Build) -> None:
    kept = []
    for framework in workloads.FRAMEWORKS:
        program: Any = build(TRAIN, framework)
        program.prepare(5)
        for _ in range(5):
            program.step()
        kept.append(program.statistics())
    ours, theirs = kept
    assert ours.keys() == theirs.keys() == data.Training(config=XS, seed=TRAIN.seed).statistics().keys()
    assert max(relative_l2(theirs[name], ours[name]) for name in ours) < STRICT


@in_both
def test_a_step_moves_the_averages_a_tenth_of_the_way_to_the_batchs(build: Build, framework: str) -> None:
    """Of the projection, which needs no convolution: mean and unbiased variance over images and pixels."""
    source = data.Training(config=XS, seed=TRAIN.seed)
    program: Any = build(TRAIN, framework)
    program.prepare(1)
    program.step()
    projected = source.inputs(0, 1)[0]["latents"] @ source.weights()["generator.project.weight"]
    values = projected.reshape(-1, XS.widest).astype(np.float64)
    found = program.statistics()
    assert relative_l2(found["generator.project.mean"], 0.1 * values.mean(axis=0)) < STRICT
    assert relative_l2(found["generator.project.variance"], 0.9 + 0.1 * values.var(axis=0, ddof=1)) < STRICT


@in_both
def test_made_images_stay_in_the_range_of_the_real_ones(build: Build, framework: str) -> None:
    made = build(SAMPLE, framework).outputs()["logits"]
    assert made.shape == (XS.batch, XS.image, XS.image, 3)
    assert np.abs(made).max() < 1
    assert made.std() > 0.05


def test_half_the_width_falls_out_of_the_band(build: Build) -> None:
    config = replace(XS, width=XS.width // 2)
    program = build(replace(TRAIN, sizes={"xs": config}), "torch")
    program.prepare(config.quality_steps)
    for _ in range(config.quality_steps):
        program.step()
    assert not TRAIN.band("xs", "fp32").holds(program.quality())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_flops_are_those_torch_counts(build: Build, spec: Spec) -> None:
    """In training torch runs the discriminator forward on the made images a second time, which need not be done."""
    program = build(spec, "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    again = 2 * XS.batch * sum(layer.macs for layer in discriminator(XS)) if spec.mode == "train" else 0
    assert counter.get_total_flops() == spec.flops_per_step(XS) + again
