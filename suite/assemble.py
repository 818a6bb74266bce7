"""A journal's events to a result. Pure: the same events always give the same file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from suite.identity import UNSEALED, sealed
from suite.journal import Event
from suite.keep import energies
from suite.record import (
    Attempt,
    Cell,
    CellResult,
    Idle,
    MissingMeter,
    Model,
    Overhead,
    Plan,
    Result,
    Software,
    System,
    Throughput,
    Work,
)
from suite.sweep import with_batch
from suite.trace import Meter, Ticks


class Begin(Model):
    """The first event: everything that was fixed before the first cell."""

    id: str  # the run's own: made up, so that no two journals are alike
    date: str
    system: System
    software: Software
    backend: str
    plan: Plan
    meters: tuple[Meter, ...]
    missing_meters: tuple[MissingMeter, ...]


class Tried(Model):
    """An attempt has ended."""

    cell: Cell  # as planned: an attempt's sweep may have chosen another batch
    work: Work  # with the batch that ran
    attempt: Attempt
    windows_s: float
    sampler_s: float
    controller_s: float
    spent_s: float
    origin_ns: int  # CLOCK_MONOTONIC
    clock: tuple[tuple[int, float], ...]  # (CLOCK_MONOTONIC ns, how far the wall clock was ahead of it)


class Joined(Model):
    """A meter that was read after the run: its ticks for each attempt, in the order they were tried."""

    meter: Meter
    ticks: tuple[Ticks | None, ...]


def fields(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("seq", "previous", "kind")}


def begin_of(events: Sequence[Event]) -> Begin:
    return Begin.model_validate_json(json.dumps(fields(events[0])))


def tried_of(events: Sequence[Event]) -> list[Tried]:
    return [Tried.model_validate_json(json.dumps(fields(event))) for event in events if event["kind"] == "tried"]


def idle_of(events: Sequence[Event]) -> list[Idle]:
    return [Idle.model_validate_json(json.dumps(fields(event))) for event in events if event["kind"] == "idle"]


def assemble(events: Sequence[Event], journal_sha256: str) -> Result:
    """The result so far: every planned cell that was tried, in the plan's order; its id is that of its content."""
    begin, tried = begin_of(events), tried_of(events)
    idle = {one.when: one for one in idle_of(events)}
    joined = _joined_of(events)
    meters = begin.meters + tuple(one.meter for one in joined)
    attempts: dict[Cell, list[Attempt]] = {}
    for index, one in enumerate(tried):
        attempts.setdefault(one.cell, []).append(_with(one.attempt, meters, [each.ticks[index] for each in joined]))
    works = {one.cell: one.work for one in tried}
    made = Result(
        schema_version=4,
        id=UNSEALED,
        date=begin.date,
        complete=any(event["kind"] == "end" for event in events),
        system=begin.system,
        software=begin.software,
        backend=begin.backend,
        plan=begin.plan,
        meters=meters,
        missing_meters=begin.missing_meters + _missing_of(events),
        idle=tuple(idle[when] for when in ("before", "after") if when in idle),
        cells=tuple(
            CellResult(
                cell=with_batch(planned.cell, attempts[planned.cell]),
                work=works[planned.cell],
                attempts=tuple(attempts[planned.cell]),
            )
            for planned in begin.plan.cells
            if planned.cell in attempts
        ),
        overhead=_overhead(events, tried),
        journal_sha256=journal_sha256,
    )
    return sealed(made)


def _joined_of(events: Sequence[Event]) -> list[Joined]:
    return [Joined.model_validate_json(json.dumps(fields(event))) for event in events if event["kind"] == "joined"]


def _missing_of(events: Sequence[Event]) -> tuple[MissingMeter, ...]:
    """Meters that were to be read after the run and could not be."""
    return tuple(MissingMeter(**fields(event)) for event in events if event["kind"] == "missing")


def _with(attempt: Attempt, meters: Sequence[Meter], joined: Sequence[Ticks | None]) -> Attempt:
    """The attempt with the ticks of meters read afterwards, its joules computed anew."""
    if not joined:
        return attempt
    ticks = attempt.ticks + tuple(series for series in joined if series is not None)
    found = energies(meters, ticks, attempt.windows, attempt.events)
    return attempt.model_copy(update={"ticks": ticks, "energies": found})


def _overhead(events: Sequence[Event], tried: Sequence[Tried]) -> Overhead | None:
    windows_s = sum(one.windows_s for one in tried)
    memory = [event["peak_memory_bytes"] for event in events if event["kind"] == "memory"]
    if not windows_s or not memory:
        return None
    compared = [Throughput(**fields(event)) for event in events if event["kind"] == "throughput"]
    return Overhead(
        sampler_share=sum(one.sampler_s for one in tried) / windows_s,
        controller_share=sum(one.controller_s for one in tried) / windows_s,
        peak_memory_bytes=max(memory),
        throughput=compared[-1] if compared else None,
    )
