"""What the ResNet spec promises without any framework: sizes, weights and formulas."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from workloads import SIZES
from workloads.base import Arrays
from workloads.resnet import SPECS, data, macs_per_image, parameters
from workloads.resnet.network import Config, network

XS, RESNET18, RESNET50, LARGE = (SPECS["train"].sizes[size] for size in SIZES)
SEED = SPECS["train"].seed


def digest(arrays: Arrays) -> str:
    text = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        text.update(name.encode() + values.tobytes())
    return text.hexdigest()[:16]


@pytest.mark.parametrize("config", [RESNET50, LARGE], ids=["m", "l"])
def test_resnet50_has_the_published_number_of_parameters(config: Config) -> None:
    assert parameters(config) == 25_557_032  # torchvision's resnet50


def test_the_weights_are_as_many_as_the_formula_says() -> None:
    for config in (XS, RESNET18, RESNET50):
        assert sum(values.size for values in data.initial_weights(config, SEED).values()) == parameters(config)


@pytest.mark.parametrize(
    ("config", "published_gmac"),
    [(RESNET50, 4.089), (replace(RESNET18, image=224, outputs=1000), 1.814)],
    ids=["ResNet-50", "ResNet-18"],
)
def test_multiply_accumulates_are_the_published_ones(config: Config, published_gmac: float) -> None:
    assert round(macs_per_image(config) / 1e9, 3) == published_gmac


def test_training_costs_three_forwards_less_the_gradient_of_the_images() -> None:
    forward, training = SPECS["infer"].flops_per_step(XS), SPECS["train"].flops_per_step(XS)
    assert training == 3 * forward - 2 * XS.batch * network(XS).stem.macs


@pytest.mark.parametrize("config", [XS, RESNET18, RESNET50, LARGE], ids=SIZES)
def test_bytes_grow_with_the_precision_and_training_moves_more(config: Config) -> None:
    for spec in SPECS.values():
        assert spec.bytes_per_step(config, "bf16") < spec.bytes_per_step(config, "fp32")
    assert SPECS["train"].bytes_per_step(config, "bf16") > SPECS["infer"].bytes_per_step(config, "bf16")
    assert SPECS["infer"].bytes_per_step(config, "fp32") == 2 * SPECS["infer"].bytes_per_step(config, "bf16")


@pytest.mark.parametrize("mode", SPECS)
def test_memory_holds_at_least_weights_and_images_and_grows_by_equal_parts_with_the_batch(mode: str) -> None:
    spec = SPECS[mode]
    few, more, most = (spec.memory_bytes(spec.with_batch("s", batch).sizes["s"], "fp32") for batch in (8, 16, 24))
    assert most - more == more - few > 8 * 8 * 64 * 64 * 3
    assert few - (more - few) >= 4 * parameters(RESNET18)


def test_the_largest_size_fits_an_accelerator_of_80_gb_in_bfloat16() -> None:
    for spec in SPECS.values():
        assert 10e9 < spec.memory_bytes(LARGE, "bf16") < 80e9 or spec.mode == "infer"
        assert spec.memory_bytes(LARGE, "bf16") < spec.memory_bytes(LARGE, "fp32")


@pytest.mark.parametrize("mode", SPECS)
def test_weights_are_bit_identical_everywhere(mode: str) -> None:
    expected = {"train": "3418a1e0ca7031f2", "infer": "529b10b5ee464a47"}[mode]
    assert digest(SPECS[mode].source(XS, SEED).weights()) == expected
    assert digest(SPECS[mode].source(XS, SEED + 1).weights()) != expected


@pytest.mark.parametrize("mode", SPECS)
def test_no_weight_is_constant(mode: str) -> None:
    for name, values in SPECS[mode].source(XS, SEED).weights().items():
        assert values.std() > 1e-3, name
        assert values.dtype == np.float32


@pytest.mark.parametrize("mode", SPECS)
def test_the_first_item_does_not_depend_on_the_batch(mode: str) -> None:
    spec = SPECS[mode]
    few, many = (spec.with_batch("xs", batch).source_at("xs") for batch in (1, 9))
    assert np.array_equal(few.constants()["pool"][:, 0], many.constants()["pool"][:, 0])
    for less, more in zip([few.audit(), *few.inputs(3, 5)], [many.audit(), *many.inputs(3, 5)], strict=True):
        assert np.array_equal(less["view"], more["view"])
        assert less["labels"][0] == more["labels"][0]


def test_weights_of_a_layer_do_not_depend_on_the_layers_around_it() -> None:
    deeper = data.initial_weights(replace(XS, depths=(2, 2, 1)), SEED)
    shallow = data.initial_weights(XS, SEED)
    assert np.array_equal(deeper["stage1.block0.conv1.kernel"], shallow["stage1.block0.conv1.kernel"])


def test_kernels_have_the_variance_of_he() -> None:
    weights = data.initial_weights(RESNET18, SEED)
    for convolution in network(RESNET18).convolutions:
        fan_in = convolution.kernel**2 * convolution.inputs
        assert weights[f"{convolution.name}.kernel"].var() == pytest.approx(2 / fan_in, rel=0.05)


def test_training_has_the_floor_of_its_labels_and_inference_none() -> None:
    answer = np.full(XS.classes, XS.label_noise / (XS.classes - 1))
    answer[3] = 1 - XS.label_noise
    assert SPECS["train"].source_at("xs").floor() == pytest.approx(-(answer * np.log(answer)).sum())
    assert SPECS["infer"].source_at("xs").floor() == 0


def test_only_matrices_and_kernels_decay() -> None:
    decayed = {name.rsplit(".", 1)[1] for name in data.initial_weights(XS, SEED) if data.decays(name)}
    assert decayed == {"kernel", "weight"}


@pytest.mark.parametrize("mode", SPECS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_band_has_two_sides(mode: str, size: str, precision: str) -> None:
    band = SPECS[mode].band(size, precision)
    assert 0 <= band.low < band.high
    assert not band.holds(band.high * 1.01)
    assert not band.holds(band.low - 1e-9)


def test_importing_the_spec_and_its_data_loads_no_framework() -> None:
    script = "import sys, workloads.resnet.data; sys.exit(any(name in sys.modules for name in ('torch', 'jax')))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
