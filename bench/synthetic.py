"""Write valid result files of machines that do not exist, to try the leaderboard with.

    python bench/synthetic.py --count 30 --out DIR [--seed 1]

The same seed gives the same bytes. Counters are made first and joules come from them through `suite.energy`, so every
file passes `check`. The names are invented: nothing here was measured, and nothing here may go to results/.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

import workloads
from suite import record
from suite.audit import CONSTANT, LEAST_CONSTANT, WITNESSED
from suite.conditions import events_of, load_events
from suite.energy import boundaries, window_energy
from suite.record import Attempt, Cell, CellResult, Idle, Outcome, Result, dumps, write_atomically
from suite.roofline import CALIB
from suite.trace import Boundary, Conditions, Event, Meter, Method, Scope, Ticks, Window, thin
from workloads.base import Spec

WORKLOADS = ("gpt", "resnet")  # enough for every kind of page
LOADS = {"matmul": 0.97, "copy": 0.66, "launch": 0.24, "idle": 0.06}
"""Mode of `calib` -> how far from idle to full load it drives a machine."""
MODEL_SHARE, COPY_SHARE = 0.52, 0.82
"""What models reach of a machine's matrix products and of its copies, where nothing else holds them back."""
FIRST_DAY = date(2026, 1, 5)
LAUNCHES = 40
"""Of kernels, in a step of any model."""
WELL = 2
"""A cell of this number ends well and has five windows."""
TICK_S = 0.1
IDLE_S = 10.0
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Domain:
    """One metered part: what it draws with nothing to do and under full load."""

    meter: Meter
    idle_w: float
    busy_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An invented machine: what it says of itself, what meters it, how fast it is."""

    name: str
    cpu: str
    cores: int
    memory_gib: int
    backend: str
    frameworks: tuple[str, ...]
    precision: str
    flops_per_s: float
    bytes_per_s: float  # both as models reach them
    launch_s: float = 0.0  # lost with each of a step's launches
    calibrated: bool = True
    domains: tuple[Domain, ...] = ()
    accelerator: str | None = None
    accelerator_gib: int | None = None
    virtual: bool = False
    sizes: tuple[str, ...] = ("s",)
    missing: str | None = None

    @property
    def slug(self) -> str:
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.name.lower()).split())


def domain(
    name: str, boundary: Boundary, watts: tuple[float, float], method: Method = "counter", source: str = "powercap",
    *, period_s: float = 0.001, calibration: float | None = 0.02, check: bool = False, bound: Any = None,
    step_uj: int | None = 61, scope: Scope | None = None,
) -> Domain:  # fmt: skip
    meter = Meter(
        domain=name, boundary=boundary, method=method, source=source, bound=bound, check=check,
        calibration=calibration, note=None, update_period_s=period_s, tick_width_s=min(period_s, 0.004),
        resolution_uj=step_uj if method == "counter" else None, scope=scope,
    )  # fmt: skip
    return Domain(meter, *watts)


def gpu(idle_w: float, busy_w: float, *, apart: float = 0.012, scope: Scope = "gpu") -> tuple[Domain, ...]:
    """A board with an energy counter and, as second opinion, its integrated power, that much above it."""
    watts, second = (idle_w, busy_w), (idle_w, busy_w * (1 + apart))
    return (
        domain("gpu0", "device", watts, source="nvml.total_energy", period_s=0.1, calibration=0.05, step_uj=1000,
               scope=scope),
        domain("gpu0", "device", second, "integrated", "nvml.power", period_s=0.1, calibration=0.05, check=True,
               scope=scope),
    )  # fmt: skip


def host(idle_w: float, busy_w: float, *, dram: bool = True) -> tuple[Domain, ...]:
    package = domain("package-0", "machine", (idle_w, busy_w))
    return (package, domain("dram-0", "machine", (4.0, 9.0))) if dram else (package,)


BOTH = ("torch", "jax")
MACHINES = (
    Machine(
        name="Example H100 server", cpu="Example Xeon 8480C", cores=56, memory_gib=512, backend="cuda", frameworks=BOTH,
        precision="bf16", flops_per_s=1.9e14, bytes_per_s=2.4e12, accelerator="Example H100 80GB", accelerator_gib=80,
        domains=gpu(72, 545) + host(64, 118), sizes=("s", "m"), launch_s=4e-6,
    ),
    Machine(
        name="Example Xeon server, two sockets", cpu="Example Xeon Gold 6430", cores=64, memory_gib=256, backend="cpu",
        frameworks=BOTH, precision="bf16", flops_per_s=6.1e12, bytes_per_s=3.1e11,
        domains=tuple(
            domain(f"{part}-{number}", "device", watts)
            for number in (0, 1) for part, watts in (("package", (58.0, 262.0)), ("dram", (9.0, 27.0)))
        ),
    ),
    Machine(
        name="Example TPU v5e host", cpu="Example EPYC 7B13", cores=112, memory_gib=192, backend="tpu",
        frameworks=("jax",), precision="bf16", flops_per_s=7.4e13, bytes_per_s=6.5e11, accelerator="Example TPU v5e",
        accelerator_gib=16, sizes=("s", "m"), missing="tpu_no_meter",
    ),
    Machine(
        name="Example A100 server", cpu="Example EPYC 7742", cores=64, memory_gib=512, backend="cuda", frameworks=BOTH,
        precision="bf16", flops_per_s=1.05e14, bytes_per_s=1.5e12, accelerator="Example A100 80GB", accelerator_gib=80,
        domains=gpu(55, 338) + host(71, 129, dram=False), sizes=("s", "m"), launch_s=5e-6,
    ),
    Machine(
        name="Example virtual machine, 4 cores", cpu="Example EPYC processor", cores=4, memory_gib=24, backend="cpu",
        frameworks=BOTH, precision="bf16", flops_per_s=2.9e11, bytes_per_s=1.8e10, virtual=True,
        domains=(
            domain("cpu", "device", (2.1, 6.2), "estimate", "watts per core", period_s=0.1, bound="low"),
            domain("cpu", "device", (4.6, 18.4), "estimate", "watts per core", period_s=0.1, bound="high"),
        ), missing="rapl_absent",
    ),
    Machine(
        name="Example desktop, Ryzen 7950X", cpu="Example Ryzen 9 7950X", cores=16, memory_gib=64, backend="cpu",
        frameworks=("torch",), precision="bf16", flops_per_s=1.4e12, bytes_per_s=6.4e10,
        domains=(domain("package-0", "device", (29, 171), calibration=None),), calibrated=False,
    ),
    Machine(
        name="Example RTX 4090 workstation", cpu="Example Core i9-14900K", cores=24, memory_gib=128, backend="cuda",
        frameworks=BOTH, precision="bf16", flops_per_s=8.6e13, bytes_per_s=8.2e11, accelerator="Example RTX 4090",
        accelerator_gib=24, domains=gpu(19, 371, apart=0.064) + host(22, 74), sizes=("s", "m"), launch_s=5e-6,
    ),
    Machine(
        name="Example simulated machine", cpu="Example EPYC processor", cores=4, memory_gib=24, backend="simulated",
        frameworks=("torch",), precision="fp32", flops_per_s=2.2e11, bytes_per_s=1.8e10,
        domains=(domain("simulated0", "device", (20, 100), "simulated", "known power", calibration=0.0),),
    ),
    Machine(
        name="Example laptop, Core Ultra 7", cpu="Example Core Ultra 7 155H", cores=16, memory_gib=32, backend="cpu",
        frameworks=BOTH, precision="fp32", flops_per_s=5.2e11, bytes_per_s=7.0e10,
        domains=(domain("package-0", "device", (4.2, 41)), domain("dram-0", "device", (0.8, 2.6))),
    ),
    Machine(
        name="Example L4 node", cpu="Example Xeon 8481C", cores=8, memory_gib=32, backend="cuda", frameworks=("torch",),
        precision="bf16", flops_per_s=3.1e13, bytes_per_s=2.6e11, accelerator="Example L4", accelerator_gib=24,
        domains=gpu(16, 70.4), sizes=("s", "m"), launch_s=6e-6,
    ),
)  # fmt: skip


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


def audits(spec: Spec, precision: str) -> tuple[record.Quality, ...]:
    limit = spec.proof_limits[precision]
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
        peak_memory_bytes=round(3.1 * GIB), audits=audits(spec, machine.precision),
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


def result(index: int, seed: int) -> Result:
    """The `index`-th result; machines come round in turn."""
    machine = MACHINES[index % len(MACHINES)]
    random = np.random.Generator(np.random.Philox([seed, index]))
    digest = hashlib.sha256(f"{seed}/{index}".encode()).hexdigest()
    speed = float(random.normal(1.0, 0.03))
    machine = replace(machine, flops_per_s=machine.flops_per_s * speed, bytes_per_s=machine.bytes_per_s * speed)
    planned = [
        (spec, size, framework)
        for name in WORKLOADS for spec in workloads.specs(name).values()
        for size in machine.sizes for framework in machine.frameworks
    ]  # fmt: skip
    cells = tuple(
        cell_result(machine, spec, size, framework, 7 * index + number, random)
        for number, (spec, size, framework) in enumerate(planned)
    ) + calib_cells(machine, random)
    return Result(
        schema_version=3, id=digest[:12], date=(FIRST_DAY + timedelta(days=index % 300)).isoformat(),
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


def system(machine: Machine) -> record.System:
    memory_bytes = None if machine.accelerator_gib is None else machine.accelerator_gib * GIB
    names = (machine.accelerator,) if machine.accelerator else ()
    found = tuple(record.Accelerator(name=name, memory_bytes=memory_bytes) for name in names)
    return record.System(
        slug=machine.slug, name=machine.name, cpu=machine.cpu, physical_cores=machine.cores,
        logical_cores=2 * machine.cores, memory_bytes=machine.memory_gib * GIB,
        accelerators=found, virtual=machine.virtual,
        governor=None if machine.virtual else "performance",
    )  # fmt: skip


def software(machine: Machine) -> record.Software:
    versions = {"torch": "2.13.0", "jax": "0.10.2", "numpy": "2.4.1"}
    packages = {name: versions[name] for name in (*machine.frameworks, "numpy")}
    return record.Software(
        joulemark="0.1.0", commit="3f1c9ab", modified=False, python="3.12.4", system="Linux 6.8.0", packages=packages,
        drivers={"nvidia": "570.86.15", "cuda": "12.8"} if machine.backend == "cuda" else {},
    )  # fmt: skip


def missing(machine: Machine) -> tuple[record.MissingMeter, ...]:
    if machine.missing is None:
        return ()
    return (record.MissingMeter(code=machine.missing, reason="No counter answered.", cure="Run on the bare machine."),)


def write(out: Path, count: int, seed: int = 1) -> list[Path]:
    """`count` files below `out`, named as the suite names them."""
    paths = []
    for index in range(count):
        made = result(index, seed)
        paths.append(out / made.system.slug / made.file_name)
        write_atomically(paths[-1], dumps(made))
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{len(write(arguments.out, arguments.count, arguments.seed))} synthetic results in {arguments.out}")


if __name__ == "__main__":
    main()
