"""What a cell costs before its first window, and how much memory it takes: a table for docs/performance.md.

    python bench/startup.py [--size s] [--workload gpt ...] [--framework torch] [--warm]

Each cell is run by a worker of its own, one after the other, with a single short window and no meter. Without --warm
torch's compile cache is emptied before each: that is what a new user waits for.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import workloads
from suite.choose import Wish, choose
from suite.forecast import batches_of
from suite.processes import Child, Frame
from suite.record import Cell

LIMIT_S = 900.0
STAGES = ("start", "sweep", "build", "compile", "warm-up")


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of each stage, when the first window opened, and the most memory the process held after the sweep."""

    stages_s: dict[str, float]
    first_window_s: float | None
    peak_memory_bytes: int | None
    outcome: str


def cells(size: str, names: list[str], framework: str | None) -> Iterator[Cell]:
    for name in names:
        yield from choose(Wish(backend="cpu", workload=name, size=size, framework=framework), 600.0).cells


def frames_of(cell: Cell, memory_bytes: int) -> Iterator[Frame]:
    batches = batches_of(cell, memory_bytes)
    job: Frame = {"cell": cell.model_dump(mode="json"), "batches": batches, "windows": 1, "window_s": 0.5}
    with tempfile.NamedTemporaryFile() as log:
        child = Child("suite.worker", job, Path(log.name))
        try:
            while select.select([child.descriptor], [], [], LIMIT_S)[0]:
                frames = child.read()
                if frames is None:
                    return
                yield from frames
        finally:
            child.end()


def start_of(cell: Cell, memory_bytes: int) -> Start:
    stages_s: dict[str, float] = {}
    first_window_s, peak, outcome = None, None, "no end"
    for frame in frames_of(cell, memory_bytes):
        if frame["kind"] == "stage":
            stages_s[frame["name"]] = (frame["end_ns"] - frame["start_ns"]) / 1e9
        elif frame["kind"] == "window":
            first_window_s = frame["start_ns"] / 1e9
        elif frame["kind"] in ("done", "failed"):
            peak, outcome = frame.get("peak_memory_bytes"), frame.get("detail", "ok")
    return Start(stages_s, first_window_s, peak, outcome)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="s")
    parser.add_argument("--workload", nargs="*", default=list(workloads.names()))
    parser.add_argument("--framework")
    parser.add_argument("--warm", action="store_true")
    asked = parser.parse_args()
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    print(f"| cell | {' | '.join(STAGES)} | first window at, s | peak memory, MiB |")
    print(f"|---|{'---|' * (len(STAGES) + 2)}")
    for cell in cells(asked.size, asked.workload, asked.framework):
        with tempfile.TemporaryDirectory() as cache:
            if not asked.warm:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
            found = start_of(cell, memory_bytes)
            shutil.rmtree(cache, ignore_errors=True)
            Path(cache).mkdir(exist_ok=True)
        told = [f"{found.stages_s[name]:.1f}" if name in found.stages_s else "" for name in STAGES]
        first = "—" if found.first_window_s is None else f"**{found.first_window_s:.1f}**"
        memory = "—" if found.peak_memory_bytes is None else f"{found.peak_memory_bytes / 2**20:,.0f}"
        outcome = "" if found.outcome == "ok" else f" ({found.outcome})"
        print(f"| {cell.key}{outcome} | {' | '.join(told)} | {first} | {memory} |", flush=True)


if __name__ == "__main__":
    main()
