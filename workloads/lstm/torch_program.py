"""`lstm` in torch: which program a spec asks for."""

from __future__ import annotations

import torch

from workloads.base import Program, Spec
from workloads.common.torch_decoding import Decoding
from workloads.common.torch_engine import open_engine
from workloads.common.torch_training import Training
from workloads.lstm import optimiser
from workloads.lstm.torch_model import audited, logits, loss, next_logits, no_state


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises."""
    engine = open_engine(device, precision, compiled=compiled)
    if device.type == "cuda":
        torch.backends.cudnn.rnn.fp32_precision = "ieee"  # cuDNN's LSTM would multiply float32 in TensorFloat-32
    if spec.mode != "train":
        return Decoding(spec, size, read=no_state, next_logits=next_logits, full=logits, engine=engine)
    steps = optimiser(spec.sizes[size])
    return Training(spec, size, loss=loss, forward=audited, optimiser=steps, engine=engine)
