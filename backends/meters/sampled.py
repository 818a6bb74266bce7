"""Meters made of a question: what asks is the vendor's affair, what becomes of the answer is the same for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from backends.meters.base import CounterReset, Description, MeterLost, PowerIntegrator, Reading, now_ns

T = TypeVar("T")
Part = TypeVar("Part")

MOST_CHIP_POWER_W = 10_000.0  # no chip or card draws more
_SLACK_S = 5.0  # counters that move rarely bring the energy of seconds in one step


def nothing() -> None:
    """What closes a meter that holds nothing open."""


class Shared(Generic[T]):
    """One question to a device that several meters ask: its answer serves them all for `reuse_s`, and so does none.

    The instant of an answer is the middle of its question. One that took longer than `slow_s` counts as none.
    """

    def __init__(
        self, ask: Callable[[], T], *, reuse_s: float, slow_s: float, clock: Callable[[], int] = now_ns
    ) -> None:
        self._ask, self._clock = ask, clock
        self._reuse_ns, self._slow_ns = int(reuse_s * 1e9), int(slow_s * 1e9)
        self._asked_ns: int | None = None
        self._answer: tuple[int, T] | None = None
        self._problem = ""

    def latest(self) -> tuple[int, T]:
        """The instant and the answer. MeterLost when the device gave none, or gave it too slowly."""
        if self._asked_ns is None or self._clock() - self._asked_ns >= self._reuse_ns:
            self._refresh()
        if self._answer is None:
            raise MeterLost(self._problem)
        return self._answer

    def part(self, select: Callable[[T], Part]) -> tuple[int, Part]:
        """The instant and what one meter wants of the answer; MeterLost likewise."""
        at_ns, answer = self.latest()
        return at_ns, select(answer)

    def _refresh(self) -> None:
        start_ns, self._answer = self._clock(), None
        try:
            answer = self._ask()
        except MeterLost as lost:
            self._problem = str(lost)
        else:
            took_ns = self._clock() - start_ns
            self._problem = f"the answer took {took_ns / 1e9:.2f} s: its instant is not known well enough"
            if took_ns <= self._slow_ns:
                self._answer = (start_ns + took_ns // 2, answer)
        self._asked_ns = self._clock()


class CounterMeter:
    """A device's own energy counter, from 0 at its first reading.

    `sample` gives an instant and the raw counter in microjoules, or raises MeterLost.
    """

    def __init__(
        self,
        description: Description,
        sample: Callable[[], tuple[int, int]],
        *,
        most_power_w: float = MOST_CHIP_POWER_W,
        close: Callable[[], None] = nothing,
    ) -> None:
        self.description = description
        self._sample, self._most_power_w, self.close = sample, most_power_w, close
        self._last: tuple[int, int] | None = None
        self._energy_uj = 0

    def read(self) -> Reading:
        at_ns, raw_uj = self._sample()
        last_ns, last_uj = self._last or (at_ns, raw_uj)
        self._last = (at_ns, raw_uj)
        step_uj = raw_uj - last_uj
        if not 0 <= step_uj <= self._most_power_w * ((at_ns - last_ns) * 1e-3 + _SLACK_S * 1e6):
            raise CounterReset(f"{self.description.domain}: the counter moved by {step_uj} uJ, which it did not count")
        self._energy_uj += step_uj
        return Reading(at_ns, self._energy_uj)


class PowerMeter:
    """A device's power, integrated. What a device drew while it did not answer is not known and not made up.

    `sample` gives an instant and the power in watts, or raises MeterLost.
    """

    def __init__(
        self,
        description: Description,
        sample: Callable[[], tuple[int, float]],
        *,
        close: Callable[[], None] = nothing,
    ) -> None:
        self.description = description
        self._sample, self.close = sample, close
        self._integrator = PowerIntegrator()

    def read(self) -> Reading:
        try:
            at_ns, power_w = self._sample()
        except MeterLost:
            self._integrator.interrupt()
            raise
        return self._integrator.add(at_ns, power_w)
