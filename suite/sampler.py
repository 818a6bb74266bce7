"""The process that reads meters into ticks. It knows no workload; workers know no meter; both know the clock.

Job (one JSON line on standard input): backend, device. It ends when its standard input closes.
Frames: "meters" once, then "ticks" every half second, "lost" when a meter stops answering, "end" with its own cost.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import select
import statistics
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TextIO

import backends
from backends.meters.base import CounterReset, Meter, MeterLost, Reading
from suite.processes import open_frames, send

PROBE_S = 1.2
PROBE_POLL_S = 0.0005
FLUSH_S = 0.5
KEEPALIVE_NS = 500_000_000
FAST_POLL_S, SLOW_POLL_S = 0.02, 0.05


def main() -> None:
    job = json.loads(sys.stdin.readline())
    frames = open_frames()
    metering = backends.load(job["backend"]).meters(job["device"])
    periods_s = probe(metering.meters)
    send(
        frames,
        "meters",
        meters=[
            dataclasses.asdict(meter.description) | {"update_period_s": period_s}
            for meter, period_s in zip(metering.meters, periods_s, strict=True)
        ],
        missing=[dataclasses.asdict(missing) for missing in metering.missing],
    )
    # A counter that moves rarely is polled faster than it moves, so that each tick is seen soon after it happens.
    poll_s = FAST_POLL_S if any(period_s >= FAST_POLL_S for period_s in periods_s) else SLOW_POLL_S
    _sample(metering.meters, frames, poll_s)
    used = resource.getrusage(resource.RUSAGE_SELF)
    send(frames, "end", cpu_s=used.ru_utime + used.ru_stime, peak_memory_bytes=used.ru_maxrss * 1024)
    for meter in metering.meters:
        meter.close()


def probe(meters: Sequence[Meter], span_s: float = PROBE_S) -> list[float]:
    """The update period of each counter, in seconds: the median time between the changes seen in `span_s`.

    A counter that changed fewer than three times is given the whole span: at least that slow, as far as one could see.
    """
    changes: list[list[Reading]] = [[meter.read()] for meter in meters]
    end = time.monotonic() + span_s
    while meters and time.monotonic() < end:
        for meter, seen in zip(meters, changes, strict=True):
            reading = meter.read()
            if reading.energy_uj != seen[-1].energy_uj:
                seen.append(reading)
        time.sleep(PROBE_POLL_S)
    return [_period_s(seen, span_s) for seen in changes]


def _period_s(seen: list[Reading], span_s: float) -> float:
    gaps_s = [(later.at_ns - earlier.at_ns) / 1e9 for earlier, later in pairwise(seen[1:])]
    return statistics.median(gaps_s) if len(gaps_s) >= 2 else span_s


def _sample(meters: Sequence[Meter], frames: TextIO, poll_s: float) -> None:
    series = [Series() for _ in meters]
    flush_at = time.monotonic() + FLUSH_S
    while not select.select([sys.stdin], [], [], poll_s)[0]:
        for index, (meter, one) in enumerate(zip(meters, series, strict=True)):
            if not one.lost:
                _read(index, meter, one, frames)
        if time.monotonic() >= flush_at:
            _flush(series, frames)
            flush_at += FLUSH_S
    _flush(series, frames)


@dataclasses.dataclass(slots=True)
class Series:
    """One meter's ticks since the last flush."""

    pending: list[Reading] = dataclasses.field(default_factory=list)
    newest: Reading | None = None
    lost: bool = False


def _read(index: int, meter: Meter, series: Series, frames: TextIO) -> None:
    try:
        reading = meter.read()
    except (MeterLost, CounterReset) as problem:
        series.lost = True
        send(frames, "lost", meter=index, detail=str(problem))
        return
    newest = series.newest
    # Only changes are ticks: between them a slow counter stands still, and so would the power drawn from it.
    if newest is None or reading.energy_uj != newest.energy_uj or reading.at_ns - newest.at_ns >= KEEPALIVE_NS:
        series.pending.append(reading)
        series.newest = reading


def _flush(series: Sequence[Series], frames: TextIO) -> None:
    for index, one in enumerate(series):
        if one.pending:
            ticks: dict[str, Any] = {
                "at_ns": [reading.at_ns for reading in one.pending],
                "energy_uj": [reading.energy_uj for reading in one.pending],
            }
            send(frames, "ticks", meter=index, **ticks)
            one.pending = []


if __name__ == "__main__":
    main()
