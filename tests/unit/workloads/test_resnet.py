"""What the ResNet spec promises without any framework: sizes, data, weights and formulas."""

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

XS, RESNET18, RESNET50 = (SPECS["train"].sizes[size] for size in SIZES)
SEED = SPECS["train"].seed


def digest(arrays: Arrays) -> str:
    text = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        text.update(name.encode() + values.tobytes())
    return text.hexdigest()[:16]


def spectrum_classes(images: np.ndarray, config: Config) -> np.ndarray:
    """Each image's class by the power it has at each class's wave vectors and colours: blind to shifts."""
    waves, colours = data.textures(config, SEED)
    spectra = np.fft.fft2(images - data.PIXEL_MEAN, axes=(1, 2))
    at_waves = spectra[:, waves[..., 0], waves[..., 1]]
    unit = colours / np.linalg.norm(colours, axis=-1, keepdims=True)
    power = (np.abs((at_waves * unit).sum(axis=-1)) ** 2).sum(axis=-1)
    brightest: np.ndarray = power.argmax(axis=1)
    return brightest


def test_resnet50_has_the_published_number_of_parameters() -> None:
    assert parameters(RESNET50) == 25_557_032
    assert sum(values.size for values in data.initial_weights(RESNET50, SEED).values()) == 25_557_032


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


def test_bytes_grow_with_the_precision_and_training_moves_more() -> None:
    for config in (XS, RESNET18, RESNET50):
        for spec in SPECS.values():
            assert spec.bytes_per_step(config, "bf16") < spec.bytes_per_step(config, "fp32")
        assert SPECS["train"].bytes_per_step(config, "bf16") > SPECS["infer"].bytes_per_step(config, "bf16")
    assert SPECS["infer"].bytes_per_step(XS, "fp32") == 2 * SPECS["infer"].bytes_per_step(XS, "bf16")


def test_initial_weights_are_bit_identical_everywhere() -> None:
    assert digest(data.initial_weights(XS, SEED)) == "289e754b41d7c946"
    assert digest(data.inference_weights(XS, SEED)) == "23e3639749e51424"
    assert digest(data.initial_weights(XS, SEED + 1)) != "289e754b41d7c946"


def test_images_are_bit_identical_everywhere() -> None:
    assert digest(data.pool(XS, SEED)._asdict()) == "22434935e691394d"


def test_weights_of_a_layer_do_not_depend_on_the_layers_around_it() -> None:
    deeper = data.initial_weights(replace(XS, depths=(2, 2, 1)), SEED)
    shallow = data.initial_weights(XS, SEED)
    assert np.array_equal(deeper["stage1.block0.conv1.kernel"], shallow["stage1.block0.conv1.kernel"])


def test_kernels_have_the_variance_of_he() -> None:
    weights = data.initial_weights(RESNET18, SEED)
    for convolution in network(RESNET18).convolutions:
        fan_in = convolution.kernel**2 * convolution.inputs
        assert weights[f"{convolution.name}.kernel"].var() == pytest.approx(2 / fan_in, rel=0.05)


@pytest.mark.parametrize("config", [XS, RESNET18], ids=["xs", "s"])
def test_classes_can_be_told_apart(config: Config) -> None:
    images, classes = data.pool(config, SEED)
    flat = images.reshape(-1, *images.shape[2:])
    assert (spectrum_classes(flat, config) == classes.ravel()).mean() > 0.99


def test_a_circular_shift_keeps_the_class() -> None:
    images = data.pool(XS, SEED).images
    shifted = np.roll(images[0], (5, 11), axis=(1, 2))
    assert np.array_equal(spectrum_classes(shifted, XS), spectrum_classes(images[0], XS))
    assert not np.array_equal(shifted, images[0])


@pytest.mark.parametrize("config", [XS, RESNET18], ids=["xs", "s"])
def test_normalised_images_have_unit_variance(config: Config) -> None:
    images = (data.pool(config, SEED).images - data.PIXEL_MEAN) / data.PIXEL_STD
    assert images.mean() == pytest.approx(0, abs=0.05)
    assert images.var() == pytest.approx(1, abs=0.15)


def test_no_two_steps_have_the_same_images_before_all_shifts_are_used() -> None:
    classes = data.pool(XS, SEED).classes
    rounds = XS.batches * XS.image**2
    seen = {tuple(data.step_inputs(XS, SEED, classes, step)[:3]) for step in range(rounds)}
    assert len(seen) == rounds
    assert max(max(shift) for _, *shift in seen) == XS.image - 1


@pytest.mark.parametrize("config", [XS, RESNET18, RESNET50], ids=SIZES)
def test_shifts_visit_every_place_of_an_image(config: Config) -> None:
    assert np.gcd(data._STRIDE, config.image**2) == 1


def test_a_step_depends_on_the_seed_and_its_number_alone() -> None:
    classes = data.pool(XS, SEED).classes
    assert np.array_equal(data.step_inputs(XS, SEED, classes, 77), data.step_inputs(XS, SEED, classes, 77))
    assert not np.array_equal(data.step_inputs(XS, SEED, classes, 77), data.step_inputs(XS, SEED + 1, classes, 77))


def test_labels_are_wrong_as_often_as_stated_and_evenly() -> None:
    classes = data.pool(XS, SEED).classes
    steps = 4000
    labels = np.array([data.step_inputs(XS, SEED, classes, step)[3:] for step in range(steps)])
    true = classes[np.arange(steps) % XS.batches]
    away = (labels - true) % XS.classes
    assert (away != 0).mean() == pytest.approx(XS.label_noise, abs=0.006)
    counts = np.bincount(away[away != 0], minlength=XS.classes)[1:]
    assert counts.min() > 0.8 * counts.mean()


def test_the_floor_is_the_entropy_of_the_labels() -> None:
    answer = np.full(XS.classes, XS.label_noise / (XS.classes - 1))
    answer[3] = 1 - XS.label_noise
    assert data.floor_nats(XS) == pytest.approx(-(answer * np.log(answer)).sum())


def test_excess_is_the_mean_of_the_last_quarter_above_the_floor() -> None:
    losses = [9.0] * 38 + [2.0] * 12
    assert data.excess_nats(losses, XS) == pytest.approx(2 - data.floor_nats(XS))
    with pytest.raises(ValueError, match="first 50 steps"):
        data.excess_nats(losses[:-1], XS)


def test_the_learning_rate_warms_up() -> None:
    rates = [XS.learning_rate_at(step) for step in range(XS.warmup_steps + 2)]
    assert rates[0] == pytest.approx(XS.learning_rate / XS.warmup_steps)
    assert rates == sorted(rates)
    assert rates[-1] == rates[-2] == rates[-3] == XS.learning_rate


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
