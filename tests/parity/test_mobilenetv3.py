"""What is particular to MobileNetV3 in torch and JAX, at the size made for tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch.utils.flop_counter import FlopCounterMode

from workloads.base import Program
from workloads.mobilenetv3 import SPECS
from workloads.mobilenetv3.network import network

Build = Callable[..., Program]


def uncounted(mode: str) -> int:
    """torch's counter takes the gradient of a depthwise kernel for that of a full one: every channel with every one."""
    if mode != "train":
        return 0
    config = SPECS["train"].sizes["xs"]
    depthwise = [convolution for convolution in network(config).convolutions if convolution.depthwise]
    return 2 * config.batch * sum(convolution.macs * (convolution.outputs - 1) for convolution in depthwise)


@pytest.mark.parametrize("mode", SPECS)
def test_the_flop_formula_counts_what_torch_does(build: Build, mode: str) -> None:
    program = build(SPECS[mode], "torch")
    program.prepare(1)
    with FlopCounterMode(display=False) as counter:
        program.step()
    assert counter.get_total_flops() - uncounted(mode) == SPECS[mode].flops_per_step(SPECS[mode].sizes["xs"])
