"""`dit` in JAX: the model, as functions of a flat dict of weights.

Axes in comments: B latents, N patches, P values of a patch, D width, H heads, L layers, C calls of the model.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from workloads.common.jax_engine import Engine, Tree
from workloads.dit import NORM_EPSILON
from workloads.dit.data import CHANNELS, PATCH

_BLOCK = tuple(f"{name}_{part}" for name in ("qkv", "projection", "up", "down") for part in ("weight", "bias"))


def patches(latent: Array) -> Array:
    """(B, channels, side, side) -> (B, N, P)."""
    batch, channels, side, _ = latent.shape
    across = side // PATCH
    cut = latent.reshape(batch, channels, across, PATCH, across, PATCH)
    return cut.transpose(0, 2, 4, 1, 3, 5).reshape(batch, across**2, -1)


def latents(patched: Array) -> Array:
    """(B, N, P) -> (B, channels, side, side)."""
    batch, count, _ = patched.shape
    across = round(count**0.5)
    cut = patched.reshape(batch, across, across, CHANNELS, PATCH, PATCH).transpose(0, 3, 1, 4, 2, 5)
    return cut.reshape(batch, CHANNELS, across * PATCH, across * PATCH)


def _linear(x: Array, weight: Array, bias: Array, engine: Engine) -> Array:
    """x (..., in), weight (in, out) -> (..., out) in the engine's type."""
    return x.astype(engine.dtype) @ weight.astype(engine.dtype) + bias.astype(engine.dtype)


def _modulated(x: Array, shift: Array, scale: Array) -> Array:
    """LayerNorm of x (B, N, D) in float32, shifted and scaled by (B, D)."""
    centred = x - x.mean(-1, keepdims=True)
    normed = centred * jax.lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + NORM_EPSILON)
    return normed * (1 + scale[:, None]) + shift[:, None]


def _block(x: Array, modulation: Array, w: Tree, heads: int, engine: Engine) -> Array:
    """One layer; x (B, N, D) is the float32 residual stream, modulation (B, 6 D)."""
    shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = jnp.split(modulation.astype(jnp.float32), 6, axis=-1)
    together = _linear(_modulated(x, shift, scale), w["qkv_weight"], w["qkv_bias"], engine)
    queries, keys, values = jnp.moveaxis(together.reshape(*x.shape[:2], 3, heads, -1), 2, 0)
    mixed = jax.nn.dot_product_attention(queries, keys, values, implementation=engine.attention).reshape(x.shape)
    x = x + gate[:, None] * _linear(mixed, w["projection_weight"], w["projection_bias"], engine)
    hidden = _linear(_modulated(x, mlp_shift, mlp_scale), w["up_weight"], w["up_bias"], engine)
    return x + mlp_gate[:, None] * _linear(
        jax.nn.gelu(hidden, approximate=True), w["down_weight"], w["down_bias"], engine
    )


def _modulations(w: Tree, features: Array, labels: Array, engine: Engine) -> tuple[Array, Array]:
    """Of all layers (..., L, B, 6 D), and the final one (..., B, 2 D); features (..., B or 1, F) of the time."""
    hidden = jax.nn.silu(_linear(features, w["time_in_weight"], w["time_in_bias"], engine))
    time = _linear(hidden, w["time_out_weight"], w["time_out_bias"], engine)
    told = jax.nn.silu(time.astype(jnp.float32) + w["class_table"][labels].astype(jnp.float32))
    final = _linear(told, w["final_modulation_weight"], w["final_modulation_bias"], engine)
    each = _linear(told[..., None, :, :], w["modulation_weight"], w["modulation_bias"][:, None], engine)
    return each, final


def _predicted(
    w: Tree, patched: Array, positions: Array, each: Array, final: Array, heads: int, engine: Engine
) -> tuple[Array, Array]:
    """Noise and clean latent, (B, N, P) each, in float32."""

    def layer(x: Array, own: tuple[Array, Tree]) -> tuple[Array, None]:
        return _block(x, *own, heads, engine), None

    embedded = _linear(patched, w["patch_weight"], w["patch_bias"], engine) + positions
    x, _ = jax.lax.scan(engine.layer(layer), embedded, (each, {name: w[name] for name in _BLOCK}))
    shift, scale = jnp.split(final.astype(jnp.float32), 2, axis=-1)
    output = _linear(_modulated(x, shift, scale), w["output_weight"], w["output_bias"], engine).astype(jnp.float32)
    noise, latent = jnp.split(output, 2, axis=-1)
    return noise, latent


def _denoised(w: Tree, inputs: Tree, heads: int, engine: Engine) -> tuple[Array, Array]:
    time = inputs["time"]
    signal, level = (inputs[name][time][:, None, None, None] for name in ("signal", "noise_level"))
    mixed = patches(signal * inputs["latent"] + level * inputs["noise"])
    told = _modulations(w, inputs["time_features"][time], inputs["label"], engine)
    return _predicted(w, mixed, inputs["positions"], *told, heads, engine)


def predicted(w: Tree, inputs: Tree, heads: int, engine: Engine) -> Array:
    """Noise and clean latent, patch by patch: (B, N, 2 P)."""
    return jnp.concatenate(_denoised(w, inputs, heads, engine), axis=-1)


def mean_loss(w: Tree, inputs: Tree, heads: int, engine: Engine) -> Array:
    noise, latent = _denoised(w, inputs, heads, engine)
    errors = noise - patches(inputs["noise"]), latent - patches(inputs["latent"])
    return jnp.square(errors[0]).mean() + jnp.square(errors[1]).mean()


def sampled(w: Tree, inputs: Tree, heads: int, engine: Engine) -> Array:
    """Latents (B, channels, side, side) from noise. What depends on time and class is made for all calls at once."""

    def call(patched: Array, own: tuple[Array, ...]) -> tuple[Array, None]:
        signal, level, each, final = own
        noise, latent = _predicted(w, patched, inputs["positions"], each, final, heads, engine)
        return signal * latent + level * noise, None

    told = _modulations(w, inputs["time_features"][:, None], inputs["label"], engine)
    patched, _ = jax.lax.scan(call, patches(inputs["noise"]), (inputs["signal"], inputs["noise_level"], *told))
    return latents(patched)
