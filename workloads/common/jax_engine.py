"""How a JAX program does its arithmetic: where, in which type, how exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from workloads.base import Arrays
from workloads.common.checksums import PARTS

Tree = dict[str, Array]

TYPES = {"fp32": jnp.float32, "bf16": jnp.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Handed to every function of a model; what multiplies does so in `dtype`."""

    device: Any
    dtype: Any

    @property
    def precision(self) -> str:
        return next(name for name, dtype in TYPES.items() if dtype == self.dtype)

    def jit(self, function: Callable[..., Any], *donated: int) -> Callable[..., Any]:
        """Compiled with this engine as the last argument. Without "highest" a TPU would multiply float32 in bfloat16
        and a GPU in TensorFloat-32."""
        precision = "highest" if self.dtype == jnp.float32 else "default"

        def traced(*arguments: Any) -> Any:
            with jax.default_matmul_precision(precision):
                return function(*arguments, self)

        made: Callable[..., Any] = jax.jit(traced, donate_argnums=donated)
        return made

    def reference(self) -> Engine:
        """Strict float32."""
        return replace(self, dtype=jnp.float32)

    @property
    def attention(self) -> str:
        """Who does the causal attention: cuDNN on NVIDIA, which multiplies bfloat16 in it only; else XLA."""
        return "cudnn" if self.device.platform == "gpu" and self.dtype == jnp.bfloat16 else "xla"

    def layer(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The step of a scan over layers, which keeps for the way back its products with weights and no more.

        What lies between them, attention weights too, is computed again where XLA has the attention: on a CPU `gpt`
        training then takes half the memory and nine tenths of the time (docs/performance.md).
        """
        if self.attention != "xla":
            return function
        # In a scan there is nothing that common subexpressions could be shared with.
        policy = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
        kept: Callable[..., Any] = jax.checkpoint(function, policy=policy, prevent_cse=False)
        return kept

    def place(self, arrays: Any) -> Any:
        return jax.device_put(arrays, self.device)


def open_engine(device: Any, precision: str) -> Engine:
    return Engine(device=device, dtype=TYPES[precision])


def checksums(outputs: Array, signs: Array) -> Array:
    """(B, PARTS) of outputs (B, ...), in float32."""
    flat = outputs.reshape(outputs.shape[0], -1).astype(jnp.float32)
    padded = jnp.pad(flat, ((0, 0), (0, signs.size - flat.shape[1])))
    return (padded * signs).reshape(flat.shape[0], PARTS, -1).sum(-1)


def to_numpy(tree: Tree) -> Arrays:
    """float32 copies."""
    return {name: np.array(value, dtype=np.float32) for name, value in tree.items()}
