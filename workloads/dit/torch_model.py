"""`dit` in torch: the model, as functions of a flat dict of weights.

Axes in comments: B latents, N patches, P values of a patch, D width, H heads, C calls of the model.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.common.torch_activations import gelu_tanh
from workloads.common.torch_attention import attend
from workloads.common.torch_engine import Engine, Tensors
from workloads.common.torch_linear import linear
from workloads.dit import NORM_EPSILON
from workloads.dit.data import CHANNELS, PATCH

_BLOCK = ("qkv", "projection", "up", "down")


def patches(latent: Tensor) -> Tensor:
    """(B, channels, side, side) -> (B, N, P)."""
    cut = latent.unflatten(3, (-1, PATCH)).unflatten(2, (-1, PATCH))
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def latents(patched: Tensor) -> Tensor:
    """(B, N, P) -> (B, channels, side, side)."""
    across = round(patched.shape[1] ** 0.5)
    cut = patched.unflatten(2, (CHANNELS, PATCH, PATCH)).unflatten(1, (across, across))
    return cut.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def _modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """LayerNorm of x (B, N, D) in float32, shifted and scaled by (B, D)."""
    normed = F.layer_norm(x, x.shape[-1:], None, None, NORM_EPSILON)
    return normed * (1 + scale[:, None]) + shift[:, None]


def _block(x: Tensor, modulation: Tensor, weights: list[Tensor], heads: int, dtype: torch.dtype) -> Tensor:
    """One layer; x (B, N, D) is the float32 residual stream, modulation (B, 6 D)."""
    qkv, qkv_bias, projection, projection_bias, up, up_bias, down, down_bias = weights
    shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = modulation.float().chunk(6, dim=-1)
    together = linear(_modulated(x, shift, scale), qkv, qkv_bias, dtype)
    queries, keys, values = together.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    mixed = attend(queries, keys, values).transpose(1, 2).flatten(2)
    x = x + gate[:, None] * linear(mixed, projection, projection_bias, dtype)
    hidden = linear(_modulated(x, mlp_shift, mlp_scale), up, up_bias, dtype)
    return x + mlp_gate[:, None] * linear(gelu_tanh(hidden), down, down_bias, dtype)


def _last(x: Tensor, modulation: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, N, 2 P) in float32: the noise, then the clean latent."""
    shift, scale = modulation.float().chunk(2, dim=-1)
    return linear(_modulated(x, shift, scale), weight, bias, dtype).float()


def _error(
    x: Tensor, modulation: Tensor, weight: Tensor, bias: Tensor, noise: Tensor, latent: Tensor, dtype: torch.dtype
) -> Tensor:
    predicted_noise, predicted_latent = _last(x, modulation, weight, bias, dtype).chunk(2, dim=-1)
    return F.mse_loss(predicted_noise, patches(noise)) + F.mse_loss(predicted_latent, patches(latent))


def _next(
    x: Tensor, modulation: Tensor, weight: Tensor, bias: Tensor, signal: Tensor, noise_level: Tensor, dtype: torch.dtype
) -> Tensor:
    """One step of DDIM: patches (B, N, P) at the next time."""
    noise, latent = _last(x, modulation, weight, bias, dtype).chunk(2, dim=-1)
    return signal * latent + noise_level * noise


def modulations(w: Tensors, features: Tensor, labels: Tensor, engine: Engine) -> tuple[list[Tensor], Tensor]:
    """Of every layer (..., B, 6 D), and the final one (..., B, 2 D); features (..., B or 1, F) of the time."""
    dtype = engine.dtype
    hidden = F.silu(linear(features, w["time_in_weight"], w["time_in_bias"], dtype))
    time = linear(hidden, w["time_out_weight"], w["time_out_bias"], dtype)
    told = F.silu(time.float() + F.embedding(labels, w["class_table"]).float())
    layers = zip(w["modulation_weight"].unbind(0), w["modulation_bias"].unbind(0), strict=True)
    final = linear(told, w["final_modulation_weight"], w["final_modulation_bias"], dtype)
    return [linear(told, weight, bias, dtype) for weight, bias in layers], final


def block_weights(w: Tensors) -> list[list[Tensor]]:
    """Each layer's own, in the order that a block takes them."""
    stacked = [w[f"{name}_{part}"].unbind(0) for name in _BLOCK for part in ("weight", "bias")]
    return [list(layer) for layer in zip(*stacked, strict=True)]


def stream(
    w: Tensors, patched: Tensor, positions: Tensor, each: list[Tensor], layers: list[list[Tensor]], heads: int,
    engine: Engine,
) -> Tensor:  # fmt: skip
    """What the final layer reads, (B, N, D) in float32."""
    x = linear(patched, w["patch_weight"], w["patch_bias"], engine.dtype) + positions
    block = engine.fuse(_block)
    for modulation, weights in zip(each, layers, strict=True):
        x = block(x, modulation, weights, heads, engine.dtype)
    return x


def _noised(w: Tensors, inputs: Tensors, heads: int, engine: Engine) -> tuple[Tensor, Tensor]:
    """The stream of latents with noise mixed in, and the final modulation."""
    time = inputs["time"]
    signal, level = (inputs[name][time][:, None, None, None] for name in ("signal", "noise_level"))
    mixed = patches(signal * inputs["latent"] + level * inputs["noise"])
    each, final = modulations(w, inputs["time_features"][time], inputs["label"], engine)
    return stream(w, mixed, inputs["positions"], each, block_weights(w), heads, engine), final


def predicted(w: Tensors, inputs: Tensors, heads: int, engine: Engine) -> Tensor:
    """Noise and clean latent, patch by patch: (B, N, 2 P)."""
    x, final = _noised(w, inputs, heads, engine)
    return engine.fuse(_last)(x, final, w["output_weight"], w["output_bias"], engine.dtype)


def mean_loss(w: Tensors, inputs: Tensors, heads: int, engine: Engine) -> Tensor:
    x, final = _noised(w, inputs, heads, engine)
    last = w["output_weight"], w["output_bias"]
    return engine.fuse(_error)(x, final, *last, inputs["noise"], inputs["latent"], engine.dtype)


def sampled(w: Tensors, inputs: Tensors, heads: int, engine: Engine) -> Tensor:
    """Latents (B, channels, side, side) from noise. What depends on time and class is made for all calls at once."""
    each, final = modulations(w, inputs["time_features"][:, None], inputs["label"], engine)
    layers, after = block_weights(w), engine.fuse(_next)
    patched = patches(inputs["noise"])
    for call, (signal, level) in enumerate(zip(inputs["signal"], inputs["noise_level"], strict=True)):
        told = [modulation[call] for modulation in each]
        x = stream(w, patched, inputs["positions"], told, layers, heads, engine)
        patched = after(x, final[call], w["output_weight"], w["output_bias"], signal, level, engine.dtype)
    return latents(patched)
