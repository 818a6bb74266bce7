"""Proof that what ran inside the windows was the work: one step watched at random, and one input given many times.

It knows a program and how to wait for it; no meter and no device.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from suite.processes import Frame
from workloads.base import Program

WITNESSED = "distance of a step inside a window from strict float32"
CONSTANT = "time with one input for all steps, over time with its own for each"
LEAST_CONSTANT = 0.9
"""A program that remembers its answers is faster than this when it sees the same input again."""

BURST_S = 0.3
MOST_PAIRS, LEAST_PAIRS = 5, 2
LONG_STEP_S = 1.0
"""Steps longer than this are compared in the least number of pairs."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Which step of which window is watched. Nobody but the worker knows it before."""

    window: int
    share: float  # how far into the window, 0 to 1

    def step(self, steps: int) -> int:
        return min(steps - 1, int(self.share * steps))


def draw(windows: int, seed: int) -> Draw:
    source = random.Random(seed)
    return Draw(source.randrange(windows), source.random())


def witnessed(program: Program, limit: float) -> Frame:
    """What the watched step gave, beside the same step in strict float32."""
    distance = program.proof()
    value = distance if math.isfinite(distance) else limit * 1e6
    return {"name": WITNESSED, "value": value, "low": 0.0, "high": limit}


def constant(program: Program, synchronize: Callable[[], None], step_s: float) -> Frame:
    """Bursts of steps with one input for all, each beside a burst with its own for each.

    The least gain of all pairs counts: a busy machine may slow one burst, a memory speeds up every one.
    """
    steps = max(1, math.ceil(BURST_S / step_s))
    pairs = LEAST_PAIRS if step_s > LONG_STEP_S else MOST_PAIRS
    ratios = []
    for _ in range(pairs):
        varied_s = _burst_s(program, synchronize, steps, constant=False)
        ratios.append(_burst_s(program, synchronize, steps, constant=True) / varied_s)
    return {"name": CONSTANT, "value": min(1.0, max(ratios)), "low": LEAST_CONSTANT, "high": 1.0}


def _burst_s(program: Program, synchronize: Callable[[], None], steps: int, *, constant: bool) -> float:
    program.prepare(steps, constant=constant)
    synchronize()
    start_s = time.monotonic()
    for _ in range(steps):
        program.step()
    synchronize()
    return time.monotonic() - start_s


def holds(audit: Frame) -> bool:
    return bool(audit["low"] <= audit["value"] <= audit["high"])
