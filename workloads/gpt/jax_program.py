"""`gpt` in JAX: the three modes as programs."""

from __future__ import annotations

from functools import partial
from typing import Any

from jax import Array

from workloads.base import Program, Spec
from workloads.common.jax_decoding import Decoding
from workloads.common.jax_engine import Engine, Tree, open_engine
from workloads.common.jax_inference import Inference
from workloads.common.jax_training import Training
from workloads.gpt import jax_model, optimiser
from workloads.gpt.config import Config


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises; always compiled."""
    config: Config = spec.sizes[size]
    return _MODES[spec.mode](spec, size, config, open_engine(device, precision))


def _train(spec: Spec, size: str, config: Config, engine: Engine) -> Program:
    def forward(weights: Tree, _: Tree, inputs: Tree, engine: Engine) -> Array:
        return jax_model.trained_logits(config, weights, inputs["tokens"][:, :-1], engine)

    loss = partial(jax_model.loss, config)
    return Training(spec, size, loss=loss, forward=forward, optimiser=optimiser(config), engine=engine)


def _prefill(spec: Spec, size: str, config: Config, engine: Engine) -> Program:
    def forward(weights: Tree, inputs: Tree, engine: Engine) -> Array:
        return jax_model.last(config, weights, inputs["tokens"], engine)

    return Inference(spec, size, forward=forward, engine=engine, cast=jax_model.cast)


def _decode(spec: Spec, size: str, config: Config, engine: Engine) -> Program:
    return Decoding(
        spec,
        size,
        read=partial(jax_model.read, config),
        next_logits=partial(jax_model.next_logits, config),
        full=partial(jax_model.full, config),
        engine=engine,
        cast=jax_model.cast,
    )


_MODES: dict[str, Any] = {"train": _train, "prefill": _prefill, "decode": _decode}
