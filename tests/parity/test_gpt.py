"""What is particular to `gpt` when torch and JAX do it: the cache, the padded table, the work that is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Program, Spec
from workloads.common.torch_engine import open_engine
from workloads.golden import relative_l2
from workloads.gpt import torch_model
from workloads.gpt.config import SIZES

SPECS = workloads.specs("gpt")
XS = SIZES["xs"]
STRICT = 1e-5
Build = Callable[..., Program]


def _changed(spec: Spec, **fields: Any) -> Spec:
    return replace(spec, sizes={"xs": replace(XS, **fields)})


def _quality(build: Build, **fields: Any) -> float:
    program = build(_changed(SPECS["train"], **fields), "torch")
    program.prepare(XS.quality_steps)
    for _ in range(XS.quality_steps):
        program.step()
    return program.quality()


def _full_forward(tokens: np.ndarray) -> np.ndarray:
    """Logits (B, T, V) without any cache."""
    engine = open_engine(torch.device("cpu"), "fp32", compiled=False)
    weights = engine.place(SPECS["decode"].source_at("xs").weights())
    logits: np.ndarray = torch_model.full(XS, weights, torch.from_numpy(tokens).long(), engine).numpy()
    return logits


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_cached_decoding_equals_the_full_forward(build: Build, framework: str) -> None:
    program = build(SPECS["decode"], framework)
    text = SPECS["decode"].source_at("xs").audit()["text"]
    assert relative_l2(program.outputs()["logits"], _full_forward(text)[:, XS.prompt :]) < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_prefill_gives_the_full_forward_at_the_last_position(build: Build, framework: str) -> None:
    tokens = SPECS["prefill"].source_at("xs").audit()["tokens"]
    assert relative_l2(build(SPECS["prefill"], framework).outputs()["logits"], _full_forward(tokens)[:, -1]) < STRICT


def _proof_after(program: Program, *, audited: bool = False) -> float:
    """The proof of a third step, behind steps that left their own tokens in the cache."""
    program.prepare(3)
    program.step()
    program.step()
    if audited:
        program.outputs()
    program.step(witnessed=True)
    return program.proof()


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_neither_earlier_steps_nor_the_audit_reach_a_step_through_the_cache(build: Build, framework: str) -> None:
    assert _proof_after(build(SPECS["decode"], framework), audited=True) < STRICT


def _decoding(program: Program) -> Any:
    """The program, to be tampered with."""
    return program


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_a_proof_is_infinite_where_fewer_tokens_were_written(build: Build, framework: str) -> None:
    program = _decoding(build(SPECS["decode"], framework))
    _proof_after(program)
    number, written, said = program._witness
    program._witness = number, written[:, :-1], said[:, :-1]
    assert program.proof() == np.inf


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_a_proof_sees_tokens_that_are_not_the_likeliest(build: Build, framework: str) -> None:
    program = _decoding(build(SPECS["decode"], framework))
    _proof_after(program)
    number, written, said = program._witness
    # Only the last one: it is not fed, so no checksum knows of it.
    other = np.array(written.tolist())
    other[:, -1] = (other[:, -1] + 1) % XS.vocabulary
    program._witness = number, torch.from_numpy(other) if framework == "torch" else other, said
    assert program.proof() > SPECS["decode"].proof_limits["bf16"]


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_a_proof_sees_a_cache_that_does_not_take_tokens_in(build: Build, framework: str) -> None:
    program = _decoding(build(SPECS["decode"], framework))
    honest = program._next_logits

    def forgetful(weights: Any, cache: Any, token: Any, place: Any, engine: Any) -> Any:
        return honest(weights, cache, token, 0 * place + XS.prompt, engine)

    program._next_logits = forgetful
    assert _proof_after(program) > SPECS["decode"].proof_limits["bf16"]


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_padding_the_token_table_changes_nothing(build: Build, framework: str) -> None:
    spec = _changed(SPECS["train"], vocabulary=200)
    program = build(spec, framework)
    outputs = program.outputs()
    initial = spec.source_at("xs").weights()["token_embedding"]
    assert np.array_equal(program.weights()["token_embedding"], initial)
    assert outputs["gradient/token_embedding"].shape == initial.shape
    logits = torch.from_numpy(outputs["logits"]).flatten(0, 1)
    told = torch.from_numpy(spec.source_at("xs").audit()["tokens"][:, 1:]).long().flatten()
    assert logits.shape[-1] == 200
    assert float(outputs["loss"]) == pytest.approx(float(torch.nn.functional.cross_entropy(logits, told)), rel=1e-6)


@pytest.mark.parametrize(
    "changed",
    [{"layers": 1}, {"learning_rate": XS.learning_rate / 2}, {"learning_rate": 2 * XS.learning_rate}],
    ids=["one layer less", "half the learning rate", "twice the learning rate"],
)
def test_less_or_other_training_falls_out_of_the_band(build: Build, changed: dict[str, Any]) -> None:
    assert not SPECS["train"].band("xs", "fp32").holds(_quality(build, **changed))


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("mode", ["prefill", "decode"])
@pytest.mark.parametrize("precision", workloads.PRECISIONS)
def test_inference_with_one_layer_less_falls_out_of_its_band(
    build: Build, framework: str, mode: str, precision: str
) -> None:
    spec = _changed(SPECS[mode], layers=1)
    assert not spec.band("xs", precision).holds(build(spec, framework, precision=precision).quality())


def _counted(build: Build, mode: str) -> int:
    """The FLOP that torch counts in a step. It counts every query against every place of the keys."""
    program = build(SPECS[mode], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        program.step()
    return int(counter.get_total_flops())


@pytest.mark.parametrize(("mode", "passes"), [("train", 6), ("prefill", 2)])
def test_flops_are_those_torch_counts_with_full_attention(build: Build, mode: str, passes: int) -> None:
    """The formulas count the earlier half, so torch's attention is doubled."""
    later_half = passes * XS.layers * XS.context * XS.width * XS.batch * XS.context
    assert _counted(build, mode) == SPECS[mode].flops_per_step(XS) + later_half


def test_decode_flops_are_those_torch_counts_over_the_whole_cache(build: Build) -> None:
    """The formula counts the filled places."""
    unseen = 4 * XS.layers * XS.width * XS.batch * sum(range(XS.generated))
    assert _counted(build, "decode") == SPECS["decode"].flops_per_step(XS) + unseen


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_decoding_gives_what_eager_decoding_gives(build: Build) -> None:
    eager, compiled = (build(SPECS["decode"], "torch", compiled=compiled) for compiled in (False, True))
    assert relative_l2(compiled.outputs()["logits"], eager.outputs()["logits"]) < STRICT
    assert _proof_after(compiled) < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_the_first_sequence_is_decoded_alike_in_any_batch(build: Build, framework: str) -> None:
    alone, among = (build(SPECS["decode"].with_batch("xs", batch), framework).outputs()["logits"] for batch in (1, 8))
    assert relative_l2(alone[0], among[0]) < STRICT
