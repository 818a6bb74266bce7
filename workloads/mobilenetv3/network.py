"""The shape of a MobileNetV3: its rows, and its layers in the order they run. No arrays, no framework.

Howard et al. 2019, "Searching for MobileNetV3", table 1. Every convolution is followed by batch normalisation and has
no bias; padding is (kernel - 1) / 2 on both sides. Hidden layers have 1280 outputs, also at a width below 1 in
proportion; there is no dropout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workloads.common.textures import COLOURS

Activation = Literal["RE", "HS", "none"]
"""ReLU, hard-swish x * clip(x + 3, 0, 6) / 6, or the value itself."""

STEM = 16  # channels at width 1
HIDDEN = 1280  # features before the head at width 1
LAST_EXPANSION = 6  # channels of the last convolution over those of its input
SQUEEZE = 4  # channels of a block's middle over those in its squeeze
DIVISOR = 8  # every number of channels is a multiple

NORM_EPSILON = 1e-3
NORM_MOMENTUM = 0.01  # share of the newest batch in the running statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An inverted residual at width 1, as the table gives it."""

    kernel: int
    expanded: int
    outputs: int
    squeezes: bool
    activation: Activation
    stride: int


def _row(kernel: int, expanded: int, outputs: int, squeeze: str, activation: Activation, stride: int) -> Row:
    return Row(
        kernel=kernel,
        expanded=expanded,
        outputs=outputs,
        squeezes=squeeze == "SE",
        activation=activation,
        stride=stride,
    )


LARGE = (
    _row(3, 16, 16, "-", "RE", 1),
    _row(3, 64, 24, "-", "RE", 2),
    _row(3, 72, 24, "-", "RE", 1),
    _row(5, 72, 40, "SE", "RE", 2),
    _row(5, 120, 40, "SE", "RE", 1),
    _row(5, 120, 40, "SE", "RE", 1),
    _row(3, 240, 80, "-", "HS", 2),
    _row(3, 200, 80, "-", "HS", 1),
    _row(3, 184, 80, "-", "HS", 1),
    _row(3, 184, 80, "-", "HS", 1),
    _row(3, 480, 112, "SE", "HS", 1),
    _row(3, 672, 112, "SE", "HS", 1),
    _row(5, 672, 160, "SE", "HS", 2),
    _row(5, 960, 160, "SE", "HS", 1),
    _row(5, 960, 160, "SE", "HS", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size of the workload. `image` is the side of a square image in pixels."""

    rows: tuple[Row, ...]
    width: float
    image: int
    outputs: int
    batch: int
    classes: int  # textures that occur in the data; the head's further outputs are never the answer
    label_noise: float  # probability that a label is wrong
    batches: int  # base batches kept on the device
    learning_rate: float
    warmup_steps: int
    quality_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """A square convolution and what follows it; `side` is that of its input, in pixels."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    side: int
    activation: Activation
    depthwise: bool = False  # each channel for itself: inputs == outputs

    @property
    def padding(self) -> int:
        return (self.kernel - 1) // 2

    @property
    def side_out(self) -> int:
        return (self.side + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(kernel, kernel, inputs of one output, outputs)."""
        return (self.kernel, self.kernel, 1 if self.depthwise else self.inputs, self.outputs)

    @property
    def parameters(self) -> int:
        """Of the kernel alone."""
        return self.kernel**2 * self.shape[2] * self.outputs

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
class Dense:
    """A matrix product with a bias."""

    name: str
    inputs: int
    outputs: int

    @property
    def parameters(self) -> int:
        return (self.inputs + 1) * self.outputs

    @property
    def macs(self) -> int:
        return self.inputs * self.outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """expand, depthwise, squeeze-excite, project. `squeeze` is the pair of products that turns the mean of each
    channel into its gain: ReLU between them, hard-sigmoid clip(x + 3, 0, 6) / 6 behind them."""

    expand: Convolution | None  # none where the middle is as narrow as the input
    depthwise: Convolution
    squeeze: tuple[Dense, Dense] | None
    project: Convolution
    residual: bool  # the input is added to the output

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        convolutions = (self.depthwise, self.project)
        return convolutions if self.expand is None else (self.expand, *convolutions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All layers of one configuration."""

    stem: Convolution
    blocks: tuple[Block, ...]
    last: Convolution
    hidden: Dense
    head: Dense

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        inner = (convolution for block in self.blocks for convolution in block.convolutions)
        return (self.stem, *inner, self.last)

    @property
    def denses(self) -> tuple[Dense, ...]:
        inner = (dense for block in self.blocks for dense in block.squeeze or ())
        return (*inner, self.hidden, self.head)


def divisible(channels: float) -> int:
    """The nearest multiple of DIVISOR, at least DIVISOR and never more than a tenth below."""
    rounded = max(DIVISOR, int(channels + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded + DIVISOR if rounded < 0.9 * channels else rounded


def network(config: Config) -> Network:
    """Lay out the layers of `config`."""
    stem = _convolution("stem", COLOURS, divisible(config.width * STEM), 3, 2, config.image, "HS")
    blocks = tuple(_blocks(config, stem))
    features, side = blocks[-1].project.outputs, blocks[-1].project.side_out
    last = _convolution("last", features, LAST_EXPANSION * features, 1, 1, side, "HS")
    hidden = Dense(name="hidden", inputs=last.outputs, outputs=divisible(config.width * HIDDEN))
    head = Dense(name="head", inputs=hidden.outputs, outputs=config.outputs)
    return Network(stem=stem, blocks=blocks, last=last, hidden=hidden, head=head)


def _blocks(config: Config, stem: Convolution) -> Iterator[Block]:
    inputs, side = stem.outputs, stem.side_out
    for index, row in enumerate(config.rows):
        block = _block(f"block{index}", row, config.width, inputs, side)
        yield block
        inputs, side = block.project.outputs, block.project.side_out


def _block(name: str, row: Row, width: float, inputs: int, side: int) -> Block:
    middle, outputs, act = divisible(width * row.expanded), divisible(width * row.outputs), row.activation
    depthwise = _convolution(f"{name}.depthwise", middle, middle, row.kernel, row.stride, side, act, depthwise=True)
    return Block(
        expand=_convolution(f"{name}.expand", inputs, middle, 1, 1, side, act) if middle != inputs else None,
        depthwise=depthwise,
        squeeze=_squeeze(name, middle) if row.squeezes else None,
        project=_convolution(f"{name}.project", middle, outputs, 1, 1, depthwise.side_out, "none"),
        residual=row.stride == 1 and inputs == outputs,
    )


def _squeeze(name: str, channels: int) -> tuple[Dense, Dense]:
    squeezed = divisible(channels // SQUEEZE)
    return (
        Dense(name=f"{name}.squeeze", inputs=channels, outputs=squeezed),
        Dense(name=f"{name}.excite", inputs=squeezed, outputs=channels),
    )


def _convolution(
    name: str,
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int,
    side: int,
    activation: Activation,
    *,
    depthwise: bool = False,
) -> Convolution:
    return Convolution(
        name=name,
        inputs=inputs,
        outputs=outputs,
        kernel=kernel,
        stride=stride,
        side=side,
        activation=activation,
        depthwise=depthwise,
    )
