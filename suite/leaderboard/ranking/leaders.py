"""A board with one row of each system: its row of least energy, ranked among these alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from suite.leaderboard.ranking.boards import Board, Placed
from suite.statistics import rank_bands


def leaders(board: Board) -> tuple[Placed, ...]:
    """The first row of each system in the board's own order, which begins with ranked rows of least energy."""
    first: dict[str, Placed] = {}
    for placed in board.placed:
        first.setdefault(placed.row.system, placed)
    return _ranked_anew(first.values())


def _ranked_anew(placed: Iterable[Placed]) -> tuple[Placed, ...]:
    """In the same order. A rank among all rows would skip places that no row shown here takes."""
    shown = tuple(placed)
    ranked = [one for one in shown if one.band is not None]
    bands = iter(rank_bands([one.row.energy for one in ranked if one.row.energy]))
    return tuple(one if one.band is None else replace(one, band=next(bands)) for one in shown)
