"""Activations that are written in other words when compiled say the same."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from workloads.common.torch_activations import gelu_tanh

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler warns of torch

GRID = torch.cat([torch.linspace(-12, 12, 4801), torch.tensor([-1e4, -1e-4, 0.0, 1e-4, 1e4])])


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 2e-6), (torch.bfloat16, 2**-8)])
def test_a_compiled_gelu_is_the_tanh_formula(dtype: torch.dtype, limit: float) -> None:
    x = GRID.to(dtype)
    found = torch.compile(gelu_tanh)(x)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), functional.gelu(x.double(), approximate="tanh"), rtol=limit, atol=2e-7)


def test_its_gradient_is_the_formulas_too() -> None:
    found = _slopes(torch.compile(gelu_tanh), GRID)
    torch.testing.assert_close(
        found, _slopes(lambda x: functional.gelu(x, approximate="tanh"), GRID), rtol=2e-5, atol=2e-6
    )


def _slopes(function: object, grid: torch.Tensor) -> torch.Tensor:
    assert callable(function)
    x = grid.clone().requires_grad_()
    function(x).sum().backward()
    assert x.grad is not None
    return x.grad
