"""A result among all of the same cell on the same device: how far it lies from their middle. Pure.

Whoever lies far off is asked for a second run; nothing is refused for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from suite.check.findings import Finding, warning
from suite.trace import Boundary

ENOUGH = 5
"""Others of the same cell that it takes to say how far a result lies from them."""

FAR = 3.5
"""Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC Quality Press, 1993: a modified z-score of a greater
magnitude is that of a potential outlier."""

CONSISTENT = 1.4826
"""1 / 0.6745: times this, the median absolute deviation of normal values is their standard deviation.
Source: Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 88 (1993), pages 1273 to 1283."""

LEAST_SPREAD = 0.05
"""Of ln(J per unit): as far apart as the meters of two boards may stand by their calibration alone. Without a least
spread, results that happen to be equal would make an outlier of every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one cell of a result costs within one boundary: at least 0 exclusive. Equal keys can be compared."""

    key: str
    cell: int  # its place in its result, from 1
    boundary: Boundary
    joules_per_unit: float


def robust_z(joules_per_unit: Sequence[float]) -> tuple[float | None, ...]:
    """How many standard deviations each ln(J per unit) lies from the median of all, the deviation taken from the MAD.

    Above zero costs more. None for all where fewer than `ENOUGH` others stand beside each; every value above zero.
    """
    if len(joules_per_unit) <= ENOUGH:
        return (None,) * len(joules_per_unit)
    logs = [math.log(one) for one in joules_per_unit]
    middle = median(logs)
    spread = max(LEAST_SPREAD, CONSISTENT * median(abs(one - middle) for one in logs))
    return tuple((one - middle) / spread for one in logs)


def is_far(z: float | None) -> bool:
    """Whether a second run is asked for; unknown is not far."""
    return z is not None and abs(z) > FAR


def far(files: Sequence[Sequence[Cost]]) -> list[tuple[Finding, ...]]:
    """For each file's costs the warnings that its place among all the files' costs gives."""
    together: dict[str, list[tuple[int, Cost]]] = {}
    for number, costs in enumerate(files):
        for cost in costs:
            together.setdefault(cost.key, []).append((number, cost))
    found: list[list[Finding]] = [[] for _ in files]
    for members in together.values():
        for (number, cost), z in zip(members, robust_z([one.joules_per_unit for _, one in members]), strict=True):
            if z is not None and is_far(z):
                found[number].append(_finding(cost, z, len(members)))
    return [tuple(sorted(one, key=lambda finding: finding.pointer)) for one in found]


def _finding(cost: Cost, z: float, members: int) -> Finding:
    told = (
        f"{cost.joules_per_unit:.4g} J per unit within {cost.boundary} lies at robust z {z:+.2f} among {members} "
        "results of this cell on this device"
    )
    cure = "Run it again and submit that too; nothing is refused for this."
    return warning("population-far", f"/cells/{cost.cell - 1}", told, cure)
