"""`bert` in JAX."""

from __future__ import annotations

from typing import Any

from jax import Array

from workloads.base import Program, Spec
from workloads.bert import optimiser
from workloads.bert.jax_model import all_logits, cast, mean_loss
from workloads.common.jax_engine import Engine, Tree, open_engine
from workloads.common.jax_inference import Inference
from workloads.common.jax_training import Training


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    config = spec.sizes[size]
    engine = open_engine(device, precision)

    def answer(weights: Tree, inputs: Tree, engine: Engine) -> Array:
        return all_logits(weights, inputs, config.heads, engine)

    if spec.mode != "train":
        return Inference(spec, size, forward=answer, engine=engine, cast=cast)

    def loss(weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
        return mean_loss(weights, inputs, config.heads, engine), statistics

    def forward(weights: Tree, _: Tree, inputs: Tree, engine: Engine) -> Array:
        return answer(weights, inputs, engine)

    return Training(spec, size, loss=loss, forward=forward, optimiser=optimiser(config), engine=engine)
