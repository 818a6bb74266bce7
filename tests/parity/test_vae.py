"""What is particular to the parity of `vae`: transposed convolutions, the ELBO, and what training must see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Program
from workloads.common import jax_transposed, torch_transposed
from workloads.common.streams import generator
from workloads.golden import relative_l2
from workloads.vae import SAMPLE, SIZES, TRAIN, data

SPECS = {"train": TRAIN, "sample": SAMPLE}
XS = SIZES["xs"]
STRICT = 1e-5
Build = Callable[..., Program]


def _pair(name: str) -> tuple[np.ndarray, np.ndarray]:
    """An image of sides that differ, and a kernel."""
    random = generator(7, name)
    return (
        random.standard_normal((2, 6, 10, 5), dtype=np.float32),
        random.standard_normal((4, 4, 5, 3), dtype=np.float32),
    )


def _torch(function: Callable[..., torch.Tensor], name: str, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    weight = torch_transposed.LAYOUT.into(name, torch.from_numpy(kernel))
    made: np.ndarray = function(torch.from_numpy(x).permute(0, 3, 1, 2), weight).permute(0, 2, 3, 1).numpy()
    return made


@pytest.mark.parametrize(
    "way", [jax_transposed.double, jax_transposed.double_by_window, jax_transposed.double_by_product]
)
def test_every_transposed_convolution_is_torchs(way: Callable[..., Any]) -> None:
    x, kernel = _pair("double")
    expected = _torch(torch_transposed.double, "a.transposed", x, kernel)
    assert expected.shape == (2, 12, 20, 3)
    assert relative_l2(np.asarray(way(jnp.asarray(x), jnp.asarray(kernel))), expected) < STRICT


@pytest.mark.parametrize("way", [jax_transposed.halve, jax_transposed.halve_by_window, jax_transposed.halve_by_product])
def test_every_strided_convolution_is_torchs(way: Callable[..., Any]) -> None:
    x, kernel = _pair("halve")
    expected = _torch(torch_transposed.halve, "a.kernel", x, kernel)
    assert expected.shape == (2, 3, 5, 3)
    assert relative_l2(np.asarray(way(jnp.asarray(x), jnp.asarray(kernel))), expected) < STRICT


def test_a_transposed_convolution_is_the_sum_that_its_definition_says() -> None:
    x, kernel = _pair("double")
    padded = np.zeros((2, 14, 22, 3))
    for row, column in np.ndindex(6, 10):
        patch = np.tensordot(x[:, row, column], kernel, axes=(1, 2))
        padded[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += patch
    found = jax_transposed.double_by_product(jnp.asarray(x), jnp.asarray(kernel))
    assert relative_l2(np.asarray(found), padded[:, 1:-1, 1:-1]) < STRICT


@pytest.mark.parametrize("name", ["a.transposed", "a.kernel", "a.bias"])
def test_kernels_come_back_from_torchs_layout_as_they_went(name: str) -> None:
    kernel = torch.from_numpy(_pair("layout")[1])
    layout = torch_transposed.LAYOUT
    assert torch.equal(layout.back(name, layout.into(name, kernel)), kernel)


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_the_loss_is_the_negative_elbo_of_these_images(build: Build, framework: str) -> None:
    """With all weights 0 but the posterior's and the last bias, the ELBO can be written down."""
    source = data.Training(config=XS, seed=SPECS["train"].seed)
    spec = replace(SPECS["train"], source=lambda config, seed: _Plain(config=config, seed=seed))
    arrays = source.constants() | source.audit()
    signal = np.tensordot(arrays["factors"].astype(np.float64), arrays["patterns"], axes=(1, 0))
    images = signal + data.SIGMA * np.roll(arrays["white"], tuple(arrays["shift"]), axis=(1, 2))
    squares = np.square(images - 0.25).mean() / (2 * data.SIGMA**2)
    divergence = XS.latents * 0.5 * (0.3**2 + math.exp(-1.0) - 1 + 1.0)
    expected = 0.5 * math.log(2 * math.pi * data.SIGMA**2) + squares + divergence / XS.dimensions
    assert float(build(spec, framework).outputs()["loss"]) == pytest.approx(expected, rel=STRICT)


class _Plain(data.Training):
    """Posterior N(0.3, 1/e) for every image, reconstruction 0.25 everywhere."""

    def weights(self) -> dict[str, np.ndarray]:
        weights = {name: np.zeros_like(value) for name, value in data.Training.weights(self).items()}
        weights["encoder.posterior.bias"] += np.repeat(np.float32([0.3, -1.0]), self.config.latents)
        weights[f"decoder.convolution{self.config.convolutions - 1}.bias"] += np.float32(0.25)
        return weights


def _quality(build: Build, **changed: Any) -> float:
    config = replace(XS, **changed)
    program = build(replace(SPECS["train"], sizes={"xs": config}), "torch")
    program.prepare(config.quality_steps)
    for _ in range(config.quality_steps):
        program.step()
    return program.quality()


@pytest.mark.parametrize(
    "changed",
    [{"convolutions": 1}, {"learning_rate": XS.learning_rate / 2}, {"learning_rate": 0.0}],
    ids=["one layer less at either end", "half the learning rate", "frozen weights"],
)
def test_less_training_falls_out_of_the_band(build: Build, changed: dict[str, Any]) -> None:
    assert SPECS["train"].band("xs", "fp32").holds(_quality(build))
    assert not SPECS["train"].band("xs", "fp32").holds(_quality(build, **changed))


@pytest.mark.parametrize("mode", SPECS)
def test_flops_are_those_torch_counts(build: Build, mode: str) -> None:
    """torch also counts what puts the images together, which is the task's and not the model's."""
    program = build(SPECS[mode], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    pictures = 2 * XS.batch * data.FACTORS * XS.dimensions if mode == "train" else 0
    assert counter.get_total_flops() == SPECS[mode].flops_per_step(XS) + pictures
