"""Traces that were used twice. No two runs read a counter at the same nanoseconds, nor by the same steps. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise

from suite.check.findings import Finding, error
from suite.record import Attempt, Idle, Result
from suite.trace import Ticks

LEAST_STEPS = 10
"""Series of fewer different steps may be alike by chance."""

_REMAKE = "Submit the file as the suite wrote it."


def marks_of(result: Result) -> frozenset[str]:
    """What tells every trace of the result from all others, wherever its instants and its counters begin."""
    return frozenset(mark for _, part in _parts(result) for mark in _marks(part.ticks))


def replays(result: Result) -> Iterator[Finding]:
    """Traces that stand at more than one attempt, or at an attempt and the idle machine."""
    seen: dict[str, str] = {}
    for pointer, part in _parts(result):
        marks = _marks(part.ticks)
        twin = next((seen[mark] for mark in sorted(marks) if mark in seen), None)
        if twin is not None:
            yield error("replayed", f"{pointer}/ticks", f"its trace is that of {twin}", _REMAKE)
        seen.update(dict.fromkeys(marks - seen.keys(), pointer))


def _parts(result: Result) -> Iterator[tuple[str, Idle | Attempt]]:
    for index, idle in enumerate(result.idle):
        yield f"/idle/{index}", idle
    for number, cell in enumerate(result.cells):
        for index, attempt in enumerate(cell.attempts):
            yield f"/cells/{number}/attempts/{index}", attempt


def _marks(ticks: tuple[Ticks, ...]) -> frozenset[str]:
    return frozenset(mark for series in ticks for mark in _of(series))


def _of(series: Ticks) -> Iterator[str]:
    """The instants, and both kinds of steps: shifting or scaling one of them leaves another as it was.

    Instants of a perfect beat tell nothing: they differ by where it begins alone.
    """
    steps_ns = tuple(later - earlier for earlier, later in pairwise(series.at_ns))
    steps_uj = tuple(later - earlier for earlier, later in pairwise(series.energy_uj))
    if len(set(steps_ns)) >= LEAST_STEPS:
        yield _mark("at", series.at_ns)
        yield _mark("ns", steps_ns)
    if len(set(steps_uj)) >= LEAST_STEPS:
        yield _mark("uj", steps_uj)


def _mark(kind: str, values: tuple[int, ...]) -> str:
    return hashlib.sha256(f"{kind}{values}".encode()).hexdigest()
