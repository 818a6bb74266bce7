"""Opens the RAPL meters of the machine it is shown and reads them at the times it is told.

First line out: the meters and what is missing. Then for each line in, a time in milliseconds: what each meter says.
Arguments: the tree to open, and the user to become before that when one is given.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pyRAPL  # noqa: F401  # while its files may still be read

from backends.meters import rapl
from backends.meters.base import CounterReset, Meter, MeterLost

now_ns = 0


def answer(meter: Meter) -> int | str:
    try:
        return meter.read().energy_uj
    except (CounterReset, MeterLost) as error:
        return type(error).__name__


root, *user = sys.argv[1:]
if user:
    os.seteuid(int(user[0]))
metering = rapl.open_meters(root=Path(root), clock=lambda: now_ns)
described = {meter.description.domain: meter.description.source for meter in metering.meters}
missing = {one.code: [one.reason, one.cure] for one in metering.missing}
print(json.dumps({"meters": described, "missing": missing}), flush=True)
for line in sys.stdin:
    now_ns = int(line) * 1_000_000
    print(json.dumps({meter.description.domain: answer(meter) for meter in metering.meters}), flush=True)
for meter in metering.meters:
    meter.close()
