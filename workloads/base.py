"""What a workload promises, whatever framework runs it. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

if TYPE_CHECKING:  # a tenth of a second, for which who only asks what there is would wait
    import numpy as np

Arrays: TypeAlias = "dict[str, np.ndarray]"
"""Named float32 weights (or any named arrays); the same dict feeds both frameworks."""

PROOF_LIMITS = {"fp32": 1e-3, "bf16": 5e-2}
"""Precision -> how far a witnessed step may lie from the same step in strict float32, unless the spec says else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The two-sided range a run's quality must fall in: too good is as wrong as too bad."""

    low: float
    high: float

    @classmethod
    def around(cls, reference: float, tolerance: float) -> Self:
        return cls(low=reference - tolerance, high=reference + tolerance)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


FP32_DISTANCE = Band(low=0.0, high=1e-4)
"""How far float32 answers may lie from the golden ones, in every workload."""


class Source(Protocol):
    """A workload's weights and inputs in one mode at one size: numpy only, from the seed, bit-identical everywhere.

    Axis 0 of an input is the batch, unless it has none. The first item of a step's inputs is the same whatever the
    batch: golden outputs are those of the audit's first item.
    """

    def weights(self) -> Arrays:
        """What the program starts from, float32."""
        ...

    def statistics(self) -> Arrays:
        """Running averages that training keeps beside the weights; empty for most."""
        ...

    def constants(self) -> Arrays:
        """What stays on the device and is handed to every step along with its inputs; empty for most."""
        ...

    def inputs(self, first: int, steps: int) -> list[Arrays]:
        """The inputs of steps first .. first+steps-1, counted from 0. Each depends on its number and the seed alone."""
        ...

    def audit(self) -> Arrays:
        """Inputs of the same shapes that no step gets."""
        ...

    def floor(self) -> float:
        """The least mean loss any model can reach on these inputs; 0 where the mode has no loss."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One workload in one mode: what every framework must do alike.

    `sizes` maps "xs", "s", "m", "l" to the workload's own frozen configuration, which has a field `batch`: sequences or
    images worked on at once. Each function takes such a configuration and returns plain numbers; nothing here touches a
    device.
    """

    workload: str
    mode: (
        str  # "train", or what the trained model does: "prefill", "decode", "infer", "sample"; "-1" behind it: batch 1
    )
    version: int  # raised when results may no longer be compared with older ones
    unit: str  # what a step yields, singular: "token", "image"
    seed: int
    sizes: Mapping[str, Any]
    source: Callable[[Any, int], Source]  # (configuration, seed) -> weights and inputs
    batches: tuple[int, ...] = ()  # rising, what a sweep may choose from; empty: the size's own batch and no other
    units_per_step: Callable[[Any], int]
    parameters: Callable[[Any], int]
    flops_per_step: Callable[[Any], float]  # multiply and add counted as two
    bytes_per_step: Callable[[Any, str], float]  # least memory traffic, given the precision
    memory_bytes: Callable[[Any, str], float]  # about what the device must hold at once, given the precision
    quality_name: str  # what quality() returns, with its unit
    band: Callable[[str, str], Band]  # (size name, precision) -> where quality() must fall
    quality_steps: Callable[[Any], int]  # steps from the initial weights before quality() is read; 0 for inference
    proof_limits: Mapping[str, float] = field(default_factory=PROOF_LIMITS.copy)
    # (size name, precision) -> the limit there, where rounding turns more than at the others
    proof_limits_at: Mapping[tuple[str, str], float] = field(default_factory=dict)
    # (size name, precision) in which rounding turns most gradients -> how the names begin of the weights whose
    # gradients it does not turn (workloads/common/proofs.py)
    steady: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    eager_on_host: frozenset[str] = frozenset()  # frameworks in which compiling gains nothing on a CPU

    def source_at(self, size: str) -> Source:
        return self.source(self.sizes[size], self.seed)

    def proof_limit(self, size: str, precision: str) -> float:
        """How far a witnessed step may lie from the same step in strict float32."""
        return self.proof_limits_at.get((size, precision), self.proof_limits[precision])

    def with_batch(self, size: str, batch: int) -> Spec:
        """The same work at one size, so many at once."""
        config = self.sizes[size]
        if batch == config.batch:
            return self
        return replace(self, sizes={**self.sizes, size: replace(config, batch=batch)})


class Program(Protocol):
    """One spec at one size, on one device, in one framework and precision.

    Order of use: `prepare(spec.quality_steps)`, that many `step()`s, `quality()`; then for each window
    `prepare(n)` outside it and n `step()`s inside it.
    """

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        """Put the inputs of the next `steps` steps on the device. They differ on every step, unless they shall be
        `constant`: then all are those of the first."""
        ...

    def step(self, *, witnessed: bool = False) -> None:
        """Queue one step; may return before the device has finished it. What a witnessed step gave is kept, and what it
        takes to do it again: `proof()` needs both."""
        ...

    def proof(self) -> float:
        """Relative L2 distance of what the newest witnessed step gave from what strict float32, not compiled, gives
        on the spec's own inputs of that step: the loss and all gradients in training, else checksums of the
        outputs that were computed inside the step. NaN where either is not finite."""
        ...

    def quality(self) -> float:
        """Excess loss over the floor, in the loss's unit (training); relative L2 distance of the audit outputs from
        the golden ones (inference)."""
        ...

    def loss(self) -> float:
        """The loss of the newest training step; NaN where the mode has no loss."""
        ...

    def outputs(self) -> Arrays:
        """The audit batch's results with the weights as they are now: "logits" always, and in training
        also "loss" and one "gradient/<weight>" for each weight. float32."""
        ...

    def weights(self) -> Arrays:
        """The weights as they are now, under the names and in the layout of the spec's initial ones."""
        ...
