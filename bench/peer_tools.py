"""One programme meters one window: the child of peer_energy.py. Prints a line of JSON: energy_j, said, version."""

from __future__ import annotations

import json
import logging
import select
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

J_PER_KWH = 3.6e6

Job = dict[str, Any]
Told = dict[str, Any]


def wait_until(job: Job, at_s: float) -> None:
    """Seconds after the scenario's zero. RuntimeError when that has passed: the window would be another."""
    left_s = at_s - (time.monotonic_ns() - job["zero_ns"]) / 1e9
    if left_s < 0:
        raise RuntimeError(f"{job['tool']} was {-left_s:.1f} s late for the window")
    time.sleep(left_s)


def between(job: Job, begin: Callable[[], object], end: Callable[[], object]) -> Any:
    wait_until(job, job["start_s"])
    begin()
    wait_until(job, job["start_s"] + job["seconds"])
    return end()


OURS = ("physical CPUs", "amdsmi", "Multiple instances", "no GPU available", "Please help us add it", "W per thread")
"""Warnings that come of the fake tree, of a library beside, or of what the case has not got: not of the case."""


class Said(logging.Handler):
    """The warnings and errors of a programme's log, but for those that say how it does without RAPL where none is."""

    def __init__(self, *, is_gpu: bool) -> None:
        super().__init__(logging.WARNING)
        self._ignored = (*OURS, "No CPU tracking mode") if is_gpu else OURS
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not any(words in record.getMessage() for words in self._ignored):
            self.lines.append(" ".join(record.getMessage().split()))


def codecarbon(job: Job) -> Told:
    from codecarbon import OfflineEmissionsTracker
    from codecarbon.external.logger import logger

    settings: dict[str, Any] = {"measure_power_secs": 1, "save_to_file": False, "allow_multiple_runs": True}
    said = Said(is_gpu=job["is_gpu"])
    logger.addHandler(said)
    first = OfflineEmissionsTracker(country_iso_code="USA", log_level="warning", **settings)
    first.start()  # finds the hardware, which takes seconds and is kept for the next tracker
    first.stop()
    tracker = OfflineEmissionsTracker(country_iso_code="USA", log_level="warning", **settings)
    took_s: list[float] = []

    def begin() -> None:
        start_s = time.monotonic()
        tracker.start()
        took_s.append(time.monotonic() - start_s)

    between(job, begin, tracker.stop)
    data = tracker.final_emissions_data
    energy_kwh = data.gpu_energy if job["is_gpu"] else data.cpu_energy
    print(f"start() took {took_s[0]:.3f} s; {data}; {said.lines}", file=sys.stderr)
    return {"energy_j": energy_kwh * J_PER_KWH, "said": said.lines[0][:200] if said.lines else ""}


def zeus(job: Job) -> Told:
    from zeus.monitor import ZeusMonitor

    monitor = ZeusMonitor(gpu_indices=[0], cpu_indices=[]) if job["is_gpu"] else ZeusMonitor(gpu_indices=[])
    measured = between(
        job,
        lambda: monitor.begin_window("work", sync_execution=False),
        lambda: monitor.end_window("work", sync_execution=False),
    )
    parts = measured.gpu_energy if job["is_gpu"] else measured.cpu_energy
    if not parts:
        return {"energy_j": None, "said": "cpu_energy is None"}
    return {"energy_j": sum(parts.values()), "said": "" if len(parts) == 1 else f"{parts}"}


def joulemark(job: Job) -> Told:
    from suite.keep import energies, thinned, what_happened
    from suite.link import Link
    from suite.tape import Tape
    from suite.trace import Window

    tape, zero_ns = Tape(), job["zero_ns"]
    link = Link({"backend": "fake", "device": 0}, tape, Path(job["scene"]) / "sampler.log")
    window = Window(round(job["start_s"] * 1e9), round((job["start_s"] + job["seconds"]) * 1e9), 1)
    while time.monotonic_ns() < zero_ns + window.end_ns + 2_500_000_000:
        if select.select([link.descriptor], [], [], 0.2)[0]:
            link.pump()
        link.watch()
    link.end()
    span = zero_ns, zero_ns + window.end_ns, zero_ns
    events, _ = what_happened(tape, *span, workers=1)
    ticks = thinned(tape.cut(*span), [window])
    energy = energies(link.meters or (), ticks, [window], events)[0][0]
    said = [*energy.reasons, *(missing.code for missing in link.missing if energy.joules is None)]
    return {"energy_j": energy.joules, "said": ", ".join(dict.fromkeys(said))}


def told_by(job: Job) -> Told:
    tool = {"codecarbon": codecarbon, "zeus": zeus, "joulemark": joulemark}[job["tool"]]
    try:
        number = version(job["tool"])
    except PackageNotFoundError:
        return {"energy_j": None, "said": "not installed"} if job["tool"] != "joulemark" else tool(job)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        told = tool(job)
    user = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
    return told | {"version": number, "said": told["said"] or (user[0][:160] if user else "")}


if __name__ == "__main__":
    try:
        told = told_by(json.loads(sys.argv[1]))
    except Exception as error:  # noqa: BLE001  # whatever a programme raises is its answer
        told = {"energy_j": None, "said": f"{type(error).__name__}: {error}"[:160]}
    print(json.dumps(told), flush=True)
