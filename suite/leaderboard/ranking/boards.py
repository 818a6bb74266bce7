"""Rows to boards: those that may be compared with each other, ordered and ranked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from suite.energy import MeterClass
from suite.leaderboard.paging import Page, paged
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.trust import Claim, Trust
from suite.roofline import CALIB
from suite.statistics import RANKED_REPEATS, rank_bands
from suite.trace import Boundary

KEY = ["workload", "mode", "size", "version", "unit", "boundary", "meter_class"]
"""Rows that differ in any of these never stand on one board."""

RANKED_CLASSES: tuple[MeterClass, ...] = ("measured", "rails")
"""Only joules that came from hardware are ranked."""

FACETS = ("framework", "technique", "precision", "backend")

_CLASS_ORDER: tuple[MeterClass, ...] = ("measured", "rails", "estimated", "simulated", "none")
_BOUNDARY_ORDER: tuple[Boundary, ...] = ("device", "machine", "wall")


ASLEEP = "idle"
"""The mode of `calib` that holds a framework and does nothing: who sleeps best is no contest."""

BOARD_ROWS = 50
"""Rows on one page of a board: some 30 elements each, and a page has at most 3,000. The script lists as many at once
(USUAL in site/static/state.js), which a browser lays out twice as soon as a hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A row, the best and worst rank its interval allows, and where it stands on the ladder of trust.

    `band` is None where it is not ranked, `claim` where nobody was asked.
    """

    row: Row
    band: tuple[int, int] | None
    claim: Claim | None = None


@dataclass(frozen=True, kw_only=True)
class Board:
    """Comparable rows, best first; unranked ones below, unknown ones last."""

    workload: str
    mode: str
    size: str
    version: int
    unit: str
    boundary: Boundary
    meter_class: MeterClass
    placed: tuple[Placed, ...]

    @property
    def title(self) -> str:
        return f"{self.workload} {self.mode}, size {self.size}"

    @property
    def path(self) -> str:
        """Where its page lies below the site's root."""
        name = f"v{self.version}-{self.boundary}-{self.meter_class}-{self.unit}.html"
        return f"boards/{self.workload}/{self.mode}/{self.size}/{name}"

    @cached_property
    def ranked(self) -> int:
        return sum(placed.band is not None for placed in self.placed)

    @property
    def may_rank(self) -> bool:
        return self.meter_class in RANKED_CLASSES

    @property
    def is_calibration(self) -> bool:
        """What machines can do at best rather than what a model costs: never a headline."""
        return self.workload == CALIB

    @cached_property
    def date(self) -> str:
        """The newest result's."""
        return max(placed.row.date for placed in self.placed)

    @cached_property
    def facets(self) -> dict[str, list[str]]:
        """What its rows may be chosen by, and the values that occur."""
        return {name: sorted({getattr(placed.row, name) for placed in self.placed}) for name in FACETS}

    @cached_property
    def systems(self) -> int:
        return len({placed.row.system for placed in self.placed})


def boards_of(rows: Iterable[Row], trust: Trust | None = None) -> tuple[Board, ...]:
    """The boards of rows that are in order already, each row with its step: measured ones first, then by boundary,
    workload, mode and size; calibration last."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if row.workload != CALIB or row.mode != ASLEEP:
            found.setdefault(_key(row), []).append(row)
    made = (_board(own, trust or Trust({}, {})) for own in found.values())
    return tuple(sorted(made, key=_place))


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows as the downloads list them, however the files were found."""
    return sorted(rows, key=_order)


_key = attrgetter(*KEY)
_order = attrgetter("workload", "mode", "size", "version", "boundary", "result", "cell")


def _place(board: Board) -> tuple[object, ...]:
    return (
        _CLASS_ORDER.index(board.meter_class),
        _BOUNDARY_ORDER.index(board.boundary),
        board.is_calibration,
        board.workload,
        board.mode != "train",
        board.mode,
        board.size != "s",
        board.size,
        -board.version,
        board.unit,
    )


def _board(rows: Sequence[Row], trust: Trust) -> Board:
    first = rows[0]
    ranked = sorted(filter(_may_rank, rows), key=_by_energy)
    bands = rank_bands([energy for energy in (row.energy for row in ranked) if energy])
    unranked = sorted((row for row in rows if not _may_rank(row)), key=_by_energy)
    placed = zip((*ranked, *unranked), (*bands, *(None for _ in unranked)), strict=True)
    return Board(
        workload=first.workload,
        mode=first.mode,
        size=first.size,
        version=first.version,
        unit=first.unit,
        boundary=first.boundary,
        meter_class=first.meter_class,
        placed=tuple(
            Placed(row=row, band=band, claim=trust.of((row.result, row.cell, row.boundary))) for row, band in placed
        ),
    )


def _may_rank(row: Row) -> bool:
    return row.meter_class in RANKED_CLASSES and row.joules_per_unit is not None and row.repeats >= RANKED_REPEATS


def _by_energy(row: Row) -> tuple[object, ...]:
    """Least energy first; unknown energy last and there fastest first. Ties stay in the table's order."""
    unknown = row.joules_per_unit is None
    return (unknown, row.joules_per_unit or 0.0, -row.units_per_s if unknown else 0.0)


def pages_of(board: Board) -> tuple[Page[Placed], ...]:
    """The board's pages, best rows first; one page where there are no rows."""
    return paged(board.path, board.placed, BOARD_ROWS)


def band_text(band: tuple[int, int] | None) -> str | None:
    """ "3" or "3–5"; None where a row is not ranked."""
    if band is None:
        return None
    best, worst = band
    return str(best) if best == worst else f"{best}–{worst}"
