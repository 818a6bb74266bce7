"""One worker process from start to end: its frames, its deadlines, and what is kept of it."""

from __future__ import annotations

import re
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from suite.cost import Cost, CostMeter
from suite.keep import energies, rail_ticks, thinned, what_happened
from suite.processes import BrokenFrame, Child, Frame
from suite.record import Attempt, BatchRate, Cell, Outcome, Quality, Stage
from suite.recorder import Recorder
from suite.trace import Event, Meter, Ticks, Window

START_LIMIT_S = 60.0
"""How long a worker may take to send its first frame."""

END_PATIENCE_S = 10.0
"""How long a worker that has told its outcome may take to leave."""

WATCH_S = 0.5
"""How long the controller may sleep: it has samplers to watch."""

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
    audits: list[Quality] = field(default_factory=list)
    sweep: list[BatchRate] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    outcome: Outcome | None = None
    detail: str | None = None
    peak_memory_bytes: int | None = None
    power_w: dict[str, float] = field(default_factory=dict)  # of each rail, for the window to come
    powers: list[tuple[Window, dict[str, float]]] = field(default_factory=list)
    told: bool = False  # the worker has said how it ended, and will leave by itself
    stage_end_s: float = field(default_factory=lambda: time.monotonic() + START_LIMIT_S)


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt, what measuring it cost, and where its clock stood: it joins meters that are read afterwards."""

    attempt: Attempt
    cost: Cost
    origin_ns: int
    clock: tuple[tuple[int, float], ...]


class Turns(Protocol):
    """Who wants to do something as each window opens."""

    def open(self, number: int) -> None: ...


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
    batches: tuple[int, ...] = (),
    turns: Turns | None = None,
) -> Told:
    """Carry one attempt out until its worker ends or `end_s` (CLOCK_MONOTONIC, seconds) comes.

    Of `batches` the worker chooses before its windows; where there are none the cell's own stands.

    `meters` are the run's, with the update periods its first session measured: joules follow from these alone.

    The worker is gone when this returns or raises.
    """
    job: Frame = {
        "cell": cell.model_dump(mode="json"),
        "batches": batches,
        "windows": windows,
        "window_s": window_s,
    }
    story, child = Story(), Child("suite.worker", job, log)
    costs = CostMeter(recorder, child.process.pid)
    try:
        _listen(child, story, costs, end_s, recorder, listener, turns)
    finally:
        status = child.end(patience_s=END_PATIENCE_S if story.told else 0.0)
    if story.outcome is None:
        story.outcome, story.detail = _explain_end(status, log)
    judge(story)
    recorder.record_until(story.origin_ns + (story.windows[-1].end_ns if story.windows else 0))
    clock = recorder.tape.clock(story.origin_ns)
    return Told(_attempt(story, meters, recorder, costs.cost), costs.cost, story.origin_ns, clock)


def _listen(
    child: Child,
    story: Story,
    costs: CostMeter,
    end_s: float,
    recorder: Recorder,
    listener: Listener,
    turns: Turns | None,
) -> None:
    while story.outcome is None:
        limit_s = min(end_s, story.stage_end_s)
        wait_s = min(WATCH_S, max(0.0, limit_s - time.monotonic()))
        ready = select.select([child.descriptor, *recorder.descriptors], [], [], wait_s)[0]
        recorder.pump(ready)
        if child.descriptor in ready:
            try:
                frames = child.read()
            except BrokenFrame as problem:
                story.outcome, story.detail = "crash", f"the worker sent garbage: {problem}"
                return
            if frames is None:
                return
            for frame in frames:
                _hear(frame, story, costs, listener, turns)
        if time.monotonic() >= limit_s and story.outcome is None:
            _give_up(story, by_budget=limit_s == end_s)


def _hear(frame: Frame, story: Story, costs: CostMeter, listener: Listener, turns: Turns | None) -> None:
    if turns is not None and frame["kind"] == "begin" and frame["name"] == "window":
        turns.open(len(story.windows))
    costs.follow(frame)
    _take(frame, story, listener)


_LISTS: dict[str, Callable[[Story, dict[str, Any]], None]] = {
    "stage": lambda story, fields: story.stages.append(Stage(**fields)),
    "audit": lambda story, fields: story.audits.append(Quality(**fields)),
    "batch": lambda story, fields: story.sweep.append(BatchRate(**fields)),
}
"""Frames that add one to a list."""


def _take(frame: Frame, story: Story, listener: Listener) -> None:
    fields = {name: value for name, value in frame.items() if name != "kind"}
    match frame["kind"]:
        case "origin":
            story.origin_ns = fields["at_ns"]
        case "begin":
            story.stage_end_s = time.monotonic() + fields["limit_s"]
            listener.stage(fields["name"])
        case "stage" | "audit" | "batch" as kind:
            _LISTS[kind](story, fields)
        case "quality":
            story.quality = Quality(**fields)
        case "rails":
            story.power_w = fields["power_w"]
        case "window":
            story.windows.append(Window(**fields))
            story.powers.append((story.windows[-1], story.power_w))
            story.power_w = {}
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


def judge(story: Story) -> None:
    """What was not the work stays so however the attempt ended: cut short, killed, before the worker could say it."""
    judged = (*(() if story.quality is None else (story.quality,)), *story.audits)
    outside = next((one for one in judged if not one.holds), None)
    if outside is not None and story.outcome != "quality":
        story.outcome, story.detail = "quality", f"not the work: {outside.name} is {outside.value:.3g}"


def _explain_end(status: int | None, log: Path) -> tuple[Outcome, str]:
    if status is None:
        return "crash", "hangs in a driver and cannot be killed: it is left behind"
    if status == -signal.SIGKILL:
        return "oom", "killed by the system, most likely for want of memory"
    if status < 0:
        return "crash", f"ended by {signal.Signals(-status).name}; its log is {log.name}"
    return "crash", f"exit status {status} without a result; its log is {log.name}"


def _attempt(story: Story, meters: tuple[Meter, ...], recorder: Recorder, cost: Cost) -> Attempt:
    """What is kept: the ticks of the attempt, thinned, what happened meanwhile, and the joules that follow."""
    assert story.outcome is not None
    last_ns = max([stage.end_ns for stage in story.stages] + [window.end_ns for window in story.windows], default=0)
    span = story.origin_ns, story.origin_ns + last_ns, story.origin_ns
    told = [Window(stage.start_ns, stage.end_ns, 0) for stage in story.stages]
    ticks = (*thinned(recorder.tape.cut(*span), [*story.windows, *told]), *_rail_ticks(story, meters))
    happened, conditions = what_happened(recorder.tape, *span, workers=1)
    events = tuple(plain_event(event) for event in (*happened, *cost.events))
    return Attempt(
        outcome=story.outcome,
        detail=plain_line(story.detail) if story.detail else None,
        sweep=tuple(story.sweep),
        stages=tuple(story.stages),
        windows=tuple(story.windows),
        ticks=ticks,
        events=events,
        conditions=conditions,
        energies=energies(meters, ticks, story.windows, events),
        quality=story.quality,
        audits=tuple(story.audits),
        peak_memory_bytes=story.peak_memory_bytes,
        notes=tuple(plain_line(note) for note in recorder.notes),
    )


def _rail_ticks(story: Story, meters: tuple[Meter, ...]) -> tuple[Ticks, ...]:
    """What the worker's own profiler said of each window's power."""
    return rail_ticks(
        [
            (index, [(window, powers[meter.domain]) for window, powers in story.powers if meter.domain in powers])
            for index, meter in enumerate(meters)
            if meter.method == "rails"
        ]
    )


def plain_event(event: Event) -> Event:
    return replace(event, detail=None if event.detail is None else plain_line(event.detail))


def plain_line(text: str) -> str:
    """One printable line without anybody's folders in it: it will be published."""
    line = re.sub(r"[^\x20-\x7e]+", " ", text)
    line = re.sub(r"(?:/[\w.@+-]+)+/([\w.@+-]+)", r"\1", line)
    return line.strip()[:250]
