"""`bert` in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from workloads.base import Program, Spec
from workloads.bert import optimiser
from workloads.bert.torch_model import all_logits, cast, mean_loss
from workloads.common.torch_engine import Engine, Tensors, open_engine
from workloads.common.torch_inference import Inference
from workloads.common.torch_training import Training


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    config = spec.sizes[size]
    engine = open_engine(device, precision, compiled=compiled)

    def answer(weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return all_logits(weights, inputs, config.heads, engine)

    if spec.mode != "train":
        return Inference(spec, size, forward=answer, engine=engine, cast=cast)

    def loss(weights: Tensors, _: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return mean_loss(weights, inputs, config.heads, engine)

    def forward(weights: Tensors, _: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return answer(weights, inputs, engine)

    rule = optimiser(config)
    return Training(spec, size, loss=loss, forward=forward, optimiser=rule, engine=engine, separable=True)
