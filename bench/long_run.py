"""What long runs do to memory and to the result file, with time sped up and the program's own structures.

    python bench/long_run.py [--hours 10]

Twenty meters: eight counters that move every 100 ms, eight powers integrated beside them, four RAPL domains. The
sampler's side (trackers, followers, frames) and the controller's (the tape, never cut, which is its worst case) run in
a process each, and their peak memory is shown; then the size of what a run of ten minutes keeps. Tables in Markdown on
standard output, progress on standard error. The 10 hours take some minutes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from io import StringIO
from pathlib import Path

from backends.memory import process_peak_bytes
from backends.meters.base import Description, Method, Reading
from suite.follower import Follower
from suite.keep import thinned, what_happened
from suite.link import Link
from suite.sampler import FLUSH_S, Sampler
from suite.tape import Tape
from suite.trace import Window
from suite.tracker import Tracker

SECOND_NS = 1_000_000_000
LATE_NS = 200_000
"""How late a wake-up may be."""

GPU_LOOK = {
    "sm_clock_mhz": 1980, "memory_clock_mhz": 2619, "temperature_c": 61, "power_limit_w": 700.0, "utilisation": 0.98,
    "ecc_uncorrected": 0, "hw_slowdown": 0.0, "hw_thermal_slowdown": 0.0, "power_brake": 0.0,
    "sw_thermal_slowdown": 0.0, "sw_power_cap": 1.0, "clocks_set": 0.0, "compute_processes": 1,
    "graphics_processes": 0, "process_memory_bytes": 70_000_000_000, "driver_lag_s": 0.0519,
}  # fmt: skip


class SpedUp:
    """A meter of 300 W whose clock is the bench's. Its counter moves every `period_ns`."""

    def __init__(self, domain: str, period_ns: int, phase_ns: int, *, integrated: bool) -> None:
        method: Method = "integrated" if integrated else "counter"
        self.description = Description(
            domain=domain, boundary="device", method=method, source="bench", check=integrated
        )
        self._period_ns, self._phase_ns, self._integrated = period_ns, phase_ns, integrated
        self.now_ns = 0

    def read(self) -> Reading:
        moved_ns = max(0, self.now_ns - (self.now_ns - self._phase_ns) % self._period_ns)
        if self._integrated:
            return Reading(self.now_ns, 3 * self.now_ns // 10, 300.0)
        return Reading(self.now_ns, 3 * moved_ns // 10)

    def close(self) -> None:
        """Nothing is held open."""


def machine() -> list[tuple[SpedUp, Tracker]]:
    counters = [
        (SpedUp(f"gpu{n}", 100_000_000, 13_000_000 * n, integrated=False), Tracker(0.1, steady=False)) for n in range(8)
    ]
    powers = [(SpedUp(f"gpu{n}", 100_000_000, 0, integrated=True), Tracker(0.1, steady=True)) for n in range(8)]
    domains = ("package-0", "dram-0", "package-1", "dram-1")
    return counters + powers + [(SpedUp(name, 1_000_000, 0, integrated=False), Tracker(0.001)) for name in domains]


def followed(seconds: int, flush: Callable[[list[Follower], int], None]) -> Iterator[int]:
    """Every meter read when it is due, as the sampler does it; yields each hour."""
    pairs = machine()
    followers = [Follower(index, meter, tracker) for index, (meter, tracker) in enumerate(pairs)]
    draw, now_ns, next_ns = random.Random(1), 0, 0
    for second in range(seconds):
        while now_ns < (second + 1) * SECOND_NS:
            now_ns = max(now_ns, min(one.due_ns for one in followers)) + draw.randrange(LATE_NS)
            for follower, (meter, _) in zip(followers, pairs, strict=True):
                if follower.due_ns <= now_ns:
                    meter.now_ns = now_ns
                    assert not list(follower.read(now_ns))
            if now_ns >= next_ns:
                flush(followers, now_ns)
                next_ns = now_ns + int(FLUSH_S * SECOND_NS)
        if second % 3600 == 3599:
            yield second // 3600 + 1


def sampler_side(hours: int) -> int:
    """Peak memory in bytes of what a sampler holds, its frames written to nowhere."""
    with Path(os.devnull).open("w") as frames:
        samplers: list[Sampler] = []

        def flush(followers: list[Follower], _: int) -> None:
            if not samplers:
                samplers.append(Sampler(followers, (), frames))
            samplers[0]._flush()

        for hour in followed(hours * 3600, flush):
            print(f"sampler: {hour} h, {process_peak_bytes() / 2**20:.0f} MiB", file=sys.stderr)
    return process_peak_bytes()


def taped(seconds: int, *, looks: bool) -> Tape:
    """The tape after so many seconds, filled by a link's own hands from frames as they come through the pipe."""
    tape, looked = Tape(), [0]
    tape.expect(20)
    link = Link.__new__(Link)  # without its process: frames are handed to it
    link._tape, link.first = tape, 0

    def flush(followers: list[Follower], now_ns: int) -> None:
        series = [
            {"meter": one.index, "at_ns": at_ns, "energy_uj": energy_uj}
            for one in followers
            for at_ns, energy_uj in [one.take_ticks()]
        ]
        link._take(json.loads(json.dumps({"kind": "ticks", "series": series})))
        looked[0] += 1
        for number in range(8 if looks and looked[0] % 2 else 0):
            frame = {"kind": "conditions", "domain": f"gpu{number}", "at_ns": now_ns, "values": GPU_LOOK}
            link._take(json.loads(json.dumps(frame)))

    for hour in followed(seconds, flush):
        print(f"tape: {hour} h, {process_peak_bytes() / 2**20:.0f} MiB", file=sys.stderr)
    return tape


def tape_side(hours: int) -> int:
    taped(hours * 3600, looks=False)
    return process_peak_bytes()


def tape_side_with_looks(hours: int) -> int:
    taped(hours * 3600, looks=True)
    return process_peak_bytes()


def kept_bytes(seconds: int, window_s: float) -> tuple[int, int, int]:
    """Ticks kept, their JSON and conditions' in bytes, and the same compressed; windows one after another."""
    tape = taped(seconds, looks=True)
    length_ns = int(window_s * SECOND_NS)
    starts_ns = range(2 * SECOND_NS, seconds * SECOND_NS - 2 * length_ns, length_ns + SECOND_NS // 10)
    windows = [Window(start_ns, start_ns + length_ns, 1) for start_ns in starts_ns]
    ticks = thinned(tape.cut(0, seconds * SECOND_NS, 0), windows)
    _, conditions = what_happened(tape, 0, seconds * SECOND_NS, 0, workers=1)
    told = StringIO()
    json.dump({"ticks": [*map(asdict, ticks)], "conditions": [*map(asdict, conditions)]}, told, separators=(",", ":"))
    text = told.getvalue().encode()
    return sum(len(one.at_ns) for one in ticks), len(text), len(gzip.compress(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=10)
    hours = parser.parse_args().hours
    sides = {
        "an empty process": empty_side, "sampler": sampler_side,
        "tape, ticks": tape_side, "tape, ticks and looks of 8 gauges": tape_side_with_looks,
    }  # fmt: skip
    start_s = time.monotonic()
    print(f"| {hours} h, 20 meters | peak memory, MiB |")
    print("|---|---|")
    for name, side in sides.items():
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(f"| {name} | {pool.apply(side, (hours,)) / 2**20:.0f} |", flush=True)
    print()
    print("| 10 min, 20 meters, 8 gauges | ticks kept | JSON, MB | gzip, MB |")
    print("|---|---|---|---|")
    for window_s in (10.5, 2.0):
        ticks, size, packed = kept_bytes(600, window_s)
        print(f"| windows of {window_s} s | {ticks:,} | {size / 1e6:.2f} | {packed / 1e6:.2f} |")
    print(f"took {time.monotonic() - start_s:.0f} s", file=sys.stderr)


def empty_side(hours: int) -> int:
    return process_peak_bytes()


if __name__ == "__main__":
    main()
