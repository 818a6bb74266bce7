"""The autoencoder in torch: training, and decoding of latents from the prior."""

from __future__ import annotations

import torch
from torch import Tensor

from workloads.base import Program, Spec
from workloads.common.torch_engine import Engine, Tensors, open_engine
from workloads.common.torch_inference import Inference
from workloads.common.torch_training import Training
from workloads.common.torch_transposed import LAYOUT
from workloads.vae import optimiser
from workloads.vae.torch_model import decode, negative_elbo, reconstruct


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in torch."""
    engine = open_engine(device, precision, compiled=compiled)
    if spec.mode == "sample":
        return Inference(spec, size, forward=_sample, engine=engine, layout=LAYOUT)
    rule = optimiser(spec.sizes[size])
    return Training(spec, size, loss=_loss, forward=_forward, optimiser=rule, engine=engine, layout=LAYOUT)


def _loss(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return engine.fuse(negative_elbo)(weights, inputs, engine.dtype)


def _forward(weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return reconstruct(weights, inputs, engine.dtype)[1]


def _sample(weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    return engine.fuse(decode)(weights, inputs["latents"].to(engine.dtype))
