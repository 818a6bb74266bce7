"""Scores as a reader sees them: standings for the page of scores, and a system's own scores and their history."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from suite.leaderboard.ranking.basket import Basket, Item, Reference, baskets, reference
from suite.leaderboard.ranking.boards import Board, band_text
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.score import Part, Scored, Standing, scored, standings
from suite.leaderboard.render import Pages
from suite.statistics import Summary
from suite.units import Scale, column, digits_for, grouped, half_width, quantity, symbol

PAGE = "scores.html"
LINES_ON_PAGE = 80
"""About as many systems are listed on the page of scores, which stays below 3,000 elements; the files hold them all."""
OPENED_ON_PAGE = 9
"""As many scores open into their parts on that page; those of other systems do so on the system's page."""
DRAWN = 120.0
"""How wide the drawing of a part's points is."""
DATES = 6
"""As many dates of a system's history are shown, the newest ones."""

_POINTS = Scale(1.0, "")
_Banded = tuple[Scored, tuple[int, int] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """A part of a score as text."""

    part: Part
    energy: str
    interval: str | None
    reference: str
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """A score as text; `score` and `interval` are None without full coverage, `rank` where it is not ranked."""

    scored: Scored
    rank: str | None
    score: str | None
    interval: str | None
    parts: tuple[PartLine, ...]
    best: PartLine
    worst: PartLine
    command: str | None  # does what is missing; None when nothing is

    @property
    def anchor(self) -> str:
        """Where it opens into its parts on the system's page."""
        one = self.scored
        return f"score-{one.basket.slug}-{one.boundary}-{one.meter_class}-{one.backend}"

    @property
    def strongest_first(self) -> tuple[PartLine, ...]:
        """Strengths at the top, weaknesses at the bottom."""
        return tuple(sorted(self.parts, key=lambda one: -one.part.points))

    @property
    def axis(self) -> str:
        """From where to where the bars of the parts run."""
        low, high = self._ends
        return f"{grouped(low, 2)} to {grouped(high, 2)}"

    def place(self, points: float) -> float:
        """Where so many points lie in the drawing, which is logarithmic."""
        low, high = self._ends
        return round(DRAWN * math.log(points / low) / math.log(high / low), 1)

    @property
    def _ends(self) -> tuple[float, float]:
        """All parts, and twice as much or half as much as 100 at least."""
        points = [one.part.points for one in self.parts]
        return min(50.0, *points), max(200.0, *points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A standing ready to print."""

    standing: Standing
    complete: tuple[ScoreLine, ...]
    partial: tuple[ScoreLine, ...]
    hidden: int  # systems left out of this view
    opened: int  # as many of the first lines open into their parts here


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a system's results of one date alone would give."""

    date: str
    software: tuple[str, ...]
    results: tuple[str, ...]
    coverage: str
    score: str | None
    interval: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemScore:
    """One of a system's scores, and the dates it came about on, newest first."""

    line: ScoreLine
    days: tuple[Day, ...]
    hidden: int  # older dates


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """All scores of one basket."""

    basket: Basket
    reference: Reference
    standings: tuple[Standing, ...]
    systems: Mapping[str, tuple[SystemScore, ...]]

    def key(self, system: str) -> list[object]:
        """A name for all that a system's own scores show: its rows, their dates, and its rank among others."""
        return [self.reference.sha256, *(_key(one) for one in self.systems.get(system, ()))]


def _key(one: SystemScore) -> tuple[object, ...]:
    shown = one.line
    rows = [(part.part.row.result, part.part.row.cell) for part in shown.parts]
    return (shown.anchor, shown.rank, shown.score, shown.interval, rows, one.days, one.hidden)


def scorings(boards: Iterable[Board]) -> tuple[Scoring, ...]:
    """The scores of every basket, from the rows of all boards."""
    work: dict[Item, list[Row]] = defaultdict(list)
    for board in boards:
        kind = Item(board.workload, board.mode, board.size, board.version, board.unit)
        work[kind].extend(placed.row for placed in board.placed)
    return tuple(_scoring([row for kind in basket.items for row in work[kind]], basket) for basket in baskets())


def _scoring(rows: Sequence[Row], basket: Basket) -> Scoring:
    fixed = reference(basket)
    found = standings(rows, basket, fixed)
    days: dict[tuple[str, str, str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        days[row.system, row.backend, row.boundary, row.meter_class][row.date].append(row)
    systems: dict[str, list[SystemScore]] = defaultdict(list)
    for one, band in chain.from_iterable(chain(*map(_banded, found))):
        dated = days[one.system, one.backend, one.boundary, one.meter_class]
        systems[one.system].append(_system_score(line(one, band), dated, fixed))
    return Scoring(
        basket=basket,
        reference=fixed,
        standings=found,
        systems={name: tuple(own) for name, own in systems.items()},
    )


def _banded(standing: Standing) -> tuple[list[_Banded], list[_Banded]]:
    """The systems with full coverage and those without, each with its ranks."""
    bands = standing.bands or (None,) * len(standing.complete)
    return list(zip(standing.complete, bands, strict=True)), [(one, None) for one in standing.partial]


def _system_score(shown: ScoreLine, dated: Mapping[str, Sequence[Row]], fixed: Reference) -> SystemScore:
    newest = sorted(dated, reverse=True)
    days = [_day(date, dated[date], shown.scored.basket, fixed) for date in newest[:DATES]]
    return SystemScore(line=shown, days=tuple(filter(None, days)), hidden=max(0, len(newest) - DATES))


def _day(date: str, rows: Sequence[Row], basket: Basket, fixed: Reference) -> Day | None:
    one = scored(rows, basket, fixed)
    if one is None:
        return None
    return Day(
        date=date,
        software=tuple(sorted({f"{row.framework} {row.framework_version or ''}".strip() for row in rows})),
        results=tuple(sorted({row.result for row in rows})),
        coverage=one.coverage,
        score=_points(one.score),
        interval=None if one.score is None else _POINTS.interval(one.score),
    )


def line(one: Scored, band: tuple[int, int] | None) -> ScoreLine:
    parts = {part.item: _part(part) for part in one.parts}
    return ScoreLine(
        scored=one,
        rank=band_text(band),
        score=_points(one.score),
        interval=None if one.score is None else _POINTS.interval(one.score),
        parts=tuple(parts.values()),
        best=parts[one.best.item],
        worst=parts[one.worst.item],
        command=command(one.backend, one.missing) if one.missing else None,
    )


def _points(score: Summary | None) -> str | None:
    return None if score is None else _POINTS.number(score.median, half_width(score))


def _part(part: Part) -> PartLine:
    energy, unit = part.energy, f"J/{symbol(part.item.unit)}"
    scale = column([energy.median])
    half = half_width(energy)
    return PartLine(
        part=part,
        energy=f"{scale.number(energy.median, half)} {scale.prefix}{unit}",
        interval=scale.interval(energy),
        reference=quantity(part.reference_joules_per_unit, unit),
        points=grouped(part.points, digits_for(energy.median, half)),
    )


def command(backend: str, missing: Sequence[Item]) -> str:
    """What to type to have the missing items measured."""
    workloads = sorted({one.workload for one in missing})
    only = f" --workload {workloads[0]}" if len(workloads) == 1 else ""
    return f"python -m suite run --backend {backend}{only} --size {missing[0].size} --budget 1h"


def write_page(found: Sequence[Scoring], date: str | None, pages: Pages) -> None:
    """The page of scores."""
    every = [standing for scoring in found for standing in scoring.standings]
    most = max(3, LINES_ON_PAGE // (2 * max(1, len(every))))
    opened = max(1, OPENED_ON_PAGE // max(1, sum(bool(standing.complete) for standing in every)))
    shown = [(scoring, [_table(standing, most, opened) for standing in scoring.standings]) for scoring in found]
    pages.write(PAGE, "scores.html", date=date, shown=shown)


def _table(standing: Standing, most: int, opened: int) -> Table:
    complete, partial = _banded(standing)
    shown = [line(one, band) for one, band in (*complete[:most], *partial[:most])]
    return Table(
        standing=standing,
        complete=tuple(shown[: len(complete[:most])]),
        partial=tuple(shown[len(complete[:most]) :]),
        hidden=len(complete) + len(partial) - len(shown),
        opened=opened,
    )
