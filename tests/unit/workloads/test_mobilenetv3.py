"""What the MobileNetV3 spec promises without any framework: shapes, data, weights and formulas."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from workloads import SIZES
from workloads.base import Arrays
from workloads.mobilenetv3 import SPECS, decays, macs_per_image, parameters
from workloads.mobilenetv3.data import PASSED, fold
from workloads.mobilenetv3.network import NORM_EPSILON, divisible, network

XS, _, M, L = (SPECS["train"].sizes[size] for size in SIZES)
SEED = SPECS["train"].seed


def digest(arrays: Arrays) -> str:
    text = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        text.update(name.encode() + values.tobytes())
    return text.hexdigest()[:16]


@pytest.mark.parametrize("config", [M, L], ids=["m", "l"])
def test_the_network_has_the_published_number_of_parameters(config: object) -> None:
    assert parameters(config) == 5_483_032  # torchvision's mobilenet_v3_large; the paper says 5.4 M


def test_multiply_accumulates_are_the_published_ones() -> None:
    assert round(macs_per_image(M) / 1e9, 3) == 0.217  # torchvision's _ops; the paper says 219 M


@pytest.mark.parametrize("mode", SPECS)
@pytest.mark.parametrize("size", ["xs", "s"])
def test_the_formula_counts_the_weights_that_are_drawn(mode: str, size: str) -> None:
    config = SPECS["train"].sizes[size]
    drawn = sum(values.size for values in SPECS[mode].source_at(size).weights().values())
    folded = sum(convolution.outputs for convolution in network(config).convolutions)
    assert drawn == parameters(config) - (0 if mode == "train" else folded)


def test_squeezes_and_the_last_layers_are_as_wide_as_published() -> None:
    layers = network(M)
    squeezed = [block.squeeze[0].outputs for block in layers.blocks if block.squeeze]
    assert squeezed == [24, 32, 32, 120, 168, 168, 240, 240]
    assert (layers.last.outputs, layers.last.side_out, layers.hidden.outputs) == (960, 7, 1280)
    assert sum(block.residual for block in layers.blocks) == 10


@pytest.mark.parametrize(("channels", "rounded"), [(5.6, 8), (22.4, 24), (10, 16), (30, 32), (72, 72), (84, 88)])
def test_channels_are_multiples_of_eight_and_never_a_tenth_too_few(channels: float, rounded: int) -> None:
    assert divisible(channels) == rounded


def test_training_costs_three_forwards_less_the_gradient_of_the_images() -> None:
    forward, training = SPECS["infer"].flops_per_step(XS), SPECS["train"].flops_per_step(XS)
    assert training == 3 * forward - 2 * XS.batch * network(XS).stem.macs


def test_bytes_grow_with_the_precision_and_training_moves_and_holds_more() -> None:
    for config in SPECS["train"].sizes.values():
        for of in ("bytes_per_step", "memory_bytes"):
            training, inference = (getattr(SPECS[mode], of) for mode in ("train", "infer"))
            assert inference(config, "bf16") < inference(config, "fp32") < training(config, "fp32")
            assert inference(config, "bf16") < training(config, "bf16") < training(config, "fp32")


def test_activations_leave_the_mean_square_that_the_initialisation_assumes() -> None:
    x = np.random.default_rng(0).standard_normal(1_000_000)
    assert np.square(np.maximum(x, 0)).mean() == pytest.approx(PASSED["RE"], rel=0.01)
    assert np.square(x * np.clip(x + 3, 0, 6) / 6).mean() == pytest.approx(PASSED["HS"], rel=0.01)


def test_folding_gives_what_normalising_the_output_gives() -> None:
    random = np.random.default_rng(3)
    kernel, x = random.normal(size=(1, 1, 6, 4)), random.normal(size=(5, 6))
    mean, scale, shift = random.normal(size=(3, 4))
    variance = random.uniform(0.5, 2, 4)
    folded, bias = fold(kernel, mean=mean, variance=variance, scale=scale, shift=shift)
    expected = (x @ kernel[0, 0] - mean) / np.sqrt(variance + NORM_EPSILON) * scale + shift
    np.testing.assert_allclose(x @ folded[0, 0] + bias, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_the_first_item_does_not_depend_on_the_batch(mode: str) -> None:
    many, one = SPECS[mode].source_at("xs"), SPECS[mode].with_batch("xs", 1).source_at("xs")
    assert np.array_equal(many.constants()["pool"][:, :1], one.constants()["pool"])
    for first, second in zip([many.audit(), *many.inputs(5, 3)], [one.audit(), *one.inputs(5, 3)], strict=True):
        assert np.array_equal(first["view"], second["view"])
        assert mode == "infer" or first["labels"][0] == second["labels"][0]


def test_the_floor_is_the_entropy_of_the_labels_and_inference_has_none() -> None:
    answer = np.full(XS.classes, XS.label_noise / (XS.classes - 1))
    answer[3] = 1 - XS.label_noise
    assert SPECS["train"].source_at("xs").floor() == pytest.approx(-(answer * np.log(answer)).sum())
    assert SPECS["infer"].source_at("xs").floor() == 0


def test_only_kernels_and_matrices_decay() -> None:
    decayed = {name.rsplit(".", 1)[1] for name in SPECS["train"].source_at("xs").weights() if decays(name)}
    assert decayed == {"kernel", "weight"}


def test_weights_are_bit_identical_everywhere() -> None:
    assert digest(SPECS["train"].source_at("xs").weights()) == "8c9b1061fe342834"
    assert digest(SPECS["infer"].source_at("xs").weights()) == "43afca77457d9f32"


def test_no_weight_starts_as_a_constant() -> None:
    for mode in ("train", "infer"):
        assert all(values.std() > 0.01 for values in SPECS[mode].source_at("xs").weights().values())


def test_latency_inference_is_throughput_inference_at_batch_one() -> None:
    for size in SIZES:
        assert SPECS["infer-1"].sizes[size] == replace(SPECS["infer"].sizes[size], batch=1)
    assert SPECS["infer-1"].batches == ()


@pytest.mark.parametrize("mode", SPECS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_band_has_two_sides(mode: str, size: str, precision: str) -> None:
    band = SPECS[mode].band(size, precision)
    assert 0 <= band.low < band.high
    assert not band.holds(band.high * 1.01)
    assert not band.holds(band.low - 1e-9)


def test_importing_the_spec_and_its_data_loads_no_framework() -> None:
    script = "import sys, workloads.mobilenetv3; sys.exit(any(name in sys.modules for name in ('torch', 'jax')))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
