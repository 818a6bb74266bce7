"""Foreign references on a page of their own. They reach no board, no score, no download and no drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from suite.check.findings import Checked
from suite.check.foreign import CheckedForeign, check_foreign
from suite.folders import foreign_files
from suite.foreign import Foreign, ForeignRow, Source
from suite.leaderboard.paging import Page, paged
from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.render import Pages
from suite.units import quantity

PATH = "foreign.html"

LINES = 80
"""Figures on a page: some fifteen elements each, and a page has at most 3,000."""

TITLES: dict[Source, str] = {"ml-energy": "The ML.ENERGY Leaderboard", "mlperf-power": "MLPerf Power"}


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The files of results/foreign/: those that are shown, in the order of their names, and the refused ones."""

    shown: tuple[Foreign, ...]
    refused: tuple[CheckedForeign, ...]

    def alike(self, boards: Iterable[Board]) -> int:
        """How many of the figures are joules of a unit that a board has; in all else they may differ from it."""
        units = {f"J/{board.unit}" for board in boards}
        return sum(row.unit in units for one in self.shown for row in one.rows)

    @property
    def skipped(self) -> tuple[Checked, ...]:
        """The refused ones as a build tells of them."""
        return tuple(Checked(one.path, None, one.findings) for one in self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure as text; None is unknown."""

    row: ForeignRow
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The figures of one source's file that are on a page."""

    number: int
    title: str
    foreign: Foreign
    figures: tuple[Figure, ...]


def references(results: Path) -> References:
    """Every file of results/foreign/, read and checked. Never raises for what one holds."""
    found = [check_foreign(path) for path in foreign_files(results)]
    return References(
        shown=tuple(one.foreign for one in found if one.foreign is not None),
        refused=tuple(one for one in found if one.foreign is None),
    )


def write(found: References, date: str | None, pages: Pages) -> None:
    """The page, over as many as it takes; one that says so where there are none."""
    lines = [(number, row) for number, one in enumerate(found.shown) for row in one.rows]
    for page in paged(PATH, lines, LINES):
        pages.write(
            page.path,
            "foreign.html",
            date=date,
            sections=_sections(found.shown, page),
            refused=found.refused if page.number == 1 else (),
            list=page,
        )


def _sections(shown: Sequence[Foreign], page: Page[tuple[int, ForeignRow]]) -> list[Section]:
    return [
        Section(
            number=number + 1,
            title=TITLES[shown[number].source],
            foreign=shown[number],
            figures=tuple(_figure(row) for _, row in own),
        )
        for number, own in groupby(page.items, key=lambda line: line[0])
    ]


def _figure(row: ForeignRow) -> Figure:
    return Figure(row=row, value=quantity(row.value, row.unit))
