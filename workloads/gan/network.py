"""The shape of DCGAN: Radford et al. 2015 (arXiv 1511.06434), figure 1 and section 3. No framework.

The generator projects a latent to 4 x 4 pixels (a transposed convolution of a single pixel by a kernel of 4 is this
product) and doubles the side by transposed convolutions; the discriminator halves it by strided ones and ends in a
product over all of the last 4 x 4 pixels. No biases. Batch normalisation everywhere but after the last layer of either
network and the first of the discriminator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from workloads.common.strided import Strided
from workloads.common.textures import COLOURS

FIRST_SIDE = 4  # pixels; of what the generator starts from and the discriminator ends with
NORM_EPSILON = 1e-5
NORM_MOMENTUM = 0.1  # of the newest batch in the running averages
SLOPE = 0.2  # of the discriminator's rectifiers below zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size. `image` is the side of a square image in pixels."""

    image: int
    latents: int
    width: int  # channels at half the image's side, in both networks
    batch: int
    classes: int  # of textures among the real images
    base_batches: int  # of real images
    learning_rate: float
    warmup_steps: int
    quality_steps: int

    @property
    def doublings(self) -> int:
        return (self.image // FIRST_SIDE).bit_length() - 1

    @property
    def widest(self) -> int:
        """Channels at FIRST_SIDE."""
        return self.width << self.doublings - 1

    @property
    def pixels(self) -> int:
        """Numbers in an image."""
        return self.image**2 * COLOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A product [inputs, outputs] without a bias."""

    name: str
    inputs: int
    outputs: int

    @property
    def weight(self) -> str:
        return f"{self.name}.weight"

    @property
    def shape(self) -> tuple[int, int]:
        return self.inputs, self.outputs

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return self.inputs * self.outputs

    @property
    def elements_in(self) -> int:
        return self.inputs

    @property
    def elements_out(self) -> int:
        return self.outputs


Layer = Strided | Matrix


def generator(config: Config) -> tuple[Layer, ...]:
    """In the order they run."""
    projected = FIRST_SIDE**2 * config.widest
    return Matrix(name="generator.project", inputs=config.latents, outputs=projected), *_doubling(config)


def discriminator(config: Config) -> tuple[Layer, ...]:
    """In the order they run."""
    return *_halving(config), Matrix(name="discriminator.answer", inputs=FIRST_SIDE**2 * config.widest, outputs=1)


def _doubling(config: Config) -> Iterator[Strided]:
    for index in range(config.doublings):
        last = index == config.doublings - 1
        yield Strided(
            name=f"generator.double{index}",
            inputs=config.widest >> index,
            outputs=COLOURS if last else config.widest >> index + 1,
            side=FIRST_SIDE << index,
            transposed=True,
        )


def _halving(config: Config) -> Iterator[Strided]:
    for index in range(config.doublings):
        inputs = config.width << index - 1 if index else COLOURS
        name = f"discriminator.halve{index}"
        yield Strided(name=name, inputs=inputs, outputs=config.width << index, side=config.image >> index)


def normalised(config: Config) -> dict[str, int]:
    """Name of a layer whose output is normalised -> its channels."""
    grown = {layer.name: channels(layer) for layer in generator(config)[:-1]}
    return grown | {layer.name: channels(layer) for layer in discriminator(config)[1:-1]}


def channels(layer: Layer) -> int:
    """Of the layer's output; the projection's are those of its pixels."""
    return layer.outputs if isinstance(layer, Strided) else layer.outputs // FIRST_SIDE**2


def parameters_of(layers: tuple[Layer, ...], config: Config) -> int:
    """What multiplies, and a scale and a shift for each normalised channel; running averages are not learned."""
    norms = normalised(config)
    return sum(prod(layer.shape) + 2 * norms.get(layer.name, 0) for layer in layers)
