"""What is particular to `dit`: its two frameworks against a third way, and its FLOP against torch's own count."""

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
from workloads.base import Arrays, Program, Spec
from workloads.dit import TRAIN_SIZES, data
from workloads.dit.torch_model import latents, patches
from workloads.golden import relative_l2

SPECS = workloads.specs("dit")
XS = TRAIN_SIZES["xs"]
STRICT = 1e-5
Build = Callable[..., Program]


def _norm(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    normed: np.ndarray = centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + 1e-6)
    return normed


def _silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def _gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _attention(x: np.ndarray, w: Arrays, layer: int) -> np.ndarray:
    """x (N, D), head by head."""
    together = x @ w["qkv_weight"][layer] + w["qkv_bias"][layer]
    mixed = []
    per_head = XS.width // XS.heads
    for head in range(XS.heads):
        q, k, v = (together[:, i * XS.width + head * per_head :][:, :per_head] for i in range(3))
        scores = np.exp(q @ k.T / np.sqrt(per_head))
        mixed.append(scores / scores.sum(-1, keepdims=True) @ v)
    return np.concatenate(mixed, axis=-1) @ w["projection_weight"][layer] + w["projection_bias"][layer]


def _written_out(w: Arrays, patched: np.ndarray, features: np.ndarray, label: int) -> np.ndarray:
    """One call of the model on one latent's patches (N, P), in float64: (N, 2 P)."""
    hidden = _silu(features @ w["time_in_weight"] + w["time_in_bias"])
    told = _silu(hidden @ w["time_out_weight"] + w["time_out_bias"] + w["class_table"][label])
    x = patched @ w["patch_weight"] + w["patch_bias"] + data.positions(XS.side, XS.width)
    for layer in range(XS.layers):
        each = np.split(told @ w["modulation_weight"][layer] + w["modulation_bias"][layer], 6)
        x = x + each[2] * _attention(_norm(x) * (1 + each[1]) + each[0], w, layer)
        up = (_norm(x) * (1 + each[4]) + each[3]) @ w["up_weight"][layer] + w["up_bias"][layer]
        x = x + each[5] * (_gelu(up) @ w["down_weight"][layer] + w["down_bias"][layer])
    shift, scale = np.split(told @ w["final_modulation_weight"] + w["final_modulation_bias"], 2)
    output: np.ndarray = (_norm(x) * (1 + scale) + shift) @ w["output_weight"] + w["output_bias"]
    return output


def _cut(latent: np.ndarray) -> np.ndarray:
    """Patches (N, P) of one latent, row by row."""
    corners = [(y, x) for y in range(0, XS.side, 2) for x in range(0, XS.side, 2)]
    return np.stack([latent[:, y : y + 2, x : x + 2].ravel() for y, x in corners])


def _exact_weights() -> Arrays:
    return {name: value.astype(np.float64) for name, value in SPECS["train"].source_at("xs").weights().items()}


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_the_model_is_the_one_written_out_in_numpy(build: Build, framework: str) -> None:
    audit = SPECS["train"].source_at("xs").audit()
    kept = data.kept_variance()[audit["time"]][:, None, None, None]
    mixed = np.sqrt(kept) * audit["latent"] + np.sqrt(1 - kept) * audit["noise"]
    features = data.time_features(audit["time"])
    each = zip(mixed, features, audit["label"], strict=True)
    expected = np.stack([_written_out(_exact_weights(), _cut(x), f, label) for x, f, label in each])
    outputs = build(SPECS["train"], framework).outputs()
    assert relative_l2(outputs["logits"], expected) < STRICT
    target = np.stack([np.concatenate([_cut(e), _cut(x)], 1) for e, x in zip(audit["noise"], audit["latent"])])  # noqa: B905
    assert float(outputs["loss"]) == pytest.approx(2 * np.square(expected - target).mean(), rel=STRICT)


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_sampling_is_twenty_calls_of_the_model(build: Build, framework: str) -> None:
    source = SPECS["sample"].source_at("xs")
    audit, constants, w = source.audit(), source.constants(), _exact_weights()
    patched = _cut(audit["noise"][0]).astype(np.float64)
    for features, signal, level in zip(
        constants["time_features"], constants["signal"], constants["noise_level"], strict=True
    ):
        noise, latent = np.split(_written_out(w, patched, features, audit["label"][0]), 2, axis=-1)
        patched = signal * latent + level * noise
    found = build(SPECS["sample"], framework).outputs()["logits"][0]
    assert relative_l2(_cut(found), patched) < STRICT


def test_cutting_into_patches_can_be_undone() -> None:
    latent = torch.arange(3 * 4 * 64).reshape(3, 4, 8, 8)
    assert torch.equal(latents(patches(latent)), latent)
    assert np.array_equal(patches(latent)[1].numpy(), _cut(latent[1].numpy()))


def _relabelled(mode: str) -> Spec:
    """The same work, every label another."""

    class Relabelled(data.Training if mode == "train" else data.Sampling):  # type: ignore[misc]
        def audit(self) -> Arrays:
            audit: Arrays = super().audit()
            return {**audit, "label": (audit["label"] + 1) % (XS.classes + 1)}

    return replace(SPECS[mode], source=lambda config, seed: Relabelled(config=config, seed=seed))


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("mode", SPECS)
def test_the_class_matters(build: Build, framework: str, mode: str) -> None:
    here, there = (build(spec, framework).outputs()["logits"] for spec in (SPECS[mode], _relabelled(mode)))
    assert relative_l2(there, here) > 0.1


def test_a_sample_still_depends_on_the_noise_it_began_with(build: Build) -> None:
    """And by no more than the noise itself, so that rounding is not amplified."""
    source = SPECS["sample"].source_at("xs")
    shifted = source.audit()["noise"] * np.float32(1.01)

    class Shifted(data.Sampling):
        def audit(self) -> Arrays:
            return {**super().audit(), "noise": shifted}

    spec = replace(SPECS["sample"], source=lambda config, seed: Shifted(config=config, seed=seed))
    here, there = (build(each, "torch").outputs()["logits"] for each in (SPECS["sample"], spec))
    assert 1e-4 < relative_l2(there, here) < 2e-2


def _counted(build: Build, mode: str) -> int:
    program = build(SPECS[mode], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        program.step()
    return int(counter.get_total_flops())


@pytest.mark.parametrize("mode", SPECS)
def test_flops_are_those_torch_counts(build: Build, mode: str) -> None:
    assert _counted(build, mode) == SPECS[mode].flops_per_step(XS)


def _quality(build: Build, framework: str, precision: str = "fp32", **changed: Any) -> float:
    program = build(replace(SPECS["train"], sizes={"xs": replace(XS, **changed)}), framework, precision=precision)
    program.prepare(XS.quality_steps)
    for _ in range(XS.quality_steps):
        program.step()
    return program.quality()


@pytest.mark.parametrize(
    "changed",
    [{"layers": 1}, {"learning_rate": XS.learning_rate / 2}, {"learning_rate": 2 * XS.learning_rate}],
    ids=["one layer less", "half the learning rate", "twice the learning rate"],
)
def test_less_or_other_training_falls_out_of_the_band(build: Build, changed: dict[str, Any]) -> None:
    assert not SPECS["train"].band("xs", "fp32").holds(_quality(build, "torch", **changed))


def test_one_layer_less_samples_something_else(build: Build) -> None:
    shallow = replace(SPECS["sample"], sizes={"xs": replace(XS, layers=1)})
    for precision in workloads.PRECISIONS:
        assert SPECS["sample"].band("xs", precision).holds(build(SPECS["sample"], "jax", precision=precision).quality())
        assert not SPECS["sample"].band("xs", precision).holds(build(shallow, "jax", precision=precision).quality())
