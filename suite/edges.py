"""What a counter said at the edge of a window, from the ticks around it. Pure.

Power usually changes at the edge itself: the work begins there. A straight line between the tick before and the tick
after would blend the two powers and take joules from the window at both ends. So the counter is followed from inside
the window: its first two ticks there tell the power of the work, and with it the energy since the edge. Whatever that
gives can be no less than the tick before the edge and no more than the tick after it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub, truediv

from suite.trace import EDGE_TICKS, Meter, Ticks, Window

EDGE_GAP_S = 1.0
"""Ticks further apart than this around an edge leave the counter there unknown, unless the meter is slower still."""

SLOW_GAPS = 3
"""For a slow meter the gap is this many of its update periods."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The counter at an instant, in microjoules, and its standard uncertainty.

    An error of one reading, be it of the instant or of the counter's step, counts `weight` times in it.
    """

    energy_uj: float
    standard_uj: float
    weight: float = 1.0


def edges(meter: Meter, ticks: Ticks, window: Window) -> tuple[Edge, Edge] | None:
    """The counter at both ends of the window; None where the ticks do not reach one of them or none lies within."""
    first, last = bisect_left(ticks.at_ns, window.start_ns), bisect_right(ticks.at_ns, window.end_ns) - 1
    if last < first:
        return None
    start = _edge(meter, ticks, window.start_ns, first - 1, range(first, min(first + EDGE_TICKS, last + 1)))
    end = _edge(meter, ticks, window.end_ns, last + 1, range(last, max(last - EDGE_TICKS, first - 1), -1))
    return None if start is None or end is None else (start, end)


def stands_still(ticks: Ticks, window: Window) -> bool:
    """Whether the counter did not move across one of the edges.

    A reading that tells nothing new is a tick only after the counter stood still for several of its periods: what the
    device drew meanwhile is not in it, or will come later and in one step.
    """
    first, last = bisect_left(ticks.at_ns, window.start_ns), bisect_right(ticks.at_ns, window.end_ns)
    around = [(index - 1, index) for index in (first, last) if 0 < index < len(ticks.at_ns)]
    return any(ticks.energy_uj[before] == ticks.energy_uj[after] for before, after in around)


def unread(meter: Meter, ticks: Ticks, window: Window) -> bool:
    """Whether the meter was left alone in the window for so long that a power could have changed and come back.

    A counter counts on meanwhile; a power that is integrated is only known where it was read.
    """
    first, last = bisect_left(ticks.at_ns, window.start_ns), bisect_right(ticks.at_ns, window.end_ns)
    within = ticks.at_ns[max(0, first - 1) : last + 1]
    return max(map(sub, within[1:], within), default=0) > _gap_ns(meter)


def _gap_ns(meter: Meter) -> float:
    return 1e9 * max(EDGE_GAP_S, SLOW_GAPS * meter.update_period_s)


def _edge(meter: Meter, ticks: Ticks, at_ns: int, outer: int, inward: range) -> Edge | None:
    """`outer` is the tick beyond the edge, `inward` the first few within the window, from the edge on."""
    inner = inward.start
    if at_ns == ticks.at_ns[inner] and len(inward) > 1:
        return Edge(float(ticks.energy_uj[inner]), _timing_uj(meter, _slope(ticks, inner, inward[1])))
    if not 0 <= outer < len(ticks.at_ns):
        return None
    if abs(ticks.at_ns[inner] - ticks.at_ns[outer]) > _gap_ns(meter):
        return None
    return _followed(meter, ticks, at_ns, outer, inward) if len(inward) > 1 else _across(ticks, at_ns, outer, inner)


def _followed(meter: Meter, ticks: Ticks, at_ns: int, outer: int, inward: range) -> Edge:
    """From inside the window. What it rests on: the power of the first ticks holds up to the edge.

    Two things tell how far it does not: where the line across the edge would lead, and how the power varies from
    tick to tick within. Beside that, the errors of the two ticks grow with the distance, as with any straight line.
    """
    inner = inward.start
    inner_uj, outer_uj, since_ns = ticks.energy_uj[inner], ticks.energy_uj[outer], at_ns - ticks.at_ns[inner]
    steps_ns, slopes = _course(ticks, inward)
    furthest = inward[-1] if _steady(meter, steps_ns, slopes) else inward[1]
    slope, beyond = _slope(ticks, inner, furthest), _slope(ticks, inner, outer)
    led_uj = inner_uj + slope * since_ns
    apart_uj = led_uj - (inner_uj + beyond * since_ns)
    steps = abs(since_ns) / steps_ns[0]
    unsteady_uj = _unsteady(slopes) * steps_ns[0] * math.sqrt(steps * (1 + steps))
    reach = abs(since_ns) / _span_ns(ticks, inner, furthest)
    weight = math.hypot(1 + reach, reach)
    steepest = max(slope, beyond)  # a tick beside the edge may be of either side
    standard_uj = math.hypot(apart_uj / math.sqrt(3), unsteady_uj, weight * _timing_uj(meter, steepest))
    low_uj, high_uj = (outer_uj, inner_uj) if outer_uj <= inner_uj else (inner_uj, outer_uj)
    return Edge(min(max(led_uj, low_uj), high_uj), standard_uj, weight)


def _steady(meter: Meter, steps_ns: Sequence[int], slopes: Sequence[float]) -> bool:
    """Whether the first ticks tell one power, as far as their instants are known: then all of them tell it better."""
    blur = 2 * meter.tick_width_s * 1e9 / min(steps_ns)
    return max(slopes) - min(slopes) <= blur * slopes[0]


def _across(ticks: Ticks, at_ns: int, outer: int, inner: int) -> Edge:
    """On the straight line between the two ticks around the edge; it may be anywhere between them as well."""
    rise_uj = abs(ticks.energy_uj[outer] - ticks.energy_uj[inner])
    across_uj = ticks.energy_uj[inner] + _slope(ticks, inner, outer) * (at_ns - ticks.at_ns[inner])
    return Edge(across_uj, rise_uj / math.sqrt(12))


def _unsteady(slopes: Sequence[float]) -> float:
    """Standard deviation of the power from tick to tick, from successive differences: a drift is no noise."""
    squares = [(later - earlier) ** 2 / 2 for earlier, later in pairwise(slopes)]
    return math.sqrt(sum(squares) / len(squares)) if squares else 0.0


def _timing_uj(meter: Meter, slope: float) -> float:
    """A tick is known to within tick_width_s."""
    return slope * meter.tick_width_s * 1e9 / math.sqrt(12)


def _course(ticks: Ticks, inward: range) -> tuple[list[int], list[float]]:
    """From each tick to the next: nanoseconds, and microjoules per nanosecond."""
    at_ns, energy_uj = [ticks.at_ns[index] for index in inward], [ticks.energy_uj[index] for index in inward]
    steps_ns = list(map(sub, at_ns[1:], at_ns))
    return list(map(abs, steps_ns)), list(map(truediv, map(sub, energy_uj[1:], energy_uj), steps_ns))


def _span_ns(ticks: Ticks, one: int, other: int) -> int:
    return abs(ticks.at_ns[other] - ticks.at_ns[one])


def _slope(ticks: Ticks, one: int, other: int) -> float:
    """Microjoules per nanosecond between two ticks."""
    return (ticks.energy_uj[other] - ticks.energy_uj[one]) / (ticks.at_ns[other] - ticks.at_ns[one])
