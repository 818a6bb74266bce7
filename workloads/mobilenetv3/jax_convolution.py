"""Convolutions in JAX, images as [n, h, w, c]: XLA's own, and for the CPU others that are many times faster there.

XLA does depthwise convolutions on a CPU one channel at a time. Measured on two cores, float32, 32 images: 24 channels
of 48 x 48 pixels, 3 x 3, stride 2: 18 ms forward and 251 ms backward as a convolution, 0.5 and 3 ms as a sum of
shifted products; 336 channels of 3 x 3 pixels, 5 x 5: 29 and 97 ms against 0.5 and 1.4 ms.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from workloads.mobilenetv3.network import Convolution


def convolve(convolution: Convolution, x: Array, kernel: Array) -> Array:
    """In the type of x and kernel. A kernel of one pixel is a matrix product, everywhere."""
    if convolution.kernel == 1:
        return x @ kernel[0, 0]
    on_cpu = _depthwise if convolution.depthwise else _patches
    return lax.platform_dependent(x, kernel, cpu=partial(on_cpu, convolution), default=partial(_window, convolution))


def _window(convolution: Convolution, x: Array, kernel: Array) -> Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(convolution.stride,) * 2,
        padding=((convolution.padding,) * 2,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=convolution.outputs if convolution.depthwise else 1,
    )


def _patches(convolution: Convolution, x: Array, kernel: Array) -> Array:
    """One matrix product over the patches that the kernel sees."""
    padded, places = _padded(convolution, x), np.ndindex(*kernel.shape[:2])
    seen = [_seen(padded, row, column, convolution.stride, convolution.side_out) for row, column in places]
    return jnp.concatenate(seen, axis=3) @ kernel.reshape(-1, convolution.outputs)


def _padded(convolution: Convolution, x: Array) -> Array:
    around = (convolution.padding,) * 2
    return jnp.pad(x, ((0, 0), around, around, (0, 0)))


def _seen(padded: Array, row: int, column: int, stride: int, side: int) -> Array:
    """The pixels that one place of the kernel meets: [n, side, side, c]."""
    reach = stride * (side - 1) + 1
    return padded[:, row : row + reach : stride, column : column + reach : stride]


def _taps(padded: Array, kernel: Array, stride: int, side: int) -> Array:
    """Each place of a depthwise kernel times what it meets, added up in float32."""
    total = jnp.zeros((), jnp.float32)
    for row, column in np.ndindex(*kernel.shape[:2]):
        seen = _seen(padded, row, column, stride, side).astype(jnp.float32)
        total = total + seen * kernel[row, column, 0].astype(jnp.float32)
    return total.astype(padded.dtype)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _depthwise(convolution: Convolution, x: Array, kernel: Array) -> Array:
    """A sum of shifted products. Its gradient is spelt out: it compiles in half the time of the one JAX derives."""
    return _taps(_padded(convolution, x), kernel, convolution.stride, convolution.side_out)


def _forward(convolution: Convolution, x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return _depthwise(convolution, x, kernel), (x, kernel)


def _backward(convolution: Convolution, kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, kernel = kept
    return _image_gradient(convolution, kernel, gradient), _kernel_gradient(convolution, x, gradient)


_depthwise.defvjp(_forward, _backward)


def _image_gradient(convolution: Convolution, kernel: Array, gradient: Array) -> Array:
    """The gradient, spread out by the stride, convolved with the kernel turned round."""
    size, stride = convolution.kernel, convolution.stride
    before = size - 1 - convolution.padding
    after = convolution.side - 1 + convolution.padding - stride * (convolution.side_out - 1)
    along = (before, after, stride - 1)
    spread = lax.pad(gradient, np.zeros((), gradient.dtype), ((0, 0, 0), along, along, (0, 0, 0)))
    return _taps(spread, kernel[::-1, ::-1], 1, convolution.side)


def _kernel_gradient(convolution: Convolution, x: Array, gradient: Array) -> Array:
    """One place of the kernel after another, for compiling one is enough; added up in float32."""
    size, stride = convolution.kernel, convolution.stride
    padded, reach = _padded(convolution, x), stride * (convolution.side_out - 1) + 1
    window = (x.shape[0], reach, reach, x.shape[3])

    def at(place: Array) -> Array:
        seen = lax.dynamic_slice(padded, (0, place // size, place % size, 0), window)[:, ::stride, ::stride]
        return (seen.astype(jnp.float32) * gradient.astype(jnp.float32)).sum((0, 1, 2))

    return lax.map(at, jnp.arange(size**2)).reshape(convolution.shape).astype(x.dtype)
