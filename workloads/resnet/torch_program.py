"""ResNet in torch: functions of a flat dict of weights, channels last.

Axes in names: n image, c channel, h row, w column.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workloads.base import Arrays, Program, Spec
from workloads.golden import distance
from workloads.resnet import data
from workloads.resnet.network import (
    NORM_EPSILON,
    NORM_MOMENTUM,
    POOL_KERNEL,
    POOL_PADDING,
    POOL_STRIDE,
    SGD_MOMENTUM,
    WEIGHT_DECAY,
    Config,
    Convolution,
    Network,
    network,
)

Tensors = dict[str, Tensor]
Unit = Callable[[Convolution, Tensor], Tensor]
"""One convolution with its normalisation."""

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of workloads.build, in torch."""
    _set_up(device)
    config = spec.sizes[size]
    if spec.mode == "train":
        weights = data.initial_weights(config, spec.seed)
        return Train(config, weights, seed=spec.seed, device=device, precision=precision, compiled=compiled)
    weights = data.inference_weights(config, spec.seed)
    return Infer(config, weights, seed=spec.seed, size=size, device=device, precision=precision, compiled=compiled)


def _set_up(device: torch.device) -> None:
    """cuDNN rounds the inputs of float32 convolutions to TF32 unless told otherwise, and only a process-wide switch
    tells it; the search for its fastest kernels pays because shapes never change."""
    if device.type == "cuda":
        torch.backends.cudnn.conv.fp32_precision = "ieee"
        torch.backends.cudnn.benchmark = True


def _to_torch(weights: Arrays, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensors:
    """Kernels from [kernel, kernel, inputs, outputs] to torch's [outputs, inputs, kernel, kernel], channels last."""
    placed: Tensors = {}
    for name, values in weights.items():
        tensor = torch.from_numpy(values).to(device, dtype, copy=True)
        if tensor.ndim == 4:
            tensor = tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
        placed[name] = tensor
    return placed


def _to_numpy(tensors: Tensors) -> Arrays:
    """float32 copies in the layout of the spec."""
    arrays: Arrays = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().float()
        arrays[name] = (tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor).cpu().numpy().copy()
    return arrays


def _images(pool_nhwc: Tensor, inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """The step's base batch, shifted and normalised: [n, c, h, w], channels last."""
    _, n, h, w, _ = pool_nhwc.shape
    rows = (torch.arange(h, device=inputs.device) - inputs[1]) % h
    columns = (torch.arange(w, device=inputs.device) - inputs[2]) % w
    each = torch.arange(n, device=inputs.device)
    pixels = pool_nhwc[inputs[:1, None, None], each[:, None, None], rows[:, None], columns]
    return ((pixels.float() - data.PIXEL_MEAN) / data.PIXEL_STD).to(dtype).permute(0, 3, 1, 2)


def _convolve(convolution: Convolution, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    return functional.conv2d(x, kernel, bias, stride=convolution.stride, padding=convolution.padding)


def _forward(layers: Network, head: Tensors, x: Tensor, unit: Unit) -> Tensor:
    """Logits [n, outputs], float32, of images [n, c, h, w]."""
    x = functional.max_pool2d(functional.relu(unit(layers.stem, x)), POOL_KERNEL, POOL_STRIDE, POOL_PADDING)
    for block in layers.blocks:
        branch = x
        for convolution in block.branch[:-1]:
            branch = functional.relu(unit(convolution, branch))
        shortcut = x if block.shortcut is None else unit(block.shortcut, x)
        x = functional.relu(unit(block.branch[-1], branch) + shortcut)
    features = x.float().mean(dim=(2, 3)).to(x.dtype)
    return (features @ head["head.weight"].to(x.dtype)).float() + head["head.bias"].float()


def _train_logits(
    layers: Network, dtype: torch.dtype, weights: Tensors, statistics: Tensors, pool: Tensor, inputs: Tensor
) -> Tensor:
    """Logits with batch statistics, which enter the running ones in place."""

    def unit(convolution: Convolution, x: Tensor) -> Tensor:
        name = convolution.name
        return functional.batch_norm(
            _convolve(convolution, x, weights[f"{name}.kernel"].to(dtype)),
            statistics[f"{name}.mean"],
            statistics[f"{name}.variance"],
            weights[f"{name}.scale"],
            weights[f"{name}.shift"],
            training=True,
            momentum=NORM_MOMENTUM,
            eps=NORM_EPSILON,
        )

    return _forward(layers, weights, _images(pool, inputs, dtype), unit)


def _loss(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Mean cross entropy in nats and the logits; arguments as of _train_logits."""
    logits = _train_logits(*arguments)
    labels = arguments[-1][3:]
    return functional.cross_entropy(logits, labels), logits


def _infer_logits(layers: Network, dtype: torch.dtype, weights: Tensors, pool: Tensor, inputs: Tensor) -> Tensor:
    def unit(convolution: Convolution, x: Tensor) -> Tensor:
        return _convolve(convolution, x, weights[f"{convolution.name}.kernel"], weights[f"{convolution.name}.bias"])

    return _forward(layers, weights, _images(pool, inputs, dtype), unit)


class _Inputs:
    """The pool on the device and the queue of prepared steps."""

    def __init__(self, config: Config, seed: int, device: torch.device) -> None:
        images, self._classes = data.pool(config, seed)
        self._config, self._seed, self._device = config, seed, device
        self._prepared = 0
        self._queue: deque[Tensor] = deque()
        self.pool = torch.from_numpy(images).to(device)
        self.audit = self._place(data.audit_inputs(self._classes))

    def _place(self, inputs: np.ndarray) -> Tensor:
        return torch.from_numpy(inputs.astype(np.int64)).to(self._device)

    def prepare(self, steps: int) -> None:
        for step in range(self._prepared, self._prepared + steps):
            self._queue.append(self._place(data.step_inputs(self._config, self._seed, self._classes, step)))
        self._prepared += steps

    def next(self) -> Tensor:
        return self._queue.popleft()


class Train:
    """Training by SGD with Nesterov momentum."""

    def __init__(
        self, config: Config, weights: Arrays, *, seed: int, device: torch.device, precision: str, compiled: bool
    ) -> None:
        self._config = config
        self._inputs = _Inputs(config, seed, device)
        self._weights = _to_torch(weights, device)
        self._statistics = _to_torch(data.initial_statistics(config), device)
        for weight in self._weights.values():
            weight.requires_grad_()
        self._optimiser = _optimiser(self._weights)
        self._eager = partial(_loss, network(config), TYPES[precision])
        self._loss = torch.compile(self._eager, fullgraph=True, dynamic=False) if compiled else self._eager
        self._step = 0
        self._first: list[Tensor] = []
        self._newest = torch.full((), math.nan)

    def prepare(self, steps: int) -> None:
        self._inputs.prepare(steps)

    def step(self) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate_at(self._step)
        loss, _ = self._loss(self._weights, self._statistics, self._inputs.pool, self._inputs.next())
        loss.backward()
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._newest = loss.detach()
        if self._step < self._config.quality_steps:
            self._first.append(self._newest)
        self._step += 1

    def quality(self) -> float:
        return data.excess_nats([float(loss) for loss in self._first], self._config)

    def loss(self) -> float:
        return float(self._newest)

    def outputs(self) -> Arrays:
        statistics = {name: values.clone() for name, values in self._statistics.items()}
        loss, logits = self._eager(self._weights, statistics, self._inputs.pool, self._inputs.audit)
        gradients = torch.autograd.grad(loss, list(self._weights.values()))
        named = {f"gradient/{name}": gradient for name, gradient in zip(self._weights, gradients, strict=True)}
        return _to_numpy({"logits": logits, "loss": loss} | named)

    def weights(self) -> Arrays:
        return _to_numpy(self._weights)

    def statistics(self) -> Arrays:
        """The running averages as they are now."""
        return _to_numpy(self._statistics)


def _optimiser(weights: Tensors) -> torch.optim.Optimizer:
    """v = momentum v + (g + decay w);  w = w - rate (g + decay w + momentum v)."""
    groups = [
        {"params": [weight for name, weight in weights.items() if data.decays(name) == decayed], "weight_decay": decay}
        for decayed, decay in ((True, WEIGHT_DECAY), (False, 0.0))
    ]
    return torch.optim.SGD(groups, lr=0.0, momentum=SGD_MOMENTUM, nesterov=True, fused=True)


class Infer:
    """Inference with normalisation folded into the convolutions."""

    def __init__(
        self,
        config: Config,
        weights: Arrays,
        *,
        seed: int,
        size: str,
        device: torch.device,
        precision: str,
        compiled: bool,
    ) -> None:
        self._size = size
        self._inputs = _Inputs(config, seed, device)
        self._weights = _to_torch(weights, device, TYPES[precision])
        logits = partial(_infer_logits, network(config), TYPES[precision])
        self._logits = torch.compile(logits, fullgraph=True, dynamic=False) if compiled else logits

    def prepare(self, steps: int) -> None:
        self._inputs.prepare(steps)

    def step(self) -> None:
        self._run(self._inputs.next())

    @torch.inference_mode()
    def _run(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self._logits(self._weights, self._inputs.pool, inputs)
        return logits

    def quality(self) -> float:
        return distance("resnet", "infer", self._size, self.outputs()["logits"])

    def loss(self) -> float:
        return math.nan

    def outputs(self) -> Arrays:
        """The logits of the audit's images, from the very function that step() runs."""
        return _to_numpy({"logits": self._run(self._inputs.audit)})

    def weights(self) -> Arrays:
        return _to_numpy(self._weights)
