"""Energy per unit against time per unit on one board: its points, and those that none other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from suite.leaderboard.drawing.labels import Field, Label, labels
from suite.leaderboard.drawing.logaxis import LogAxis, Tick, spanning
from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.ranking.frame import Row
from suite.units import Scale, amounts, column, grouped, half_width, plural, symbol

WIDTH, HEIGHT = 860.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 84.0, 850.0, 32.0, 350.0

MOST_POINTS = 150
"""More are not drawn: the frontier is kept whole, and of the others those of least energy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A row's place in the drawing, its whisker's ends, and its numbers as text."""

    row: Row
    x: float
    y: float
    low_y: float
    high_y: float
    on_frontier: bool
    energy: str
    interval: str
    rate: str
    label: Label | None = None  # the system's name, where there is room for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What all points of a board share: axes, and the scales of the numbers as text."""

    across: LogAxis
    up: LogAxis
    energy: Scale
    rate: Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """A board as points, least energy first. `steps` is the frontier as an SVG path."""

    board: Board
    energy_unit: str
    rate_unit: str
    plot: Plot
    points: tuple[Point, ...]
    hidden: int
    steps: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]

    @property
    def frontier(self) -> int:
        """How many points are on the frontier."""
        return sum(point.on_frontier for point in self.points)


def seconds_per_unit(row: Row) -> float:
    """Time for one unit of work."""
    return 1 / row.units_per_s


def frontier(rows: Sequence[Row]) -> list[Row]:
    """The rows that no other row beats or equals in both energy and time while beating it in one, fastest first."""
    kept: list[Row] = []
    for row in sorted(rows, key=lambda one: (seconds_per_unit(one), _joules(one))):
        if not kept or _joules(row) < _joules(kept[-1]) or _same(row, kept[-1]):
            kept.append(row)
    return kept


def _same(row: Row, other: Row) -> bool:
    return (row.units_per_s, row.joules_per_unit) == (other.units_per_s, other.joules_per_unit)


def _joules(row: Row) -> float:
    return row.joules_per_unit or 0.0


def finder(board: Board, rows: Sequence[Row]) -> Finder | None:
    """The drawing of these rows of the board, all with joules; None where there are none."""
    if not rows:
        return None
    best = frontier(rows)
    shown = _shown(rows, best)
    plot = Plot(
        across=spanning((seconds_per_unit(row) for row in shown), LEFT, RIGHT),
        up=spanning([end for row in shown for end in _ends(row)], BOTTOM, TOP),
        energy=column(_joules(row) for row in shown),
        rate=amounts([row.units_per_s for row in shown], board.unit),
    )
    kept = {id(row) for row in best}
    return Finder(
        board=board,
        energy_unit=f"{plot.energy.prefix}J/{symbol(board.unit)}",
        rate_unit=f"{plot.rate.prefix}{plural(board.unit)}/s",
        plot=plot,
        points=_named([_point(row, plot, on_frontier=id(row) in kept) for row in shown]),
        hidden=len(rows) - len(shown),
        steps=_steps(best, plot),
        across=plot.across.ticks(f"s/{symbol(board.unit)}"),
        up=plot.up.ticks(f"J/{symbol(board.unit)}"),
    )


def path_of(board: Board) -> str:
    """Where a board's drawing lies below the site's root."""
    return board.path.replace("boards/", "pareto/", 1)


def _shown(rows: Sequence[Row], best: Sequence[Row]) -> list[Row]:
    kept = {id(row) for row in best}
    others = sorted((row for row in rows if id(row) not in kept), key=_joules)
    return sorted([*best, *others[: max(0, MOST_POINTS - len(best))]], key=lambda one: (_joules(one), one.result))


def _ends(row: Row) -> tuple[float, float]:
    """The interval, of which nothing at or below zero can be drawn."""
    joules = _joules(row)
    low, high = row.joules_low or joules, row.joules_high or joules
    return (low if low > 0 else joules, high)


def _point(row: Row, plot: Plot, *, on_frontier: bool) -> Point:
    low, high = _ends(row)
    energy = row.energy
    return Point(
        row=row,
        x=plot.across.place(seconds_per_unit(row)),
        y=plot.up.place(_joules(row)),
        low_y=plot.up.place(low),
        high_y=plot.up.place(high),
        on_frontier=on_frontier,
        energy=plot.energy.number(energy.median, half_width(energy)) if energy else "",
        interval=(plot.energy.interval(energy) if energy else None) or "",
        rate=grouped(row.units_per_s / plot.rate.factor),
    )


def _named(points: Sequence[Point]) -> tuple[Point, ...]:
    """Each system once, at its point on the frontier if it has one; those on the frontier choose their places first."""
    wanted: dict[str, int] = {}
    for number in sorted(range(len(points)), key=lambda one: not points[one].on_frontier):
        wanted.setdefault(points[number].row.system_name, number)
    marks = [(point.x, point.y) for point in points]
    found = labels({number: name for name, number in wanted.items()}, marks, Field(LEFT, TOP, RIGHT, BOTTOM))
    return tuple(replace(point, label=found.get(number)) for number, point in enumerate(points))


def _steps(best: Sequence[Row], plot: Plot) -> str:
    """From the fastest on: less energy is only to be had for more time, so the line goes across and then down."""
    places = [(plot.across.place(seconds_per_unit(row)), plot.up.place(_joules(row))) for row in best]
    line = "".join(f"H{x}V{y}" for x, y in places[1:])
    return f"M{places[0][0]} {TOP}V{places[0][1]}{line}H{RIGHT}"
