"""What a number's interval is made of, and what would narrow it."""

from __future__ import annotations

from dataclasses import dataclass

from suite.leaderboard.drawing.chart import MARK_WIDTH, Mark
from suite.statistics import Parts, Summary
from suite.units import percent

NEGLIGIBLE = 1e-4
"""A share of the number below this is not told apart from nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One part: its half-width as a share of the number, drawn beside the others, and what makes it smaller."""

    name: str
    share: str
    mark: Mark
    cure: str


_SOURCES = (
    ("repeats", "repeats", "repeats differ: a larger --budget buys more of them"),
    ("quantisation", "counter's steps", "the counter moves in steps: longer windows, which a larger --budget gives"),
    ("edges", "edges", "the counter is not seen at a window's very ends: longer windows"),
    (
        "calibration",
        "calibration",
        "the meter's own scale: no repeat narrows it; rows of one meter share it",
    ),
    ("range", "estimate's range", "published watts are a range: only a meter ends it"),
)
"""Field of `suite.statistics.Parts`, its name for readers, and its cure."""


def sources(energy: Summary | None) -> tuple[Source, ...]:
    """The parts that are not nothing, each at 95 % and alone, the largest first; empty where there is no interval.

    Bars are to one scale: the whole half-width fills the drawing.
    """
    if energy is None or energy.parts is None or not energy.median:
        return ()
    found = [(getattr(energy.parts, field), name, cure) for field, name, cure in _SOURCES]
    return tuple(
        Source(name=name, share=_share(half / energy.median), mark=_mark(half, energy.parts), cure=cure)
        for half, name, cure in sorted(found, key=lambda one: -one[0])
        if half
    )


def _mark(half: float, parts: Parts) -> Mark:
    return Mark(round(MARK_WIDTH * half / parts.half_width, 2), is_bar=True, low=None, high=None)


def _share(share: float) -> str:
    return f"under {percent(NEGLIGIBLE, 1)}" if abs(share) < NEGLIGIBLE else f"± {percent(share)}"
