"""What the `vae` spec promises without any framework: sizes, images, their entropy and the formulas."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

from workloads.base import PROOF_LIMITS, Arrays
from workloads.common.strided import PADDING, STRIDE
from workloads.vae import SAMPLE, TRAIN, data
from workloads.vae.network import decoder, encoder, macs

SPECS = {"train": TRAIN, "sample": SAMPLE}
XS, M, L = (TRAIN.sizes[size] for size in ("xs", "m", "l"))
SEED = TRAIN.seed


def digest(arrays: Arrays) -> str:
    text = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        text.update(name.encode() + values.tobytes())
    return text.hexdigest()[:16]


def pictured(arrays: Arrays) -> np.ndarray:
    """The images of one step, each put together by itself; float64 [n, h, w, c]."""
    signal = np.tensordot(arrays["factors"].astype(np.float64), arrays["patterns"], axes=(1, 0))
    white: np.ndarray = np.roll(arrays["white"], tuple(arrays["shift"]), axis=(1, 2))
    images: np.ndarray = signal + data.SIGMA * white
    return images


@pytest.mark.parametrize("config", [M, L], ids=["m", "l"])
def test_parameters_are_those_of_the_published_layers(config: object) -> None:
    # arXiv 1804.03599, appendix A, layer by layer: four convolutions, two linear layers, 10 means and log variances
    encoded = (48 * 32 + 32) + 3 * (512 * 32 + 32) + (512 * 256 + 256) + (256 * 256 + 256) + (256 * 20 + 20)
    decoded = (10 * 256 + 256) + (256 * 256 + 256) + (256 * 512 + 512) + 3 * (512 * 32 + 32) + (512 * 3 + 3)
    assert TRAIN.parameters(config) == encoded + decoded == 504_055
    assert SAMPLE.parameters(config) == decoded


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_weights_are_as_many_as_the_formula_says(spec: object) -> None:
    for config in (XS, M):
        made = spec.source(config, SEED).weights()  # type: ignore[attr-defined]
        assert sum(value.size for value in made.values()) == spec.parameters(config)  # type: ignore[attr-defined]


def test_the_floor_is_the_entropy_by_brute_force() -> None:
    side = 4
    flat = data.patterns(side, SEED).astype(np.float64).reshape(data.FACTORS, -1)
    covariance = flat.T @ flat + data.SIGMA**2 * np.eye(flat.shape[1])
    eigenvalues = np.linalg.eigvalsh(covariance)
    brute = 0.5 * float(np.log(2 * math.pi * math.e * eigenvalues).mean())
    assert data.entropy_nats(side, SEED) == pytest.approx(brute, rel=1e-9)


def test_images_are_as_surprising_to_the_true_model_as_the_floor_says() -> None:
    config = replace(XS, image=8, batch=4000)
    source = data.Training(config=config, seed=SEED)
    images = pictured(source.constants() | source.inputs(3, 1)[0]).reshape(config.batch, -1)
    flat = data.patterns(8, SEED).astype(np.float64).reshape(data.FACTORS, -1)
    covariance = flat.T @ flat + data.SIGMA**2 * np.eye(flat.shape[1])
    exponents = 0.5 * (images * np.linalg.solve(covariance, images.T).T).sum(axis=1)
    nats = exponents + 0.5 * float(np.linalg.slogdet(2 * math.pi * covariance)[1])
    assert nats.mean() / config.dimensions == pytest.approx(source.floor(), abs=3e-3)


def test_a_model_that_knows_nothing_lies_far_above_the_floor() -> None:
    images = pictured(
        data.Training(config=replace(XS, batch=2000), seed=SEED).constants()
        | data.Training(config=replace(XS, batch=2000), seed=SEED).inputs(0, 1)[0]
    )
    nats = 0.5 * math.log(2 * math.pi * data.SIGMA**2) + np.square(images).mean() / (2 * data.SIGMA**2)
    assert data.ignorant_nats(XS.image, SEED) == pytest.approx(nats, rel=0.03)
    assert nats - data.entropy_nats(XS.image, SEED) > 1


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_first_item_is_the_same_whatever_the_batch(spec: object) -> None:
    sources = [spec.source(replace(XS, batch=batch), SEED) for batch in (1, 8)]  # type: ignore[attr-defined]
    one, eight = ([*source.inputs(2, 3), source.audit(), source.constants()] for source in sources)
    for few, many in zip(one, eight, strict=True):
        assert all(np.array_equal(few[name][0], many[name][0]) for name in few)


def test_steps_differ_and_do_not_depend_on_how_they_are_asked_for() -> None:
    source = data.Training(config=XS, seed=SEED)
    assert [digest(step) for step in source.inputs(0, 3)] == [digest(source.inputs(n, 1)[0]) for n in range(3)]
    assert len({digest(step) for step in [*source.inputs(0, 20), source.audit()]}) == 21


def test_every_shift_of_the_noise_is_met_once_before_any_comes_again() -> None:
    steps = data.Training(config=replace(XS, batch=1), seed=SEED).inputs(0, XS.image**2)
    assert len({tuple(step["shift"]) for step in steps}) == XS.image**2


def test_weights_and_images_are_bit_identical_everywhere() -> None:
    source = data.Training(config=XS, seed=SEED)
    assert digest(source.weights()) == "fe3f9e8c621228c2"
    assert digest(source.constants() | source.inputs(5, 1)[0]) == "287352493d9e7f52"
    assert digest(data.Sampling(config=XS, seed=SEED).audit()) == "b18dff9f82613443"


def test_products_are_those_counted_by_walking_over_every_pixel() -> None:
    """A transpose meets each pixel of its input with the whole kernel, a convolution each of its output."""
    layer, transpose = encoder(XS)[0], decoder(XS)[-1]
    starts = range(-PADDING, XS.image - PADDING, STRIDE)
    seen = sum(16 for _ in starts for _ in starts)
    assert macs(layer) == seen * 3 * XS.channels
    assert macs(transpose) == (XS.image // 2) ** 2 * 16 * XS.channels * 3


def test_bytes_and_memory_grow_with_the_precision_and_the_batch() -> None:
    for spec in SPECS.values():
        assert spec.bytes_per_step(M, "bf16") < spec.bytes_per_step(M, "fp32") < spec.bytes_per_step(L, "fp32")
        assert spec.memory_bytes(M, "bf16") < spec.memory_bytes(M, "fp32") < spec.memory_bytes(L, "fp32") < 80e9
    assert TRAIN.memory_bytes(M, "fp32") < 16e9


def test_only_the_size_for_tests_may_lie_further_from_float32_in_bfloat16() -> None:
    assert {TRAIN.proof_limit(size, "bf16") for size in ("s", "m", "l")} == {PROOF_LIMITS["bf16"]}
    assert PROOF_LIMITS["bf16"] < TRAIN.proof_limit("xs", "bf16") < 0.5
    assert TRAIN.proof_limit("xs", "fp32") == PROOF_LIMITS["fp32"]
