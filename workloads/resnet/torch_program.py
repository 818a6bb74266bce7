"""ResNet in torch: the common course with this model's functions."""

from __future__ import annotations

from functools import partial

import torch

from workloads.base import Program, Spec
from workloads.common.optimisers import Sgd, warmed_up
from workloads.common.torch_engine import open_engine
from workloads.common.torch_inference import Inference
from workloads.common.torch_training import Training
from workloads.resnet.data import decays
from workloads.resnet.network import Config, network
from workloads.resnet.torch_model import LAYOUT, infer_logits, loss, train_logits


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in torch."""
    config: Config = spec.sizes[size]
    engine, layers = open_engine(device, precision, compiled=compiled), network(config)
    if spec.mode == "infer":
        return Inference(spec, size, forward=partial(infer_logits, layers), engine=engine, layout=LAYOUT)
    return Training(
        spec,
        size,
        loss=partial(loss, layers),
        forward=partial(train_logits, layers),
        optimiser=Sgd(rate=warmed_up(config.learning_rate, config.warmup_steps), decays=decays),
        engine=engine,
        layout=LAYOUT,
    )
