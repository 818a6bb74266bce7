"""CPU time while windows were open: what the suite's own measuring took, and what went to other programs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import psutil

from backends.meters.estimate import busy_s_in
from suite.conditions import load_events
from suite.processes import Frame, cpu_s
from suite.recorder import Recorder
from suite.trace import Event, Window


@dataclass(slots=True)
class Cost:
    """CPU time of the suite's own processes while windows were open, and whose else it met."""

    windows_s: float = 0.0
    sampler_s: float = 0.0
    controller_s: float = 0.0
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Account:
    """CPU seconds since boot, of the whole machine and of those processes that are ours."""

    busy_s: float
    stolen_s: float
    sampler_s: float
    controller_s: float
    worker_s: float


class CostMeter:
    """Follows a worker's frames and keeps the accounts between the opening and the closing of its windows."""

    def __init__(self, recorder: Recorder, worker_pid: int) -> None:
        self._recorder = recorder
        self._self = psutil.Process()
        self._worker = psutil.Process(worker_pid)
        self._start = self._now()
        self.cost = Cost()

    def _now(self) -> _Account:
        times = psutil.cpu_times()
        return _Account(
            busy_s=busy_s_in(times),
            stolen_s=getattr(times, "steal", 0.0),
            sampler_s=self._recorder.cpu_s(),
            controller_s=cpu_s(self._self),
            worker_s=cpu_s(self._worker),
        )

    def follow(self, frame: Frame) -> None:
        if frame["kind"] == "begin" and frame["name"] == "window":
            self._start = self._now()
        elif frame["kind"] == "window":
            self._close(Window(frame["start_ns"], frame["end_ns"], frame["units"]))

    def _close(self, window: Window) -> None:
        start, end = self._start, self._now()
        sampler_s = max(0.0, end.sampler_s - start.sampler_s)
        controller_s = end.controller_s - start.controller_s
        ours_s = sampler_s + controller_s + end.worker_s - start.worker_s
        self.cost.windows_s += window.duration_s
        self.cost.sampler_s += sampler_s
        self.cost.controller_s += controller_s
        self.cost.events += load_events(
            window,
            foreign_cpu_s=max(0.0, end.busy_s - start.busy_s - ours_s),
            stolen_cpu_s=max(0.0, end.stolen_s - start.stolen_s),
            cores=os.cpu_count() or 1,
        )
