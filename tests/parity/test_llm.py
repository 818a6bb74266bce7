"""What is particular to `llm`: its cache, its rotary positions and its groups of queries, in both frameworks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import workloads
from workloads.base import Arrays, Program
from workloads.common.torch_engine import open_engine
from workloads.golden import relative_l2
from workloads.llm import NORM_EPSILON, Config, data, jax_model, torch_model

SPECS = workloads.specs("llm")
XS: Config = SPECS["decode-8"].sizes["xs"]
STRICT = 1e-5
Build = Callable[..., Program]


def _reference(weights: Arrays, tokens: np.ndarray, config: Config) -> np.ndarray:
    """Logits (B, T, V) in numpy float64, one head after the other and with complex numbers for the rotation."""
    head, group = config.head_width, config.heads // config.kv_heads
    frequencies = config.theta ** (-np.arange(0, head, 2) / head)
    turn = np.exp(1j * np.arange(tokens.shape[1])[:, None] * frequencies)
    later = np.triu(np.full((tokens.shape[1],) * 2, -np.inf), 1)
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def norm(x: np.ndarray, gain: np.ndarray) -> np.ndarray:
        normed: np.ndarray = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + NORM_EPSILON) * gain
        return normed

    def rotated(x: np.ndarray) -> np.ndarray:
        turned = (x[..., : head // 2] + 1j * x[..., head // 2 :]) * turn
        return np.concatenate([turned.real, turned.imag], -1)

    def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        scores = rotated(q) @ rotated(k).swapaxes(-1, -2) / head**0.5 + later
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed: np.ndarray = shares / shares.sum(-1, keepdims=True) @ v
        return mixed

    x = w["token_embedding"][tokens]
    for layer in range(config.layers):
        qkv = norm(x, w["attention_norm_gain"][layer]) @ w["qkv_weight"][layer].T
        heads = np.split(qkv, qkv.shape[-1] // head, axis=-1)
        q, k, v = (
            heads[: config.heads],
            heads[config.heads : config.heads + config.kv_heads],
            heads[config.heads + config.kv_heads :],
        )
        mixed = [attend(q[i], k[i // group], v[i // group]) for i in range(config.heads)]
        x = x + np.concatenate(mixed, -1) @ w["projection_weight"][layer].T
        gate, up = np.split(norm(x, w["mlp_norm_gain"][layer]) @ w["gate_up_weight"][layer].T, 2, axis=-1)
        x = x + (gate / (1 + np.exp(-gate)) * up) @ w["down_weight"][layer].T
    return norm(x, w["final_norm_gain"]) @ w["head_weight"].T


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_cached_decoding_equals_the_full_forward(build: Build, framework: str) -> None:
    spec = SPECS["decode-8"]
    program = build(spec, framework)
    program.prepare(2)
    program.step()
    program.step()  # what a step leaves in the cache must not reach the audit
    logits = program.outputs()["logits"]
    source = spec.source_at("xs")
    text = source.audit()["text"][: len(logits)]
    assert relative_l2(logits, _reference(source.weights(), text, XS)[:, XS.prompt :]) < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_prefill_gives_the_full_forward_at_the_last_position(build: Build, framework: str) -> None:
    source = SPECS["prefill"].source_at("xs")
    expected = _reference(source.weights(), source.audit()["tokens"], SPECS["prefill"].sizes["xs"])[:, -1]
    assert relative_l2(build(SPECS["prefill"], framework).outputs()["logits"], expected) < STRICT


@pytest.mark.parametrize(
    "changed",
    [{"theta": 500_000.0}, {"kv_heads": 1}, {"kv_heads": 4}, {"heads": 2, "kv_heads": 1}, {"layers": 1}],
    ids=["other frequencies", "one key head", "a key head for each query head", "wider heads", "one layer"],
)
@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
def test_other_shapes_equal_their_own_full_forward(build: Build, framework: str, changed: dict[str, Any]) -> None:
    config = replace(XS, batch=1, **changed)
    spec = replace(SPECS["decode-1"], sizes={"xs": config})
    source = spec.source_at("xs")
    expected = _reference(source.weights(), source.audit()["text"], config)[:, XS.prompt :]
    assert relative_l2(build(spec, framework).outputs()["logits"], expected) < STRICT


@pytest.mark.parametrize("framework", workloads.FRAMEWORKS)
@pytest.mark.parametrize("mode", ["prefill", "decode-1"])
@pytest.mark.parametrize("precision", workloads.PRECISIONS)
def test_one_layer_less_falls_out_of_the_band(build: Build, framework: str, mode: str, precision: str) -> None:
    """One layer answers to the golden outputs of two."""
    spec = SPECS[mode]
    shallow = replace(spec, sizes={"xs": replace(spec.sizes["xs"], layers=1)})
    assert not spec.band("xs", precision).holds(build(shallow, framework, precision=precision).quality())


def _turned_in_torch(x: np.ndarray, tables: Arrays) -> np.ndarray:
    turned: np.ndarray = torch_model.rotate(
        torch.from_numpy(x), torch.from_numpy(tables["cosines"]), torch.from_numpy(tables["sines"])
    ).numpy()
    return turned


def _turned_in_jax(x: np.ndarray, tables: Arrays) -> np.ndarray:
    return np.asarray(jax_model.rotate(jnp.asarray(x), tables["cosines"], tables["sines"]))


@pytest.mark.parametrize("turned", [_turned_in_torch, _turned_in_jax])
def test_scores_do_not_change_when_queries_and_keys_move_alike(turned: Callable[..., np.ndarray]) -> None:
    """And they do when only the keys move."""
    q, k = np.random.default_rng(1).standard_normal((2, 1, 8, 2, 16)).astype(np.float32)
    tables = data.rotary(places=108, head_width=16, theta=10_000.0)

    def scores(first_query: int, first_key: int) -> np.ndarray:
        places = [
            {name: table[first : first + 8] for name, table in tables.items()} for first in (first_query, first_key)
        ]
        found: np.ndarray = np.einsum("bthe,bshe->bhts", turned(q, places[0]), turned(k, places[1]))
        return found

    assert relative_l2(scores(100, 100), scores(0, 0)) < STRICT
    assert relative_l2(scores(0, 1), scores(0, 0)) > 0.1


def test_prefill_flops_are_those_torch_counts_with_full_attention(build: Build) -> None:
    """torch counts every query against every key; the formula counts the earlier half."""
    config = SPECS["prefill"].sizes["xs"]
    program = build(SPECS["prefill"], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        program.step()
    attention = 2 * config.layers * config.prompt * config.width * config.batch * config.prompt
    assert counter.get_total_flops() == SPECS["prefill"].flops_per_step(config) + attention


def test_decode_flops_are_those_torch_counts_over_the_whole_cache(build: Build) -> None:
    """torch counts every place of the cache; the formula counts the filled ones."""
    program = build(SPECS["decode-8"], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        program.step()
    unseen = 4 * XS.layers * XS.width * XS.batch * sum(range(XS.generated))
    assert counter.get_total_flops() == SPECS["decode-8"].flops_per_step(XS) + unseen


def test_decoding_changes_the_cache_at_its_place_only() -> None:
    source = SPECS["decode-8"].source_at("xs")
    engine = open_engine(torch.device("cpu"), "fp32", compiled=False)
    model = torch_model.Llama(**engine.place(data.rotary(XS.prompt + XS.generated, XS.head_width, XS.theta)))
    weights, prompt = engine.place(source.weights()), engine.place(source.constants())["prompt"]
    cache = model.read(weights, prompt, engine)
    before = [part.clone() for layer in cache for part in layer]
    model.next_logits(weights, cache, prompt[:, 0], torch.tensor([XS.prompt + 2]), engine)
    for old, new in zip(before, (part for layer in cache for part in layer), strict=True):
        changed = (old != new).any(dim=3).all(dim=1).all(dim=0)
        assert changed.nonzero().flatten().tolist() == [XS.prompt + 2]
        assert old.shape == (XS.batch, XS.kv_heads, XS.prompt + XS.generated, XS.head_width)
