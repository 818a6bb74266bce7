"""A runtime counts what its framework compiles, so that no window holds a compilation unseen."""

from __future__ import annotations

import numpy as np
import pytest

from backends import cpu


def test_jax_counts_a_function_met_with_a_new_shape_and_only_that() -> None:
    runtime = cpu.attach("jax")
    import jax

    double = jax.jit(lambda x: x * 2)
    small, large = np.ones(3, np.float32), np.ones(4, np.float32)
    counts = [runtime.compilations()]
    for values in (small, small, large):
        double(values).block_until_ready()
        counts.append(runtime.compilations())
    assert np.diff(counts).tolist() == [1, 0, 1]


@pytest.mark.skipif(bool(cpu._why_eager()), reason="nothing is compiled without a compiler")
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # the compiler's own, while it loads
def test_torch_counts_a_function_met_with_a_new_type_and_only_that() -> None:
    runtime = cpu.attach("torch")
    import torch

    double = torch.compile(lambda x: x * 2, backend="eager")
    double(torch.ones(3))
    before = runtime.compilations()
    double(torch.ones(3))
    assert runtime.compilations() == before
    double(torch.ones(3, dtype=torch.float64))
    assert runtime.compilations() == before + 1
