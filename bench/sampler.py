"""What sampling costs: the real sampler process on fake hardware.

    python bench/sampler.py [--seconds 60] [--repeats 3] [--where 8]

A machine of eight GPUs that move every 100 ms, each with its energy counter, instant power and gauge, and of four RAPL
domains. Sets of its parts take turns, so that a busy moment of this machine hits all alike; `--where` shows instead
what each part of the sampler's loop costs, the fake driver and the fake counters among them: real ones cost otherwise.
Tables in Markdown on standard output, progress on standard error. Needs a C compiler and Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import fakes

from suite.link import Link
from suite.tape import Tape

UPDATE_MS, HOST_DOMAINS = 100, (("0", "package-0"), ("0:0", "dram"), ("1", "package-1"), ("1:0", "dram"))
ALL = "counter power gauge rapl"
SETS = {
    "8 GPUs, RAPL": (8, ALL),
    "8 GPUs' counters, RAPL": (8, "counter rapl"),
    "1 GPU, RAPL": (1, ALL),
    "RAPL alone": (1, "rapl"),
}
"""How many boards there are, and what is read of them. A run of the suite reads one."""

SETTLE_S = 6.0
"""Opening and probing, before what is measured."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One sampler over one stretch: its share of one core in each second, its peak memory, what it delivered."""

    percent: tuple[float, ...]
    peak_bytes: int
    ticks_per_s: float

    @property
    def mean_percent(self) -> float:
        return statistics.fmean(self.percent)


def write_machine(scene: Path, gpus: int) -> None:
    """Boards out of step with each other, as real ones are, and each a little off its period."""
    scene.mkdir()
    start_ns = time.monotonic_ns()
    shared = [
        "repeat_ms 400",
        f"update_ms {UPDATE_MS}",
        "jitter_ms 1",
        "steps 0:300000,100:305000,200:310000,300:304000",
    ]
    boards = [[f"phase_ms {13 * number % 100}", *shared] for number in range(gpus)]
    fakes.write_boards(scene, start_ns, boards)
    for path, name in HOST_DOMAINS:
        fakes.write_zone(scene, path, name, start_ns, ["steps 0:90000"])
    fakes.write_sockets(scene, 2)


def cpu_ns(pid: int) -> int:
    """CPU time of a process, all threads, in nanoseconds: psutil's comes in steps of 10 ms, too coarse for a second."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes it on Linux


def listen(link: Link, until_s: float) -> None:
    while (left_s := until_s - time.monotonic()) > 0:
        if select.select([link.descriptor], [], [], left_s)[0]:
            link.pump()
        assert link.alive, link.notes


def measure(seconds: int, log: Path) -> Cost:
    """What os.environ shows as this machine."""
    tape = Tape()
    link = Link({"backend": "fake", "device": 0}, tape, log)
    start_s = time.monotonic() + SETTLE_S
    listen(link, start_s)
    pid = link._child.process.pid
    before, used = sum(len(one.at_ns) for one in tape.series), [cpu_ns(pid)]
    for second in range(seconds):
        listen(link, start_s + second + 1)
        used.append(cpu_ns(pid))
    ticks = sum(len(one.at_ns) for one in tape.series) - before
    link.ask_to_end()
    while link.alive:
        link.pump()
    shares = tuple((later - earlier) / 1e7 for earlier, later in pairwise(used))
    return Cost(shares, link.peak_memory_bytes, ticks / seconds)


def costs(library: fakes.Library, folder: Path, seconds: int, repeats: int) -> dict[str, list[Cost]]:
    found: dict[str, list[Cost]] = {name: [] for name in SETS}
    for repeat in range(repeats):
        for name, (gpus, parts) in SETS.items():
            os.environ |= library.environ(folder / f"{gpus}", parts)
            cost = measure(seconds, folder / "sampler.log")
            found[name].append(cost)
            print(f"{repeat + 1}/{repeats} {name}: {cost.mean_percent:.2f} %", file=sys.stderr)
            print("   " + " ".join(f"{share:.2f}" for share in cost.percent), file=sys.stderr)
    return found


def print_costs(found: dict[str, list[Cost]]) -> None:
    print("| read | CPU, % of one core: median (each repeat) | worst second | ticks/s | peak memory, MiB |")
    print("|---|---|---|---|---|")
    for name, repeats in found.items():
        means = [cost.mean_percent for cost in repeats]
        each = ", ".join(f"{mean:.2f}" for mean in means)
        worst = max(max(cost.percent) for cost in repeats)
        peak_mib = max(cost.peak_bytes for cost in repeats) / 2**20
        ticks = statistics.median(cost.ticks_per_s for cost in repeats)
        print(f"| {name} | {statistics.median(means):.2f} ({each}) | {worst:.2f} | {ticks:.0f} | {peak_mib:.0f} |")


TIMED = """
import json, select, sys, time
from types import SimpleNamespace
import pynvml
from backends.meters import pyrapl
from suite import sampler
from suite.follower import Follower

spent_ns, calls = {}, {}

def timed(name, function):
    def call(*arguments):
        start_ns = time.thread_time_ns()
        try:
            return function(*arguments)
        finally:
            spent_ns[name] = spent_ns.get(name, 0) + time.thread_time_ns() - start_ns
            calls[name] = calls.get(name, 0) + 1
    return call

pointer = pynvml._nvmlGetFunctionPointer
pointers = {}
pynvml._nvmlGetFunctionPointer = lambda name: pointers.setdefault(name, timed("driver", pointer(name)))
pyrapl.PyRaplCounter.read_uj = timed("kernel", pyrapl.PyRaplCounter.read_uj)
Follower.read = timed("read", lambda self, now_ns, read=Follower.read: list(read(self, now_ns)))
sampler.select = SimpleNamespace(select=timed("wait", select.select))
for name in ("_look", "_flush"):
    setattr(sampler.Sampler, name, timed(name, getattr(sampler.Sampler, name)))

def run(self, run=sampler.Sampler.run):
    spent_ns.clear(), calls.clear()
    start_ns, start_s = time.thread_time_ns(), time.monotonic()
    run(self)
    total_ns = time.thread_time_ns() - start_ns
    told = {"spent_ns": spent_ns, "calls": calls, "total_ns": total_ns, "seconds": time.monotonic() - start_s}
    open(sys.argv[1], "w").write(json.dumps(told))

sampler.Sampler.run = run
sampler.main()
"""
"""The sampler with a thread's CPU clock around its parts. Reading that clock costs CPU itself: for shares only."""


def where(seconds: int, folder: Path) -> dict[str, Any]:
    told, log = folder / "told.json", (folder / "frames").open("wb")
    environ = os.environ | {"JOULEMARK_FRAMES_FD": str(log.fileno())}
    command = [sys.executable, "-c", TIMED, str(told)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, pass_fds=(log.fileno(),))
    assert child.stdin is not None
    child.stdin.write(json.dumps({"backend": "fake", "device": 0}).encode() + b"\n")
    child.stdin.flush()
    time.sleep(SETTLE_S + seconds)
    child.communicate()
    return dict(json.loads(told.read_text()))


def print_where(told: dict[str, Any]) -> None:
    """`driver` and `kernel` lie inside `read` and `_look`; what no part holds is the loop that finds who is due."""
    spent, total = told["spent_ns"], told["total_ns"]
    spent["loop"] = total - sum(spent[name] for name in ("wait", "read", "_look", "_flush"))
    print("| part | calls/s | CPU, us each | share |")
    print("|---|---|---|---|")
    for name, nanoseconds in spent.items():
        calls = told["calls"].get(name, told["calls"]["wait"])
        each_us = nanoseconds / calls / 1e3
        print(f"| {name} | {calls / told['seconds']:.0f} | {each_us:.0f} | {100 * nanoseconds / total:.0f} % |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--where", choices=["1", "8"], help="what each part of the loop costs, with so many GPUs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = fakes.build(folder)
        for gpus in {gpus for gpus, _ in SETS.values()}:
            write_machine(folder / f"{gpus}", gpus)
        if arguments.where:
            os.environ |= library.environ(folder / arguments.where, ALL)
            print_where(where(arguments.seconds, folder))
        else:
            print_costs(costs(library, folder, arguments.seconds, arguments.repeats))


if __name__ == "__main__":
    main()
