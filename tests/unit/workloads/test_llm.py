"""The numpy side of `llm`: its weights, its rotary tables, its texts and its formulas."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import workloads
from workloads.base import Arrays
from workloads.llm import SEED, Config, data

SPECS = workloads.specs("llm")
DECODE = ["decode", "decode-1", "decode-8", "decode-32"]
SIZES = SPECS["decode-8"].sizes
XS: Config = SIZES["xs"]


def _hash(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, value in arrays.items():
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()


def test_size_m_has_the_parameters_of_tinyllama() -> None:
    # 1.1 billion, the sum over the tensors of the checkpoint TinyLlama-1.1B.
    assert SPECS["decode"].parameters(SIZES["m"]) == 1_100_048_384


def test_size_l_has_the_parameters_of_llama_3_1_8b() -> None:
    # "8.03B" on the model's page, the sum over its tensors.
    assert SPECS["decode"].parameters(SIZES["l"]) == 8_030_261_248


def test_parameters_are_those_of_the_weights() -> None:
    assert SPECS["decode"].parameters(XS) == sum(
        value.size for value in SPECS["decode"].source_at("xs").weights().values()
    )


def test_weights_are_the_same_bits_on_every_call_and_in_every_mode() -> None:
    hashes = {_hash(spec.source_at("xs").weights()) for spec in SPECS.values() for _ in range(2)}
    assert hashes == {"15ad594eecd7362f9ceadb8cf9d26942c901bf48fcff2f1cb0db4f71d400a6ac"}
    assert _hash(SPECS["decode"].source(XS, SEED + 1).weights()) not in hashes


def test_texts_are_the_same_bits_on_every_machine() -> None:
    source = SPECS["decode-8"].source_at("xs")
    texts = source.constants() | source.audit() | source.inputs(3, 1)[0]
    assert _hash(texts) == "1fe44b760bc74a4a8e22c9b82735f0708134bf0f404557100d3eb278e969851f"


def test_layers_have_weights_of_their_own() -> None:
    for name, value in SPECS["decode"].source_at("xs").weights().items():
        if value.shape[0] == XS.layers:
            assert not np.array_equal(value[0], value[1]), name


def test_matrices_keep_what_they_multiply_of_order_one() -> None:
    """Each row's squares add up to 1, or to 1 / layers where the product is added to the residual stream."""
    for name, value in SPECS["decode"].source_at("xs").weights().items():
        if name.endswith("weight"):
            expected = 1 / XS.layers if name in data.RESIDUAL else 1
            assert np.square(value).sum(-1).mean() == pytest.approx(expected, rel=0.05), name


def test_rotary_angles_fall_from_one_radian_a_place_by_equal_ratios() -> None:
    tables = data.rotary(places=5, head_width=8, theta=10_000.0)
    angles = np.arctan2(tables["sines"], tables["cosines"])
    np.testing.assert_allclose(angles[1], [1, 0.1, 0.01, 0.001], rtol=1e-6)
    np.testing.assert_allclose(angles[3], 3 * angles[1], rtol=1e-6)
    assert not angles[0].any()


def test_rotary_tables_keep_their_accuracy_at_far_places() -> None:
    """float32 angles would be off by 1e-4 here."""
    tables = data.rotary(places=4001, head_width=64, theta=10_000.0)
    assert tables["cosines"].dtype == np.float32
    assert tables["cosines"][4000, 1] == pytest.approx(np.cos(4000 * 10_000.0 ** (-2 / 64)), abs=1e-7)


@pytest.mark.parametrize("mode", SPECS)
def test_the_first_sequence_does_not_depend_on_the_batch(mode: str) -> None:
    one, many = (replace(XS, batch=batch) for batch in (1, 5))
    ours, theirs = (SPECS[mode].source(config, SEED) for config in (one, many))
    for part in ("constants", "audit"):
        for name, value in getattr(ours, part)().items():
            assert np.array_equal(value[0], getattr(theirs, part)()[name][0])
    for few, more in zip(ours.inputs(2, 3), theirs.inputs(2, 3), strict=True):
        assert all(np.array_equal(few[name][0], more[name][0]) for name in few)


@pytest.mark.parametrize("mode", SPECS)
def test_inputs_depend_on_the_step_alone_and_differ_between_steps(mode: str) -> None:
    source = SPECS[mode].source(replace(XS, batch=8), SEED)
    at_once, later = source.inputs(0, 40), source.inputs(30, 10)
    assert [_hash(step) for step in at_once[30:]] == [_hash(step) for step in later]
    assert len({_hash(step) for step in at_once}) == 40


def test_the_audits_text_is_in_no_step_and_is_not_the_prompt() -> None:
    reading, writing = SPECS["prefill"].source_at("xs"), SPECS["decode-8"].source_at("xs")
    audited = reading.audit()["tokens"]
    assert all(not np.array_equal(step["tokens"], audited) for step in reading.inputs(0, 20))
    assert not np.array_equal(writing.audit()["text"][0, : XS.prompt], writing.constants()["prompt"][0])


def test_shapes_and_tokens_are_as_promised() -> None:
    source = SPECS["decode-8"].source_at("xs")
    assert source.constants()["prompt"].shape == (8, XS.prompt)
    assert source.audit()["text"].shape == (8, XS.prompt + XS.generated)
    assert source.inputs(0, 1)[0]["token"].shape == (8,)
    tokens = np.concatenate([step["token"] for step in source.inputs(0, 100)])
    assert tokens.dtype == np.int32
    assert 0 <= tokens.min() < tokens.max() < XS.vocabulary


def _matrices() -> int:
    """Weights of all matrices, written out for one query, key and value head after the other."""
    head = XS.width // XS.heads
    layer = (2 * XS.heads + 2 * XS.kv_heads) * head * XS.width + 3 * XS.width * XS.feed_forward
    return XS.layers * layer + XS.vocabulary * XS.width


def test_decode_flops_counted_token_by_token() -> None:
    head = XS.width // XS.heads
    counted = 0
    for written in range(XS.generated):
        keys = XS.prompt + written + 1
        scores_and_mixing = 2 * (2 * keys * head) * XS.heads * XS.layers
        counted += XS.batch * (2 * _matrices() + scores_and_mixing)
    assert SPECS["decode-8"].flops_per_step(XS) == counted


def test_decode_bytes_counted_token_by_token() -> None:
    head = XS.width // XS.heads
    per_place = 2 * XS.kv_heads * head * XS.layers * XS.batch
    counted = sum(4 * (_matrices() + per_place * (XS.prompt + i + 1)) for i in range(XS.generated))
    assert SPECS["decode-8"].bytes_per_step(XS, "fp32") == counted


def test_prefill_flops_are_two_n_and_attention_over_the_earlier_half_per_token() -> None:
    config = SPECS["prefill"].sizes["xs"]
    head = XS.vocabulary * XS.width
    per_sequence = config.prompt * 2 * (_matrices() - head) + 2 * head
    attention = sum(2 * 2 * XS.width * XS.layers * (place + 0.5) for place in range(config.prompt))
    assert SPECS["prefill"].flops_per_step(config) == config.batch * (per_sequence + attention)


def test_a_token_of_llama_8b_reads_the_published_weight_and_cache_bytes() -> None:
    """15.01 GB of bfloat16 matrices and 131,072 bytes of keys and values for each place."""
    config = replace(SIZES["l"], batch=1, generated=1)
    read = [SPECS["decode-1"].bytes_per_step(replace(config, prompt=prompt), "bf16") for prompt in (0, 1)]
    assert read[1] - read[0] == 131_072
    assert read[0] == pytest.approx(15.01e9, rel=1e-3)


def test_a_larger_batch_reads_the_weights_no_more_often() -> None:
    one, many = (replace(XS, batch=batch) for batch in (1, 9))
    spec = SPECS["decode"]
    assert (
        spec.bytes_per_step(many, "fp32") - 9 * spec.bytes_per_step(one, "fp32") == -8 * 4 * XS.generated * _matrices()
    )


@pytest.mark.parametrize(("mode", "size"), [(mode, size) for mode in SPECS for size in workloads.SIZES])
def test_bfloat16_moves_fewer_bytes(mode: str, size: str) -> None:
    spec = SPECS[mode]
    config = spec.sizes[size]
    assert 0 < spec.bytes_per_step(config, "bf16") < spec.bytes_per_step(config, "fp32")


@pytest.mark.parametrize(
    ("mode", "size", "limit"), [("decode", "s", 4e9), ("decode", "m", 16e9), ("decode", "l", 80e9)]
)
def test_each_size_fits_where_it_is_meant_to_run(mode: str, size: str, limit: float) -> None:
    config = SPECS[mode].sizes[size]
    held = SPECS[mode].memory_bytes(config, "bf16")
    assert 2 * SPECS[mode].parameters(config) < held < limit


@pytest.mark.parametrize("mode", SPECS)
def test_memory_grows_with_the_batch(mode: str) -> None:
    spec = SPECS[mode]
    assert spec.memory_bytes(replace(XS, batch=64), "fp32") > spec.memory_bytes(replace(XS, batch=1), "fp32")


def test_steps_yield_prompt_tokens_in_prefill_and_written_ones_in_decode() -> None:
    assert SPECS["prefill"].units_per_step(SPECS["prefill"].sizes["xs"]) == 8 * 16
    assert [SPECS[mode].units_per_step(SPECS[mode].sizes["xs"]) for mode in DECODE] == [32 * 8, 8, 8 * 8, 32 * 8]


def test_only_the_throughput_modes_let_a_sweep_choose_the_batch() -> None:
    assert {mode for mode, spec in SPECS.items() if spec.batches} == {"prefill", "decode"}
    assert SPECS["decode"].batches == (1, 8, 16, 32, 64, 128, 256)


def test_bfloat16_has_a_lower_end() -> None:
    assert all(SPECS[mode].band(size, "bf16").low > 0 for mode in SPECS for size in workloads.SIZES)


def test_importing_the_spec_loads_no_framework() -> None:
    code = "import sys, workloads.llm.data; sys.exit(bool({'torch', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
