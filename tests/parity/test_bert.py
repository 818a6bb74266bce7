"""What is particular to `bert`: a post-norm encoder as torch itself knows it, a head at the masks, its band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Program
from workloads.bert.sizes import TRAIN
from workloads.golden import relative_l2

SPECS = workloads.specs("bert")
XS = TRAIN["xs"]
STRICT = 1e-5
Build = Callable[..., Program]


def _named(weights: dict[str, Tensor], layer: int) -> dict[str, Tensor]:
    """One layer's weights by the names of torch's own encoder layer, which keeps matrices as (out, in)."""
    ours = {
        "self_attn.in_proj_": "qkv_", "self_attn.out_proj.": "projection_", "linear1.": "up_", "linear2.": "down_",
    }  # fmt: skip
    named = {}
    for theirs, mine in ours.items():
        named[f"{theirs}weight"], named[f"{theirs}bias"] = (
            weights[f"{mine}weight"][layer].T,
            weights[f"{mine}bias"][layer],
        )
    for theirs, mine in {"norm1.": "attention_norm_", "norm2.": "mlp_norm_"}.items():
        named[f"{theirs}weight"], named[f"{theirs}bias"] = weights[f"{mine}gain"][layer], weights[f"{mine}bias"][layer]
    return named


def _norm(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return functional.layer_norm(x, (XS.width,), weights[f"{name}_gain"], weights[f"{name}_bias"], 1e-12)


def _by_torchs_own_layers(inputs: dict[str, Tensor], weights: dict[str, Tensor]) -> Tensor:
    """Logits (B, S, V) at all positions, as BertForMaskedLM computes them."""
    place = weights["position_embedding"][: XS.length] + weights["type_embedding"][inputs["types"]]
    x = _norm(weights["token_embedding"][inputs["tokens"]] + place, weights, "embedding_norm")
    for index in range(XS.layers):
        layer = torch.nn.TransformerEncoderLayer(
            XS.width,
            XS.heads,
            4 * XS.width,
            dropout=0.0,
            activation=functional.gelu,
            layer_norm_eps=1e-12,
            batch_first=True,
        )
        layer.load_state_dict(_named(weights, index))
        x = layer(x)
    dense = functional.gelu(x @ weights["head_weight"] + weights["head_bias"])
    return _norm(dense, weights, "head_norm") @ weights["token_embedding"].T + weights["vocabulary_bias"]


def _reference(mode: str) -> np.ndarray:
    """Logits (B, M, V) of the audit at the masks."""
    source = SPECS[mode].source_at("xs")
    arrays = source.audit() | source.constants()
    weights = {name: torch.from_numpy(value) for name, value in source.weights().items()}
    with torch.no_grad():
        logits = _by_torchs_own_layers(
            {name: torch.from_numpy(value).long() for name, value in arrays.items()}, weights
        )
    return np.take_along_axis(logits.numpy(), arrays["positions"][..., None], axis=1)


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("mode", SPECS)
def test_the_model_is_the_post_norm_encoder_that_torch_ships(build: Build, framework: str, mode: str) -> None:
    logits = build(SPECS[mode], framework).outputs()["logits"]
    assert logits.shape == (XS.batch, XS.masked, XS.vocabulary)
    assert relative_l2(logits, _reference(mode)) < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_the_loss_is_the_mean_cross_entropy_at_the_masks(build: Build, framework: str) -> None:
    labels = torch.from_numpy(SPECS["train"].source_at("xs").audit()["labels"]).long()
    expected = functional.cross_entropy(torch.from_numpy(_reference("train")).flatten(0, 1), labels.flatten())
    assert build(SPECS["train"], framework).outputs()["loss"] == pytest.approx(float(expected), rel=STRICT)


def _quality(build: Build, framework: str, *, precision: str = "fp32", **changed: Any) -> float:
    config = replace(XS, **changed)
    program = build(replace(SPECS["train"], sizes={"xs": config}), framework, precision=precision)
    program.prepare(config.quality_steps)
    for _ in range(config.quality_steps):
        program.step()
    return program.quality()


@pytest.mark.parametrize(
    "changed",
    [
        {"layers": XS.layers - 1},
        {"learning_rate": XS.learning_rate / 2},
        {"learning_rate": 2 * XS.learning_rate},
        {"learning_rate": 0.0},
    ],
    ids=["one layer less", "half the learning rate", "twice the learning rate", "frozen weights"],
)
def test_less_or_other_training_falls_out_of_the_band(build: Build, changed: dict[str, Any]) -> None:
    band = SPECS["train"].band("xs", "fp32")
    assert band.holds(_quality(build, "torch"))
    assert not band.holds(_quality(build, "torch", **changed))


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("precision", workloads.PRECISIONS)
def test_inference_falls_in_its_band_and_one_layer_less_does_not(build: Build, framework: str, precision: str) -> None:
    spec = SPECS["infer"]
    band = spec.band("xs", precision)
    assert band.holds(build(spec, framework, precision=precision).quality())
    shallow = replace(spec, sizes={"xs": replace(XS, layers=XS.layers - 1)})
    assert not band.holds(build(shallow, framework, precision=precision).quality())


@pytest.mark.parametrize("mode", SPECS)
def test_flops_are_those_that_torch_counts(build: Build, mode: str) -> None:
    program = build(SPECS[mode], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        program.step()
    assert counter.get_total_flops() == SPECS[mode].flops_per_step(XS)
