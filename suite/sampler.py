"""The process that reads meters into ticks. It knows no workload; workers know no meter; both know the clock.

Job (one JSON line on standard input): a backend and its device, or a meter by its name. Further lines are "pause" and
"resume"; it ends when its standard input closes.
Frames: "meters" once, then "ticks" every half second (also when there are none: it is the sign of life), "event" and
"conditions" as they come, and "end" with its own cost.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import select
import statistics
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TextIO

import backends
from backends import meters as named_meters
from backends.base import Metering
from backends.memory import process_peak_bytes
from backends.meters.base import CounterReset, Gauge, Meter, MeterLost, Reading
from backends.meters.host_gauge import HostGauge
from suite.follower import Follower
from suite.processes import open_frames, send
from suite.tracker import Tracker, is_slow, spacing_ns

PROBE_S, NAMED_PROBE_S = 1.2, 6.0
"""How long counters are watched for their period; meters on the network are slower than those on the chip."""

STEADY = 12
PROBE_POLL_S = 0.0005
FLUSH_S = 0.5
GAUGE_S = 1.0
TOGETHER_NS = 500_000
"""Meters due within this are read in one wake-up."""


def main() -> None:
    job = json.loads(sys.stdin.readline())
    frames = open_frames()
    metering, probe_s = _open(job)
    periods_s = probe(metering.meters, probe_s)
    trackers = _trackers(metering.meters, periods_s)
    send(
        frames,
        "meters",
        meters=[
            dataclasses.asdict(meter.description) | {"update_period_s": period_s, "tick_width_s": tracker.width_s}
            for meter, period_s, tracker in zip(metering.meters, periods_s, trackers, strict=True)
        ],
        missing=[dataclasses.asdict(missing) for missing in metering.missing],
        rails=[dataclasses.asdict(rail) | {"update_period_s": 0.0, "tick_width_s": 0.0} for rail in metering.rails],
    )
    followers = [
        Follower(index, meter, tracker)
        for index, (meter, tracker) in enumerate(zip(metering.meters, trackers, strict=True))
    ]
    Sampler(followers, metering.gauges, frames).run()
    used = resource.getrusage(resource.RUSAGE_SELF)
    send(frames, "end", cpu_s=used.ru_utime + used.ru_stime, peak_memory_bytes=process_peak_bytes())
    for meter in metering.meters:
        meter.close()
    for gauge in metering.gauges:
        gauge.close()


def _trackers(meters: Sequence[Meter], periods_s: Sequence[float]) -> list[Tracker]:
    kinds = [(period_s, _is_steady(meter)) for meter, period_s in zip(meters, periods_s, strict=True)]
    apart_ns = spacing_ns(sum(is_slow(period_s, steady=steady) for period_s, steady in kinds))
    return [Tracker(period_s, steady=steady, spacing_ns=apart_ns) for period_s, steady in kinds]


def _is_steady(meter: Meter) -> bool:
    described = meter.description
    return described.method in ("integrated", "rails") or described.boundary == "wall"


def _open(job: dict[str, Any]) -> tuple[Metering, float]:
    """The meters of the job. The host is watched beside the backend's, once in a run."""
    if "meter" in job:
        return named_meters.open_named(job["meter"]), NAMED_PROBE_S
    metering = backends.load(job["backend"]).meters(job["device"])
    return dataclasses.replace(metering, gauges=(HostGauge(), *metering.gauges)), PROBE_S


def probe(meters: Sequence[Meter], span_s: float = PROBE_S) -> list[float]:
    """The update period of each counter, in seconds: the median time between the changes seen in `span_s`.

    A counter that changed fewer than three times is given the whole span: at least that slow, as far as one could see.
    A meter that does not answer now is given it too. A power that never changed is steady, and its integral is right
    whenever it is sampled: it is given a twelfth of the span, 0.1 s for a chip's.
    """
    changes: list[list[Reading]] = [[] for _ in meters]
    end = time.monotonic() + span_s
    while meters and time.monotonic() < end:
        for meter, seen in zip(meters, changes, strict=True):
            try:
                reading = meter.read()
            except (MeterLost, CounterReset):
                continue  # the sampling that follows tells it, with its instants
            if not seen or _moving(reading) != _moving(seen[-1]):
                seen.append(reading)
        time.sleep(PROBE_POLL_S)
    return [_period_s(seen, span_s) for seen in changes]


def _moving(reading: Reading) -> float:
    return reading.energy_uj if reading.power_w is None else reading.power_w


def _period_s(seen: list[Reading], span_s: float) -> float:
    gaps_s = [(later.at_ns - earlier.at_ns) / 1e9 for earlier, later in pairwise(seen[1:])]
    if len(gaps_s) >= 2:
        return statistics.median(gaps_s)
    return span_s / STEADY if len(seen) == 1 and seen[0].power_w is not None else span_s


class Sampler:
    """Reads each meter when it is due, and sends what it tells."""

    def __init__(self, followers: Sequence[Follower], gauges: Sequence[Gauge], frames: TextIO) -> None:
        self._followers, self._gauges, self._frames = followers, gauges, frames
        self._flush_ns = self._gauge_ns = time.monotonic_ns()
        self._commands = b""

    def run(self) -> None:
        """Until standard input closes."""
        while True:
            due_ns = min([self._flush_ns, self._gauge_ns, *(one.due_ns for one in self._followers)])
            wait_s = max(0.0, (due_ns - time.monotonic_ns()) / 1e9)
            if select.select([sys.stdin], [], [], wait_s)[0] and not self._obey():
                break
            self._work()
        self._flush()

    def _obey(self) -> bool:
        """Take a command; False at the end of commands. While paused nothing at all is read."""
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            return False
        *lines, self._commands = (self._commands + data).split(b"\n")
        if b"pause" in lines and lines[-1] != b"resume":
            self._flush()
            return self._sleep()
        return True

    def _sleep(self) -> bool:
        """Wait for the next command, then for the meters to be read anew."""
        select.select([sys.stdin], [], [])
        return self._obey()

    def _work(self) -> None:
        now_ns = time.monotonic_ns() + TOGETHER_NS
        for follower in self._followers:
            if follower.due_ns <= now_ns:
                for event in follower.read(time.monotonic_ns()):
                    send(self._frames, "event", **event)
        if self._gauge_ns <= now_ns:
            self._look()
            self._gauge_ns = time.monotonic_ns() + int(GAUGE_S * 1e9)
        if self._flush_ns <= now_ns:
            self._flush()
            self._flush_ns = time.monotonic_ns() + int(FLUSH_S * 1e9)

    def _look(self) -> None:
        for gauge in self._gauges:
            at_ns = time.monotonic_ns()
            try:
                values = gauge.read()
            except MeterLost:
                continue  # the meter of the same domain says so, with its instants
            send(self._frames, "conditions", domain=gauge.domain, at_ns=at_ns, values=dict(values))

    def _flush(self) -> None:
        series = [
            {"meter": one.index, "at_ns": at_ns, "energy_uj": energy_uj}
            for one in self._followers
            for at_ns, energy_uj in [one.take_ticks()]
            if at_ns
        ]
        send(self._frames, "ticks", at_ns=time.monotonic_ns(), series=series)


if __name__ == "__main__":
    main()
