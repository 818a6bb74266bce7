"""What a workload promises, whatever framework runs it. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]
"""Named float32 weights (or any named arrays); the same dict feeds both frameworks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The two-sided range a run's quality must fall in: too good is as wrong as too bad."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One workload in one mode: what every framework must do alike.

    `sizes` maps "xs", "s", "m" to the workload's own frozen configuration. Each function takes
    such a configuration and returns plain numbers; nothing here touches a device.
    """

    workload: str
    mode: str  # "train", "prefill", "decode" or "infer"
    version: int  # raised when results may no longer be compared with older ones
    unit: str  # what a step yields, singular: "token", "image"
    seed: int
    sizes: Mapping[str, Any]
    batch: Callable[[Any], int]  # sequences or images worked on at once
    units_per_step: Callable[[Any], int]
    parameters: Callable[[Any], int]
    flops_per_step: Callable[[Any], float]  # multiply and add counted as two
    bytes_per_step: Callable[[Any, str], float]  # least memory traffic, given the precision
    quality_name: str  # what quality() returns, with its unit
    band: Callable[[str, str], Band]  # (size name, precision) -> where quality() must fall
    quality_steps: Callable[[Any], int]  # steps from the initial weights before quality() is read; 0 for inference


class Program(Protocol):
    """One spec at one size, on one device, in one framework and precision.

    Order of use: `prepare(spec.quality_steps)`, that many `step()`s, `quality()`; then for each window
    `prepare(n)` outside it and n `step()`s inside it.
    """

    def prepare(self, steps: int) -> None:
        """Put the inputs of the next `steps` steps on the device. Inputs differ on every step."""
        ...

    def step(self) -> None:
        """Queue one step; may return before the device has finished it."""
        ...

    def quality(self) -> float:
        """Excess loss over the floor, in nats (training); relative L2 distance of the audit outputs from
        the golden ones (inference)."""
        ...

    def loss(self) -> float:
        """The loss of the newest training step, in nats; NaN where the mode has no loss."""
        ...

    def outputs(self) -> Arrays:
        """The audit batch's results with the weights as they are now: "logits" always, and in training
        also "loss" and one "gradient/<weight>" for each weight. float32."""
        ...

    def weights(self) -> Arrays:
        """The weights as they are now, under the names and in the layout of the spec's initial ones."""
        ...
