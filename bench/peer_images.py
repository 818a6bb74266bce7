"""The published ResNet, MobileNetV3 and DiT of `transformers`, `geffnet` and `diffusers` in a size of ours, and our
weights under their names. A mapping takes the spec's arrays, or gradients of the same shapes, and gives a state dict.
"""

from __future__ import annotations

from typing import Any

import geffnet
import numpy as np
import torch
from diffusers import DiTTransformer2DModel
from geffnet.efficientnet_builder import DepthwiseSeparableConv, InvertedResidual, decode_arch_def
from geffnet.mobilenetv3 import MobileNetV3
from torch import Tensor, nn
from transformers import ResNetConfig, ResNetForImageClassification

from workloads import dit
from workloads.base import Arrays
from workloads.common.textures import COLOURS
from workloads.dit.data import CHANNELS, PATCH
from workloads.mobilenetv3.network import DIVISOR, NORM_MOMENTUM, Block, Row
from workloads.mobilenetv3.network import NORM_EPSILON as MOBILE_EPSILON
from workloads.mobilenetv3.network import Config as MobileSize
from workloads.mobilenetv3.network import network as mobile_network
from workloads.resnet.network import EXPANSION
from workloads.resnet.network import NORM_EPSILON as RESNET_EPSILON
from workloads.resnet.network import Config as ResnetSize
from workloads.resnet.network import network as resnet_network

State = dict[str, Tensor]


def _tensors(arrays: dict[str, np.ndarray]) -> State:
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _kernel(ours: np.ndarray) -> np.ndarray:
    """From [height, width, in, out] to [out, in, height, width]."""
    return ours.transpose(3, 2, 0, 1)


def _unit(theirs: tuple[str, str], name: str, ours: Arrays, epsilon: float) -> dict[str, np.ndarray]:
    """A convolution and its normalisation, under their names. Where ours has the normalisation folded into kernel and
    bias, theirs gets statistics that change nothing."""
    convolution, norm = theirs
    state = {f"{convolution}.weight": _kernel(ours[f"{name}.kernel"])}
    if f"{name}.scale" in ours:
        return state | {f"{norm}.weight": ours[f"{name}.scale"], f"{norm}.bias": ours[f"{name}.shift"]}
    bias = ours[f"{name}.bias"]
    return state | {
        f"{norm}.weight": np.ones_like(bias),
        f"{norm}.bias": bias,
        f"{norm}.running_mean": np.zeros_like(bias),
        f"{norm}.running_var": np.full_like(bias, 1 - epsilon),
    }


def resnet_model(config: ResnetSize) -> nn.Module:
    """v1.5: the stride sits in the 3x3 convolution. Sizes whose stem is not the published 7x7 get it replaced."""
    widths = [config.width * 2**stage * EXPANSION[config.block] for stage in range(len(config.depths))]
    model = ResNetForImageClassification(
        ResNetConfig(
            embedding_size=config.width, hidden_sizes=widths, depths=list(config.depths), layer_type=config.block,
            num_labels=config.outputs, downsample_in_bottleneck=False,
        )
    )  # fmt: skip
    if (config.stem_kernel, config.stem_stride) != (7, 2):
        model.resnet.embedder.embedder.convolution = nn.Conv2d(
            COLOURS, config.width, config.stem_kernel, config.stem_stride, (config.stem_kernel - 1) // 2, bias=False
        )
    return model


def resnet_weights(config: ResnetSize, ours: Arrays) -> State:
    state = {"classifier.1.weight": ours["head.weight"].T, "classifier.1.bias": ours["head.bias"]}
    for convolution in resnet_network(config).convolutions:
        at = _resnet_place(convolution.name)
        state |= _unit((f"{at}.convolution", f"{at}.normalization"), convolution.name, ours, RESNET_EPSILON)
    return _tensors(state)


def _resnet_place(name: str) -> str:
    """Where the published model keeps "stem", "stage1.block0.conv2" or "stage1.block0.shortcut"."""
    if name == "stem":
        return "resnet.embedder.embedder"
    stage, block, part = name.removeprefix("stage").replace("block", "").split(".")
    inner = part if part == "shortcut" else f"layer.{part.removeprefix('conv')}"
    return f"resnet.encoder.stages.{stage}.layers.{block}.{inner}"


def mobilenetv3_model(config: MobileSize) -> nn.Module:
    """At width 1 the published Large as it comes; else its rows with the channels that our rounding gives, for
    published ones differ in how they round."""
    epsilon = {"bn_eps": MOBILE_EPSILON, "bn_momentum": NORM_MOMENTUM}
    if config.width == 1.0:
        return geffnet.mobilenetv3_large_100(num_classes=config.outputs, **epsilon)
    layers = mobile_network(config)
    rows = [[_row(row, block)] for row, block in zip(config.rows, layers.blocks, strict=True)]
    return MobileNetV3(
        decode_arch_def([*rows, [f"cn_r1_k1_s1_c{layers.last.outputs}"]]),
        num_classes=config.outputs,
        stem_size=layers.stem.outputs,
        num_features=layers.hidden.outputs,
        act_layer=nn.Hardswish,
        se_kwargs={"act_layer": nn.ReLU, "gate_fn": _gate, "reduce_mid": True, "divisor": DIVISOR},
        norm_kwargs={"eps": MOBILE_EPSILON, "momentum": NORM_MOMENTUM},
    )


def _gate(x: Tensor, inplace: bool = False) -> Tensor:
    return nn.functional.hardsigmoid(x)


def _row(row: Row, block: Block) -> str:
    """One block in geffnet's notation."""
    kind = "ds" if block.expand is None else "ir"
    middle, inputs = block.depthwise.outputs, (block.expand or block.depthwise).inputs
    said = f"{kind}_r1_k{row.kernel}_s{row.stride}_e{middle / inputs:.6f}_c{block.project.outputs}"
    return said + ("_se0.25" if row.squeezes else "") + ("_nre" if row.activation == "RE" else "")


def mobilenetv3_weights(config: MobileSize, ours: Arrays, model: nn.Module) -> State:
    """`model` tells under which numbers it keeps its blocks."""
    layers, epsilon = mobile_network(config), MOBILE_EPSILON
    kinds = (DepthwiseSeparableConv, InvertedResidual)
    places = [name for name, module in model.named_modules() if isinstance(module, kinds)]
    state = _unit(("conv_stem", "bn1"), "stem", ours, epsilon)
    for at, block in zip(places, layers.blocks, strict=True):
        state |= _mobile_block(at, block, ours, epsilon)
    last = f"blocks.{int(places[-1].split('.')[1]) + 1}.0"
    state |= _unit((f"{last}.conv", f"{last}.bn1"), "last", ours, epsilon) | _dense("conv_head", "hidden", ours)
    state |= {"classifier.weight": ours["head.weight"].T, "classifier.bias": ours["head.bias"]}
    return _tensors(state)


def _mobile_block(at: str, block: Block, ours: Arrays, epsilon: float) -> dict[str, np.ndarray]:
    names = ("conv_pw", "conv_dw", "conv_pwl") if block.expand is not None else ("conv_dw", "conv_pw")
    state: dict[str, np.ndarray] = {}
    for number, (theirs, convolution) in enumerate(zip(names, block.convolutions, strict=True), start=1):
        state |= _unit((f"{at}.{theirs}", f"{at}.bn{number}"), convolution.name, ours, epsilon)
    for theirs, dense in zip(("conv_reduce", "conv_expand"), block.squeeze or (), strict=False):
        state |= _dense(f"{at}.se.{theirs}", dense.name, ours)
    return state


def _dense(theirs: str, name: str, ours: Arrays) -> dict[str, np.ndarray]:
    """A matrix product that they write as a 1x1 convolution."""
    weight = ours[f"{name}.weight"].T[:, :, None, None]
    return {f"{theirs}.weight": weight, f"{theirs}.bias": ours[f"{name}.bias"]}


def dit_model(config: dit.Config) -> nn.Module:
    """diffusers' DiT with the constants of the authors' own code, which it leaves in two places: LayerNorms of epsilon
    1e-6 throughout, and time features whose slowest rate is 10000^(-127/128)."""
    model = DiTTransformer2DModel(
        num_attention_heads=config.heads, attention_head_dim=config.width // config.heads, in_channels=CHANNELS,
        out_channels=2 * CHANNELS, num_layers=config.layers, sample_size=config.side, patch_size=PATCH,
        num_embeds_ada_norm=config.classes, norm_eps=dit.NORM_EPSILON,
    )  # fmt: skip
    for block in model.transformer_blocks:
        block.norm1.emb.time_proj.downscale_freq_shift = 0
    return model


_DIT_SHARED = {
    "norm1.emb.timestep_embedder.linear_1": "time_in",
    "norm1.emb.timestep_embedder.linear_2": "time_out",
}
_DIT_BLOCK = {
    "norm1.linear": "modulation", "attn1.to_out.0": "projection", "ff.net.0.proj": "up", "ff.net.2": "down",
}  # fmt: skip


def dit_weights(config: dit.Config, ours: Arrays) -> State:
    """diffusers gives each block a copy of the embeddings of time and class, which published DiT has once."""
    shape = (CHANNELS, PATCH, PATCH)
    state = {
        "pos_embed.proj.weight": ours["patch_weight"].T.reshape(-1, *shape),
        "pos_embed.proj.bias": ours["patch_bias"],
        "proj_out_1.weight": ours["final_modulation_weight"].T,
        "proj_out_1.bias": ours["final_modulation_bias"],
        "proj_out_2.weight": _pixels_first(ours["output_weight"].T),
        "proj_out_2.bias": _pixels_first(ours["output_bias"]),
    }
    for layer in range(config.layers):
        at = f"transformer_blocks.{layer}"
        state[f"{at}.norm1.emb.class_embedder.embedding_table.weight"] = ours["class_table"]
        for theirs, name in _DIT_SHARED.items():
            state |= _linear(f"{at}.{theirs}", ours[f"{name}_weight"], ours[f"{name}_bias"])
        for theirs, name in _DIT_BLOCK.items():
            state |= _linear(f"{at}.{theirs}", ours[f"{name}_weight"][layer], ours[f"{name}_bias"][layer])
        parts = zip(np.split(ours["qkv_weight"][layer], 3, 1), np.split(ours["qkv_bias"][layer], 3), strict=True)
        for part, (weight, bias) in zip("qkv", parts, strict=True):
            state |= _linear(f"{at}.attn1.to_{part}", weight, bias)
    return _tensors(state)


def _linear(theirs: str, weight: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{theirs}.weight": weight.T, f"{theirs}.bias": bias}


def _pixels_first(rows: np.ndarray) -> np.ndarray:
    """Rows in the order (half, channel, row, column) into the published (row, column, half, channel)."""
    cut = rows.reshape(2, CHANNELS, PATCH, PATCH, *rows.shape[1:])
    return np.moveaxis(cut, (2, 3), (0, 1)).reshape(rows.shape)


def dit_shared_parameters(model: Any) -> int:
    """Parameters of the copies that diffusers keeps of the embeddings of time and class, the first one aside."""
    copies = [block.norm1.emb for block in model.transformer_blocks[1:]]
    return sum(parameter.numel() for copy in copies for parameter in copy.parameters())
