"""ResNet in torch and in JAX is the same work: compared in strict float32 at the size made for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Arrays, Program, Spec
from workloads.golden import relative_l2
from workloads.resnet import SPECS, data, jax_program, torch_program
from workloads.resnet.network import NORM_EPSILON, Config, network

Build = Callable[..., Program]

EXACT = 1e-5
ROUNDED = 2e-2  # bfloat16 keeps 8 bits
# Batch normalisation and rectifiers amplify the last bit of float32 from step to step, so that weights drift further
# than losses; the learning rate at this size is low enough for both to stay near.
AFTER_TRAINING = 1e-4

CONFIG: Config = SPECS["train"].sizes["xs"]
BOTTLENECK = replace(CONFIG, block="bottleneck", depths=(2, 1))
CONFIGS = [pytest.param(CONFIG, id="basic"), pytest.param(BOTTLENECK, id="bottleneck")]
EVERY = [(framework, precision) for framework in workloads.FRAMEWORKS for precision in workloads.PRECISIONS]


def sized(mode: str, config: Config) -> Spec:
    return replace(SPECS[mode], sizes={"xs": config})


def both(build: Build, spec: Spec) -> tuple[Any, Any]:
    return build(spec, "torch"), build(spec, "jax")


def differences(first: Arrays, second: Arrays) -> dict[str, float]:
    assert first.keys() == second.keys()
    return {name: relative_l2(first[name], second[name]) for name in first}


def train(program: Program, steps: int) -> list[float]:
    losses = []
    program.prepare(steps)
    for _ in range(steps):
        program.step()
        losses.append(program.loss())
    return losses


def trainer(weights: Arrays, *, compiled: bool = False) -> torch_program.Train:
    seed = SPECS["train"].seed
    return torch_program.Train(
        CONFIG, weights, seed=seed, device=torch.device("cpu"), precision="fp32", compiled=compiled
    )


def classifier(weights: Arrays) -> torch_program.Infer:
    seed = SPECS["infer"].seed
    return torch_program.Infer(
        CONFIG, weights, seed=seed, size="xs", device=torch.device("cpu"), precision="fp32", compiled=False
    )


@pytest.mark.parametrize("mode", SPECS)
def test_both_programs_start_from_the_weights_of_the_spec(build: Build, mode: str) -> None:
    make = {"train": data.initial_weights, "infer": data.inference_weights}[mode]
    expected = make(CONFIG, SPECS[mode].seed)
    for program in both(build, SPECS[mode]):
        weights = program.weights()
        assert weights.keys() == expected.keys()
        assert all(np.array_equal(weights[name], expected[name]) for name in expected)


def test_both_programs_see_the_images_and_shifts_of_the_spec() -> None:
    images, classes = data.pool(CONFIG, 1)
    inputs = data.step_inputs(CONFIG, 1, classes, 2 + 3 * CONFIG.batches)
    batch, down, right = inputs[:3]
    assert down != 0
    assert right != 0
    expected = (np.roll(images[batch], (down, right), axis=(1, 2)) - data.PIXEL_MEAN) / data.PIXEL_STD
    in_torch = torch_program._images(torch.from_numpy(images), torch.from_numpy(inputs).long(), torch.float32)
    in_jax = jax_program._images(jax.numpy.asarray(images), jax.numpy.asarray(inputs), jax.numpy.float32)
    assert relative_l2(in_torch.permute(0, 2, 3, 1).numpy(), expected) < 1e-6
    assert relative_l2(np.asarray(in_jax), expected) < 1e-6


@pytest.mark.parametrize("config", CONFIGS)
def test_training_gives_equal_logits_losses_and_gradients(build: Build, config: Config) -> None:
    in_torch, in_jax = both(build, sized("train", config))
    found = differences(in_torch.outputs(), in_jax.outputs())
    assert {"logits", "loss", "gradient/stem.kernel", "gradient/head.bias"} <= found.keys()
    assert max(found.values()) <= EXACT, found


@pytest.mark.parametrize("config", CONFIGS)
def test_inference_gives_equal_logits(build: Build, config: Config) -> None:
    in_torch, in_jax = both(build, sized("infer", config))
    assert max(differences(in_torch.outputs(), in_jax.outputs()).values()) <= EXACT


def test_sixty_training_steps_stay_together_at_every_step(build: Build) -> None:
    in_torch, in_jax = both(build, SPECS["train"])
    np.testing.assert_allclose(train(in_torch, 60), train(in_jax, 60), rtol=EXACT)
    assert max(differences(in_torch.weights(), in_jax.weights()).values()) <= AFTER_TRAINING
    assert max(differences(in_torch.statistics(), in_jax.statistics()).values()) <= AFTER_TRAINING


def test_running_statistics_agree_after_three_steps(build: Build) -> None:
    in_torch, in_jax = both(build, SPECS["train"])
    train(in_torch, 3)
    train(in_jax, 3)
    found = differences(in_torch.statistics(), in_jax.statistics())
    assert max(found.values()) <= EXACT, found
    start = data.initial_statistics(CONFIG)
    assert not any(np.allclose(values, start[name]) for name, values in in_jax.statistics().items())


@pytest.mark.parametrize("mode", SPECS)
@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_bfloat16_stays_near_float32(build: Build, framework: str, mode: str) -> None:
    exact = build(SPECS[mode], framework).outputs()["logits"]
    rounded = build(SPECS[mode], framework, precision="bf16").outputs()["logits"]
    assert 1e-5 < relative_l2(rounded, exact) <= ROUNDED


def test_a_perturbed_weight_breaks_training_parity(build: Build) -> None:
    weights = data.initial_weights(CONFIG, SPECS["train"].seed)
    weights["stage1.block0.conv1.kernel"][0, 0, 0, 0] += 1e-2
    found = differences(trainer(weights).outputs(), build(SPECS["train"], "jax").outputs())
    assert found["logits"] > EXACT
    assert found["gradient/stem.kernel"] > EXACT


def test_a_perturbed_weight_breaks_inference_parity(build: Build) -> None:
    weights = data.inference_weights(CONFIG, SPECS["infer"].seed)
    weights["stage1.block0.conv1.kernel"][0, 0, 0, 0] += 1e-2
    assert differences(classifier(weights).outputs(), build(SPECS["infer"], "jax").outputs())["logits"] > EXACT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_asking_for_outputs_leaves_training_as_it_was(build: Build, framework: str) -> None:
    program: Any = build(SPECS["train"], framework)
    first = program.outputs()
    for name, values in data.initial_statistics(CONFIG).items():
        assert np.array_equal(program.statistics()[name], values)
    again = program.outputs()
    assert all(np.array_equal(again[name], first[name]) for name in first)


def test_folding_the_normalisation_does_not_change_a_convolution() -> None:
    convolution = network(CONFIG).blocks[0].branch[0]
    random = np.random.default_rng(3)
    kernel = random.normal(size=(3, 3, convolution.inputs, convolution.outputs)).astype(np.float32)
    mean, scale, shift = random.normal(size=(3, convolution.outputs)).astype(np.float32)
    variance = random.uniform(0.5, 2, convolution.outputs).astype(np.float32)
    folded, bias = data.fold(kernel, mean=mean, variance=variance, scale=scale, shift=shift)
    x = torch.from_numpy(random.normal(size=(2, convolution.inputs, 8, 8)).astype(np.float32))
    place = torch_program._to_torch(
        {"kernel": kernel, "folded": folded, "bias": bias, "m": mean, "v": variance, "s": scale, "b": shift},
        torch.device("cpu"),
    )
    plain = torch_program._convolve(convolution, x, place["kernel"])
    plain = torch.nn.functional.batch_norm(plain, place["m"], place["v"], place["s"], place["b"], eps=NORM_EPSILON)
    together = torch_program._convolve(convolution, x, place["folded"], place["bias"])
    assert relative_l2(together.numpy(), plain.numpy()) <= EXACT


@pytest.mark.parametrize("mode", SPECS)
@pytest.mark.parametrize("config", CONFIGS)
def test_the_flop_formula_counts_what_torch_does(build: Build, mode: str, config: Config) -> None:
    program = build(sized(mode, config), "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    assert counter.get_total_flops() == SPECS[mode].flops_per_step(config)


@pytest.mark.parametrize(("framework", "precision"), EVERY)
def test_training_ends_inside_its_band(build: Build, framework: str, precision: str) -> None:
    program = build(SPECS["train"], framework, precision=precision)
    train(program, CONFIG.quality_steps)
    assert SPECS["train"].band("xs", precision).holds(program.quality())


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(replace(CONFIG, learning_rate=0.0), id="frozen weights"),
        pytest.param(replace(CONFIG, learning_rate=CONFIG.learning_rate / 2), id="halved learning rate"),
        pytest.param(replace(CONFIG, learning_rate=CONFIG.learning_rate * 2), id="doubled learning rate"),
        pytest.param(replace(CONFIG, depths=(1, 1, 1)), id="skipped block"),
    ],
)
def test_training_of_less_or_other_work_ends_outside_the_band(build: Build, broken: Config) -> None:
    program = build(sized("train", broken), "torch")
    train(program, broken.quality_steps)
    assert not SPECS["train"].band("xs", "fp32").holds(program.quality())


@pytest.mark.parametrize(("framework", "precision"), EVERY)
def test_inference_lies_inside_its_band(build: Build, framework: str, precision: str) -> None:
    program = build(SPECS["infer"], framework, precision=precision)
    assert SPECS["infer"].band("xs", precision).holds(program.quality())


@pytest.mark.parametrize("block", network(CONFIG).blocks, ids=lambda block: block.branch[0].name)
def test_a_skipped_block_leaves_the_inference_band(block: Any) -> None:
    weights = data.inference_weights(CONFIG, SPECS["infer"].seed)
    for part in ("kernel", "bias"):
        weights[f"{block.branch[-1].name}.{part}"] *= 0
    assert classifier(weights).quality() > SPECS["infer"].band("xs", "bf16").high


def test_quality_before_its_steps_is_refused(build: Build) -> None:
    for framework in workloads.FRAMEWORKS:
        program = build(SPECS["train"], framework)
        train(program, 2)
        with pytest.raises(ValueError, match="first 50 steps, not 2"):
            program.quality()


# torch itself still uses what it deprecates while it loads its compiler.
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
def test_a_compiled_torch_step_trains_like_an_eager_one() -> None:
    weights = data.initial_weights(CONFIG, SPECS["train"].seed)
    np.testing.assert_allclose(train(trainer(weights, compiled=True), 3), train(trainer(weights), 3), rtol=EXACT)
