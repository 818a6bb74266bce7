"""A logarithmic axis: values to coordinates, and round values to label it with. The templates turn these into SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from suite.units import quantity

ROOM = 1.25
"""How far beyond the outermost values the axis runs, as a factor."""

MOST_TICKS = 7
_MULTIPLES = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0))


@dataclass(frozen=True, slots=True)
class Tick:
    """Where a label stands and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LogAxis:
    """`low` stands at `start` and `high` at `end`, both counted from the drawing's left or upper edge."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + (self.end - self.start) * share, 1)

    def ticks(self, unit: str, *, prefixed: bool = True) -> tuple[Tick, ...]:
        """Round values in between, three or more where there are that many, with their unit and its prefix."""
        found = [value for value in map(self._inside, _MULTIPLES) if len(value) >= 3]
        values = found[0] if found else self._inside(_MULTIPLES[-1])
        every = math.ceil(len(values) / MOST_TICKS)
        label = _prefixed if prefixed else _plain
        return tuple(Tick(self.place(value), label(value, unit)) for value in values[::every])

    def _inside(self, multiples: Iterable[float]) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        values = sorted(multiple * 10.0**decade for decade in decades for multiple in multiples)
        return [value for value in values if self.low <= value <= self.high]


def _prefixed(value: float, unit: str) -> str:
    """ "20 mJ" rather than "20.0 mJ": ticks have two digits at most."""
    number, rest = quantity(value, unit, 2).split(" ", 1)
    return f"{number.removesuffix('.0')} {rest}"


def _plain(value: float, unit: str) -> str:
    return f"{value:,.10g} {unit}"


def spanning(values: Iterable[float], start: float, end: float) -> LogAxis:
    """An axis with all of these values, which must be above zero, and a little room around them."""
    known = list(values)
    return LogAxis(min(known) / ROOM, max(known) * ROOM, start, end)
