"""Machines side by side: what a few pieces of work cost on each of them, in one table for the front page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suite.leaderboard.pages.gaps import Failures, Gap, Gaps, gaps
from suite.leaderboard.pages.tables import Line, Table, scales, table
from suite.leaderboard.pages.varied import varied
from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.ranking.leaders import leaders

COLUMNS = 6
SYSTEMS = 16
LEAST_SYSTEMS = 2
"""One machine alone stands beside nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One system and its line of each column; None where it has none, and there the gap says why."""

    slug: str
    name: str
    lines: tuple[Line | None, ...]
    gaps: tuple[Gap | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineup:
    """`tables` are the columns. `hidden` systems did some of this work as well and have no room."""

    tables: tuple[Table, ...]
    sides: tuple[Side, ...]
    hidden: int


def lineup(
    boards: Sequence[Board], headline: Board | None, failures: Failures, older: Iterable[Board] = ()
) -> Lineup | None:
    """The headline's own kind of board: same class, boundary and size. None where fewer than two machines meet.

    `older` boards lead nothing, but a machine may stand there alone.
    """
    if headline is None:
        return None
    tables = [table(one, leaders(one), scales(one)) for one in _chosen(boards, headline)]
    found = [{line.row.system: line for line in one.lines} for one in tables]
    names = {line.row.system: line.row.system_name for one in tables for line in one.lines}
    if len(names) < LEAST_SYSTEMS:
        return None
    columns = [one.board for one in tables]
    why = gaps(columns, (*boards, *older), failures)
    sides = tuple(_side(slug, names[slug], found, columns, why) for slug in _in_order(found)[:SYSTEMS])
    return Lineup(tables=tuple(tables), sides=sides, hidden=len(names) - len(sides))


def _chosen(boards: Iterable[Board], headline: Board) -> list[Board]:
    """The headline, then the boards on which most systems meet."""
    alike = [one for one in boards if _kind(one) == _kind(headline) and one is not headline and not one.is_calibration]
    return varied([headline, *sorted(alike, key=lambda board: -board.systems)], lambda board: board, COLUMNS)


def _kind(board: Board) -> tuple[str, str, str]:
    return board.boundary, board.meter_class, board.size


def _in_order(found: Sequence[Mapping[str, Line]]) -> list[str]:
    """As on the headline's board; those that are not there after them, by the next columns."""
    return list(dict.fromkeys(system for column in found for system in column))


def _side(slug: str, name: str, found: Sequence[Mapping[str, Line]], columns: Sequence[Board], why: Gaps) -> Side:
    lines = tuple(column.get(slug) for column in found)
    missing = (why.of(slug, board) if line is None else None for line, board in zip(lines, columns, strict=True))
    return Side(slug=slug, name=name, lines=lines, gaps=tuple(missing))
