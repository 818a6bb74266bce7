"""One meter, followed: its readings become ticks, its failures become events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backends.meters.base import CounterReset, Meter, MeterLost, Reading
from suite.tracker import BEAT_NS, Tracker

RETRY_NS = 500_000_000
"""How soon a meter that was lost is asked again."""

LEAST_WAIT_NS = 1_000_000

GAP_NS, GAP_PERIODS = 1_000_000_000, 3
"""A power that was not read for longer than both was not integrated but guessed."""

FORGIVEN = 1
"""A counter may fail to answer so often in a row: it goes on counting meanwhile, and nothing is lost."""


class Follower:
    """Reads one meter when its tracker says so. It never raises for what the meter does."""

    def __init__(self, index: int, meter: Meter, tracker: Tracker) -> None:
        self.index = index
        self._meter, self._tracker = meter, tracker
        self._integrates = meter.description.method == "integrated"
        self._forgiven = 0 if self._integrates else FORGIVEN
        self._failures = 0
        self._good_ns: int | None = None  # when it last answered
        self._at_ns: list[int] = []
        self._energy_uj: list[int] = []

    @property
    def due_ns(self) -> int:
        return self._tracker.due_ns

    def read(self, now_ns: int) -> Iterator[dict[str, Any]]:
        """One reading; yields the events it gives, as frames' fields."""
        since_ns = now_ns if self._good_ns is None else self._good_ns
        try:
            reading = self._meter.read()
        except MeterLost as lost:
            yield from self._lost(since_ns, now_ns, str(lost))
            return
        except CounterReset as reset:
            self._tracker.forget()
            self._tracker.due_ns = now_ns + BEAT_NS
            yield self._event("counter_fell", since_ns, now_ns, str(reset))
            return
        yield from self._took(reading, now_ns)

    def _took(self, reading: Reading, now_ns: int) -> Iterator[dict[str, Any]]:
        since_ns = reading.at_ns if self._good_ns is None else self._good_ns
        if self._failures > self._forgiven:
            self._tracker.forget()
            yield self._event("meter_lost", since_ns, reading.at_ns, "answers again")
        elif self._integrates and reading.at_ns - since_ns > max(GAP_NS, GAP_PERIODS * self._tracker.period_s * 1e9):
            yield self._event("meter_lost", since_ns, reading.at_ns, "was not read in time")
        self._failures, self._good_ns = 0, reading.at_ns
        stuck_ns = self._tracker.stuck_since_ns
        ticks = self._tracker.take(reading)
        # A meter that shares its answers may stamp one with an instant long past: ask for the next one later than now.
        self._tracker.due_ns = max(self._tracker.due_ns, now_ns + LEAST_WAIT_NS)
        self._at_ns += [tick.at_ns for tick in ticks]
        self._energy_uj += [tick.energy_uj for tick in ticks]
        yield from self._stuck(stuck_ns, reading, on_record=bool(ticks))

    def _stuck(self, before_ns: int | None, reading: Reading, *, on_record: bool) -> Iterator[dict[str, Any]]:
        """Said as often as it is on record, and at the end once more: up to there the counter was no counter."""
        if self._integrates:
            return  # a power of zero may be the truth: its integral stands still
        since_ns = self._tracker.stuck_since_ns
        if since_ns is not None and on_record:
            yield self._event("counter_stuck", since_ns, reading.at_ns, "stands still")
        elif since_ns is None and before_ns is not None:
            yield self._event("counter_stuck", before_ns, reading.at_ns, "moves again")

    def _lost(self, since_ns: int, now_ns: int, detail: str) -> Iterator[dict[str, Any]]:
        self._failures += 1
        patient = self._failures <= self._forgiven
        self._tracker.due_ns = now_ns + (BEAT_NS if patient else RETRY_NS)
        if not patient:
            yield self._event("meter_lost", since_ns, now_ns, detail)

    def _event(self, code: str, start_ns: int, end_ns: int, detail: str) -> dict[str, Any]:
        return {"code": code, "start_ns": start_ns, "end_ns": end_ns, "meter": self.index, "detail": detail}

    def take_ticks(self) -> tuple[list[int], list[int]]:
        """The ticks since the last call."""
        taken = (self._at_ns, self._energy_uj)
        self._at_ns, self._energy_uj = [], []
        return taken
