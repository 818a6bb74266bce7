"""The numpy side of `gpt`: its text, its floor, its weights and its formulas."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import workloads
from workloads.base import Arrays
from workloads.gpt import SEED, SIZES, data

SPECS = workloads.specs("gpt")
XS = SIZES["xs"]


def _text(stream: int, first: int, steps: int, batch: int = XS.batch, length: int = XS.context + 1) -> np.ndarray:
    return data.text(XS.vocabulary, SEED, stream=stream, first=first, steps=steps, batch=batch, length=length)


def _dense() -> np.ndarray:
    """The chain's transition matrix written out, (V, V)."""
    chain = data.chain(XS.vocabulary, SEED)
    matrix = np.tile(data.NOISE * chain.noise, (XS.vocabulary, 1))
    for token, row in enumerate(chain.successors):
        matrix[token, row] += (1 - data.NOISE) * chain.weights
    return matrix


def _hash(weights: Arrays) -> str:
    digest = hashlib.sha256()
    for name, value in weights.items():
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()


def test_successors_of_a_token_are_distinct() -> None:
    successors = data.chain(XS.vocabulary, SEED).successors
    assert all(np.unique(row).size == data.SUCCESSORS for row in successors)


def test_stationary_frequencies_stay_when_the_chain_moves() -> None:
    stationary = data.chain(XS.vocabulary, SEED).stationary
    np.testing.assert_allclose(stationary @ _dense(), stationary, atol=1e-12)
    assert stationary.sum() == pytest.approx(1.0, abs=1e-12)


def test_the_floor_is_the_dense_chains_entropy_rate() -> None:
    matrix = _dense()
    values, vectors = np.linalg.eig(matrix.T)
    stationary = np.real(vectors[:, np.argmax(np.real(values))])
    stationary /= stationary.sum()
    rate = -(stationary[:, None] * matrix * np.log(matrix)).sum()
    assert XS.floor_nats(SEED) == pytest.approx(rate, rel=1e-10)


def test_written_text_has_the_floors_entropy() -> None:
    """The mean surprise of the text under its own chain is the floor, within four standard errors."""
    text = _text(data.TRAIN, 0, 200, batch=16, length=65)
    nats = -np.log(_dense()[text[..., :-1], text[..., 1:]])
    error = nats.std() / nats.size**0.5
    assert nats.mean() == pytest.approx(XS.floor_nats(SEED), abs=4 * error)


def test_text_follows_the_stationary_frequencies_from_its_first_token_on() -> None:
    stationary = data.chain(XS.vocabulary, SEED).stationary
    for position in (0, -1):
        counts = np.bincount(_text(data.TRAIN, 0, 500, batch=40)[..., position].ravel(), minlength=XS.vocabulary)
        assert np.abs(counts / counts.sum() - stationary).sum() < 0.15


def test_a_model_that_only_knows_frequencies_is_far_above_the_floor_and_below_uniform() -> None:
    stationary = data.chain(XS.vocabulary, SEED).stationary
    nats = -(stationary * np.log(stationary)).sum()
    assert XS.floor_nats(SEED) + 1 < nats < np.log(XS.vocabulary) - 0.3


def test_text_depends_on_the_step_alone() -> None:
    assert np.array_equal(_text(data.TRAIN, 0, 6)[4:], _text(data.TRAIN, 4, 2))


@pytest.mark.parametrize("stream", [data.TRAIN, data.PREFILL])
def test_text_differs_on_every_step(stream: int) -> None:
    assert len({step.tobytes() for step in _text(stream, 0, 300)}) == 300


def test_first_tokens_of_decode_steps_differ() -> None:
    """Four tokens of 256 may repeat by chance after many steps, never from one step to the next here."""
    steps = _text(data.DECODE, 0, 50, length=1)
    assert all(not np.array_equal(one, other) for one, other in pairwise(steps))


def test_streams_differ() -> None:
    streams = (data.AUDIT, data.TRAIN, data.PREFILL, data.DECODE)
    assert len({_text(stream, 0, 1).tobytes() for stream in streams}) == len(streams)


def test_tokens_lie_in_the_vocabulary() -> None:
    text = _text(data.TRAIN, 0, 50)
    assert text.dtype == np.int32
    assert text.shape == (50, XS.batch, XS.context + 1)
    assert text.min() >= 0
    assert text.max() < XS.vocabulary


def test_initial_weights_are_the_same_bits_on_every_call() -> None:
    assert (
        _hash(XS.initial_weights(SEED))
        == _hash(XS.initial_weights(SEED))
        == "ce6e33a35642f22a73d8346823ef85d05636b743b8b6f2f41f883242874f7b97"
    )
    assert _hash(XS.initial_weights(SEED + 1)) != _hash(XS.initial_weights(SEED))


def test_text_is_the_same_bits_on_every_machine() -> None:
    assert (
        hashlib.sha256(_text(data.TRAIN, 0, 20).tobytes()).hexdigest()
        == "1a81bca6d9748a7496fcaa782f5f9e6140db21ac2c164623fbaaac6cf66f4197"
    )


def test_size_m_is_gpt2() -> None:
    assert SPECS["train"].parameters(SIZES["m"]) == 124_439_808


def test_parameters_are_those_of_the_weights() -> None:
    assert SPECS["train"].parameters(XS) == sum(value.size for value in XS.initial_weights(SEED).values())


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


@pytest.mark.parametrize(("mode", "size"), [(mode, size) for mode in SPECS for size in workloads.SIZES])
def test_bfloat16_moves_fewer_bytes(mode: str, size: str) -> None:
    spec = SPECS[mode]
    assert 0 < spec.bytes_per_step(SIZES[size], "bf16") < spec.bytes_per_step(SIZES[size], "fp32")


def test_decode_bytes_counted_token_by_token() -> None:
    matrix = 12 * XS.layers * XS.width**2 + XS.vocabulary * XS.width
    keys_and_values = 2 * XS.layers * XS.width * XS.batch
    counted = sum(4 * (matrix + keys_and_values * (XS.prompt + i + 1)) for i in range(XS.generated))
    assert SPECS["decode"].bytes_per_step(XS, "fp32") == counted


def test_bands_are_two_sided() -> None:
    for size in workloads.SIZES:
        band = SPECS["train"].band(size, "bf16")
        assert 0 < band.low < band.high < np.log(SIZES[size].vocabulary) - SIZES[size].floor_nats(SEED)
        assert SPECS["decode"].band(size, "bf16").low > 0


def test_inference_needs_no_steps_before_its_quality_is_read() -> None:
    assert [SPECS[mode].quality_steps(XS) for mode in ("train", "prefill", "decode")] == [50, 0, 0]


def test_importing_the_spec_loads_no_framework() -> None:
    code = "import sys, workloads.gpt.data; sys.exit(bool({'torch', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
