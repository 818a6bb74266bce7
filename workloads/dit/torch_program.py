"""`dit` in torch: both modes as programs."""

from __future__ import annotations

import torch
from torch import Tensor

from workloads.base import Program, Spec
from workloads.common.torch_engine import Engine, Tensors, open_engine
from workloads.common.torch_inference import Inference
from workloads.common.torch_training import Training
from workloads.dit import Config, optimiser
from workloads.dit.torch_model import mean_loss, predicted, sampled


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises."""
    engine = open_engine(device, precision, compiled=compiled)
    config: Config = spec.sizes[size]

    def loss(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return mean_loss(weights, inputs, config.heads, engine)

    def forward(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return predicted(weights, inputs, config.heads, engine)

    def sample(weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return sampled(weights, inputs, config.heads, engine)

    if spec.mode == "sample":
        return Inference(spec, size, forward=sample, engine=engine)
    return Training(spec, size, loss=loss, forward=forward, optimiser=optimiser(config), engine=engine)
