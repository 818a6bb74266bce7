"""The numpy side of `gpt`: its weights, its text and its formulas."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import workloads
from workloads.base import Arrays
from workloads.common.markov import chain
from workloads.gpt import SEED, data
from workloads.gpt.config import SIZES

SPECS = workloads.specs("gpt")
XS = SIZES["xs"]


def _hash(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, value in arrays.items():
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()


def test_initial_weights_are_the_same_bits_on_every_machine() -> None:
    assert _hash(data.initial_weights(XS, SEED)) == "a45799c74ce2f70c41b3b691b548f965be517bbfa1de88e1167f13a5256f564c"
    assert _hash(data.initial_weights(XS, SEED + 1)) != _hash(data.initial_weights(XS, SEED))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("train", "c98c3515b0108dfada7755af5494fcd6764dfd4d65be9efb3939ebe342ff5b91"),
        ("prefill", "fb4745c834c51422285cc2485dca3a85cc950543c4ad9f69fbff56ffc52154c9"),
        ("decode", "8faca7b216ee09d14c4538cb3ab495d1f7711113f2de4ec160ae8048219c50a6"),
    ],
)
def test_inputs_are_the_same_bits_on_every_machine(mode: str, expected: str) -> None:
    source = SPECS[mode].source_at("xs")
    steps = {str(number): next(iter(inputs.values())) for number, inputs in enumerate(source.inputs(0, 5))}
    assert _hash(steps | source.constants() | source.audit()) == expected


@pytest.mark.parametrize("mode", SPECS)
def test_a_steps_inputs_depend_on_its_number_alone(mode: str) -> None:
    source = SPECS[mode].source_at("xs")
    assert [_hash(step) for step in source.inputs(0, 6)[4:]] == [_hash(step) for step in source.inputs(4, 2)]


@pytest.mark.parametrize("mode", SPECS)
def test_steps_and_audit_differ_and_hold_whole_tokens_of_the_vocabulary(mode: str) -> None:
    source = SPECS[mode].source_at("xs")
    steps = source.inputs(0, 40)
    assert len({_hash(step) for step in [*steps, source.audit()]}) == 41
    for arrays in [*steps, source.constants(), source.audit()]:
        for tokens in arrays.values():
            assert tokens.dtype == np.int32
            assert tokens.shape[0] == XS.batch
            assert 0 <= tokens.min() <= tokens.max() < XS.vocabulary


@pytest.mark.parametrize("mode", SPECS)
def test_a_smaller_batch_is_the_beginning_of_a_larger_one(mode: str) -> None:
    few, many = (SPECS[mode].with_batch("xs", batch).source_at("xs") for batch in (2, 8))
    pairs = [*zip(few.inputs(3, 2), many.inputs(3, 2), strict=True), (few.constants(), many.constants())]
    for one, other in [*pairs, (few.audit(), many.audit())]:
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name][:2]) for name in one)


def test_the_shapes_of_a_steps_inputs() -> None:
    assert SPECS["train"].source_at("xs").audit()["tokens"].shape == (XS.batch, XS.context + 1)
    assert SPECS["prefill"].source_at("xs").audit()["tokens"].shape == (XS.batch, XS.context)
    decode = SPECS["decode"].source_at("xs")
    assert decode.constants()["prompt"].shape == (XS.batch, XS.prompt)
    assert decode.inputs(0, 1)[0]["token"].shape == (XS.batch,)
    assert decode.audit()["text"].shape == (XS.batch, XS.prompt + XS.generated)


def test_the_floor_of_training_is_the_texts_entropy_rate() -> None:
    """The mean surprise of the text under its own chain, within four standard errors."""
    source = SPECS["train"].source_at("xs")
    text = np.concatenate([step["tokens"] for step in source.inputs(0, 300)])
    made = chain(XS.vocabulary, SEED)
    likely = 0.1 * made.noise[text[:, 1:]]
    matches = made.successors[text[:, :-1]] == text[:, 1:, None]
    nats = -np.log(likely + 0.9 * (matches * made.weights).sum(-1))
    assert nats.mean() == pytest.approx(source.floor(), abs=4 * nats.std() / nats.size**0.5)


def test_inference_has_no_floor() -> None:
    assert [SPECS[mode].source_at("xs").floor() for mode in ("prefill", "decode")] == [0.0, 0.0]


# GPT-2's smallest model and GPT-Neo 1.3B, as Hugging Face counts `gpt2` and `EleutherAI/gpt-neo-1.3B`; the latter has
# no bias on its queries, keys and values, which 24 layers of 3 x 2048 are here.
@pytest.mark.parametrize(("size", "published"), [("m", 124_439_808), ("l", 1_315_575_808)])
def test_parameters_are_the_published_ones(size: str, published: int) -> None:
    unpublished = {"m": 0, "l": 24 * 3 * 2048}[size]
    assert SPECS["train"].parameters(SIZES[size]) - unpublished == published


def test_parameters_are_those_of_the_weights() -> None:
    assert SPECS["train"].parameters(XS) == sum(value.size for value in data.initial_weights(XS, SEED).values())


def test_the_token_table_is_padded_to_whole_tiles() -> None:
    assert SIZES["m"].padded_vocabulary == 50304
    assert XS.padded_vocabulary == XS.vocabulary
    assert replace(XS, vocabulary=130).padded_vocabulary == 256


def test_a_step_of_size_s_trains_on_2048_tokens() -> None:
    assert SPECS["train"].units_per_step(SIZES["s"]) == 2048


def test_flops_of_gpt2_per_trained_token() -> None:
    """Twelve layers of 12 D^2 weights, the head, and attention over 512 of 1,024 places on average."""
    config = SIZES["m"]
    per_token = SPECS["train"].flops_per_step(config) / SPECS["train"].units_per_step(config)
    assert per_token == 6 * (12 * 12 * 768**2 + 50257 * 768) + 12 * 12 * 512 * 768


def test_decode_bytes_counted_token_by_token() -> None:
    matrix = 12 * XS.layers * XS.width**2 + XS.vocabulary * XS.width
    keys_and_values = 2 * XS.layers * XS.width * XS.batch
    counted = sum(4 * (matrix + keys_and_values * (XS.prompt + i + 1)) for i in range(XS.generated))
    assert SPECS["decode"].bytes_per_step(XS, "fp32") == counted


@pytest.mark.parametrize("mode", SPECS)
@pytest.mark.parametrize("size", workloads.SIZES)
def test_bfloat16_moves_and_holds_less(mode: str, size: str) -> None:
    spec, config = SPECS[mode], SIZES[size]
    assert 0 < spec.bytes_per_step(config, "bf16") < spec.bytes_per_step(config, "fp32")
    assert 0 < spec.memory_bytes(config, "bf16") < spec.memory_bytes(config, "fp32") + 2 * spec.parameters(config)


def test_memory_holds_the_optimisers_state_and_fits_where_the_size_belongs() -> None:
    for mode, spec in SPECS.items():
        assert spec.memory_bytes(SIZES["s"], "fp32") < 4e9
        assert spec.memory_bytes(SIZES["m"], "fp32") < 16e9
        assert spec.memory_bytes(SIZES["l"], "bf16") < 80e9
        state = 16 if mode == "train" else 4
        assert spec.memory_bytes(SIZES["l"], "bf16") > state * spec.parameters(SIZES["l"])


def test_a_batch_more_takes_memory_for_its_cache() -> None:
    one, two = (SPECS["decode"].memory_bytes(replace(XS, batch=batch), "fp32") for batch in (1, 2))
    cache = 2 * XS.layers * (XS.prompt + XS.generated) * XS.width * 4
    assert two - one > cache


def test_bands_are_two_sided() -> None:
    band = SPECS["train"].band("xs", "bf16")
    assert 0 < band.low < band.high < np.log(XS.vocabulary) - SPECS["train"].source_at("xs").floor()
    for size in SIZES:
        assert SPECS["decode"].band(size, "bf16").low > 0


def test_an_unmeasured_band_ends_where_a_model_knows_nothing() -> None:
    band = SPECS["train"].band("l", "fp32")
    assert band.low == 0
    know_nothing = np.log(SIZES["l"].vocabulary) - SPECS["train"].source_at("l").floor()
    assert band.high == pytest.approx(know_nothing)


def test_inference_needs_no_steps_before_its_quality_is_read() -> None:
    assert [SPECS[mode].quality_steps(XS) for mode in ("train", "prefill", "decode")] == [50, 0, 0]


def test_importing_the_spec_loads_no_framework() -> None:
    code = "import sys, workloads.gpt; sys.exit(bool({'torch', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
