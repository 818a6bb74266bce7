"""`bert` in JAX: the model, as pure functions of a flat dict of weights.

Axes in comments: B sequences, S tokens, M masks, D width, H heads, V vocabulary.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from workloads.bert import NORM_EPSILON
from workloads.common.jax_engine import Engine, Tree

LAYER = (
    "qkv_weight", "qkv_bias", "projection_weight", "projection_bias", "attention_norm_gain", "attention_norm_bias",
    "up_weight", "up_bias", "down_weight", "down_bias", "mlp_norm_gain", "mlp_norm_bias",
)  # fmt: skip


def cast(weights: Tree, engine: Engine) -> Tree:
    """Matrices and tables in the engine's type; biases and gains stay float32, or their gradients would be summed in
    it over all tokens."""
    return {
        name: value.astype(engine.dtype) if name.endswith(("weight", "embedding")) else value
        for name, value in weights.items()
    }


def _norm(x: Array, gain: Array, bias: Array) -> Array:
    """In float32, x's type back."""
    wide = x.astype(jnp.float32)
    centred = wide - wide.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + NORM_EPSILON) * gain + bias


def _linear(x: Array, weight: Array, bias: Array) -> Array:
    """x (..., in), weight (in, out) -> (..., out), in x's type."""
    linear: Array = (x @ weight + bias).astype(x.dtype)
    return linear


@jax.checkpoint
def _gelu(x: Array) -> Array:
    """In float32. Left to itself JAX would keep several float32 arrays of x's size for the way back."""
    return jax.nn.gelu(x.astype(jnp.float32), approximate=False).astype(x.dtype)


def _embed(weights: Tree, tokens: Array, types: Array) -> Array:
    """tokens (B, S), types (S,) -> (B, S, D) in float32."""
    place = weights["position_embedding"][: types.size] + weights["type_embedding"][types]
    x = weights["token_embedding"][tokens].astype(jnp.float32) + place
    return _norm(x, weights["embedding_norm_gain"], weights["embedding_norm_bias"])


def _attention(x: Array, w: Tree, heads: int, engine: Engine) -> Array:
    qkv = _linear(x, w["qkv_weight"], w["qkv_bias"]).reshape(*x.shape[:2], 3, heads, -1)
    queries, keys, values = jnp.moveaxis(qkv, 2, 0)
    mixed = jax.nn.dot_product_attention(queries, keys, values, implementation=engine.attention)
    return _linear(mixed.reshape(x.shape), w["projection_weight"], w["projection_bias"])


def _block(x: Array, w: Tree, heads: int, engine: Engine) -> Array:
    """One layer, each norm behind its sum; x (B, S, D) -> (B, S, D) in the engine's type."""
    total = x.astype(jnp.float32) + _attention(x, w, heads, engine)
    x = _norm(total, w["attention_norm_gain"], w["attention_norm_bias"]).astype(engine.dtype)
    up = _gelu(_linear(x, w["up_weight"], w["up_bias"]))
    total = x.astype(jnp.float32) + _linear(up, w["down_weight"], w["down_bias"])
    return _norm(total, w["mlp_norm_gain"], w["mlp_norm_bias"]).astype(engine.dtype)


def _head(x: Array, positions: Array, w: Tree) -> Array:
    """Logits (B, M, V) in float32 at positions (B, M) of x (B, S, D)."""
    masked = jnp.take_along_axis(x, positions[..., None], axis=1)
    dense = _gelu(_linear(masked, w["head_weight"], w["head_bias"]))
    normed = _norm(dense, w["head_norm_gain"], w["head_norm_bias"]).astype(x.dtype)
    return _linear(normed, w["token_embedding"].T, w["vocabulary_bias"]).astype(jnp.float32)


def all_logits(weights: Tree, inputs: Tree, heads: int, engine: Engine) -> Array:
    """(B, M, V) in float32."""
    x = _embed(weights, inputs["tokens"], inputs["types"]).astype(engine.dtype)
    weights = cast(weights, engine)

    def layer(x: Array, w: Tree) -> tuple[Array, None]:
        return _block(x, w, heads, engine), None

    x, _ = jax.lax.scan(engine.layer(layer), x, {name: weights[name] for name in LAYER})
    return _head(x, inputs["positions"], weights)


def mean_loss(weights: Tree, inputs: Tree, heads: int, engine: Engine) -> Array:
    """Mean cross entropy of labels (B, M)."""
    logits = all_logits(weights, inputs, heads, engine)
    told = jnp.take_along_axis(logits, inputs["labels"][..., None], axis=-1)[..., 0]
    return (jax.nn.logsumexp(logits, axis=-1) - told).mean()
