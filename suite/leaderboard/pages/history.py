"""How a system's energy moved from date to date, as its software did: its best row of each day on a few boards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from suite.leaderboard.ranking.boards import Board, newest
from suite.leaderboard.ranking.frame import Row
from suite.units import Scale, column, half_width, significant, symbol

COLUMNS = 5
OF_ONE_WORKLOAD = 2
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


_Own = list[tuple[Board, dict[str, Row]]]
"""Boards, and on each of them a date to its row of least energy."""


def histories(boards: Sequence[Board]) -> dict[str, History]:
    """Of every system that was measured on two dates: boards of the newest versions within the device boundary."""
    found: dict[str, _Own] = defaultdict(list)
    for board in newest(boards):
        if board.boundary == "device" and not board.is_calibration:
            for system, days in _by_system(board).items():
                if len(days) > 1:
                    found[system].append((board, days))
    return {system: _history(own) for system, own in found.items()}


def _by_system(board: Board) -> Mapping[str, dict[str, Row]]:
    """Rows stand in the order of their energy, so the first of a day is its best."""
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for placed in board.placed:
        if placed.row.energy is not None:
            found[placed.row.system].setdefault(placed.row.date, placed.row)
    return found


def _history(own: _Own) -> History:
    """Of one class alone, the first that the boards are sorted by: measured, where there is any."""
    shown = _chosen([one for one in own if one[0].meter_class == own[0][0].meter_class])
    scales = [column(row.joules_per_unit for row in days.values()) for _, days in shown]
    dates = sorted({date for _, days in shown for date in days}, reverse=True)
    columns = [_column(days, scale) for (_, days), scale in zip(shown, scales, strict=True)]
    return History(
        headings=tuple(_heading(board, scale) for (board, _), scale in zip(shown, scales, strict=True)),
        days=tuple(
            Day(
                date=date,
                software=_software(days[date] for _, days in shown if date in days),
                places=tuple(places.get(date) for places in columns),
            )
            for date in dates[:DATES]
        ),
        hidden=max(0, len(dates) - DATES),
    )


def _chosen(own: _Own) -> _Own:
    """Those of most dates, of several workloads where there are several."""
    chosen: _Own = []
    taken = Counter[str]()
    for board, days in sorted(own, key=lambda one: -len(one[1])):
        if len(chosen) < COLUMNS and taken[board.workload] < OF_ONE_WORKLOAD:
            chosen.append((board, days))
            taken[board.workload] += 1
    return chosen


def _heading(board: Board, scale: Scale) -> Heading:
    return Heading(title=board.title, path=board.path, unit=f"{scale.prefix}J/{symbol(board.unit)}")


def _software(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(sorted({f"{row.framework} {row.framework_version or ''}".strip() for row in rows}))


def _column(days: Mapping[str, Row], scale: Scale) -> dict[str, Was]:
    dates = sorted(days)
    before = {date: days[older] for older, date in pairwise(dates)}
    return {date: _was(row, before.get(date), scale) for date, row in days.items()}


def _was(row: Row, before: Row | None, scale: Scale) -> Was:
    energy = row.energy
    return Was(
        energy=scale.number(energy.median, half_width(energy)) if energy else "",
        interval=scale.interval(energy) if energy else None,
        change=None if before is None else _change(row, before),
        differs=before is not None and _differs(row, before),
        path=f"results/{row.result}/{row.cell}.html",
        configuration=f"{row.framework}, {row.technique}, {row.precision}, batch {row.batch}",
    )


def _differs(row: Row, before: Row) -> bool:
    """Unknown ends may lie anywhere."""
    return _is_below(row, before) or _is_below(before, row)


def _is_below(row: Row, other: Row) -> bool:
    return row.joules_high is not None and other.joules_low is not None and row.joules_high < other.joules_low


def _change(row: Row, before: Row) -> str:
    """ "12 % less" than the day before; where the intervals overlap that is no difference."""
    if not _differs(row, before):
        return "no difference"
    ratio = (row.joules_per_unit or 0.0) / (before.joules_per_unit or 1.0)
    share = f"{significant(100 * abs(ratio - 1), 2)} %"
    return f"{share} less" if ratio < 1 else f"{share} more"
