"""`gpt` in torch: the model, as functions of a flat dict of weights.

Axes in comments: B sequences, T tokens, D width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.gpt import NORM_EPSILON, Config

Weights = dict[str, Tensor]
Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, queries, keys, values), each (B, H, T, D/H) -> mixed values of the same shape."""

OUTSIDE_LAYERS = ("token_embedding", "position_embedding", "final_norm_gain", "final_norm_bias")


def causal(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(queries, keys, values, is_causal=True)


def _norm(x: Tensor, gain: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], gain, bias, NORM_EPSILON).to(dtype)


def _linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x (B, T, in), weight (in, out) -> (B, T, out)."""
    return torch.addmm(bias, x.flatten(0, 1), weight).unflatten(0, x.shape[:2])


def _block(x: Tensor, layer: int, w: Weights, heads: int, attend: Attend) -> Tensor:
    """One layer; x (B, T, D) is the float32 residual stream."""
    dtype = w["qkv_weight"].dtype
    normed = _norm(x, w["attention_norm_gain"], w["attention_norm_bias"], dtype)
    qkv = _linear(normed, w["qkv_weight"], w["qkv_bias"])
    queries, keys, values = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    mixed = attend(layer, queries, keys, values).transpose(1, 2).flatten(2)
    x = x + _linear(mixed, w["projection_weight"], w["projection_bias"])
    normed = _norm(x, w["mlp_norm_gain"], w["mlp_norm_bias"], dtype)
    up = F.gelu(_linear(normed, w["up_weight"], w["up_bias"]), approximate="tanh")
    return x + _linear(up, w["down_weight"], w["down_bias"])


def cast(weights: Weights, dtype: torch.dtype) -> Weights:
    """Everything that is multiplied in `dtype`; the norms stay float32."""
    return {name: value if "norm" in name else value.to(dtype) for name, value in weights.items()}


def hidden(weights: Weights, tokens: Tensor, positions: Tensor, config: Config, attend: Attend) -> Tensor:
    """What the head reads, (B, T, D); `weights` already cast."""
    x = F.embedding(tokens, weights["token_embedding"]) + F.embedding(positions, weights["position_embedding"])
    x = x.float()
    stacked = {name: value.unbind(0) for name, value in weights.items() if name not in OUTSIDE_LAYERS}
    for layer in range(config.layers):
        x = _block(x, layer, {name: values[layer] for name, values in stacked.items()}, config.heads, attend)
    return _norm(x, weights["final_norm_gain"], weights["final_norm_bias"], weights["token_embedding"].dtype)


def head(weights: Weights, hidden: Tensor, config: Config) -> Tensor:
    """Logits (..., V) in float32; the rows that only pad the table are cut off."""
    return (hidden @ weights["token_embedding"].T)[..., : config.vocabulary].float()
