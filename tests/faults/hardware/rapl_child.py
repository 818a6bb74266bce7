"""Opens the RAPL meters of the machine it is shown and reads them at the times it is told.

First line out: the meters and what is missing. Then for each line in, a time in milliseconds: what each meter says.
Two numbers in a line are real time: every so many milliseconds, for so many, what each meter says and when.
Arguments: the tree to open, and the user to become before that when one is given.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pyRAPL  # noqa: F401  # while its files may still be read

from backends.meters import rapl
from backends.meters.base import CounterReset, Meter, MeterLost

now_ns: int | None = None


def answer(meter: Meter) -> int | str:
    try:
        return meter.read().energy_uj
    except (CounterReset, MeterLost) as error:
        return type(error).__name__


def read(at_ms: int) -> dict[str, int | str]:
    global now_ns
    now_ns = at_ms * 1_000_000
    return {meter.description.domain: answer(meter) for meter in metering.meters}


def watch(every_ms: int, for_ms: int) -> dict[str, list[tuple[int, int | str]]]:
    """The instant is the reading's own; that of an exception is the one after it."""
    seen: dict[str, list[tuple[int, int | str]]] = {meter.description.domain: [] for meter in metering.meters}
    start_ns = time.monotonic_ns()
    for turn in range(for_ms // every_ms + 1):
        time.sleep(max(0.0, (start_ns + turn * every_ms * 1_000_000 - time.monotonic_ns()) / 1e9))
        for meter in metering.meters:
            seen[meter.description.domain].append(stamped(meter))
    return seen


def stamped(meter: Meter) -> tuple[int, int | str]:
    try:
        reading = meter.read()
    except (CounterReset, MeterLost) as error:
        return time.monotonic_ns(), type(error).__name__
    return reading.at_ns, reading.energy_uj


root, *user = sys.argv[1:]
if user:
    os.seteuid(int(user[0]))
metering = rapl.open_meters(root=Path(root), clock=lambda: time.monotonic_ns() if now_ns is None else now_ns)
described = {meter.description.domain: meter.description.source for meter in metering.meters}
notes = {meter.description.domain: meter.description.note for meter in metering.meters if meter.description.note}
missing = {one.code: [one.reason, one.cure] for one in metering.missing}
print(json.dumps({"meters": described, "missing": missing, "notes": notes}), flush=True)
for line in sys.stdin:
    numbers = [int(number) for number in line.split()]
    print(json.dumps(watch(*numbers) if len(numbers) == 2 else read(*numbers)), flush=True)
for meter in metering.meters:
    meter.close()
