"""`lstm`: the numbers of its spec and its text, without a framework."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

import workloads
from workloads.common import markov
from workloads.lstm import SIZES, Config, data

SPECS = workloads.specs("lstm")
MODES = tuple(SPECS)


def _digest(arrays: list[dict[str, np.ndarray]]) -> str:
    named = [(name, value.tobytes()) for array in arrays for name, value in sorted(array.items())]
    return hashlib.sha256(repr(named).encode()).hexdigest()


@pytest.mark.parametrize(
    ("size", "published"),
    [
        # V H tables twice, a bias of V, and per layer 8 H^2 + 4 H: arXiv 1409.2329 speaks of 20 M and 66 M.
        ("m", 19_775_200),
        ("l", 66_022_000),
    ],
)
def test_parameters_are_those_of_the_paper(size: str, published: int) -> None:
    assert SPECS["train"].parameters(SIZES[size]) == published


def test_parameters_are_the_elements_of_the_weights() -> None:
    weights = SPECS["train"].source_at("xs").weights()
    assert sum(value.size for value in weights.values()) == SPECS["train"].parameters(SIZES["xs"])


def _products_by_hand(config: Config) -> int:
    """Multiply-adds of one token, gate by gate."""
    width, per_token = config.width, 0
    for _ in range(data.LAYERS):
        for _gate in "ifgo":
            per_token += width * width  # from below
            per_token += width * width  # from the past
    return per_token + width * config.vocabulary


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("mode", "flops_per_product"), [("train", 6), ("infer-1", 2), ("infer-32", 2)])
def test_flops_count_every_gate(mode: str, size: str, flops_per_product: int) -> None:
    config = SPECS[mode].sizes[size]
    counted = flops_per_product * _products_by_hand(config) * SPECS[mode].units_per_step(config)
    assert SPECS[mode].flops_per_step(config) == counted


def test_writing_reads_all_matrices_for_every_token_and_one_row_of_the_table_per_sequence() -> None:
    spec = SPECS["infer-32"]
    config = spec.sizes["xs"]
    shapes = config.shapes()
    matrices = sum(np.prod(shape) for name, shape in shapes.items() if len(shape) == 2 and "embedding" not in name)
    per_token = matrices + config.batch * config.width
    assert spec.bytes_per_step(config, "fp32") == 4 * config.generated * per_token
    assert spec.bytes_per_step(config, "bf16") == 2 * config.generated * per_token


def test_memory_at_l_fits_an_accelerator_and_at_m_a_small_machine() -> None:
    assert SPECS["train"].memory_bytes(SIZES["l"], "fp32") < 80e9
    assert SPECS["train"].memory_bytes(SIZES["m"], "fp32") < 2e9


def test_writing_at_batch_one_and_thirty_two() -> None:
    assert {config.batch for config in SPECS["infer-1"].sizes.values()} == {1}
    assert {config.batch for config in SPECS["infer-32"].sizes.values()} == {32}
    assert SPECS["infer-1"].batches == ()


@pytest.mark.parametrize("mode", MODES)
def test_the_first_sequence_does_not_depend_on_the_batch(mode: str) -> None:
    few, many = (SPECS[mode].with_batch("xs", batch).source_at("xs") for batch in (2, 7))
    for small, large in zip([few.audit(), *few.inputs(3, 2)], [many.audit(), *many.inputs(3, 2)], strict=True):
        assert small.keys() == large.keys()
        for name, value in small.items():
            np.testing.assert_array_equal(value, large[name][:2])


@pytest.mark.parametrize("mode", MODES)
def test_weights_and_text_are_the_same_on_every_call_and_other_for_another_seed(mode: str) -> None:
    spec = SPECS[mode]

    def drawn(seed: int) -> str:
        source = spec.source(spec.sizes["xs"], seed)
        return _digest([source.weights(), source.audit(), *source.inputs(0, 3)])

    assert drawn(spec.seed) == drawn(spec.seed)
    assert drawn(spec.seed) != drawn(spec.seed + 1)


def test_weights_are_these_bytes() -> None:
    assert _digest([SPECS["train"].source_at("xs").weights()])[:16] == "4d2644806592c81d"


@pytest.mark.parametrize("mode", MODES)
def test_a_step_depends_on_its_number_alone(mode: str) -> None:
    source = SPECS[mode].source_at("xs")
    assert _digest(source.inputs(0, 4)[2:]) == _digest(source.inputs(2, 2))
    assert _digest(source.inputs(0, 1)) != _digest(source.inputs(1, 1))


def test_no_step_gets_the_audit() -> None:
    source = SPECS["train"].source_at("xs")
    audit = source.audit()["tokens"]
    assert not any(np.array_equal(audit, inputs["tokens"]) for inputs in source.inputs(0, 50))


def test_the_floor_is_the_mean_surprise_of_sampled_text() -> None:
    """Each token's probability from the chain's own rules, over a long text: another way than the entropy formula."""
    config = replace(SIZES["xs"], batch=256, context=64)
    spec = replace(SPECS["train"], sizes={"xs": config})
    source = spec.source_at("xs")
    chain = markov.chain(config.vocabulary, spec.seed)
    tokens = source.inputs(0, 1)[0]["tokens"]
    before, told = tokens[:, :-1].ravel(), tokens[:, 1:].ravel()
    followed = (chain.successors[before] == told[:, None]) @ chain.weights
    probability = markov.NOISE * chain.noise[told] + (1 - markov.NOISE) * followed
    surprise = -np.log(probability)
    standard_error = surprise.std() / np.sqrt(surprise.size)
    assert source.floor() == pytest.approx(surprise.mean(), abs=4 * standard_error)


@pytest.mark.parametrize("mode", ["infer-1", "infer-32"])
def test_texts_start_from_one_token_and_nothing_before_it(mode: str) -> None:
    spec = SPECS[mode]
    config = spec.sizes["xs"]
    source = spec.source_at("xs")
    assert source.constants()["prompt"].shape == (config.batch, 0)
    assert source.inputs(0, 1)[0]["token"].shape == (config.batch,)
    assert source.audit()["text"].shape == (config.batch, config.generated)


@pytest.mark.parametrize("size", SIZES)
def test_a_training_band_leaves_out_a_model_that_knows_less_than_nothing(size: str) -> None:
    spec = SPECS["train"]
    knows_nothing = np.log(SIZES[size].vocabulary) - spec.source_at(size).floor()
    assert not spec.band(size, "fp32").holds(knows_nothing + 0.01)
    assert not spec.band(size, "fp32").holds(-0.01)
