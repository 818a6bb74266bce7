"""`llm` in torch: the model, as functions of a flat dict of weights and the rotary tables.

Axes in comments: B sequences, T tokens, D width, H heads, K heads of keys and values, E width of one head,
V vocabulary, C places of the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.common.torch_attention import attend_causal
from workloads.common.torch_engine import Engine, Tensors
from workloads.llm import NORM_EPSILON

LAYER = ("attention_norm_gain", "qkv_weight", "projection_weight", "mlp_norm_gain", "gate_up_weight", "down_weight")
Layer = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""One layer's weights in LAYER's order."""
Cache = list[tuple[Tensor, Tensor]]
"""For each layer its keys and values, (B, K, C, E) each."""


def cast(weights: Tensors, engine: Engine) -> Tensors:
    """What is multiplied in the engine's type; the norms stay float32."""
    return {name: value if name.endswith("gain") else value.to(engine.dtype) for name, value in weights.items()}


def _norm(x: Tensor, gain: Tensor, dtype: torch.dtype) -> Tensor:
    return F.rms_norm(x, x.shape[-1:], gain, NORM_EPSILON).to(dtype)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn each pair (i, i + E/2) of x (B, T, heads, E) by its place's angle; tables (T, E/2). In float32."""
    low, high = x.float().chunk(2, dim=-1)
    cosines, sines = cosines[:, None], sines[:, None]
    return torch.cat((low * cosines - high * sines, high * cosines + low * sines), dim=-1).to(x.dtype)


def _queries_keys_values(x: Tensor, w: Layer, cosines: Tensor, sines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x (B, T, D) -> (B, H, T, E), (B, K, T, E) and (B, K, T, E)."""
    head_width, width = 2 * cosines.shape[-1], x.shape[-1]
    heads = F.linear(_norm(x, w[0], w[1].dtype), w[1]).unflatten(-1, (-1, head_width))
    own = width // head_width
    shared = (heads.shape[2] - own) // 2
    q, k, v = heads.split((own, shared, shared), dim=2)
    q, k = rotate(q, cosines, sines), rotate(k, cosines, sines)
    return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)


def _rest(x: Tensor, mixed: Tensor, w: Layer) -> Tensor:
    """The block behind its attention; mixed (B, T, D)."""
    x = x + F.linear(mixed, w[2])
    gate, up = F.linear(_norm(x, w[3], w[4].dtype), w[4]).chunk(2, dim=-1)
    return x + F.linear(F.silu(gate) * up, w[5])


def read_block(x: Tensor, w: Layer, cosines: Tensor, sines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One layer over whole texts; x (B, T, D) is the float32 residual stream. Also the layer's keys and values."""
    q, k, v = _queries_keys_values(x, w, cosines, sines)
    mixed = attend_causal(q, k, v)
    return _rest(x, mixed.transpose(1, 2).flatten(2), w), k, v


def write_block(
    x: Tensor, w: Layer, cosines: Tensor, sines: Tensor, keys: Tensor, values: Tensor, place: Tensor
) -> Tensor:
    """One layer over one token, x (B, 1, D), at `place` (1,) of the cache, which takes its keys and values.

    The queries that share keys stand where a text's tokens would, so that no key is copied.
    """
    q, k, v = _queries_keys_values(x, w, cosines[place], sines[place])
    keys.index_copy_(2, place, k)
    values.index_copy_(2, place, v)
    seen = torch.arange(keys.shape[2], device=place.device) <= place
    grouped = q.unflatten(1, (keys.shape[1], -1)).squeeze(3)
    mixed = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=seen[None])
    return _rest(x, mixed.flatten(1)[:, None], w)


def head(x: Tensor, gain: Tensor, weight: Tensor) -> Tensor:
    """Logits (..., V) in float32."""
    return F.linear(_norm(x, gain, weight.dtype), weight).float()


def embed(tokens: Tensor, table: Tensor) -> Tensor:
    return F.embedding(tokens, table).float()


def _layers(weights: Tensors) -> list[Layer]:
    return list(zip(*(weights[name].unbind(0) for name in LAYER), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Llama:
    """The model with its rotary tables, (places, E/2) each, on the device."""

    cosines: Tensor
    sines: Tensor

    def _hidden(self, weights: Tensors, tokens: Tensor, engine: Engine) -> tuple[Tensor, Cache]:
        """What the head reads, (B, T, D), of tokens (B, T), and every layer's keys and values of these T places."""
        cosines, sines = self.cosines[: tokens.shape[1]], self.sines[: tokens.shape[1]]
        x = embed(tokens, weights["token_embedding"])
        cache = []
        for layer in _layers(weights):
            x, keys, values = engine.fuse(read_block)(x, layer, cosines, sines)
            cache.append((keys, values))
        return x, cache

    def _head(self, weights: Tensors, x: Tensor, engine: Engine) -> Tensor:
        return engine.fuse(head)(x, weights["final_norm_gain"], weights["head_weight"])

    def full(self, weights: Tensors, tokens: Tensor, engine: Engine) -> Tensor:
        """Logits (B, T, V) without any cache."""
        return self._head(weights, self._hidden(weights, tokens, engine)[0], engine)

    def prefill(self, weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        """Logits (B, V) of the last position."""
        x, _ = self._hidden(weights, inputs["tokens"], engine)
        return self._head(weights, x[:, -1].contiguous(), engine)

    def read(self, weights: Tensors, prompt: Tensor, engine: Engine) -> Cache:
        """The prompt's (B, P) keys and values, with room up to the tables' last place."""
        room = self.cosines.shape[0] - prompt.shape[1]
        _, cache = self._hidden(weights, prompt, engine)
        return [(_padded(keys, room), _padded(values, room)) for keys, values in cache]

    def next_logits(self, weights: Tensors, cache: Cache, token: Tensor, place: Tensor, engine: Engine) -> Tensor:
        """Feed token (B,) at `place` (1,), which the cache takes in; its logits (B, V)."""
        x = embed(token, weights["token_embedding"])[:, None]
        for layer, (keys, values) in zip(_layers(weights), cache, strict=True):
            x = engine.fuse(write_block)(x, layer, self.cosines, self.sines, keys, values, place)
        return self._head(weights, x[:, 0], engine)


def _padded(filled: Tensor, room: int) -> Tensor:
    return F.pad(filled, (0, 0, 0, room)).contiguous()
