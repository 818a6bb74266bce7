"""`dit` in JAX: both modes as programs."""

from __future__ import annotations

from typing import Any

from jax import Array

from workloads.base import Program, Spec
from workloads.common.jax_engine import Engine, Tree, open_engine
from workloads.common.jax_inference import Inference
from workloads.common.jax_training import Training
from workloads.dit import Config, optimiser
from workloads.dit.jax_model import mean_loss, predicted, sampled


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises."""
    engine = open_engine(device, precision)
    config: Config = spec.sizes[size]

    def loss(weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
        return mean_loss(weights, inputs, config.heads, engine), statistics

    def forward(weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> Array:
        return predicted(weights, inputs, config.heads, engine)

    def sample(weights: Tree, inputs: Tree, engine: Engine) -> Array:
        return sampled(weights, inputs, config.heads, engine)

    if spec.mode == "sample":
        return Inference(spec, size, forward=sample, engine=engine)
    return Training(spec, size, loss=loss, forward=forward, optimiser=optimiser(config), engine=engine)
