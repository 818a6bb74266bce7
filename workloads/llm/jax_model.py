"""`llm` in JAX: the model, as functions of a flat dict of weights and the rotary tables.

Axes in comments: L layers, B sequences, T tokens, D width, H heads, K heads of keys and values, E width of one head,
V vocabulary, C places of the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from workloads.common.jax_engine import Engine, Tree
from workloads.llm import NORM_EPSILON

OUTSIDE_LAYERS = ("token_embedding", "final_norm_gain", "head_weight")
Cache = tuple[Array, Array]
"""Keys and values, each (L, B, C, K, E)."""
Attend = Callable[[Array, Array, Array], tuple[Array, Any]]
"""Queries (B, T, H, E), keys and values (B, T, K, E) -> the mixed values (B, T, H, E) and whatever is kept."""


def cast(weights: Tree, engine: Engine) -> Tree:
    """What is multiplied in the engine's type; the norms stay float32."""
    return {name: value if name.endswith("gain") else value.astype(engine.dtype) for name, value in weights.items()}


def _norm(x: Array, gain: Array, dtype: Any) -> Array:
    scale = jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + NORM_EPSILON)
    normed: Array = (x * scale * gain).astype(dtype)
    return normed


def _linear(x: Array, weight: Array) -> Array:
    """x (..., in), weight (out, in) -> (..., out)."""
    product: Array = jax.lax.dot_general(x, weight, (((x.ndim - 1,), (1,)), ((), ())))
    return product


def rotate(x: Array, cosines: Array, sines: Array) -> Array:
    """Turn each pair (i, i + E/2) of x (B, T, heads, E) by its place's angle; tables (T, E/2). In float32."""
    low, high = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cosines, sines = cosines[:, None], sines[:, None]
    return jnp.concatenate((low * cosines - high * sines, high * cosines + low * sines), -1).astype(x.dtype)


def _block(x: Array, w: Tree, cosines: Array, sines: Array, attend: Attend) -> tuple[Array, Any]:
    """One layer; x (B, T, D) is the float32 residual stream. Also what `attend` kept."""
    dtype, head_width = w["qkv_weight"].dtype, 2 * cosines.shape[-1]
    heads = _linear(_norm(x, w["attention_norm_gain"], dtype), w["qkv_weight"])
    heads = heads.reshape(*x.shape[:2], -1, head_width)
    own = x.shape[-1] // head_width
    q, k, v = jnp.split(heads, (own, (own + heads.shape[2]) // 2), axis=2)
    mixed, kept = attend(rotate(q, cosines, sines), rotate(k, cosines, sines), v)
    x = x + _linear(mixed.reshape(x.shape), w["projection_weight"])
    gate, up = jnp.split(_linear(_norm(x, w["mlp_norm_gain"], dtype), w["gate_up_weight"]), 2, axis=-1)
    return x + _linear(jax.nn.silu(gate) * up, w["down_weight"]), kept


def _layers(weights: Tree) -> Tree:
    return {name: value for name, value in weights.items() if name not in OUTSIDE_LAYERS}


def _embed(weights: Tree, tokens: Array) -> Array:
    embedded: Array = weights["token_embedding"][tokens].astype(jnp.float32)
    return embedded


def _head(weights: Tree, x: Array) -> Array:
    """Logits (..., V) in float32."""
    normed = _norm(x, weights["final_norm_gain"], weights["head_weight"].dtype)
    return _linear(normed, weights["head_weight"]).astype(jnp.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Llama:
    """The model with its rotary tables, (places, E/2) each."""

    cosines: Any
    sines: Any

    def _hidden(self, weights: Tree, tokens: Array, engine: Engine, *, kept: bool) -> tuple[Array, Any]:
        """What the head reads, (B, T, D), and if `kept` every layer's keys and values (L, B, T, K, E)."""
        cosines, sines = jnp.asarray(self.cosines)[: tokens.shape[1]], jnp.asarray(self.sines)[: tokens.shape[1]]

        def attend(q: Array, k: Array, v: Array) -> tuple[Array, Any]:
            mixed = jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation=engine.attention)
            return mixed, (k, v) if kept else None

        def layer(x: Array, w: Tree) -> tuple[Array, Any]:
            return _block(x, w, cosines, sines, attend)

        hidden: tuple[Array, Any] = jax.lax.scan(layer, _embed(weights, tokens), _layers(weights))
        return hidden

    def full(self, weights: Tree, tokens: Array, engine: Engine) -> Array:
        """Logits (B, T, V) without any cache."""
        return _head(weights, self._hidden(weights, tokens, engine, kept=False)[0])

    def prefill(self, weights: Tree, inputs: Tree, engine: Engine) -> Array:
        """Logits (B, V) of the last position."""
        x, _ = self._hidden(weights, inputs["tokens"], engine, kept=False)
        return _head(weights, x[:, -1])

    def read(self, weights: Tree, prompt: Array, engine: Engine) -> Cache:
        """The prompt's (B, P) keys and values, with room up to the tables' last place."""
        _, (keys, values) = self._hidden(weights, prompt, engine, kept=True)
        room = ((0, 0), (0, 0), (0, self.cosines.shape[0] - prompt.shape[1]), (0, 0), (0, 0))
        return jnp.pad(keys, room), jnp.pad(values, room)

    def next_logits(
        self, weights: Tree, cache: Cache, token: Array, place: Array, engine: Engine
    ) -> tuple[Array, Cache]:
        """Feed token (B,) at `place`; its logits (B, V) and the cache with its keys and values."""
        cosines, sines = jnp.asarray(self.cosines)[place][None], jnp.asarray(self.sines)[place][None]
        seen = (jnp.arange(cache[0].shape[2]) <= place)[None, None, None]

        def layer(carry: tuple[Array, Cache], indexed: tuple[Tree, Array]) -> tuple[tuple[Array, Cache], None]:
            (x, cache), (w, index) = carry, indexed

            def attend(q: Array, k: Array, v: Array) -> tuple[Array, Cache]:
                keys, values = (
                    jax.lax.dynamic_update_slice(old, new[None], (index, 0, place, 0, 0))
                    for old, new in zip(cache, (k, v), strict=True)
                )
                return jax.nn.dot_product_attention(q, keys[index], values[index], mask=seen), (keys, values)

            return _block(x, w, cosines, sines, attend), None

        layers = _layers(weights)
        indices = jnp.arange(cache[0].shape[0])
        (x, cache), _ = jax.lax.scan(layer, (_embed(weights, token)[:, None], cache), (layers, indices))
        return _head(weights, x[:, 0]), cache
