"""Attention in torch: its own fused kernel, or plain products where they are faster.

On a CPU in bfloat16 they take a third to a half of the kernel's time, compiled; in float32 they gain nothing
(docs/performance.md).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

MOST_ROWS = 256
"""Queries of a head that are multiplied at once: the scores of twice as many took twice the time."""


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v of (B, H, S, d), the softmax in float32, no mask."""
    if not _by_products(queries):
        return F.scaled_dot_product_attention(queries, keys, values)
    return _weights(_scores(queries, keys)).to(values.dtype) @ values


def attend_causal(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The same where each place sees those up to its own: queries (B, H, S, d), keys and values (B, K, S, d).

    H / K queries in a row share a head of keys, none of which is copied for it.
    """
    shares = queries.shape[1] // keys.shape[1]
    if not _by_products(queries):
        return F.scaled_dot_product_attention(queries, keys, values, is_causal=True, enable_gqa=shares > 1)
    places = queries.shape[2]
    rows = min(MOST_ROWS, max(1, places // 2))  # two blocks of rows leave a quarter of the scores out, and more more
    grouped = queries.unflatten(1, (-1, shares))
    blocks = [
        _causal_rows(grouped[:, :, :, start : start + rows], keys, values, start) for start in range(0, places, rows)
    ]
    return torch.cat(blocks, dim=3).flatten(1, 2)


def _causal_rows(queries: Tensor, keys: Tensor, values: Tensor, start: int) -> Tensor:
    """What the queries (B, K, G, R, d) of R places from `start` on see."""
    shares, rows = queries.shape[2:4]
    end = start + rows
    scores = _scores(queries.flatten(2, 3), keys[:, :, :end]).unflatten(2, (shares, rows))
    places = torch.arange(end, device=queries.device)
    seen = places <= places[start:, None]
    weights = _weights(torch.where(seen, scores, -math.inf)).to(values.dtype)
    return (weights.flatten(2, 3) @ values[:, :, :end]).unflatten(2, (shares, rows))


def _scores(queries: Tensor, keys: Tensor) -> Tensor:
    return (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2)


def _weights(scores: Tensor) -> Tensor:
    return scores.float().softmax(-1)


def _by_products(queries: Tensor) -> bool:
    return queries.device.type == "cpu" and queries.dtype == torch.bfloat16
