"""Carries a plan out: one sampler, one worker per attempt, a journal, and at the end a result file."""

from __future__ import annotations

import math
import os
import resource
import shutil
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from suite.assemble import Begin, assemble, begin_of, tried_of
from suite.attempt import Listener, run_attempt
from suite.check import Finding, examine
from suite.energy import Meter, Window
from suite.journal import Journal
from suite.normalise import score
from suite.plan import Progress, allowance_s, make_plan, next_attempt, work_of
from suite.record import (
    Attempt,
    Cell,
    CellResult,
    Idle,
    Plan,
    PlannedCell,
    Result,
    Software,
    System,
    dumps,
    sha256,
    write_atomically,
)
from suite.recorder import Recorder

RUNS = ".runs"
"""Where unfinished runs keep their journal and logs, below the results folder."""


IDLE_LEAD_NS = 500_000_000
"""How long the meters are on record before an idle window opens, so that its edge lies between two ticks."""


class Watcher(Listener, Protocol):
    """Who wants to know how the run goes on."""

    def plan(self, plan: Plan, continued: int) -> None: ...

    def idle(self, seconds: float) -> None: ...

    def cell(self, planned: PlannedCell, windows: int, allowed_s: float) -> None: ...

    def tried(self, cell: Cell, attempt: Attempt) -> None: ...


class Unacceptable(Exception):
    """The suite's own result breaks its own rules: a bug. The journal is kept."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"{finding.rule} at {finding.pointer}: {finding.message}" for finding in findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All a run needs to know. Two jobs of the same `identity` are the same run: the second continues the first."""

    backend: str
    device: int
    cells: tuple[Cell, ...]
    budget_s: float
    system: System
    software: Software
    results: Path

    @property
    def identity(self) -> str:
        parts = (self.backend, self.budget_s, self.cells, self.system, self.software.model_dump())
        return sha256(repr(parts).encode())[:16]

    @property
    def folder(self) -> Path:
        return self.results / RUNS / self.identity


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its result and where it was written, and whether the user broke it off."""

    result: Result
    path: Path
    interrupted: bool


class Run:
    """One session of a run: from opening its journal to writing its result."""

    def __init__(self, job: Job, journal: Journal, recorder: Recorder, watcher: Watcher, started_s: float) -> None:
        self._job, self._journal, self._recorder, self._watcher = job, journal, recorder, watcher
        self._started_s = started_s
        self._spent_before_s = sum(one.spent_s for one in tried_of(journal.events))
        if not journal.events:
            self._begin()
        begin = begin_of(journal.events)
        self.plan, self._meters = begin.plan, begin.meters

    def _begin(self) -> None:
        """Fix what may not change during the run."""
        meters = self._recorder.meters or ()
        slowest_s = max((meter.update_period_s for meter in meters if not meter.check), default=0.0)
        plan = make_plan(self._job.cells, self._job.budget_s, slowest_s, self._job.system.logical_cores)
        begin = Begin(
            id=os.urandom(6).hex(),
            date=datetime.now(UTC).date().isoformat(),
            system=self._job.system,
            software=self._job.software,
            backend=self._job.backend,
            plan=plan,
            works=tuple(work_of(planned.cell) for planned in plan.cells),
            meters=meters,
            missing_meters=self._recorder.missing,
        )
        self._journal.append("begin", **begin.model_dump(mode="json"))

    def left_s(self) -> float:
        """What is left of the budget for work: idle time after it is set aside."""
        spent_s = self._spent_before_s + time.monotonic() - self._started_s
        return self.plan.budget_s - spent_s - self.plan.idle_s - 1.5

    def carry_out(self) -> None:
        """All attempts the budget allows, with the machine's idle energy before and after."""
        self._watcher.plan(self.plan, len(tried_of(self._journal.events)))
        self._idle("before")
        while (chosen := next_attempt(self.plan, self._progress(), self.left_s())) is not None:
            if self.left_s() <= 0:
                break
            planned, windows = chosen
            self._attempt(planned, windows, allowance_s(self.plan, self._progress(), planned, self.left_s()))
        self._idle("after")

    def _idle(self, when: str) -> None:
        if any(event["kind"] == "idle" and event["when"] == when for event in self._journal.events):
            return
        self._watcher.idle(self.plan.idle_s)
        origin_ns = time.monotonic_ns()
        start_ns = origin_ns + IDLE_LEAD_NS
        end_ns = start_ns + int(self.plan.idle_s * 1e9)
        self._recorder.record_until(end_ns)
        window = Window(start_ns - origin_ns, end_ns - origin_ns, 0)
        ticks = self._recorder.tape.cut(origin_ns, end_ns, origin_ns)
        idle = Idle.model_validate({"when": when, "window": window, "ticks": ticks})
        self._journal.append("idle", **idle.model_dump(mode="json"))

    def _attempt(self, planned: PlannedCell, windows: int, allowed_s: float) -> None:
        self._watcher.cell(planned, windows, allowed_s)
        start_s = time.monotonic()
        log = self._job.folder / f"{planned.cell.key.replace('/', '-')}.log"
        attempt, cost = run_attempt(
            planned.cell,
            windows,
            planned.window_s,
            end_s=start_s + allowed_s,
            meters=self._meters,
            recorder=self._recorder,
            listener=self._watcher,
            log=log,
        )
        self._journal.append(
            "tried",
            cell=planned.cell.model_dump(mode="json"),
            attempt=attempt.model_dump(mode="json"),
            windows_s=cost.windows_s,
            sampler_s=cost.sampler_s,
            controller_s=cost.controller_s,
            spent_s=time.monotonic() - start_s,
        )
        self._recorder.tape.forget_before(time.monotonic_ns())
        self._watcher.tried(planned.cell, attempt)

    def _progress(self) -> dict[Cell, Progress]:
        attempts: dict[Cell, list[Attempt]] = {}
        for one in tried_of(self._journal.events):
            attempts.setdefault(one.cell, []).append(one.attempt)
        return {cell: _progress(cell, tried) for cell, tried in attempts.items()}


def _progress(cell: Cell, attempts: list[Attempt]) -> Progress:
    found = score(CellResult(cell=cell, work=work_of(cell), attempts=tuple(attempts)), "device")
    summary = (found.joules_per_unit or found.units_per_s) if found else None
    setup_ns = max((stage.end_ns for attempt in attempts for stage in attempt.stages), default=0)
    return Progress(
        setup_s=setup_ns / 1e9,
        repeats=summary.repeats if summary else 0,
        relative_width=summary.relative_width if summary else math.inf,
        failed=any(attempt.outcome != "ok" for attempt in attempts),
    )


def run(job: Job, watcher: Watcher, *, fresh: bool, started_s: float) -> Outcome:
    """Carry the job out, or continue it where an earlier session stopped.

    Ctrl-C ends the attempt in flight, keeps the finished ones and writes the result. OSError when nothing can be
    written (found out before the first cell), Busy when another process carries out the same run.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    interrupted = False
    with Journal(job.folder / "journal.jsonl") as journal:
        if fresh or any(event["kind"] == "end" for event in journal.events):
            journal.restart()
        recorder = Recorder(job.backend, job.device, job.folder / "sampler.log")
        try:
            if journal.events and not same_meters(begin_of(journal.events).meters, recorder.meters or ()):
                journal.restart()  # its joules could not be computed from these meters
            session = Run(job, journal, recorder, watcher, started_s)
            session.carry_out()
        except KeyboardInterrupt:
            if not journal.events:
                raise  # nothing was begun: there is nothing to save
            interrupted = True
        finally:
            recorder.close()
        journal.append("memory", peak_memory_bytes=_own_peak_memory_bytes() + recorder.peak_memory_bytes)
        if not interrupted:
            journal.append("end")
        result = assemble(journal.events, journal.sha256)
        path = write_result(result, job.results)
    if not interrupted and all(cell.outcome == "ok" for cell in result.cells):
        shutil.rmtree(job.folder)  # with a failed cell the logs stay, for whoever wants to know why
    return Outcome(result, path, interrupted)


def same_meters(first: tuple[Meter, ...], second: tuple[Meter, ...]) -> bool:
    """Whether two sessions saw the same meters; how fast these seem to update may differ from probe to probe."""
    return [replace(meter, update_period_s=0.0) for meter in first] == [
        replace(meter, update_period_s=0.0) for meter in second
    ]


def _own_peak_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def write_result(result: Result, results: Path) -> Path:
    """Examine the result as a stranger's file would be, then write it to its place. Unacceptable is a bug of ours."""
    errors = tuple(finding for finding in examine(result) if finding.severity == "error")
    if errors:
        raise Unacceptable(errors)
    path = results / result.system.slug / result.file_name
    write_atomically(path, dumps(result))
    return path


def writable(folder: Path) -> None:
    """Prove that results can be written to `folder`, before anything is run for them. OSError when not."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".writable-{os.getpid()}"
    write_atomically(probe, b"")
    probe.unlink()
