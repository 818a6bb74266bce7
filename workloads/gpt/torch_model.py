"""`gpt` in torch, as functions of a flat dict of weights.

Axes in comments: B sequences, T tokens, D width, H heads, V vocabulary, C cache places.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.common.torch_activations import gelu_tanh
from workloads.common.torch_attention import attend_causal
from workloads.common.torch_engine import Engine, Tensors
from workloads.common.torch_linear import linear
from workloads.gpt.config import NORM_EPSILON, Config

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(queries, keys, values), each (B, H, T, D/H) -> mixed values of the same shape."""
Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of each layer, (B, H, C, D/H)."""

OUTSIDE_LAYERS = ("token_embedding", "position_embedding", "final_norm_gain", "final_norm_bias")


def cast(weights: Tensors, engine: Engine) -> Tensors:
    """Everything that is multiplied in the engine's type; the norms stay float32."""
    return {name: value if "norm" in name else value.to(engine.dtype) for name, value in weights.items()}


def loss(config: Config, weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    """Mean cross entropy of each token behind those before it."""
    tokens = inputs["tokens"]
    x = _hidden(config, weights, tokens[:, :-1], engine)
    return engine.fuse(_cross_entropy)(x, *_head(weights), tokens[:, 1:], config.vocabulary, engine.dtype)


def full(config: Config, weights: Tensors, tokens: Tensor, engine: Engine) -> Tensor:
    """Logits (B, T, V) of tokens (B, T), float32."""
    x = _hidden(config, weights, tokens, engine)
    return engine.fuse(_logits)(x, *_head(weights), config.vocabulary, engine.dtype)


def last(config: Config, weights: Tensors, tokens: Tensor, engine: Engine) -> Tensor:
    """Logits (B, V) of the last position only."""
    x = _hidden(config, weights, tokens, engine)[:, -1].contiguous()
    return engine.fuse(_logits)(x, *_head(weights), config.vocabulary, engine.dtype)


def read(config: Config, weights: Tensors, tokens: Tensor, engine: Engine) -> Cache:
    """A new cache whose first T places hold tokens (B, T). Not compiled: it happens once."""
    shape = (tokens.shape[0], config.heads, config.prompt + config.generated, config.width // config.heads)
    made = torch.zeros((config.layers, 2, *shape), dtype=engine.dtype, device=tokens.device)
    # Copies: views of one tensor that a compiled function changes would have to be kept apart by it.
    cache = [(keys.clone(), values.clone()) for keys, values in made]
    x = _embed(weights, tokens, torch.arange(tokens.shape[1], device=tokens.device))
    for w, (keys, values) in zip(_layers(config, weights), cache, strict=True):
        x = _reading_block(x, w, keys, values, config.heads, engine.dtype)
    return cache


def next_logits(config: Config, weights: Tensors, cache: Cache, token: Tensor, place: Tensor, engine: Engine) -> Tensor:
    """Feed token (B,) at place (1,), where the cache takes it in; its logits (B, V)."""
    x = _embed(weights, token[:, None], place)
    for w, (keys, values) in zip(_layers(config, weights), cache, strict=True):
        x = engine.fuse(_writing_block)(x, w, keys, values, place, config.heads, engine.dtype)
    return engine.fuse(_logits)(x[:, 0], *_head(weights), config.vocabulary, engine.dtype)


def _hidden(config: Config, weights: Tensors, tokens: Tensor, engine: Engine) -> Tensor:
    """The residual stream (B, T, D) behind all layers, float32."""
    x = _embed(weights, tokens, torch.arange(tokens.shape[1], device=tokens.device))
    for w in _layers(config, weights):
        x = engine.fuse(_causal_block)(x, w, config.heads, engine.dtype)
    return x


def _layers(config: Config, weights: Tensors) -> list[Tensors]:
    """Each layer's own weights."""
    stacked = {name: value.unbind(0) for name, value in weights.items() if name not in OUTSIDE_LAYERS}
    return [{name: values[layer] for name, values in stacked.items()} for layer in range(config.layers)]


def _head(weights: Tensors) -> tuple[Tensor, Tensor, Tensor]:
    return weights["final_norm_gain"], weights["final_norm_bias"], weights["token_embedding"]


def _embed(weights: Tensors, tokens: Tensor, positions: Tensor) -> Tensor:
    """(B, T, D), float32."""
    embedded = F.embedding(tokens, weights["token_embedding"]).float()
    return embedded + F.embedding(positions, weights["position_embedding"]).float()


def _causal_block(x: Tensor, w: Tensors, heads: int, dtype: torch.dtype) -> Tensor:
    return _block(x, w, heads, dtype, attend_causal)


def _reading_block(x: Tensor, w: Tensors, keys: Tensor, values: Tensor, heads: int, dtype: torch.dtype) -> Tensor:
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys[:, :, : x.shape[1]].copy_(k)
        values[:, :, : x.shape[1]].copy_(v)
        return attend_causal(q, k, v)

    return _block(x, w, heads, dtype, attend)


def _writing_block(
    x: Tensor, w: Tensors, keys: Tensor, values: Tensor, place: Tensor, heads: int, dtype: torch.dtype
) -> Tensor:
    seen = torch.arange(keys.shape[2], device=place.device) <= place

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys.index_copy_(2, place, k)
        values.index_copy_(2, place, v)
        return F.scaled_dot_product_attention(q, keys, values, attn_mask=seen[None])

    return _block(x, w, heads, dtype, attend)


def _block(x: Tensor, w: Tensors, heads: int, dtype: torch.dtype, attend: Attend) -> Tensor:
    """One layer; x (B, T, D) is the float32 residual stream."""
    normed = _norm(x, w["attention_norm_gain"], w["attention_norm_bias"], dtype)
    qkv = linear(normed, w["qkv_weight"], w["qkv_bias"])
    queries, keys, values = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    mixed = attend(queries, keys, values).transpose(1, 2).flatten(2)
    x = x + linear(mixed, w["projection_weight"], w["projection_bias"])
    normed = _norm(x, w["mlp_norm_gain"], w["mlp_norm_bias"], dtype)
    up = gelu_tanh(linear(normed, w["up_weight"], w["up_bias"]))
    return x + linear(up, w["down_weight"], w["down_bias"])


def _norm(x: Tensor, gain: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], gain, bias, NORM_EPSILON).to(dtype)


def _logits(x: Tensor, gain: Tensor, bias: Tensor, table: Tensor, vocabulary: int, dtype: torch.dtype) -> Tensor:
    """Logits (..., V) in float32; the rows that only pad the table are cut off."""
    return (_norm(x, gain, bias, dtype) @ table.to(dtype).T)[..., :vocabulary].float()


def _cross_entropy(
    x: Tensor, gain: Tensor, bias: Tensor, table: Tensor, told: Tensor, vocabulary: int, dtype: torch.dtype
) -> Tensor:
    logits = _logits(x, gain, bias, table, vocabulary, dtype)
    return F.cross_entropy(logits.flatten(0, 1), told.flatten())
