"""`idle`: a framework is loaded and holds its device, and nothing is done. Knows no framework."""

from __future__ import annotations

import math
import time
from typing import Any

from workloads.base import Arrays, Spec


class Idle:
    """Each step sleeps. `held` is whatever keeps the device's context alive."""

    def __init__(self, spec: Spec, size: str, held: Any) -> None:
        self._wanted_s = spec.sizes[size].milliseconds / 1e3
        self._held = held
        self._newest_s = self._witnessed_s = math.nan

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        """Nothing is given to a step."""

    def step(self, *, witnessed: bool = False) -> None:
        start_s = time.monotonic()
        time.sleep(self._wanted_s)
        self._newest_s = time.monotonic() - start_s
        if witnessed:
            self._witnessed_s = self._newest_s

    def proof(self) -> float:
        return abs(self._witnessed_s / self._wanted_s - 1)

    def quality(self) -> float:
        return self._newest_s / self._wanted_s - 1

    def loss(self) -> float:
        return math.nan

    def outputs(self) -> Arrays:
        return {}

    def weights(self) -> Arrays:
        return {}
