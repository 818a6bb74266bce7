"""What the `gan` spec promises without any framework: sizes, images, the least loss and the formulas."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from workloads.base import Arrays, Spec
from workloads.common.strided import Strided
from workloads.common.textures import PIXEL_MEAN, PIXEL_STD
from workloads.gan import SAMPLE, TRAIN, data
from workloads.gan.network import Config, Matrix, discriminator, generator, normalised, parameters_of

SPECS = {"train": TRAIN, "sample": SAMPLE}
XS, S, M, L = (TRAIN.sizes[size] for size in ("xs", "s", "m", "l"))
SEED = TRAIN.seed
each = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def digest(arrays: Arrays) -> str:
    text = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        text.update(name.encode() + values.tobytes())
    return text.hexdigest()[:16]


@pytest.mark.parametrize("config", [S, M, L], ids=["s", "m", "l"])
def test_parameters_are_those_of_the_published_networks(config: Config) -> None:
    # arXiv 1511.06434, figure 1, with ngf = ndf = 64 and no biases: counted from the layers of the common
    # implementation, examples/dcgan of the PyTorch project
    made = 100 * 512 * 16 + (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) * 16 + 2 * (512 + 256 + 128 + 64)
    judged = (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) * 16 + 2 * (128 + 256 + 512)
    assert parameters_of(generator(config), config) == made == 3_576_704
    assert parameters_of(discriminator(config), config) == judged == 2_765_568
    assert TRAIN.parameters(config) == made + judged
    assert SAMPLE.parameters(config) == made


def test_learned_weights_are_as_many_as_the_formula_says() -> None:
    for config in (XS, S):
        made = data.Training(config=config, seed=SEED).weights()
        assert sum(value.size for value in made.values()) == TRAIN.parameters(config)


def test_the_two_ends_of_either_network_are_not_normalised() -> None:
    names = [layer.name for layer in generator(M) + discriminator(M)]
    bare = set(names) - set(normalised(M))
    assert bare == {"generator.double3", "discriminator.halve0", "discriminator.answer"}


def test_large_differs_from_medium_in_its_batch_alone() -> None:
    assert replace(L, batch=M.batch, base_batches=M.base_batches) == M


def test_layers_fit_together() -> None:
    """Each reads as much as the one before wrote, from latents to an image and from an image to one answer."""
    made, judged = generator(M), discriminator(M)
    for layers in (made, judged):
        for before, after in pairwise(layers):
            assert before.elements_out == after.elements_in
    assert (made[0].elements_in, made[-1].elements_out) == (100, 3 * 64 * 64)
    assert (judged[0].elements_in, judged[-1].elements_out) == (3 * 64 * 64, 1)


def test_the_floor_is_the_least_that_the_losses_can_be() -> None:
    answers = np.linspace(-20, 20, 4001)
    on_made = np.logaddexp(0, answers) + np.logaddexp(0, -answers)
    on_real = np.logaddexp(0, -answers)
    brute = (on_made[:, None] + on_real[None, :]).min()
    assert data.Training(config=XS, seed=SEED).floor() == pytest.approx(brute, abs=1e-6)
    assert data.Training(config=XS, seed=SEED).floor() == 2 * math.log(2)


def test_real_images_span_the_range_of_a_tanh() -> None:
    pixels = np.array([0, 255])
    assert np.allclose((pixels - PIXEL_MEAN) / PIXEL_STD * data.CONTRAST, [-1, 1])


def test_latents_are_uniform_between_minus_and_plus_one() -> None:
    drawn = data.latents(replace(M, batch=2000), SEED, 3)
    assert drawn.min() >= -1
    assert drawn.max() < 1
    assert drawn.mean() == pytest.approx(0, abs=0.01)
    assert np.square(drawn).mean() == pytest.approx(1 / 3, abs=0.01)


def test_first_weights_have_the_published_deviation() -> None:
    weights = data.Training(config=M, seed=SEED).weights()
    for name in (layer.weight for layer in generator(M) + discriminator(M)):
        assert weights[name].std() == pytest.approx(0.02, rel=0.03), name


@each
def test_the_first_item_is_the_same_whatever_the_batch(spec: Spec) -> None:
    one, eight = (spec.source(replace(XS, batch=batch), SEED) for batch in (1, 8))
    for few, many in zip([*one.inputs(2, 3), one.audit()], [*eight.inputs(2, 3), eight.audit()], strict=True):
        assert all(np.array_equal(few[name][0], many[name][0]) for name in few)


def test_the_first_real_image_is_the_same_whatever_the_batch() -> None:
    one, eight = (data.Training(config=replace(XS, batch=batch), seed=SEED).constants() for batch in (1, 8))
    assert np.array_equal(one["pool"][:, 0], eight["pool"][:, 0])


@each
def test_steps_differ_and_do_not_depend_on_how_they_are_asked_for(spec: Spec) -> None:
    source = spec.source(XS, SEED)
    assert [digest(step) for step in source.inputs(0, 3)] == [digest(source.inputs(n, 1)[0]) for n in range(3)]
    assert len({digest(step) for step in [*source.inputs(0, 20), source.audit()]}) == 21


def test_weights_and_inputs_are_bit_identical_everywhere() -> None:
    source = data.Training(config=XS, seed=SEED)
    assert digest(source.weights()) == "6f13559f8441616b"
    assert digest(source.constants() | source.inputs(5, 1)[0]) == "ea854b06c4a0ae15"
    assert digest(data.Sampling(config=XS, seed=SEED).audit()) == "e9c6e6bccaf05d44"


def test_a_folded_layer_is_the_layer_with_its_normalisation() -> None:
    layer = generator(XS)[1]
    assert isinstance(layer, Strided)
    x = np.random.default_rng(3).standard_normal(layer.inputs)
    kernel = data.Training(config=XS, seed=SEED).weights()[layer.weight].astype(np.float64)
    folded = data.Sampling(config=XS, seed=SEED).weights()
    there, zero = (np.tensordot(way * x, folded[layer.weight], axes=(0, 2)) for way in (1, 0))
    there, zero = there + folded[f"{layer.name}.bias"], zero + folded[f"{layer.name}.bias"]
    plain = np.tensordot(x, kernel, axes=(0, 2))
    gain = (there - zero) / plain
    norm = data.Training(config=XS, seed=SEED).weights()
    scale, shift = norm[f"{layer.name}.scale"], norm[f"{layer.name}.shift"]
    moment = 0.02**2 * layer.fan_in / 2
    assert np.allclose(gain, gain[0, 0], rtol=1e-3)
    assert np.all((gain / scale > 0.8 / math.sqrt(moment)) & (gain / scale < 1.2 / math.sqrt(moment)))
    assert np.all(np.abs(zero - shift) < 0.2 * math.sqrt(moment) * gain + 1e-6)


def test_projection_bias_is_the_same_for_all_pixels_of_a_channel() -> None:
    layer = generator(XS)[0]
    assert isinstance(layer, Matrix)
    bias = data.Sampling(config=XS, seed=SEED).weights()[f"{layer.name}.bias"].reshape(16, XS.widest)
    assert np.array_equal(bias, np.broadcast_to(bias[0], bias.shape))
    assert len(np.unique(bias[0])) == XS.widest


def test_flops_of_the_published_size_by_hand() -> None:
    """Products per image: 16 taps over each small pixel."""
    doubling = [512 * 256 * 4**2, 256 * 128 * 8**2, 128 * 64 * 16**2, 64 * 3 * 32**2]
    makes = 100 * 512 * 16 + 16 * sum(doubling)
    judges = 16 * sum(doubling) + 512 * 16
    # Generator: forward, weights, inputs but latents. Discriminator: on real and on made images forward, weights and
    # inputs but images; once more the inputs, images among them.
    expected = 3 * makes - 100 * 512 * 16 + 2 * (3 * judges - 16 * doubling[-1]) + judges
    assert TRAIN.flops_per_step(M) == 2 * M.batch * expected
    assert SAMPLE.flops_per_step(M) == 2 * M.batch * makes


def test_bytes_and_memory_grow_with_the_precision_and_the_batch() -> None:
    for spec in SPECS.values():
        assert spec.bytes_per_step(M, "bf16") < spec.bytes_per_step(M, "fp32") < spec.bytes_per_step(L, "fp32")
        assert spec.memory_bytes(M, "bf16") < spec.memory_bytes(M, "fp32") < spec.memory_bytes(L, "fp32") < 80e9
    assert TRAIN.memory_bytes(S, "fp32") < 4e9
    assert TRAIN.memory_bytes(M, "fp32") < 16e9
