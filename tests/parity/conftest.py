"""Both frameworks in strict float32 on the CPU: parity is a statement about the programs, not about a chip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import pytest
import torch

import workloads
from workloads.base import Program, Spec

jax.config.update("jax_default_matmul_precision", "highest")
torch.set_float32_matmul_precision("highest")

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
