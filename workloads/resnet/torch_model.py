"""ResNet in torch: functions of a flat dict of weights, channels last.

Axes in comments: n image, c channel, h row, w column.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.common.layout import Layout
from workloads.common.torch_convolution import convolve, rectified, rectified_sum
from workloads.common.torch_engine import Engine, Tensors
from workloads.common.torch_images import images
from workloads.resnet.network import NORM_EPSILON, NORM_MOMENTUM, POOL_KERNEL, POOL_PADDING, POOL_STRIDE, Network


def _into(name: str, weight: Tensor) -> Tensor:
    """From [kernel, kernel, inputs, outputs] to torch's [outputs, inputs, kernel, kernel], channels last."""
    if weight.ndim != 4:
        return weight
    return weight.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)


def _back(name: str, weight: Tensor) -> Tensor:
    return weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight


LAYOUT = Layout(into=_into, back=_back)


def train_unit(name: str, x: Tensor, stride: int, weights: Tensors, statistics: Tensors, dtype: torch.dtype) -> Tensor:
    """Normalised by the batch's own statistics, which enter the running ones in place."""
    return F.batch_norm(
        convolve(x, weights[f"{name}.kernel"].to(dtype), stride),
        statistics[f"{name}.mean"],
        statistics[f"{name}.variance"],
        weights[f"{name}.scale"],
        weights[f"{name}.shift"],
        training=True,
        momentum=NORM_MOMENTUM,
        eps=NORM_EPSILON,
    )


def train_block(
    x: Tensor, weights: Tensors, statistics: Tensors, strides: tuple[int, ...], dtype: torch.dtype
) -> Tensor:
    def unit(name: str, x: Tensor, stride: int) -> Tensor:
        return train_unit(name, x, stride, weights, statistics, dtype)

    last = len(strides) - 1
    branch = x
    for index, stride in enumerate(strides[:-1]):
        branch = F.relu(unit(f"conv{index}", branch, stride), inplace=True)
    shortcut = unit("shortcut", x, math.prod(strides)) if "shortcut.kernel" in weights else x
    return F.relu(unit(f"conv{last}", branch, strides[-1]).add_(shortcut), inplace=True)


def infer_block(x: Tensor, weights: Tensors, strides: tuple[int, ...]) -> Tensor:
    def kernel(name: str) -> tuple[Tensor, Tensor]:
        return weights[f"{name}.kernel"], weights[f"{name}.bias"]

    last = len(strides) - 1
    branch = x
    for index, stride in enumerate(strides[:-1]):
        branch = rectified(branch, *kernel(f"conv{index}"), stride)
    if "shortcut.kernel" in weights:
        x = convolve(x, weights["shortcut.kernel"], math.prod(strides), weights["shortcut.bias"])
    return rectified_sum(branch, *kernel(f"conv{last}"), strides[-1], x)


def train_stem(x: Tensor, weights: Tensors, statistics: Tensors, stride: int, dtype: torch.dtype) -> Tensor:
    return _pooled(F.relu(train_unit("stem", x, stride, weights, statistics, dtype), inplace=True))


def infer_stem(x: Tensor, weights: Tensors, stride: int) -> Tensor:
    return _pooled(rectified(x, weights["stem.kernel"], weights["stem.bias"], stride))


def _pooled(x: Tensor) -> Tensor:
    return F.max_pool2d(x, POOL_KERNEL, POOL_STRIDE, POOL_PADDING)


def head(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Logits [n, outputs], float32, of features [n, c, h, w]."""
    features = x.float().mean(dim=(2, 3)).to(x.dtype)
    return (features @ weight.to(x.dtype)).float() + bias.float()


def part(arrays: Tensors, name: str) -> Tensors:
    """What belongs to a block, under names that are the same in all blocks: it is then compiled but once a shape."""
    return {key.removeprefix(f"{name}."): value for key, value in arrays.items() if key.startswith(f"{name}.")}


def train_logits(layers: Network, weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    stem, block = engine.fuse(train_stem), engine.fuse(train_block)
    x = engine.fuse(images)(inputs["pool"], inputs["view"], engine.dtype)
    x = stem(x, _only(weights, "stem"), _only(statistics, "stem"), layers.stem.stride, engine.dtype)
    for each in layers.blocks:
        x = block(x, part(weights, each.name), part(statistics, each.name), each.strides, engine.dtype)
    return head(x, weights["head.weight"], weights["head.bias"])


def _only(arrays: Tensors, name: str) -> Tensors:
    return {key: value for key, value in arrays.items() if key.startswith(f"{name}.")}


def loss(layers: Network, weights: Tensors, statistics: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    """Mean cross entropy in nats."""
    return F.cross_entropy(train_logits(layers, weights, statistics, inputs, engine), inputs["labels"])


def infer_logits(layers: Network, weights: Tensors, inputs: Tensors, engine: Engine) -> Tensor:
    """Compiled as a whole: 1.05 times as fast as eager on a CPU, which block by block it is not."""
    return engine.fuse(_infer_logits)(layers, weights, inputs["pool"], inputs["view"], engine.dtype)


def _infer_logits(layers: Network, weights: Tensors, pool: Tensor, view: Tensor, dtype: torch.dtype) -> Tensor:
    x = infer_stem(images(pool, view, dtype), _only(weights, "stem"), layers.stem.stride)
    for each in layers.blocks:
        x = infer_block(x, part(weights, each.name), each.strides)
    return head(x, weights["head.weight"], weights["head.bias"])
