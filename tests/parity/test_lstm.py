"""What is particular to `lstm`: its cell, its own way back, its states from step to step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Program
from workloads.common.torch_engine import Tensors, open_engine
from workloads.golden import relative_l2
from workloads.lstm import SIZES, data
from workloads.lstm.torch_layer import Layer

SPECS = workloads.specs("lstm")
XS = SIZES["xs"]
STRICT = 1e-5
Build = Callable[..., Program]


def _published(tokens: np.ndarray) -> np.ndarray:
    """Logits (B, T, V) of torch's own modules with the same weights: the model as a reader would write it."""
    weights = {name: torch.from_numpy(value) for name, value in SPECS["train"].source_at("xs").weights().items()}
    lstm = torch.nn.LSTM(XS.width, XS.width, data.LAYERS, batch_first=True)
    named: Tensors = {}
    for layer in range(data.LAYERS):
        named[f"weight_ih_l{layer}"] = weights[f"input_weight_{layer}"]
        named[f"weight_hh_l{layer}"] = weights[f"recurrent_weight_{layer}"]
        named[f"bias_ih_l{layer}"] = weights[f"bias_{layer}"]
        named[f"bias_hh_l{layer}"] = torch.zeros(4 * XS.width)
    lstm.load_state_dict(named)
    with torch.no_grad():
        states = lstm(torch.nn.functional.embedding(torch.from_numpy(tokens).long(), weights["embedding_weight"]))[0]
    logits: np.ndarray = (states @ weights["head_weight"].T + weights["head_bias"]).numpy()
    return logits


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_training_reads_as_the_published_model_does(build: Build, framework: str) -> None:
    tokens = SPECS["train"].source_at("xs").audit()["tokens"][:, :-1]
    assert relative_l2(build(SPECS["train"], framework).outputs()["logits"], _published(tokens)) < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("mode", ["infer-1", "infer-32"])
def test_token_by_token_equals_whole_layers_whatever_was_written_before(
    build: Build, framework: str, mode: str
) -> None:
    program = build(SPECS[mode], framework)
    program.prepare(2)
    program.step()
    program.step()
    logits = program.outputs()["logits"]
    expected = _published(SPECS[mode].source_at("xs").audit()["text"])
    assert relative_l2(logits, expected[: len(logits)]) < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_a_step_starts_from_zero_state(build: Build, framework: str) -> None:
    """The same token gives the same text, and the proof reads it from zero state, after other steps too."""
    program = build(SPECS["infer-1"], framework)
    program.prepare(3)
    for _ in range(3):
        program.step(witnessed=True)
    assert program.proof() < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("mode", ["infer-1", "infer-32"])
@pytest.mark.parametrize("precision", workloads.PRECISIONS)
def test_writing_falls_in_its_band(build: Build, framework: str, mode: str, precision: str) -> None:
    quality = build(SPECS[mode], framework, precision=precision).quality()
    assert SPECS[mode].band("xs", precision).holds(quality)


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("precision", workloads.PRECISIONS)
def test_training_falls_in_its_band(build: Build, framework: str, precision: str) -> None:
    assert SPECS["train"].band("xs", precision).holds(_quality(build, framework, precision=precision))


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0], ids=["frozen weights", "half the rate", "twice the rate"])
def test_other_training_falls_out_of_the_band(build: Build, factor: float) -> None:
    quality = _quality(build, "torch", learning_rate=factor * XS.learning_rate)
    assert not SPECS["train"].band("xs", "fp32").holds(quality)


def _quality(build: Build, framework: str, *, precision: str = "fp32", **changed: Any) -> float:
    config = replace(XS, **changed)
    program = build(replace(SPECS["train"], sizes={"xs": config}), framework, precision=precision)
    program.prepare(config.quality_steps)
    for _ in range(config.quality_steps):
        program.step()
    return program.quality()


def _gradients(layer: Callable[..., torch.Tensor], parts: list[torch.Tensor]) -> list[torch.Tensor]:
    """The outputs and the gradients of x, both matrices and the bias, in float32."""
    leaves = [part.clone().requires_grad_() for part in parts]
    outputs = layer(*leaves)
    seen = torch.linspace(-1, 1, outputs.numel()).view_as(outputs)
    return [outputs, *torch.autograd.grad((outputs.float() * seen).sum(), leaves)]


def test_the_layers_own_way_back_is_that_of_torchs_lstm() -> None:
    width, random = 12, torch.Generator().manual_seed(5)
    shapes = (7, 3, width), (4 * width, width), (4 * width, width), (4 * width,)
    parts = [torch.randn(shape, generator=random) / 2 for shape in shapes]
    engine = open_engine(torch.device("cpu"), "fp32", compiled=False)

    def theirs(x: torch.Tensor, *flat: torch.Tensor) -> torch.Tensor:
        start = torch.zeros(1, 3, width)
        second_bias = torch.zeros(4 * width)
        outputs: torch.Tensor = torch._VF.lstm(
            x, [start, start], [*flat, second_bias], True, 1, 0.0, True, False, False
        )[0]
        return outputs

    expected = _gradients(theirs, parts)
    found = _gradients(lambda *given: Layer.apply(*given, engine), parts)
    for ours, reference in zip(found, expected, strict=True):
        assert relative_l2(ours.detach().numpy(), reference.detach().numpy()) < STRICT


def test_training_flops_are_those_torch_counts_by_hand(build: Build) -> None:
    """torch sees no product inside a library's LSTM, so bfloat16 is counted, whose layers are written out. It counts
    as many recurrent products as the formula: that with the zero state, though it changes nothing, is one of them."""
    program = build(SPECS["train"], "torch", precision="bf16")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    assert counter.get_total_flops() == SPECS["train"].flops_per_step(XS)


@pytest.mark.parametrize("mode", ["infer-1", "infer-32"])
def test_writing_flops_are_those_torch_counts(build: Build, mode: str) -> None:
    program = build(SPECS[mode], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    assert counter.get_total_flops() == SPECS[mode].flops_per_step(SPECS[mode].sizes["xs"])


def test_the_embedding_is_not_tied_to_the_head(build: Build) -> None:
    outputs = build(SPECS["train"], "torch").outputs()
    assert not np.array_equal(outputs["gradient/embedding_weight"], outputs["gradient/head_weight"])
