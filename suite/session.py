"""One session of a run: the plan, attempt after attempt, each on record before the next one starts."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from suite.assemble import Begin, begin_of, tried_of
from suite.attempt import Listener, Told, Turns, run_attempt
from suite.forecast import batches_of, work_of
from suite.join import Log, is_log, join, read
from suite.journal import Journal
from suite.keep import what_happened
from suite.normalise import score
from suite.plan import Progress, allowance_s, make_plan, next_attempt, slowest_period_s
from suite.record import Attempt, Cell, CellResult, Idle, Plan, PlannedCell, Software, System, sha256
from suite.recorder import Recorder
from suite.sweep import with_batch
from suite.throughput import MOST_SHARE, WINDOW_S, Alternate, compared, windows_within
from suite.trace import Window

RUNS = ".runs"
"""Where unfinished runs keep their journal and logs, below the results folder."""

IDLE_LEAD_NS = 500_000_000
"""How long the meters are on record before an idle window opens, so that its edge lies between two ticks."""


class Watcher(Listener, Protocol):
    """Who wants to know how the run goes on."""

    def plan(self, plan: Plan, continued: int) -> None: ...

    def idle(self, seconds: float) -> None: ...

    def cell(self, planned: PlannedCell, windows: int, allowed_s: float) -> None: ...

    def comparing(self, planned: PlannedCell, windows: int) -> None: ...

    def tried(self, cell: Cell, attempt: Attempt) -> None: ...


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
    memory_bytes: int | None  # of the device that does the work, as far as this process may use it
    calibration: tuple[Cell, ...] = ()  # first of all, where the budget has room for it
    meters: tuple[str, ...] = ()  # beside the backend's own, by name: "shelly:HOST", "csv:FILE"

    @property
    def identity(self) -> str:
        parts = (
            self.backend,
            self.budget_s,
            self.cells,
            self.calibration,
            self.system,
            self.software.model_dump(),
            self.meters,
        )
        return sha256(repr(parts).encode())[:16]

    @property
    def folder(self) -> Path:
        return self.results / RUNS / self.identity


class Session:
    """Carries the plan of a job out, or goes on with it where an earlier session stopped."""

    def __init__(self, job: Job, journal: Journal, recorder: Recorder, watcher: Watcher, started_s: float) -> None:
        self._job, self._journal, self._recorder, self._watcher = job, journal, recorder, watcher
        self._started_s = started_s
        self._compared = any(event["kind"] == "throughput" for event in journal.events)
        self._spent_before_s = sum(one.spent_s for one in tried_of(journal.events))
        if not journal.events:
            self._begin()
        begin = begin_of(journal.events)
        self.plan, self._meters = begin.plan, begin.meters

    def _begin(self) -> None:
        """Fix what may not change during the run."""
        job, meters = self._job, self._recorder.meters
        slowest_s = slowest_period_s(meters, self._job.budget_s)
        plan = make_plan(job.cells, job.budget_s, slowest_s, job.system.logical_cores, job.calibration)
        begin = Begin(
            id=os.urandom(6).hex(),
            date=datetime.now(UTC).date().isoformat(),
            system=self._job.system,
            software=self._job.software,
            backend=self._job.backend,
            plan=plan,
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
            every_cell_had_its_turn = planned.cell in self._progress()
            if every_cell_had_its_turn and self._compare_throughput(MOST_SHARE * self.plan.budget_s):
                continue  # the time that is left is another: choose again
            self._attempt(planned, windows, allowance_s(self.plan, self._progress(), planned, self.left_s()))
        self._compare_throughput(self.left_s())
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
        events, _ = what_happened(self._recorder.tape, origin_ns, end_ns, origin_ns, workers=0)
        idle = Idle.model_validate({"when": when, "window": window, "ticks": ticks, "events": events})
        self._journal.append("idle", **idle.model_dump(mode="json"))

    def _attempt(self, planned: PlannedCell, windows: int, allowed_s: float) -> None:
        self._watcher.cell(planned, windows, allowed_s)
        start_s = time.monotonic()
        before = self._attempts().get(planned.cell, [])
        cell = with_batch(planned.cell, before)
        batches = () if before else batches_of(cell, self._job.memory_bytes)
        told = self._run(cell, windows, planned.window_s, start_s + allowed_s, batches)
        self._journal.append(
            "tried",
            cell=planned.cell.model_dump(mode="json"),
            work=work_of(with_batch(planned.cell, [*before, told.attempt])).model_dump(mode="json"),
            attempt=told.attempt.model_dump(mode="json"),
            windows_s=told.cost.windows_s,
            sampler_s=told.cost.sampler_s,
            controller_s=told.cost.controller_s,
            spent_s=time.monotonic() - start_s,
            origin_ns=told.origin_ns,
            clock=told.clock,
        )
        self._recorder.tape.forget_before(time.monotonic_ns())
        self._watcher.tried(planned.cell, told.attempt)

    def _run(
        self,
        cell: Cell,
        windows: int,
        window_s: float,
        end_s: float,
        batches: tuple[int, ...] = (),
        turns: Turns | None = None,
    ) -> Told:
        return run_attempt(
            cell,
            windows,
            window_s,
            end_s=end_s,
            meters=self._meters,
            recorder=self._recorder,
            listener=self._watcher,
            log=self._job.folder / f"{cell.key.replace('/', '-')}.log",
            batches=batches,
            turns=turns,
        )

    def _compare_throughput(self, most_s: float) -> bool:
        """What metering costs the work, once in a run, if there is room for the quickest cell. Whether it was tried."""
        progress = self._progress()
        well = [one for one in self.plan.cells if one.cell in progress and not progress[one.cell].failed]
        if not well or self._compared:
            return False
        quickest = min(well, key=lambda one: progress[one.cell].setup_s)
        allowed_s = min(self.left_s(), most_s)
        windows = windows_within(allowed_s, progress[quickest.cell].setup_s)
        if not windows:
            return False
        self._compared = True
        self._watcher.comparing(quickest, windows)
        turns = Alternate(self._recorder)
        try:
            cell = with_batch(quickest.cell, self._attempts()[quickest.cell])
            told = self._run(cell, windows, WINDOW_S, time.monotonic() + allowed_s, turns=turns)
        finally:
            turns.close()
        found = compared(told.attempt.windows)
        if found is not None:
            self._journal.append("throughput", **found.model_dump(mode="json"))
        self._recorder.tape.forget_before(time.monotonic_ns())
        return True

    def join_logs(self) -> None:
        """Read the meters that only have a file, now that the work is done."""
        if any(event["kind"] in ("joined", "missing") for event in self._journal.events):
            return
        logs = [read(name) for name in self._job.meters if is_log(name)]
        tried = tried_of(self._journal.events)
        for number, log in enumerate((one for one in logs if isinstance(one, Log)), start=len(self._meters)):
            self._journal.append("joined", **join(log, number, tried).model_dump(mode="json"))
        for missing in logs:
            if not isinstance(missing, Log):
                self._journal.append("missing", **missing.model_dump(mode="json"))

    def _progress(self) -> dict[Cell, Progress]:
        return {cell: _progress(cell, tried) for cell, tried in self._attempts().items()}

    def _attempts(self) -> dict[Cell, list[Attempt]]:
        """What was tried so far of each planned cell."""
        attempts: dict[Cell, list[Attempt]] = {}
        for one in tried_of(self._journal.events):
            attempts.setdefault(one.cell, []).append(one.attempt)
        return attempts


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
