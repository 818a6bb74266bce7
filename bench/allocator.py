"""What it saves that a worker on the CPU keeps the memory it frees, and what memory it costs.

    python bench/allocator.py [--rows gpt/train gpt/decode ...] [--size s] [--batch 2] [--framework torch] [--rounds 2]

Each row runs in processes of its own in which glibc is "left" to itself or "kept" from giving memory back, in turn, as
programs of a worker do, in float32. Processor seconds are the process's own, for others may use the machine; pages are
those that the kernel had to give. The peak is first that of the steps and then that of the proof, before which a worker
gives back what it freed. Medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from statistics import median

import workloads
from backends import cpu, memory
from backends.base import Runtime
from backends.jax_runtime import open_device

ROWS = ("gpt/train", "bert/train", "resnet/train", "bert/infer", "gpt/decode")
COURSES = ("left", "kept")
TITLES = ("cell", "processor s a step", "ratio", "system s a step", "pages a step", "peak, GiB", "with the proof, GiB")

Figures = dict[str, float]
"""Of one process: a figure for each column but the first and the ratio."""


def _opened(course: str, framework: str) -> Runtime:
    if course == "kept":
        return cpu.attach(framework)
    return cpu.CpuTorchRuntime() if framework == "torch" else cpu.CpuJaxRuntime(open_device("cpu", "cpu", 0))


def _used() -> tuple[float, float, int]:
    """Processor seconds, those of them in the kernel, and pages had from it, all since the process began."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_stime, used.ru_minflt


def figures(asked: argparse.Namespace) -> Figures:
    runtime = _opened(asked.course, asked.framework)
    workload, mode = asked.rows[0].split("/")
    spec = workloads.specs(workload)[mode]
    spec = spec.with_batch(asked.size, asked.batch or spec.sizes[asked.size].batch)
    compiled = asked.framework not in spec.eager_on_host
    program = workloads.build(
        spec, asked.size, framework=asked.framework, device=runtime.device, precision="fp32", compiled=compiled
    )
    program.prepare(asked.steps + 2)
    program.step()
    runtime.synchronize()
    runtime.release_memory()  # which a process that keeps nothing can do as well
    program.step(witnessed=True)
    memory.forget_process_peak()
    before = _used()
    for _ in range(asked.steps):
        program.step()
    runtime.synchronize()
    processor_s, system_s, pages = (now - then for now, then in zip(_used(), before, strict=True))
    peak_bytes = memory.process_peak_bytes()
    if asked.course == "kept":
        runtime.release_memory()
    program.proof()
    steps, gib = asked.steps, 2**30
    rates = {TITLES[1]: processor_s / steps, TITLES[3]: system_s / steps, TITLES[4]: pages / steps}
    return rates | {TITLES[5]: peak_bytes / gib, TITLES[6]: memory.process_peak_bytes() / gib}


def _in_a_process(row: str, course: str, asked: argparse.Namespace) -> Figures:
    kept = ("size", "framework", "batch", "steps")
    options = [word for name in kept for word in (f"--{name}", str(getattr(asked, name)))]
    command = [sys.executable, __file__, "--course", course, "--rows", row, *options]
    found: Figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"  {row} {course}: {found}", file=sys.stderr, flush=True)
    return found


def _column(rounds: list[dict[str, Figures]], title: str) -> str:
    digits = 0 if title.startswith("pages") else 2
    medians = (median(each[course][title] for each in rounds) for course in COURSES)
    return " to ".join(f"{value:,.{digits}f}" for value in medians)


def compared(row: str, asked: argparse.Namespace) -> str:
    rounds = [{course: _in_a_process(row, course, asked) for course in COURSES} for _ in range(asked.rounds)]
    ratio = median(each["kept"][TITLES[1]] / each["left"][TITLES[1]] for each in rounds)
    columns = [_column(rounds, title) for title in TITLES if title not in ("cell", "ratio")]
    return f"| {row} {asked.size}, {asked.framework} | {columns[0]} | {ratio:.2f} | {' | '.join(columns[1:])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", default=ROWS)
    parser.add_argument("--size", default="s", choices=workloads.SIZES)
    parser.add_argument("--batch", type=int, default=0, help="0 is the size's own")
    parser.add_argument("--framework", default="torch", choices=workloads.FRAMEWORKS)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--course", choices=COURSES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.course:
        print(json.dumps(figures(asked)))
        return
    print(f"| {' | '.join(TITLES)} |", f"|{'---|' * len(TITLES)}", sep="\n", flush=True)
    for row in asked.rows:
        print(compared(row, asked), flush=True)


if __name__ == "__main__":
    main()
