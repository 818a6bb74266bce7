"""What a run leaves behind to compute joules from: meters, their ticks, windows of work, and what happened meanwhile.

Pure: values and how to cut them, no clock, no file, no process. Instants are nanoseconds from one origin.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import le
from typing import Literal

Boundary = Literal["device", "machine", "wall"]
Method = Literal["counter", "integrated", "rails", "estimate", "simulated"]
Scope = Literal["gpu", "module"]

EDGE_TICKS = 4
"""How many ticks on either side of a window's edge are always kept: two are needed, and two show what they rest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What a meter is, how often its counter moves, and how closely the instants of its ticks are known.

    update_period_s  time between two changes of the counter, measured at start-up
    tick_width_s     each tick happened within a stretch of this length around its instant
    resolution_uj    the counter's least step; None where it has none or nobody states one
    calibration      relative standard uncertainty of the scale; None where nobody states one
    """

    domain: str
    boundary: Boundary
    method: Method
    source: str
    bound: Literal["low", "high"] | None
    check: bool
    calibration: float | None
    note: str | None
    update_period_s: float
    tick_width_s: float
    resolution_uj: int | None
    scope: Scope | None


@dataclass(frozen=True, slots=True)
class Ticks:
    """One meter's readings: nanoseconds from the attempt's origin, microjoules from an arbitrary zero."""

    meter: int
    at_ns: tuple[int, ...]
    energy_uj: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """What a worker did between two synchronised instants."""

    start_ns: int
    end_ns: int
    units: int

    @property
    def duration_s(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened between two instants and bears on the joules. `suite.reasons` says what follows.

    It concerns one meter, or all that is counted in `domain` ("gpu0", "host"), or, with neither, the whole machine.
    """

    code: str
    start_ns: int
    end_ns: int
    domain: str | None = None
    meter: int | None = None
    detail: str | None = None

    def touches(self, window: Window) -> bool:
        return self.start_ns <= window.end_ns and window.start_ns <= self.end_ns


@dataclass(frozen=True, slots=True)
class Conditions:
    """What surrounded the energy of one domain: each quantity at each instant, None where it did not answer."""

    domain: str
    at_ns: tuple[int, ...]
    values: dict[str, tuple[float | None, ...]]


HOLE_NS = 1_000_000_000
"""Ticks further apart than this leave a hole in a drawn line."""


def rises(values: Sequence[int]) -> bool:
    return all(map(le, values, values[1:]))


def during(ticks: Ticks, window: Window) -> tuple[int, ...]:
    """The readings within a window and the one on either side of it."""
    first = max(0, bisect_left(ticks.at_ns, window.start_ns) - 1)
    return ticks.energy_uj[first : bisect_right(ticks.at_ns, window.end_ns) + 1]


def counter_uj(ticks: Ticks, at_ns: int) -> float | None:
    """The counter at an instant on the straight line between its neighbours; None where the ticks do not reach."""
    index = bisect_left(ticks.at_ns, at_ns)
    if index < len(ticks.at_ns) and ticks.at_ns[index] == at_ns:
        return float(ticks.energy_uj[index])
    if index == 0 or index == len(ticks.at_ns):
        return None
    before_ns, after_ns = ticks.at_ns[index - 1], ticks.at_ns[index]
    if after_ns - before_ns > HOLE_NS:
        return None
    before_uj, after_uj = ticks.energy_uj[index - 1], ticks.energy_uj[index]
    return before_uj + (after_uj - before_uj) * (at_ns - before_ns) / (after_ns - before_ns)


def thin(ticks: Ticks, windows: Iterable[Window], *, between_s: float = 0.25) -> Ticks:
    """The ticks around each window's edges, and one per `between_s` elsewhere: the joules stay, the file shrinks."""
    keep = {0, len(ticks.at_ns) - 1} if ticks.at_ns else set()
    for window in windows:
        for edge_ns in (window.start_ns, window.end_ns):
            middle = bisect_left(ticks.at_ns, edge_ns)
            keep |= set(range(max(0, middle - EDGE_TICKS), min(len(ticks.at_ns), middle + EDGE_TICKS)))
    kept: list[int] = []
    for index, at_ns in enumerate(ticks.at_ns):
        if index in keep or at_ns - ticks.at_ns[kept[-1]] >= between_s * 1e9:
            kept.append(index)
    return Ticks(ticks.meter, tuple(ticks.at_ns[i] for i in kept), tuple(ticks.energy_uj[i] for i in kept))
