"""`llm` in torch, as workloads.build promises."""

from __future__ import annotations

import torch

from workloads.base import Program, Spec
from workloads.common.torch_decoding import Decoding
from workloads.common.torch_engine import open_engine
from workloads.common.torch_inference import Inference
from workloads.llm import Config, data
from workloads.llm.torch_model import Llama, cast


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    config: Config = spec.sizes[size]
    engine = open_engine(device, precision, compiled=compiled)
    model = Llama(**engine.place(data.rotary(config.prompt + config.generated, config.head_width, config.theta)))
    if spec.mode == "prefill":
        return Inference(spec, size, forward=model.prefill, engine=engine, cast=cast)
    return Decoding(
        spec, size, read=model.read, next_logits=model.next_logits, full=model.full, engine=engine, cast=cast
    )
