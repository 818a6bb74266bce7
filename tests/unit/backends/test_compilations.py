"""A runtime counts what its framework compiles, so that no window holds a compilation unseen."""

from __future__ import annotations

from pathlib import Path

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


def test_the_peak_memory_starts_anew_where_the_kernel_can() -> None:
    if not cpu.CLEAR_REFS.exists():
        pytest.skip("not Linux")
    large = np.ones(50_000_000)
    with_it = cpu.process_peak_bytes()
    del large
    cpu.forget_process_peak()
    assert cpu.process_peak_bytes() < with_it - 300_000_000


def test_where_it_cannot_the_peak_goes_on(tmp_path: Path) -> None:
    before = cpu.process_peak_bytes()
    cpu.forget_process_peak(tmp_path / "absent")
    cpu.forget_process_peak(tmp_path)  # refuses to be written
    assert cpu.process_peak_bytes() >= before
