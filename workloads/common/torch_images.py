"""A step's images on the device in torch: one base batch of the pool, shifted around and normalised."""

from __future__ import annotations

import torch
from torch import Tensor

from workloads.common.textures import PIXEL_MEAN, PIXEL_STD


def images(pool: Tensor, view: Tensor, dtype: torch.dtype) -> Tensor:
    """[n, c, h, w] in `dtype`, channels last, of pool uint8 [batches, n, h, w, c] and view int64 [3] as in textures.py.

    Indices rather than torch.roll: shifts that stay on the device neither wait nor recompile.
    """
    h, w = pool.shape[2:4]
    rows = (torch.arange(h, device=view.device) - view[1]) % h
    columns = (torch.arange(w, device=view.device) - view[2]) % w
    pixels = pool.index_select(0, view[:1])[0].index_select(1, rows).index_select(2, columns)
    return ((pixels.float() - PIXEL_MEAN) / PIXEL_STD).to(dtype).permute(0, 3, 1, 2)
