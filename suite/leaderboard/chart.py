"""Geometry of the drawings: numbers to coordinates. The templates turn these into SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from suite.record import Attempt, Idle, Result
from suite.statistics import Summary
from suite.trace import Meter, Ticks, Window, counter_uj
from suite.units import quantity

MARK_WIDTH = 150.0
LOG_ROOM = 1.05  # beyond the outermost values on a logarithmic axis
LINEAR_SPAN = 12.0  # values further apart than this go on a logarithmic axis

TRACE_WIDTH, TRACE_HEIGHT = 860.0, 220.0
TRACE_LEFT, TRACE_BOTTOM, TRACE_TOP = 58.0, 26.0, 8.0
TRACE_POINTS = 160
SERIES_COLOURS = 6


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
    lows = [max(summary.low or 0.0, min(known) / 2) for summary in summaries]
    highs = [min(summary.high or 0.0, max(known) * 2) for summary in summaries]
    if max(known) > LINEAR_SPAN * min(known):
        return Axis(min(known + lows) / LOG_ROOM, max(known + highs) * LOG_ROOM, logarithmic=True)
    return Axis(0.0, max(known + highs), logarithmic=False)


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


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One meter's power: unbroken stretches of points, and the level it drew with nothing to do."""

    name: str
    colour: int
    stretches: tuple[str, ...]
    idle_at: float | None
    idle_text: str | None


@dataclass(frozen=True, slots=True)
class Shade:
    """A window on the time axis."""

    at: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An attempt's power over time."""

    lines: tuple[Line, ...]
    shades: tuple[Shade, ...]
    watts: tuple[Tick, ...]
    seconds: tuple[Tick, ...]


def trace(result: Result, attempt: Attempt) -> Trace | None:
    """The drawing of an attempt's ticks; None when no meter that counts was read."""
    series = [ticks for ticks in attempt.ticks if not result.meters[ticks.meter].check and len(ticks.at_ns) > 1]
    if not series:
        return None
    end_s = max(ticks.at_ns[-1] for ticks in series) / 1e9
    powers = [_powers(result.meters[ticks.meter], ticks, end_s) for ticks in series]
    top_w = max((watts for points in powers for _, watts in points if watts is not None), default=0.0) or 1.0
    marks_w, marks_s = _marks(top_w, "W"), _marks(end_s, "s")
    axes = _Axes(end_s, max(top_w, marks_w[-1][0]) * 1.04)
    return Trace(
        lines=tuple(
            _line(result, ticks.meter, points, axes, index)
            for index, (ticks, points) in enumerate(zip(series, powers, strict=True))
        ),
        shades=tuple(_shade(window, axes) for window in attempt.windows),
        watts=tuple(Tick(axes.y(value), label) for value, label in marks_w),
        seconds=tuple(Tick(axes.x(value), label) for value, label in marks_s),
    )


@dataclass(frozen=True, slots=True)
class _Axes:
    end_s: float
    top_w: float

    def x(self, at_s: float) -> float:
        return round(TRACE_LEFT + (TRACE_WIDTH - TRACE_LEFT) * at_s / self.end_s, 1)

    def y(self, power_w: float) -> float:
        room = TRACE_HEIGHT - TRACE_TOP - TRACE_BOTTOM
        return round(TRACE_TOP + room * (1 - power_w / self.top_w), 1)


def _powers(meter: Meter, ticks: Ticks, end_s: float) -> list[tuple[float, float | None]]:
    """Mean power over equal steps no finer than the counter moves; None where ticks are missing."""
    step_s = max(end_s / TRACE_POINTS, 2 * meter.update_period_s)
    edges_s = [step_s * index for index in range(math.ceil(end_s / step_s))]
    counts = [counter_uj(ticks, round(at_s * 1e9)) for at_s in edges_s]
    return [
        (start_s + step_s / 2, None if before is None or after is None else (after - before) / 1e6 / step_s)
        for start_s, before, after in zip(edges_s, counts, counts[1:], strict=False)
    ]


def _line(result: Result, meter: int, points: Sequence[tuple[float, float | None]], axes: _Axes, index: int) -> Line:
    described = result.meters[meter]
    bound = f" ({described.bound})" if described.bound else ""
    idle_w = idle_power_w(result.idle, meter)
    return Line(
        name=f"{described.domain}{bound}",
        colour=index % SERIES_COLOURS + 1,
        stretches=_stretches(points, axes),
        idle_at=None if idle_w is None or idle_w > axes.top_w else axes.y(idle_w),
        idle_text=None if idle_w is None else quantity(idle_w, "W"),
    )


def _stretches(points: Sequence[tuple[float, float | None]], axes: _Axes) -> tuple[str, ...]:
    found: list[list[str]] = [[]]
    for at_s, power_w in points:
        if power_w is None:
            found.append([])
        else:
            found[-1].append(f"{axes.x(at_s)},{axes.y(power_w)}")
    return tuple(" ".join(stretch) for stretch in found if len(stretch) > 1)


def _shade(window: Window, axes: _Axes) -> Shade:
    start, end = (axes.x(min(at_ns / 1e9, axes.end_s)) for at_ns in (window.start_ns, window.end_ns))
    return Shade(start, round(end - start, 1))


def idle_power_w(idle: Sequence[Idle], meter: int) -> float | None:
    """Mean power of a meter over the first idle window it covers."""
    for one in idle:
        for ticks in one.ticks:
            if ticks.meter == meter:
                start, end = counter_uj(ticks, one.window.start_ns), counter_uj(ticks, one.window.end_ns)
                if start is not None and end is not None:
                    return (end - start) / 1e6 / one.window.duration_s
    return None


def _marks(top: float, unit: str) -> list[tuple[float, str]]:
    """Four to nine round numbers from zero to `top`."""
    magnitude = 10.0 ** math.floor(math.log10(top))
    step = next(magnitude * share for share in (0.2, 0.5, 1.0, 2.0) if top / magnitude / share <= 8)
    decimals = max(0, -math.floor(math.log10(step)))
    return [(step * index, f"{step * index:,.{decimals}f} {unit}") for index in range(math.floor(top / step) + 1)]
