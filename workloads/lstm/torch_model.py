"""`lstm` in torch, as functions of a flat dict of weights.

Axes in comments: B sequences, T tokens, H width, V vocabulary, L layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.common.torch_engine import Engine, Tensors
from workloads.lstm.data import LAYERS
from workloads.lstm.torch_layer import Layer, gates


def unrolled(weights: Tensors, tokens: Tensor, engine: Engine) -> Tensor:
    """Tokens (B, T) -> the second layer's hidden states (T, B, H), a whole layer at a time."""
    x = F.embedding(tokens.t(), weights["embedding_weight"]).to(engine.dtype)
    layers = [[weights[f"{part}_{layer}"].to(engine.dtype) for part in PARTS] for layer in range(LAYERS)]
    if engine.device.type != "cpu" or engine.dtype == torch.float32:
        return _library(x, layers)
    # In bfloat16 torch has no fused kernel for training on a CPU, and would keep the cells in bfloat16.
    for weight, recurrent, bias in layers:
        x = Layer.apply(x, weight, recurrent, bias, engine)
    return x


PARTS = ("input_weight", "recurrent_weight", "bias")


def _library(x: Tensor, layers: list[list[Tensor]]) -> Tensor:
    """oneDNN's LSTM on a CPU, cuDNN's on CUDA. Both want two biases."""
    start = x.new_zeros(LAYERS, x.shape[1], x.shape[2])
    flat = [part for layer in layers for part in (*layer, torch.zeros_like(layer[-1]))]
    biased, learns, both_ways, batch_first = True, torch.is_grad_enabled(), False, False
    return torch._VF.lstm(x, [start, start], flat, biased, LAYERS, 0.0, learns, both_ways, batch_first)[0]


def head(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Logits (..., V) in float32; the product is of x's type."""
    return F.linear(x, weight.to(x.dtype)).float() + bias.float()


def _cross_entropy(x: Tensor, weight: Tensor, bias: Tensor, told: Tensor) -> Tensor:
    return F.cross_entropy(head(x, weight, bias).flatten(0, 1), told.t().flatten())


def loss(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    """Mean cross entropy of tokens 1 .. T from those before."""
    tokens = inputs["tokens"]
    x = unrolled(weights, tokens[:, :-1], engine)
    return engine.fuse(_cross_entropy)(x, weights["head_weight"], weights["head_bias"], tokens[:, 1:])


def logits(weights: Tensors, tokens: Tensor, engine: Engine) -> Tensor:
    """(B, T, V) in float32."""
    return head(unrolled(weights, tokens, engine), weights["head_weight"], weights["head_bias"]).transpose(0, 1)


def audited(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return logits(weights, inputs["tokens"][:, :-1], engine)


def no_state(weights: Tensors, prompt: Tensor, engine: Engine) -> Tensors:
    """A cache for texts that start from nothing: the prompt (B, 0) says how many."""
    shape = LAYERS, prompt.shape[0], weights["embedding_weight"].shape[1]
    return {
        "hidden": torch.zeros(shape, dtype=engine.dtype, device=prompt.device),
        "cell": torch.zeros(shape, dtype=torch.float32, device=prompt.device),
    }


def next_logits(weights: Tensors, cache: Tensors, token: Tensor, place: Tensor, engine: Engine) -> Tensor:
    """Logits (B, V) after token (B), weights already cast. The states in the cache are forgotten at place 0."""
    return engine.fuse(_advance)(weights, cache["hidden"], cache["cell"], token, place)


def _advance(weights: Tensors, hidden: Tensor, cell: Tensor, token: Tensor, place: Tensor) -> Tensor:
    x = F.embedding(token, weights["embedding_weight"])
    begins = place == 0
    for layer in range(LAYERS):
        before = hidden[layer].masked_fill(begins, 0), cell[layer].masked_fill(begins, 0)
        product = F.linear(x, weights[f"input_weight_{layer}"], weights[f"bias_{layer}"])
        i, f, g, o = gates(product + F.linear(before[0], weights[f"recurrent_weight_{layer}"]))
        after = f * before[1] + i * g
        x = (o * after.tanh()).to(x.dtype)
        hidden[layer].copy_(x)
        cell[layer].copy_(after)
    return head(x, weights["head_weight"], weights["head_bias"])
