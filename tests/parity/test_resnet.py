"""What is particular to ResNet in torch and in JAX, in strict float32 at the size made for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Arrays, Program, Source, Spec
from workloads.common import jax_images, torch_images
from workloads.common.textures import PIXEL_MEAN, PIXEL_STD
from workloads.golden import relative_l2
from workloads.resnet import SPECS, data, torch_model
from workloads.resnet.network import NORM_EPSILON, NORM_MOMENTUM, Config, network

Build = Callable[..., Program]

EXACT = 1e-5

CONFIG: Config = SPECS["train"].sizes["xs"]
BOTTLENECK = replace(CONFIG, block="bottleneck", depths=(2, 1))
CONFIGS = [pytest.param(CONFIG, id="basic"), pytest.param(BOTTLENECK, id="bottleneck")]


@dataclass(frozen=True)
class Skipping:
    """A source without one block's branch: its last convolution gives zero."""

    source: Source
    convolution: str

    def weights(self) -> Arrays:
        gone = {f"{self.convolution}.{part}" for part in ("kernel", "bias")}
        return {name: value * (name not in gone) for name, value in self.source.weights().items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)


def sized(mode: str, config: Config) -> Spec:
    return replace(SPECS[mode], sizes={"xs": config})


def differences(first: Arrays, second: Arrays) -> dict[str, float]:
    assert first.keys() == second.keys()
    return {name: relative_l2(first[name], second[name]) for name in first}


def train(program: Any, steps: int) -> Any:
    program.prepare(steps)
    for _ in range(steps):
        program.step()
    return program


def placed(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch_model.LAYOUT.into(name, torch.from_numpy(value)) for name, value in arrays.items()}


def test_both_frameworks_see_the_images_and_shifts_of_the_spec() -> None:
    source = SPECS["train"].source_at("xs")
    pool, view = source.constants()["pool"], source.inputs(2 + 3 * CONFIG.base_batches, 1)[0]["view"]
    assert view.all()
    expected = (np.roll(pool[view[0]], tuple(view[1:]), axis=(1, 2)) - PIXEL_MEAN) / PIXEL_STD
    in_torch = torch_images.images(torch.from_numpy(pool), torch.from_numpy(view).long(), torch.float32)
    in_jax = jax_images.images(jax.numpy.asarray(pool), jax.numpy.asarray(view), jax.numpy.float32)
    assert in_torch.is_contiguous(memory_format=torch.channels_last)
    assert relative_l2(in_torch.permute(0, 2, 3, 1).numpy(), expected) < 1e-6
    assert relative_l2(np.asarray(in_jax), expected) < 1e-6


@pytest.mark.parametrize("mode", SPECS)
def test_bottleneck_blocks_agree_too(build: Build, mode: str) -> None:
    ours, theirs = (build(sized(mode, BOTTLENECK), framework).outputs() for framework in workloads.FRAMEWORKS)
    assert max(differences(ours, theirs).values()) <= EXACT


def test_running_statistics_agree_after_three_steps(build: Build) -> None:
    ours, theirs = (train(build(SPECS["train"], framework), 3).statistics() for framework in workloads.FRAMEWORKS)
    found = differences(ours, theirs)
    assert max(found.values()) <= EXACT, found
    start = data.initial_statistics(CONFIG)
    assert not any(np.allclose(values, start[name]) for name, values in theirs.items())


def test_running_statistics_take_in_the_mean_and_the_unbiased_variance_of_the_batch() -> None:
    random = np.random.default_rng(5)
    x = torch.from_numpy(random.normal(3, 2, (4, 3, 5, 5)).astype(np.float32))
    weights = {"a.kernel": torch.eye(3)[:, :, None, None], "a.scale": torch.ones(3), "a.shift": torch.zeros(3)}
    statistics = {"a.mean": torch.zeros(3), "a.variance": torch.ones(3)}
    normalised = torch_model.train_unit("a", x, 1, weights, statistics, torch.float32)
    values = x.numpy().transpose(1, 0, 2, 3).reshape(3, -1)
    np.testing.assert_allclose(normalised.mean(dim=(0, 2, 3)), np.zeros(3), atol=1e-5)
    np.testing.assert_allclose(normalised.var(dim=(0, 2, 3), correction=0), np.ones(3), rtol=1e-4)
    np.testing.assert_allclose(statistics["a.mean"], NORM_MOMENTUM * values.mean(1), rtol=1e-5)
    variance = 1 - NORM_MOMENTUM + NORM_MOMENTUM * values.var(1, ddof=1)
    np.testing.assert_allclose(statistics["a.variance"], variance, rtol=1e-5)


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_asking_for_outputs_leaves_training_as_it_was(build: Build, framework: str) -> None:
    program: Any = build(SPECS["train"], framework)
    first = program.outputs()
    for name, values in data.initial_statistics(CONFIG).items():
        assert np.array_equal(program.statistics()[name], values)
    again = program.outputs()
    assert all(np.array_equal(again[name], first[name]) for name in first)


def test_folding_the_normalisation_does_not_change_a_convolution() -> None:
    random = np.random.default_rng(3)
    kernel = random.normal(size=(3, 3, 8, 6)).astype(np.float32)
    mean, scale, shift = random.normal(size=(3, 6)).astype(np.float32)
    variance = random.uniform(0.5, 2, 6).astype(np.float32)
    folded, bias = data.fold(kernel, mean=mean, variance=variance, scale=scale, shift=shift)
    x = torch.from_numpy(random.normal(size=(2, 8, 8, 8)).astype(np.float32))
    at = placed({"kernel": kernel, "folded": folded, "bias": bias, "m": mean, "v": variance, "s": scale, "b": shift})
    plain = torch_model.convolve(x, at["kernel"], 1)
    plain = torch.nn.functional.batch_norm(plain, at["m"], at["v"], at["s"], at["b"], eps=NORM_EPSILON)
    together = torch_model.convolve(x, at["folded"], 1, at["bias"])
    assert relative_l2(together.numpy(), plain.numpy()) <= EXACT


@pytest.mark.parametrize("mode", SPECS)
@pytest.mark.parametrize("config", CONFIGS)
def test_the_flop_formula_counts_what_torch_does(build: Build, mode: str, config: Config) -> None:
    program = build(sized(mode, config), "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    assert counter.get_total_flops() == SPECS[mode].flops_per_step(config)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(replace(CONFIG, learning_rate=CONFIG.learning_rate * 2), id="doubled learning rate"),
        pytest.param(replace(CONFIG, depths=(1, 1, 1)), id="skipped block"),
    ],
)
def test_training_of_less_or_other_work_ends_outside_the_band(build: Build, broken: Config) -> None:
    program = train(build(sized("train", broken), "torch"), broken.quality_steps)
    assert not SPECS["train"].band("xs", "fp32").holds(program.quality())


@pytest.mark.parametrize("block", network(CONFIG).blocks, ids=lambda block: block.name)
def test_a_skipped_block_leaves_the_inference_band(build: Build, block: Any) -> None:
    spec = SPECS["infer"]
    cheat = replace(spec, source=lambda config, seed: Skipping(spec.source(config, seed), block.branch[-1].name))
    assert build(cheat, "torch").quality() > spec.band("xs", "bf16").high


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_no_answer_depends_on_how_many_are_asked_at_once(build: Build, framework: str) -> None:
    spec = SPECS["infer"]
    whole = build(spec, framework).outputs()["logits"]
    for batch in (1, 3):
        part = build(spec.with_batch("xs", batch), framework).outputs()["logits"]
        assert relative_l2(part, whole[:batch]) <= EXACT


SCATTERED = replace(SPECS["train"], steady={("xs", "bf16"): ("head.",)})
"""The smallest network, judged as the deep one is whose gradients bfloat16 turns."""
LIMIT = SCATTERED.proof_limits["bf16"]


def watched(program: Any) -> float:
    program.step(witnessed=True)
    distance: float = program.proof()
    return distance


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_where_rounding_turns_the_gradients_an_honest_step_is_proven(build: Build, framework: str) -> None:
    program = build(SCATTERED, framework, precision="bf16")
    program.prepare(1)
    assert watched(program) < LIMIT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_where_rounding_turns_the_gradients_a_step_on_other_images_is_not_proven(build: Build, framework: str) -> None:
    program: Any = build(SCATTERED, framework, precision="bf16")
    program.prepare(2)
    number, _ = program._inputs.popleft()
    program._inputs[0] = (number, program._inputs[0][1])
    assert watched(program) > LIMIT


def test_where_rounding_turns_the_gradients_a_layer_that_is_not_trained_is_seen(build: Build) -> None:
    program: Any = build(SCATTERED, "torch", precision="bf16")
    loss = program._loss_of

    def frozen(weights: Any, *rest: Any) -> Any:
        return loss(weights | {"stem.scale": weights["stem.scale"].detach()}, *rest)

    program._loss_of = frozen
    program.prepare(1)
    program.step(witnessed=True)
    program._loss_of = loss
    assert program.proof() > LIMIT
