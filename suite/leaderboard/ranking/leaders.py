"""A board with one row of each system: the best of its configurations, each by its newest result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from suite.leaderboard.ranking.boards import Board, Placed
from suite.leaderboard.ranking.frame import Row
from suite.statistics import rank_bands

Configuration = tuple[str, str, str | None, str, int, str]


def configuration(row: Row) -> Configuration:
    """What a system may choose on one board."""
    return (row.system, row.framework, row.framework_version, row.precision, row.batch, row.technique)


def leaders(board: Board) -> tuple[Placed, ...]:
    """The first row of each system in the board's own order, which begins with ranked rows of least energy.

    Of each configuration only the newest result counts: else whoever submits more often looks better, by luck alone.
    """
    latest: dict[tuple[Configuration, bool], Placed] = {}
    for placed in sorted(board.placed, key=lambda one: (one.row.date, one.row.result, one.row.cell)):
        latest[configuration(placed.row), placed.band is not None] = placed
    newest = set(map(id, latest.values()))
    first: dict[str, Placed] = {}
    for placed in board.placed:
        if id(placed) in newest:
            first.setdefault(placed.row.system, placed)
    return _ranked_anew(first.values())


def _ranked_anew(placed: Iterable[Placed]) -> tuple[Placed, ...]:
    """In the same order. A rank among all rows would skip places that no row shown here takes."""
    shown = tuple(placed)
    ranked = [one for one in shown if one.band is not None]
    bands = iter(rank_bands([one.row.energy for one in ranked if one.row.energy]))
    return tuple(one if one.band is None else replace(one, band=next(bands)) for one in shown)
