"""The controller's line to one sampler process: its frames go onto the tape, its silence and its death are mended."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from suite.processes import BrokenFrame, Child, Frame, cpu_s
from suite.record import MissingMeter
from suite.tape import Tape
from suite.trace import Event, Meter

SILENT_S = 1.0
"""A sampler speaks every half second: after two of these it is silent."""

HUNG_S = 5.0
"""A sampler silent for so long hangs in a driver and is replaced. Until then it may only be short of CPU time."""

MOST_RESTARTS = 3


class Link:
    """One sampler and its successors. Its meters stand on the tape from `first` on."""

    def __init__(self, job: Frame, tape: Tape, log: Path) -> None:
        self._job, self._tape, self._log = job, tape, log
        self.first = 0
        self.meters: tuple[Meter, ...] | None = None
        self.rails: tuple[Frame, ...] = ()
        self.missing: tuple[MissingMeter, ...] = ()
        self.notes: list[str] = []
        self.peak_memory_bytes = 0
        self.paused = False
        self.alive = True
        self._ending = False
        self._restarts = 0
        self._lost_since_ns = 0
        self._past_cpu_s = 0.0
        self._start()

    def _start(self) -> None:
        self._child = Child("suite.sampler", self._job, self._log)
        self._process = psutil.Process(self._child.process.pid)
        self._named = False
        self._heard_s = time.monotonic()
        self._told_silent = False

    @property
    def descriptor(self) -> int:
        """Readable when there is something to pump()."""
        return self._child.descriptor

    def pump(self) -> None:
        """Take in the frames that have arrived."""
        try:
            frames = self._child.read()
        except BrokenFrame as problem:
            self._replace(f"the sampler sent garbage: {problem}")
            return
        if frames is None:
            if self._ending:
                self.end()
            else:
                self._replace("the sampler died")
            return
        self._heard_s, self._told_silent = time.monotonic(), False
        for frame in frames:
            self._take(frame)

    def watch(self) -> None:
        """Notice silence; replace a sampler that hangs. A sampler that has not named its meters yet is starting."""
        silent_s = time.monotonic() - self._heard_s
        if not self.alive or self.paused or not self._named:
            return
        if silent_s > HUNG_S:
            self._replace("the sampler hung")
        elif silent_s > SILENT_S and not self._told_silent:
            self._told_silent = True
            self.notes.append("the sampler fell silent for over a second")

    def _take(self, frame: Frame) -> None:
        match frame["kind"]:
            case "ticks":
                for series in frame["series"]:
                    self._tape.series[self.first + series["meter"]].add(series["at_ns"], series["energy_uj"])
            case "meters":
                self._meters(frame)
            case "event":
                fields = {name: value for name, value in frame.items() if name not in ("kind", "meter")}
                self._tape.events.append(Event(meter=self.first + frame["meter"], **fields))
            case "conditions":
                self._tape.looks.append((frame["domain"], frame["at_ns"], frame["values"]))
            case "end":
                self.peak_memory_bytes = max(self.peak_memory_bytes, frame["peak_memory_bytes"])

    def _meters(self, frame: Frame) -> None:
        self._named = True
        if self.meters is None:
            self.meters = tuple(Meter(**meter) for meter in frame["meters"])
            self.rails = tuple(frame["rails"])
            self.missing = tuple(MissingMeter(**missing) for missing in frame["missing"])
            self._tape.expect(self.first + len(self.meters))
        elif [meter["domain"] for meter in frame["meters"]] == [meter.domain for meter in self.meters]:
            self._lost("answers again")
        else:
            self.notes.append("other meters answered after the sampler was started again")
            self.end()

    def _replace(self, why: str) -> None:
        """The sampler is gone or useless: what it metered is unknown from its last word until its successor's first.

        One that cannot be killed has no successor, which would only hang in the same driver.
        """
        self.notes.append(why)
        self._lost_since_ns = int(self._heard_s * 1e9)
        self._lost(why)
        self._past_cpu_s += cpu_s(self._process)
        stuck = self._child.end() is None
        if stuck:
            self.notes.append("the sampler cannot be killed: it is left behind, and its meters with it")
        self._restarts += 1
        if stuck or self.meters is None or self._restarts > MOST_RESTARTS:
            self.alive = False
        else:
            self._start()

    def _lost(self, why: str) -> None:
        now_ns = time.monotonic_ns()
        for meter in range(self.first, self.first + len(self.meters or ())):
            self._tape.restart(meter)
            self._tape.events.append(
                Event(code="meter_lost", start_ns=self._lost_since_ns, end_ns=now_ns, meter=meter, detail=why)
            )

    def pause(self, *, paused: bool) -> None:
        """Stop or resume reading; used to measure what metering costs."""
        self.paused = paused
        self._heard_s = time.monotonic()
        if self.alive:
            self._child.tell("pause" if paused else "resume")

    def cpu_s(self) -> float:
        """CPU seconds used by this sampler and those before it."""
        return self._past_cpu_s + (cpu_s(self._process) if self.alive else 0.0)

    def ask_to_end(self) -> None:
        self._ending = True  # its end is no accident from here on
        if self.alive:
            self._child.ask_to_end()

    def end(self) -> None:
        if self.alive:
            self._child.end()
        self.alive = False
