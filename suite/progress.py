"""The live view of a run, on standard error: one line an event, and on a terminal a status line at 1 Hz with the ETA.

While windows are open the view must not cost what is being measured: plain lines are written only when something
happens, and the terminal is refreshed once a second at most.
"""

from __future__ import annotations

import os
import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from suite.forecast import needed_s, work_of
from suite.record import Attempt, Cell, Plan, PlannedCell
from suite.sweep import chosen
from suite.trace import Window
from suite.units import counted, duration, quantity, rate, significant


class Live:
    """Follows a run. A context manager: the status line is taken down on leaving."""

    def __init__(self, console: Console, *, started_s: float) -> None:
        self._console = console
        self._started_s = started_s
        self._planned = 0
        self._tried = 0
        self._budget_s = 0.0
        self._unit = "unit"
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
            self._bar = Progress(
                BarColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=self._console,
                refresh_per_second=1,
                transient=True,
            )
            self._task = self._bar.add_task("starting", total=None)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def plan(self, plan: Plan, continued: int) -> None:
        """The plan with minutes, before anything starts."""
        self._budget_s, self._planned = plan.budget_s, len(plan.cells)
        for line in plan_lines(plan):
            self.say(line)
        if continued:
            self.say(f"Continuing: {continued} attempts are done already (--fresh starts over).")
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=plan.budget_s)

    def idle(self, seconds: float) -> None:
        self.say(f"{self._clock()}  idle, {duration(seconds)}")
        self._status("idle")

    def cell(self, planned: PlannedCell, windows: int, allowed_s: float) -> None:
        self._unit = work_of(planned.cell).unit
        most = duration(max(0.0, allowed_s))
        self.say(f"{self._clock()}  {planned.cell.key}: {counted(windows, 'window')}, at most {most}")
        self._status(planned.cell.key)

    def comparing(self, planned: PlannedCell, windows: int) -> None:
        self.say(f"{self._clock()}  {planned.cell.key}: {windows} short windows, with and without metering in turn")
        self._status("what metering costs")

    def stage(self, name: str) -> None:
        self._status(name)

    def window(self, number: int, window: Window) -> None:
        speed = rate(window.units / window.duration_s, self._unit)
        self.say(f"{self._clock()}    window {number}: {significant(window.duration_s, 3)} s, {speed}")

    def tried(self, cell: Cell, attempt: Attempt) -> None:
        self._tried += 1
        known = [energy for energies in attempt.energies for energy in energies[:1] if energy.joules is not None]
        joules = quantity(sum(energy.joules or 0.0 for energy in known), "J")
        energy = f", {joules} {known[0].meter_class} in {counted(len(known), 'window')}" if known else ""
        detail = f", {attempt.detail}" if attempt.detail else ""
        tried = counted(len(attempt.sweep), "batch")
        swept = f", batch {chosen(attempt.sweep)} ({tried} tried)" if attempt.sweep else ""
        self.say(f"{self._clock()}    {attempt.outcome}{detail}{energy}{swept}")

    def _clock(self) -> str:
        spent_s = time.monotonic() - self._started_s
        return f"{duration(spent_s):>11}"

    def _status(self, what: str) -> None:
        if self._bar is None or self._task is None:
            return
        spent_s = time.monotonic() - self._started_s
        eta = duration(max(0.0, self._budget_s - spent_s))
        done = f"{min(self._tried, self._planned)}/{self._planned} cells"
        self._bar.update(self._task, completed=spent_s, description=f"{done}, {what}, ends in {eta}")


def plan_lines(plan: Plan) -> list[str]:
    """The plan for a reader: each cell with its share of the budget."""
    spoken_for_s = sum(needed_s(planned) for planned in plan.cells) + 2 * plan.idle_s
    cells = counted(len(plan.cells), "cell")
    lines = [f"Plan: {cells} within {duration(plan.budget_s)}, the machine idle before and after."]
    for planned in plan.cells:
        cell = planned.cell
        lines.append(
            f"  {cell.key:<36} batch {cell.batch:<4} {cell.technique:<9} "
            f"{planned.repeats} windows of {significant(planned.window_s, 2)} s, about {duration(needed_s(planned))}"
        )
    spare_s = plan.budget_s - spoken_for_s
    if spare_s > 0:
        lines.append(f"  about {duration(spare_s)} left for more repeats where the interval is widest")
    return lines
