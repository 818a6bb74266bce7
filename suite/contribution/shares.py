"""What the results that are there already give to the judgement of a new one: their marks, and their rows on boards.

They were judged when they came and are judged again on main, so that here they are only read: what tells a new result
from them, and where they stand. To check them too would take four times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.check.batch import LIMITS
from suite.check.costs import costs_of
from suite.check.findings import error
from suite.check.replays import marks_of
from suite.check.verdict import Row, fatal
from suite.check.workers import Task, each
from suite.leaderboard.ranking.frame import Row as BoardRow
from suite.leaderboard.ranking.frame import rows_of
from suite.record import loads

FEW = 100
"""So many are read sooner than other processes start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A file's row as a check would give it, and its rows on boards: none where it cannot be read."""

    row: Row
    on_boards: tuple[BoardRow, ...] = ()


def shares(paths: Sequence[Path]) -> list[Share]:
    """The share of each file, in order. Never raises for what a file holds."""
    if len(paths) <= FEW:
        return [share_of(path) for path in paths]
    task = Task(work=share_of, lost=lambda path: Share(row=Row(path=path, id=None, findings=(fatal(),))))
    found = dict(each(paths, task, LIMITS))
    return [found[path] for path in paths]


def share_of(path: Path) -> Share:
    """One file that was accepted once; one of which nothing can be made is refused, and takes part in nothing."""
    try:
        result = loads(path.read_bytes())
        marks, costs, on_boards = marks_of(result), costs_of(result), tuple(rows_of(result))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as problem:
        # It is not checked here: whatever breaks, it is not what the suite wrote.
        told = f"nothing can be made of it: {type(problem).__name__}"
        return Share(row=Row(path=path, id=None, findings=(error("schema", "", told, "Check it by itself."),)))
    row = Row(path=path, id=result.id, findings=(), journal=result.journal_sha256, marks=marks, costs=costs)
    return Share(row=row, on_boards=on_boards)
