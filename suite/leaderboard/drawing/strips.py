"""Clocks and temperatures under a power trace, on its time axis."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from suite.leaderboard.drawing.plot import POINTS, Band, stretches
from suite.leaderboard.drawing.quantities import described, known
from suite.trace import Conditions

DRAWN = ("sm_clock_mhz", "temperature_c")
"""Quantities that have a strip where they were read, from top to bottom."""

HEIGHT, PADDING = 58.0, 10.0

LEAST_SPAN = 0.2
"""A strip spans at least this share of its greatest value, so that jitter does not look like a plunge."""

SAMPLES_PER_POINT = 2

Points = list[tuple[float, float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StripLine:
    """One domain's line, in the colour of its power."""

    domain: str
    colour: int
    stretches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One quantity from height `top` on. `marks` are its greatest and least value and where they lie."""

    title: str
    top: float
    marks: tuple[tuple[float, str], ...]
    lines: tuple[StripLine, ...]


def strips(conditions: Sequence[Conditions], colours: Mapping[str, int], end_s: float, top: float) -> tuple[Strip, ...]:
    """A strip for each quantity that was read, the first one from height `top` on. `colours` names every domain."""
    read = [(name, _series(conditions, name, end_s)) for name in DRAWN]
    found = [(name, series) for name, series in read if series]
    return tuple(_strip(name, series, colours, end_s, top + HEIGHT * i) for i, (name, series) in enumerate(found))


def _series(conditions: Sequence[Conditions], name: str, end_s: float) -> list[tuple[str, Points]]:
    """Each domain's points, where there are two in a row to draw a line between."""
    found = [(one.domain, _points(one, name, end_s)) for one in conditions if name in one.values]
    return [(domain, points) for domain, points in found if any(map(_drawable, pairwise(points)))]


def _drawable(pair: tuple[tuple[float, float | None], tuple[float, float | None]]) -> bool:
    return pair[0][1] is not None and pair[1][1] is not None


def _points(conditions: Conditions, name: str, end_s: float) -> Points:
    """Means over equal steps with some samples in each; None where none answered."""
    at_s, values = [at_ns / 1e9 for at_ns in conditions.at_ns], conditions.values[name]
    if len(at_s) < 2:
        return []
    spacing_s = median(later - earlier for earlier, later in pairwise(at_s))
    step_s = max(end_s / POINTS, SAMPLES_PER_POINT * spacing_s)
    cuts = [bisect_left(at_s, step_s * index) for index in range(int(end_s / step_s) + 1)]
    means = [_mean(values[first:last]) for first, last in pairwise(cuts)]
    return [(step_s * (index + 0.5), mean) for index, mean in enumerate(means)]


def _mean(values: Sequence[float | None]) -> float | None:
    found = known(values)
    return fmean(found) if found else None


def _strip(
    name: str, series: Sequence[tuple[str, Points]], colours: Mapping[str, int], end_s: float, top: float
) -> Strip:
    found = [value for _, points in series for _, value in points if value is not None]
    least, greatest = min(found), max(found)
    low = min(least, greatest - max(LEAST_SPAN * abs(greatest), 1.0))
    band = Band(end_s=end_s, low=low, high=greatest, top=top + PADDING, bottom=top + HEIGHT - PADDING)
    apart = band.y(least) - band.y(greatest) > 2 * PADDING
    words = described(name)
    return Strip(
        title=words.label,
        top=top,
        marks=tuple((band.y(value), words.text(value)) for value in ((greatest, least) if apart else (greatest,))),
        lines=tuple(
            StripLine(domain=domain, colour=colours[domain], stretches=stretches(points, band))
            for domain, points in series
        ),
    )
