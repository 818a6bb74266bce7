"""ResNet in JAX: the common course with this model's functions."""

from __future__ import annotations

from functools import partial

import jax

from workloads.base import Program, Spec
from workloads.common.jax_engine import open_engine
from workloads.common.jax_inference import Inference
from workloads.common.jax_training import Training
from workloads.common.optimisers import Sgd, warmed_up
from workloads.resnet.data import decays
from workloads.resnet.jax_model import infer_logits, loss, train_logits
from workloads.resnet.network import Config, network


def build(spec: Spec, size: str, *, device: jax.Device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in JAX; always compiled."""
    config: Config = spec.sizes[size]
    engine, layers = open_engine(device, precision), network(config)
    if spec.mode == "infer":
        return Inference(spec, size, forward=partial(infer_logits, layers), engine=engine)
    return Training(
        spec,
        size,
        loss=partial(loss, layers),
        forward=partial(train_logits, layers),
        optimiser=Sgd(rate=warmed_up(config.learning_rate, config.warmup_steps), decays=decays),
        engine=engine,
    )
