"""A step's images on the device in JAX: one base batch of the pool, shifted around and normalised."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from workloads.common.textures import PIXEL_MEAN, PIXEL_STD


def images(pool: Array, view: Array, dtype: Any) -> Array:
    """[n, h, w, c] in `dtype`, of pool uint8 [batches, n, h, w, c] and view int32 [3] as in textures.py."""
    pixels = jnp.roll(pool[view[0]], (view[1], view[2]), axis=(1, 2))
    return ((pixels.astype(jnp.float32) - PIXEL_MEAN) / PIXEL_STD).astype(dtype)
