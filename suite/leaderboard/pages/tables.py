"""Boards to tables of text: every number scaled, rounded to what its interval supports, and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.leaderboard.drawing.chart import Axis, Mark, axis, mark
from suite.leaderboard.ranking.boards import Board, Placed, band_text
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.trust import Claim
from suite.leaderboard.words import flags
from suite.reasons import Reason
from suite.roofline import Limit, limited_by, over_floor
from suite.units import Scale, amounts, column, grouped, half_width, plural, symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row as text. None is unknown, and `reasons` say why."""

    row: Row
    rank: str | None
    energy: str | None
    interval: str | None
    mark: Mark | None
    rate: str
    power: str | None
    over_floor: str | None
    limited_by: Limit | None
    reasons: tuple[Reason, ...]
    claim: Claim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A board, or its first lines, ready to print."""

    board: Board
    energy_unit: str
    energy_factor: float  # joules in one `energy_unit`, per unit of work
    rate_unit: str
    rate_factor: float  # units of work per second in one `rate_unit`
    lines: tuple[Line, ...]
    hidden: int  # lines left out of this view
    axis: str | None  # from where to where the marks run
    logarithmic: bool
    has_floors: bool  # whether any row's machine was calibrated


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What all lines of a board share: the units they are told in, and the axis they are drawn on."""

    energy: Scale
    speed: Scale
    drawn: Axis | None
    has_floors: bool


def scales(board: Board) -> Scales:
    """Those that suit all of the board's rows."""
    energies = [energy for energy in (placed.row.energy for placed in board.placed) if energy]
    return Scales(
        energy=column(energy.median for energy in energies),
        speed=amounts([placed.row.units_per_s for placed in board.placed], board.unit),
        drawn=axis(energies),
        has_floors=any(placed.row.floor_excess is not None for placed in board.placed),
    )


def table(board: Board, placed: Sequence[Placed] | None = None, on: Scales | None = None) -> Table:
    """All of the board's lines, or only those of `placed`, on the scales of the whole board."""
    on, placed = on or scales(board), board.placed if placed is None else placed
    scale, drawn, speed = on.energy, on.drawn, on.speed
    return Table(
        board=board,
        energy_unit=f"{scale.prefix}J/{symbol(board.unit)}",
        energy_factor=scale.factor,
        rate_unit=f"{speed.prefix}{plural(board.unit)}/s",
        rate_factor=speed.factor,
        lines=tuple(line(one, scale, drawn, speed) for one in placed),
        hidden=len(board.placed) - len(placed),
        axis=None
        if drawn is None
        else f"{grouped(drawn.low / scale.factor, 2)} to {grouped(drawn.high / scale.factor, 2)}",
        logarithmic=drawn is not None and drawn.logarithmic,
        has_floors=on.has_floors,
    )


def line(placed: Placed, scale: Scale, drawn: Axis | None, speed: Scale) -> Line:
    row, energy = placed.row, placed.row.energy
    return Line(
        row=row,
        rank=band_text(placed.band),
        energy=scale.number(energy.median, half_width(energy)) if energy else None,
        interval=scale.interval(energy) if energy else None,
        mark=mark(energy, drawn) if energy and drawn else None,
        rate=grouped(row.units_per_s / speed.factor),
        power=None if row.mean_power_w is None else grouped(row.mean_power_w),
        over_floor=over_floor(row.meter_class, row.floor_excess, row.floor_excess_low, row.floor_excess_high),
        limited_by=limited_by(row.mfu, row.mbu),
        reasons=flags(row.reasons),
        claim=placed.claim,
    )
