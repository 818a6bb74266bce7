"""A result's own pages: an overview of its cells, and for each cell a page and a badge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from suite.check.findings import Checked
from suite.leaderboard.content import Entry, entry
from suite.leaderboard.drawing.roofchart import Roofchart, roofchart
from suite.leaderboard.paging import Page, paged
from suite.leaderboard.ranking.trust import Voucher
from suite.leaderboard.render import Pages
from suite.leaderboard.result import badges, citation, details, metering
from suite.leaderboard.result.details import CellView
from suite.leaderboard.result.limits import limits
from suite.leaderboard.result.validation import validation
from suite.leaderboard.trust_files import UNSIGNED
from suite.record import Result
from suite.roofline import Calibration, Meters

CELLS_ON_PAGE = 80
ATTEMPTS_ON_PAGE = 2
"""A page has at most 3,000 elements: a run has seldom more cells than this, and a cell seldom more attempts."""


def write_pages(
    checked: Checked,
    result: Result,
    known: Mapping[Meters, Calibration],
    pages: Pages,
    voucher: Voucher | None = None,
) -> Iterator[str]:
    """Each is written to `pages`, and named. `known` are the result's calibrations."""
    shown = entry(result)
    cells = details.cells(result, known)
    voucher = voucher or Voucher(warned=bool(checked.findings), signature=UNSIGNED)
    common = {"date": None, "entry": shown, "result": result, "limits": limits(known.values()), "voucher": voucher}
    yield from _write_overview(checked, result, cells, roofchart(result, known), common, pages)
    for cell in cells:
        yield from _write_cell(result, shown, cell, len(cells), common, pages)


def _write_overview(
    checked: Checked,
    result: Result,
    cells: Sequence[CellView],
    roof: Roofchart | None,
    common: Mapping[str, object],
    pages: Pages,
) -> Iterator[str]:
    for part in paged(entry(result).path, cells, CELLS_ON_PAGE):
        pages.write(
            part.path,
            "result.html",
            list=part,
            meters=metering.meters(result),
            overhead=metering.overhead(result),
            report=validation(checked, result),
            roof=roof and _part_of(roof, part),
            citation=citation.of_result(result),
            **common,
        )
        yield part.path


def _part_of(roof: Roofchart, part: Page[CellView]) -> Roofchart | None:
    """The same axes and floors with the page's own cells; None where it has none of those drawn."""
    own = {cell.number for cell in part.items}
    dots = tuple(dot for dot in roof.dots if dot.number in own)
    return replace(roof, dots=dots) if dots else None


def _write_cell(
    result: Result, shown: Entry, cell: CellView, count: int, common: Mapping[str, object], pages: Pages
) -> Iterator[str]:
    badge = badges.of_cell(result, cell)
    context = {"cell": cell, "count": count, "badge": badge, "citation": citation.of_cell(result, cell), **common}
    for part in paged(shown.cell_path(cell.number), cell.attempts, ATTEMPTS_ON_PAGE):
        pages.write(part.path, "cell.html", list=part, **context)
        yield part.path
    pages.write(shown.badge_path(cell.number), "badge.svg", badge=badge)
    yield shown.badge_path(cell.number)
