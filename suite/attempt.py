"""One worker process from start to end: its frames, its deadlines, and what is kept of it."""

from __future__ import annotations

import re
import select
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from suite.energy import Meter, Window, boundaries, thin, window_energy
from suite.processes import BrokenFrame, Child, Frame
from suite.record import Attempt, Cell, Outcome, Quality, Stage
from suite.recorder import Recorder

START_LIMIT_S = 60.0
"""How long a worker may take to send its first frame."""

END_PATIENCE_S = 10.0
"""How long a worker that has told its outcome may take to leave."""

CUT_SHORT = "cut short: its time was over"


class Listener(Protocol):
    """Who wants to know how the work goes on: the live view."""

    def stage(self, name: str) -> None: ...

    def window(self, number: int, window: Window) -> None: ...


@dataclass(slots=True)
class Story:
    """What a worker has told so far."""

    origin_ns: int = 0
    quality: Quality | None = None
    stages: list[Stage] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    outcome: Outcome | None = None
    detail: str | None = None
    peak_memory_bytes: int | None = None
    told: bool = False  # the worker has said how it ended, and will leave by itself
    stage_end_s: float = field(default_factory=lambda: time.monotonic() + START_LIMIT_S)


@dataclass(slots=True)
class Cost:
    """CPU time of the suite's own processes while windows were open."""

    windows_s: float = 0.0
    sampler_s: float = 0.0
    controller_s: float = 0.0


def run_attempt(
    cell: Cell,
    windows: int,
    window_s: float,
    *,
    end_s: float,
    meters: tuple[Meter, ...],
    recorder: Recorder,
    listener: Listener,
    log: Path,
) -> tuple[Attempt, Cost]:
    """Carry one attempt out until its worker ends or `end_s` (CLOCK_MONOTONIC, seconds) comes.

    `meters` are the run's, with the update periods its first session measured: joules follow from these alone.

    The worker is gone when this returns or raises.
    """
    job: Frame = {"cell": cell.model_dump(mode="json"), "windows": windows, "window_s": window_s}
    story, cost = Story(), Cost()
    child = Child("suite.worker", job, log)
    try:
        _listen(child, story, cost, end_s, recorder, listener)
    finally:
        status = child.end(patience_s=END_PATIENCE_S if story.told else 0.0)
    if story.outcome is None:
        story.outcome, story.detail = _explain_end(status, log)
    recorder.record_until(story.origin_ns + (story.windows[-1].end_ns if story.windows else 0))
    return _attempt(story, meters, recorder), cost


def _listen(child: Child, story: Story, cost: Cost, end_s: float, recorder: Recorder, listener: Listener) -> None:
    meter = _CostMeter(recorder)
    while story.outcome is None:
        limit_s = min(end_s, story.stage_end_s)
        sources = [child.descriptor] + ([recorder.descriptor] if recorder.alive else [])
        ready = select.select(sources, [], [], max(0.0, limit_s - time.monotonic()))[0]
        if recorder.descriptor in ready:
            recorder.pump()
        if child.descriptor in ready:
            try:
                frames = child.read()
            except BrokenFrame as problem:
                story.outcome, story.detail = "crash", f"the worker sent garbage: {problem}"
                return
            if frames is None:
                return
            for frame in frames:
                _take(frame, story, listener)
                meter.follow(frame, story, cost)
        if time.monotonic() >= limit_s and story.outcome is None:
            _give_up(story, by_budget=limit_s == end_s)


def _take(frame: Frame, story: Story, listener: Listener) -> None:
    fields = {name: value for name, value in frame.items() if name != "kind"}
    match frame["kind"]:
        case "origin":
            story.origin_ns = fields["at_ns"]
        case "begin":
            story.stage_end_s = time.monotonic() + fields["limit_s"]
            listener.stage(fields["name"])
        case "stage":
            story.stages.append(Stage(**fields))
        case "quality":
            story.quality = Quality(**fields)
        case "window":
            story.windows.append(Window(**fields))
            listener.window(len(story.windows), story.windows[-1])
        case "done":
            story.outcome, story.peak_memory_bytes, story.told = "ok", fields["peak_memory_bytes"], True
        case "failed":
            story.outcome, story.detail, story.told = fields["outcome"], fields["detail"], True


def _give_up(story: Story, *, by_budget: bool) -> None:
    """The time is over. Windows that closed before are as good as any; what was in flight is lost."""
    stage = f"{story.stages[-1].name} done" if story.stages else "nothing done"
    if len(story.windows) >= 2 and story.quality is not None:
        story.outcome, story.detail = (
            "ok",
            CUT_SHORT if by_budget else "a window took too long; the ones before are kept",
        )
    elif by_budget:
        story.outcome, story.detail = "deadline", f"its time was over ({stage})"
    else:
        story.outcome, story.detail = "deadline", f"no progress within the stage's limit ({stage})"


def _explain_end(status: int, log: Path) -> tuple[Outcome, str]:
    if status == -signal.SIGKILL:
        return "oom", "killed by the system, most likely for want of memory"
    if status < 0:
        return "crash", f"ended by {signal.Signals(-status).name}; its log is {log.name}"
    return "crash", f"exit status {status} without a result; its log is {log.name}"


class _CostMeter:
    """Adds up what sampler and controller cost between the opening and the closing of windows."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._self = psutil.Process()
        self._start = self._now()

    def _now(self) -> tuple[float, float]:
        times = self._self.cpu_times()
        return self._recorder.cpu_s(), float(times.user + times.system)

    def follow(self, frame: Frame, story: Story, cost: Cost) -> None:
        if frame["kind"] == "begin" and frame["name"] == "window":
            self._start = self._now()
        elif frame["kind"] == "window":
            sampler_s, controller_s = self._now()
            cost.sampler_s += max(0.0, sampler_s - self._start[0])
            cost.controller_s += controller_s - self._start[1]
            cost.windows_s += story.windows[-1].duration_s


def _attempt(story: Story, meters: tuple[Meter, ...], recorder: Recorder) -> Attempt:
    """What is kept: the ticks of the attempt, thinned, and the joules that follow from them."""
    assert story.outcome is not None
    last_ns = max([stage.end_ns for stage in story.stages] + [window.end_ns for window in story.windows], default=0)
    whole = recorder.tape.cut(story.origin_ns, story.origin_ns + last_ns, story.origin_ns)
    ticks = tuple(thin(series, story.windows) for series in whole)
    return Attempt(
        outcome=story.outcome,
        detail=plain_line(story.detail) if story.detail else None,
        stages=tuple(story.stages),
        windows=tuple(story.windows),
        ticks=ticks,
        energies=tuple(
            tuple(window_energy(meters, ticks, window, boundary) for boundary in boundaries(meters))
            for window in story.windows
        ),
        quality=story.quality,
        peak_memory_bytes=story.peak_memory_bytes,
        notes=tuple(plain_line(lost) for lost in recorder.lost),
    )


def plain_line(text: str) -> str:
    """One printable line without anybody's folders in it: it will be published."""
    line = re.sub(r"[^\x20-\x7e]+", " ", text)
    line = re.sub(r"(?:/[\w.@+-]+)+/([\w.@+-]+)", r"\1", line)
    return line.strip()[:250]
