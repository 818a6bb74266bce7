"""An attempt over time: its power, and below it its clocks and temperatures. Numbers to coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.leaderboard.drawing.plot import LEFT, POINTS, Band, stretches
from suite.leaderboard.drawing.strips import HEIGHT, Strip, strips
from suite.record import Attempt, Idle, Result
from suite.trace import HOLE_NS, Meter, Ticks, Window, counter_uj
from suite.units import quantity

POWER_TOP, POWER_BOTTOM, GAP, FOOT = 8.0, 194.0, 14.0, 26.0
SERIES_COLOURS = 6


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
    """An attempt's power over time, and below it what surrounded it.

    `others` are lines whose power is not drawn. The axes of the power end at `end_s` and `high_w`.
    """

    lines: tuple[Line, ...]
    strips: tuple[Strip, ...]
    others: tuple[tuple[str, int], ...]
    shades: tuple[Shade, ...]
    watts: tuple[Tick, ...]
    seconds: tuple[Tick, ...]
    end_s: float
    high_w: float

    @property
    def left(self) -> float:
        """Where the plot begins; its marks stand before it."""
        return LEFT

    @property
    def bottom(self) -> float:
        """Where the plot ends and the time axis is labelled."""
        return POWER_BOTTOM + (GAP + HEIGHT * len(self.strips) if self.strips else 0.0)

    @property
    def height(self) -> float:
        return self.bottom + FOOT


def trace(result: Result, attempt: Attempt) -> Trace | None:
    """The drawing of an attempt's ticks; None when no meter that counts was read."""
    series = [ticks for ticks in attempt.ticks if not result.meters[ticks.meter].check and len(ticks.at_ns) > 1]
    end_s = max((ticks.at_ns[-1] for ticks in series), default=0) / 1e9
    if end_s <= 0:
        return None
    lines, watts, band = _power(result, series, end_s)
    colours = {result.meters[ticks.meter].domain: line.colour for ticks, line in zip(series, lines, strict=True)}
    beside = _beside(attempt, colours, len(lines))
    below = strips(attempt.conditions, colours | beside, end_s, POWER_BOTTOM + GAP)
    drawn = {line.domain for strip in below for line in strip.lines}
    return Trace(
        lines=lines,
        strips=below,
        others=tuple((domain, colour) for domain, colour in beside.items() if domain in drawn),
        shades=tuple(_shade(window, band) for window in attempt.windows),
        watts=watts,
        seconds=tuple(Tick(band.x(value), label) for value, label in _marks(end_s, "s")),
        end_s=end_s,
        high_w=band.high,
    )


def _beside(attempt: Attempt, colours: dict[str, int], taken: int) -> dict[str, int]:
    """Colours of the domains that were watched but have no line of power, from the first that is not taken on."""
    domains = dict.fromkeys(one.domain for one in attempt.conditions if one.domain not in colours)
    return {domain: (taken + index) % SERIES_COLOURS + 1 for index, domain in enumerate(domains)}


def _power(result: Result, series: Sequence[Ticks], end_s: float) -> tuple[tuple[Line, ...], tuple[Tick, ...], Band]:
    """One line for each meter, the marks of their common axis, and where it lies."""
    powers = [_powers(result.meters[ticks.meter], ticks, end_s) for ticks in series]
    top_w = max((watts for points in powers for _, watts in points if watts is not None), default=0.0) or 1.0
    marks = _marks(top_w, "W")
    band = Band(end_s=end_s, low=0.0, high=max(top_w, marks[-1][0]) * 1.04, top=POWER_TOP, bottom=POWER_BOTTOM)
    lines = tuple(
        _line(result, ticks.meter, points, band, index)
        for index, (ticks, points) in enumerate(zip(series, powers, strict=True))
    )
    return lines, tuple(Tick(band.y(value), label) for value, label in marks), band


def _powers(meter: Meter, ticks: Ticks, end_s: float) -> list[tuple[float, float | None]]:
    """Mean power over equal steps no finer than the counter moves; None where ticks are missing."""
    step_s = max(end_s / POINTS, 2 * meter.update_period_s)
    edges_s = step_s * np.arange(math.ceil(end_s / step_s))
    watts = np.diff(counts_uj(ticks, np.rint(edges_s * 1e9))) / 1e6 / step_s
    middles_s = (edges_s[:-1] + step_s / 2).tolist()
    return [(at_s, None if math.isnan(one) else one) for at_s, one in zip(middles_s, watts.tolist(), strict=True)]


def counts_uj(ticks: Ticks, instants_ns: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `counter_uj` says at each of these instants, of which a drawing has many; NaN where it is None."""
    at_ns, energy_uj = np.array(ticks.at_ns, dtype=np.float64), np.array(ticks.energy_uj, dtype=np.float64)
    later = np.searchsorted(at_ns, instants_ns).clip(1, len(at_ns) - 1)
    is_tick = (at_ns[later] == instants_ns) | (at_ns[later - 1] == instants_ns)
    is_between = (at_ns[0] < instants_ns) & (instants_ns < at_ns[-1]) & (at_ns[later] - at_ns[later - 1] <= HOLE_NS)
    return np.where(is_tick | is_between, np.interp(instants_ns, at_ns, energy_uj), np.nan)


def _line(result: Result, meter: int, points: Sequence[tuple[float, float | None]], band: Band, index: int) -> Line:
    described = result.meters[meter]
    bound = f" ({described.bound})" if described.bound else ""
    idle_w = idle_power_w(result.idle, meter)
    return Line(
        name=f"{described.domain}{bound}",
        colour=index % SERIES_COLOURS + 1,
        stretches=stretches(points, band),
        idle_at=None if idle_w is None or idle_w > band.high else band.y(idle_w),
        idle_text=None if idle_w is None else quantity(idle_w, "W"),
    )


def _shade(window: Window, band: Band) -> Shade:
    start, end = (band.x(min(at_ns / 1e9, band.end_s)) for at_ns in (window.start_ns, window.end_ns))
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
