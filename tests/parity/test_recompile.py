"""A window of another length must not compile anything anew: it would be measured, and a few times over it would even
fall back to eager execution."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

import workloads
from workloads.base import Program

Build = Callable[..., Program]
MODES = [
    (name, mode)
    for name in workloads.names()
    for mode in workloads.specs(name)
    if mode.split("-")[0] == mode or mode.split("-")[0] not in workloads.specs(name)
]


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # inductor's own, while it loads
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # dynamo's own: it looks at every input
@pytest.mark.parametrize(("name", "mode"), MODES)
def test_windows_of_any_length_run_what_was_compiled(build: Build, name: str, mode: str) -> None:
    torch._dynamo.reset()
    spec = workloads.specs(name)[mode]
    program = build(spec, "torch", compiled=True)
    program.prepare(1)
    program.step()  # compiles each function once for every shape that it meets
    with torch._dynamo.config.patch(error_on_recompile=True):
        for steps in (max(1, spec.quality_steps(spec.sizes["xs"])), 1, 2, 5):
            program.prepare(steps)
            for _ in range(steps):
                program.step()
