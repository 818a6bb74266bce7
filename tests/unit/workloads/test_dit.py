"""The numpy side of `dit`: its latents, their floor, its weights and its formulas."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from math import prod

import numpy as np
import pytest

import workloads
from workloads.base import Arrays
from workloads.dit import SAMPLE_SIZES, SEED, TRAIN_SIZES, Config, data

SPECS = workloads.specs("dit")
XS = TRAIN_SIZES["xs"]


def _hash(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(arrays.items()):
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()


def _covariance(side: int) -> np.ndarray:
    """Of all values of one channel, [side^2, side^2], by filtering each point on its own."""
    points = np.eye(side**2, dtype=np.float32).reshape(-1, side, side)
    responses = data.field(points).reshape(side**2, -1).astype(np.float64)
    covariance: np.ndarray = responses.T @ responses
    return covariance


def _matrix_floor(side: int) -> float:
    """Posterior variances of noise and latent by linear algebra on whole fields, at each time."""
    covariance, identity = _covariance(side), np.eye(side**2)
    total = 0.0
    for a in data.kept_variance():
        gain = np.linalg.inv(a * covariance + (1 - a) * identity)
        latent = covariance - a * covariance @ gain @ covariance
        noise = identity - (1 - a) * gain
        total += float(np.trace(latent) + np.trace(noise)) / side**2
    return total / data.TIMES


def _wiener_losses(config: Config, steps: int, *, informed: bool = True) -> np.ndarray:
    """Loss of the optimal denoiser on the very inputs of these steps, one value per latent."""
    source = data.Training(config=config, seed=SEED)
    power, kept = data.spectrum(config.side), data.kept_variance()
    means = data.patterns(SEED, config.classes, config.side) * informed
    losses = []
    for inputs in source.inputs(0, steps):
        a = kept[inputs["time"]][:, None, None, None]
        mean = means[inputs["label"]]
        centred = np.sqrt(a) * (inputs["latent"] - mean) + np.sqrt(1 - a) * inputs["noise"]
        centred = centred if informed else np.sqrt(a) * inputs["latent"] + np.sqrt(1 - a) * inputs["noise"]
        modes = np.fft.fft2(centred) / (a * power + 1 - a)
        latent = mean + np.fft.ifft2(np.sqrt(a) * power * modes).real
        noise = np.fft.ifft2(np.sqrt(1 - a) * modes).real
        error = np.square(latent - inputs["latent"]) + np.square(noise - inputs["noise"])
        losses.append(error.mean(axis=(1, 2, 3)))
    return np.concatenate(losses)


def test_the_floor_is_that_of_whole_covariance_matrices() -> None:
    assert data.floor(data.spectrum(6)) == pytest.approx(_matrix_floor(6), rel=1e-6)


def test_the_wiener_filter_reaches_the_floor() -> None:
    """Within four standard errors, on 4,000 of the latents that training meets."""
    losses = _wiener_losses(replace(XS, batch=200), 20)
    error = losses.std() / losses.size**0.5
    assert error < 0.02
    assert losses.mean() == pytest.approx(SPECS["train"].source_at("xs").floor(), abs=4 * error)


def test_the_same_filter_without_the_class_stays_well_above_the_floor() -> None:
    losses = _wiener_losses(replace(XS, batch=200), 20, informed=False)
    assert losses.mean() > SPECS["train"].source_at("xs").floor() + 0.1


def test_predicting_nothing_costs_what_ignorance_says() -> None:
    source = data.Training(config=replace(XS, batch=400, classes=1000), seed=SEED)
    (inputs,) = source.inputs(0, 1)
    loss = np.square(inputs["latent"]).mean() + np.square(inputs["noise"]).mean()
    assert loss == pytest.approx(data.ignorance(), rel=0.05)
    assert source.floor() < data.ignorance() - 1


@pytest.mark.parametrize("side", [6, 8, 16, 32])
def test_the_field_has_variance_one_and_power_in_every_mode(side: int) -> None:
    power = data.spectrum(side)
    assert power.mean() == pytest.approx(1.0, rel=1e-12)
    assert power.min() > 1e-3
    assert power.max() > 5


def test_the_spectrum_is_that_of_the_covariance() -> None:
    eigenvalues = np.linalg.eigvalsh(_covariance(6))
    np.testing.assert_allclose(eigenvalues, np.sort(data.spectrum(6).ravel()), rtol=1e-5)


def test_no_class_means_no_pattern_and_every_class_another() -> None:
    found = data.patterns(SEED, 4, 8)
    assert not found[-1].any()
    assert set(np.abs(found[:-1]).ravel()) == {np.float32(data.PATTERN)}
    assert len({pattern.tobytes() for pattern in found}) == 5


def test_noise_is_all_but_complete_at_the_last_time() -> None:
    kept = data.kept_variance()
    assert np.all(np.diff(kept) < 0)
    assert kept[0] == pytest.approx(1 - 1e-4)
    assert kept[-1] == pytest.approx(4.0e-5, rel=0.02)  # DDPM, arXiv 2006.11239: linear from 1e-4 to 0.02


def test_sampling_visits_twenty_even_times_and_ends_clean() -> None:
    constants = SPECS["sample"].source_at("xs").constants()
    at = SPECS["train"].source_at("xs").constants()
    times = np.arange(950, -1, -50)
    assert np.array_equal(constants["time_features"], at["time_features"][times])
    assert np.array_equal(constants["signal"][:-1], at["signal"][times[1:]])
    assert (constants["signal"][-1], constants["noise_level"][-1]) == (1.0, 0.0)


@pytest.mark.parametrize("mode", SPECS)
def test_the_first_latent_does_not_depend_on_the_batch(mode: str) -> None:
    one, many = (SPECS[mode].with_batch("xs", batch).source_at("xs") for batch in (1, 9))
    for few, more in zip([one.audit(), *one.inputs(3, 2)], [many.audit(), *many.inputs(3, 2)], strict=True):
        assert all(np.array_equal(few[name][0], more[name][0]) for name in few)
        assert all(len(more[name]) == 9 for name in more)


@pytest.mark.parametrize("mode", SPECS)
def test_inputs_depend_on_the_step_alone_and_differ_on_every_step(mode: str) -> None:
    source = SPECS[mode].source_at("xs")
    assert [_hash(step) for step in source.inputs(0, 6)[4:]] == [_hash(step) for step in source.inputs(4, 2)]
    assert len({_hash(step) for step in [source.audit(), *source.inputs(0, 50)]}) == 51


def test_training_and_sampling_meet_other_noise() -> None:
    train, sample = (SPECS[mode].source_at("xs") for mode in ("train", "sample"))
    assert not np.array_equal(train.inputs(0, 1)[0]["noise"], sample.inputs(0, 1)[0]["noise"])


def test_times_and_labels_lie_in_their_tables() -> None:
    drawn = SPECS["train"].with_batch("xs", 3000).source_at("xs").inputs(0, 1)[0]
    assert (drawn["time"].min(), drawn["label"].min(), drawn["label"].max()) == (0, 0, XS.classes)
    assert 990 < drawn["time"].max() < data.TIMES


def test_weights_are_the_specs_shapes_and_none_begins_at_zero() -> None:
    weights = SPECS["train"].source_at("xs").weights()
    assert {name: value.shape for name, value in weights.items()} == XS.shapes()
    assert all(value.dtype == np.float32 and value.all() for value in weights.values())
    assert SPECS["train"].parameters(XS) == sum(value.size for value in weights.values())


def test_weights_and_inputs_are_the_same_bits_on_every_machine() -> None:
    source = SPECS["train"].source_at("xs")
    assert _hash(source.weights()) == "ed5221512735497034ee5cc6ac212fddb3749b47ce0f4909cce01b81881a046b"
    assert _hash(source.inputs(0, 1)[0]) == "a8f96c32d854bc374b1f6cb40b50b3e0a5eb940af311450d2d6328d2c3d95b35"


@pytest.mark.parametrize(
    ("config", "published", "rounded"),
    [
        (TRAIN_SIZES["m"], 32_963_360, 33),
        (SAMPLE_SIZES["m"], 130_512_416, 130),
        (TRAIN_SIZES["l"], 675_129_632, 675),
        (SAMPLE_SIZES["l"], 675_129_632, 675),
    ],
    ids=["S/2", "B/2", "XL/2", "XL/2 sampling"],
)
def test_parameters_are_the_published_ones(config: Config, published: int, rounded: int) -> None:
    """Millions as in table 1 of arXiv 2212.09748; those counts include the fixed positions, one row per patch."""
    counted = SPECS["train"].parameters(config) + config.patches * config.width
    assert counted == published
    assert abs(counted / 1e6 - rounded) < 0.6


def test_a_call_of_the_published_models_costs_what_the_paper_says() -> None:
    """6.06, 23.01 and 118.64 "Gflops" in the paper, one per multiply and add: twice as many here."""
    for config, billions in ((SAMPLE_SIZES["m"], 23.01), (SAMPLE_SIZES["l"], 118.64)):
        per_call = SPECS["sample"].flops_per_step(config) / data.CALLS / config.batch
        assert per_call / 2e9 == pytest.approx(billions, rel=0.005)


def test_flops_of_one_latent_counted_matrix_by_matrix() -> None:
    """Each matrix meets every patch, but those of time and class meet an image once, or all images once."""
    one = replace(XS, batch=1)
    attention = 2 * XS.layers * XS.patches**2 * XS.width
    products = attention
    for name, shape in XS.shapes().items():
        if name.endswith("weight"):
            products += prod(shape) * (1 if name.startswith(("time", "modulation", "final")) else XS.patches)
    assert SPECS["sample"].flops_per_step(one) == 2 * data.CALLS * products
    unneeded = prod(XS.shapes()["patch_weight"]) * XS.patches + prod(XS.shapes()["time_in_weight"])
    assert SPECS["train"].flops_per_step(one) == 2 * (3 * products - unneeded)


@pytest.mark.parametrize(("mode", "size"), [(mode, size) for mode in SPECS for size in workloads.SIZES])
def test_bfloat16_moves_and_holds_fewer_bytes(mode: str, size: str) -> None:
    spec = SPECS[mode]
    config = spec.sizes[size]
    assert 0 < spec.bytes_per_step(config, "bf16") < spec.bytes_per_step(config, "fp32")
    assert 0 < spec.memory_bytes(config, "bf16") < spec.memory_bytes(config, "fp32")


def test_sampling_bytes_counted_call_by_call() -> None:
    per_call = sum(
        prod(shape)
        for name, shape in XS.shapes().items()
        if not name.startswith(("time", "class", "modulation", "final"))
    )
    once = SPECS["sample"].parameters(XS) - per_call - prod(XS.shapes()["class_table"])
    rows = 4 * XS.width
    assert SPECS["sample"].bytes_per_step(XS, "bf16") == 2 * (sum([per_call] * data.CALLS) + once + rows)


@pytest.mark.parametrize(("mode", "size", "gigabytes"), [("train", "m", 16), ("sample", "m", 16), ("train", "l", 80)])
def test_the_published_models_fit_where_they_are_meant_to_run(mode: str, size: str, gigabytes: int) -> None:
    spec = SPECS[mode]
    assert spec.memory_bytes(spec.sizes[size], "fp32") < gigabytes * 1e9


def test_bands_are_two_sided_and_below_ignorance() -> None:
    for size in workloads.SIZES:
        band = SPECS["train"].band(size, "bf16")
        assert 0 <= band.low < band.high <= data.ignorance() - SPECS["train"].source_at(size).floor()
        assert SPECS["sample"].band(size, "bf16").low > 0


def test_sampling_needs_no_steps_before_its_quality_is_read() -> None:
    assert [SPECS[mode].quality_steps(XS) for mode in ("train", "sample")] == [XS.quality_steps, 0]
