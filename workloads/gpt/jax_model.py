"""`gpt` in JAX: the model and its steps, as pure functions of a flat dict of weights.

Axes in comments: L layers, B sequences, T tokens, D width, H heads, V vocabulary, C cache places, G generated tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from workloads.gpt import BETAS, EPSILON, NORM_EPSILON, WEIGHT_DECAY, Config, decays

Weights = dict[str, jax.Array]
State = tuple[Weights, Weights, Weights, jax.Array]
"""Weights, first and second moments, steps done."""
Cache = tuple[jax.Array, jax.Array]
"""Keys and values, each (L, B, C, H, D/H)."""

AUDIT_SEQUENCES = 2
OUTSIDE_LAYERS = ("token_embedding", "position_embedding", "final_norm_gain", "final_norm_bias")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A size, the type it multiplies in, and who does the causal attention: "xla" or "cudnn"."""

    config: Config
    dtype: Any
    attention: str


def _causal(model: Model, q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """(B, T, H, D/H) each. XLA would keep all (T, T) attention weights for the way back: it computes them again."""
    attend = partial(jax.nn.dot_product_attention, is_causal=True, implementation=model.attention)
    mixed: jax.Array = (jax.checkpoint(attend) if model.attention == "xla" else attend)(q, k, v)
    return mixed


def _norm(x: jax.Array, gain: jax.Array, bias: jax.Array, dtype: Any) -> jax.Array:
    centred = x - x.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    normed: jax.Array = centred * jax.lax.rsqrt(variance + NORM_EPSILON) * gain + bias
    return normed.astype(dtype)


def _block(x: jax.Array, w: Weights, heads: int, attend: Callable[..., tuple[jax.Array, Any]]) -> tuple[jax.Array, Any]:
    """One layer; x (B, T, D) is the float32 residual stream. `attend` gives the mixed values and whatever it keeps."""
    dtype = w["qkv_weight"].dtype
    normed = _norm(x, w["attention_norm_gain"], w["attention_norm_bias"], dtype)
    qkv = normed @ w["qkv_weight"] + w["qkv_bias"]
    q, k, v = jnp.moveaxis(qkv.reshape(*qkv.shape[:2], 3, heads, -1), 2, 0)
    mixed, kept = attend(q, k, v)
    x = x + (mixed.reshape(x.shape) @ w["projection_weight"] + w["projection_bias"])
    normed = _norm(x, w["mlp_norm_gain"], w["mlp_norm_bias"], dtype)
    up = jax.nn.gelu(normed @ w["up_weight"] + w["up_bias"], approximate=True)
    return x + (up @ w["down_weight"] + w["down_bias"]), kept


def cast(weights: Weights, dtype: Any) -> Weights:
    """Everything that is multiplied in `dtype`; the norms stay float32."""
    return {name: value if "norm" in name else value.astype(dtype) for name, value in weights.items()}


def _layers(weights: Weights) -> Weights:
    return {name: value for name, value in weights.items() if name not in OUTSIDE_LAYERS}


def _embed(weights: Weights, tokens: jax.Array, positions: jax.Array) -> jax.Array:
    embedded: jax.Array = weights["token_embedding"][tokens] + weights["position_embedding"][positions]
    return embedded.astype(jnp.float32)


def _head(weights: Weights, x: jax.Array, model: Model) -> jax.Array:
    """Logits (..., V) in float32; the rows that only pad the table are cut off."""
    table = weights["token_embedding"]
    normed = _norm(x, weights["final_norm_gain"], weights["final_norm_bias"], table.dtype)
    logits: jax.Array = (normed @ table.T)[..., : model.config.vocabulary]
    return logits.astype(jnp.float32)


def _read(weights: Weights, tokens: jax.Array, model: Model) -> tuple[jax.Array, Cache]:
    """The residual stream (B, T, D) behind all layers, and every layer's keys and values."""

    def layer(x: jax.Array, w: Weights) -> tuple[jax.Array, Cache]:
        return _block(x, w, model.config.heads, lambda q, k, v: (_causal(model, q, k, v), (k, v)))

    x = _embed(weights, tokens, jnp.arange(tokens.shape[1]))
    read: tuple[jax.Array, Cache] = jax.lax.scan(layer, x, _layers(weights))
    return read


def all_logits(weights: Weights, tokens: jax.Array, model: Model) -> jax.Array:
    weights = cast(weights, model.dtype)

    def layer(x: jax.Array, w: Weights) -> tuple[jax.Array, None]:
        return _block(x, w, model.config.heads, lambda q, k, v: (_causal(model, q, k, v), None))

    x, _ = jax.lax.scan(layer, _embed(weights, tokens, jnp.arange(tokens.shape[1])), _layers(weights))
    return _head(weights, x, model)


def mean_loss(weights: Weights, tokens: jax.Array, model: Model) -> jax.Array:
    logits = all_logits(weights, tokens[:, :-1], model)
    told = jnp.take_along_axis(logits, tokens[:, 1:, None], axis=-1)[..., 0]
    return (jax.nn.logsumexp(logits, axis=-1) - told).mean()


def _adamw(state: State, gradients: Weights, model: Model) -> State:
    weights, first, second, steps = state
    steps = steps + 1
    rate = model.config.learning_rate * jnp.minimum(1.0, steps / model.config.warmup_steps)
    first = {name: BETAS[0] * first[name] + (1 - BETAS[0]) * g for name, g in gradients.items()}
    second = {name: BETAS[1] * second[name] + (1 - BETAS[1]) * g * g for name, g in gradients.items()}
    scale, power = 1 / (1 - BETAS[0] ** steps), 1 / (1 - BETAS[1] ** steps)

    def moved(name: str, value: jax.Array) -> jax.Array:
        decayed = value * (1 - rate * WEIGHT_DECAY) if decays(name) else value
        return decayed - rate * (first[name] * scale) / (jnp.sqrt(second[name] * power) + EPSILON)

    return {name: moved(name, value) for name, value in weights.items()}, first, second, steps


def train_step(state: State, tokens: jax.Array, model: Model) -> tuple[State, jax.Array]:
    loss, gradients = jax.value_and_grad(mean_loss)(state[0], tokens, model)
    return _adamw(state, gradients, model), loss


def prefill(weights: Weights, tokens: jax.Array, model: Model) -> tuple[jax.Array, Cache]:
    """Logits of the last position (B, V) and the filled cache."""
    x, cache = _read(weights, tokens, model)
    return _head(weights, x[:, -1], model), cache


def _next_logits(
    weights: Weights, cache: Cache, token: jax.Array, place: jax.Array, model: Model
) -> tuple[jax.Array, Cache]:
    """Feed token (B,) at `place`; its logits (B, V) and the cache with its keys and values."""
    seen = (jnp.arange(cache[0].shape[2]) <= place)[None, None, None]

    def layer(
        carry: tuple[jax.Array, Cache], indexed: tuple[Weights, jax.Array]
    ) -> tuple[tuple[jax.Array, Cache], None]:
        (x, cache), (w, index) = carry, indexed

        def attend(q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, Cache]:
            keys, values = (
                jax.lax.dynamic_update_slice(old, new[None], (index, 0, place, 0, 0))
                for old, new in zip(cache, (k, v), strict=True)
            )
            return jax.nn.dot_product_attention(q, keys[index], values[index], mask=seen), (keys, values)

        return _block(x, w, model.config.heads, attend), None

    x = _embed(weights, token[:, None], place[None])
    (x, cache), _ = jax.lax.scan(layer, (x, cache), (_layers(weights), jnp.arange(model.config.layers)))
    return _head(weights, x[:, 0], model), cache


def write(weights: Weights, cache: Cache, token: jax.Array, model: Model) -> tuple[Cache, jax.Array]:
    """Write `generated` tokens greedily behind the prompt, beginning with token (B,); the cache, the last token."""

    def one(carry: tuple[Cache, jax.Array], place: jax.Array) -> tuple[tuple[Cache, jax.Array], None]:
        logits, cache = _next_logits(weights, carry[0], carry[1], place, model)
        return (cache, logits.argmax(-1).astype(jnp.int32)), None

    places = model.config.prompt + jnp.arange(model.config.generated)
    written: tuple[Cache, jax.Array] = jax.lax.scan(one, (cache, token), places)[0]
    return written


def teach(weights: Weights, cache: Cache, tokens: jax.Array, model: Model) -> jax.Array:
    """Logits (G, 2, V) behind the prompt when tokens (B, G) are fed whatever the model would have written."""

    def one(cache: Cache, fed: tuple[jax.Array, jax.Array]) -> tuple[Cache, jax.Array]:
        logits, cache = _next_logits(weights, cache, fed[0], fed[1], model)
        return cache, logits[:AUDIT_SEQUENCES]

    places = model.config.prompt + jnp.arange(model.config.generated)
    logits: jax.Array = jax.lax.scan(one, cache, (tokens.T, places))[1]
    return logits
