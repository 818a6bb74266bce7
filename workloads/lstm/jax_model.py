"""`lstm` in JAX, as pure functions of a flat dict of weights.

Axes in comments: B sequences, T tokens, H width, V vocabulary, L layers.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from workloads.common.jax_engine import Engine, Tree
from workloads.lstm.data import LAYERS


def _times(x: Array, weight: Array) -> Array:
    """x (..., in), weight (out, in) -> (..., out), added up in float32."""
    return jnp.einsum("...i,oi->...o", x, weight, preferred_element_type=jnp.float32)


def _cell(summed: Array, cell: Array) -> tuple[Array, Array]:
    """Sums of the gates (B, 4H), cell (B, H) -> hidden state and cell, in float32."""
    i, f, g, o = jnp.split(summed, 4, axis=-1)
    cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(cell), cell


def _layer(x: Array, weight: Array, recurrent: Array, bias: Array) -> Array:
    """x (T, B, H) -> hidden states of the same shape and type, from zero state."""

    def one(state: tuple[Array, Array], product: Array) -> tuple[tuple[Array, Array], Array]:
        hidden, cell = _cell(product + _times(state[0], recurrent), state[1])
        hidden = hidden.astype(x.dtype)
        return (hidden, cell), hidden

    start = jnp.zeros_like(x[0]), jnp.zeros(x.shape[1:], jnp.float32)
    outputs: Array = jax.lax.scan(one, start, _times(x, weight) + bias)[1]
    return outputs


def _head(weights: Tree, x: Array) -> Array:
    """Logits (..., V) in float32; the product is of x's type."""
    return _times(x, weights["head_weight"].astype(x.dtype)) + weights["head_bias"]


def _unrolled(weights: Tree, tokens: Array, engine: Engine) -> Array:
    """Tokens (B, T) -> logits (T, B, V), a whole layer at a time."""
    x = weights["embedding_weight"][tokens.T].astype(engine.dtype)
    for layer in range(LAYERS):
        weight, recurrent = (weights[f"{part}_weight_{layer}"].astype(engine.dtype) for part in ("input", "recurrent"))
        x = _layer(x, weight, recurrent, weights[f"bias_{layer}"])
    return _head(weights, x)


def loss(weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
    """Mean cross entropy of tokens 1 .. T from those before."""
    tokens = inputs["tokens"]
    scores = _unrolled(weights, tokens[:, :-1], engine)
    told = jnp.take_along_axis(scores, tokens[:, 1:].T[..., None], axis=-1)[..., 0]
    return (jax.nn.logsumexp(scores, axis=-1) - told).mean(), statistics


def logits(weights: Tree, tokens: Array, engine: Engine) -> Array:
    """(B, T, V) in float32."""
    return _unrolled(weights, tokens, engine).swapaxes(0, 1)


def audited(weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> Array:
    return logits(weights, inputs["tokens"][:, :-1], engine)


def no_state(weights: Tree, prompt: Array, engine: Engine) -> Tree:
    """A cache for texts that start from nothing: the prompt (B, 0) says how many."""
    shape = LAYERS, prompt.shape[0], weights["embedding_weight"].shape[1]
    return {"hidden": jnp.zeros(shape, engine.dtype), "cell": jnp.zeros(shape, jnp.float32)}


def next_logits(weights: Tree, cache: Tree, token: Array, place: Array, engine: Engine) -> tuple[Array, Tree]:
    """Logits (B, V) after token (B), and the cache; weights already cast. Its states are forgotten at place 0."""
    before: Any = jax.tree.map(lambda state: jnp.where(place == 0, 0, state), cache)
    x = weights["embedding_weight"][token]
    states, cells = [], []
    for layer in range(LAYERS):
        summed = _times(x, weights[f"input_weight_{layer}"]) + weights[f"bias_{layer}"]
        summed = summed + _times(before["hidden"][layer], weights[f"recurrent_weight_{layer}"])
        hidden, cell = _cell(summed, before["cell"][layer])
        x = hidden.astype(engine.dtype)
        states.append(x)
        cells.append(cell)
    return _head(weights, x), {"hidden": jnp.stack(states), "cell": jnp.stack(cells)}
