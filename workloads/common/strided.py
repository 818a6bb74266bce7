"""Convolutions of kernel 4, stride 2 and padding 1, which halve an image's side, and their transposes, which double it.

Kernels are [4, 4, inputs, outputs] for both, inputs and outputs being those of the layer itself:

    convolution   y[r, c] = sum over a, b of x[2 r + a - 1, 2 c + b - 1] k[a, b]
    transpose     y[2 r + a - 1, 2 c + b - 1] gathers x[r, c] k[a, b]

numpy only; torch_transposed.py and jax_transposed.py do the work.
"""

from __future__ import annotations

from dataclasses import dataclass

KERNEL, STRIDE, PADDING = 4, 2, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Strided:
    """One layer with its place in the network; `side` is that of its input, in pixels."""

    name: str
    inputs: int
    outputs: int
    side: int
    transposed: bool = False

    @property
    def weight(self) -> str:
        """The kernel's name; torch keeps the two kinds in different layouts and tells them apart by it."""
        return f"{self.name}.{'transposed' if self.transposed else 'kernel'}"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return KERNEL, KERNEL, self.inputs, self.outputs

    @property
    def side_out(self) -> int:
        return self.side * STRIDE if self.transposed else self.side // STRIDE

    @property
    def fan_in(self) -> int:
        """Products that add up to one output; a transpose's kernel meets an output in one place of STRIDE**2."""
        whole = KERNEL**2 * self.inputs
        return whole // STRIDE**2 if self.transposed else whole

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, products with the padding among them."""
        return KERNEL**2 * self.inputs * self.outputs * min(self.side, self.side_out) ** 2

    @property
    def elements_in(self) -> int:
        return self.inputs * self.side**2

    @property
    def elements_out(self) -> int:
        return self.outputs * self.side_out**2
