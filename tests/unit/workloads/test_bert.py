"""What `bert` says of itself in numpy: text with gaps, the best guess, weights, formulas."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from math import prod

import numpy as np
import pytest

import workloads
from workloads.base import Arrays
from workloads.bert import data, infer_flops, parameters
from workloads.bert.sizes import INFER, TRAIN, Config
from workloads.common import markov

SPECS = workloads.specs("bert")
XS = TRAIN["xs"]
SEED = SPECS["train"].seed
CHAIN = markov.chain(64, SEED)


def _step_matrix(chain: markov.Chain) -> np.ndarray:
    """(V, V) chances of each next token."""
    matrix = np.tile(markov.NOISE * chain.noise, (chain.noise.size, 1))
    np.add.at(matrix, (np.arange(chain.noise.size)[:, None], chain.successors), (1 - markov.NOISE) * chain.weights)
    return matrix


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def test_the_two_step_entropy_is_that_of_the_squared_matrix() -> None:
    matrix = _step_matrix(CHAIN)
    twice = matrix @ matrix
    expected = -(CHAIN.stationary[:, None] * twice * np.log(twice)).sum()
    assert data.two_step_nats(CHAIN) == pytest.approx(expected, rel=1e-12)


def test_two_successors_of_one_token_are_merged() -> None:
    rows, tokens, values = data._two_successors(CHAIN)
    assert len(set(zip(rows.tolist(), tokens.tolist(), strict=True))) == rows.size < 64 * 64
    np.testing.assert_allclose(np.bincount(rows, values), (1 - markov.NOISE) ** 2)


def test_the_floor_is_the_mean_surprise_of_the_exact_posterior() -> None:
    """All triples of neighbours, each with its chance."""
    matrix = _step_matrix(CHAIN)
    triples = CHAIN.stationary[:, None, None] * matrix[:, :, None] * matrix[None, :, :]
    posterior = triples / triples.sum(axis=1, keepdims=True)
    assert data.posterior_nats(CHAIN) == pytest.approx(-(triples * np.log(posterior)).sum(), rel=1e-10)


def test_guessing_by_the_posterior_costs_the_floor_on_drawn_gaps() -> None:
    config = replace(XS, vocabulary=65, batch=2000)
    source = data.Gaps(config=config, seed=SEED, stream="train")
    drawn = source.inputs(0, 1)[0]
    matrix = _step_matrix(CHAIN)
    rows = np.arange(config.batch)[:, None]
    before, after = (drawn["tokens"][rows, drawn["positions"] + side] for side in (-1, 1))
    chances = matrix[before] * matrix.T[after]
    told = np.take_along_axis(chances, drawn["labels"][..., None], axis=-1)[..., 0] / chances.sum(axis=-1)
    surprise = -np.log(told).ravel()
    error = surprise.std() / surprise.size**0.5
    assert error < 0.02
    assert surprise.mean() == pytest.approx(source.floor(), abs=4 * error)


def test_reading_both_neighbours_beats_reading_forward() -> None:
    assert 0 < data.posterior_nats(CHAIN) < CHAIN.floor_nats() < data.two_step_nats(CHAIN) < np.log(64)


@pytest.mark.parametrize("config", [XS, TRAIN["s"], INFER["m"]], ids=["xs", "s", "m"])
def test_masks_are_isolated_and_never_at_an_end(config: Config) -> None:
    positions = data.isolated(np.random.default_rng(1), 100, config.length, config.masked)
    assert positions.shape == (100, config.masked)
    assert np.diff(positions, axis=1).min() >= 2
    assert positions.min() == 1
    assert positions.max() == config.length - 2


def test_every_set_of_isolated_positions_is_equally_likely() -> None:
    """Two of the places 1 to 6 in a sequence of eight: ten sets that are not adjacent."""
    drawn = data.isolated(np.random.default_rng(2), 20000, 8, 2)
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert counts.size == 10
    np.testing.assert_allclose(counts, 2000, atol=200)


def test_about_fifteen_per_cent_is_masked() -> None:
    assert (TRAIN["m"].masked, INFER["m"].masked) == (19, 57)


def test_the_mask_stands_at_the_masked_positions_and_nowhere_else() -> None:
    source = SPECS["train"].source_at("xs")
    drawn = source.inputs(3, 1)[0]
    rows, places = np.nonzero(drawn["tokens"] == XS.vocabulary - 1)
    np.testing.assert_array_equal(places.reshape(XS.batch, XS.masked), drawn["positions"])
    assert rows.size == drawn["labels"].size
    assert drawn["labels"].max() < XS.vocabulary - 1


def test_filling_the_gaps_with_the_labels_gives_the_chains_text() -> None:
    drawn = SPECS["train"].source_at("xs").inputs(3, 1)[0]
    filled = drawn["tokens"].copy()
    np.put_along_axis(filled, drawn["positions"], drawn["labels"], axis=1)
    text = markov.text(
        XS.vocabulary - 1, SEED, stream="train", first=3, steps=1, batch=XS.batch, length=XS.length
    )  # fmt: skip
    np.testing.assert_array_equal(filled, text[0])


@pytest.mark.parametrize("mode", SPECS)
def test_the_first_item_does_not_depend_on_the_batch(mode: str) -> None:
    few, many = (SPECS[mode].with_batch("xs", batch).source_at("xs") for batch in (1, 16))
    for ours, theirs in ((few.inputs(2, 1)[0], many.inputs(2, 1)[0]), (few.audit(), many.audit())):
        assert all(np.array_equal(ours[name][0], theirs[name][0]) for name in ours)


@pytest.mark.parametrize("mode", SPECS)
def test_inputs_depend_on_the_number_of_the_step_alone(mode: str) -> None:
    source = SPECS[mode].source_at("xs")
    at_once, alone = source.inputs(4, 3), source.inputs(6, 1)
    assert _digest(at_once[2]) == _digest(alone[0])
    assert len({_digest(arrays) for arrays in (*at_once, source.audit())}) == 4


def test_weights_and_inputs_are_these_bytes_for_ever() -> None:
    source = SPECS["train"].source_at("xs")
    assert _digest(source.weights())[:16] == "85e426e74cb8fd32"
    assert _digest(source.inputs(0, 1)[0])[:16] == "698a3fd943f0d4cb"


def test_both_types_of_token_are_seen() -> None:
    types = SPECS["train"].source_at("xs").constants()["types"]
    assert types.tolist() == [0] * 16 + [1] * 16


def test_no_weight_is_constant_and_gains_lie_about_one() -> None:
    weights = SPECS["train"].source_at("xs").weights()
    assert all(value.std() > 0.04 and value.dtype == np.float32 for value in weights.values())
    assert {name for name, value in weights.items() if abs(value.mean() - 1) < 0.1} == {
        name for name in weights if name.endswith("gain")
    }


@pytest.mark.parametrize(
    ("size", "published"),
    [
        ("m", 109_514_298),  # BertForMaskedLM of bert-base-uncased, Hugging Face transformers
        ("l", 335_174_458),  # the same of bert-large-uncased
    ],
)
@pytest.mark.parametrize("mode", SPECS)
def test_parameters_are_the_published_ones(mode: str, size: str, published: int) -> None:
    assert SPECS[mode].parameters(SPECS[mode].sizes[size]) == published


def test_the_counted_parameters_are_those_made() -> None:
    assert parameters(XS) == sum(value.size for value in data.initial_weights(XS, SEED).values())


@pytest.mark.parametrize("size", workloads.SIZES)
@pytest.mark.parametrize("mode", SPECS)
def test_flops_are_those_of_all_matrix_products_listed_one_by_one(mode: str, size: str) -> None:
    config = SPECS[mode].sizes[size]
    d, s, h = config.width, config.length, config.heads
    layer = [(s, d, 3 * d), (s, d, d), (s, d, 4 * d), (s, 4 * d, d), *[(s, d // h, s), (s, s, d // h)] * h]
    head = [(config.masked, d, d), (config.masked, d, config.vocabulary)]
    forward = config.batch * sum(2 * prod(product) for product in [*layer * config.layers, *head])
    assert SPECS[mode].flops_per_step(config) == (3 * forward if mode == "train" else forward)


def test_base_needs_the_published_work_per_sequence_less_the_heads() -> None:
    """6 N S + 12 L S^2 D with the 85 million weights of the layers, to which the head adds a little."""
    layers = 2 * 84_934_656 * 384 + 4 * 12 * 384**2 * 768
    assert infer_flops(replace(INFER["m"], batch=1)) == pytest.approx(layers, rel=0.04)


@pytest.mark.parametrize("mode", SPECS)
def test_half_the_width_of_a_number_saves_traffic_and_memory(mode: str) -> None:
    spec, config = SPECS[mode], SPECS[mode].sizes["m"]
    for formula in (spec.bytes_per_step, spec.memory_bytes):
        assert formula(config, "bf16") < formula(config, "fp32") < 16e9


@pytest.mark.parametrize("mode", SPECS)
def test_the_largest_size_fits_an_accelerator_of_80_gb(mode: str) -> None:
    spec = SPECS[mode]
    assert 335_174_458 * 2 < spec.memory_bytes(spec.sizes["l"], "fp32") < 70e9


def test_training_never_measured_may_end_anywhere_above_the_floor() -> None:
    band = SPECS["train"].band("l", "bf16")
    assert band.low == 0.0
    assert band.high == pytest.approx(np.log(30522) - SPECS["train"].source_at("l").floor())
