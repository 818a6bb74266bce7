"""DCGAN in JAX: training of both networks, and drawing of images from the generator."""

from __future__ import annotations

from typing import Any

from jax import Array

from workloads.base import Program, Spec
from workloads.common.jax_engine import Engine, Tree, open_engine
from workloads.common.jax_inference import Inference
from workloads.common.jax_training import Training
from workloads.gan import optimiser
from workloads.gan.jax_model import answers, game, generate


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in JAX; always compiled."""
    engine = open_engine(device, precision)
    if spec.mode == "sample":
        return Inference(spec, size, forward=_sample, engine=engine)
    return Training(spec, size, loss=_loss, forward=_forward, optimiser=optimiser(spec.sizes[size]), engine=engine)


def _loss(weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> tuple[Array, Tree]:
    return game(weights, statistics, inputs, engine.dtype)


def _forward(weights: Tree, statistics: Tree, inputs: Tree, engine: Engine) -> Array:
    return answers(weights, statistics, inputs, engine.dtype)


def _sample(weights: Tree, inputs: Tree, engine: Engine) -> Array:
    return generate(weights, inputs["latents"].astype(engine.dtype))
