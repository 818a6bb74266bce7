"""How a system's energy moved from date to date, as its software did: its best row of each day on a few boards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from suite.leaderboard.pages.varied import varied
from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.versions import newest
from suite.statistics import Summary
from suite.units import Scale, column, half_width, significant, symbol

COLUMNS = 5
DATES = 8
"""As many, the newest ones, are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Was:
    """The best row of one day on one board, as text. `change` is None where no earlier day has one."""

    energy: str
    interval: str | None
    change: str | None
    differs: bool  # the two intervals do not overlap
    path: str
    configuration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One date: what ran there, and a place for each column; None where that work was not done."""

    date: str
    software: tuple[str, ...]
    places: tuple[Was | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column: its board and the unit its figures are told in."""

    title: str
    path: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Newest day first; `hidden` older ones have no room."""

    headings: tuple[Heading, ...]
    days: tuple[Day, ...]
    hidden: int


_Best = tuple[Row, Summary]
"""The row of least energy of a day, and that energy."""

_Own = list[tuple[Board, dict[str, _Best]]]
"""Boards, and on each of them a date to its best."""


def histories(boards: Sequence[Board]) -> dict[str, History]:
    """Of every system that was measured on two dates: boards of the newest versions within the device boundary."""
    found: dict[str, _Own] = defaultdict(list)
    for board in newest(boards):
        if board.boundary == "device" and not board.is_calibration:
            for system, days in _by_system(board).items():
                if len(days) > 1:
                    found[system].append((board, days))
    return {system: _history(own) for system, own in found.items()}


def _by_system(board: Board) -> Mapping[str, dict[str, _Best]]:
    """Rows stand in the order of their energy, so the first of a day is its best."""
    found: dict[str, dict[str, _Best]] = defaultdict(dict)
    for row in (placed.row for placed in board.placed):
        if (energy := row.energy) is not None:
            found[row.system].setdefault(row.date, (row, energy))
    return found


def _history(own: _Own) -> History:
    """Of one class alone, the first that the boards are sorted by: measured, where there is any."""
    alike = [one for one in own if one[0].meter_class == own[0][0].meter_class]
    shown = varied(sorted(alike, key=lambda one: -len(one[1])), lambda one: one[0], COLUMNS)  # most dates first
    scales = [column(energy.median for _, energy in days.values()) for _, days in shown]
    dates = sorted({date for _, days in shown for date in days}, reverse=True)
    columns = [_column(days, scale) for (_, days), scale in zip(shown, scales, strict=True)]
    return History(
        headings=tuple(_heading(board, scale) for (board, _), scale in zip(shown, scales, strict=True)),
        days=tuple(
            Day(
                date=date,
                software=_software(days[date][0] for _, days in shown if date in days),
                places=tuple(places.get(date) for places in columns),
            )
            for date in dates[:DATES]
        ),
        hidden=max(0, len(dates) - DATES),
    )


def _heading(board: Board, scale: Scale) -> Heading:
    return Heading(title=board.title, path=board.path, unit=f"{scale.prefix}J/{symbol(board.unit)}")


def _software(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(sorted({f"{row.framework} {row.framework_version or ''}".strip() for row in rows}))


def _column(days: Mapping[str, _Best], scale: Scale) -> dict[str, Was]:
    before = {date: days[older] for older, date in pairwise(sorted(days))}
    return {date: _was(best, before.get(date), scale) for date, best in days.items()}


def _was(best: _Best, before: _Best | None, scale: Scale) -> Was:
    row, energy = best
    return Was(
        energy=scale.number(energy.median, half_width(energy)),
        interval=scale.interval(energy),
        change=None if before is None else _change(energy, before[1]),
        differs=before is not None and not energy.overlaps(before[1]),
        path=f"results/{row.result}/{row.cell}.html",
        configuration=f"{row.framework}, {row.technique}, {row.precision}, batch {row.batch}",
    )


def _change(energy: Summary, before: Summary) -> str:
    """ "12 % less" than the day before; or that the intervals overlap."""
    if energy.overlaps(before):
        return "cannot be told apart"
    ratio = energy.median / before.median
    share = f"{significant(100 * abs(ratio - 1), 2)} %"
    return f"{share} less" if ratio < 1 else f"{share} more"
