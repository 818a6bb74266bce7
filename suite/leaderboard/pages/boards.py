"""The boards' own pages, and the data of those that go over several pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from suite.leaderboard.kept import Digest
from suite.leaderboard.pages.board_data import Part, board_script, parts_of
from suite.leaderboard.pages.tables import Scales, scales, table
from suite.leaderboard.paging import Page
from suite.leaderboard.ranking.boards import Board, Placed, pages_of
from suite.leaderboard.ranking.versions import latest_versions
from suite.leaderboard.render import Pages

PlaceKey = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A board, what its lines share, and for each line what tells it from every other that could stand there."""

    board: Board
    scales: Scales
    places: tuple[PlaceKey, ...]

    def key(self, first: int, last: int) -> list[object]:
        """A name for all that these lines show, counted from 1, besides where they stand."""
        return [self.board.path, self.scales, self.places[first - 1 : last]]

    def page_key(self, part: Page[Placed]) -> list[object]:
        """A name for all that a page of the board shows of it."""
        board = self.board
        whole = (board.ranked, board.systems, board.date, board.facets, replace(part, items=()))
        return [whole, self.key(part.first, part.last)]


def ranked_of(board: Board, digests: Mapping[str, Digest]) -> Ranked:
    return Ranked(board, scales(board), tuple(place_key(placed, digests) for placed in board.placed))


def place_key(placed: Placed, digests: Mapping[str, Digest]) -> PlaceKey:
    """A row is told by its file's bytes and its place in it; what other files say of it comes on top."""
    row, claim = placed.row, placed.claim
    told = claim and (claim.step, claim.by, claim.z, claim.rows)
    return digests[row.result], row.cell, row.boundary, placed.band, told


def write_boards(ranked: Sequence[Ranked], pages: Pages) -> None:
    """Every page of every board, and the scripts that hold all rows of the long ones."""
    alike: dict[tuple[str, str, str], list[Board]] = defaultdict(list)
    for one in ranked:
        alike[_work(one.board)].append(one.board)
    latest = latest_versions(one.board for one in ranked)
    for one in ranked:
        siblings = [other for other in alike[_work(one.board)] if other is not one.board]
        counts = [(other.path, len(other.placed)) for other in siblings]
        parts = parts_of(one.board)
        for page in pages_of(one.board):
            context = partial(_context, one, page, siblings, latest[_work(one.board)], parts)
            pages.keep(page.path, "board.html", (one.page_key(page), counts, latest[_work(one.board)]), context)
        for part in parts:
            pages.keep_script(part.path, one.key(part.first, part.last), partial(_script, one, part))


def _context(
    one: Ranked, page: Page[Placed], siblings: Sequence[Board], latest: int, parts: Sequence[Part]
) -> dict[str, object]:
    return {
        "date": one.board.date,
        "table": table(one.board, page.items, one.scales),
        "list": page,
        "siblings": siblings,
        "latest": latest,
        "scripts": [part.path.rpartition("/")[2] for part in parts],
    }


def _script(one: Ranked, part: Part) -> str:
    return board_script(table(one.board, part.placed, one.scales), part.first)


def _work(board: Board) -> tuple[str, str, str]:
    """Boards that agree in this hold the same work: within other boundaries, of other classes, in other versions."""
    return board.workload, board.mode, board.size
