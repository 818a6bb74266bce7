"""What happened during an attempt, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.leaderboard.words import FOLLOWS, reason
from suite.reasons import Reason
from suite.record import Attempt
from suite.trace import Event, Meter, Window

MOST_EVENTS = 40
"""A page lists so many; the file holds the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """One event: its code, when, what it concerns, the windows it touches, and what its policy says."""

    reason: Reason
    when: str
    concerns: str
    windows: str | None  # None: the attempt has none
    detail: str | None
    follows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """The first events of an attempt and how many more there are."""

    lines: tuple[EventLine, ...]
    hidden: int


def happened(meters: Sequence[Meter], attempt: Attempt) -> Happened:
    """Those that touch a window come first, each group in order of time."""
    events = sorted(attempt.events, key=lambda event: (not _touched(event, attempt.windows), event.start_ns))
    return Happened(
        lines=tuple(_line(meters, attempt.windows, event) for event in events[:MOST_EVENTS]),
        hidden=max(0, len(events) - MOST_EVENTS),
    )


def _line(meters: Sequence[Meter], windows: Sequence[Window], event: Event) -> EventLine:
    found = reason(event.code)
    return EventLine(
        reason=found,
        when=_when(event),
        concerns=_concerns(meters, event),
        windows=_windows(_touched(event, windows)) if windows else None,
        detail=event.detail,
        follows=FOLLOWS[found.policy],
    )


def _when(event: Event) -> str:
    start, end = (f"{at_ns / 1e9:,.1f}" for at_ns in (event.start_ns, event.end_ns))
    return f"{start} s" if start == end else f"{start}–{end} s"


def _concerns(meters: Sequence[Meter], event: Event) -> str:
    if event.meter is not None:
        meter = meters[event.meter]
        return f"{meter.domain}, {meter.source}"
    return event.domain or "whole machine"


def _touched(event: Event, windows: Sequence[Window]) -> list[int]:
    """The windows' numbers, from 1."""
    return [number for number, window in enumerate(windows, start=1) if event.touches(window)]


def _windows(numbers: Sequence[int]) -> str:
    """Windows follow each other, so an event touches a run of them."""
    if not numbers:
        return "outside the windows"
    first, last = numbers[0], numbers[-1]
    return f"window {first}" if first == last else f"windows {first}–{last}"
