"""Both frameworks in strict float32 on the CPU: parity is a statement about the programs, not about a chip."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

import jax
import pytest
import torch

import workloads
from workloads.base import Program, Spec

jax.config.update("jax_default_matmul_precision", "highest")
torch.set_float32_matmul_precision("highest")

# Tests build the same programs over and over, and XLA takes ten seconds for the largest: each is compiled once.
COMPILED = tempfile.mkdtemp(prefix="joulemark-parity-")
atexit.register(shutil.rmtree, COMPILED, ignore_errors=True)
jax.config.update("jax_compilation_cache_dir", COMPILED)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

Build = Callable[..., Program]


@pytest.fixture
def build() -> Build:
    """build(spec, framework, size="xs", precision="fp32") -> Program on the CPU, torch eager."""
    devices: dict[str, Any] = {"torch": torch.device("cpu"), "jax": jax.devices("cpu")[0]}

    def make(
        spec: Spec, framework: str, *, size: str = "xs", precision: str = "fp32", compiled: bool = False
    ) -> Program:
        return workloads.build(
            spec, size, framework=framework, device=devices[framework], precision=precision, compiled=compiled
        )

    return make
