"""Two results cell by cell: what the second costs over the first, and whether that is a difference. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from suite.normalise import Score, score
from suite.record import Cell, CellResult, Result
from suite.statistics import Summary
from suite.trace import Boundary

Verdict = Literal["less", "more", "no difference", "undecided", "not comparable"]

SETTINGS = ("framework", "precision", "batch", "technique", "backend")
"""What two cells of the same work may differ in; it stands beside their ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The second number over the first, and what their intervals leave possible; None where one has no interval."""

    value: float
    low: float | None
    high: float | None

    @property
    def verdict(self) -> Verdict:
        if self.low is None or self.high is None:
            return "undecided"
        if self.low <= 1 <= self.high:
            return "no difference"
        return "less" if self.value < 1 else "more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """One piece of work in both results. `energy` and `speed` are None where `why` says what keeps them apart."""

    first: Cell
    second: Cell
    unit: str
    joules_per_unit: tuple[Summary | None, Summary | None]
    energy: Ratio | None
    speed: Ratio | None
    why: str | None

    @property
    def verdict(self) -> Verdict:
        return "not comparable" if self.energy is None else self.energy.verdict

    @property
    def differences(self) -> tuple[str, ...]:
        """The settings in which the two differ: "precision: bf16, fp32"."""
        pairs = ((name, getattr(self.first, name), getattr(self.second, name)) for name in SETTINGS)
        return tuple(f"{name}: {one}, {other}" for name, one, other in pairs if one != other)


def compare(first: Result, second: Result, boundary: Boundary = "device", *, same_meters: bool = False) -> list[Versus]:
    """The work that both hold, in the first's order.

    Each cell meets the one of the same framework and precision, or else the first of the same work. `same_meters`: both
    were measured by the very same meters, so that what these are off by is off in both and drops out of the ratio.
    """
    return [_versus(cell, other, boundary, same_meters=same_meters) for cell, other in _pairs(first, second)]


def other_meters(first: Result, second: Result) -> str | None:
    """Why the two cannot have been measured by the very same meters; None where they may have been."""
    if first.system.slug != second.system.slug:
        return f"they are of two machines, {first.system.slug} and {second.system.slug}"
    own, others = ({(one.domain, one.boundary, one.source) for one in each.meters} for each in (first, second))
    return f"only one of them has {' by '.join(min(own ^ others)[::2])}" if own != others else None


def costlier(found: Sequence[Versus], tolerance: float = 0.0) -> list[Versus]:
    """Those that cost more in the second, beyond their intervals and by over this share of the first."""
    return [
        one for one in found if one.energy is not None and one.verdict == "more" and one.energy.value > 1 + tolerance
    ]


def values(one: Versus) -> dict[str, Any]:
    """The same for programs, in SI units. Unknown is None."""
    first, second = one.joules_per_unit
    return {
        "first": one.first.model_dump(),
        "second": one.second.model_dump(),
        "unit": one.unit,
        "first_joules_per_unit": _ends(first),
        "second_joules_per_unit": _ends(second),
        "energy_ratio": one.energy and [one.energy.value, one.energy.low, one.energy.high],
        "speed_ratio": one.speed and [one.speed.value, one.speed.low, one.speed.high],
        "verdict": one.verdict,
        "why": one.why,
    }


def _ends(summary: Summary | None) -> list[float | None] | None:
    return None if summary is None else [summary.median, summary.low, summary.high]


def _pairs(first: Result, second: Result) -> Iterator[tuple[CellResult, CellResult]]:
    """A cell of the second is never taken twice: those with a twin of their own name come first."""
    keys = {cell.cell.key: cell for cell in second.cells}
    free = [cell for cell in second.cells if cell.cell.key not in {one.cell.key for one in first.cells}]
    for cell in first.cells:
        other = keys.get(cell.cell.key) or next((one for one in free if _work(one.cell) == _work(cell.cell)), None)
        if other is None:
            continue
        if other in free:
            free.remove(other)
        yield cell, other


def _work(cell: Cell) -> tuple[str, str, str]:
    return cell.workload, cell.mode, cell.size


def _versus(cell: CellResult, other: CellResult, boundary: Boundary, *, same_meters: bool) -> Versus:
    ours, theirs = score(cell, boundary), score(other, boundary)
    mine, its = _joules(ours), _joules(theirs)
    why = _apart(cell.cell, other.cell, ours, theirs)
    of = common_ratio if same_meters else ratio
    return Versus(
        first=cell.cell,
        second=other.cell,
        unit=cell.work.unit,
        joules_per_unit=(mine, its),
        energy=None if why or mine is None or its is None else of(its, mine),
        speed=None if why or ours is None or theirs is None else ratio(theirs.units_per_s, ours.units_per_s),
        why=why,
    )


def _joules(found: Score | None) -> Summary | None:
    return None if found is None else found.joules_per_unit


def _apart(cell: Cell, other: Cell, ours: Score | None, theirs: Score | None) -> str | None:
    """Why the two numbers may not be held against each other; None where they may."""
    if cell.version != other.version:
        return f"other workload version ({other.version}, not {cell.version})"
    if ours is None or theirs is None or ours.joules_per_unit is None or theirs.joules_per_unit is None:
        return "joules unknown"
    if ours.meter_class != theirs.meter_class:
        return f"{ours.meter_class} against {theirs.meter_class}"
    return None


def ratio(second: Summary, first: Summary) -> Ratio | None:
    """None where the first is nothing. The interval holds every ratio of a value of one and a value of the other."""
    if not first.median:
        return None
    value = second.median / first.median
    if first.low is None or first.high is None or second.low is None or second.high is None or first.low <= 0:
        return Ratio(value=value, low=None, high=None)
    return Ratio(value=value, low=max(0.0, second.low) / first.high, high=second.high / first.low)


def common_ratio(second: Summary, first: Summary) -> Ratio | None:
    """The ratio of two numbers of the very same meters.

    Their calibration is off by the same factor and drops out. Of an estimate's range one and the same end holds for
    both, whichever it is: the interval reaches from the one end's ratio to the other's.
    """
    if first.parts is None or second.parts is None or not first.median:
        return ratio(second, first)
    found = [ratio(_at(second, end), _at(first, end)) for end in (-1, 1)]
    lows = [one.low for one in found if one is not None and one.low is not None]
    highs = [one.high for one in found if one is not None and one.high is not None]
    known = len(lows) == len(highs) == len(found)
    value = second.median / first.median
    return Ratio(value=value, low=min(lows) if known else None, high=max(highs) if known else None)


def _at(summary: Summary, end: int) -> Summary:
    """The number at one end of its range, with what repeats and the counter's readings leave open."""
    assert summary.parts is not None
    middle = summary.median + end * summary.parts.range
    half = replace(summary.parts, calibration=0.0, range=0.0).half_width
    return replace(summary, median=middle, low=middle - half, high=middle + half)
