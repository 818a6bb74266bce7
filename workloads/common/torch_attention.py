"""Attention of all to all in torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SHORT = 128
"""Places up to which, on a CPU in bfloat16, plain products are two to four times as fast as torch's own fused kernel
(docs/performance.md); longer ones were not measured."""


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v of (B, H, S, d), the softmax in float32, no mask."""
    if queries.device.type == "cpu" and queries.dtype == torch.bfloat16 and queries.shape[-2] <= SHORT:
        scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2)
        return scores.float().softmax(-1).to(values.dtype) @ values
    return F.scaled_dot_product_attention(queries, keys, values)
