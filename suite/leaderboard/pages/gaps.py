"""Why a machine has no figure where others have one: it failed, it has one of another kind, or it never ran that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suite.leaderboard.content import Entry, Failure
from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.words import ENDED

Failures = Iterable[tuple[Entry, Failure]]

_Place = tuple[str, str, str, str]
"""A system and the workload, mode and size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What stands in place of a figure, and the page that says more."""

    words: str
    path: str | None


NOT_RUN = Gap(words="not run", path=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What is known of machines besides the figures that are shown."""

    failed: Mapping[_Place, Sequence[tuple[Entry, Failure]]]  # newest first
    elsewhere: Mapping[_Place, Sequence[Board]]

    def of(self, system: str, board: Board) -> Gap:
        """Today's work comes before older versions of it, and a figure of another kind before a failure."""
        place = (system, board.workload, board.mode, board.size)
        others = self.elsewhere.get(place, ())
        kinds = [_other(other, board) for other in others if other.version == board.version]
        fails = [_failed(entry, one) for entry, one in self.failed.get(place, ()) if one.cell.version == board.version]
        older = [Gap(words="older version only", path=other.path) for other in others if other.version < board.version]
        return next(iter((*kinds, *fails, *older)), NOT_RUN)


def gaps(works: Iterable[Board], boards: Iterable[Board], failures: Failures) -> Gaps:
    """All that bears on the work of `works`."""
    asked = {(board.workload, board.mode, board.size) for board in works}
    failed: dict[_Place, list[tuple[Entry, Failure]]] = {}
    for entry, one in sorted(failures, key=lambda failure: failure[0].date, reverse=True):
        failed.setdefault((entry.system.slug, one.cell.workload, one.cell.mode, one.cell.size), []).append((entry, one))
    elsewhere: dict[_Place, list[Board]] = {}
    for board in boards:
        if (board.workload, board.mode, board.size) in asked:
            for system in {placed.row.system for placed in board.placed}:
                elsewhere.setdefault((system, board.workload, board.mode, board.size), []).append(board)
    return Gaps(failed=failed, elsewhere=elsewhere)


def _other(other: Board, board: Board) -> Gap:
    """A row of the same work that may not stand on this board."""
    words = {"none": "energy unknown", "rails": "by power rails"}.get(other.meter_class, f"{other.meter_class} only")
    if other.meter_class == board.meter_class:
        words = f"{other.boundary} boundary only"
    return Gap(words=words, path=other.path)


def _failed(entry: Entry, one: Failure) -> Gap:
    return Gap(words=f"failed: {ENDED[one.outcome]}", path=entry.cell_path(one.number))
