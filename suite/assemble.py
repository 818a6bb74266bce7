"""A journal's events to a result. Pure: the same events always give the same file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from suite.energy import Meter
from suite.journal import Event
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
    Work,
)


class Begin(Model):
    """The first event: everything that was fixed before the first cell."""

    id: str
    date: str
    system: System
    software: Software
    backend: str
    plan: Plan
    works: tuple[Work, ...]  # one for each planned cell
    meters: tuple[Meter, ...]
    missing_meters: tuple[MissingMeter, ...]


class Tried(Model):
    """An attempt has ended."""

    cell: Cell
    attempt: Attempt
    windows_s: float
    sampler_s: float
    controller_s: float
    spent_s: float


def fields(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("seq", "previous", "kind")}


def begin_of(events: Sequence[Event]) -> Begin:
    return Begin.model_validate_json(json.dumps(fields(events[0])))


def tried_of(events: Sequence[Event]) -> list[Tried]:
    return [Tried.model_validate_json(json.dumps(fields(event))) for event in events if event["kind"] == "tried"]


def idle_of(events: Sequence[Event]) -> list[Idle]:
    return [Idle.model_validate_json(json.dumps(fields(event))) for event in events if event["kind"] == "idle"]


def assemble(events: Sequence[Event], journal_sha256: str) -> Result:
    """The result so far: every planned cell that was tried, in the plan's order."""
    begin, tried = begin_of(events), tried_of(events)
    idle = {one.when: one for one in idle_of(events)}
    attempts: dict[Cell, list[Attempt]] = {}
    for one in tried:
        attempts.setdefault(one.cell, []).append(one.attempt)
    return Result(
        schema_version=1,
        id=begin.id,
        date=begin.date,
        complete=any(event["kind"] == "end" for event in events),
        system=begin.system,
        software=begin.software,
        backend=begin.backend,
        plan=begin.plan,
        meters=begin.meters,
        missing_meters=begin.missing_meters,
        idle=tuple(idle[when] for when in ("before", "after") if when in idle),
        cells=tuple(
            CellResult(cell=planned.cell, work=work, attempts=tuple(attempts[planned.cell]))
            for planned, work in zip(begin.plan.cells, begin.works, strict=True)
            if planned.cell in attempts
        ),
        overhead=_overhead(events, tried),
        journal_sha256=journal_sha256,
    )


def _overhead(events: Sequence[Event], tried: Sequence[Tried]) -> Overhead | None:
    windows_s = sum(one.windows_s for one in tried)
    memory = [event["peak_memory_bytes"] for event in events if event["kind"] == "memory"]
    if not windows_s or not memory:
        return None
    return Overhead(
        sampler_share=sum(one.sampler_s for one in tried) / windows_s,
        controller_share=sum(one.controller_s for one in tried) / windows_s,
        peak_memory_bytes=max(memory),
    )
