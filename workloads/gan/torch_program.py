"""DCGAN in torch: training of both networks, and drawing of images from the generator."""

from __future__ import annotations

import torch
from torch import Tensor

from workloads.base import Program, Spec
from workloads.common.torch_engine import Engine, Tensors, open_engine
from workloads.common.torch_inference import Inference
from workloads.common.torch_training import Training
from workloads.common.torch_transposed import LAYOUT
from workloads.gan import optimiser
from workloads.gan.torch_model import answers, game, sample


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in torch."""
    engine = open_engine(device, precision, compiled=compiled)
    if spec.mode == "sample":
        return Inference(spec, size, forward=_sample, engine=engine, layout=LAYOUT)
    rule = optimiser(spec.sizes[size])
    return Training(spec, size, loss=_loss, forward=_forward, optimiser=rule, engine=engine, layout=LAYOUT)


def _loss(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return engine.fuse(game)(weights, statistics, inputs, engine.dtype)


def _forward(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return answers(weights, statistics, inputs, engine.dtype)


def _sample(weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return engine.fuse(sample)(weights, inputs["latents"].to(engine.dtype))
