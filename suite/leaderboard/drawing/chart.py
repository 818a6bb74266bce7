"""Geometry of the marks on a board: numbers to coordinates. The templates turn these into SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from suite.statistics import Summary

MARK_WIDTH = 150.0
LOG_ROOM = 1.05  # beyond the outermost values on a logarithmic axis
LINEAR_SPAN = 12.0  # values further apart than this go on a logarithmic axis


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis all marks of a board share: from zero, or logarithmic where the rows lie far apart."""

    low: float
    high: float
    logarithmic: bool

    def place(self, value: float) -> float:
        """Where a value stands, from 0 to MARK_WIDTH; values beyond the ends stand at them."""
        if self.logarithmic:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = value / self.high
        return round(MARK_WIDTH * min(max(share, 0.0), 1.0), 2)


def axis(summaries: Sequence[Summary]) -> Axis | None:
    """The axis for these values and their intervals; None when none of them is above zero.

    Of an interval wider than its board it holds no more than twice the largest and half the smallest value.
    """
    known = [summary.median for summary in summaries if summary.median > 0]
    if not known:
        return None
    least, most = min(known), max(known)
    low = min(max(summary.low or 0.0, least / 2) for summary in summaries)
    high = max(min(summary.high or 0.0, most * 2) for summary in summaries)
    if most > LINEAR_SPAN * least:
        return Axis(min(least, low) / LOG_ROOM, max(most, high) * LOG_ROOM, logarithmic=True)
    return Axis(0.0, max(most, high), logarithmic=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with its whisker. A bar only where the axis starts at zero: elsewhere its length would mean nothing."""

    at: float
    is_bar: bool
    low: float | None
    high: float | None


def mark(summary: Summary, on: Axis) -> Mark:
    low, high = (None if end is None else on.place(end) for end in (summary.low, summary.high))
    return Mark(on.place(summary.median), not on.logarithmic, low, high)
