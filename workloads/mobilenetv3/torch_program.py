"""MobileNetV3 in torch."""

from __future__ import annotations

from functools import partial

import torch

from workloads.base import Program, Spec
from workloads.common.torch_engine import open_engine
from workloads.common.torch_inference import Inference
from workloads.common.torch_training import Training
from workloads.mobilenetv3 import optimiser
from workloads.mobilenetv3.network import network
from workloads.mobilenetv3.torch_model import LAYOUT, infer_logits, loss, train_logits


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in torch."""
    config = spec.sizes[size]
    layers, engine = network(config), open_engine(device, precision, compiled=compiled)
    if spec.mode != "train":
        return Inference(spec, size, forward=partial(infer_logits, layers), engine=engine, layout=LAYOUT)
    return Training(
        spec,
        size,
        loss=partial(loss, layers),
        forward=partial(train_logits, layers),
        optimiser=optimiser(config),
        engine=engine,
        layout=LAYOUT,
    )
