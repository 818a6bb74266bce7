"""A cell's figure as a badge: a small drawing at a lasting address, made to be shown on other pages."""

from __future__ import annotations

from dataclasses import dataclass

from suite.leaderboard.result.citation import configuration, figure, work
from suite.leaderboard.result.details import CellView
from suite.record import Result

LETTER_WIDTH, MARGIN = 6.2, 7.0
"""Of 11 px letters; the drawing stretches or narrows its text to this, whatever font the reader has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """`kind`, which is a meter class or "bad", sets the colour; `title` says all that has no room in the drawing."""

    label: str
    message: str
    kind: str
    title: str

    @property
    def label_length(self) -> float:
        return round(LETTER_WIDTH * len(self.label), 1)

    @property
    def message_length(self) -> float:
        return round(LETTER_WIDTH * len(self.message), 1)

    @property
    def label_width(self) -> float:
        return self.label_length + 2 * MARGIN

    @property
    def width(self) -> float:
        return self.label_width + self.message_length + 2 * MARGIN


def of_cell(result: Result, cell: CellView) -> Badge:
    """The figure with its interval and class; where there is none, why."""
    cost = cell.main_cost
    label = work(cell)
    title = (
        f"{result.system.name}, {label}, {configuration(cell)}: {figure(cell)}. Joulemark {result.id}, {result.date}"
    )
    if cost is None:
        return Badge(label=label, message=f"no number: {cell.result.outcome}", kind="bad", title=title)
    if cost.energy is None:
        return Badge(label=label, message="energy unknown", kind="none", title=title)
    interval = "no interval" if cost.interval is None else cost.interval
    told = f"{cost.energy} {cost.energy_unit} ({interval}), {cost.meter_class}"
    return Badge(label=label, message=told, kind=cost.meter_class, title=title)


def of_withdrawn(result: str, date: str) -> Badge:
    """In place of each of a result's badges, so that pages elsewhere do not go on showing its figures."""
    return Badge(label="Joulemark", message="withdrawn", kind="bad", title=f"Result {result} was withdrawn on {date}")
