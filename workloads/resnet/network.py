"""The shape of a ResNet v1.5: its sizes and its convolutions in the order they run. No framework.

In v1.5 the stride of a bottleneck sits in its 3x3 convolution. Every convolution is followed by batch normalisation
and has no bias; padding is (kernel - 1) / 2 on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workloads.common.textures import COLOURS

POOL_KERNEL, POOL_STRIDE, POOL_PADDING = 3, 2, 1
EXPANSION = {"basic": 1, "bottleneck": 4}

NORM_EPSILON = 1e-5
NORM_MOMENTUM = 0.1  # share of the newest batch in the running statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size of the workload. `image` is the side of a square image in pixels."""

    block: Literal["basic", "bottleneck"]
    depths: tuple[int, ...]
    width: int
    stem_kernel: int
    stem_stride: int
    image: int
    outputs: int
    batch: int
    classes: int  # textures that occur in the data; the head's further outputs are never the answer
    label_noise: float  # probability that a label is wrong
    base_batches: int  # kept on the device
    learning_rate: float
    warmup_steps: int
    quality_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """A square convolution with its place in the network; `side` is that of its input, in pixels."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    side: int

    @property
    def padding(self) -> int:
        return (self.kernel - 1) // 2

    @property
    def side_out(self) -> int:
        return (self.side + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def parameters(self) -> int:
        return self.kernel**2 * self.inputs * self.outputs

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return self.parameters * self.side_out**2

    @property
    def elements_in(self) -> int:
        return self.inputs * self.side**2

    @property
    def elements_out(self) -> int:
        return self.outputs * self.side_out**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A residual block; without `shortcut` the input itself is added to the branch."""

    branch: tuple[Convolution, ...]
    shortcut: Convolution | None

    @property
    def name(self) -> str:
        return self.branch[0].name.rpartition(".")[0]

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the branch; the shortcut takes all of them at once."""
        return tuple(convolution.stride for convolution in self.branch)

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        return self.branch if self.shortcut is None else (*self.branch, self.shortcut)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All layers of one configuration."""

    config: Config
    stem: Convolution
    blocks: tuple[Block, ...]

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        return (self.stem, *(convolution for block in self.blocks for convolution in block.convolutions))

    @property
    def features(self) -> int:
        return self.blocks[-1].branch[-1].outputs

    @property
    def head_parameters(self) -> int:
        return (self.features + 1) * self.config.outputs


def network(config: Config) -> Network:
    """Lay out the layers of `config`."""
    stem = Convolution(
        name="stem",
        inputs=COLOURS,
        outputs=config.width,
        kernel=config.stem_kernel,
        stride=config.stem_stride,
        side=config.image,
    )
    return Network(config=config, stem=stem, blocks=tuple(_blocks(config, stem)))


def _blocks(config: Config, stem: Convolution) -> Iterator[Block]:
    side = (stem.side_out + 2 * POOL_PADDING - POOL_KERNEL) // POOL_STRIDE + 1
    inputs = stem.outputs
    for stage, depth in enumerate(config.depths):
        for index in range(depth):
            stride = 2 if stage > 0 and index == 0 else 1
            block = _block(f"stage{stage}.block{index}", config.block, inputs, config.width * 2**stage, stride, side)
            yield block
            inputs, side = block.branch[-1].outputs, block.branch[-1].side_out


def _block(name: str, kind: str, inputs: int, width: int, stride: int, side: int) -> Block:
    outputs = width * EXPANSION[kind]
    plan: tuple[tuple[int, int, int, int], ...]
    if kind == "basic":
        plan = ((inputs, width, 3, stride), (width, width, 3, 1))
    else:
        plan = ((inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1))
    branch: list[Convolution] = []
    at = side
    for index, (n_in, n_out, kernel, step) in enumerate(plan):
        branch.append(
            Convolution(name=f"{name}.conv{index}", inputs=n_in, outputs=n_out, kernel=kernel, stride=step, side=at)
        )
        at = branch[-1].side_out
    shortcut = None
    if stride != 1 or inputs != outputs:
        shortcut = Convolution(
            name=f"{name}.shortcut", inputs=inputs, outputs=outputs, kernel=1, stride=stride, side=side
        )
    return Block(branch=tuple(branch), shortcut=shortcut)
