"""`llm` in JAX, as workloads.build promises."""

from __future__ import annotations

from typing import Any

from workloads.base import Program, Spec
from workloads.common.jax_decoding import Decoding
from workloads.common.jax_engine import open_engine
from workloads.common.jax_inference import Inference
from workloads.llm import Config, data
from workloads.llm.jax_model import Llama, cast


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """JAX compiles whether `compiled` or not."""
    config: Config = spec.sizes[size]
    engine = open_engine(device, precision)
    model = Llama(**data.rotary(config.prompt + config.generated, config.head_width, config.theta))
    if spec.mode == "prefill":
        return Inference(spec, size, forward=model.prefill, engine=engine, cast=cast)
    return Decoding(
        spec, size, read=model.read, next_logits=model.next_logits, full=model.full, engine=engine, cast=cast
    )
