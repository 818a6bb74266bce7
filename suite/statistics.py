"""Repeats to a median, an interval and a spread. Pure."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

RANKED_REPEATS = 3
"""Fewer repeats than this are shown but not ranked."""

Z95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, section 1.3.6.7.2).
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


_MEDIANS = (1.0, 1.03, 1.03, 1.09, 1.08, 1.13, 1.11, 1.16, 1.13, 1.17, 1.15)
"""How much farther than Student's t says the median of 2 to 12 normal values lies from the middle, at 95 %: from a
million samples of each; tests/unit/suite/test_statistics.py draws anew. For more values the limit, sqrt(pi / 2)."""

SEVERAL = 3
"""So many processes tell how far processes lie apart; of two, Student's t would say 12.7 times their spread."""


def t95(degrees_of_freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t; the normal one beyond 30 degrees of freedom."""
    return _T95[degrees_of_freedom - 1] if degrees_of_freedom <= len(_T95) else Z95


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the half-width of a 95 % interval is made of, each on its own; `range` adds up, the others in squares."""

    repeats: float
    quantisation: float
    edges: float
    calibration: float
    range: float

    @property
    def half_width(self) -> float:
        return self.range + math.hypot(self.repeats, self.quantisation, self.edges, self.calibration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A median with its 95 % interval. `low` and `high` are None for a single repeat: its spread is unknown."""

    median: float
    low: float | None
    high: float | None
    repeats: int
    spread: float | None  # sample standard deviation over the mean
    parts: Parts | None = None  # what the interval is made of; None where there is none

    @property
    def relative_width(self) -> float:
        """Half-width over the median; infinite while there is no interval."""
        if self.low is None or self.high is None or self.median == 0:
            return math.inf
        return (self.high - self.low) / 2 / abs(self.median)

    @property
    def width_beside_scale(self) -> float | None:
        """Half-width over the median, without the meter's own scale; None where there is no interval."""
        if self.parts is None or self.median == 0:
            return None
        return replace(self.parts, calibration=0.0).half_width / abs(self.median)

    def overlaps(self, other: Summary) -> bool:
        """Whether the two intervals share a value; a summary without an interval overlaps everything."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return True
        return self.low <= other.high and other.low <= self.high


def summarise(
    values: Sequence[float],
    *,
    quantisation: float = 0.0,
    edges: float = 0.0,
    calibration: float = 0.0,
    half_range: float = 0.0,
    processes: Sequence[int] = (),
) -> Summary:
    """Median of the repeats with a 95 % interval.

    `quantisation`, `edges` and `calibration` are standard uncertainties of one value, in its unit: the first two shrink
    with the number of repeats, the last does not. `half_range` widens the interval as it stands (an estimate's range).
    `processes` tells, in the order of the values, which process each is from. Values of one are alike by more than the
    work, so that where several ran their means count as repeats too, and the wider of the two stands.
    """
    if not values:
        raise ValueError("no values to summarise")
    median = statistics.median(values)
    if len(values) == 1:
        return Summary(median=median, low=None, high=None, repeats=1, spread=None)
    deviation = _deviation(values)
    root_n = math.sqrt(len(values))
    parts = Parts(
        repeats=max(map(_of_repeats, (values, *_means(values, processes)))),
        quantisation=Z95 * quantisation / root_n,
        edges=Z95 * edges / root_n,
        calibration=Z95 * calibration,
        range=half_range,
    )
    mean = statistics.fmean(values)
    return Summary(
        median=median,
        low=median - parts.half_width,
        high=median + parts.half_width,
        repeats=len(values),
        spread=deviation / abs(mean) if mean else None,
        parts=parts,
    )


def _of_repeats(values: Sequence[float]) -> float:
    """How far the median of so many values that spread like these may lie from the middle of all, at 95 %."""
    count = len(values)
    farther = _MEDIANS[count - 2] if count - 2 < len(_MEDIANS) else math.sqrt(math.pi / 2)
    return farther * t95(count - 1) * _deviation(values) / math.sqrt(count)


def _means(values: Sequence[float], processes: Sequence[int]) -> list[list[float]]:
    """The means of the processes, where several are known; else nothing."""
    own: dict[int, list[float]] = {}
    for value, process in zip(values, processes, strict=False):
        own.setdefault(process, []).append(value)
    return [[statistics.fmean(one) for one in own.values()]] if len(own) >= SEVERAL else []


def _deviation(values: Sequence[float]) -> float:
    """Sample standard deviation; of equal values it is exactly 0.

    `statistics.stdev` reckons in fractions, for the last bit: fifty times the time, felt where a site has many rows.
    """
    apart = [value - values[0] for value in values]
    middle = math.fsum(apart) / len(apart)
    return math.sqrt(math.fsum((one - middle) ** 2 for one in apart) / (len(apart) - 1))


def rank_bands(summaries: Sequence[Summary]) -> list[tuple[int, int]]:
    """For each summary the best and the worst rank its interval allows, 1 being the lowest value.

    Rows whose intervals overlap share ranks; (3, 5) reads "third to fifth".
    """
    known = [(one.low, one.high) for one in summaries if one.low is not None and one.high is not None]
    lows, highs = sorted(low for low, _ in known), sorted(high for _, high in known)
    bands = []
    for summary in summaries:
        if summary.low is None or summary.high is None:
            bands.append((1, len(summaries)))
            continue
        better = bisect_left(highs, summary.low)
        worse = len(lows) - bisect_right(lows, summary.high)
        bands.append((better + 1, len(summaries) - worse))
    return bands
