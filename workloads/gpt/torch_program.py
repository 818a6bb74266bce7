"""`gpt` in torch: the three modes as programs."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.base import Program, Spec
from workloads.common.layout import Layout
from workloads.common.torch_decoding import Decoding
from workloads.common.torch_engine import Engine, Tensors, open_engine
from workloads.common.torch_inference import Inference
from workloads.common.torch_training import Training
from workloads.gpt import optimiser, torch_model
from workloads.gpt.config import Config


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises."""
    config: Config = spec.sizes[size]
    engine = open_engine(device, precision, compiled=compiled)
    return _MODES[spec.mode](spec, size, config, engine, _padded(config))


def _padded(config: Config) -> Layout:
    """The token table with rows added that no token has."""
    rows = config.padded_vocabulary - config.vocabulary

    def into(name: str, weight: Tensor) -> Tensor:
        return F.pad(weight, (0, 0, 0, rows)) if name == "token_embedding" else weight

    def back(name: str, weight: Tensor) -> Tensor:
        return weight[: config.vocabulary] if name == "token_embedding" else weight

    return Layout(into=into, back=back)


def _train(spec: Spec, size: str, config: Config, engine: Engine, layout: Layout) -> Program:
    def loss(weights: Tensors, _: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return torch_model.loss(config, weights, inputs, engine)

    def forward(weights: Tensors, _: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return torch_model.full(config, weights, inputs["tokens"][:, :-1], engine)

    rule = optimiser(config)
    return Training(
        spec, size, loss=loss, forward=forward, optimiser=rule, engine=engine, layout=layout, separable=True
    )


def _prefill(spec: Spec, size: str, config: Config, engine: Engine, layout: Layout) -> Program:
    def forward(weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
        return torch_model.last(config, weights, inputs["tokens"], engine)

    return Inference(spec, size, forward=forward, engine=engine, cast=torch_model.cast, layout=layout)


def _decode(spec: Spec, size: str, config: Config, engine: Engine, layout: Layout) -> Program:
    return Decoding(
        spec,
        size,
        read=partial(torch_model.read, config),
        next_logits=partial(torch_model.next_logits, config),
        full=partial(torch_model.full, config),
        engine=engine,
        cast=torch_model.cast,
        layout=layout,
    )


_MODES: dict[str, Any] = {"train": _train, "prefill": _prefill, "decode": _decode}
