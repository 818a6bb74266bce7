"""The process that does one cell's work. It knows no meter: it stamps the clock at the ends of its windows.

Job (one JSON line on standard input): cell, batches, windows, window_s.
Frames: "origin", "begin" and "stage" around each stage, "batch" for each one tried, "quality", "window" for each
window, "rails" before one where the hardware shows its power to a profiler only, "audit" for each proof that the
windows held the work, then "done" or "failed". All times are nanoseconds from the origin on CLOCK_MONOTONIC.
"""

from __future__ import annotations

import gc
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import backends
import workloads
from backends.base import BackendUnavailable, Runtime
from backends.memory import is_out_of_memory
from suite import audit, sweep
from suite.processes import Frame, open_frames, send
from suite.record import BatchRate
from workloads.base import Program, Spec

CALIBRATE_S = 0.5
CALIBRATE_STEPS = 200
SWEPT_S = 0.3
"""How long each batch of a sweep is timed."""
DEPHASE_S = 0.1
"""Each window starts after a random wait of at most this, so that repeats meet the meters' sampling at other phases."""

PROFILED_S = 2.0
"""How long the same steps run under a profiler before each window, on hardware that shows its power in no other way."""

FAR = 1e30
"""The largest number that a check reads in a file."""

MARGIN = 1.1
"""Windows aim this much over the wanted length: a shorter one could be refused."""

MOST_SHORT = 2
"""Windows that ended too soon, for steps had become faster, are done again, this many times at most."""

MOST_RECOMPILED = 2
"""Windows in which something was compiled are done again, this many times at most."""

STAGE_LIMIT_S = {
    "start": 120.0,
    "sweep": 600.0,
    "build": 300.0,
    "compile": 900.0,
    "warm-up": 900.0,
    "rails": 120.0,
    "audit": 900.0,
}


class Worker:
    """One attempt at one cell, reporting each step of it."""

    def __init__(self, job: dict[str, Any], frames: TextIO) -> None:
        self.cell = job["cell"]
        self.batches: list[int] = job["batches"]
        self.windows: int = job["windows"]
        self.window_s: float = job["window_s"]
        self.frames = frames
        self.doubts: list[str] = []
        self.recompiled = self.shortened = 0
        self.origin_ns = time.monotonic_ns()
        send(frames, "origin", at_ns=self.origin_ns)

    def run(self) -> None:
        with self.stage("start"):
            runtime = backends.load(self.cell["backend"]).attach(self.cell["framework"], self.cell["device"])
        spec = workloads.specs(self.cell["workload"])[self.cell["mode"]]
        spec = spec.with_batch(self.cell["size"], self._batch(spec, runtime))
        with self.stage("build"):
            program = self._build(spec, runtime, compiled=self.cell["technique"] == "compiled")
            warm_up_steps = max(1, spec.quality_steps(spec.sizes[self.cell["size"]]))
            program.prepare(warm_up_steps)
            runtime.synchronize()
        with self.stage("compile"):
            program.step()
            runtime.synchronize()
            runtime.release_memory()
        with self.stage("warm-up"):
            for _ in range(warm_up_steps - 1):
                program.step()
            value = program.quality()
            step_s = self._step_s(program, runtime, CALIBRATE_S)
        band = spec.band(self.cell["size"], self.cell["precision"])
        send(self.frames, "quality", name=spec.quality_name, value=_finite(value), low=band.low, high=band.high)
        if not band.holds(value):
            send(self.frames, "failed", outcome="quality", detail=f"quality {value:.4g} outside its band")
            return
        step_s = self._measure(program, runtime, spec, step_s)
        if spec.mode == "train" and not math.isfinite(loss := program.loss()):
            # Whoever reads the file sees why: a quality that holds would contradict the outcome.
            send(self.frames, "quality", name=spec.quality_name, value=_finite(loss), low=band.low, high=band.high)
            send(self.frames, "failed", outcome="quality", detail="the loss is no longer finite")
            return
        peak_memory_bytes = runtime.peak_memory_bytes()
        send(self.frames, "begin", name="audit", limit_s=STAGE_LIMIT_S["audit"])
        self._tell(audit.constant(program, runtime.synchronize, step_s))
        if self.doubts:
            send(self.frames, "failed", outcome="quality", detail=self.doubts[0])
            return
        send(self.frames, "done", peak_memory_bytes=peak_memory_bytes)

    def _build(self, spec: Spec, runtime: Runtime, *, compiled: bool) -> Program:
        return workloads.build(
            spec,
            self.cell["size"],
            framework=self.cell["framework"],
            device=runtime.device,
            precision=self.cell["precision"],
            compiled=compiled,
        )

    def _batch(self, spec: Spec, runtime: Runtime) -> int:
        """The batch that pays, of those the job allows; the cell's own where it leaves no choice."""
        if not self.batches:
            return int(self.cell["batch"])
        found: list[BatchRate] = []
        with self.stage("sweep"):
            try:
                for one in sweep.rates(self.batches, lambda batch: self._rate(spec, runtime, batch)):
                    send(self.frames, "batch", batch=one.batch, units_per_s=one.units_per_s)
                    found.append(one)
            except Exception as problem:
                if not (found and is_out_of_memory(problem)):
                    raise
            gc.collect()  # what was tried makes room for what will be measured
            runtime.release_memory()
            runtime.forget_peak_memory()
        return sweep.chosen(found)

    def _rate(self, spec: Spec, runtime: Runtime, batch: int) -> float:
        """Units per second, run eagerly where there is a choice: compiling each batch would cost more than it tells."""
        swept = spec.with_batch(self.cell["size"], batch)
        program = self._build(swept, runtime, compiled=False)
        return swept.units_per_step(swept.sizes[self.cell["size"]]) / self._step_s(program, runtime, SWEPT_S)

    def _tell(self, found: Frame) -> None:
        send(self.frames, "audit", **found)
        if not audit.holds(found):
            self.doubts.append(f"not the work: {found['name']} is {found['value']:.3g}")

    def _step_s(self, program: Program, runtime: Runtime, trusted_s: float) -> float:
        """Seconds per step, from doubling bursts until one lasts `trusted_s`.

        One step goes before them: reading the quality may have left caches cold. It is watched as one in a window will
        be, so that nothing is done there for the first time.
        """
        program.prepare(1)
        program.step(witnessed=True)
        steps = 1
        while True:
            program.prepare(steps)
            runtime.synchronize()
            start_s = time.monotonic()
            for _ in range(steps):
                program.step()
            runtime.synchronize()
            elapsed_s = time.monotonic() - start_s
            if elapsed_s >= trusted_s or steps >= CALIBRATE_STEPS:
                return elapsed_s / steps
            steps *= 2

    def _measure(self, program: Program, runtime: Runtime, spec: Spec, step_s: float) -> float:
        """All windows; the seconds a step took in the last one."""
        dephase = random.Random(self.origin_ns)
        drawn = audit.draw(self.windows, self.origin_ns)
        units_per_step = spec.units_per_step(spec.sizes[self.cell["size"]])
        number = 0
        while number < self.windows:
            steps = max(1, math.ceil(MARGIN * self.window_s / step_s))
            self._rails(program, runtime, max(1, math.ceil(PROFILED_S / step_s)))
            program.prepare(steps)
            time.sleep(dephase.uniform(0, DEPHASE_S))
            send(self.frames, "begin", name="window", limit_s=60 + 5 * steps * step_s)
            watched = drawn.step(steps) if number == drawn.window else None
            compilations = runtime.compilations()
            runtime.synchronize()
            start_ns = self.now_ns()
            for step in range(steps):
                program.step(witnessed=step == watched)
            runtime.synchronize()
            end_ns = self.now_ns()
            if runtime.compilations() != compilations:
                self._compiled(start_ns, end_ns)
                continue
            step_s = (end_ns - start_ns) / 1e9 / steps
            if steps * step_s < self.window_s and self.shortened < MOST_SHORT:
                self.shortened += 1
                send(self.frames, "stage", name="short", start_ns=start_ns, end_ns=end_ns)
                continue
            send(self.frames, "window", start_ns=start_ns, end_ns=end_ns, units=steps * units_per_step)
            number += 1
            if watched is not None:
                self._prove(program, runtime, spec)
        return step_s

    def _prove(self, program: Program, runtime: Runtime, spec: Spec) -> None:
        """The watched step once more, in memory of another shape; a step follows, so that no window pays for that."""
        send(self.frames, "begin", name="audit", limit_s=STAGE_LIMIT_S["audit"])
        runtime.release_memory()
        self._tell(audit.witnessed(program, spec.proof_limit(self.cell["size"], self.cell["precision"])))
        runtime.release_memory()
        program.prepare(1)
        program.step()
        runtime.synchronize()

    def _compiled(self, start_ns: int, end_ns: int) -> None:
        """A window in which something was compiled is no window: its time and energy go down as compilation."""
        self.recompiled += 1
        if self.recompiled > MOST_RECOMPILED:
            raise RuntimeError("every window compiles something anew")
        send(self.frames, "stage", name="recompile", start_ns=start_ns, end_ns=end_ns)

    def _rails(self, program: Program, runtime: Runtime, steps: int) -> None:
        """Outside the window, for a profiler costs time: the rails' power while the same steps run."""

        def run() -> None:
            for _ in range(steps):
                program.step()

        program.prepare(steps)
        send(self.frames, "begin", name="rails", limit_s=STAGE_LIMIT_S["rails"])
        rails = runtime.measure_rails(run)
        if rails:
            send(self.frames, "rails", power_w={rail.domain: rail.power_w for rail in rails})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        send(self.frames, "begin", name=name, limit_s=STAGE_LIMIT_S[name])
        start_ns = self.now_ns()
        yield
        send(self.frames, "stage", name=name, start_ns=start_ns, end_ns=self.now_ns())

    def now_ns(self) -> int:
        return time.monotonic_ns() - self.origin_ns


def _finite(value: float) -> float:
    """NaN and infinity have no JSON, and a check reads no larger number: it stands for "far outside the band"."""
    return value if abs(value) < FAR else FAR


def main() -> None:
    job = json.loads(sys.stdin.readline())
    frames = open_frames()
    try:
        Worker(job, frames).run()
    except BackendUnavailable as unavailable:
        send(frames, "failed", outcome="refused", detail=str(unavailable))
    except Exception as problem:
        # The border of the process: whatever a framework throws becomes this cell's outcome, its trace goes to the log.
        outcome = "oom" if is_out_of_memory(problem) else "crash"
        send(frames, "failed", outcome=outcome, detail=f"{type(problem).__name__}: {problem}".splitlines()[0][:250])
        raise


if __name__ == "__main__":
    main()
