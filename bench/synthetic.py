"""Write valid result files of machines that do not exist, to try the leaderboard with.

    python bench/synthetic.py --count 30 --out DIR [--seed 1] [--small]

The same seed gives the same bytes. Counters are made first and joules come from them through `suite.energy`, so every
file passes `check`. The names are invented: nothing here was measured, and nothing here may go to results/. Small files
are such as a run of 90 seconds writes: one to three cells of any workload, without calibration.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from synthetic_machines import GIB, MACHINES, Machine, missing, software, system

import workloads
from suite import record
from suite.audit import CONSTANT, LEAST_CONSTANT, WITNESSED
from suite.conditions import events_of, load_events
from suite.energy import boundaries, window_energy
from suite.identity import UNSEALED, sealed
from suite.record import Attempt, Cell, CellResult, Idle, Outcome, Result, dumps, write_atomically
from suite.roofline import CALIB
from suite.trace import Conditions, Event, Ticks, Window, thin
from workloads.base import Spec

WORKLOADS = ("gpt", "resnet")  # enough for every kind of page
LOADS = {"matmul": 0.97, "copy": 0.66, "launch": 0.24, "idle": 0.06}
"""Mode of `calib` -> how far from idle to full load it drives a machine."""
MODEL_SHARE, COPY_SHARE = 0.52, 0.82
"""What models reach of a machine's matrix products and of its copies, where nothing else holds them back."""
FIRST_DAY = date(2026, 1, 5)
LAUNCHES = 40
"""Of kernels, in a step of any model."""
SMALL_CELLS = 3
"""At most, in a small file."""
WELL = 2
"""A cell of this number ends well and has five windows."""
TICK_S = 0.1
IDLE_S = 10.0


def trace(
    machine: Machine, busy: Sequence[Window], end_ns: int, random: np.random.Generator, inside: float = 1.0
) -> tuple[Ticks, ...]:
    """Each meter's counter from 0 to `end_ns`: a share of full load inside the windows, a third of it around them."""
    at_ns = np.arange(0, end_ns + 1, round(TICK_S * 1e9)) + random.integers(0, 2_000_000)
    load = np.full(len(at_ns), 0.35 if busy else 0.0)
    for window in busy:
        load[(at_ns > window.start_ns) & (at_ns <= window.end_ns)] = inside
    drift = 1 + 0.004 * np.cumsum(random.standard_normal(len(at_ns))) / np.sqrt(len(at_ns))
    series = []
    for index, part in enumerate(machine.domains):
        noise = drift + 0.01 * random.standard_normal(len(at_ns))
        power_w = (part.idle_w + (part.busy_w - part.idle_w) * load) * noise
        energy_uj = np.cumsum(power_w * TICK_S * 1e6).astype(np.int64)
        series.append(thin(Ticks(index, tuple(at_ns.tolist()), tuple(energy_uj.tolist())), busy))
    return tuple(series)


def gauges(
    machine: Machine, busy: Sequence[Window], end_ns: int, random: np.random.Generator
) -> tuple[Conditions, ...]:
    """What surrounds the energy, once a second: of the GPU where there is one, of the host where it is metered."""
    at_ns = np.arange(300_000_000, end_ns, 1_000_000_000) + random.integers(0, 20_000_000)
    load = np.array([any(one.start_ns < at <= one.end_ns for one in busy) for at in at_ns], dtype=float)
    heat = np.convolve(load, np.exp(-np.arange(60) / 12) / 12)[: len(load)]
    noise = random.standard_normal(len(at_ns))
    gpu0 = {
        "sm_clock_mhz": 1200 + 15 * np.round(load * 48 - heat * 9 + noise), "memory_clock_mhz": 0 * load + 2619,
        "temperature_c": np.round(34 + 38 * heat), "power_limit_w": 0 * load + 700, "utilisation": load * 0.99,
        "sw_power_cap": (heat > 0.62) * load, "compute_processes": 0 * load + 1, "driver_lag_s": 0.012 + 0.004 * load,
    }  # fmt: skip
    host = {"cpu_clock_mhz": np.round(2400 + 900 * load + 40 * noise), "temperature_c": np.round(41 + 22 * heat)}
    domains = {"gpu0": gpu0 if machine.backend == "cuda" else {}, "host": {} if machine.virtual else host}
    return tuple(_conditions(name, at_ns, values) for name, values in domains.items() if values)


def _conditions(domain: str, at_ns: Any, values: dict[str, Any]) -> Conditions:
    told = {name: tuple(round(float(value), 4) for value in column) for name, column in values.items() if any(column)}
    return Conditions(domain, tuple(at_ns.tolist()), told)


def happened(machine: Machine, seen: Sequence[Conditions], busy: Sequence[Window], number: int) -> tuple[Event, ...]:
    """What the conditions say, and now and then other programs on the host or a meter that was lost for a while."""
    events = [event for one in seen for event in events_of(one, workers=1)]
    if number % 7 == 3:
        events += load_events(busy[0], foreign_cpu_s=0.02 * machine.cores * busy[0].duration_s, stolen_cpu_s=0.0,
                              cores=machine.cores)  # fmt: skip
    if number % 23 == 8 and machine.domains:
        middle_ns = (busy[-1].start_ns + busy[-1].end_ns) // 2
        events.append(Event(code="meter_lost", start_ns=middle_ns, end_ns=middle_ns + 1_400_000_000, meter=0,
                            detail="the driver did not answer for 1.4 s"))  # fmt: skip
    return tuple(sorted(events, key=lambda event: (event.start_ns, event.code)))


def idle(machine: Machine, when: Any, random: np.random.Generator) -> Idle:
    end_ns = round((IDLE_S + 1) * 1e9)
    ticks = trace(machine, (), end_ns, random)
    return Idle(when=when, window=Window(round(0.5e9), round((IDLE_S + 0.5) * 1e9), 0), ticks=ticks, events=())


def windows(step_s: float, units: int, count: int, length_s: float, random: np.random.Generator) -> list[Window]:
    """`count` windows of whole steps, each about `length_s` long, 0.8 s apart."""
    start_s, found = 6.0, []
    steps = max(1, round(length_s / step_s))
    for _ in range(count):
        duration_s = steps * step_s * float(random.normal(1.0, 0.006))
        found.append(Window(round(start_s * 1e9), round((start_s + duration_s) * 1e9), steps * units))
        start_s += duration_s + 0.8
    return found


def audits(spec: Spec, size: str, precision: str) -> tuple[record.Quality, ...]:
    limit = spec.proof_limit(size, precision)
    return (
        record.Quality(name=WITNESSED, value=limit / 7, low=0.0, high=limit),
        record.Quality(name=CONSTANT, value=0.99, low=LEAST_CONSTANT, high=1.0),
    )


def swept(spec: Spec, size: str, step_s: float) -> tuple[record.BatchRate, ...]:
    """The next larger batch gained too little: the size's own stayed."""
    own = spec.sizes[size].batch
    larger = [batch for batch in spec.batches if batch > own]
    rate = spec.units_per_step(spec.sizes[size]) / step_s
    tried = ((own, 0.96 * rate), (larger[0], 0.99 * rate)) if larger else ()
    return tuple(record.BatchRate(batch=batch, units_per_s=found) for batch, found in tried)


def good_attempt(
    machine: Machine, spec: Spec, size: str, step_s: float, count: int, length_s: float, number: int, random: Any
) -> Attempt:
    made = windows(step_s, spec.units_per_step(spec.sizes[size]), count, length_s, random)
    meters = tuple(part.meter for part in machine.domains)
    end_ns = made[-1].end_ns + round(2e9)
    ticks = trace(machine, made, end_ns, random, LOADS.get(spec.mode, 1.0) if spec.workload == CALIB else 1.0)
    seen = gauges(machine, made, end_ns, np.random.Generator(np.random.Philox([number, len(made)])))
    events = happened(machine, seen, made, number)
    band = spec.band(size, machine.precision)
    inside = band.low + (band.high - band.low) * float(random.uniform(0.3, 0.7))
    return Attempt(
        outcome="ok", detail=None,
        stages=(record.Stage(name="start", start_ns=0, end_ns=1_400_000_000),
                record.Stage(name="build", start_ns=1_400_000_000, end_ns=2_300_000_000),
                record.Stage(name="compile", start_ns=2_300_000_000, end_ns=5_100_000_000),
                record.Stage(name="warm-up", start_ns=5_100_000_000, end_ns=5_900_000_000)),
        windows=tuple(made), ticks=ticks, events=events, conditions=seen,
        energies=tuple(
            tuple(window_energy(meters, ticks, one, edge, events) for edge in boundaries(meters)) for one in made
        ),
        quality=record.Quality(name=spec.quality_name, value=inside, low=band.low, high=band.high),
        peak_memory_bytes=round(3.1 * GIB), audits=audits(spec, size, machine.precision),
        sweep=swept(spec, size, step_s), notes=(),
    )  # fmt: skip


def failed_attempt(outcome: Outcome, spec: Spec, size: str, precision: str) -> Attempt:
    details = {
        "oom": "out of memory while the weights were put on the device",
        "crash": "the worker ended with signal 11",
        "deadline": "no heartbeat for 60 s; the worker was ended",
        "quality": "quality lies outside its band",
        "refused": "this device has no bfloat16 multiplication",
    }
    band = spec.band(size, precision)
    quality = record.Quality(name=spec.quality_name, value=2 * band.high - band.low, low=band.low, high=band.high)
    return Attempt(
        outcome=outcome, detail=details[outcome], stages=(record.Stage(name="start", start_ns=0, end_ns=10**9),),
        windows=(), ticks=(), events=(), conditions=(), energies=(), quality=quality if outcome == "quality" else None,
        peak_memory_bytes=None, audits=(), sweep=(), notes=(),
    )  # fmt: skip


def cell_result(machine: Machine, spec: Spec, size: str, framework: str, number: int, random: Any) -> CellResult:
    config = spec.sizes[size]
    cell = Cell(
        workload=spec.workload, version=spec.version, mode=spec.mode, size=size, backend=machine.backend,
        framework=framework, precision=machine.precision, batch=config.batch,
        technique="eager" if machine.virtual and framework == "torch" else "compiled", device=0,
    )  # fmt: skip
    flops, traffic = spec.flops_per_step(config), spec.bytes_per_step(config, machine.precision)
    slower = float(random.uniform(1.0, 1.25)) * (1.12 if framework == "jax" else 1.0)
    step_s = max(flops / machine.flops_per_s, traffic / machine.bytes_per_s) * slower + LAUNCHES * machine.launch_s
    if spec.workload == CALIB:
        step_s = calib_step_s(machine, spec, size)
    first = failed_attempt(("oom", "quality", "crash", "deadline")[number % 4], spec, size, machine.precision)
    repeats = 2 if number % 17 == 11 else 3 + number % 3
    length_s = 4.0 if number % 29 == 13 else 10.4
    second = good_attempt(machine, spec, size, step_s, repeats, length_s, number, random)
    attempts = {0: (first,), 1: (first, second)}.get(number % 19, (second,))
    work = record.Work(
        unit=spec.unit, units_per_step=spec.units_per_step(config), parameters=spec.parameters(config),
        flops_per_step=flops, bytes_per_step=traffic,
    )  # fmt: skip
    return CellResult(cell=cell, work=work, attempts=attempts)


def calib_step_s(machine: Machine, spec: Spec, size: str) -> float:
    """How long a step of the machine's calibration takes: what models reach is a share of it."""
    config = spec.sizes[size]
    if spec.mode == "idle":
        return spec.units_per_step(config) / 1e3
    if spec.mode == "launch":
        return spec.units_per_step(config) * (machine.launch_s or 2e-6)
    flops_s = MODEL_SHARE * spec.flops_per_step(config) / machine.flops_per_s
    return max(flops_s, COPY_SHARE * spec.bytes_per_step(config, machine.precision) / machine.bytes_per_s)


def calib_cells(machine: Machine, random: Any) -> tuple[CellResult, ...]:
    """The machine's own limits, in its first framework; in float32 an eighth of the rate of its own precision."""
    specs, size, framework = workloads.specs(CALIB), machine.sizes[-1], machine.frameworks[0]
    cells = [cell_result(machine, spec, size, framework, WELL, random) for spec in specs.values()]
    if machine.precision != "fp32":
        slow = replace(machine, precision="fp32", flops_per_s=machine.flops_per_s / 8)
        cells.append(cell_result(slow, specs["matmul"], size, framework, WELL, random))
    return tuple(cells) if machine.calibrated else ()


Planned = tuple[Spec, str, str]
"""What a cell runs, in which size and framework."""


def planned(machine: Machine, names: Sequence[str]) -> list[Planned]:
    return [
        (spec, size, framework)
        for name in names for spec in workloads.specs(name).values()
        for size in machine.sizes for framework in machine.frameworks
    ]  # fmt: skip


def few(machine: Machine, index: int) -> list[Planned]:
    """One to three cells; all that the machine can run has its turn."""
    every = planned(machine, [name for name in workloads.names() if name != CALIB])
    turn = index // len(MACHINES)
    return [every[(SMALL_CELLS * turn + number) % len(every)] for number in range(1 + turn % SMALL_CELLS)]


def result(index: int, seed: int, names: Sequence[str] | None = None, *, small: bool = False) -> Result:
    """The `index`-th result, of these workloads or of `WORKLOADS`, or a small one; machines come round in turn."""
    machine = MACHINES[index % len(MACHINES)]
    random = np.random.Generator(np.random.Philox([seed, index]))
    digest = hashlib.sha256(f"{seed}/{index}".encode()).hexdigest()
    speed = float(random.normal(1.0, 0.03))
    machine = replace(machine, flops_per_s=machine.flops_per_s * speed, bytes_per_s=machine.bytes_per_s * speed)
    chosen = few(machine, index) if small else planned(machine, names or WORKLOADS)
    cells = tuple(
        cell_result(machine, spec, size, framework, 7 * index + number, random)
        for number, (spec, size, framework) in enumerate(chosen)
    ) + (() if small else calib_cells(machine, random))
    made = Result(
        schema_version=4, id=UNSEALED, date=(FIRST_DAY + timedelta(days=index % 300)).isoformat(),
        complete=index % 8 != 6, system=system(machine), software=software(machine), backend=machine.backend,
        plan=record.Plan(budget_s=600.0, idle_s=IDLE_S, cells=tuple(
            record.PlannedCell(cell=one.cell, setup_s=6.0, window_s=10.4, repeats=3) for one in cells
        )),
        meters=tuple(part.meter for part in machine.domains), missing_meters=missing(machine),
        idle=(idle(machine, "before", random), idle(machine, "after", random)), cells=cells,
        overhead=record.Overhead(
            sampler_share=0.011, controller_share=0.004, peak_memory_bytes=88 * 2**20,
            throughput=None if index % 3 == 2 else record.Throughput(ratio=0.9991, low=0.9968, high=1.0014, pairs=10),
        ),
        journal_sha256=digest,
    )  # fmt: skip
    return sealed(made)


def write(out: Path, count: int, seed: int = 1, *, small: bool = False) -> list[Path]:
    """`count` files below `out`, named as the suite names them."""
    paths = []
    for index in range(count):
        made = result(index, seed, small=small)
        paths.append(out / made.system.slug / made.file_name)
        write_atomically(paths[-1], dumps(made))
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="one to three cells a file")
    arguments = parser.parse_args()
    made = write(arguments.out, arguments.count, arguments.seed, small=arguments.small)
    print(f"{len(made)} synthetic results in {arguments.out}")


if __name__ == "__main__":
    main()
