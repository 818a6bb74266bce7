"""Everything the pages show, gathered from the results once they have been read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from suite.check.findings import Checked
from suite.leaderboard.ranking.boards import Board, Placed
from suite.leaderboard.ranking.versions import newest
from suite.leaderboard.words import CLASSES
from suite.record import Cell, Outcome, Result, Software, System


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A cell without an attempt that went well."""

    number: int
    cell: Cell
    outcome: Outcome
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A result without its traces: all that pages other than its own need."""

    id: str
    date: str
    system: System
    software: Software
    backend: str
    complete: bool
    cells: int
    failures: tuple[Failure, ...]
    raw_path: str
    signed: bool = False  # a signature that holds lies beside the file, here and on the site

    @property
    def file_name(self) -> str:
        return self.raw_path.rpartition("/")[2]

    @property
    def path(self) -> str:
        return f"results/{self.id}.html"

    @property
    def signature_path(self) -> str:
        """Where the signature lies below the site's root, if there is one."""
        return f"{self.raw_path}.sig"

    @property
    def rows_path(self) -> str:
        """Its rows as a script."""
        return f"data/rows/{self.id}.js"

    def cell_path(self, number: int) -> str:
        """The page of its n-th cell, counted from 1."""
        return f"results/{self.id}/{number}.html"

    def badge_path(self, number: int) -> str:
        return f"results/{self.id}/{number}.svg"


def entry(result: Result, *, signed: bool = False) -> Entry:
    return Entry(
        id=result.id,
        date=result.date,
        system=result.system,
        software=result.software,
        backend=result.backend,
        complete=result.complete,
        cells=len(result.cells),
        failures=tuple(_failures(result)),
        raw_path=raw_path(result),
        signed=signed,
    )


def raw_path(result: Result) -> str:
    """Where the file as it was submitted lies below the site's root."""
    return f"data/{result.system.slug}/{result.file_name}"


def _failures(result: Result) -> Iterable[Failure]:
    for number, cell in enumerate(result.cells, start=1):
        if cell.outcome != "ok":
            last = cell.attempts[-1]
            yield Failure(number=number, cell=cell.cell, outcome=last.outcome, detail=last.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A system and its results, newest first; described as its newest result describes it."""

    system: System
    entries: tuple[Entry, ...]

    @property
    def path(self) -> str:
        return f"systems/{self.system.slug}.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that is not shown: its name below the results folder, and what the check said."""

    name: str
    checked: Checked


@dataclass(frozen=True, kw_only=True)
class Site:
    """The whole leaderboard. `date` is the newest result's: the same input gives the same pages on any day.

    `foreign` is the number of foreign references in a unit that a board has too.
    """

    entries: tuple[Entry, ...]
    boards: tuple[Board, ...]
    refused: tuple[Refused, ...]
    foreign: int = 0

    @cached_property
    def date(self) -> str | None:
        return max((entry.date for entry in self.entries), default=None)

    @cached_property
    def machines(self) -> tuple[Machine, ...]:
        ordered = sorted(self.entries, key=lambda one: (one.system.slug, one.date, one.id))
        return tuple(_machine(list(found)) for _, found in groupby(ordered, key=lambda one: one.system.slug))

    @cached_property
    def current(self) -> tuple[Board, ...]:
        """Boards of the versions that count."""
        return newest(self.boards)

    @cached_property
    def older(self) -> tuple[Board, ...]:
        """The others: they stand apart and lead nothing."""
        current = {board.path for board in self.current}
        return tuple(board for board in self.boards if board.path not in current)

    @cached_property
    def headline(self) -> Board | None:
        """The board to open with: of the device boundary, ranked if any is, then measured, then with most systems."""
        candidates = [board for board in self.current if board.boundary == "device" and not board.is_calibration]
        return min(candidates, key=_weight, default=None)

    @cached_property
    def unranked(self) -> tuple[Placed, ...]:
        """Rows on ranked boards that have no rank."""
        return tuple(
            placed for board in self.boards if board.may_rank for placed in board.placed if placed.band is None
        )

    @cached_property
    def failures(self) -> tuple[tuple[Entry, Failure], ...]:
        return tuple((entry, failure) for entry in self.entries for failure in entry.failures)

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """How many cells failed in which way."""
        return sorted(Counter(failure.outcome for _, failure in self.failures).items())

    def rows_of_class(self, meter_class: str) -> int:
        return sum(len(board.placed) for board in self.current if board.meter_class == meter_class)


def _weight(board: Board) -> tuple[bool, int, int]:
    return (board.ranked == 0, list(CLASSES).index(board.meter_class), -board.systems)


def _machine(oldest_first: Sequence[Entry]) -> Machine:
    return Machine(system=oldest_first[-1].system, entries=tuple(reversed(oldest_first)))
