"""`bert` in torch: the model, as functions of a flat dict of weights.

Axes in comments: B sequences, S tokens, M masks, D width, H heads, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.bert import NORM_EPSILON
from workloads.common.torch_attention import attend
from workloads.common.torch_engine import Engine, Tensors
from workloads.common.torch_linear import linear

HEAD = ("head_weight", "head_bias", "head_norm_gain", "head_norm_bias", "vocabulary_bias", "token_embedding")
LAYER = (
    "qkv_weight", "qkv_bias", "projection_weight", "projection_bias", "attention_norm_gain", "attention_norm_bias",
    "up_weight", "up_bias", "down_weight", "down_bias", "mlp_norm_gain", "mlp_norm_bias",
)  # fmt: skip


def cast(weights: Tensors, engine: Engine) -> Tensors:
    """Everything that is multiplied in the engine's type; the norms stay float32."""
    return {name: value if "norm" in name else value.to(engine.dtype) for name, value in weights.items()}


def _norm(x: Tensor, gain: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    return F.layer_norm(x.float(), x.shape[-1:], gain, bias, NORM_EPSILON).to(dtype)


def embed(weights: Tensors, tokens: Tensor, types: Tensor, dtype: torch.dtype) -> Tensor:
    """tokens (B, S), types (S,) -> (B, S, D)."""
    place = weights["position_embedding"][: types.numel()] + F.embedding(types, weights["type_embedding"])
    x = F.embedding(tokens, weights["token_embedding"]) + place
    return _norm(x, weights["embedding_norm_gain"], weights["embedding_norm_bias"], dtype)


def block(x: Tensor, w: Tensors, heads: int) -> Tensor:
    """One layer, each norm behind its sum; x (B, S, D) -> (B, S, D) in x's type."""
    qkv = linear(x, w["qkv_weight"], w["qkv_bias"])
    queries, keys, values = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    mixed = attend(queries, keys, values).transpose(1, 2).flatten(2)
    projected = linear(mixed, w["projection_weight"], w["projection_bias"])
    x = _norm(x.float() + projected, w["attention_norm_gain"], w["attention_norm_bias"], x.dtype)
    up = F.gelu(linear(x, w["up_weight"], w["up_bias"]), approximate="none")
    down = linear(up, w["down_weight"], w["down_bias"])
    return _norm(x.float() + down, w["mlp_norm_gain"], w["mlp_norm_bias"], x.dtype)


def head(x: Tensor, positions: Tensor, w: Tensors) -> Tensor:
    """Logits (B, M, V) in float32 at positions (B, M) of x (B, S, D)."""
    masked = x.gather(1, positions[..., None].expand(-1, -1, x.shape[-1]))
    dense = F.gelu(linear(masked, w["head_weight"], w["head_bias"]), approximate="none")
    normed = _norm(dense, w["head_norm_gain"], w["head_norm_bias"], x.dtype)
    return linear(normed, w["token_embedding"].T, w["vocabulary_bias"]).float()


def head_loss(x: Tensor, positions: Tensor, labels: Tensor, w: Tensors) -> Tensor:
    """Mean cross entropy of labels (B, M)."""
    return F.cross_entropy(head(x, positions, w).flatten(0, 1), labels.flatten())


def hidden(weights: Tensors, inputs: Tensors, heads: int, engine: Engine) -> Tensor:
    """What the head reads, (B, S, D)."""
    x = embed(weights, inputs["tokens"], inputs["types"], engine.dtype)
    layers = zip(*(weights[name].unbind(0) for name in LAYER), strict=True)
    for layer in layers:
        x = engine.fuse(block)(x, dict(zip(LAYER, layer, strict=True)), heads)
    return x


def all_logits(weights: Tensors, inputs: Tensors, heads: int, engine: Engine) -> Tensor:
    """(B, M, V) in float32."""
    x = hidden(weights, inputs, heads, engine)
    return engine.fuse(head)(x, inputs["positions"], {name: weights[name] for name in HEAD})


def mean_loss(weights: Tensors, inputs: Tensors, heads: int, engine: Engine) -> Tensor:
    x = hidden(weights, inputs, heads, engine)
    table = {name: weights[name] for name in HEAD}
    return engine.fuse(head_loss)(x, inputs["positions"], inputs["labels"], table)
