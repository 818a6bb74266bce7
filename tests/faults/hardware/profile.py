"""A power over time and its exact energy: what fake hardware is told to draw (profile.h) and a test may expect."""

# No "from __future__ import annotations": this file is loaded by its path, and dataclasses look names up by module.
from dataclasses import dataclass
from itertools import pairwise
from typing import Self


@dataclass(frozen=True, slots=True)
class Profile:
    """Piecewise constant power: from `at_ms` on `power_mw`, the last step holds on; before 0 nothing is drawn.

    With `repeat_ms` the steps begin again after that time, which is a square wave.
    """

    steps: tuple[tuple[int, int], ...]  # (at_ms, power_mw) in rising order, the first at 0
    repeat_ms: int | None = None

    def __post_init__(self) -> None:
        """ValueError for steps that do not rise from 0 or end past their period."""
        starts = [at_ms for at_ms, _ in self.steps]
        if starts[:1] != [0] or any(later <= earlier for earlier, later in pairwise(starts)):
            raise ValueError(f"steps begin at 0 and rise: {starts}")
        if self.repeat_ms is not None and self.repeat_ms <= starts[-1]:
            raise ValueError(f"the last step, at {starts[-1]} ms, lies past the period of {self.repeat_ms} ms")

    @classmethod
    def parsed(cls, text: str, repeat_ms: int | None = None) -> Self:
        """From "0:100000,500:300000"."""
        pairs = (pair.split(":") for pair in text.split(","))
        return cls(tuple((int(at_ms), int(power_mw)) for at_ms, power_mw in pairs), repeat_ms)

    @classmethod
    def constant(cls, power_w: float) -> Self:
        return cls(((0, round(power_w * 1_000)),))

    @property
    def text(self) -> str:
        """The steps as fake hardware reads them."""
        return ",".join(f"{at_ms}:{power_mw}" for at_ms, power_mw in self.steps)

    def energy_j(self, start_s: float, end_s: float) -> float:
        """The energy drawn between two times since the profile's 0."""
        return self._drawn_j(end_s) - self._drawn_j(start_s)

    def power_w(self, at_s: float) -> float:
        """At the instant of a step it is the step's."""
        at_ms = at_s * 1_000
        phase_ms = at_ms % self.repeat_ms if self.repeat_ms and at_ms > 0 else at_ms
        begun_mw = [power_mw for start_ms, power_mw in self.steps if start_ms <= phase_ms]
        return begun_mw[-1] / 1_000 if begun_mw else 0.0

    def _drawn_j(self, at_s: float) -> float:
        if not self.repeat_ms:
            return self._once_j(at_s * 1_000)
        periods, phase_ms = divmod(max(at_s * 1_000, 0.0), self.repeat_ms)
        return periods * self._once_j(self.repeat_ms) + self._once_j(phase_ms)

    def _once_j(self, end_ms: float) -> float:
        """From 0 to `end_ms`, the steps not repeated."""
        ends_ms = [at_ms for at_ms, _ in self.steps[1:]] + [end_ms]
        lengths_ms = (max(min(stop, end_ms) - at_ms, 0.0) for (at_ms, _), stop in zip(self.steps, ends_ms, strict=True))
        return sum(power_mw * ms for (_, power_mw), ms in zip(self.steps, lengths_ms, strict=True)) / 1e6
