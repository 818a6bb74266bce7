"""How many sequences or images at once: a short sweep before a cell's first windows finds the batch that pays.

Pure but for `rates`, which is handed what it times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from suite.record import Attempt, BatchRate, Cell
from workloads.base import Spec

GAIN = 1.05
"""A larger batch must give this many times the units per second to be worth its latency and memory."""

MEMORY_SHARE = 0.5
"""Of the device's memory, what the largest batch tried may be expected to need."""

ENOUGH_S = 5.0
"""After this long no larger batch is begun."""

RateOf = Callable[[int], float]
"""batch -> units per second."""


def batches(spec: Spec, size: str, precision: str, memory_bytes: int | None) -> tuple[int, ...]:
    """The size's own batch and the larger ones of the spec that fit; empty where there is nothing to choose."""
    own = spec.sizes[size].batch
    larger = [batch for batch in spec.batches if batch > own and _fits(spec, size, batch, precision, memory_bytes)]
    return (own, *larger) if larger else ()


def _fits(spec: Spec, size: str, batch: int, precision: str, memory_bytes: int | None) -> bool:
    if memory_bytes is None:
        return False  # unknown is not large
    needed = spec.memory_bytes(spec.with_batch(size, batch).sizes[size], precision)
    return needed <= MEMORY_SHARE * memory_bytes


def rates(candidates: Sequence[int], rate_of: RateOf) -> Iterator[BatchRate]:
    """One rate a batch, rising, until a larger one gains too little or the time is over."""
    start_s = time.monotonic()
    found: list[BatchRate] = []
    for batch in candidates:
        found.append(BatchRate(batch=batch, units_per_s=rate_of(batch)))
        yield found[-1]
        if not _still_gains(found) or time.monotonic() - start_s > ENOUGH_S:
            return


def _still_gains(found: Sequence[BatchRate]) -> bool:
    return len(found) < 2 or found[-1].units_per_s >= GAIN * found[-2].units_per_s


def chosen(found: Sequence[BatchRate]) -> int:
    """The smallest batch that no larger one beats by GAIN. ValueError where nothing was tried."""
    best = max(one.units_per_s for one in found)
    return min(one.batch for one in found if GAIN * one.units_per_s > best)


def with_batch(cell: Cell, attempts: Sequence[Attempt]) -> Cell:
    """The cell as it ran, or is to run again: with the batch that the first sweep among its attempts chose."""
    found = next((attempt.sweep for attempt in attempts if attempt.sweep), ())
    return cell.model_copy(update={"batch": chosen(found)}) if found else cell
