"""Traces that were used twice. No two runs read a counter at the same nanoseconds, nor by the same steps. Pure."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from operator import sub

from suite.check.findings import Finding, error
from suite.record import Result
from suite.remembered import remembered
from suite.trace import Ticks

LEAST_STEPS = 10
"""Series of fewer different steps may be alike by chance."""

_REMAKE = "Submit the file as the suite wrote it."


def marks_of(result: Result) -> frozenset[str]:
    """What tells every trace of the result from all others, wherever its instants and its counters begin."""
    return frozenset(mark for _, marks in _parts(result) for mark in marks)


def replays(result: Result) -> Iterator[Finding]:
    """Traces that stand at more than one attempt, or at an attempt and the idle machine."""
    seen: dict[str, str] = {}
    for pointer, marks in _parts(result):
        twin = next((seen[mark] for mark in sorted(marks) if mark in seen), None)
        if twin is not None:
            yield error("replayed", f"{pointer}/ticks", f"its trace is that of {twin}", _REMAKE)
        seen.update(dict.fromkeys(marks - seen.keys(), pointer))


@remembered
def _parts(result: Result) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each trace's place and its marks."""
    idle = ((f"/idle/{index}", idle.ticks) for index, idle in enumerate(result.idle))
    attempts = (
        (f"/cells/{number}/attempts/{index}", attempt.ticks)
        for number, cell in enumerate(result.cells)
        for index, attempt in enumerate(cell.attempts)
    )
    return tuple((pointer, _marks(ticks)) for pointer, ticks in (*idle, *attempts))


def _marks(ticks: tuple[Ticks, ...]) -> frozenset[str]:
    return frozenset(mark for series in ticks for mark in _of(series))


def _of(series: Ticks) -> Iterator[str]:
    """The instants, and both kinds of steps: shifting or scaling one of them leaves another as it was.

    Instants of a perfect beat tell nothing: they differ by where it begins alone.
    """
    steps_ns = _steps(series.at_ns)
    steps_uj = _steps(series.energy_uj)
    if len(set(steps_ns)) >= LEAST_STEPS:
        yield _mark("at", array("q", series.at_ns))
        yield _mark("ns", steps_ns)
    if len(set(steps_uj)) >= LEAST_STEPS:
        yield _mark("uj", steps_uj)


def _steps(values: tuple[int, ...]) -> array[int]:
    """From each to the next. No file holds a number of more than 18 digits, so that they fit in 64 bits."""
    return array("q", map(sub, values[1:], values))


def _mark(kind: str, values: array[int]) -> str:
    return hashlib.sha256(kind.encode() + values.tobytes()).hexdigest()
