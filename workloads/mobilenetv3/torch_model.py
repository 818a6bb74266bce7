"""MobileNetV3 in torch: functions of a flat dict of weights, images as [n, c, h, w] channels last."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.common.layout import Layout
from workloads.common.torch_engine import Engine, Tensors
from workloads.common.torch_images import images
from workloads.mobilenetv3.network import NORM_EPSILON, NORM_MOMENTUM, Activation, Block, Convolution, Network

Unit = Callable[[Convolution, Tensor], Tensor]
"""A convolution with its normalisation and activation."""


def _into(name: str, weight: Tensor) -> Tensor:
    """Kernels from HWIO to OIHW, channels last."""
    if weight.ndim != 4:
        return weight
    return weight.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)


def _back(name: str, weight: Tensor) -> Tensor:
    return weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight


LAYOUT = Layout(into=_into, back=_back)


def loss(layers: Network, weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    """Mean cross entropy in nats."""
    return F.cross_entropy(train_logits(layers, weights, statistics, inputs, engine), inputs["labels"])


def train_logits(layers: Network, weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    """(B, outputs), float32, normalised by the statistics of the batch, which enter the running ones in place."""
    return engine.fuse(_train_logits)(layers, weights, statistics, inputs["pool"], inputs["view"], engine.dtype)


def infer_logits(layers: Network, weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    """(B, outputs), float32, by weights with the normalisation folded in."""
    return engine.fuse(_infer_logits)(layers, weights, inputs["pool"], inputs["view"], engine.dtype)


def _train_logits(
    layers: Network, weights: Tensors, statistics: Tensors, pool: Tensor, view: Tensor, dtype: torch.dtype
) -> Tensor:
    def unit(convolution: Convolution, x: Tensor) -> Tensor:
        name = convolution.name
        x = F.batch_norm(
            _convolve(convolution, x, weights[f"{name}.kernel"].to(dtype)),
            statistics[f"{name}.mean"],
            statistics[f"{name}.variance"],
            weights[f"{name}.scale"],
            weights[f"{name}.shift"],
            training=True,
            momentum=NORM_MOMENTUM,
            eps=NORM_EPSILON,
        )
        return _activate(x, convolution.activation)

    return _forward(layers, weights, images(pool, view, dtype), unit)


def _infer_logits(layers: Network, weights: Tensors, pool: Tensor, view: Tensor, dtype: torch.dtype) -> Tensor:
    def unit(convolution: Convolution, x: Tensor) -> Tensor:
        name = convolution.name
        x = _convolve(convolution, x, weights[f"{name}.kernel"], weights[f"{name}.bias"])
        return _activate(x, convolution.activation)

    return _forward(layers, weights, images(pool, view, dtype), unit)


def _convolve(convolution: Convolution, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    groups = convolution.outputs if convolution.depthwise else 1
    return F.conv2d(x, kernel, bias, stride=convolution.stride, padding=convolution.padding, groups=groups)


def _activate(x: Tensor, activation: Activation) -> Tensor:
    """In place: neither a convolution nor a normalisation needs its own output for its gradient."""
    if activation == "HS":
        return F.hardswish(x)
    return F.relu(x, inplace=True) if activation == "RE" else x


def _forward(layers: Network, weights: Tensors, x: Tensor, unit: Unit) -> Tensor:
    x = unit(layers.stem, x)
    for block in layers.blocks:
        x = _block(block, weights, x, unit)
    features = _means(unit(layers.last, x))
    features = F.hardswish(_dense("hidden", weights, features)).to(x.dtype)
    return _dense("head", weights, features)


def _block(block: Block, weights: Tensors, x: Tensor, unit: Unit) -> Tensor:
    middle = x if block.expand is None else unit(block.expand, x)
    middle = unit(block.depthwise, middle)
    if block.squeeze is not None:
        middle = middle * _gains(block.squeeze[0].name, block.squeeze[1].name, weights, middle)
    projected = unit(block.project, middle)
    return x + projected if block.residual else projected


def _gains(squeeze: str, excite: str, weights: Tensors, x: Tensor) -> Tensor:
    """[n, c, 1, 1] of x [n, c, h, w]."""
    squeezed = F.relu(_dense(squeeze, weights, _means(x))).to(x.dtype)
    return F.hardsigmoid(_dense(excite, weights, squeezed)).to(x.dtype)[:, :, None, None]


def _means(x: Tensor) -> Tensor:
    """[n, c] of x [n, c, h, w], added up in float32."""
    return x.mean((2, 3), dtype=torch.float32).to(x.dtype)


def _dense(name: str, weights: Tensors, x: Tensor) -> Tensor:
    """float32 of x in the working type."""
    return (x @ weights[f"{name}.weight"].to(x.dtype)).float() + weights[f"{name}.bias"].float()
