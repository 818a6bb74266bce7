"""The shape of the autoencoder: that of Burgess et al. 2018 (arXiv 1804.03599), appendix A. No framework.

The encoder halves the image by strided convolutions and ends in linear layers; the decoder is its mirror, with
transposed convolutions. ReLU everywhere but after the two ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from workloads.common.strided import Strided

COLOURS = 3
POSTERIOR = "encoder.posterior"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One size. `image` is the side of a square image in pixels."""

    image: int
    convolutions: int  # in the encoder, and as many transposed ones in the decoder
    channels: int
    width: int  # of the linear layers
    latents: int
    batch: int
    learning_rate: float
    warmup_steps: int
    quality_steps: int

    @property
    def dimensions(self) -> int:
        """Numbers in an image."""
        return self.image**2 * COLOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A matrix [inputs, outputs] and a bias."""

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
    def fan_in(self) -> int:
        return self.inputs


Layer = Strided | Linear


def encoder(config: Config) -> tuple[Layer, ...]:
    """In the order they run. The last gives means and log variances, one behind the other."""
    width = config.width
    return (
        *_halving(config),
        Linear(name="encoder.linear0", inputs=_flat(config), outputs=width),
        Linear(name="encoder.linear1", inputs=width, outputs=width),
        Linear(name=POSTERIOR, inputs=width, outputs=2 * config.latents),
    )


def decoder(config: Config) -> tuple[Layer, ...]:
    """In the order they run. The last gives the means of the pixels."""
    width = config.width
    return (
        Linear(name="decoder.linear0", inputs=config.latents, outputs=width),
        Linear(name="decoder.linear1", inputs=width, outputs=width),
        Linear(name="decoder.linear2", inputs=width, outputs=_flat(config)),
        *_doubling(config),
    )


def _flat(config: Config) -> int:
    """What the last convolution leaves of an image."""
    return config.channels * (config.image >> config.convolutions) ** 2


def _halving(config: Config) -> Iterator[Strided]:
    for index in range(config.convolutions):
        inputs = config.channels if index else COLOURS
        side = config.image >> index
        yield Strided(name=f"encoder.convolution{index}", inputs=inputs, outputs=config.channels, side=side)


def _doubling(config: Config) -> Iterator[Strided]:
    for index in range(config.convolutions):
        last = index == config.convolutions - 1
        yield Strided(
            name=f"decoder.convolution{index}",
            inputs=config.channels,
            outputs=COLOURS if last else config.channels,
            side=config.image >> config.convolutions - index,
            transposed=True,
        )


def shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    """Weight name -> shape: first what multiplies, then the bias."""
    bias: dict[str, tuple[int, ...]] = {f"{layer.name}.bias": (layer.outputs,)}
    return {layer.weight: layer.shape, **bias}


def parameters_of(layers: tuple[Layer, ...]) -> int:
    return sum(prod(shape) for layer in layers for shape in shapes(layer).values())


def macs(layer: Layer) -> int:
    """Multiply-accumulates for one image, forward."""
    return layer.macs if isinstance(layer, Strided) else layer.inputs * layer.outputs


def elements_in(layer: Layer) -> int:
    return layer.elements_in if isinstance(layer, Strided) else layer.inputs


def elements_out(layer: Layer) -> int:
    return layer.elements_out if isinstance(layer, Strided) else layer.outputs
