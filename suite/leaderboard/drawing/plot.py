"""Where values stand in a trace's drawing: a band of the plot, from zero seconds on, between two values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, LEFT = 860.0, 74.0
POINTS = 160
"""How many points a line has at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """`low` lies on the line `bottom`, `high` on the line `top`; both are counted from the drawing's upper edge."""

    end_s: float
    low: float
    high: float
    top: float
    bottom: float

    def x(self, at_s: float) -> float:
        return round(LEFT + (WIDTH - LEFT) * at_s / self.end_s, 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.bottom - (self.bottom - self.top) * share, 1)


def stretches(points: Sequence[tuple[float, float | None]], band: Band) -> tuple[str, ...]:
    """Points in time order as the unbroken lines between unknown ones, in SVG's notation."""
    found: list[list[str]] = [[]]
    # As Band.x and Band.y would have it: lines have so many points that calls for each of them would be felt.
    across, up = (WIDTH - LEFT) / band.end_s, (band.bottom - band.top) / (band.high - band.low)
    for at_s, value in points:
        if value is None:
            found.append([])
        else:
            found[-1].append(f"{LEFT + across * at_s:.1f},{band.bottom - up * (value - band.low):.1f}")
    return tuple(" ".join(stretch) for stretch in found if len(stretch) > 1)
