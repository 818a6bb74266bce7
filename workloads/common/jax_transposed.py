"""The convolutions of strided.py in JAX. Images are [n, h, w, c].

XLA's convolutions for the CPU are slow with few channels and slower where an operand is dilated, as a transpose and
every gradient here are; its matrix products are fast, so on a CPU the work is done as products.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from workloads.common.strided import KERNEL, PADDING, STRIDE

_NAMES = ("NHWC", "HWIO", "NHWC")


def halve(x: Array, kernel: Array) -> Array:
    return lax.platform_dependent(x, kernel, cpu=halve_by_product, default=halve_by_window)


def double(x: Array, kernel: Array) -> Array:
    """What torch's conv_transpose2d gives."""
    return lax.platform_dependent(x, kernel, cpu=double_by_product, default=double_by_window)


def halve_by_window(x: Array, kernel: Array) -> Array:
    return lax.conv_general_dilated(x, kernel, (STRIDE,) * 2, ((PADDING,) * 2,) * 2, dimension_numbers=_NAMES)


def double_by_window(x: Array, kernel: Array) -> Array:
    """A plain convolution of the input spread out by STRIDE with the kernel turned by half a circle."""
    pad = (KERNEL - 1 - PADDING,) * 2
    turned = kernel[::-1, ::-1]
    return lax.conv_general_dilated(x, turned, (1, 1), (pad, pad), lhs_dilation=(STRIDE,) * 2, dimension_numbers=_NAMES)


def halve_by_product(x: Array, kernel: Array) -> Array:
    """One product over the patches that the kernel sees."""
    padded = jnp.pad(x, ((0, 0), (PADDING,) * 2, (PADDING,) * 2, (0, 0)))
    rows, columns = (STRIDE * (side // STRIDE - 1) + 1 for side in x.shape[1:3])
    taps = [
        padded[:, row : row + rows : STRIDE, column : column + columns : STRIDE]
        for row, column in np.ndindex(KERNEL, KERNEL)
    ]
    return jnp.concatenate(taps, axis=3) @ kernel.reshape(-1, kernel.shape[3])


def double_by_product(x: Array, kernel: Array) -> Array:
    """Each pixel times the whole kernel, then the products laid side by side and over one another, in float32."""
    flat = kernel.transpose(2, 0, 1, 3).reshape(kernel.shape[2], -1)
    products = jnp.matmul(x, flat, preferred_element_type=jnp.float32)
    products = products.reshape(*x.shape[:3], KERNEL, KERNEL, -1)
    return _laid(_laid(products, 1), 2).astype(x.dtype)


def _laid(products: Array, axis: int) -> Array:
    """Lay out the kernel's rows (axis 3) along an image's axis, which doubles: row 2 r + a - 1 gets tap a of
    pixel r."""
    first, second, third, fourth = (products[:, :, :, tap] for tap in range(KERNEL))
    even = second + _moved(fourth, axis, 1)
    odd = third + _moved(first, axis, -1)
    pair = jnp.stack([even, odd], axis=axis + 1)
    shape = list(even.shape)
    shape[axis] *= STRIDE
    return pair.reshape(shape)


def _moved(x: Array, axis: int, by: int) -> Array:
    """x shifted by one along an axis, zeros coming in."""
    pad = [(0, 0)] * x.ndim
    pad[axis] = (1, 0) if by > 0 else (0, 1)
    kept = slice(None, -1) if by > 0 else slice(1, None)
    return jnp.pad(x, pad)[(slice(None),) * axis + (kept,)]
