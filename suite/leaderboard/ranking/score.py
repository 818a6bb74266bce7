"""Rows to one number per system and basket, against a frozen reference. Pure.

    score = 100 * exp(mean(ln(E_reference / E_system)))

over all items of the basket. It depends on the system's own rows and on nothing else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from suite.energy import MeterClass
from suite.leaderboard.ranking.basket import Basket, Item, Reference
from suite.leaderboard.ranking.boards import RANKED_CLASSES
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.words import BOUNDARIES, CLASSES
from suite.statistics import RANKED_REPEATS, Summary, rank_bands
from suite.trace import Boundary

Field = tuple[Boundary, MeterClass]
"""Systems are compared within one of these only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one item gives to a score: the row that was taken for it, held against the reference."""

    item: Item
    row: Row
    energy: Summary
    reference_joules_per_unit: float

    @property
    def ratio(self) -> float:
        """Reference over system: above 1 the system needs less."""
        return self.reference_joules_per_unit / self.energy.median

    @property
    def points(self) -> float:
        """The score that this item alone would give."""
        return 100.0 * self.ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A system driven by one backend, within one boundary and class: the parts it has (at least one), the items it
    lacks, and its score once none is lacking."""

    system: str
    system_name: str
    backend: str
    boundary: Boundary
    meter_class: MeterClass
    basket: Basket
    parts: tuple[Part, ...]
    missing: tuple[Item, ...]
    score: Summary | None

    @property
    def coverage(self) -> str:
        return f"{len(self.parts)}/{len(self.basket.items)}"

    @property
    def best(self) -> Part:
        """The item that stands highest against the reference."""
        return max(self.parts, key=lambda part: part.ratio)

    @property
    def worst(self) -> Part:
        return min(self.parts, key=lambda part: part.ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All systems of one basket, boundary and class. `bands` is empty where the class is not ranked."""

    basket: Basket
    boundary: Boundary
    meter_class: MeterClass
    complete: tuple[Scored, ...]  # highest score first; by name where the class is not ranked
    bands: tuple[tuple[int, int], ...]  # of each complete one, in the same order
    partial: tuple[Scored, ...]  # most items first

    @property
    def may_rank(self) -> bool:
        return self.meter_class in RANKED_CLASSES


def usable(row: Row) -> bool:
    """Whether a row may stand for an item: known joules with an interval, from as many repeats as a rank needs."""
    known = row.joules_per_unit is not None and row.joules_low is not None and row.joules_high is not None
    return known and row.repeats >= RANKED_REPEATS and (row.joules_per_unit or 0.0) > 0.0


def scored(rows: Iterable[Row], basket: Basket, reference: Reference) -> Scored | None:
    """The score of rows of one system, backend, boundary and class; None when none of them belongs to the basket.

    Of several rows of an item the one of least energy counts: framework, precision and batch are free.
    """
    best: dict[Item, Row] = {}
    for row in filter(usable, rows):
        kind = item_of(row)
        if kind not in best or _cost(row) < _cost(best[kind]):
            best[kind] = row
    parts = tuple(_part(kind, best[kind], reference) for kind in basket.items if kind in best)
    if not parts:
        return None
    newest = max((part.row for part in parts), key=lambda row: (row.date, row.result))
    return Scored(
        system=newest.system,
        system_name=newest.system_name,
        backend=newest.backend,
        boundary=newest.boundary,
        meter_class=newest.meter_class,
        basket=basket,
        parts=parts,
        missing=tuple(kind for kind in basket.items if kind not in best),
        score=combined(parts) if len(parts) == len(basket.items) else None,
    )


def item_of(row: Row) -> Item:
    return Item(row.workload, row.mode, row.size, row.version, row.unit)


def _cost(row: Row) -> tuple[object, ...]:
    """Least energy first; among equals an order that does not depend on how the files were found."""
    return (row.joules_per_unit, row.joules_high, row.result, row.cell)


def _part(kind: Item, row: Row, reference: Reference) -> Part:
    if row.energy is None:
        raise ValueError(f"row of result {row.result} has no energy")
    return Part(item=kind, row=row, energy=row.energy, reference_joules_per_unit=reference.joules_per_unit[kind])


def combined(parts: Sequence[Part]) -> Summary:
    """The geometric mean of the parts' ratios, times 100, with its 95 % interval.

    Relative half-widths of the energies become half-widths of logarithms. What is independent from item to item adds
    in squares and shrinks with their number; the meter's scale and an estimate's range err alike in all items of one
    machine and are averaged as they stand.
    """
    middle = 100.0 * math.exp(fmean(math.log(part.ratio) for part in parts))
    widths = [_widths(part.row) for part in parts]
    independent = math.hypot(*(one for one, _, _ in widths)) / len(widths)
    scale, span = fmean(one for _, one, _ in widths), fmean(one for _, _, one in widths)
    half = span + math.hypot(independent, scale)
    return Summary(
        median=middle,
        low=middle * math.exp(-half),
        high=middle * math.exp(half),
        repeats=min(part.energy.repeats for part in parts),
        spread=None,
    )


def _widths(row: Row) -> tuple[float, float, float]:
    """Half-widths relative to the energy: what is independent, the meter's scale, an estimate's range.

    An interval whose parts are unknown counts as scale, which nothing shrinks.
    """
    energy, high = row.joules_per_unit, row.joules_high
    if energy is None or high is None:
        raise ValueError(f"row of result {row.result} has no interval")
    half = (high - energy) / energy
    if row.joules_calibration is None or row.joules_range is None:
        return (0.0, half, 0.0)
    scale, span = row.joules_calibration / energy, row.joules_range / energy
    return (math.sqrt(max(0.0, (half - span) ** 2 - scale**2)), scale, span)


def standings(rows: Iterable[Row], basket: Basket, reference: Reference) -> tuple[Standing, ...]:
    """Every boundary and class in which some system has a part of the basket: measured ones first.

    Backends are kept apart because they drive different parts of a machine: a score never picks its GPU for one item
    and its CPU for another.
    """
    own: dict[tuple[Field, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        own[(row.boundary, row.meter_class), row.system, row.backend].append(row)
    fields: dict[Field, list[Scored]] = defaultdict(list)
    for (field, _, _), some in own.items():
        one = scored(some, basket, reference)
        if one is not None:
            fields[field].append(one)
    return tuple(_standing(basket, field, fields[field]) for field in sorted(fields, key=_place))


def _place(field: Field) -> tuple[int, int]:
    return (list(CLASSES).index(field[1]), list(BOUNDARIES).index(field[0]))


def _standing(basket: Basket, field: Field, found: Sequence[Scored]) -> Standing:
    complete = [(one, one.score) for one in found if one.score is not None]
    ranked = field[1] in RANKED_CLASSES
    complete.sort(key=lambda pair: (-pair[1].median if ranked else 0.0, pair[0].system, pair[0].backend))
    partial = [one for one in found if one.missing]
    return Standing(
        basket=basket,
        boundary=field[0],
        meter_class=field[1],
        complete=tuple(one for one, _ in complete),
        bands=tuple(rank_bands([_less_is_better(score) for _, score in complete])) if ranked else (),
        partial=tuple(sorted(partial, key=lambda one: (len(one.missing), one.system, one.backend))),
    )


def _less_is_better(score: Summary) -> Summary:
    """The score turned round, because bands count from the lowest."""
    if score.low is None or score.high is None:
        raise ValueError("a score without an interval")
    return Summary(median=-score.median, low=-score.high, high=-score.low, repeats=score.repeats, spread=None)
