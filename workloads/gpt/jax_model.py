"""`gpt` in JAX, as pure functions of a flat dict of weights.

Axes in comments: L layers, B sequences, T tokens, D width, H heads, V vocabulary, C cache places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from workloads.common.jax_engine import Engine, Tree
from workloads.gpt.config import NORM_EPSILON, Config

Cache = tuple[Array, Array]
"""Keys and values, each (L, B, C, H, D/H)."""

OUTSIDE_LAYERS = ("token_embedding", "position_embedding", "final_norm_gain", "final_norm_bias")


def cast(weights: Tree, engine: Engine) -> Tree:
    """Everything that is multiplied in the engine's type; the norms stay float32."""
    return {name: value if "norm" in name else value.astype(engine.dtype) for name, value in weights.items()}


def loss(config: Config, weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
    """Mean cross entropy of each token behind those before it."""
    tokens = inputs["tokens"]
    logits = trained_logits(config, weights, tokens[:, :-1], engine)
    told = jnp.take_along_axis(logits, tokens[:, 1:, None], axis=-1)[..., 0]
    return (jax.nn.logsumexp(logits, axis=-1) - told).mean(), statistics


def trained_logits(config: Config, weights: Tree, tokens: Array, engine: Engine) -> Array:
    """Logits (B, T, V) of tokens (B, T) by weights in float32, float32."""
    x, _ = _hidden(config, weights | cast(_layers(weights), engine), tokens, engine, keep=False)
    # Padded on the way to its cast copy, which is made at every step anyway.
    rows = config.padded_vocabulary - config.vocabulary
    table = jnp.pad(weights["token_embedding"], ((0, rows), (0, 0))).astype(engine.dtype)
    return _head(config, weights | {"token_embedding": table}, x, engine)


def full(config: Config, weights: Tree, tokens: Array, engine: Engine) -> Array:
    """Logits (B, T, V) of tokens (B, T), float32."""
    x, _ = _hidden(config, weights, tokens, engine, keep=False)
    return _head(config, weights, x, engine)


def last(config: Config, weights: Tree, tokens: Array, engine: Engine) -> Array:
    """Logits (B, V) of the last position only."""
    x, _ = _hidden(config, weights, tokens, engine, keep=False)
    return _head(config, weights, x[:, -1], engine)


def read(config: Config, weights: Tree, tokens: Array, engine: Engine) -> Cache:
    """A cache whose first T places hold tokens (B, T)."""
    _, filled = _hidden(config, weights, tokens, engine, keep=True)
    room = config.prompt + config.generated - tokens.shape[1]
    cache: Cache = jax.tree.map(lambda x: jnp.pad(x, ((0, 0), (0, 0), (0, room), (0, 0), (0, 0))), filled)
    return cache


def next_logits(
    config: Config, weights: Tree, cache: Cache, token: Array, place: Array, engine: Engine
) -> tuple[Array, Cache]:
    """Feed token (B,) at `place`; its logits (B, V) and the cache with its keys and values."""
    seen = (jnp.arange(cache[0].shape[2]) <= place)[None, None, None]

    def layer(carry: tuple[Array, Cache], indexed: tuple[Tree, Array]) -> tuple[tuple[Array, Cache], None]:
        (x, cache), (w, index) = carry, indexed

        def attend(q: Array, k: Array, v: Array) -> tuple[Array, Cache]:
            keys, values = (
                jax.lax.dynamic_update_slice(old, new[None], (index, 0, place, 0, 0))
                for old, new in zip(cache, (k, v), strict=True)
            )
            return jax.nn.dot_product_attention(q, keys[index], values[index], mask=seen), (keys, values)

        return _block(x, w, config.heads, engine, attend), None

    x = _embed(weights, token[:, None], place[None])
    (x, cache), _ = jax.lax.scan(layer, (x, cache), (_layers(weights), jnp.arange(config.layers)))
    return _head(config, weights, x[:, 0], engine), cache


def _hidden(config: Config, weights: Tree, tokens: Array, engine: Engine, *, keep: bool) -> tuple[Array, Any]:
    """The residual stream (B, T, D) behind all layers, and every layer's keys and values if they shall be kept."""

    def attend(q: Array, k: Array, v: Array) -> tuple[Array, Any]:
        return _causal(engine, q, k, v), (k, v) if keep else None

    def layer(x: Array, w: Tree) -> tuple[Array, Any]:
        return _block(x, w, config.heads, engine, attend)

    x = _embed(weights, tokens, jnp.arange(tokens.shape[1]))
    through: tuple[Array, Any] = jax.lax.scan(engine.layer(layer), x, _layers(weights))
    return through


def _layers(weights: Tree) -> Tree:
    return {name: value for name, value in weights.items() if name not in OUTSIDE_LAYERS}


def _embed(weights: Tree, tokens: Array, positions: Array) -> Array:
    """(B, T, D), float32."""
    embedded = weights["token_embedding"][tokens].astype(jnp.float32)
    return embedded + weights["position_embedding"][positions].astype(jnp.float32)


def _causal(engine: Engine, q: Array, k: Array, v: Array) -> Array:
    """(B, T, H, D/H) each."""
    return jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation=engine.attention)


def _block(
    x: Array, w: Tree, heads: int, engine: Engine, attend: Callable[[Array, Array, Array], tuple[Array, Any]]
) -> tuple[Array, Any]:
    """One layer; x (B, T, D) is the float32 residual stream. `attend` gives the mixed values and whatever it keeps."""
    normed = _norm(x, w["attention_norm_gain"], w["attention_norm_bias"], engine.dtype)
    qkv = normed @ w["qkv_weight"] + w["qkv_bias"]
    q, k, v = jnp.moveaxis(qkv.reshape(*qkv.shape[:2], 3, heads, -1), 2, 0)
    mixed, kept = attend(q, k, v)
    x = x + (mixed.reshape(x.shape) @ w["projection_weight"] + w["projection_bias"])
    normed = _norm(x, w["mlp_norm_gain"], w["mlp_norm_bias"], engine.dtype)
    up = jax.nn.gelu(normed @ w["up_weight"] + w["up_bias"], approximate=True)
    return x + (up @ w["down_weight"] + w["down_bias"]), kept


def _norm(x: Array, gain: Array, bias: Array, dtype: Any) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    normed: Array = centred * jax.lax.rsqrt(variance + NORM_EPSILON) * gain + bias
    return normed.astype(dtype)


def _head(config: Config, weights: Tree, x: Array, engine: Engine) -> Array:
    """Logits (..., V) in float32; rows that only pad the table are cut off."""
    normed = _norm(x, weights["final_norm_gain"], weights["final_norm_bias"], engine.dtype)
    logits: Array = (normed @ weights["token_embedding"].T)[..., : config.vocabulary]
    return logits.astype(jnp.float32)
