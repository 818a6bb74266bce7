"""The four calibrations in JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from workloads.base import Program, Spec
from workloads.calib.idle import Idle
from workloads.calib.scaling import Scaling
from workloads.common.jax_engine import Engine, Tree, open_engine
from workloads.common.jax_inference import Inference


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in JAX; always compiled."""
    if spec.mode == "idle":
        return Idle(spec, size, jax.device_put(np.ones(1, np.float32), device).block_until_ready())
    if spec.mode in ("copy", "launch"):
        return Scaling(spec, size, Held(spec, size, device))
    return Inference(spec, size, forward=chain, engine=open_engine(device, precision))


def chain(matrices: Tree, inputs: Tree, engine: Engine) -> Array:
    """start (B, N), its columns scaled, times one matrix (N, N) after another; rounded to the engine's type between
    them."""
    x = (inputs["start"] * inputs["scale"]).astype(engine.dtype)
    for matrix in matrices.values():
        x = x @ matrix
    return x


class Held:
    """The numbers of Scaling in one array, each new one in the place of the last."""

    def __init__(self, spec: Spec, size: str, device: Any) -> None:
        self._device = device
        tile = jax.device_put(spec.source_at(size).weights()["tile"], device)
        self._numbers: Array = _repeated(tile, spec.sizes[size].rows)

    def multiply(self, factor: Array) -> None:
        self._numbers = _multiplied(self._numbers, factor)

    def factor(self, value: float) -> Array:
        return jax.device_put(np.float32(value), self._device)

    def read(self, rows: np.ndarray, columns: np.ndarray) -> Array:
        return _at(self._numbers, *jax.device_put((rows.astype(np.int32), columns.astype(np.int32)), self._device))


@partial(jax.jit, static_argnums=1)
def _repeated(tile: Array, rows: int) -> Array:
    return jnp.tile(tile, (rows, 1))


@partial(jax.jit, donate_argnums=0)
def _multiplied(numbers: Array, factor: Array) -> Array:
    return numbers * factor


@jax.jit
def _at(numbers: Array, rows: Array, columns: Array) -> Array:
    return numbers[rows, columns]
