"""MobileNetV3 in JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

from workloads.base import Program, Spec
from workloads.common.jax_engine import open_engine
from workloads.common.jax_inference import Inference
from workloads.common.jax_training import Training
from workloads.mobilenetv3 import optimiser
from workloads.mobilenetv3.jax_model import infer_logits, loss, train_logits
from workloads.mobilenetv3.network import network


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in JAX; always compiled."""
    config = spec.sizes[size]
    layers, engine = network(config), open_engine(device, precision)
    if spec.mode != "train":
        return Inference(spec, size, forward=partial(infer_logits, layers), engine=engine)
    return Training(
        spec,
        size,
        loss=partial(loss, layers),
        forward=partial(train_logits, layers),
        optimiser=optimiser(config),
        engine=engine,
    )
