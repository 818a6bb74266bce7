"""`lstm` in JAX: which program a spec asks for."""

from __future__ import annotations

from typing import Any

from workloads.base import Program, Spec
from workloads.common.jax_decoding import Decoding
from workloads.common.jax_engine import open_engine
from workloads.common.jax_training import Training
from workloads.lstm import optimiser
from workloads.lstm.jax_model import audited, logits, loss, next_logits, no_state


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises. Always compiled."""
    engine = open_engine(device, precision)
    if spec.mode != "train":
        return Decoding(spec, size, read=no_state, next_logits=next_logits, full=logits, engine=engine)
    steps = optimiser(spec.sizes[size])
    return Training(spec, size, loss=loss, forward=audited, optimiser=steps, engine=engine)
